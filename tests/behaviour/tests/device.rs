//! A person logs in with a code, on another device.

use std::time::Duration;

use authorization_server::{Decision, Endpoint, ServerOptions};
use serde_json::json;
use tokenkeep_behaviour::{Stage, UnderWay, fails, person};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device login that has shown its address and its code, each on a line of its own.
fn begin(stage: &Stage, more: &[&str]) -> (UnderWay, String) {
    let arguments = stage.login_arguments(&[&["--flow", "device-code"], more].concat());
    let mut login = UnderWay::wait(stage.home.start(arguments));
    let is_code = |line: &str| {
        line.len() == 9 && line.chars().all(|c| c.is_ascii_uppercase() || c == '-') && line.contains('-')
    };
    let code = login.running.stderr_line(is_code);
    (login, code)
}

/// A stage whose server wants to be asked every second.
fn every_second(stage: Stage) -> Stage {
    stage.change(|live| live.device_interval = 1);
    stage
}

#[test]
fn login_with_a_device_code() {
    let stage = every_second(Stage::acme());
    let (login, user_code) = begin(&stage, &[]);
    let page = person::enter_user_code(&login.url, &user_code.to_lowercase(), Decision::Approve);
    assert!(page.text().contains("approved"), "{}", page.text());
    let run = login.finish().ok();
    assert!(run.stdout.is_empty() && run.stderr.contains("Logged in to Acme"), "{run:#?}");
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
}

#[test]
fn device_login_slows_down_when_told() {
    let stage = every_second(Stage::acme());
    stage.change(|live| live.device_approve_after = Some(1));
    stage.fault(json!({
        "endpoint": "token", "grant_type": DEVICE_CODE, "skip": 1, "action": {"type": "slow_down"},
    }));
    stage.home.run(stage.login_arguments(&["--flow", "device-code"])).ok();
    // pending, slow_down, granted: RFC 8628 3.5 adds five seconds to the interval of one.
    let gaps = stage.server.journal().poll_gaps();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0] >= 1000 && gaps[0] < 3000 && gaps[1] >= 6000, "{gaps:?}");
}

#[test]
fn device_login_at_microsoft() {
    let stage = every_second(Stage::microsoft());
    let (login, user_code) = begin(&stage, &["--tenant", "organizations"]);
    person::enter_user_code(&login.url, &user_code, Decision::Approve);
    let run = login.finish().ok();
    // Microsoft's own words, and a warning against codes that somebody else sent (RFC 8628 5.4).
    assert!(run.stderr.contains("To sign in, use a web browser to open the page"), "{run:#?}");
    assert!(run.stderr.contains("only if you started this login"), "{run:#?}");
    assert!(run.stderr.contains("Logged in to Microsoft as person@example.com"), "{run:#?}");

    let entries = stage.server.journal().entries();
    let asked = entries.iter().find(|entry| entry.endpoint == Endpoint::Device).unwrap();
    assert_eq!(asked.path, "/organizations/oauth2/v2.0/devicecode");
    assert_eq!(
        asked.parameters["scope"],
        "https://graph.microsoft.com/User.Read openid profile offline_access"
    );
    let polls = stage.asked(DEVICE_CODE);
    for entry in polls.iter().chain([asked]) {
        assert!(!entry.origin, "{entry:?}");
        assert!(
            !entry.parameters.contains_key("client_secret") && !entry.parameters.contains_key("resource")
        );
    }
    assert!(polls.iter().all(|poll| poll.parameters["client_info"] == "1"));
    assert_ne!(stage.field("home_account_id", &[]), "");
}

#[test]
fn device_login_denied() {
    for stage in [every_second(Stage::acme()), every_second(Stage::microsoft())] {
        let (login, user_code) = begin(&stage, &["--json"]);
        person::enter_user_code(&login.url, &user_code, Decision::Deny);
        fails(&login.finish(), "access_denied");
        assert!(stage.records().is_empty());
        assert_eq!(stage.asked(DEVICE_CODE).len(), 1, "a no is final");
    }
}

#[test]
fn device_code_expired() {
    // The server says so.
    let stage = every_second(Stage::microsoft());
    stage.fault(json!({"endpoint": "token", "action": {"type": "expired_token"}}));
    let run = stage.home.run(stage.login_arguments(&["--flow", "device-code", "--json"]));
    fails(&run, "login_timed_out");
    assert_eq!(stage.asked(DEVICE_CODE).len(), 1);

    // The code's time is over before the first poll: nobody asks any more.
    let options = ServerOptions::entra();
    let stage = Stage::new("microsoft", options, &["--client-id", tokenkeep_behaviour::CLIENT_ID]);
    stage.home.add_provider(&stage.microsoft_definition());
    stage.change(|live| live.device_lifetime = 1);
    let run = stage.home.run(stage.login_arguments(&["--flow", "device-code", "--json"]));
    fails(&run, "login_timed_out");
    assert!(run.took < Duration::from_secs(4) && stage.asked(DEVICE_CODE).is_empty(), "{run:#?}");
    assert!(stage.records().is_empty());
}
