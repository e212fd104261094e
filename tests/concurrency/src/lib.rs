//! The stage of the races: processes of several kinds that ask for one token at one moment, over and over.
//!
//! | file | holds |
//! |---|---|
//! | `call` | what one call brought, and the figures of many |
//! | `racers` | the processes: workers that live on, and command lines that are started anew |
//! | `bin/token-worker` | a worker in Rust: threads that share a broker, and the lines that every worker speaks |
//! | `workers/` | the same in Python and Node, with the packages as they are installed |
//!
//! May not enter: a server. The tests bring their own.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod call;
mod racers;

pub use call::{Call, Calls};
pub use racers::{Kind, Racers, Worker};
