//! R4: whoever holds the lock is killed, or stopped, in the middle of a refresh.

use std::time::{Duration, Instant};

use authorization_server::{Rotation, ServerOptions};
use serde_json::json;
use tokenkeep_behaviour::Stage;
use tokenkeep_concurrency::Worker;
use tokenkeep_test_support::{report, scaled};

/// A server that takes the old refresh token again, as Entra does.
fn stage() -> Stage {
    let options = ServerOptions::plain();
    let live = authorization_server::LiveOptions { rotation: Rotation::KeepOld, ..options.live.clone() };
    let stage = Stage::new("acme", ServerOptions { live, ..options }, &[]);
    stage.home.add_provider(&stage.acme_definition());
    stage
}

/// A worker in the middle of a refresh whose answer does not come: it holds the lock.
fn holder(stage: &Stage) -> Worker {
    let mut holder = Worker::start(&stage.home, "acme", 1, None);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 120_000, "when": "after"}));
    holder.tell("force");
    stage.until_a_fault_struck();
    holder
}

/// Waits until the process waits for a lock: the kernel lists who waits for whom.
#[cfg(target_os = "linux")]
fn until_it_waits(worker: &Worker) {
    let pid = worker.pid().to_string();
    let waits = |line: &str| line.contains("-> ") && line.split_whitespace().any(|word| word == pid);
    tokenkeep_behaviour::until(|| std::fs::read_to_string("/proc/locks").unwrap().lines().any(waits));
}

/// Elsewhere nobody can see it: it has the time that it needs ten times over.
#[cfg(not(target_os = "linux"))]
fn until_it_waits(_worker: &Worker) {
    std::thread::sleep(Duration::from_secs(1));
}

#[test]
fn r4_the_holder_is_killed_and_the_next_one_goes_on() {
    let rounds = scaled(3, 30);
    let mut slowest = Duration::ZERO;
    let stage = stage();
    for _ in 0..rounds {
        stage.login_expired(&[]);
        let mut holder = holder(&stage);
        let mut next = Worker::start(&stage.home, "acme", 1, None);
        next.tell("token");
        until_it_waits(&next);
        let killed = Instant::now();
        holder.kill();
        let calls = next.answer();
        let took = killed.elapsed();
        assert_eq!((calls.errors(), calls.ok()), (vec![], 1));
        assert_eq!(stage.resource(calls.tokens()[0]), 200);
        slowest = slowest.max(took);
    }
    report(
        "R4",
        format!("{rounds} holders killed: the next caller had its token within {} ms", slowest.as_millis()),
    );
    assert!(slowest <= Duration::from_millis(scaled(1000, 100)), "{slowest:?}");
    // What the one who was killed had sent was sent once more, by one.
    assert_eq!(stage.server.journal().reuse_count(), rounds);
}

// Windows has nothing that stops a process and lets it go on.
#[cfg(unix)]
#[test]
fn r4_the_holder_is_stopped_and_the_others_are_told_in_time() {
    use tokenkeep_test_support::signal;
    let stage = stage();
    stage.login(&["--connection", "default"]).ok();
    let first = stage.access_token(&[]);
    let holder = holder(&stage);
    signal(holder.pid(), "STOP");
    let stopped = Instant::now();

    // Whoever can use the token at hand is served, at once or after a short look.
    let mut other = Worker::start(&stage.home, "acme", 4, Some(1000));
    assert_eq!(other.ask("token").tokens(), [first.as_str()]);
    let calls = other.ask("min-lifetime 7200");
    assert_eq!((calls.ok(), calls.tokens()), (4, vec![first.as_str()]));
    assert!(calls.p99() < 2000.0, "{calls:?}");

    // Whoever cannot is told in the time that was configured.
    let calls = other.ask("force");
    assert_eq!(calls.errors(), ["lock_timeout"; 4]);
    let late = calls.p99() - 1000.0;
    assert!((0.0..scaled(1000.0, 200.0)).contains(&late), "{calls:?}");

    // A minute later it is no different, and by default that is told after 45 s.
    let minute = scaled(Duration::ZERO, Duration::from_secs(60));
    if !minute.is_zero() {
        let mut patient = Worker::start(&stage.home, "acme", 1, None);
        let calls = patient.ask("force");
        assert_eq!(calls.errors(), ["lock_timeout"]);
        assert!((45_000.0..46_000.0).contains(&calls.p99()), "{calls:?}");
        std::thread::sleep(minute.saturating_sub(stopped.elapsed()));
        assert_eq!(other.ask("force").errors(), ["lock_timeout"; 4]);
        assert_eq!(other.ask("token").tokens(), [first.as_str()]);
    }
    let held = stopped.elapsed().as_secs();

    // It goes on, and nobody waits any more: what it had is of no more use than before.
    signal(holder.pid(), "CONT");
    signal(holder.pid(), "KILL");
    assert_eq!(other.ask("force").ok(), 4);
    report(
        "R4",
        format!(
            "holder stopped for {held} s: lock_timeout {late:.0} ms after the configured second; the valid token is served"
        ),
    );
}
