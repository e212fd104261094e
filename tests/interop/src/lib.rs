//! What the interop tests share: servers written by others, started for one test and gone with it, and
//! the person in front of them. The tests drive the real command line; nothing of the product is linked but into
//! `mcp-client`, which another's suite drives.
//!
//! | file | holds |
//! |---|---|
//! | `oidc_provider` | oidc-provider (Node), with its journal and its faults |
//! | `documents` | client id metadata documents on an https origin |
//! | `django` | django-oauth-toolkit (Python), the one with a grace period |
//! | `mcp` | the conformance suite of the Model Context Protocol |
//! | `journal` | what a server counted |
//! | `certificates` | a CA of one test, with leaves that are right or wrong |
//! | `person` | the person: what they read on the terminal, and what they do with it |
//! | `secret_service` | gnome-keyring on a bus of its own |

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod certificates;
mod django;
mod documents;
mod journal;
pub mod mcp;
mod oidc_provider;
mod person;
mod secret_service;

pub use certificates::{Certificates, Leaf};
pub use django::Django;
pub use documents::Documents;
pub use journal::Journal;
pub use oidc_provider::{OidcProvider, Userinfo};
pub use person::{Person, authorization_url, device_authorization, log_in, start_login};
pub use secret_service::SecretService;

use std::path::{Path, PathBuf};
use std::process::Command;

use tokenkeep_test_support::{Home, run};

/// The secret of the client `confidential-basic` (oidc-provider) and `confidential` (Django): raw in
/// base64 it is refused, because RFC 6749 2.3.1 wants it form-encoded first.
pub const SPECIAL_SECRET: &str = "s3cret:with%special+chars &=";

/// A file of this folder, `tests/interop/`.
pub fn file(name: &str) -> PathBuf {
    tokenkeep_test_support::root().join("tests/interop").join(name)
}

/// A path as text. The paths of this repository and of temporary folders are plain.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// The access token of the connection `oidc`.
#[track_caller]
pub fn token(home: &Home) -> String {
    home.run(["token", "oidc"]).ok().stdout.trim().to_owned()
}

/// Copies a folder to a place where nothing is yet, with the modes of its files.
#[track_caller]
pub fn copy_folder(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").args([from, to]), "").ok();
}
