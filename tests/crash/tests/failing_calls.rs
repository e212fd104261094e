//! C3: one call of a refresh or a login fails, each in its turn, with each error that a disk can give.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokenkeep_behaviour::fails;
use tokenkeep_crash::{
    Bench, Errno, Kind, Next, Plan, Trace, next_caller, other_is_untouched, record_is_whole, records,
    restore, snapshot, store_is_sound, two_at_a_time,
};
use tokenkeep_test_support::{Run, report, scaled};

const ERRORS: [Errno; 5] = [Errno::ENOSPC, Errno::EIO, Errno::EACCES, Errno::EMFILE, Errno::EINTR];
/// The calls that a store is made of. Those that do not occur in a run are not struck in it.
const CALLS: [&str; 15] = [
    "open",
    "openat",
    "read",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "flock",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
];
/// Those that a signal can interrupt: the program has to make them again.
const INTERRUPTIBLE: [&str; 6] = ["open", "openat", "read", "write", "fsync", "flock"];

/// The n-th call of that name on the store fails with that error.
type Job = (&'static str, usize, Errno);

/// What a failing call led to.
struct Outcome {
    job: Job,
    /// The command did what it was asked all the same.
    succeeded: bool,
}

#[test]
fn refresh() {
    sweep("refresh", &CALLS, || Bench::new(Kind::Strict), Bench::refresh_arguments, fail_in_a_refresh);
}

#[test]
fn refresh_in_a_store_open_to_others() {
    let open_to_others = || {
        let bench = Bench::new(Kind::Strict);
        open_up(&bench);
        bench
    };
    sweep(
        "refresh, store open to others",
        &["fchmod"],
        open_to_others,
        Bench::refresh_arguments,
        |bench, job| {
            open_up(bench);
            let run = fail(bench, &bench.refresh_arguments(), job);
            // Who comes next closes it.
            bench.run(&["list"]).ok();
            store_is_sound(bench);
            assert_eq!(next_caller(bench), Next::Token, "{job:?}");
            Outcome { job, succeeded: ended_well(&run, job) }
        },
    );
}

#[test]
fn login_over_a_login() {
    sweep(
        "login over a login",
        &CALLS,
        || Bench::new(Kind::Strict),
        Bench::login_arguments,
        |bench, job| {
            let before = records(bench);
            let run = fail(bench, &bench.login_arguments(), job);
            store_is_sound(bench);
            record_is_whole(&before, &records(bench), &run, 0);
            assert_eq!(next_caller(bench), Next::Token, "{job:?}");
            other_is_untouched(bench);
            Outcome { job, succeeded: ended_well(&run, job) }
        },
    );
}

#[test]
fn first_login() {
    sweep("first login", &CALLS, Bench::first, Bench::login_arguments, |bench, job| {
        let run = fail(bench, &bench.login_arguments(), job);
        store_is_sound(bench);
        let token = bench.stage.token(&["--json"]);
        assert!(token.code == 0 || token.error_code() == "not_connected", "{job:?}: {token:#?}");
        bench.stage.login(&[]).ok();
        assert_eq!(next_caller(bench), Next::Token, "{job:?}");
        restore(&bench.store(), &Vec::new());
        Outcome { job, succeeded: ended_well(&run, job) }
    });
}

/// On a server that forgives nothing. One call that fails costs no login: what was rotated is handed out and written
/// when the program ends.
fn fail_in_a_refresh(bench: &mut Bench, job: Job) -> Outcome {
    let (before, requests) = (records(bench), bench.requests());
    let run = fail(bench, &bench.refresh_arguments(), job);
    store_is_sound(bench);
    record_is_whole(&before, &records(bench), &run, 1);
    let succeeded = ended_well(&run, job);
    if bench.granted_since(requests) > 0 {
        assert!(succeeded, "{job:?}: the answer had come, and the token is gone: {run:?}");
        let token: serde_json::Value = serde_json::from_str(&run.stdout).expect("a token as JSON");
        assert_eq!(bench.stage.resource(token["access_token"].as_str().expect("a token")), 200);
        let said = run.stderr.contains("it is kept in memory and tried again");
        assert!(said || interrupted(job) || !struck_the_answer(&run, bench), "{job:?}: {}", run.stderr);
    }
    assert_eq!(next_caller(bench), Next::Token, "{job:?}");
    other_is_untouched(bench);
    Outcome { job, succeeded }
}

/// True when the call that failed was to write the answer down.
fn struck_the_answer(run: &Trace, bench: &Bench) -> bool {
    let (before, struck) = run.calls.split_at(run.struck.expect("the run was struck"));
    let answered =
        before.iter().any(|call| call.name == "recvfrom" && call.result.is_some_and(|read| read > 0));
    answered && struck[0].matters(&bench.store().join("records"))
}

/// A signal came, and the program made the call again.
fn interrupted((name, _, errno): Job) -> bool {
    errno == Errno::EINTR && INTERRUPTIBLE.contains(&name)
}

/// Strikes every call of every name in `calls`, one run for each.
#[track_caller]
fn sweep(
    what: &str,
    calls: &[&'static str],
    bench: impl Fn() -> Bench + Sync,
    arguments: fn(&Bench) -> Vec<String>,
    work: impl Fn(&mut Bench, Job) -> Outcome + Sync,
) {
    let started = Instant::now();
    let reference = {
        let bench = bench();
        let run = bench.trace(&arguments(&bench), Plan::Watch);
        assert_eq!(run.code, 0, "{}", run.stderr);
        occurring(&run, &bench.store())
    };
    let mut jobs: Vec<Job> = Vec::new();
    for (nth_name, name) in calls.iter().copied().enumerate() {
        for nth in 1..=reference.get(name).copied().unwrap_or(0) {
            // In short one error for each call, each in its turn; and every kind of call is interrupted once.
            let in_turn = |at: usize| (nth + nth_name) % ERRORS.len() == at;
            let short = |at: usize, errno| in_turn(at) || (nth == 1 && errno == Errno::EINTR);
            let wanted =
                ERRORS.into_iter().enumerate().filter(|(at, errno)| scaled(short(*at, *errno), true));
            jobs.extend(wanted.map(|(_, errno)| (name, nth, errno)));
        }
    }
    assert!(!jobs.is_empty(), "none of these calls is made");
    let outcomes = two_at_a_time(&jobs, bench, |bench, job| work(bench, *job));
    for Outcome { job, succeeded } in &outcomes {
        assert!(*succeeded || !interrupted(*job), "{job:?} was not made again");
    }
    let (all, well) = (outcomes.len(), outcomes.iter().filter(|outcome| outcome.succeeded).count());
    let names: Vec<_> = calls.iter().filter(|name| reference.contains_key(*name)).copied().collect();
    let seconds = started.elapsed().as_secs();
    report(
        "C3",
        format!(
            "{what}: {all} failures ({}), store whole {all}, succeeded all the same {well}, typed error {}, logins lost 0 ({seconds} s)",
            names.join(" "),
            all - well
        ),
    );
}

/// How often each call is made on the store.
fn occurring(run: &Trace, store: &Path) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for call in run.calls.iter().filter(|call| call.is_below(store)) {
        *found.entry(call.name).or_default() += 1;
    }
    found
}

#[track_caller]
fn fail(bench: &Bench, arguments: &[String], (name, nth, errno): Job) -> Trace {
    let run = bench.trace(arguments, Plan::Fail(name, nth, errno));
    assert!(run.struck.is_some(), "{name} {nth} did not come: {run:?}");
    // What could not be written is not left lying about; only a file that cannot be removed stays.
    let temporary = |path: &PathBuf| path.extension().is_some_and(|end| end == "tmp");
    let left = snapshot(&bench.store()).into_iter().map(|(path, _)| path).find(temporary);
    assert!(left.is_none() || name.starts_with("unlink"), "{name} {nth} {errno}: {left:?}");
    run
}

/// True when the command did what it was asked. Else it said why, as it should: never as a defect of its own.
#[track_caller]
fn ended_well(run: &Trace, job: Job) -> bool {
    assert!(!run.stderr.contains("panicked"), "{job:?}: {}", run.stderr);
    if run.code == 0 {
        return true;
    }
    let run =
        Run { code: run.code, stdout: run.stdout.clone(), stderr: run.stderr.clone(), took: Duration::ZERO };
    let failure = fails(&run, "store_unavailable");
    assert!(failure.message().contains("/store"), "{job:?}: {failure:?}");
    false
}

/// As somebody leaves it who copied it by hand.
fn open_up(bench: &Bench) {
    let set = |path: &Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("the store is ours");
    };
    set(&bench.store().join("records"), 0o755);
    for (path, _) in records(bench) {
        set(&path, 0o644);
    }
}
