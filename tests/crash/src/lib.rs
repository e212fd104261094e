//! Killed, out of disk, without power: at every step of a refresh and a login, the store is whole.
//!
//! | file | holds |
//! |---|---|
//! | `call` | a system call: its name, its files, what came of it |
//! | `trace` | a program run call by call: watched, killed at the n-th, or told that it failed |
//! | `sweep` | the same run struck at every point, two at a time |
//! | `bench` | a server of one of three kinds, and a store with two connections |
//! | `invariant` | what must hold after whatever happened |
//! | `disk` | what a loss of power can leave of what was written |
//!
//! The tracer reads the registers of Linux on x86-64. Elsewhere this crate is empty, and its one test says so and fails.
//!
//! May not enter: a sleep, except as the random time of a kill that comes at random.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bench;
mod call;
mod disk;
mod invariant;
mod sweep;
mod trace;

pub use bench::{Bench, Kind, OTHER, Snapshot, restore, snapshot};
pub use call::{Call, Point};
pub use disk::Disk;
pub use invariant::{
    Found, Next, Records, next_caller, other_is_untouched, record_is_whole, records, store_is_open,
    store_is_sound,
};
pub use nix::errno::Errno;
pub use sweep::{Target, targets, two_at_a_time};
pub use trace::{Plan, Trace, trace};
