//! The Azure SDK's pipeline authorizes requests to Graph with a connection's tokens.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here is a test that fails")]

use std::error::Error as _;

use authorization_server::{Consent, Endpoint, Entry, fingerprint};
use azure_core::credentials::TokenCredential as _;
use azure_core::error::ErrorKind;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::{Context, Method, Pipeline, RawResponse, Request, StatusCode, Url};
use azure_core::time::OffsetDateTime;
use serde_json::{Value, json};
use tokenkeep::LoginReason;
use tokenkeep_adapters::{GRAPH, GRAPH_SCOPE, credential, pipeline};
use tokenkeep_behaviour::Stage;

/// A client's own policy around the credential, as the clients of the SDK make it.
fn client(stage: &Stage, connection: Option<&str>, scope: &str) -> Pipeline {
    pipeline(stage, BearerTokenAuthorizationPolicy::new(credential(stage, connection), [scope]))
}

fn request(method: Method, path: &str) -> Request {
    Request::new(Url::parse(&format!("{GRAPH}{path}")).unwrap(), method)
}

async fn get(pipeline: &Pipeline, path: &str) -> azure_core::Result<Value> {
    let answer = pipeline.send(&Context::new(), &mut request(Method::Get, path), None).await?;
    Ok(json(&answer))
}

fn json(answer: &RawResponse) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn api_requests(stage: &Stage) -> Vec<Entry> {
    let entries = stage.server.journal().entries().into_iter();
    entries.filter(|entry| entry.endpoint == Endpoint::Resource).collect()
}

fn tokens_sent(stage: &Stage) -> Vec<String> {
    api_requests(stage).iter().map(|entry| entry.parameters["access_token"].clone()).collect()
}

fn statuses(stage: &Stage) -> Vec<Option<u16>> {
    api_requests(stage).iter().map(|entry| entry.outcome.status).collect()
}

