//! A refresh that goes wrong: what ends a login, what does not, and what is still handed out.

use std::time::Duration;

use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails, until};
use tokenkeep_test_support::report;

#[test]
fn grant_revoked_is_login_required() {
    for stage in [Stage::acme(), Stage::microsoft()] {
        stage.login_expired(&["--connection", "work"]);
        stage.server.revoke_all();
        let work = ["--connection", "work"];
        for _ in 0..2 {
            let failure = fails(&stage.token(&[&work[..], &["--json"]].concat()), "login_required");
            assert_eq!(failure.text("reason"), "grant_ended");
            let command = format!("`tokenkeep login {} --connection work`", stage.provider);
            assert!(failure.help().contains(&command), "{failure:?}");
        }
        assert_eq!(stage.refreshes().len(), 1, "a grant that has ended is not asked for again");
        // The record is kept: the login can be repeated as it was.
        assert_eq!(stage.field("status", &work), "login_required");
        assert_eq!(stage.field("reason", &work), "grant_ended");
        assert_ne!(stage.field("requested_scopes", &work), "");
        stage.login(&work).ok();
        assert_eq!(stage.field("status", &work), "connected");
        assert_eq!(stage.resource(&stage.access_token(&work)), 200);
    }
}

#[test]
fn lost_response_is_recovered_on_entra() {
    let stage = Stage::microsoft();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "drop_after"}));
    let token = stage.access_token(&[]);
    assert_eq!(stage.resource(&token), 200);
    let [lost, again] = &stage.refreshes()[..] else { panic!("two sends") };
    assert_eq!(lost.parameters["refresh_token"], again.parameters["refresh_token"]);
    stage.access_token(&["--force-refresh"]);

    // Lost twice, and found by the next process: the marker in the record tells it.
    stage.login_expired(&[]);
    stage.at_refresh(2, &json!({"type": "drop_after"}));
    fails(&stage.token(&["--json"]), "network");
    assert_eq!(stage.field("status", &[]), "connected");
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);

    // A server with a grace period gives the same pair again.
    let stage = Stage::acme();
    stage.change(|live| live.rotation = "grace:30".parse().unwrap());
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "drop_after"}));
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
    stage.access_token(&["--force-refresh"]);
}

#[test]
fn lost_response_on_a_strict_server_is_login_required() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "drop_after"}));
    let failure = fails(&stage.token(&["--json"]), "login_required");
    assert_eq!(failure.text("reason"), "response_lost");
    assert!(failure.message().contains("lost"), "{failure:?}");
    assert_eq!(stage.refreshes().len(), 2);
    assert_eq!(stage.field("reason", &[]), "response_lost");
    stage.login(&[]).ok();
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);

    // Lost before the server acted is not lost at all.
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "drop_before"}));
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
    assert_eq!(stage.server.journal().reuse_count(), 0);
}

#[test]
fn a_rotation_in_an_answer_of_no_use_is_not_lost() {
    let of_no_use = [
        json!({"type": "mutate", "set": {"expires_in": "soon"}}),
        json!({"type": "mutate", "set": {"access_token": "a b\nc"}}),
        json!({"type": "mutate", "remove": ["access_token"]}),
        json!({"type": "mutate", "set": {"token_type": "mac"}}),
    ];
    let stage = Stage::acme();
    for answer in &of_no_use {
        stage.login_expired(&[]);
        stage.at_refresh(1, answer);
        fails(&stage.token(&["--json"]), "provider_rejected");
        assert_eq!(stage.field("status", &[]), "connected", "{answer}");
        // What it held is sent next: on this server the one before would end the login.
        assert_eq!(stage.resource(&stage.access_token(&[])), 200, "{answer}");
    }
    assert_eq!(stage.server.journal().reuse_count(), 0);
}

