//! Answers that no server should give: each is read as far as it can be, or is a typed error in time.

use std::time::Duration;

use authorization_server::{AuthorizationServer, ServerOptions};
use serde_json::{Map, Value, json};
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::report;

/// How long any answer may keep anybody waiting: 30 s, and what it takes to start two processes among many others,
/// which is more under Wine.
const AT_MOST: Duration = Duration::from_secs(if cfg!(windows) { 35 } else { 31 });

/// A good answer of nobody's: a token in it must not be seen anywhere.
const CANARY: &str = r#"{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}"#;

fn reply(status: u16, body: &str) -> Value {
    json!({"type": "reply", "status": status, "body": body, "headers": [["content-type", "application/json"]]})
}

#[test]
fn endless_and_slow_and_html_and_redirect_answers() {
    let stranger = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let redirect = |status: u16| json!({"type": "redirect", "status": status, "location": format!("{}/token", stranger.origin())});
    let html = "<!doctype html><title>Sign in to this network</title><p>canary";
    let repeated = r#"{"access_token":"canary-a","access_token":"canary-b","token_type":"Bearer"}"#;
    let cases: [(&str, &str, Value); 14] = [
        ("endless", "network", json!({"type": "huge_body", "mebibytes": 4096})),
        ("slow", "network", json!({"type": "slow_body", "interval_milliseconds": 1000, "body": CANARY})),
        ("silent", "network", json!({"type": "delay", "milliseconds": 60_000})),
        ("html", "network", json!({"type": "reply", "status": 200, "body": html})),
        ("301", "network", redirect(301)),
        ("302", "network", redirect(302)),
        ("307", "network", redirect(307)),
        ("308", "network", redirect(308)),
        ("deep", "network", reply(502, &"[".repeat(100_000))),
        ("binary", "network", json!({"type": "reply", "status": 200, "base64": true, "body": "//79/A=="})),
        ("repeated", "provider_rejected", reply(200, repeated)),
        ("header", "provider_rejected", reply(200, &CANARY.replace("canary-token", r"canary\r\nx: y"))),
        ("mac", "provider_rejected", reply(200, &CANARY.replace("Bearer", "mac"))),
        ("lifetime", "provider_rejected", reply(200, &CANARY.replace("3600", "\"soon\""))),
    ];
    std::thread::scope(|scope| {
        for (name, code, action) in &cases {
            scope.spawn(move || {
                let stage = Stage::acme();
                stage.login_expired(&[]);
                stage.at_refresh(2, action);
                let run = stage.token(&["--json"]);
                fails(&run, code);
                assert!(run.took <= AT_MOST, "{name}: {run:#?}");
                assert_eq!(stage.field("status", &[]), "connected", "{name} ends no login");
            });
        }
        // The same wait for somebody who logs in, whose code is sent once.
        scope.spawn(|| {
            let stage = Stage::acme();
            let slow = json!({"type": "slow_body", "interval_milliseconds": 1000, "body": CANARY});
            stage.at_redemption(1, &slow);
            let run = stage.login(&["--json"]);
            fails(&run, "network");
            assert!(run.took <= AT_MOST && stage.records().is_empty(), "{run:#?}");
            assert_eq!(stage.asked("authorization_code").len(), 1);
        });
    });
    assert!(stranger.journal().entries().is_empty(), "a redirect is never followed");
    report("N12", "a sign-in page under 200 and every other foreign answer: network, no login lost");
}

