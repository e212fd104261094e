//! A client that asks for itself: by its secret, or by assertions that its certificate's key signs.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use authorization_server::{Answer, AssertionReplay, AuthenticationMethod, RegisteredClient, ServerOptions};
use common::certificate::ClientKey;
use common::proof::ProofKey;
use common::{GUID, Tester, number, refused};
use serde_json::{Value, json};

const SECRET: &str = "s3cret";
const SCOPE: &str = "https://graph.microsoft.com/.default";
const TENANT: &str = "contoso.com";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a secret and a certificate.
struct Application {
    tester: Tester,
    key: ClientKey,
}

impl Application {
    fn new() -> Self {
        let key = ClientKey::new();
        let secret = RegisteredClient::confidential(GUID, SECRET, &[AuthenticationMethod::ClientSecretPost]);
        let clients = vec![secret.with_certificate(key.certificate())];
        Self { tester: Tester::new(ServerOptions { clients, ..ServerOptions::entra() }), key }
    }

    async fn asks(&self, tenant: &str, scope: &str, proof: &[(&str, &str)]) -> Answer {
        let request = [("client_id", GUID), ("grant_type", "client_credentials"), ("scope", scope)];
        self.tester.post(&path(tenant), &[&request[..], proof].concat()).await
    }

    async fn shows(&self, assertion: &str) -> Answer {
        self.asks(TENANT, SCOPE, &[("client_assertion_type", TYPE), ("client_assertion", assertion)]).await
    }

