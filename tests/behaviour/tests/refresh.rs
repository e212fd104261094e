//! A refresh that goes well: once, with the newest refresh token, whoever asks.

use std::time::Duration;

use authorization_server::Endpoint;
use serde_json::json;
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::{Run, Running, run};

#[test]
fn expired_token_is_refreshed_and_rotated() {
    for stage in [Stage::acme(), Stage::microsoft()] {
        stage.login_expired(&[]);
        let [login] = &stage.asked("authorization_code")[..] else { panic!("one code") };
        let second = stage.access_token(&[]);
        let third = stage.access_token(&["--force-refresh"]);
        assert_ne!(second, third);
        let [one, two] = &stage.refreshes()[..] else { panic!("two refreshes") };
        // Each time the newest, and never one twice.
        assert_eq!(one.parameters["refresh_token"], login.outcome.issued["refresh_token"]);
        assert_eq!(two.parameters["refresh_token"], one.outcome.issued["refresh_token"]);
        assert_eq!(stage.server.journal().reuse_count(), 0);
        assert_eq!(stage.resource(&third), 200);
        assert_ne!(stage.field("refreshed_at", &[]), "");

        for entry in [one, two] {
            assert!(!entry.origin, "{entry:?}");
            assert!(!entry.parameters.contains_key("client_secret"), "{entry:?}");
            assert!(!entry.parameters.contains_key("resource"), "{entry:?}");
            // Entra wants the scopes named (AADSTS900144), others need not hear them.
            let scope = entry.parameters.get("scope").map(String::as_str);
            let entra = "https://graph.microsoft.com/User.Read openid profile offline_access";
            assert_eq!(scope, (stage.provider == "microsoft").then_some(entra));
        }
    }
}

#[test]
fn refresh_token_is_kept_when_none_is_sent() {
    let stage = Stage::acme();
    stage.change(|live| live.rotation = "none".parse().unwrap());
    stage.login_expired(&[]);
    stage.access_token(&[]);
    stage.access_token(&["--force-refresh"]);
    // A server that rotates again later is followed as well.
    stage.change(|live| live.rotation = "reuse-detection".parse().unwrap());
    stage.access_token(&["--force-refresh"]);
    stage.access_token(&["--force-refresh"]);
    let sent: Vec<_> = stage.refreshes().iter().map(|one| one.parameters["refresh_token"].clone()).collect();
    assert!(sent[0] == sent[1] && sent[1] == sent[2] && sent[2] != sent[3], "{sent:?}");
    assert_eq!(stage.server.journal().reuse_count(), 0);
}

#[test]
fn eight_processes_one_refresh() {
    for rotation in ["none", "keep-old", "reuse-detection", "grace:30"] {
        let stage = Stage::acme();
        stage.change(|live| live.rotation = rotation.parse().unwrap());
        stage.login_expired(&[]);
        // Slow enough that all are there before the first has its answer.
        stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 700}));
        let all: Vec<Running> = (0..8).map(|_| stage.home.start(["token", "acme"])).collect();
        let tokens: Vec<String> = all.into_iter().map(|one| one.finish().ok().stdout).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]), "{rotation}: {tokens:?}");
        assert_eq!(stage.refreshes().len(), 1, "{rotation}");
        assert_eq!(stage.server.journal().reuse_count(), 0, "{rotation}");
        assert_eq!(stage.resource(tokens[0].trim_end()), 200, "{rotation}");
    }
}

#[test]
fn eight_forced_refreshes_are_one() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let old = stage.access_token(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 1500}));
    let force = ["token", "acme", "--force-refresh"];
    let all: Vec<Running> = (0..8).map(|_| stage.home.start(force)).collect();
    // All have seen the old token, which is what each of them wants replaced.
    let tokens: Vec<String> = all.into_iter().map(|one| one.finish().ok().stdout).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0] && token.trim_end() != old), "{tokens:?}");
    assert_eq!(stage.refreshes().len(), 1);
}

#[test]
fn two_refresh_of_two_accounts_run_in_parallel() {
    let stage = Stage::acme();
    stage.login_expired(&["--connection", "a"]);
    stage.login_expired(&["--connection", "b"]);
    stage.at_refresh(2, &json!({"type": "delay", "milliseconds": 1500}));
    let both = ["a", "b"].map(|name| stage.home.start(["token", "acme", "--connection", name]));
    let took = both.map(|one| one.finish().ok().took);
    let [one, two] = &stage.refreshes()[..] else { panic!("two refreshes") };
    assert!(two.milliseconds - one.milliseconds < 1500, "the second did not wait for the first's answer");
    assert!(took.iter().all(|took| *took < Duration::from_millis(2900)), "{took:?}");
}

#[test]
fn logout_during_a_refresh_is_the_last_word() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 700, "when": "after"}));
    let token = stage.home.start(["token", "acme"]);
    stage.until_a_fault_struck();
    let logout = stage.home.run(["logout", "acme", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked");
    token.finish().ok();
    assert!(stage.records().is_empty(), "no token comes back");
    fails(&stage.token(&["--json"]), "not_connected");
    let entries = stage.server.journal().entries();
    let revoked = entries.iter().find(|entry| entry.endpoint == Endpoint::Revoke).unwrap();
    assert_eq!(revoked.parameters["token"], stage.refreshes()[0].outcome.issued["refresh_token"]);
}

#[test]
fn login_during_a_refresh_wins() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 700}));
    let token = stage.home.start(["token", "acme", "--json"]);
    stage.until_a_fault_struck();
    // The old grant ends; its refusal is on its way when the person logs in anew.
    stage.server.revoke_all();
    stage.login(&[]).ok();
    fails(&token.finish(), "login_required");
    assert_eq!(stage.field("status", &[]), "connected", "a late refusal is not about the new grant");
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
}

#[test]
fn lock_timeout_in_the_time_that_was_given() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 60_000}));
    let holder = stage.home.start(["token", "acme"]);
    stage.until_a_fault_struck();
    // What has been stopped does not give up by itself. Windows stops nothing.
    if cfg!(unix) {
        holder.signal("STOP");
    }
    let given = |run: &Run, seconds: u64| {
        let failure = fails(run, "lock_timeout");
        assert!(failure.message().contains(&format!("longer than {seconds}.0 s")), "{failure:?}");
        let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds + 2));
        assert!((least..most).contains(&run.took), "{run:#?}");
    };
    given(&stage.token(&["--json", "--lock-wait", "1"]), 1);
    let mut command = stage.home.command(["token", "acme", "--json"]);
    given(&run(command.env("TOKENKEEP_LOCK_WAIT", "2"), ""), 2);
    // Not to wait at all is a wish too.
    given(&stage.token(&["--json", "--lock-wait", "0"]), 0);
    for odd in ["soon", "-1", "1.5", "86401"] {
        let mut command = stage.home.command(["token", "acme", "--json"]);
        let failure = fails(&run(command.env("TOKENKEEP_LOCK_WAIT", odd), ""), "config_invalid");
        assert!(
            failure.message().contains("TOKENKEEP_LOCK_WAIT") && failure.message().contains(odd),
            "{failure:?}"
        );
    }
}
