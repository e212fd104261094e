//! What must hold after whatever happened: the store opens, each record is whole, nothing is open to others, the lock
//! is free, and whoever asks next gets a token or is told to log in.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use authorization_server::fingerprint;
use tokenkeep_behaviour::fails;
use tokenkeep_test_support::files_below;

use crate::bench::{Bench, OTHER, snapshot};
use crate::trace::Trace;

/// The sealed files, by path and content.
pub type Records = Vec<(PathBuf, Vec<u8>)>;

/// Which of its states the struck connection's record was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As before the run, to the byte.
    Old,
    /// With the marker of the refresh that was under way.
    Marked,
    /// As the run would have left it.
    New,
}

/// What the next caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A token that works, and whose refresh token works.
    Token,
    /// `login_required`, with this reason.
    LoginRequired(String),
}

/// The store at rest: as [`store_is_open`] says, and every lock is free.
#[track_caller]
pub fn store_is_sound(bench: &Bench) {
    let locks = std::fs::read_dir(bench.store().join("locks")).into_iter().flatten();
    for lock in locks {
        let path = lock.expect("a folder can be listed").path();
        let lock = File::open(&path).expect("a lock file can be opened");
        assert!(lock.try_lock().is_ok(), "{} is held", path.display());
    }
    store_is_open(bench);
}

/// The store, also while others are at work in it: it opens, it is private, and nothing was ever damaged.
#[track_caller]
pub fn store_is_open(bench: &Bench) {
    for (path, content) in snapshot(&bench.store()) {
        // The definitions are the user's own, and hold no secret.
        if path.components().any(|part| part.as_os_str() == "providers") {
            continue;
        }
        assert!(!path.to_string_lossy().contains(".corrupt-"), "{} was damaged", path.display());
        // A temporary file may have got its real name by now.
        let Ok(found) = std::fs::symlink_metadata(&path) else { continue };
        let (mode, wanted) = (found.mode() & 0o777, if content.is_some() { 0o600 } else { 0o700 });
        assert_eq!(format!("{mode:o}"), format!("{wanted:o}"), "{}", path.display());
    }
    // Each record is opened, and one that is not whole is an error.
    bench.run(&["list", "--json"]).ok();
}

/// Finds the one record that changed among those that it may be: before the run, and what the run wrote, of which the
/// first `markers` are not its last word.
#[track_caller]
pub fn record_is_whole(before: &Records, after: &Records, run: &Trace, markers: usize) -> Found {
    let mut written = run.calls.iter().filter(|call| {
        call.name == "write"
            && call.path.file_name().is_some_and(|name| name.to_string_lossy().contains(".sealed."))
    });
    let gone = sealed(before).find(|(path, _)| !after.iter().any(|(found, _)| found == path));
    assert!(gone.is_none(), "{:?} is gone", gone.map(|(path, _)| path));
    let changed: Vec<_> = sealed(after).filter(|file| !before.contains(file)).collect();
    match &changed[..] {
        [] => Found::Old,
        [(path, content)] => match written.position(|write| write.bytes == *content) {
            Some(nth) if nth < markers => Found::Marked,
            Some(_) => Found::New,
            None => panic!("{} is neither old nor new", path.display()),
        },
        more => panic!("{} records changed", more.len()),
    }
}

/// Asks as the next caller does: whatever is at hand, then a new token, which shows whether the login is alive.
#[track_caller]
pub fn next_caller(bench: &Bench) -> Next {
    let provider = bench.stage.provider;
    let known = bench.stage.server.journal().entries();
    let issued = |token: &str| {
        let token = fingerprint(token.trim_end());
        known.iter().any(|entry| entry.outcome.issued.get("access_token") == Some(&token))
    };
    // The old one or the new one: either works for an hour.
    let run = bench.run(&["token", provider, "--json"]).ok();
    assert!(issued(run.json()["access_token"].as_str().unwrap_or_default()), "{run:#?}");
    let run = bench.run(&["token", provider, "--force-refresh", "--json"]);
    if run.code == 0 {
        let token = run.json()["access_token"].as_str().unwrap_or_default().to_owned();
        assert_eq!(bench.stage.resource(&token), 200, "{run:#?}");
        return Next::Token;
    }
    Next::LoginRequired(fails(&run, "login_required").text("reason").to_owned())
}

/// The other connection is what it was, and works.
#[track_caller]
pub fn other_is_untouched(bench: &Bench) {
    bench.run(&["token", bench.stage.provider, "--connection", OTHER]).ok();
}

/// All files of the records.
pub fn records(bench: &Bench) -> Records {
    let mut found = files_below(&bench.store().join("records"));
    found.sort();
    found
}

fn sealed(records: &Records) -> impl Iterator<Item = &(PathBuf, Vec<u8>)> {
    records.iter().filter(|(path, _)| is_sealed(path))
}

/// A record, and not the leftover of a writer that was killed.
fn is_sealed(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|end| end == "sealed")
}
