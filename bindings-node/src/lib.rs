//! Tokenkeep for Node: convert, call the core, convert back. Nobody sees this module but the TypeScript beside it, which
//! makes classes, dates and exceptions of what is answered here.
//!
//! | file | holds |
//! |---|---|
//! | `asked` | what a program asks for again and again |
//! | `broker` | the calls of a broker |
//! | `call` | a call that waits: its promise, and its end |
//! | `hosts` | where a token may go |
//! | `interaction` | a person that JavaScript talks to |
//! | `types` | what crosses the border |
//!
//! A failure is answered, not thrown: what Node-API throws has no code, help or cause. May not enter: a default, a
//! check, a clock or a text. They are the core's.

// `clippy --all-targets` looks at it as a test as well, where the macros export nothing.
#![cfg_attr(test, allow(dead_code))]

mod asked;
mod broker;
mod call;
mod hosts;
mod interaction;
mod types;

use napi_derive::napi;

/// The command line. `arguments` begins with the program's name; what is returned is the exit code.
#[napi(catch_unwind)]
pub fn main(arguments: Vec<String>) -> u8 {
    tokenkeep_cli::main(arguments.into_iter().map(Into::into))
}
