//! Token endpoints and networks at their worst, and a login among strangers: what stands between the command
//! line and its server here, and what every failure is held to.
//!
//! | file | holds |
//! |---|---|
//! | `endpoint` | a token endpoint of raw bytes: what each connection is sent, and how it ends |
//! | `script` | such a connection, step by step |
//! | `scene` | a provider whose token endpoint it is, and the proof of one hostile answer |
//! | `impostor` | a server of the stranger's own, and all that came to it |
//! | `tls` | the certificates that such an endpoint shows |
//! | `name_server` | a name server of one's own, for one command, and an endpoint that has a name |
//!
//! The cases are in `tests/`, one file per theme, all in one program.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod endpoint;
mod impostor;
mod name_server;
mod scene;
mod script;
mod tls;

pub use endpoint::{Endpoint, Plug};
pub use impostor::Impostor;
pub use name_server::{Named, Says};
pub use scene::{AT_MOST, Scene, Trial, failed_plainly};
pub use script::{Act, Request};
pub use tls::{hello_of_tls_1_1, self_signed, server_config};
