//! What the storage tests share: commands in somebody else's skin, and file systems of one test.
//!
//! | file | holds |
//! |---|---|
//! | `around` | a command inside another one: another user, another clock, another kernel's answer |
//! | `users` | users with homes of their own, on one machine |
//! | `mounted` | a small file system that is gone with its test |
//! | `bin/many-connections` | a store with thousands of connections |
//!
//! The tests are in `tests/`, one file per kind of abuse. They need root: to mount, to be another user, to be in
//! another time. May not enter: a sleep.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod around;
mod mounted;
mod users;

pub use around::{around, as_user, strace};
pub use mounted::Mounted;
pub use users::Users;
