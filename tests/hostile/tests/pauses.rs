//! N5 to N7: a server in trouble, with and without a wish to be left alone, and what every process then does.
//! `throttled_by_retry_after` (tests/behaviour) waits such pauses out.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokenkeep_behaviour::{Failure, Stage, fails};
use tokenkeep_test_support::{report, scaled};

/// RFC 3339 in UTC, which sorts as it reads; `date` of coreutils writes it.
fn date(seconds: u64) -> String {
    let run = Command::new("date").args(["-u", "+%FT%TZ", "-d", &format!("@{seconds}")]).output().unwrap();
    String::from_utf8(run.stdout).unwrap().trim_end().to_owned()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The pause that `failure` tells lies between so many seconds after `begun` and so many after now.
#[track_caller]
fn lasts(failure: &Failure, begun: u64, at_least: u64, at_most: u64) {
    let retry_at = failure.text("retry_at").to_owned();
    assert!(date(begun + at_least) <= retry_at && retry_at <= date(now() + at_most), "{failure:?}");
}

/// While a pause lasts: no process asks, and whoever has a working token gets it.
#[track_caller]
fn is_kept(stage: &Stage, expired: &str, valid: &str, token: &str) {
    let asked = stage.refreshes().len();
    let start = |connection: &str, more: &[&str]| {
        stage.home.start(["token", "acme", "--connection", connection].iter().chain(more))
    };
    let refused = scaled(2, 8);
    let all: Vec<_> = (0..refused).map(|_| start(expired, &["--json"])).collect();
    let served = [start(valid, &[]), start(valid, &["--min-lifetime", "7200"])];
    for one in all {
        fails(&one.finish(), "throttled");
    }
    for one in served {
        assert_eq!(one.finish().ok().stdout.trim_end(), token);
    }
    assert_eq!(stage.refreshes().len(), asked, "nobody asks to find out for himself");
}

#[test]
fn a_server_in_trouble_is_left_alone_as_long_as_it_wants() {
    std::thread::scope(|scope| {
        for status in [500, 502, 503, 504] {
            scope.spawn(move || {
                let stage = Stage::acme();
                // Without a wish: it may pass, and the next call finds out.
                stage.login_expired(&["--connection", "none"]);
                stage.at_refresh(1, &json!({"type": "reply", "status": status, "body": "canary"}));
                fails(&stage.token(&["--connection", "none", "--json"]), "network");
                assert_eq!(stage.field("status", &["--connection", "none"]), "connected");
                stage.access_token(&["--connection", "none"]);

                for as_date in [false, true] {
                    let (expired, valid) = (format!("expired-{as_date}"), format!("valid-{as_date}"));
                    stage.login_expired(&["--connection", &expired]);
                    stage.login(&["--connection", &valid]).ok();
                    let token = stage.access_token(&["--connection", &valid]);
                    let throttle = json!({
                        "type": "throttle", "status": status, "retry_after_seconds": 60, "as_date": as_date,
                    });
                    stage.at_refresh(2, &throttle);
                    let begun = now();
                    let failure = fails(&stage.token(&["--connection", &expired, "--json"]), "throttled");
                    lasts(&failure, begun, 60, 62);
                    assert_eq!(
                        stage.access_token(&["--connection", &valid, "--min-lifetime", "7200"]),
                        token
                    );
                    is_kept(&stage, &expired, &valid, &token);
                    assert_eq!(stage.field("status", &["--connection", &expired]), "connected");
                }
                assert_eq!(stage.server.journal().reuse_count(), 0);
            });
        }
    });
    report(
        "N5",
        "500, 502, 503, 504, each without Retry-After, with seconds and with a date: 12 of 12 as they want it, no process asks meanwhile",
    );
}

#[test]
fn a_pause_of_years_is_an_hour() {
    let years =
        |as_date: bool| json!({"type": "throttle", "retry_after_seconds": 315_360_000, "as_date": as_date});
    let reply = |value: &str| json!({"type": "reply", "status": 429, "body": "canary", "headers": [["retry-after", value]]});
    let hour = (3600, 3601);
    // What is asked for, and the seconds that it becomes.
    let cases: [(Value, (u64, u64)); 9] = [
        (years(false), hour),
        (years(true), hour),
        (reply("99999999999999999999999999"), hour),
        (reply("Fri, 31 Dec 9999 23:59:59 GMT"), hour),
        // A 429 without a wish that can be read is one for five seconds.
        (reply("soon"), (5, 6)),
        (reply("-7"), (5, 6)),
        (reply("7.5"), (5, 6)),
        (reply(""), (5, 6)),
        (json!({"type": "reply", "status": 429, "body": "canary"}), (5, 6)),
    ];
    let stage = Stage::acme();
    let count = cases.len();
    for (case, (throttle, (at_least, at_most))) in cases.into_iter().enumerate() {
        let connection = format!("c{case}");
        stage.login_expired(&["--connection", &connection]);
        stage.at_refresh(1, &throttle);
        let begun = now();
        let failure = fails(&stage.token(&["--connection", &connection, "--json"]), "throttled");
        lasts(&failure, begun, at_least, at_most + 1);
        // The same from another process, without a request.
        let again = fails(&stage.token(&["--connection", &connection, "--json"]), "throttled");
        lasts(&again, begun, at_least - 1, at_most + 1);
    }
    assert_eq!(stage.refreshes().len(), count);
    report(
        "N7",
        format!(
            "{count} of {count} wishes: ten years, the year 9999 and 26 digits are an hour, for every process"
        ),
    );
}
