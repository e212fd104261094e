//! Every fault over the wire, and what the journal says of it.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::time::{Duration, Instant};

use authorization_server::{Action, Endpoint, Fault, When};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Tester, refused};
use serde_json::{Value, json};

fn fault(value: Value) -> Fault {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_dropped_request_was_processed_or_not() {
    let tester = Tester::plain();
    let tokens = tester.login().await;
    let refresh = async |token: &Value| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "public"),
            ("refresh_token", token.as_str().unwrap()),
        ];
        tester.http.post_form(&tester.url("/token"), &form).await
    };
    tester.server.push_fault(Fault::new(Endpoint::Token, Action::DropBefore));
    assert!(refresh(&tokens["refresh_token"]).await.is_err());
    let tokens = refresh(&tokens["refresh_token"]).await.unwrap().json();

    tester.server.push_fault(Fault::new(Endpoint::Token, Action::DropAfter).grant_type("refresh_token"));
    assert!(refresh(&tokens["refresh_token"]).await.is_err());
    assert_eq!(refused(&refresh(&tokens["refresh_token"]).await.unwrap()), (400, "invalid_grant".into()));

    let entries = tester.server.journal().entries();
    let told: Vec<_> = entries
        .iter()
        .filter(|entry| entry.grant_type.as_deref() == Some("refresh_token"))
        .map(|entry| {
            (entry.fault.as_deref(), entry.outcome.status, entry.outcome.rotated, entry.outcome.reuse)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("drop_before"), None, false, false),
            (None, Some(200), true, false),
            (Some("drop_after"), None, true, false),
            (None, Some(400), false, true),
        ]
    );
}

#[tokio::test]
async fn a_client_that_hangs_up_has_been_served_all_the_same() {
    let tester = Tester::plain();
    let tokens = tester.login().await;
    for when in [When::Before, When::After] {
        let delay = Fault::new(Endpoint::Token, Action::Delay { milliseconds: 150, when });
        tester.server.push_fault(delay.grant_type("refresh_token"));
    }
    let mut token = tokens["refresh_token"].clone();
    let mut rotations = 0;
    for _ in 0..2 {
        let impatient = tokio::time::timeout(Duration::from_millis(50), tester.refresh(&token, &[])).await;
        assert!(impatient.is_err());
        rotations += 1;
        let started = Instant::now();
        let rotated =
            || tester.server.journal().entries().iter().filter(|entry| entry.outcome.rotated).count();
        while rotated() < rotations && started.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(rotated(), rotations);
        // The next one starts from a new login: this token is used up.
        token = tester.login().await["refresh_token"].clone();
    }
}

#[tokio::test]
async fn replies_are_sent_as_they_are() {
    let tester = Tester::plain();
    let device = tester.device().await;
    for (action, status, body, header) in [
        (json!({"type": "reply", "status": 400}), 400, "", None),
        (
            json!({"type": "reply", "status": 403, "body": "{\"error\":\"invalid_code\"}"}),
            403,
            "{\"error\":\"invalid_code\"}",
            None,
        ),
        (
            json!({"type": "reply", "status": 200, "headers": [["Content-Type", "text/html"]], "body": "<h1>Wi-Fi</h1>"}),
            200,
            "<h1>Wi-Fi</h1>",
            Some(("content-type", "text/html")),
        ),
        (
            json!({"type": "redirect", "status": 307, "location": "http://127.0.0.1:9/"}),
            307,
            "",
            Some(("location", "http://127.0.0.1:9/")),
        ),
        (
            json!({"type": "throttle", "retry_after_seconds": 7}),
            429,
            "{\"error\":\"temporarily_unavailable\"}",
            Some(("retry-after", "7")),
        ),
        (json!({"type": "throttle", "status": 503}), 503, "{\"error\":\"temporarily_unavailable\"}", None),
    ] {
        tester.server.push_fault(fault(json!({"endpoint": "token", "action": action})));
        let answer = tester.poll(&device).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{action}");
        if let Some((name, value)) = header {
            assert_eq!(answer.header(name), Some(value), "{action}");
        }
    }
    tester.server.push_fault(fault(
        json!({"action": {"type": "throttle", "retry_after_seconds": 60, "as_date": true}}),
    ));
    let date = httpdate::parse_http_date(tester.poll(&device).await.header("retry-after").unwrap()).unwrap();
    let ahead = date.duration_since(std::time::SystemTime::now()).unwrap();
    assert!((50..=60).contains(&ahead.as_secs()), "{ahead:?}");
}

#[tokio::test]
async fn a_reply_after_processing_is_a_lost_answer() {
    let tester = Tester::plain();
    let tokens = tester.login().await;
    tester.server.push_fault(fault(json!({
        "endpoint": "token", "action": {"type": "reply", "status": 502, "body": "<h1>Bad Gateway", "when": "after"},
    })));
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 502);
    assert!(tester.server.journal().entries().pop().unwrap().outcome.rotated);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 400);
}

