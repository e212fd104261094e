//! What the bindings share, so that each of them only converts, calls, converts.
//!
//! A call is a verb and a request; its answer is a record. Both are JSON values, with the same names in every language
//! ([`Request`] and `records`); a binding turns them into the objects of its language and knows no field of them.
//!
//! | file | holds |
//! |---|---|
//! | `verbs` | the calls of a broker, by name |
//! | `changes` | the changes of the connections |
//! | `request` | what a call is given |
//! | `records` | what it answers |
//! | `errors` | the core's errors as records |
//! | `interaction` | the person, behind an object of another language |
//! | `work` | the runtime of the process; work that can be given up |
//! | `lives` | a broker through forks, and to the end of the process |
//!
//! Times are seconds since the epoch, durations are seconds, what is absent is null. May not enter: a default, a check,
//! a text. They are the core's.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod changes;
mod errors;
mod interaction;
mod lives;
mod records;
mod request;
mod verbs;
mod work;

pub use changes::Changes;
pub use errors::record as error_record;
pub use interaction::{Person, default_answer};
pub use lives::{Life, Lives, close_all};
pub use request::{Opening, Request, Scopes, Seconds};
pub use verbs::{Verb, ask, begin_login, finish_login, login, token, token_after_refusal};
pub use work::{Started, forked, has_begun, off_thread, start, wait};
