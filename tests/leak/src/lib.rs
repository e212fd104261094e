//! Looks for secrets where they must not be. Not planted words: the real tokens, codes, verifiers and
//! secrets of each run, read off the wire between Tokenkeep and its server.
//!
//! | file | holds |
//! |---|---|
//! | `canaries` | what is looked for, and the looking |
//! | `tap` | the wire: a relay that reads along, and can answer in the server's place |
//! | `scene` | a server, a tap, a home, and the command line in it; every trace it leaves is kept |
//! | `watch` | arguments and environment of a process and of its children, while they run |
//!
//! A run without canaries proves nothing, so a scene says which kinds it must have seen.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod canaries;
mod scene;
mod tap;
mod watch;

pub use canaries::Canaries;
pub use scene::{Scene, Stdout};
pub use tap::{Answer, Asked, Tap};
pub use watch::Watch;
