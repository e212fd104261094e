//! C4: a loss of power at any moment of a refresh, a login and a logout, whatever the disk had kept by then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use authorization_server::fingerprint;
use tokenkeep_crash::{
    Bench, Call, Disk, Kind, Next, OTHER, Plan, Snapshot, Trace, next_caller, records, restore, snapshot,
    store_is_sound,
};
use tokenkeep_test_support::{report, scaled};

/// What is recorded of a run, and every state that its disk may be found in.
struct Recording {
    run: Trace,
    disk: Disk,
    /// The struck connection's record, where it is or will be.
    record: PathBuf,
    /// What the run wrote to the record, in order.
    written: Vec<Vec<u8>>,
}

impl Recording {
    /// Runs the command line to its end and writes down what it did.
    fn new(bench: &Bench, arguments: &[String]) -> Recording {
        let (before, known) = (snapshot(&bench.store()), records(bench));
        let run = bench.trace(arguments, Plan::Watch);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let after = records(bench);
        let changed = after.iter().find(|file| !known.contains(file));
        let gone = known.iter().find(|(path, _)| !after.iter().any(|(found, _)| found == path));
        let record = changed.or(gone).expect("the run changed a record").0.clone();
        let of_record =
            |call: &&Call| call.path.to_string_lossy().contains(".sealed") && call.name == "write";
        let written = run.calls.iter().filter(of_record).map(|call| call.bytes.clone()).collect();
        Recording { disk: Disk::new(bench.stage.home.path(), &before), run, record, written }
    }

    /// Shows `at` each call, and what may be found of the record when it is made; all states of the folder.
    fn walk(&self, mut at: impl FnMut(&Call, &Contents)) -> BTreeSet<Snapshot> {
        let mut disk = self.disk.clone();
        let mut states = disk.states();
        let mut all = BTreeSet::new();
        for call in &self.run.calls {
            let found = states.iter().map(|state| content_of(state, &self.record)).collect();
            at(call, &found);
            disk.apply(call);
            if !call.name.is_empty() {
                states = disk.states();
                all.extend(states.iter().cloned());
            }
        }
        all
    }
}

/// What may be found of a file; `None` where it is not there.
type Contents = BTreeSet<Option<Vec<u8>>>;

fn content_of(state: &Snapshot, record: &Path) -> Option<Vec<u8>> {
    state.iter().find(|(path, _)| path == record).and_then(|(_, content)| content.clone())
}

#[test]
fn refresh() {
    let started = Instant::now();
    let bench = Bench::new(Kind::Strict);
    let (old, other) = (token(&bench, &[]), token(&bench, &["--connection", OTHER]));
    let recording = Recording::new(&bench, &bench.refresh_arguments());
    let new = token(&bench, &[]);
    let [marked, rotated] = &recording.written[..] else { panic!("a marker and an answer") };
    let (mut sends, mut results) = (0, 0);
    let states = recording.walk(|call, found| {
        if is_a_send(call) {
            sends += 1;
            // Who comes after the loss has to know that the refresh token may have been used.
            assert_eq!(*found, only(marked), "the request leaves, and the marker may be lost");
        }
        if is_the_result(call) {
            results += 1;
            assert_eq!(*found, only(rotated), "the token is out, and its refresh token may be lost");
        }
    });
    assert!(sends > 0 && results == 1, "{sends} sends, {results} results");
    for state in &states {
        open(&bench, state);
        assert!([&old, &new].contains(&&token(&bench, &[])), "a token that nobody gave");
        assert_eq!(token(&bench, &["--connection", OTHER]), other);
    }
    tell("refresh", &recording, &states, started);
}

#[test]
fn login_over_a_login() {
    let started = Instant::now();
    let bench = Bench::new(Kind::Strict);
    let (old, other) = (token(&bench, &[]), token(&bench, &["--connection", OTHER]));
    let recording = Recording::new(&bench, &bench.login_arguments());
    let new = token(&bench, &[]);
    let states = states_of_a_login(&recording);
    for state in &states {
        open(&bench, state);
        assert!([&old, &new].contains(&&token(&bench, &[])), "a token that nobody gave");
        assert_eq!(token(&bench, &["--connection", OTHER]), other);
    }
    tell("login over a login", &recording, &states, started);
}

