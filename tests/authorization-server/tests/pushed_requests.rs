//! Authorization requests that the client pushes first (RFC 9126), and clients whose id is the address of a document.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Answer, Person};
use common::{Tester, challenges, refused};
use hyper::Method;
use serde_json::{Value, json};

fn server(mode: &str) -> Tester {
    let tester = Tester::plain();
    tester.set(json!({"pushed_requests": {"mode": mode}}));
    tester
}

async fn push(tester: &Tester, changes: &[(&str, &str)]) -> Answer {
    let request = tester.authorization_request();
    let kept = request.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let form: Vec<_> = kept.chain(changes).filter(|(_, value)| !value.is_empty()).copied().collect();
    tester.post("/par", &form).await
}

async fn open(tester: &Tester, client_id: &str, request_uri: &Value) -> Answer {
    let mut url = tester.url("/authorize");
    let pairs = [("client_id", client_id), ("request_uri", request_uri.as_str().unwrap())];
    url.query_pairs_mut().extend_pairs(pairs);
    tester.http.get(&url).await.unwrap()
}

#[tokio::test]
async fn a_pushed_request_is_answered_once() {
    let tester = server("on");
    let answer = push(&tester, &[]).await;
    assert_eq!((answer.status, answer.json()["expires_in"].as_u64()), (201, Some(60)));
    let request_uri = answer.json()["request_uri"].clone();
    assert_eq!(open(&tester, "confidential-post", &request_uri).await.status, 400, "another client's");
    let sent = Tester::redirected(&open(&tester, "public", &request_uri).await);
    assert_eq!((sent[0].0.as_str(), sent[1].1.as_str()), ("code", "a+b c"));
    let tokens = tester.redeem(&sent[0].1, &[]).await.json();
    assert_eq!(tokens["scope"], "openid offline_access User.Read");
    assert_eq!(open(&tester, "public", &request_uri).await.status, 400, "it was used");

    tester.set(json!({"pushed_requests": {"lifetime": 0}}));
    let late = push(&tester, &[]).await.json();
    assert_eq!(open(&tester, "public", &late["request_uri"]).await.status, 400, "it has expired");
    let journal = tester.get("/_control/journal").await.text();
    assert!(!journal.contains(request_uri.as_str().unwrap()) && journal.contains("\"par\""));
}

#[tokio::test]
async fn the_person_of_a_pushed_request_is_asked_as_ever() {
    let tester = server("required");
    tester.change(|options| options.person = Person::Form);
    let request_uri = push(&tester, &[]).await.json()["request_uri"].clone();
    let page = open(&tester, "public", &request_uri).await;
    assert!(page.text().contains("public asks for: openid") && !page.text().contains("code_challenge"));
    let form =
        [("client_id", "public"), ("request_uri", request_uri.as_str().unwrap()), ("decision", "deny")];
    let denied = tester.post("/authorize", &form).await;
    assert_eq!((denied.status, &*Tester::redirected(&denied)[0].1), (303, "access_denied"));
    let again = [&form[..2], &[("decision", "approve")]].concat();
    assert_eq!(tester.post("/authorize", &again).await.status, 400);
}

#[tokio::test]
async fn what_is_wrong_is_said_to_the_client() {
    let tester = server("off");
    let metadata = async || tester.get("/.well-known/openid-configuration").await.json();
    assert_eq!(push(&tester, &[]).await.status, 404);
    assert_eq!(metadata().await.get("pushed_authorization_request_endpoint"), None);
    tester.set(json!({"pushed_requests": {"mode": "required"}}));
    assert_eq!(metadata().await["pushed_authorization_request_endpoint"], tester.url("/par").as_str());
    assert_eq!(metadata().await["require_pushed_authorization_requests"], true);
    for (changes, expected) in [
        (("client_id", "stranger"), (401, "invalid_client")),
        (("client_id", "confidential-post"), (401, "invalid_client")),
        (("redirect_uri", "https://evil.example/"), (400, "invalid_request")),
        (("code_challenge", ""), (400, "invalid_request")),
        (("resource", "https://evil.example/"), (400, "invalid_target")),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), (400, "invalid_request_uri")),
    ] {
        assert_eq!(refused(&push(&tester, &[changes]).await), (expected.0, expected.1.into()), "{changes:?}");
    }
    let unpushed = Tester::redirected(&tester.authorize(&[]).await);
    assert_eq!(unpushed[0], ("error".into(), "invalid_request".into()));
    let secret = [("client_id", "confidential-post"), ("client_secret", "s3cret:with%special+chars &=")];
    assert_eq!(push(&tester, &secret).await.status, 201);
}

#[tokio::test]
async fn a_client_is_what_its_document_says() {
    let tester = Tester::plain();
    let id = "https://app.example/client.json";
    let document = json!({"client_id": id, "application_type": "native", "client_name": "App",
        "redirect_uris": ["http://localhost/callback"], "grant_types": ["authorization_code", "refresh_token"]});
    let published = json!({"url": id, "document": document}).to_string().into_bytes();
    let url = tester.url("/_control/client-document");
    assert_eq!(tester.http.send(Method::POST, &url, &[], published).await.unwrap().status, 204);
    assert_eq!(tester.authorize(&[("client_id", id)]).await.status, 400, "nobody looks");
    tester.set(json!({"client_documents": {"enabled": true}}));
    let metadata = tester.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let code = Tester::redirected(&tester.authorize(&[("client_id", id)]).await).remove(0).1;
    let tokens = tester.redeem(&code, &[("client_id", id)]).await.json();
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[("client_id", id)]).await.status, 200);
    for changes in [
        &[("client_id", "https://app.example/other.json")][..],
        &[("client_id", id), ("redirect_uri", "http://127.0.0.1:8400/callback")],
    ] {
        assert_eq!(tester.authorize(changes).await.status, 400, "{changes:?}");
    }
    let other = json!({"client_id": "https://app.example/other.json"});
    tester.server.publish_client_document(id, other.as_object().unwrap().clone());
    assert_eq!(tester.authorize(&[("client_id", id)]).await.status, 400, "the document is another's");
}

#[tokio::test]
async fn a_provider_has_ways_of_its_own() {
    let tester = Tester::plain();
    tester.set(json!({
        "token_response": {"members": {"instance_url": "https://acme.example", "scope": "changed"}},
        "api": {"header": "X-Access-Token", "scheme": ""},
    }));
    let tokens = tester.login().await;
    assert_eq!(
        (&tokens["instance_url"], &tokens["scope"]),
        (&json!("https://acme.example"), &json!("changed"))
    );
    let api = async |name: &str, value: &str| {
        tester.http.send(Method::GET, &tester.url("/api"), &[(name, value)], Vec::new()).await.unwrap()
    };
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(api("x-access-token", token).await.status, 200);
    let seen = tester.server.journal().entries().pop().unwrap();
    assert_eq!(seen.parameters["access_token"], authorization_server::fingerprint(token));
    let refused = api("authorization", &format!("Bearer {token}")).await;
    assert_eq!((refused.status, challenges(&refused)), (401, vec!["Bearer realm=\"resource\""]));
    tester.set(json!({"api": {"header": "Authorization", "scheme": "Zoho-oauthtoken"}}));
    assert_eq!(api("authorization", &format!("Zoho-oauthtoken {token}")).await.status, 200);
    assert_eq!(api("authorization", &format!("Bearer {token}")).await.status, 401);
}
