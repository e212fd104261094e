//! The stage of the scenarios: a scripted authorization server, a store of its own whose provider points
//! at that server, and a person with a browser.
//!
//! | file | holds |
//! |---|---|
//! | `stage` | the server, the store, the command line between them |
//! | `under_way` | a login that waits for its person |
//! | `person` | what a person and a browser do, for tests that look at each step |
//! | `failure` | how a command says that it failed |
//!
//! The scenarios are in `tests/`, one file per theme, all in one program; `scenarios.md` names them. The
//! same scenario has the same name in every language.
//!
//! May not enter: a sleep. What is waited for is a line, an exit, or an entry in the server's journal.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::future::Future;

mod failure;
pub mod person;
mod stage;
mod under_way;

pub use failure::{Failure, fails};
pub use stage::{CLIENT_ID, Stage, until};
pub use under_way::{UnderWay, is_closed};

/// Runs a program's async part to its end.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
