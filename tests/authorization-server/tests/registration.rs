//! Clients that register themselves, and what they manage of it (RFC 7591, RFC 7592).

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Answer, Endpoint};
use common::{REDIRECT, Tester, VERIFIER, challenges, refused};
use hyper::Method;
use serde_json::{Value, json};

struct Registered<'a> {
    tester: &'a Tester,
    told: Value,
}

impl<'a> Registered<'a> {
    fn of(tester: &'a Tester, answer: &Answer) -> Self {
        assert!(answer.status < 300, "{}", answer.text());
        Self { tester, told: answer.json() }
    }

    fn id(&self) -> &str {
        self.told["client_id"].as_str().unwrap()
    }

    /// The status of a redemption by this client, whose person has said yes.
    async fn redeem(&self, proof: &[(&str, &str)]) -> Answer {
        let sent = self.tester.authorize(&[("client_id", self.id())]).await;
        let code = Tester::redirected(&sent).remove(0).1;
        self.tester.redeem(&code, &[&[("client_id", self.id())], proof].concat()).await
    }

    /// Any request to the configuration endpoint, with the token that was told last.
    async fn manage(&self, method: Method, body: Option<Value>) -> Answer {
        let url = self.told["registration_client_uri"].as_str().unwrap();
        send(self.tester, method, url, self.told["registration_access_token"].as_str(), body.as_ref()).await
    }
}

async fn send(
    tester: &Tester,
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let value = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(value.as_deref().map(|value| ("authorization", value)));
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    tester.http.send(method, &tester.url(url), &headers, body).await.unwrap()
}

async fn register(tester: &Tester, changes: Value) -> Answer {
    send(tester, Method::POST, "/register", None, Some(&native(changes))).await
}

/// What a native client asks for.
fn native(changes: Value) -> Value {
    let mut metadata = json!({
        "client_name": "Test", "application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    metadata
}

fn server(options: Value) -> Tester {
    let tester = Tester::plain();
    tester.set(json!({"registration": {"enabled": true}}));
    tester.set(json!({"registration": options}));
    tester
}

#[tokio::test]
async fn nobody_registers_where_there_is_no_endpoint() {
    let tester = Tester::plain();
    assert_eq!(register(&tester, json!({})).await.status, 404);
    let metadata = tester.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata.get("registration_endpoint"), None);
    tester.set(json!({"registration": {"enabled": true}}));
    let metadata = tester.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["registration_endpoint"], tester.url("/register").as_str());
}

