//! Entra's tenants: guests, tenants that are not there, and sign-ins that nobody may be asked for.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Fault, ServerOptions};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{GUID, REDIRECT, Tester, VERIFIER, number};
use serde_json::{Value, json};

const HOME: &str = "11111111-2222-4333-8444-555555555555";
const RESOURCE_TENANT: &str = "66666666-7777-4888-9999-000000000000";

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A login at this authority; the claims of the id_token, and the account's home.
async fn signed_in(tester: &Tester, tenant: &str) -> (Value, Value) {
    let mut url = tester.url(&format!("/{tenant}/oauth2/v2.0/authorize"));
    url.query_pairs_mut().extend_pairs(tester.authorization_request());
    let code = Tester::redirected(&tester.http.get(&url).await.unwrap()).remove(0).1;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", GUID),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ];
    let tokens = tester.post(&format!("/{tenant}/oauth2/v2.0/token"), &form).await.json();
    let claims = decoded(tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap());
    (claims, decoded(tokens["client_info"].as_str().unwrap()))
}

#[tokio::test]
async fn a_guest_has_a_home_and_a_host() {
    let mut options = ServerOptions::entra();
    options.live.home_tenant = Some(HOME.into());
    let tester = Tester::new(options);
    let (at_home, home) = signed_in(&tester, "common").await;
    assert_eq!((&at_home["tid"], &home["utid"]), (&json!(HOME), &json!(HOME)));
    assert_eq!(at_home["oid"], home["uid"]);
    let (as_guest, home_of_guest) = signed_in(&tester, RESOURCE_TENANT).await;
    assert_eq!(as_guest["tid"], RESOURCE_TENANT);
    assert_eq!(as_guest["iss"], format!("{}/{RESOURCE_TENANT}/v2.0", tester.server.origin()));
    assert_eq!(home_of_guest, home, "MSAL's home_account_id is the same everywhere");
    assert_ne!(as_guest["oid"], at_home["oid"]);
}

#[tokio::test]
async fn a_domain_has_the_issuer_of_its_id() {
    let tester = Tester::entra();
    let document = tester.get("/contoso.com/v2.0/.well-known/openid-configuration").await.json();
    let (claims, _) = signed_in(&tester, "contoso.com").await;
    assert_eq!(document["issuer"], claims["iss"]);
    let tid = claims["tid"].as_str().unwrap();
    assert_eq!(document["issuer"], format!("{}/{tid}/v2.0", tester.server.origin()));
}

#[tokio::test]
async fn a_tenant_that_is_not_there() {
    let tester = Tester::entra();
    tester.change(|options| options.unknown_tenants = vec!["gone.example".into()]);
    let document = tester.get("/gone.example/v2.0/.well-known/openid-configuration").await;
    assert_eq!((document.status, number(&document)), (400, ("invalid_tenant".into(), 90002)));
    let token = tester.post("/gone.example/oauth2/v2.0/token", &[("client_id", GUID)]).await;
    assert_eq!((token.status, number(&token)), (400, ("invalid_request".into(), 90002)));
    let page = tester.get("/gone.example/oauth2/v2.0/authorize").await;
    assert!(page.status == 400 && page.text().contains("AADSTS90002"), "{}", page.text());
    assert_eq!(tester.get("/contoso.com/v2.0/.well-known/openid-configuration").await.status, 200);
}

#[tokio::test]
async fn nobody_is_there_to_answer_silently() {
    let tester = Tester::entra();
    let sent = Tester::redirected(&tester.authorize(&[("prompt", "none"), ("domain_hint", "x.org")]).await);
    assert_eq!(
        (sent[0].1.as_str(), sent[1].1.contains("AADSTS50058: ")),
        ("login_required", true),
        "{sent:?}"
    );
    let entry = tester.server.journal().entries().remove(0);
    assert_eq!((&*entry.parameters["prompt"], &*entry.parameters["domain_hint"]), ("none", "x.org"));
}

#[tokio::test]
async fn a_policy_that_blocks_device_codes() {
    let tester = Tester::entra();
    let blocked =
        json!({"type": "error", "error": "access_denied", "numbers": [53003], "description": "Blocked."});
    let poll = json!({"grant_type": common::DEVICE_CODE, "times": 1000, "action": blocked});
    tester.server.push_fault(serde_json::from_value::<Fault>(poll).unwrap());
    let device = tester.device().await;
    for _ in 0..2 {
        assert_eq!(number(&tester.poll(&device).await), ("access_denied".into(), 53003));
    }
    // The browser flow is not blocked, until the fault says so.
    assert!(tester.login().await["access_token"].is_string());
    let authorize = json!({"endpoint": "authorize", "action": blocked});
    tester.server.push_fault(serde_json::from_value::<Fault>(authorize).unwrap());
    let sent = Tester::redirected(&tester.authorize(&[]).await);
    assert_eq!(
        (sent[0].1.as_str(), sent[1].1.contains("AADSTS53003: ")),
        ("access_denied", true),
        "{sent:?}"
    );
    assert_eq!(sent[2], ("state".into(), "a+b c".into()));
}