#[tokio::test]
async fn bodies_without_end_and_without_haste() {
    let tester = Tester::plain();
    tester
        .server
        .push_fault(fault(json!({"endpoint": "metadata", "action": {"type": "huge_body", "mebibytes": 3}})));
    let huge = tester.get("/.well-known/openid-configuration").await;
    assert_eq!((huge.status, huge.body.len(), huge.json()), (200, 3 << 20, Value::Null));

    let slow = json!({"type": "slow_body", "interval_milliseconds": 20, "body": "{\"a\":1}"});
    tester.server.push_fault(fault(json!({"endpoint": "metadata", "action": slow})));
    let started = Instant::now();
    let slow = tester.get("/.well-known/openid-configuration").await;
    assert_eq!((slow.json(), slow.header("content-length")), (json!({"a": 1}), Some("7")));
    assert!(started.elapsed() >= Duration::from_millis(7 * 20), "{:?}", started.elapsed());
}

#[tokio::test]
async fn good_answers_are_changed() {
    let tester = Tester::plain();
    let set: Value = (0..50)
        .map(|number| (format!("unknown_{number}"), json!({"deep": [number]})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    tester.server.push_fault(fault(json!({"endpoint": "token", "action": {"type": "mutate",
        "set": set, "remove": ["scope"], "rename": {"expires_in": "expires"}}})));
    let tokens = tester.login().await;
    assert_eq!(
        (tokens["unknown_49"].clone(), tokens["expires"].clone()),
        (json!({"deep": [49]}), json!(3600))
    );
    assert_eq!((tokens["scope"].is_null(), tokens["expires_in"].is_null()), (true, true));

    tester.server.push_fault(fault(json!({"endpoint": "token", "action": {"type": "mutate",
        "set": {"token_type": "bearer", "expires_in": "3600"},
        "id_token": {"set": {"nonce": "other"}}}})));
    let tokens = tester.login().await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!("3600")));
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["nonce"], "other");
    tester.server.push_fault(fault(json!({"endpoint": "token", "action": {"type": "mutate",
        "headers": [["Content-Type", "text/plain"], ["Date", "Thu, 01 Jan 1970 00:00:00 GMT"]]}})));
    let code = tester.code().await;
    let answer = tester.redeem(&code, &[]).await;
    assert!(answer.json()["access_token"].is_string());
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    // A refusal is left as it is.
    tester.server.push_fault(fault(json!({"action": {"type": "mutate", "set": {"error": "x"}}})));
    assert_eq!(refused(&tester.refresh(&json!("guessed"), &[]).await), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a_device_is_told_to_slow_down_or_that_it_is_over() {
    let tester = Tester::plain();
    tester.change(|options| options.device_interval = 0);
    let device = tester.device().await;
    tester
        .server
        .push_fault(fault(json!({"endpoint": "token", "action": {"type": "slow_down", "interval": 1}})));
    tester
        .server
        .push_fault(fault(json!({"endpoint": "token", "skip": 1, "action": {"type": "expired_token"}})));
    let slow = tester.poll(&device).await;
    assert_eq!((refused(&slow), slow.json()["interval"].as_u64()), ((400, "slow_down".into()), Some(1)));
    assert_eq!(refused(&tester.poll(&device).await), (400, "slow_down".into()), "it was meant");
    assert_eq!(refused(&tester.poll(&device).await), (400, "expired_token".into()));
    assert!(!tester.server.approve_device(device["user_code"].as_str().unwrap()));
}

#[tokio::test]
async fn errors_take_the_form_of_the_dialect() {
    let error = json!({"endpoint": "token", "action": {"type": "error", "error": "interaction_required",
        "description": "Sign in again.", "numbers": [50076], "suberror": "basic_action", "claims": "{}"}});
    let tester = Tester::entra();
    tester.server.push_fault(fault(error.clone()));
    let body = tester.poll(&json!({"device_code": "x"})).await.json();
    assert!(
        body["error_description"].as_str().unwrap().starts_with("AADSTS50076: Sign in again. Trace ID: ")
    );
    assert_eq!(
        (&body["error_codes"], &body["suberror"], &body["claims"]),
        (&json!([50076]), &json!("basic_action"), &json!("{}"))
    );
    let tester = Tester::plain();
    tester.server.push_fault(fault(error));
    assert_eq!(tester.poll(&json!({"device_code": "x"})).await.json()["error_description"], "Sign in again.");
}

#[tokio::test]
async fn one_resource_is_struck_and_the_others_are_not() {
    let tester = Tester::entra();
    let tokens = tester.login().await;
    let error = json!({"type": "error", "error": "invalid_grant", "suberror": "message_only"});
    tester.server.push_fault(fault(
        json!({"grant_type": "refresh_token", "resource": "https://vault.azure.net", "action": error}),
    ));
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 200);
    let scope = ("scope", "openid https://vault.azure.net/.default");
    let struck = tester.refresh(&tokens["refresh_token"], &[scope]).await;
    assert_eq!((struck.status, &struck.json()["suberror"]), (400, &json!("message_only")));
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[scope]).await.status, 200);
}
