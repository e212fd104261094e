//! What is behind a bearer token: a corner of Microsoft Graph, and a resource that demands claims.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Action, Answer, Endpoint, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Tester, challenges};
use hyper::Method;
use serde_json::{Value, json};

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}"#;

async fn get(tester: &Tester, token: &Value, path_or_url: &str) -> Answer {
    tester.get_with(token, path_or_url).await
}

fn subjects(page: &Value) -> Vec<&str> {
    page["value"].as_array().unwrap().iter().map(|item| item["subject"].as_str().unwrap()).collect()
}

fn demand() -> Fault {
    let claims = serde_json::from_str(CLAIMS).unwrap();
    let beside = vec!["Basic realm=\"a, b\"".into(), "Negotiate".into()];
    Fault::new(Endpoint::Resource, Action::Challenge { claims, beside })
}

#[tokio::test]
async fn a_mailbox_and_a_calendar_in_pages() {
    for tester in [Tester::plain(), Tester::entra()] {
        let token = tester.login().await["access_token"].clone();
        let me = get(&tester, &token, "/v1.0/me").await.json();
        assert_eq!(me["userPrincipalName"], "person@example.com");
        let origin = tester.server.origin();
        assert_eq!(me["@odata.context"], format!("{origin}/v1.0/$metadata#users/$entity"));

        let first = get(&tester, &token, "/v1.0/me/messages?$select=subject,isRead").await;
        assert!(first.header("content-type").unwrap().starts_with("application/json;odata.metadata=minimal"));
        let first = first.json();
        assert_eq!(subjects(&first), ["Message 1", "Message 2", "Message 3"]);
        assert_eq!(
            first["value"][0],
            json!({"id": "AAMkmessage1=", "subject": "Message 1", "isRead": false})
        );
        let second = get(&tester, &token, first["@odata.nextLink"].as_str().unwrap()).await.json();
        assert_eq!(subjects(&second), ["Message 4", "Message 5"]);
        assert!(second["@odata.nextLink"].is_null() && second["value"][0]["body"].is_null(), "{second}");
        let two = get(&tester, &token, "/v1.0/me/messages?%24top=2").await.json();
        assert_eq!(subjects(&two), ["Message 1", "Message 2"]);

        let window = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-24T00:00:00Z";
        for path in ["/v1.0/me/events", "/v1.0//me/events", &format!("/v1.0/me/calendarView?{window}")] {
            let events = get(&tester, &token, path).await.json();
            assert_eq!(subjects(&events), ["Event 1", "Event 2", "Event 3"], "{path}");
            assert_eq!(events["value"][0]["start"]["timeZone"], "UTC");
        }
        for (path, status, code) in [
            ("/v1.0/me/calendarView", 400, "ErrorInvalidParameter"),
            ("/v1.0/me/messages?$top=many", 400, "BadRequest"),
            ("/v1.0/me/drive", 404, "ResourceNotFound"),
        ] {
            let answer = get(&tester, &token, path).await;
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{path}");
        }
    }
}

#[tokio::test]
async fn graph_refuses_as_the_resource_does_and_says_so_in_its_json() {
    for tester in [Tester::plain(), Tester::entra()] {
        let token = tester.login().await["access_token"].clone();
        tester.server.expire_access_tokens();
        for (graph, resource) in [
            (tester.get("/v1.0/me").await, tester.get("/resource").await),
            (get(&tester, &token, "/v1.0/me").await, get(&tester, &token, "/resource").await),
        ] {
            assert_eq!((graph.status, challenges(&graph)), (401, challenges(&resource)));
            let error = &graph.json()["error"];
            assert_eq!(error["code"], "InvalidAuthenticationToken");
            assert!(error["innerError"]["request-id"].is_string() && resource.body.is_empty());
        }
    }
}

