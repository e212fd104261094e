//! Registration against `tests/vectors/registration.json`, and the deletion of a client.

use super::*;
use crate::protocol::client_metadata::{ClientMetadataUrl, ServerAbilities};

const VECTORS: &str = include_str!("../../../../tests/vectors/registration.json");
const REDIRECT: &str = "http://127.0.0.1/callback";

fn vectors(part: &str, at_least: usize) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(VECTORS).unwrap();
    let Value::Array(cases) = file[part].take() else { panic!("{part}") };
    assert!(cases.len() >= at_least);
    cases
}

fn words(value: &Value) -> Option<Vec<String>> {
    value.as_array().map(|all| all.iter().map(|word| word.as_str().unwrap().to_owned()).collect())
}

#[test]
fn what_is_asked_for_is_what_the_server_can() {
    let endpoint = Url::parse("https://as.example/register").unwrap();
    for case in vectors("requests", 9) {
        let (methods, grants) = (words(&case["server"]["methods"]), words(&case["server"]["grants"]));
        let server = ServerAbilities {
            authentication_methods: methods.as_deref(),
            grant_types: grants.as_deref(),
            device_authorization: case["server"]["device"] == true,
        };
        let redirect_uri = case["redirect_uri"].as_str().unwrap();
        let metadata = ClientMetadata::to_register(redirect_uri, server, case["dpop"] == true);
        let request = ClientRegistrationRequest { endpoint: &endpoint, metadata: &metadata };
        let request = request.to_http().unwrap();
        assert_eq!(
            (request.method().as_str(), request.headers()["content-type"].to_str().unwrap()),
            ("POST", "application/json")
        );
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(sent, case["sent"], "{}", case["name"]);
    }
}

#[test]
fn what_the_server_answers_counts() {
    for case in vectors("answers", 30) {
        let name = &case["name"];
        let methods = words(&case["methods"]);
        let server = ServerAbilities { authentication_methods: methods.as_deref(), ..Default::default() };
        let asked = ClientMetadata::to_register(REDIRECT, server, false);
        let body = case["body"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
        let status = case["status"].as_u64().unwrap().try_into().unwrap();
        match parse_client_registration(&asked, status, None, body.as_bytes()) {
            Ok(client) => {
                let expected = &case["client"];
                assert_eq!(client.client_id, expected["client_id"], "{name}");
                assert_eq!(client.authentication.as_str(), expected["authentication"], "{name}");
                let secret = client.client_secret.as_ref().map(Secret::expose);
                assert_eq!(secret, expected["secret"].as_str(), "{name}");
                let expires_at = client.client_secret_expires_at;
                assert_eq!(expires_at, expected["expires_at"].as_i64().map(Timestamp::from_unix), "{name}");
                let managed =
                    client.management.as_ref().map(|(uri, token)| serde_json::json!([uri, token.expose()]));
                assert_eq!(managed.unwrap_or_default(), expected["management"], "{name}");
                assert!(!format!("{client:?}").contains("canary"), "{name}");
            }
            Err(error) => {
                assert_eq!(error.code(), case["error"], "{name}: {error}");
                let shown = format!("{error}{error:?}{}{:?}", error.help(), error.server());
                assert!(!shown.contains("canary"), "{name}: {shown}");
                assert!(error.message().contains(case["message"].as_str().unwrap()), "{name}: {error}");
                assert!(
                    error.help().contains(case["help"].as_str().unwrap_or_default()),
                    "{name}: {}",
                    error.help()
                );
            }
        }
    }
}

#[test]
fn an_address_is_a_client_id_or_it_is_refused() {
    for case in vectors("documents", 20) {
        let url = case["url"].as_str().unwrap();
        let read = ClientMetadataUrl::parse(url);
        assert_eq!(read.is_ok(), case["good"] == true, "{url}");
        match read {
            Ok(read) => {
                let document: Value = serde_json::from_str(&read.document().unwrap()).unwrap();
                assert_eq!(document["client_id"], url);
                assert_eq!(
                    document["redirect_uris"],
                    serde_json::json!([
                        "http://127.0.0.1/callback",
                        "http://[::1]/callback",
                        "http://localhost/callback"
                    ])
                );
                assert_eq!(document["token_endpoint_auth_method"], "none");
                assert_eq!(document["application_type"], "native");
            }
            Err(error) => assert_eq!(error.code(), "config_invalid"),
        }
    }
}

#[test]
fn a_client_is_deleted_with_its_own_token() {
    let (uri, access_token) = (Url::parse("https://as.example/c/1").unwrap(), Secret::new("canary"));
    let request = ClientDeletionRequest { uri: &uri, access_token: &access_token };
    assert!(!format!("{request:?}").contains("canary"));
    let request = request.to_http().unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("DELETE", uri.as_str()));
    assert_eq!(request.headers()["authorization"], "Bearer canary");
    assert!(!format!("{request:?}").contains("canary"));

    let refused = |why: &str| ClientDeletion::Refused(why.to_owned());
    for (status, body, expected) in [
        (204, "", ClientDeletion::Deleted),
        (200, "{}", ClientDeletion::Deleted),
        (404, "<html>", ClientDeletion::Deleted),
        (
            401,
            r#"{"error":"invalid_token","error_description":"canary"}"#,
            refused("the server answered 401, invalid_token"),
        ),
        (403, "", refused("the server answered 403")),
        (405, "", refused("the server deletes no client on request (405)")),
        (503, "<html>", refused("the server answered 503")),
    ] {
        assert_eq!(classify_client_deletion(status, None, body.as_bytes()), expected, "{status}");
    }
}
