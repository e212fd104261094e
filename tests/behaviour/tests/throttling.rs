//! A server that asks for a pause gets it, from every process.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails, until};
use tokenkeep_test_support::{Running, report, seconds_since_1970};

/// Asks again until the pause is over.
#[track_caller]
fn until_it_is_over(stage: &Stage, arguments: &[&str]) {
    until(|| {
        let run = stage.token(&[arguments, &["--json"]].concat());
        if run.code != 0 {
            fails(&run, "throttled");
        }
        run.code == 0
    });
}

#[test]
fn throttled_by_retry_after() {
    let throttles: [(Value, u64); 3] = [
        (json!({"type": "throttle", "retry_after_seconds": 3}), 3000),
        // An HTTP date has whole seconds.
        (json!({"type": "throttle", "retry_after_seconds": 4, "as_date": true}), 3000),
        (json!({"type": "throttle", "retry_after_seconds": 3, "status": 503}), 3000),
    ];
    std::thread::scope(|scope| {
        for (throttle, pause) in &throttles {
            scope.spawn(move || {
                let stage = Stage::acme();
                stage.login(&[]).ok();
                let token = stage.access_token(&[]);
                stage.at_refresh(1, throttle);
                let failure = fails(&stage.token(&["--force-refresh", "--json"]), "throttled");
                assert!(failure.text("retry_at").ends_with('Z'), "{failure:?}");
                // The pause is everybody's: no process asks to find out for itself.
                let force = ["token", "acme", "--force-refresh", "--json"];
                let all: Vec<Running> = (0..4).map(|_| stage.home.start(force)).collect();
                for one in all {
                    fails(&one.finish(), "throttled");
                }
                // Whoever can use the token at hand gets it.
                assert_eq!(stage.access_token(&[]), token);
                assert_eq!(stage.access_token(&["--min-lifetime", "7200"]), token);
                assert_eq!(stage.refreshes().len(), 1, "{throttle}");
                until_it_is_over(&stage, &["--force-refresh"]);
                let [first, second] = &stage.refreshes()[..] else { panic!("two requests") };
                let gap = second.milliseconds - first.milliseconds;
                assert!(gap >= *pause && gap < pause + 3000, "{throttle}: {gap} ms");
            });
        }
    });
    report("N6", "Retry-After in seconds and as a date, under 429 and 503: kept by 5 processes, 3 of 3");
}

#[test]
fn throttled_with_an_expired_token() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "throttle", "retry_after_seconds": 2}));
    for _ in 0..3 {
        fails(&stage.token(&["--json"]), "throttled");
    }
    assert_eq!(stage.refreshes().len(), 1);
    assert_eq!(stage.field("status", &[]), "connected");
    until_it_is_over(&stage, &[]);
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);

    // Ten years are not believed: an hour is the most.
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "throttle", "retry_after_seconds": 315_360_000}));
    let failure = fails(&stage.token(&["--json"]), "throttled");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let retry_at = seconds_since_1970(failure.text("retry_at"));
    assert!((now + 3591..=now + 3601).contains(&u64::try_from(retry_at).unwrap()), "{failure:?}");
}
