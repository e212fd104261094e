//! A connection ends: at the server where that can be, and here in any case.

use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails};

/// Logs out, and gives the one outcome.
#[track_caller]
fn logout(stage: &Stage) -> Value {
    let run = stage.home.run(["logout", stage.provider, "--json"]).ok();
    run.json()["logged_out"][0].clone()
}

#[track_caller]
fn assert_gone(stage: &Stage) {
    assert!(stage.records().is_empty());
    fails(&stage.token(&["--json"]), "not_connected");
    assert_eq!(stage.home.run(["logout", stage.provider]).code, 13);
}

#[test]
fn logout_revokes_and_deletes() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let token = stage.access_token(&["--force-refresh"]);
    let newest = stage.refreshes()[0].outcome.issued["refresh_token"].clone();
    assert_eq!(logout(&stage)["revocation"], "revoked");
    assert_gone(&stage);
    assert_eq!(stage.resource(&token), 401, "the server ended it");
    let entries = stage.server.journal().entries();
    let revoked = entries.iter().find(|entry| entry.parameters.contains_key("token_type_hint")).unwrap();
    // RFC 7009 2.1: with the refresh token the server ends the whole grant.
    assert_eq!(revoked.parameters["token_type_hint"], "refresh_token");
    assert_eq!(revoked.parameters["token"], newest);

    // All of them, and each is named.
    stage.login(&["--connection", "a"]).ok();
    stage.login(&["--connection", "b"]).ok();
    let run = stage.home.run(["logout", "acme", "--all"]).ok();
    assert!(run.stderr.contains("acme/a") && run.stderr.contains("acme/b"), "{run:#?}");
    assert!(run.stderr.contains("revoked at the server") && run.stdout.is_empty(), "{run:#?}");
    assert_gone(&stage);

    // A grant that had ended is not asked about.
    stage.login_expired(&[]);
    stage.server.revoke_all();
    fails(&stage.token(&["--json"]), "login_required");
    assert_eq!(logout(&stage)["revocation"], "already_ended");
    assert_gone(&stage);
    // Nothing was done, so there is nothing to print.
    fails(&stage.home.run(["logout", "acme", "--json"]), "not_connected");
}

#[test]
fn logout_without_revocation_endpoint_says_so() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let run = stage.home.run(["logout", "microsoft"]).ok();
    for told in ["no revocation endpoint", "https://myaccount.microsoft.com", "The copy here is deleted"] {
        assert!(run.stderr.contains(told), "{told}: {run:#?}");
    }
    assert_gone(&stage);
    stage.login(&[]).ok();
    let outcome = logout(&stage);
    assert_eq!(outcome["revocation"], "not_supported");
    assert!(outcome["note"].as_str().unwrap().contains("myaccount.microsoft.com"));
}

#[test]
fn logout_when_the_server_is_down_still_deletes() {
    let mut stage = Stage::acme();
    for trouble in [
        json!({"type": "reply", "status": 503, "body": "canary"}),
        json!({"type": "drop_before"}),
        json!({"type": "error", "status": 401, "error": "invalid_client"}),
    ] {
        stage.login(&[]).ok();
        stage.fault(json!({"endpoint": "revoke", "action": trouble}));
        let outcome = logout(&stage);
        assert_eq!(outcome["revocation"], "failed", "{trouble}");
        assert!(!outcome["why"].as_str().unwrap().is_empty() && !outcome.to_string().contains("canary"));
        assert_gone(&stage);
    }
    stage.login(&[]).ok();
    stage.server = Stage::acme().server;
    let run = stage.home.run(["logout", "acme"]).ok();
    assert!(run.stderr.contains("may still be good at the server"), "{run:#?}");
    assert!(run.stderr.contains("The copy here is deleted"), "{run:#?}");
    assert_gone(&stage);
}

#[test]
fn logout_forgets_the_client() {
    let stage = Stage::oidc();
    let issuer = stage.server.issuer();
    stage.home.run(["client", "set", "oidc", "--issuer", &issuer, "--client-id", "public"]).ok();
    stage.login(&[]).ok();
    // Only when it is asked for.
    stage.home.run(["logout", "oidc"]).ok();
    let show = ["client", "show", "oidc", "--issuer", &issuer, "--json"];
    let shown = stage.home.run(show).ok().json();
    assert_eq!(shown["client_id"], "public");

    stage.login(&[]).ok();
    let done = stage.home.run(["logout", "oidc", "--forget-client", "--json"]).ok().json();
    assert_eq!(done["registration_removed"], true);
    assert_eq!(done["registrations"][0]["deletion"], "not_managed");
    fails(&stage.home.run(show), "registration_missing");
    let login = ["login", "oidc", "--issuer", &issuer, "--no-browser", "--json"];
    fails(&stage.home.run(login), "registration_missing");
}
