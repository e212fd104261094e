//! What the end-to-end tests share: a home of its own for each, the command line as a person types it,
//! and programs (servers, people) that end with the test that started them.
//!
//! A test that lacks something fails and says what to run; nothing is skipped but Swift, where `make setup` said that
//! there is none.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod certificate;
mod command;
mod date;
mod home;
mod scale;
mod server;

pub use certificate::client_certificate;
pub use command::{Run, Running, files_below, run, signal, spawn};
pub use date::seconds_since_1970;
pub use home::Home;
pub use scale::{report, scaled};
pub use server::{Server, request};

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().expect("the repository is there")
}

/// A program of this workspace, built beforehand by `make`.
pub fn program(name: &str) -> PathBuf {
    // target/<profile>/deps/<this test>: the programs are two folders up.
    let this_test = std::env::current_exe().expect("a test knows its own path");
    let folder = this_test.parent().and_then(Path::parent).expect("a test lies in target/<profile>/deps");
    let path = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.is_file(), "{} is not built: run `cargo build --workspace --bins`", path.display());
    path
}

/// Writes a script that can be run. A process of its own writes it: what this one had open for writing could
/// not be started ("text file busy") while a child of another test still holds a copy.
pub fn write_program(path: &Path, script: &str) {
    let write = "printf %s \"$2\" >\"$1\" && chmod 755 \"$1\"";
    let written = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
    assert!(written.expect("sh is there").success(), "{} cannot be written", path.display());
}

/// A path that `scripts/setup-tests.sh` found out.
pub fn tool(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => panic!(
            "{variable} is not set: run `make test`, or scripts/setup-tests.sh and then \
                        `. target/test-env/env.sh`"
        ),
    }
}

/// True where Swift is: on every machine that tests what is pushed.
pub fn has_swift() -> bool {
    let tried = Command::new(root().join("scripts/swift.sh")).arg("true").stderr(Stdio::null()).status();
    tried.expect("bash is there").success()
}