#[test]
fn first_login() {
    let started = Instant::now();
    let bench = Bench::first();
    let recording = Recording::new(&bench, &bench.login_arguments());
    let states = states_of_a_login(&recording);
    for (nth, state) in states.iter().enumerate() {
        open(&bench, state);
        token_or_not_connected(&bench);
        if nth % scaled(8, 1) == 0 {
            bench.stage.login(&[]).ok();
            assert_eq!(next_caller(&bench), Next::Token);
        }
    }
    tell("first login", &recording, &states, started);
}

#[test]
fn logout() {
    let started = Instant::now();
    let bench = Bench::new(Kind::Strict);
    let other = token(&bench, &["--connection", OTHER]);
    let arguments = ["logout", bench.stage.provider, "--connection", "default", "--json"].map(str::to_owned);
    let recording = Recording::new(&bench, &arguments);
    let mut results = 0;
    let states = recording.walk(|call, found| {
        if is_the_result(call) {
            results += 1;
            assert_eq!(*found, BTreeSet::from([None]), "it is said to be gone, and may come back");
        }
    });
    assert_eq!(results, 1);
    for state in &states {
        open(&bench, state);
        token_or_not_connected(&bench);
        assert_eq!(token(&bench, &["--connection", OTHER]), other);
    }
    tell("logout", &recording, &states, started);
}

/// Neither the browser nor the caller is told that it worked before no loss can undo it.
fn states_of_a_login(recording: &Recording) -> BTreeSet<Snapshot> {
    let kept = recording.written.last().expect("a login writes its record");
    let (mut written, mut told) = (false, 0);
    let states = recording.walk(|call, found| {
        written |= call.name == "write" && call.bytes == *kept;
        if is_the_result(call) || (written && is_a_send(call)) {
            told += 1;
            assert_eq!(*found, only(kept), "{} is told, and the grant may be lost", call.path.display());
        }
    });
    assert!(told >= 2, "the browser and the caller are told");
    states
}

/// The command has said how it ended.
fn is_the_result(call: &Call) -> bool {
    call.name == "write" && call.path.file_name().is_some_and(|name| name == "stdout")
}

/// Something leaves for the network.
fn is_a_send(call: &Call) -> bool {
    ["writev", "sendto", "sendmsg", "write"].contains(&call.name)
        && call.path.to_string_lossy().starts_with("socket:")
}

fn only(content: &[u8]) -> Contents {
    BTreeSet::from([Some(content.to_vec())])
}

/// The fingerprint of the token at hand.
#[track_caller]
fn token(bench: &Bench, more: &[&str]) -> String {
    fingerprint(&bench.stage.access_token(more))
}

#[track_caller]
fn token_or_not_connected(bench: &Bench) {
    let run = bench.stage.token(&["--json"]);
    assert!(run.code == 0 || run.error_code() == "not_connected", "{run:#?}");
}

/// Makes the store what the disk has left of it; it opens, and no record is damaged.
#[track_caller]
fn open(bench: &Bench, state: &Snapshot) {
    restore(&bench.store(), state);
    store_is_sound(bench);
}

fn tell(what: &str, recording: &Recording, states: &BTreeSet<Snapshot>, started: Instant) {
    let root =
        recording.record.parent().and_then(Path::parent).expect("a record lies in a folder of the store");
    let calls = recording.run.calls.iter().filter(|call| call.matters(root) && call.is_below(root)).count();
    let (found, seconds) = (states.len(), started.elapsed().as_secs());
    report(
        "C4",
        format!(
            "{what}: {calls} calls on the disk, {found} states after a loss of power, all opened, each old or new ({seconds} s)"
        ),
    );
}
