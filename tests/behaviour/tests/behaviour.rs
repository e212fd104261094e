//! The scenarios, one file per theme; `scenarios.md` has them by name. One program: what waits in one
//! file does not hold up another.

// A scenario that cannot go on has failed: the panic is its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod browser;
mod challenges;
mod changes;
mod client;
mod device;
mod documentation;
mod examples;
mod library;
mod links;
mod login;
mod logout;
mod loopback;
mod names;
mod network;
mod output;
mod providers;
mod reader;
mod refresh;
mod refresh_faults;
mod refused;
mod reliability;
mod scopes;
mod store;
mod throttling;
mod token;
