//! A token that is at hand, and a token that somebody wants to be fresher.

use serde_json::json;
use tokenkeep_behaviour::{Stage, fails, until};

#[test]
fn cached_token_sends_nothing() {
    let mut stage = Stage::oidc();
    stage.login(&[]).ok();
    let asked = stage.server.journal().entries().len();
    let token = stage.access_token(&[]);
    let shown = stage.token(&["--json"]).ok().json();
    assert_eq!(shown["access_token"], token.as_str());
    assert_eq!((&shown["token_type"], &shown["connection"]), (&json!("Bearer"), &json!("default")));
    assert_eq!(shown["scopes"], json!(["openid", "offline_access"]));
    assert!(shown["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(stage.server.journal().entries().len(), asked);

    // Offline it is as good, and comes at once.
    stage.server = Stage::oidc().server;
    assert_eq!(stage.access_token(&[]), token);
    assert_eq!(stage.access_token(&["--scopes", "openid", "--min-lifetime", "600"]), token);
    assert!(stage.server.journal().entries().is_empty());
    fails(&stage.home.run(["token", "google", "--json"]), "not_connected");
    fails(&stage.home.run(["token", "nobody", "--json"]), "unknown_provider");
}

#[test]
fn forced_refresh() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let first = stage.access_token(&[]);
    let second = stage.access_token(&["--force-refresh"]);
    assert_ne!(first, second);
    assert_eq!(stage.access_token(&[]), second, "what was forced is what everybody gets");
    assert_eq!(stage.refreshes().len(), 1);
    assert_eq!(stage.resource(&second), 200);
}

#[test]
fn min_lifetime() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let first = stage.access_token(&["--min-lifetime", "600"]);
    assert!(stage.refreshes().is_empty(), "it is good for an hour");
    // A server gives what it gives: the newest is handed out, and asked for once.
    let second = stage.access_token(&["--min-lifetime", "7200"]);
    assert_ne!(first, second);
    assert_eq!(stage.refreshes().len(), 1);
    // With a server that gives longer ones it is met.
    stage.change(|live| live.access_token_lifetime = 10_000);
    let third = stage.access_token(&["--min-lifetime", "7200"]);
    assert_eq!(stage.access_token(&["--min-lifetime", "7200"]), third);
    assert_eq!(stage.refreshes().len(), 2);
}

#[test]
fn refresh_in_is_served_and_refreshed() {
    let stage = Stage::microsoft();
    // Long enough for a busy machine to be asked for the first token before it has passed.
    stage.change(|live| live.refresh_in = Some(3));
    stage.login(&[]).ok();
    stage.change(|live| live.refresh_in = None);
    let first = stage.access_token(&[]);
    // Past it the old token is served still, and a new one is fetched for the next caller.
    until(|| {
        assert_eq!(stage.access_token(&[]), first);
        !stage.refreshes().is_empty()
    });
    let second = stage.access_token(&[]);
    assert_ne!(first, second);
    assert_eq!(stage.refreshes().len(), 1);
    assert_eq!(stage.resource(&second), 200);

    // A server in trouble is no trouble while the token works.
    stage.change(|live| live.refresh_in = Some(3));
    let third = stage.access_token(&["--force-refresh"]);
    stage.at_refresh(1, &json!({"type": "reply", "status": 503, "body": "canary"}));
    until(|| {
        assert_eq!(stage.access_token(&[]), third);
        stage.refreshes().len() == 3
    });
    let run = stage.token(&[]).ok();
    assert_eq!((run.stdout.trim_end(), run.stderr.as_str()), (third.as_str(), ""));
}
