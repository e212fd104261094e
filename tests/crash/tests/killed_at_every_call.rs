//! C1: SIGKILL on entry to every system call of a refresh and of a login.

use std::time::Instant;

use tokenkeep_crash::{
    Bench, Found, Kind, Next, Plan, Point, Target, next_caller, other_is_untouched, record_is_whole, records,
    restore, store_is_sound, targets, two_at_a_time,
};
use tokenkeep_test_support::{report, scaled};

/// How often a point is tried that a run did not come by: threads that wait for one another make some calls more or
/// less from run to run.
const TRIES: usize = 4;

/// What one run led to.
#[derive(Clone, Copy)]
struct Kill {
    /// It came to the point and was killed there.
    met: bool,
    lost: bool,
}

#[test]
fn refresh_entra() {
    refresh(Kind::Entra);
}

#[test]
fn refresh_grace() {
    refresh(Kind::Grace);
}

#[test]
fn refresh_strict() {
    refresh(Kind::Strict);
}

/// Kills a refresh everywhere. Only a strict server can end the login, and only when it has rotated and the answer was
/// not yet renamed into its place.
fn refresh(kind: Kind) {
    let started = Instant::now();
    let points = points(&Bench::new(kind), Bench::refresh_arguments, scaled(16, 1));
    let kills = two_at_a_time(
        &points,
        || Bench::new(kind),
        |bench, point| until_met(point, |point| kill_a_refresh(bench, point)),
    );
    let lost = kills.iter().flatten().filter(|kill| kill.lost).count();
    match kind {
        Kind::Entra | Kind::Grace => assert_eq!(lost, 0, "{}", kind.name()),
        // The window is there: a sweep that never meets it proves nothing.
        Kind::Strict => assert!(lost > 0, "no kill fell between the answer and the write"),
    }
    tell(&format!("refresh, {}", kind.name()), &kills, started);
}

fn kill_a_refresh(bench: &mut Bench, point: &Point) -> Kill {
    let (before, requests) = (records(bench), bench.requests());
    let run = bench.trace(&bench.refresh_arguments(), Plan::Kill(point));
    store_is_sound(bench);
    let found = record_is_whole(&before, &records(bench), &run, 1);
    let next = next_caller(bench);
    // What the server granted to the run and to the next caller. Looked at when both are over: a request may outlive
    // the process that sent it.
    let granted = bench.granted_since(requests);
    match &next {
        Next::Token if bench.kind == Kind::Strict => {
            assert_eq!(
                granted,
                1 + usize::from(found == Found::New),
                "{point:?}: an answer was lost, unseen"
            );
        }
        Next::Token => {}
        Next::LoginRequired(reason) => {
            assert!(
                bench.kind == Kind::Strict && granted == 1,
                "{point:?}: a login was lost, found {found:?}"
            );
            assert_ne!(found, Found::New, "{point:?}: a login was lost whose answer was kept");
            assert_eq!(reason, "response_lost", "{point:?}");
            bench.stage.login(&[]).ok();
        }
    }
    other_is_untouched(bench);
    Kill { met: run.struck.is_some(), lost: next != Next::Token }
}

#[test]
fn login_over_a_login() {
    let started = Instant::now();
    let points = points(&Bench::new(Kind::Strict), Bench::login_arguments, scaled(40, 1));
    let kill = |bench: &mut Bench, point: &Point| {
        let before = records(bench);
        let run = bench.trace(&bench.login_arguments(), Plan::Kill(point));
        store_is_sound(bench);
        let found = record_is_whole(&before, &records(bench), &run, 0);
        // The grant of before or the new one: neither ends with the other.
        assert_eq!(next_caller(bench), Next::Token, "{point:?}, found {found:?}");
        other_is_untouched(bench);
        bench.stage.login(&[]).ok();
        Kill { met: run.struck.is_some(), lost: false }
    };
    let kills = two_at_a_time(
        &points,
        || Bench::new(Kind::Strict),
        |bench, point| until_met(point, |point| kill(bench, point)),
    );
    tell("login over a login", &kills, started);
}

#[test]
fn first_login() {
    let started = Instant::now();
    let points = points(&Bench::first(), Bench::login_arguments, scaled(40, 1));
    let kills = two_at_a_time(&points, Bench::first, |bench, point| {
        until_met(point, |point| {
            let run = bench.trace(&bench.login_arguments(), Plan::Kill(point));
            store_is_sound(bench);
            // Nobody has logged in, or somebody has: nothing in between.
            let token = bench.stage.token(&["--json"]);
            assert!(token.code == 0 || token.error_code() == "not_connected", "{point:?}: {token:#?}");
            bench.stage.login(&[]).ok();
            assert_eq!(next_caller(bench), Next::Token, "{point:?}");
            restore(&bench.store(), &Vec::new());
            Kill { met: run.struck.is_some(), lost: false }
        })
    });
    tell("first login", &kills, started);
}

/// The points of a run that nobody kills.
fn points(bench: &Bench, arguments: fn(&Bench) -> Vec<String>, step: usize) -> Vec<Target> {
    let run = bench.trace(&arguments(bench), Plan::Watch);
    assert_eq!(run.code, 0, "{}", run.stderr);
    targets(&run, &bench.store(), step)
}

/// Tries until the run comes by.
fn until_met(target: &Target, mut kill: impl FnMut(&Point) -> Kill) -> Vec<Kill> {
    let mut kills = Vec::new();
    while kills.len() < TRIES && !kills.iter().any(|kill: &Kill| kill.met) {
        kills.push(kill(&target.point));
    }
    assert!(!target.certain || kills.iter().any(|kill| kill.met), "{target:?} was not met");
    kills
}

/// `kills`: for each point the runs that it took.
fn tell(what: &str, kills: &[Vec<Kill>], started: Instant) {
    let met = kills.iter().filter(|runs| runs.iter().any(|run| run.met)).count();
    let runs = kills.iter().flatten().count();
    let lost = kills.iter().flatten().filter(|kill| kill.lost).count();
    let points = kills.len();
    assert!(met * 100 >= points * scaled(80, 95), "{what}: only {met} of {points} points were met");
    let seconds = started.elapsed().as_secs();
    report(
        "C1",
        format!(
            "{what}: killed at {met} of {points} points, store whole {runs} of {runs} runs, logins lost {lost} ({seconds} s)"
        ),
    );
}