#[tokio::test]
async fn a_client_registers_and_logs_in_at_any_port() {
    let tester = server(json!({}));
    let answer = register(&tester, json!({})).await;
    assert_eq!(answer.status, 201);
    let client = Registered::of(&tester, &answer);
    assert_eq!(client.told.get("client_secret"), None);
    assert_eq!(client.told["redirect_uris"], json!(["http://localhost/callback"]));
    let tokens = client.redeem(&[]).await.json();
    let refreshed = tester.refresh(&tokens["refresh_token"], &[("client_id", client.id())]).await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(tester.resource(&refreshed.json()["access_token"]).await, 200);
    for redirect_uri in ["http://127.0.0.1:8400/callback", "http://localhost:8400/"] {
        let changes = [("client_id", client.id()), ("redirect_uri", redirect_uri)];
        assert_eq!(tester.authorize(&changes).await.status, 400, "{redirect_uri}");
    }
    let device = [("client_id", client.id())];
    assert_eq!(tester.post("/device_authorization", &device).await.status, 200);
    let credentials = [("grant_type", "client_credentials"), ("client_id", client.id())];
    assert_eq!(refused(&tester.token(&credentials).await), (400, "unauthorized_client".into()));

    let journal = tester.server.journal();
    assert_eq!(journal.registrations(), 1);
    let entry = journal.entries().remove(0);
    assert_eq!(entry.endpoint, Endpoint::Register);
    assert_eq!(entry.parameters["redirect_uris"], r#"["http://localhost/callback"]"#);
    assert_eq!(entry.parameters["application_type"], "native");

    tester.set(json!({"registration": {"status": 200}}));
    let web = register(&tester, json!({"application_type": "web"})).await;
    assert_eq!(web.status, 200);
    let sent = tester.authorize(&[("client_id", web.json()["client_id"].as_str().unwrap())]).await;
    assert_eq!(sent.status, 400, "a client that is not native has the port that it registered");
}

#[tokio::test]
async fn without_the_grant_type_there_is_no_refresh_token() {
    let tester = server(json!({}));
    let answer = register(&tester, json!({"grant_types": ["authorization_code"]})).await;
    let tokens = Registered::of(&tester, &answer).redeem(&[]).await.json();
    assert_eq!((tokens["access_token"].is_string(), tokens.get("refresh_token")), (true, None));
}

#[tokio::test]
async fn the_server_gives_a_secret_that_ends() {
    let tester = server(json!({"auth_method": "client_secret_post", "secret_lifetime": 600}));
    let client = Registered::of(&tester, &register(&tester, json!({})).await);
    assert_eq!(client.told["token_endpoint_auth_method"], "client_secret_post");
    let ends = client.told["client_secret_expires_at"].as_u64().unwrap();
    assert_eq!(ends - client.told["client_id_issued_at"].as_u64().unwrap(), 600);
    let secret = client.told["client_secret"].as_str().unwrap();
    assert_eq!(refused(&client.redeem(&[]).await), (401, "invalid_client".into()));
    assert_eq!(client.redeem(&[("client_secret", secret)]).await.status, 200);

    tester.set(json!({"registration": {"secret_lifetime": 0}}));
    let client = Registered::of(&tester, &register(&tester, json!({})).await);
    let secret = client.told["client_secret"].as_str().unwrap();
    assert_eq!(refused(&client.redeem(&[("client_secret", secret)]).await), (401, "invalid_client".into()));

    tester.set(json!({"registration": {"secret_lifetime": null}}));
    let renewed = client.manage(Method::PUT, Some(native(json!({"client_id": client.id()})))).await;
    let client = Registered::of(&tester, &renewed);
    assert_eq!(client.told["client_secret_expires_at"], 0);
    let other = client.told["client_secret"].as_str().unwrap();
    assert_ne!(other, secret);
    assert_eq!(client.redeem(&[("client_secret", other)]).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_registered() {
    let tester = server(json!({}));
    for (changes, error) in [
        (json!({"redirect_uris": ["http://evil.example/"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (json!({"grant_types": ["password"]}), "invalid_client_metadata"),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), "invalid_client_metadata"),
    ] {
        assert_eq!(refused(&register(&tester, changes).await), (400, error.into()));
    }
    let form = tester.post("/register", &[("client_name", "x")]).await;
    assert_eq!(refused(&form), (400, "invalid_client_metadata".into()));
    assert_eq!(tester.get("/register").await.status, 405);

    tester.set(json!({"registration": {"initial_access_token": "let-me-in"}}));
    for (token, status) in [(None, 401), (Some("wrong"), 401), (Some("let-me-in"), 201)] {
        let answer = send(&tester, Method::POST, "/register", token, Some(&native(json!({})))).await;
        assert_eq!((answer.status, challenges(&answer).len()), (status, usize::from(status == 401)));
    }
    assert_eq!(tester.server.journal().registrations(), 1);

    tester.set(json!({"registration": {"initial_access_token": null, "redirect_uris": []}}));
    let dropped = Registered::of(&tester, &register(&tester, json!({})).await);
    assert_eq!(dropped.told["redirect_uris"], json!([]));
    assert_eq!(tester.authorize(&[("client_id", dropped.id())]).await.status, 400);
}

#[tokio::test]
async fn a_registration_is_read_changed_and_ended() {
    let tester = server(json!({"rotate_access_token": true}));
    let first = Registered::of(&tester, &register(&tester, json!({})).await);
    let read = Registered::of(&tester, &first.manage(Method::GET, None).await);
    assert_eq!((read.id(), &read.told["client_name"]), (first.id(), &json!("Test")));
    assert_ne!(read.told["registration_access_token"], first.told["registration_access_token"]);
    assert_eq!(refused(&first.manage(Method::GET, None).await), (401, "invalid_token".into()));

    for (body, expected) in [
        (native(json!({})), (400, "invalid_client_metadata")),
        (native(json!({"client_id": "other"})), (400, "invalid_client_metadata")),
        (native(json!({"client_id": read.id(), "redirect_uris": []})), (400, "invalid_redirect_uri")),
    ] {
        assert_eq!(refused(&read.manage(Method::PUT, Some(body)).await), (expected.0, expected.1.into()));
    }
    let body = native(json!({"client_id": read.id(), "redirect_uris": ["http://localhost/"]}));
    let changed = Registered::of(&tester, &read.manage(Method::PUT, Some(body)).await);
    assert_eq!(changed.told["redirect_uris"], json!(["http://localhost/"]));
    let sent = tester.authorize(&[("client_id", changed.id())]).await;
    assert_eq!(sent.status, 400, "the old URI is gone");
    let changes = [("client_id", changed.id()), ("redirect_uri", "http://localhost:8400/")];
    let code = Tester::redirected(&tester.authorize(&changes).await).remove(0).1;
    let tokens = tester.redeem(&code, &changes).await.json();

    assert_eq!(changed.manage(Method::DELETE, None).await.status, 204);
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401, "its grants end");
    assert_eq!(changed.manage(Method::GET, None).await.status, 401);
    assert_eq!(tester.authorize(&changes).await.status, 400);

    tester.set(json!({"registration": {"management": false}}));
    let unmanaged = register(&tester, json!({})).await.json();
    assert_eq!(unmanaged.get("registration_access_token"), None);
    let path = format!("/register/{}", unmanaged["client_id"].as_str().unwrap());
    assert_eq!(tester.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_client_is_forgotten() {
    let tester = server(json!({}));
    let client = Registered::of(&tester, &register(&tester, json!({})).await);
    let tokens = client.redeem(&[]).await.json();
    assert_eq!(tester.get("/_control/clients").await.json(), json!([client.id()]));
    let forget = json!({"client_id": client.id()});
    let forgotten = send(&tester, Method::POST, "/_control/forget-client", None, Some(&forget)).await;
    assert_eq!(forgotten.status, 204);
    assert!(!tester.server.forget_client(client.id()) && tester.server.registered_clients().is_empty());
    let refresh = tester.refresh(&tokens["refresh_token"], &[("client_id", client.id())]).await;
    assert_eq!(refused(&refresh), (401, "invalid_client".into()));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.id()),
        ("code", "x"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(refused(&tester.token(&form).await), (401, "invalid_client".into()));
}
