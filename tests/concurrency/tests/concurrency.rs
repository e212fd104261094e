//! Processes and threads race for one grant: one refresh, whatever the mix. The cases R1 to R11 of
//! docs/reliability.md; R6 and R7 are raced here, and told step by step in `tests/behaviour`. R8, a fork, is
//! the affair of languages that fork.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bound_tokens;
mod connections;
mod holder;
mod one_refresh;
mod resources;
mod valid_token;