/// The core's error behind one of the SDK's, which wraps it once for each policy on the way.
fn cause(error: &azure_core::Error) -> &tokenkeep::Error {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(cause) = error.downcast_ref() {
            return cause;
        }
        source = error.source();
    }
    panic!("no error of the core behind {error:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_reads_mail_with_the_token_of_the_connection() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let client = client(&stage, None, GRAPH_SCOPE);
    let page = get(&client, "/me/messages").await.unwrap();
    let subjects: Vec<_> = page["value"].as_array().unwrap().iter().map(|item| &item["subject"]).collect();
    assert_eq!(subjects, ["Message 1", "Message 2", "Message 3"]);
    assert_eq!(tokens_sent(&stage), [fingerprint(&stage.access_token(&[]))]);
    assert!(stage.refreshes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_side_by_side_are_one_refresh() {
    let stage = Stage::microsoft();
    stage.login_expired(&[]);
    let clients: Vec<_> = (0..8).map(|_| client(&stage, None, GRAPH_SCOPE)).collect();
    let work: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(async move { get(&client, "/me").await })).collect();
    for done in work {
        assert_eq!(done.await.unwrap().unwrap()["userPrincipalName"], "person@example.com");
    }
    assert_eq!(stage.refreshes().len(), 1);
    assert_eq!(tokens_sent(&stage), vec![fingerprint(&stage.access_token(&[])); 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_token_is_told() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let hour = credential(&stage, None).get_token(&[GRAPH_SCOPE], None).await.unwrap();
    let seconds = (hour.expires_on - OffsetDateTime::now_utc()).whole_seconds();
    assert!((3500..=3600).contains(&seconds), "{seconds}");

    stage.at_redemption(1, &json!({"type": "mutate", "remove": ["expires_in", "refresh_token"]}));
    stage.login(&["--connection", "endless"]).ok();
    let endless = credential(&stage, Some("endless")).get_token(&[GRAPH_SCOPE], None).await.unwrap();
    assert_eq!(endless.expires_on.year(), 9999);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_that_was_named() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    stage.login(&["--connection", "work"]).ok();
    get(&client(&stage, Some("work"), GRAPH_SCOPE), "/me").await.unwrap();
    let work = stage.access_token(&["--connection", "work"]);
    assert_eq!(tokens_sent(&stage), [fingerprint(&work)]);
    assert_ne!(work, stage.access_token(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_the_cores_in_the_form_of_the_sdk() {
    let stage = Stage::microsoft();
    let nobody = get(&client(&stage, None, GRAPH_SCOPE), "/me").await.unwrap_err();
    assert_eq!((nobody.kind(), cause(&nobody).code()), (&ErrorKind::Credential, "not_connected"));

    stage.change(|live| live.consent = Consent::Enforced);
    stage.login_expired(&[]);
    let narrow = get(&client(&stage, None, "https://vault.azure.net/.default"), "/me").await.unwrap_err();
    assert_eq!((narrow.kind(), cause(&narrow).code()), (&ErrorKind::Credential, "consent_required"));
    let malformed = get(&client(&stage, None, "two words"), "/me").await.unwrap_err();
    assert_eq!(cause(&malformed).code(), "config_invalid");

    stage.server.revoke_all();
    let ended = get(&client(&stage, None, GRAPH_SCOPE), "/me").await.unwrap_err();
    let reason = LoginReason::GrantEnded;
    assert_eq!(cause(&ended).kind(), &tokenkeep::ErrorKind::LoginRequired { reason });
    // What a program logs says what to do.
    let credential_error = ended.source().unwrap().to_string();
    assert!(credential_error.contains(cause(&ended).help()), "{credential_error}");
    assert!(api_requests(&stage).is_empty(), "without a token nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claims_challenge_is_met_by_one_retry_with_the_whole_body() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let claims = json!({"access_token": {"nbf": {"essential": true, "value": "1700000000"}}});
    stage.fault(json!({"endpoint": "resource", "action": {"type": "challenge", "claims": claims}}));
    let client = pipeline(&stage, credential(&stage, None).policy([GRAPH_SCOPE]));
    let mut request = request(Method::Post, "/me/messages");
    request.set_json(&json!({"subject": "x"})).unwrap();
    let answer = client.send(&Context::new(), &mut request, None).await.unwrap();
    assert_eq!(answer.status(), StatusCode::Ok);
    assert_eq!(statuses(&stage), [Some(401), Some(200)]);
    assert!(api_requests(&stage).iter().all(|entry| entry.body_bytes == 15));
    let asked: Vec<_> = stage.refreshes().iter().map(|entry| entry.parameters["claims"].clone()).collect();
    assert_eq!(asked, [claims.to_string()]);

    // The token that met it is the connection's from now on.
    get(&client, "/me").await.unwrap();
    assert_eq!((statuses(&stage).len(), stage.refreshes().len()), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_elsewhere_is_picked_up() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let client = pipeline(&stage, credential(&stage, None).policy([GRAPH_SCOPE]));
    get(&client, "/me").await.unwrap();
    stage.server.expire_access_tokens();
    let newer = stage.access_token(&["--force-refresh"]);
    // The SDK still has the old one.
    get(&client, "/me").await.unwrap();
    assert_eq!(statuses(&stage), [Some(200), Some(401), Some(200)]);
    assert_eq!(tokens_sent(&stage)[2], fingerprint(&newer));
    assert_eq!(stage.refreshes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_no_token_betters_is_the_callers() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let wider = "Bearer error=\"insufficient_scope\", scope=\"Mail.Send\"";
    let refused = json!({"type": "reply", "status": 401, "headers": [["WWW-Authenticate", wider]],
        "body": "{\"error\":{\"code\":\"Refused\",\"message\":\"Mail.Send is missing\"}}"});
    stage.fault(json!({"endpoint": "resource", "times": 2, "action": refused}));
    let client = pipeline(&stage, credential(&stage, None).policy([GRAPH_SCOPE]));
    let error = get(&client, "/me").await.unwrap_err();
    assert_eq!(error.http_status(), Some(StatusCode::Unauthorized));
    assert!(error.to_string().contains("Mail.Send is missing"), "{error}");
    // The SDK knows no other way to the API's own words than to ask once more.
    assert_eq!(statuses(&stage), [Some(401), Some(401)]);
    assert!(stage.refreshes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_only_a_person_can_meet_is_the_cores_error() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let claims = json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}});
    stage.fault(json!({"endpoint": "resource", "action": {"type": "challenge", "claims": claims}}));
    let person = json!({"type": "error", "error": "interaction_required", "claims": claims.to_string()});
    stage.at_refresh(1, &person);
    let client = pipeline(&stage, credential(&stage, None).policy([GRAPH_SCOPE]));
    let error = get(&client, "/me").await.unwrap_err();
    assert_eq!((error.kind(), cause(&error).code()), (&ErrorKind::Credential, "interaction_required"));
    assert_eq!(statuses(&stage), [Some(401)], "nothing is repeated in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_printed_shows_a_token() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let credential = credential(&stage, None);
    let policy = credential.policy([GRAPH_SCOPE]);
    let client = pipeline(&stage, policy.clone());
    get(&client, "/me").await.unwrap();
    let printed = format!("{credential:?} {policy:?} {client:?}");
    assert!(printed.contains("microsoft"), "{printed}");
    assert!(!printed.contains(&stage.access_token(&[])));
}
