//! R5, R6, R7: several connections side by side, and what a login and a logout do to a refresh under way.

use std::time::{Duration, Instant};

use serde_json::json;
use tokenkeep_behaviour::{Stage, fails, person};
use tokenkeep_concurrency::Worker;
use tokenkeep_test_support::{Running, report, scaled};

#[test]
fn r5_eight_accounts_refresh_side_by_side() {
    let stage = Stage::acme();
    let names: Vec<String> = (1..=8).map(|number| format!("account{number}")).collect();
    for name in &names {
        stage.login_expired(&["--connection", name]);
    }
    stage.at_refresh(8, &json!({"type": "delay", "milliseconds": 2000}));
    let begun = Instant::now();
    let start = |name: &String| stage.home.start(["token", "acme", "--connection", name]);
    let runs: Vec<Running> = names.iter().map(start).collect();
    for run in runs {
        run.finish().ok();
    }
    let took = begun.elapsed();
    report(
        "R5",
        format!("8 accounts at an endpoint that takes 2 s: all refreshed in {} ms", took.as_millis()),
    );
    // One after the other they would take 16 s. Wine needs its time to start them.
    assert!(took < Duration::from_secs(if cfg!(windows) { 8 } else { 3 }), "{took:?}");
    assert_eq!(stage.refreshes().len(), 8);
}

#[test]
fn r6_a_logout_is_the_last_word_however_it_falls() {
    let rounds = scaled(6, 100);
    let stage = Stage::acme();
    for round in 0..rounds {
        stage.login_expired(&[]);
        let mut workers: Vec<_> = (0..2).map(|_| Worker::start(&stage.home, "acme", 2, None)).collect();
        for worker in &mut workers {
            worker.tell("token");
        }
        // From before the first read of the record to after the last write.
        std::thread::sleep(Duration::from_millis(round * 2 % 40));
        stage.home.run(["logout", "acme"]).ok();
        for worker in &mut workers {
            let errors = worker.answer();
            assert!(errors.errors().iter().all(|code| *code == "not_connected"), "{errors:?}");
        }
        fails(&stage.token(&["--json"]), "not_connected");
        assert!(stage.records().is_empty(), "round {round}: the record came back");
    }
    assert_eq!(stage.server.journal().reuse_count(), 0);
    report("R6", format!("{rounds} logouts during a refresh: {rounds} logged out, 0 records came back"));
}

#[test]
fn r7_a_new_login_wins_however_it_falls() {
    let rounds = scaled(6, 100);
    let stage = Stage::acme();
    for round in 0..rounds {
        stage.login_expired(&[]);
        // The old grant has ended: whoever refreshes it hears `invalid_grant`.
        stage.server.revoke_all();
        let login = stage.begin_login(&[]);
        let mut worker = Worker::start(&stage.home, "acme", 2, None);
        stage.at_refresh(1, &json!({"type": "delay", "milliseconds": round * 2 % 40, "when": "after"}));
        worker.tell("token");
        person::visit(&login.url);
        login.finish().ok();
        worker.answer();
        let field = |name: &str| stage.field(name, &[]);
        assert_eq!(
            field("status"),
            "connected",
            "round {round}: an answer to the old grant ended the new one"
        );
        assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200, "round {round}");
        stage.server.clear_faults();
    }
    report("R7", format!("{rounds} logins during a refresh of an ended grant: {rounds} connected"));
}
