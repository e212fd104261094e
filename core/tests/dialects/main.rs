//! Each dialect as an exchange that was written down: what is sent, to the letter, what comes back, and what comes of it.
//!
//! A vector is `tests/vectors/dialects/NAME.json`; its `file` names the provider's file that it is about, from the
//! root of the repository: `core/providers/NAME.toml` for a bundled provider, or a file beside the vector. The driver
//! reads that file, sends every `https://HOST/PATH` of its endpoints to `http://127.0.0.1:PORT/~HOST/PATH`, where
//! a server plays the vector, and runs a login, a refresh and a logout through the library's own calls. Before the refresh
//! the provider's file is removed: a record knows all that it needs.
//!
//! To hold a bundled provider to its dialect, write a vector whose `file` is its own. Nothing has to be said about
//! hosts: a request that a vector expects has its real address, `https://HOST/PATH`.
//!
//! | file | holds |
//! |---|---|
//! | `vector` | the form of a vector |
//! | `stand_in` | the server that plays it |
//! | `bundled` | the bundled providers, each by a row of a table |
//! | `pasted` | a redirect that nobody listens on |
//! | `play` | a login, a refresh and a logout, compared with it |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where it cannot go on"
)]

mod bundled;
mod pasted;
mod play;
mod stand_in;
mod vector;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_is_spoken_as_it_was_written_down() {
    let folder = fs::read_dir(root().join("tests/vectors/dialects")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let vectors: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    assert!(!vectors.is_empty());
    // All at once: a device code flow waits for its interval.
    let running: Vec<_> =
        vectors.into_iter().map(|path| (path.clone(), tokio::spawn(play::play(path)))).collect();
    let mut failed = Vec::new();
    for (path, played) in running {
        if played.await.is_err() {
            failed.push(path.file_name().unwrap().to_owned());
        }
    }
    assert!(failed.is_empty(), "not as written down: {failed:?}; what differs stands above");
}
