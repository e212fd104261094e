//! Tokenkeep for Swift: convert, call the core, convert back. Nobody sees this module but the Swift beside it, which
//! makes values, dates and errors of what is answered here.
//!
//! | file | holds |
//! |---|---|
//! | `broker` | the calls of a broker |
//! | `call` | a call that waits, and can be given up |
//! | `hosts` | where a token may go |
//! | `interaction` | a person that Swift talks to |
//! | `types` | what crosses the border |
//!
//! Requests and records cross as JSON; a token, of which a microsecond counts, as an object. May not enter: a default,
//! a check, a text. They are the core's.

mod broker;
mod call;
mod hosts;
mod interaction;
mod types;

uniffi::setup_scaffolding!("TokenkeepNative");