#[test]
fn server_errors_serve_the_valid_token() {
    let html = "<html>canary</html>";
    let troubles: [(&str, u32, Value); 7] = [
        ("500", 1, json!({"type": "reply", "status": 500, "body": "canary"})),
        (
            "502",
            1,
            json!({"type": "reply", "status": 502, "body": html, "headers": [["content-type", "text/html"]]}),
        ),
        ("503", 1, json!({"type": "error", "status": 503, "error": "temporarily_unavailable"})),
        // Who fails is not believed on the end of a grant.
        ("503g", 1, json!({"type": "error", "status": 503, "error": "invalid_grant"})),
        ("html", 1, json!({"type": "reply", "status": 200, "body": html})),
        ("empty", 1, json!({"type": "reply", "status": 400})),
        ("drop", 2, json!({"type": "drop_before"})),
    ];
    let stage = Stage::acme();
    for (name, times, trouble) in &troubles {
        let connection = ["--connection", name];
        stage.login(&connection).ok();
        let token = stage.access_token(&connection);
        stage.at_refresh(*times, trouble);
        let run = stage.token(&[&connection[..], &["--min-lifetime", "7200"]].concat()).ok();
        assert_eq!(run.stdout.trim_end(), token, "{name}");
        assert_eq!(stage.field("status", &connection), "connected", "{name}");

        // With no token to go on with it is an error that may pass, and passes.
        let expired = format!("{name}-expired");
        let connection = ["--connection", expired.as_str()];
        stage.login_expired(&connection);
        stage.at_refresh(*times, trouble);
        fails(&stage.token(&[&connection[..], &["--json"]].concat()), "network");
        assert_eq!(stage.field("status", &connection), "connected", "{name}");
        assert_eq!(stage.resource(&stage.access_token(&connection)), 200, "{name}");
    }
    assert_eq!(stage.server.journal().reuse_count(), 0);
}

#[test]
fn the_same_refusal_is_not_asked_for_twice() {
    let stage = Stage::microsoft();
    let challenge = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let refusals = [
        ("interaction_required", json!({"type": "error", "error": "invalid_grant", "claims": challenge})),
        (
            "consent_required",
            json!({"type": "error", "error": "invalid_grant", "suberror": "consent_required"}),
        ),
    ];
    for (code, refusal) in refusals {
        stage.login_expired(&[]);
        let before = stage.refreshes().len();
        stage.at_refresh(1, &refusal);
        let first = fails(&stage.token(&["--json"]), code);
        // Every process that asks within the minute is told the same, and what to do about it.
        for arguments in [&["--json"][..], &["--json", "--force-refresh"]] {
            let again = fails(&stage.token(arguments), code);
            assert_eq!((again.message(), again.help()), (first.message(), first.help()));
            assert!(again.help().contains("`tokenkeep login microsoft`"), "{again:?}");
            assert!(code != "interaction_required" || again.text("claims") == challenge, "{again:?}");
        }
        assert_eq!(stage.refreshes().len(), before + 1, "{code}");
        // The person has acted: nothing is left of it.
        stage.login(&[]).ok();
        assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    }

    // A client that was refused may be put right at once, and is asked for at once.
    stage.login_expired(&[]);
    let before = stage.refreshes().len();
    stage.at_refresh(2, &json!({"type": "error", "error": "invalid_client"}));
    fails(&stage.token(&["--json"]), "provider_rejected");
    fails(&stage.token(&["--json"]), "provider_rejected");
    assert_eq!(stage.refreshes().len(), before + 2);
}

#[test]
fn tokens_that_end_at_once_make_no_loop() {
    for lifetime in [0, 1] {
        let stage = Stage::acme();
        stage.login_expired(&[]);
        stage.change(|live| live.access_token_lifetime = lifetime);
        // What the server gives is handed out to whoever was there when it came.
        assert_ne!(stage.access_token(&[]), "");
        until(|| stage.token(&[]).code != 0);
        for arguments in
            [&["--json"][..], &["--json", "--force-refresh"], &["--json", "--min-lifetime", "60"]]
        {
            let failure = fails(&stage.token(arguments), "throttled");
            assert!(failure.message().contains(&format!("tokens that live {lifetime} s")), "{failure:?}");
            assert!(failure.text("retry_at").ends_with('Z'), "{failure:?}");
        }
        assert_eq!(stage.refreshes().len(), 1, "one request in thirty seconds");
        assert_eq!(stage.field("status", &[]), "connected");
        // Whoever runs the server has put it right, and a new login need not wait.
        stage.change(|live| live.access_token_lifetime = 3600);
        stage.login(&[]).ok();
        assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    }
}

#[test]
fn server_that_is_down_serves_the_valid_token() {
    let mut stage = Stage::acme();
    stage.login(&["--connection", "valid"]).ok();
    stage.login_expired(&["--connection", "expired"]);
    let token = stage.access_token(&["--connection", "valid"]);
    stage.server = Stage::acme().server;
    let run = stage.token(&["--connection", "valid", "--min-lifetime", "7200"]).ok();
    assert_eq!(run.stdout.trim_end(), token);
    let run = stage.token(&["--connection", "expired", "--json"]);
    fails(&run, "network");
    assert!(run.took < Duration::from_secs(1), "{run:#?}");
    assert!(stage.server.journal().entries().is_empty());
    let seconds = run.took.as_secs_f64();
    report("N2", format!("refused: network after {seconds:.2} s, the valid token is served"));
    report("N23", format!("offline: a valid token at once, an expired one network after {seconds:.2} s"));
}
