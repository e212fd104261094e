//! C2: SIGKILL at any time, while four processes refresh one connection without a pause.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokenkeep_behaviour::fails;
use tokenkeep_crash::{Bench, Kind, Next, next_caller, other_is_untouched, store_is_open, store_is_sound};
use tokenkeep_test_support::{Running, report, scaled};

/// How many refresh at once.
const PROCESSES: usize = 4;
/// A kill comes within this time.
const WITHIN: Duration = Duration::from_millis(400);

#[test]
fn no_login_is_lost_where_a_used_token_is_forgiven() {
    let (started, kills) = (Instant::now(), scaled(25, 1000));
    let bench = Bench::new(Kind::Grace);
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut tokens = 0;
        while next.fetch_add(1, Ordering::Relaxed) < kills {
            let (lines, ended) = kill_at_random(start(&bench));
            assert_eq!(ended, -1, "it ended by itself: {lines:?}");
            tokens += lines.len();
            store_is_open(&bench);
            // The lock is free, and the login is alive.
            bench.run(&["token", bench.stage.provider, "--force-refresh"]).ok();
        }
        tokens
    };
    let tokens: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..PROCESSES).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a failure that was shown above")).sum()
    });
    let refreshes = at_rest(&bench);
    assert!(tokens > kills, "{tokens} tokens only: the kills met no refresh");
    assert_eq!(bench.stage.server.journal().revoked_count(), 0);
    let seconds = started.elapsed().as_secs();
    report(
        "C2",
        format!(
            "grace:30: {kills} kills among {PROCESSES} processes and {refreshes} refreshes, store whole {kills}, \
             logins lost 0, revocations 0 ({seconds} s)"
        ),
    );
}

#[test]
fn a_login_lost_on_a_strict_server_is_said_and_replaced() {
    let (started, kills) = (Instant::now(), scaled(10, 300));
    let bench = Bench::new(Kind::Strict);
    let mut running: Vec<Running> = (0..PROCESSES).map(|_| start(&bench)).collect();
    let (mut lost, mut known) = (0, HashSet::new());
    for _ in 0..kills {
        known.extend(kill_at_random(running.remove(0)).0);
        store_is_open(&bench);
        let run = bench.run(&["token", bench.stage.provider, "--force-refresh", "--json"]);
        if run.code == 0 {
            running.push(start(&bench));
            continue;
        }
        assert_eq!(fails(&run, "login_required").text("reason"), "response_lost");
        lost += 1;
        for other in running.drain(..) {
            other.signal("KILL");
            known.extend(tokens(&other.finish().stderr));
        }
        was_in_the_window(&bench, &known);
        bench.stage.login(&[]).ok();
        running.extend((0..PROCESSES).map(|_| start(&bench)));
    }
    for last in running {
        last.signal("KILL");
        last.finish();
    }
    // The last ones were killed too, and may have lost what they had.
    if next_caller(&bench) != Next::Token {
        bench.stage.login(&[]).ok();
    }
    let refreshes = at_rest(&bench);
    let seconds = started.elapsed().as_secs();
    report(
        "C2",
        format!(
            "strict: {kills} kills among {PROCESSES} processes and {refreshes} refreshes, store whole {kills}, logins \
             lost {lost}, each between the answer and the write, each said as login_required ({seconds} s)"
        ),
    );
}

fn start(bench: &Bench) -> Running {
    Running::start(&mut bench.program("refreshing-program", &[bench.stage.provider, "loop"]))
}

/// Kills it at a time of its life that nobody chose; the tokens that it had by then, and its exit code.
#[track_caller]
fn kill_at_random(mut running: Running) -> (Vec<String>, i32) {
    // From its first token on: its start is no refresh.
    running.stderr_line(|line| line.starts_with("token "));
    let random = getrandom::u32().expect("the system has random numbers");
    std::thread::sleep(WITHIN.mul_f64(f64::from(random) / f64::from(u32::MAX)));
    running.signal("KILL");
    let run = running.finish();
    (tokens(&run.stderr), run.code)
}

/// The fingerprints of the tokens that a process had.
fn tokens(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("token ")).map(str::to_owned).collect()
}

/// The answer that was lost had reached nobody: whoever has a token has one whose refresh token is on disk.
fn was_in_the_window(bench: &Bench, known: &HashSet<String>) {
    let entries = bench.stage.server.journal().entries();
    let reuse = entries.iter().rev().find(|entry| entry.outcome.reuse).expect("the grant ended by reuse");
    let lost = entries
        .iter()
        .find(|entry| {
            entry.outcome.rotated
                && entry.parameters.get("refresh_token") == reuse.parameters.get("refresh_token")
        })
        .expect("the refresh token was used before");
    assert!(!known.contains(&lost.outcome.issued["access_token"]), "somebody had the answer: {lost:?}");
}

/// Nobody is left: every lock is free, both connections work. How many refreshes there were.
fn at_rest(bench: &Bench) -> usize {
    store_is_sound(bench);
    assert_eq!(next_caller(bench), Next::Token);
    other_is_untouched(bench);
    bench.stage.refreshes().len()
}