    /// Good claims, with some of them changed.
    fn claims(&self, id: &str, changes: Value) -> Value {
        let mut claims = json!({
            "aud": self.tester.url(&path(TENANT)).as_str(),
            "iss": GUID, "sub": GUID, "jti": id, "nbf": now(), "exp": now() + 600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

fn path(tenant: &str) -> String {
    format!("/{tenant}/oauth2/v2.0/token")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_secret_gets_an_access_token_and_nothing_else() {
    let application = Application::new();
    let tokens = application.asks(TENANT, SCOPE, &[("client_secret", SECRET)]).await.json();
    let members: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "ext_expires_in", "token_type"]);
    assert_eq!(application.tester.resource(&tokens["access_token"]).await, 200);
    assert_eq!(application.tester.server.journal().grants()["client_credentials"], 1);
}

#[tokio::test]
async fn what_entra_refuses_a_client_by_itself() {
    let application = Application::new();
    let secret = [("client_secret", SECRET)];
    for (tenant, scope, proof, expected) in [
        ("common", SCOPE, &secret[..], ("invalid_request", 9_001_023)),
        ("consumers", SCOPE, &secret, ("invalid_request", 9_001_023)),
        ("organizations", SCOPE, &secret, ("invalid_request", 50059)),
        (TENANT, "User.Read", &secret, ("invalid_scope", 1_002_012)),
        (TENANT, "https://a/.default https://b/.default", &secret, ("invalid_scope", 1_002_012)),
        (TENANT, "", &secret, ("invalid_request", 900_144)),
        (TENANT, SCOPE, &[("client_secret", "wrong")], ("invalid_client", 7_000_215)),
        (TENANT, SCOPE, &[], ("invalid_client", 7_000_218)),
    ] {
        let answer = application.asks(tenant, scope, proof).await;
        assert_eq!(number(&answer), (expected.0.into(), expected.1), "{tenant} {scope}");
    }
    application.tester.change(|options| options.secrets_expired = true);
    let expired = application.asks(TENANT, SCOPE, &secret).await;
    assert_eq!((expired.status, number(&expired)), (401, ("invalid_client".into(), 7_000_222)));

    // Without a list every client is public.
    let tester = Tester::entra();
    let form = [("client_id", GUID), ("grant_type", "client_credentials"), ("scope", SCOPE)];
    let public = tester.post(&path(TENANT), &form).await;
    assert_eq!((public.status, number(&public)), (401, ("invalid_client".into(), 7_000_218)));
}

#[tokio::test]
async fn an_assertion_is_good_until_it_expires_or_once() {
    let application = Application::new();
    for (id, header) in [("1", application.key.header()), ("2", application.key.old_header())] {
        let assertion = application.key.sign(&header, &application.claims(id, json!({})));
        let tokens = application.shows(&assertion).await.json();
        assert_eq!(application.tester.resource(&tokens["access_token"]).await, 200, "{tokens}");
        assert_eq!(application.shows(&assertion).await.status, 200, "{header}");
        application.tester.change(|options| options.assertion_replay = AssertionReplay::Refused);
        let again = application.shows(&assertion).await;
        assert_eq!(number(&again), ("invalid_client".into(), 50027), "{header}");
        application.tester.change(|options| options.assertion_replay = AssertionReplay::Accepted);
    }
    let entry = application.tester.server.journal().entries().remove(0);
    assert_eq!(entry.client_authentication, Some(AuthenticationMethod::PrivateKeyJwt));
    assert!(entry.parameters["client_assertion"].starts_with("sha256:"), "{entry:?}");
    assert_eq!(entry.parameters["client_assertion_type"], TYPE);

    // Another secret's end is not the certificate's.
    application.tester.change(|options| options.secrets_expired = true);
    let assertion = application.key.sign(&application.key.header(), &application.claims("3", json!({})));
    assert_eq!(application.shows(&assertion).await.status, 200);
}

#[tokio::test]
async fn assertions_that_prove_nothing() {
    let application = Application::new();
    let (stranger, key) = (ClientKey::new(), &application.key);
    let good = key.header();
    let wrong_alg = json!({"alg": "HS256", "x5t#S256": good["x5t#S256"]});
    let other_thumbprint = json!({"alg": "PS256", "x5t#S256": stranger.header()["x5t#S256"]});
    let claims = |changes| application.claims("j", changes);
    for (assertion, expected) in [
        (stranger.sign(&good, &claims(json!({}))), 700_027),
        (key.sign(&other_thumbprint, &claims(json!({}))), 700_027),
        (key.sign(&json!({"alg": "PS256"}), &claims(json!({}))), 700_027),
        (key.sign(&wrong_alg, &claims(json!({}))), 50027),
        (key.sign(&good, &claims(json!({"aud": "https://login.microsoftonline.com/"}))), 700_023),
        (key.sign(&good, &claims(json!({"sub": "someone"}))), 700_021),
        (key.sign(&good, &claims(json!({"iss": "someone"}))), 700_021),
        (key.sign(&good, &claims(json!({"exp": now() - 301}))), 700_024),
        (key.sign(&good, &claims(json!({"nbf": now() + 360}))), 700_024),
        (key.sign(&good, &claims(json!({"jti": null}))), 50027),
        ("nonsense".to_owned(), 50027),
    ] {
        assert_eq!(number(&application.shows(&assertion).await), ("invalid_client".into(), expected));
    }
    // None of these used the id up.
    application.tester.change(|options| options.assertion_replay = AssertionReplay::Refused);
    let assertion = key.sign(&good, &claims(json!({})));
    let untyped = application.asks(TENANT, SCOPE, &[("client_assertion", &assertion)]).await;
    assert_eq!(number(&untyped), ("invalid_client".into(), 50027));
    let both = [("client_assertion_type", TYPE), ("client_assertion", &assertion), ("client_secret", SECRET)];
    assert_eq!(number(&application.asks(TENANT, SCOPE, &both).await).1, 7_000_218);
    assert_eq!(application.shows(&assertion).await.status, 200);
}

#[tokio::test]
async fn a_plain_server_gives_confidential_clients_what_they_ask_for() {
    let tester = Tester::plain();
    let form = [("grant_type", "client_credentials"), ("scope", "read"), ("client_id", "confidential-post")];
    let proof = [("client_secret", "s3cret:with%special+chars &=")];
    let tokens = tester.token(&[&form[..], &proof].concat()).await.json();
    assert_eq!((&tokens["scope"], &tokens["refresh_token"]), (&json!("read"), &Value::Null));
    let public = tester.token(&[("grant_type", "client_credentials"), ("client_id", "public")]).await;
    assert_eq!(refused(&public), (400, "unauthorized_client".into()));
}

#[tokio::test]
async fn a_plain_server_takes_assertions_of_a_key_alone() {
    let key = ProofKey::new();
    let client = RegisteredClient::public("app").with_key(key.public());
    let tester = Tester::new(ServerOptions { clients: vec![client], ..ServerOptions::plain() });
    let asks = async |id: &str, audience: &str| {
        let claims = json!({"iss": "app", "sub": "app", "aud": audience, "jti": id, "exp": now() + 60});
        let assertion = key.sign(&json!({"alg": "ES256", "typ": "JWT"}), &claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        tester.token(&form).await
    };
    let (issuer, endpoint) = (tester.server.issuer(), String::from(tester.url("/token")));
    assert_eq!(asks("1", &issuer).await.status, 200);
    assert_eq!(asks("2", &endpoint).await.status, 200);
    for (id, audience) in [("1", issuer.as_str()), ("3", "https://evil.example")] {
        assert_eq!(refused(&asks(id, audience).await), (401, "invalid_client".into()), "{id} {audience}");
    }
}