#[test]
fn odd_answers() {
    // What is odd and can be read is read.
    let stage = Stage::acme();
    let mut unknown: Map<String, Value> =
        (0..50).map(|i| (format!("unknown_{i}"), json!([{"deeper": {"still": i}}, null]))).collect();
    unknown.insert("expires_in".into(), json!("1800"));
    unknown.insert("token_type".into(), json!("bearer"));
    let change = json!({"type": "mutate", "set": unknown, "headers": [["content-type", "text/plain"]]});
    stage.at_redemption(1, &change);
    stage.login(&[]).ok();
    let shown = stage.token(&["--json"]).ok().json();
    assert_eq!(shown["token_type"], "Bearer");
    assert_eq!(stage.resource(shown["access_token"].as_str().unwrap()), 200);
    let half_an_hour = stage.access_token(&["--min-lifetime", "1700"]);
    assert!(stage.refreshes().is_empty());
    assert_ne!(stage.access_token(&["--min-lifetime", "1801"]), half_an_hour);
    report("N13", "JSON as text/plain, with 50 unknown members and a lifetime in a string: read");

    // A lifetime that is not said is taken to be an hour.
    stage.at_refresh(1, &json!({"type": "mutate", "remove": ["expires_in", "token_type", "scope"]}));
    let token = stage.access_token(&["--force-refresh"]);
    assert_eq!(stage.access_token(&["--min-lifetime", "3000"]), token);

    // What is an error is one, under any status; none of these ends a login.
    let long = "canary".repeat(20_000);
    let ids = json!({
        "error": "invalid_request", "error_description": format!("id {long} at the end"),
        "trace_id": long, "correlation_id": long, "error_codes": [1, 2], "suberror": long,
    });
    let cases = [
        ("provider_rejected", 1, reply(200, r#"{"error":"invalid_client","access_token":"canary"}"#)),
        ("provider_rejected", 1, reply(403, r#"{"error":"invalid_code"}"#)),
        ("provider_rejected", 1, reply(400, &ids.to_string())),
        ("network", 1, json!({"type": "reply", "status": 400})),
        ("network", 1, reply(404, "{}")),
        ("provider_rejected", 1, reply(200, "{}")),
        (
            "interaction_required",
            1,
            json!({"type": "error", "error": "interaction_required", "claims": "{\"a\":1}"}),
        ),
        (
            "consent_required",
            1,
            json!({"type": "error", "error": "invalid_grant", "suberror": "consent_required"}),
        ),
    ];
    for (code, times, action) in &cases {
        let stage = Stage::microsoft();
        stage.login_expired(&[]);
        stage.at_refresh(*times, action);
        let run = stage.token(&["--json"]);
        let failure = fails(&run, code);
        assert!(run.stderr.len() < 4000, "{action}: {run:#?}");
        assert!(*code != "interaction_required" || failure.text("claims") == "{\"a\":1}", "{failure:?}");
        assert_eq!(stage.field("status", &[]), "connected", "{action}");
        if code.ends_with("_required") {
            stage.login(&[]).ok();
        }
        assert_eq!(stage.resource(&stage.access_token(&[])), 200, "{action}");
    }

    // At a login as at a refresh.
    let stage = Stage::acme();
    for (code, action) in [
        ("provider_rejected", reply(403, r#"{"error":"invalid_code"}"#)),
        ("network", json!({"type": "reply", "status": 400})),
        ("provider_rejected", reply(200, r#"{"error":"invalid_grant_type","access_token":"canary"}"#)),
    ] {
        stage.at_redemption(1, &action);
        fails(&stage.login(&["--json"]), code);
        assert!(stage.records().is_empty());
    }
}

#[test]
fn names_of_a_server_reach_no_terminal_raw() {
    let stage = Stage::microsoft();
    let name = format!("\u{1b}]0;pwned\u{7}\u{1b}[2J{}", "n".repeat(10_000));
    let id_token = json!({"set": {"preferred_username": name}});
    stage.at_redemption(1, &json!({"type": "mutate", "id_token": id_token}));
    let run = stage.login(&[]).ok();
    let shown = [run.stderr, stage.home.run(["list"]).ok().stdout, stage.field("username", &[])].concat();
    assert!(shown.contains("pwned") && !shown.contains('\u{1b}') && !shown.contains('\u{7}'));
}