#[tokio::test]
async fn demanded_claims_are_met_by_a_token_that_was_asked_for_with_them() {
    for tester in [Tester::plain(), Tester::entra()] {
        let tokens = tester.login().await;
        assert_eq!(get(&tester, &tokens["access_token"], "/v1.0/me").await.status, 200);
        tester.server.push_fault(demand());
        // It stays: the same token is refused again.
        for _ in 0..2 {
            let refused = get(&tester, &tokens["access_token"], "/v1.0/me").await;
            assert_eq!((refused.status, challenges(&refused).len()), (401, 3));
            assert_eq!(challenges(&refused)[..2], ["Basic realm=\"a, b\"", "Negotiate"]);
            let claims = challenges(&refused)[2].split("claims=\"").nth(1).unwrap().trim_end_matches('"');
            assert_eq!(STANDARD.decode(claims).unwrap(), CLAIMS.as_bytes());
        }

        let fresh = tester.refresh(&tokens["refresh_token"], &[]).await.json();
        assert_eq!(get(&tester, &fresh["access_token"], "/v1.0/me").await.status, 401);
        let met = tester.refresh(&fresh["refresh_token"], &[("claims", CLAIMS)]).await.json();
        assert_eq!(get(&tester, &met["access_token"], "/v1.0/me").await.status, 200);
        assert_eq!(get(&tester, &met["access_token"], "/resource").await.status, 200);

        let sent: Vec<_> = tester.server.journal().entries();
        let sent = sent.iter().filter(|entry| entry.grant_type.as_deref() == Some("refresh_token"));
        let claims: Vec<_> = sent.map(|entry| entry.parameters.get("claims").map(String::as_str)).collect();
        assert_eq!(claims, [None, Some(CLAIMS)]);
    }
}

#[tokio::test]
async fn demanded_claims_are_met_by_a_login_with_them() {
    let tester = Tester::entra();
    tester.server.push_fault(demand());
    let token = tester.login().await["access_token"].clone();
    assert_eq!(get(&tester, &token, "/resource").await.status, 401);
    let code = Tester::redirected(&tester.authorize(&[("claims", CLAIMS)]).await)[0].1.clone();
    let token = tester.redeem(&code, &[]).await.json()["access_token"].clone();
    assert_eq!(get(&tester, &token, "/resource").await.status, 200);
}

#[tokio::test]
async fn a_scripted_challenge_comes_once() {
    let tester = Tester::entra();
    let token = tester.login().await["access_token"].clone();
    let claims = STANDARD.encode(CLAIMS);
    let headers = json!([
        ["WWW-Authenticate", "Basic realm=\"x\""],
        ["WWW-Authenticate", format!("Bearer error=\"insufficient_claims\", claims=\"{claims}\"")]
    ]);
    let reply = json!({"endpoint": "resource", "path": "/v1.0/me",
        "action": {"type": "reply", "status": 401, "headers": headers}});
    tester.server.push_fault(serde_json::from_value(reply).unwrap());
    assert_eq!(get(&tester, &token, "/resource").await.status, 200, "the fault waits elsewhere");
    let refused = get(&tester, &token, "/v1.0/me").await;
    assert_eq!((refused.status, challenges(&refused).len()), (401, 2));
    assert_eq!(get(&tester, &token, "/v1.0/me").await.status, 200);
}

#[tokio::test]
async fn the_journal_tells_whether_a_token_came_along() {
    let tester = Tester::plain();
    let token = tester.login().await["access_token"].clone();
    tester.get("/v1.0/me").await;
    get(&tester, &token, "/v1.0/me").await;
    let body = br#"{"subject":"x"}"#.to_vec();
    tester.http.send(Method::POST, &tester.url("/elsewhere"), &[("authorization", "x")], body).await.unwrap();
    let entries = tester.server.journal().entries();
    let host = tester.server.origin().trim_start_matches("http://");
    let told: Vec<_> = entries[2..]
        .iter()
        .map(|entry| (entry.path.as_str(), entry.host.as_deref(), entry.authorization, entry.body_bytes))
        .collect();
    assert_eq!(
        told,
        [
            ("/v1.0/me", Some(host), false, 0),
            ("/v1.0/me", Some(host), true, 0),
            ("/elsewhere", Some(host), true, 15),
        ]
    );
    assert!(!tester.get("/_control/journal").await.text().contains(token.as_str().unwrap()));
}
