//! One grant, many resources: a token for each, kept by itself, and the one refresh token that brings them all.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::seconds_since_1970;

const MAIL: &str = "https://outlook.office365.com/IMAP.AccessAsUser.All";
const SITES: &str = "https://contoso.sharepoint.com/AllSites.Read";
const VAULT: &str = "https://vault.azure.net/.default";

/// What Entra says when nobody has consented.
fn consent_required() -> Value {
    let body = json!({
        "error": "invalid_grant", "suberror": "consent_required", "error_codes": [65001],
        "error_description": "AADSTS65001: The user or administrator has not consented to use the application.",
    });
    let headers = [["content-type", "application/json"]];
    json!({"type": "reply", "status": 400, "headers": headers, "body": body.to_string()})
}

#[test]
fn one_login_many_resources() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let graph = stage.access_token(&[]);
    let mut tokens = BTreeSet::from([graph.clone()]);
    for scopes in [MAIL, SITES, VAULT] {
        let token = stage.access_token(&["--scopes", scopes]);
        // Kept by itself: the next call sends nothing, and takes the place of no other.
        assert_eq!(stage.access_token(&["--scopes", scopes]), token);
        assert!(tokens.insert(token), "{scopes}");
    }
    assert_eq!(stage.access_token(&[]), graph);
    assert_eq!(stage.access_token(&["--scopes", "User.Read"]), graph);

    let refreshes = stage.refreshes();
    assert_eq!(refreshes.len(), 3, "one for each resource that was new");
    for (refresh, scopes) in refreshes.iter().zip([MAIL, SITES, VAULT]) {
        let asked = refresh.parameters["scope"].split(' ').collect::<BTreeSet<_>>();
        assert_eq!(asked, BTreeSet::from([scopes, "openid", "profile", "offline_access"]));
        assert!(!refresh.outcome.reuse && !refresh.parameters.contains_key("resource"), "{refresh:?}");
    }
    let resources = "https://graph.microsoft.com https://outlook.office365.com https://contoso.sharepoint.com \
                     https://vault.azure.net";
    assert_eq!(stage.field("resources", &[]), resources);
    let shown: Value = serde_json::from_str(&stage.token(&["--json", "--scopes", MAIL]).ok().stdout).unwrap();
    assert_eq!(shown["resource"], "https://outlook.office365.com");

    // Each is refreshed by itself: a new one here leaves the others as they are.
    let renewed = stage.access_token(&["--scopes", MAIL, "--force-refresh"]);
    assert!(!tokens.contains(&renewed));
    assert!(tokens.contains(&stage.access_token(&["--scopes", SITES])));
    assert_eq!(stage.access_token(&[]), graph);
    assert!(stage.refreshes()[3].parameters["scope"].contains(MAIL));

    // A token is for one resource.
    let two = format!("User.Read {MAIL}");
    let failure = fails(&stage.token(&["--json", "--scopes", &two]), "config_invalid");
    assert!(failure.message().contains("https://outlook.office365.com"), "{failure:?}");
}

#[test]
fn resource_without_consent_ends_nothing() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    stage.at_refresh(1, &consent_required());
    let failure = fails(&stage.token(&["--json", "--scopes", MAIL]), "consent_required");
    assert!(failure.message().contains(MAIL), "{failure:?}");
    let command = format!("`tokenkeep login microsoft --add-scopes \"{MAIL}\"`");
    assert!(failure.help().contains(&command), "{failure:?}");
    // The same question has the same answer for a minute, whoever asks; others are not held up.
    let again = fails(&stage.token(&["--json", "--scopes", MAIL]), "consent_required");
    assert_eq!(again.help(), failure.help());
    assert_eq!(stage.refreshes().len(), 1);
    stage.token(&["--scopes", SITES]).ok();
    stage.token(&["--force-refresh"]).ok();
    fails(&stage.token(&["--json", "--scopes", MAIL]), "consent_required");
    assert_eq!(stage.refreshes().len(), 3);

    // Personal accounts are told the same without a suberror. It says nothing of the grant.
    let bare = json!({"error": "invalid_grant", "error_codes": [70000]}).to_string();
    let headers = [["content-type", "application/json"]];
    stage.at_refresh(1, &json!({"type": "reply", "status": 400, "headers": headers, "body": bare}));
    fails(&stage.token(&["--json", "--scopes", VAULT]), "consent_required");
    assert_eq!(stage.field("status", &[]), "connected");
    stage.token(&["--force-refresh"]).ok();

    // What was granted once and is refused now is the end of the grant.
    stage.server.revoke_all();
    fails(&stage.token(&["--json", "--scopes", SITES, "--force-refresh"]), "login_required");
    assert_eq!(stage.field("status", &[]), "login_required");
}

#[test]
fn extended_life_is_served_while_the_server_is_down() {
    let stage = Stage::microsoft();
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"ext_expires_in": 3600}}));
    stage.login_expired(&[]);
    let down = json!({"type": "reply", "status": 503, "body": "<html>down</html>"});
    stage.at_refresh(3, &down);
    fails(&stage.token(&["--json"]), "network");
    let shown: Value =
        serde_json::from_str(&stage.token(&["--json", "--allow-extended"]).ok().stdout).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ends_at = seconds_since_1970(shown["expires_at"].as_str().unwrap());
    assert!((3500..=3600).contains(&(ends_at - now as i64)), "the end of the extended life: {shown}");
    // Not for whoever has found it to be of no use, and not for whoever did not ask for it.
    fails(&stage.token(&["--json", "--allow-extended", "--force-refresh"]), "network");
    stage.server.clear_faults();
    let renewed = stage.access_token(&[]);
    assert_ne!(shown["access_token"], renewed.as_str());
    assert_eq!(stage.access_token(&["--allow-extended"]), renewed);

    // What the server refuses is no outage.
    let stage = Stage::microsoft();
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"ext_expires_in": 3600}}));
    stage.login_expired(&[]);
    stage.server.revoke_all();
    fails(&stage.token(&["--json", "--allow-extended"]), "login_required");
}
