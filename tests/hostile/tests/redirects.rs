//! N19 and N20: a redirect is never followed: not from the token endpoint, with a code or a refresh token in hand,
//! and not from the metadata, which would let one server speak for another.

use authorization_server::{AuthorizationServer, Endpoint, ServerOptions};
use serde_json::json;
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::report;

const STATUSES: [u16; 6] = [300, 301, 302, 303, 307, 308];

#[test]
fn a_code_and_a_refresh_token_go_nowhere_else() {
    let stranger = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let stage = Stage::acme();
    stage.login_expired(&["--connection", "kept"]);
    let own = stage.server.origin().to_owned();
    let places =
        [format!("{}/token", stranger.origin()), format!("{own}/token?again"), "//127.0.0.1:9/token".into()];
    for status in STATUSES {
        for location in &places {
            let redirect = json!({"type": "redirect", "status": status, "location": location});
            let before = stage.server.journal().entries().len();
            stage.at_refresh(1, &redirect);
            let failure = fails(&stage.token(&["--connection", "kept", "--json"]), "network");
            assert!(failure.message().contains(&status.to_string()), "{failure:?}");
            assert_eq!(stage.server.journal().entries().len(), before + 1, "one request, to one place");
        }
        stage.at_redemption(1, &json!({"type": "redirect", "status": status, "location": places[0]}));
        fails(&stage.login(&["--json", "--connection", "new"]), "network");
        assert_eq!(stage.records().len(), 1, "nothing is kept of it");
    }
    assert_eq!(stage.field("status", &["--connection", "kept"]), "connected");
    stage.access_token(&["--connection", "kept"]);
    assert!(stranger.journal().entries().is_empty());
    report(
        "N19",
        format!(
            "{} statuses to {} places and from a code's redemption: never followed",
            STATUSES.len(),
            places.len()
        ),
    );
}

#[test]
fn metadata_is_read_where_it_is_asked_for() {
    let stranger = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let stage = Stage::oidc();
    let own = stage.server.origin().to_owned();
    let document = "/.well-known/openid-configuration";
    // Another server, the same in plain, the very place where the document is, and itself for ever.
    let places = [
        format!("{}{document}", stranger.origin()),
        format!("http://localhost:{}{document}", stage.server.port()),
        format!("{own}{document}"),
        "/.well-known/oauth-authorization-server".to_owned(),
    ];
    for status in STATUSES {
        for location in &places {
            let before = stage.server.journal().entries().len();
            let action = json!({"type": "redirect", "status": status, "location": location});
            stage.fault(json!({"endpoint": "metadata", "times": 2, "action": action}));
            let failure = fails(&stage.login(&["--json"]), "provider_rejected");
            assert!(failure.message().contains("publishes no authorization server metadata"), "{failure:?}");
            let entries = stage.server.journal().entries();
            assert_eq!(entries.len(), before + 2, "each well-known place once, and no other: {entries:#?}");
            assert!(entries[before..].iter().all(|entry| entry.endpoint == Endpoint::Metadata));
        }
    }
    assert!(stranger.journal().entries().is_empty() && stage.records().is_empty());
    stage.login(&[]).ok();
    report(
        "N20",
        format!(
            "{} redirects of the metadata: none followed, the login refused before anybody is asked",
            STATUSES.len() * places.len()
        ),
    );
}
