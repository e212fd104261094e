//! The scenarios, one file per theme; `scenarios.md` has them by name. One program: what waits in one
//! file does not hold up another.

// A scenario that cannot go on has failed: the panic is its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod admin_consent;
mod answers;
mod application;
mod bound_tokens;
mod browser;
mod challenges;
mod changes;
mod client;
mod device;
mod dialects;
// What the documents say is typed into a shell of Unix.
#[cfg(unix)]
mod documentation;
#[cfg(unix)]
mod examples;
mod explain;
mod library;
#[cfg(unix)]
mod links;
mod login;
mod login_options;
mod logout;
mod loopback;
#[cfg(unix)]
mod microsoft_page;
mod names;
// Only there a file of the environment says whom to trust.
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod odd_home;
mod output;
mod presets;
mod protected_resources;
mod providers;
#[cfg(unix)]
mod providers_page;
#[cfg(unix)]
mod reader;
mod refresh;
mod refresh_faults;
mod refused;
mod registration;
mod reliability;
mod resources;
mod scopes;
mod store;
mod throttling;
mod token;
