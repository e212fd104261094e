//! Entra's consent, by an account or an administrator, and what else it wants of the person for one resource.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::collections::BTreeMap;

use authorization_server::{Consent, Fault, Person};
use common::{GUID, Tester, number};
use serde_json::{Value, json};
use url::Url;

const HOME: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";
const VAULT: &str = "https://vault.azure.net/user_impersonation";

fn strict() -> Tester {
    let tester = Tester::entra();
    tester.change(|options| options.consent = Consent::Enforced);
    tester
}

/// Logs in with these scopes at once, and a token for the first of them.
async fn login(tester: &Tester, scope: &str, first: &str) -> Value {
    let answer = tester.authorize(&[("scope", scope)]).await;
    tester.redeem(&Tester::redirected(&answer)[0].1, &[("scope", first)]).await.json()
}

/// The parameters of a redirect from the administrators' page.
async fn admin_consent(tester: &Tester, tenant: &str, changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut url = tester.url(&format!("/{tenant}/v2.0/adminconsent"));
    let request =
        [("client_id", GUID), ("redirect_uri", common::REDIRECT), ("scope", VAULT), ("state", "s 1")];
    url.query_pairs_mut().extend_pairs(request).extend_pairs(changes);
    let answer = tester.http.get(&url).await.unwrap();
    let location = Url::parse(answer.header("location").unwrap()).unwrap();
    location.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn scopes_of_several_resources_are_consented_to_at_once() {
    let tester = strict();
    let tokens = login(&tester, &format!("openid offline_access User.Read {VAULT}"), "User.Read").await;
    assert_eq!(tokens["scope"], "User.Read openid");
    let vault = tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.json();
    assert_eq!(vault["scope"], format!("{VAULT} openid"));
    // What was allowed once stays allowed, and adds up.
    let tokens = login(&tester, "offline_access Mail.Read", "Mail.Read offline_access").await;
    assert_eq!(tokens["scope"], "Mail.Read User.Read openid");
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);
}

#[tokio::test]
async fn what_nobody_consented_to_is_refused_as_entra_does() {
    let tester = strict();
    let tokens = tester.login().await;
    let refused = tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await;
    assert_eq!((refused.status, number(&refused)), (400, ("invalid_grant".into(), 65001)));
    let body = refused.json();
    assert_eq!(body["suberror"], "consent_required");
    for member in ["trace_id", "correlation_id", "timestamp"] {
        assert!(body[member].is_string(), "{body}");
    }
    // The refresh token was not used up, another account's consent is its own, and by default none is wanted.
    tester.server.consent_for_account(GUID, "adele@contoso.com", &[VAULT]);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 400);
    tester.server.consent_for_account(GUID, "person@example.com", &[VAULT]);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);
    tester.server.withdraw_consent();
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 400);
    tester.change(|options| options.consent = Consent::Given);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);

    let journal = tester.server.journal();
    let refreshes = journal.refreshes();
    assert_eq!(refreshes, BTreeMap::from([("https://vault.azure.net".to_owned(), 2)]));
    assert_eq!(journal.entries().last().unwrap().resource.as_deref(), Some("https://vault.azure.net"));
}

#[tokio::test]
async fn an_administrator_consents_for_the_tenant() {
    let tester = strict();
    let tokens = tester.login().await;
    let answer = admin_consent(&tester, "organizations", &[]).await;
    let expected = [("admin_consent", "True"), ("scope", VAULT), ("state", "s 1"), ("tenant", HOME)];
    assert_eq!(answer, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);

    tester.server.withdraw_consent();
    tester.change(|options| options.person = Person::Deny);
    let answer = admin_consent(&tester, HOME, &[]).await;
    assert_eq!((answer["error"].as_str(), answer["error_subcode"].as_str()), ("access_denied", "cancel"));
    assert!(answer["error_description"].starts_with("AADSTS65004: "), "{answer:?}");
    assert_eq!((answer["admin_consent"].as_str(), answer["state"].as_str()), ("True", "s 1"));
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 400);

    // Another tenant's administrator has no say here.
    tester.change(|options| options.person = Person::Approve);
    let answer = admin_consent(&tester, "contoso.com", &[]).await;
    assert_ne!(answer["tenant"], HOME);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 400);
    let consent = json!({"client_id": GUID, "scope": VAULT}).to_string().into_bytes();
    let url = tester.url("/_control/consent");
    assert_eq!(tester.http.send(hyper::Method::POST, &url, &[], consent).await.unwrap().status, 204);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);
    tester.server.withdraw_consent();
    tester.server.consent_for_tenant(GUID, HOME, &["User.Read", VAULT]);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 200);
}

#[tokio::test]
async fn what_the_administrators_page_does_not_send_back() {
    let tester = strict();
    let get = async |tenant: &str, redirect_uri: &str| {
        let mut url = tester.url(&format!("/{tenant}/v2.0/adminconsent"));
        let request = [("client_id", GUID), ("redirect_uri", redirect_uri), ("scope", VAULT)];
        url.query_pairs_mut().extend_pairs(request);
        tester.http.get(&url).await.unwrap()
    };
    for (tenant, redirect_uri, number) in [
        ("common", common::REDIRECT, "AADSTS50059"),
        ("nonsense", common::REDIRECT, "AADSTS900023"),
        (HOME, "https://elsewhere.example/callback", "AADSTS50011"),
    ] {
        let answer = get(tenant, redirect_uri).await;
        assert!(answer.status == 400 && answer.text().contains(number), "{tenant}: {}", answer.text());
    }
    tester.change(|options| options.person = Person::Form);
    let page = get(HOME, common::REDIRECT).await;
    assert!(
        page.text().contains("action=\"adminconsent\"") && page.text().contains(VAULT),
        "{}",
        page.text()
    );
    tester.change(|options| options.person = Person::Approve);
    let fault =
        json!({"endpoint": "admin_consent", "action": {"type": "error", "error": "consent_required"}});
    tester.server.push_fault(serde_json::from_value::<Fault>(fault).unwrap());
    assert_eq!(admin_consent(&tester, HOME, &[]).await["error"], "consent_required");
}

#[tokio::test]
async fn a_resource_that_wants_more_of_the_person() {
    let tester = Tester::entra();
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": ["c1"]}}});
    let wanted = claims.as_object().unwrap().clone();
    tester.change(|options| options.step_up = [("https://vault.azure.net".to_owned(), wanted)].into());
    let tokens = tester.login().await;
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 200);
    // No claims of a refresh make up for what the person was not asked.
    for more in ["", r#"{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}"#] {
        let changes = [("scope", VAULT), ("claims", more)];
        let refused = tester.refresh(&tokens["refresh_token"], &changes).await;
        assert_eq!(number(&refused), ("interaction_required".into(), 50076));
        assert_eq!(refused.json()["suberror"], "basic_action");
        let sent: Value = serde_json::from_str(refused.json()["claims"].as_str().unwrap()).unwrap();
        assert_eq!(sent, claims);
    }
    let answer = tester.authorize(&[("claims", &claims.to_string())]).await;
    let tokens = tester.redeem(&Tester::redirected(&answer)[0].1, &[]).await.json();
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("scope", VAULT)]).await.status, 200);
}
