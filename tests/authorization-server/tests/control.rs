//! The server as a test in another process sees it: `/_control/...`.

mod common;

use authorization_server::fingerprint;
use common::Tester;
use serde_json::{Value, json};

#[tokio::test]
async fn control_and_journal_from_outside() {
    let tester = Tester::plain();
    let post = async |name: &str, body: Value| {
        let url = tester.url(&format!("/_control/{name}"));
        tester.http.send(hyper::Method::POST, &url, &[], body.to_string().into_bytes()).await.unwrap()
    };
    let changed = post("options", json!({"rotation": "grace:9", "refresh_in": 5})).await.json();
    assert_eq!((&changed["rotation"], &changed["access_token_lifetime"]), (&json!("grace:9"), &json!(3600)));
    assert_eq!(post("options", json!({"rotatoin": "none"})).await.status, 400);
    assert_eq!(post("nothing", json!({})).await.status, 404);
    let faults = json!([{"action": {"type": "drop_after"}}, {"action": {"type": "drop_before"}}]);
    assert_eq!(post("faults", faults).await.status, 204);
    assert_eq!(post("faults", json!({"action": {"type": "dorp"}})).await.status, 400);
    assert_eq!(tester.get("/_control/faults").await.json().as_array().unwrap().len(), 2);
    let url = tester.url("/_control/faults");
    assert_eq!(tester.http.send(hyper::Method::DELETE, &url, &[], Vec::new()).await.unwrap().status, 204);

    let consent = |more: Value| {
        let mut consent = json!({"client_id": "public", "scope": "User.Read"});
        consent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post("consent", consent)
    };
    for (more, status) in [
        (json!({}), 204),
        (json!({"username": "person@example.com"}), 204),
        (json!({"tenant": "contoso.com"}), 204),
        (json!({"username": "person@example.com", "tenant": "contoso.com"}), 400),
    ] {
        assert_eq!(consent(more).await.status, status);
    }
    let url = tester.url("/_control/consent");
    assert_eq!(tester.http.send(hyper::Method::DELETE, &url, &[], Vec::new()).await.unwrap().status, 204);

    let tokens = tester.login().await;
    assert_eq!(tokens["refresh_in"], 5);
    assert_eq!(post("expire", json!({})).await.status, 204);
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401);
    assert_eq!(post("revoke-all", json!({})).await.status, 204);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 400);
    let device = tester.device().await;
    assert_eq!(
        post("device", json!({"user_code": device["user_code"], "decision": "approve"})).await.status,
        204
    );
    assert_eq!(
        post("device", json!({"user_code": device["user_code"], "decision": "deny"})).await.status,
        404
    );
    assert_eq!(tester.poll(&device).await.status, 200);

    let journal = tester.get("/_control/journal").await;
    for secret in ["access_token", "refresh_token"] {
        let secret = tokens[secret].as_str().unwrap();
        assert!(!journal.text().contains(secret));
        assert!(journal.text().contains(&fingerprint(secret)));
    }
    let journal = journal.json();
    assert_eq!(journal["grants"]["authorization_code"], 1);
    let entry = &journal["entries"][1];
    assert_eq!((&entry["endpoint"], &entry["client_authentication"]), (&json!("token"), &json!("none")));
    assert_eq!(
        entry["outcome"]["issued"]["refresh_token"],
        fingerprint(tokens["refresh_token"].as_str().unwrap())
    );
}
