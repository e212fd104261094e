//! The cases, one file per theme. One program: what waits in one file does not hold up another.

// A case that cannot go on has failed: the panic is its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod absence;
mod bodies;
mod certificates;
mod floods;
mod framing;
mod mix_up;
mod names;
mod pauses;
mod people;
mod proxies;
mod redirects;
mod resets;
mod strangers;
