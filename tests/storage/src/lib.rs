//! What the storage tests share: commands in somebody else's skin, and file systems of one test.
//!
//! | file | holds |
//! |---|---|
//! | `around` | a command inside another one: another user, another clock, another kernel's answer |
//! | `users` | users with homes of their own, on one machine |
//! | `mounted` | a small file system that is gone with its test |
//! | `bin/many-connections` | a store with thousands of connections |
//!
//! The tests are in `tests/`, one file per kind of abuse. Most need Linux and root: to mount, to be another user,
//! to be in another time. May not enter: a sleep.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(target_os = "linux")]
mod around;
#[cfg(target_os = "linux")]
mod mounted;
#[cfg(target_os = "linux")]
mod users;

#[cfg(target_os = "linux")]
pub use around::{around, as_user, strace};
#[cfg(target_os = "linux")]
pub use mounted::Mounted;
#[cfg(target_os = "linux")]
pub use users::Users;
