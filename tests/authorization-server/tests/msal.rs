//! MSAL, unchanged, in Python and in Node, at the Entra dialect over TLS. If this fails, the dialect is wrong, however
//! much our own tests agree with each other.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use authorization_server::{AuthenticationMethod, Consent, Endpoint, Entry, RegisteredClient, ServerOptions};
use common::certificate::ClientKey;
use common::{GUID, Tester};
use serde_json::{Value, json};
use tokenkeep_test_support::tool;

/// A client that asks for itself.
const APPLICATION: &str = "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55";

/// A server over TLS whose authority lies in `directory`.
fn over_tls(directory: &Path, mut options: ServerOptions) -> Tester {
    options.tls_directory = Some(directory.into());
    options.live.device_interval = 1;
    Tester::new(options)
}

/// Runs a script of tests/msal to its end; what it said.
fn run(interpreter: &str, script: &str, tester: &Tester, more: &[&OsStr]) -> Vec<u8> {
    let ca = tester.server.ca_certificate().unwrap();
    let person = env!("CARGO_BIN_EXE_stand-in-person");
    let output = Command::new(tool(interpreter))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/msal").join(script))
        .args([tester.server.origin().as_ref(), ca.as_os_str(), person.as_ref()])
        .args(more)
        .env("SSL_CERT_FILE", ca)
        .env("NODE_EXTRA_CA_CERTS", ca)
        .env_remove("BROWSER")
        // requests lets these win over what MSAL was told to verify with.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn msal_logs_in_by_browser_and_by_device_code_and_refreshes() {
    let directory = tempfile::tempdir().unwrap();
    let tester = over_tls(directory.path(), ServerOptions::entra());
    let said = run("TOKENKEEP_TEST_PYTHON_MSAL", "login.py", &tester, &[]);
    let seen: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(seen["interactive"]["username"], "adele@contoso.com");
    assert_eq!(seen["device_code"]["username"], "person@example.com");

    let journal = tester.server.journal();
    let grants: Vec<usize> = journal.grants().into_values().collect();
    assert_eq!(grants, [2, 3, 1], "two codes, three refreshes, one device");
    assert_eq!((journal.reuse_count(), journal.revoked_count()), (0, 0));
    assert!(journal.poll_gaps().into_iter().all(|gap| gap >= Duration::from_secs(1).as_millis() as u64));
    for entry in journal.entries() {
        assert!(entry.outcome.error.is_none_or(|error| error == "authorization_pending"));
        assert_ne!(entry.endpoint, Endpoint::Unknown, "MSAL asked for {}", entry.path);
        if entry.endpoint == Endpoint::Token {
            assert_eq!(entry.client_authentication, Some(AuthenticationMethod::None));
        }
    }
}

#[test]
fn msal_python_at_several_resources_and_for_itself() {
    several_resources_and_for_itself("TOKENKEEP_TEST_PYTHON_MSAL", "microsoft.py");
}

/// `make packages` installs it, with the clients that tests/adapters tries.
#[test]
fn msal_node_at_several_resources_and_for_itself() {
    several_resources_and_for_itself("TOKENKEEP_TEST_NODE", "microsoft.mjs");
}

/// The same of both: what they were told is in the scripts, what they asked for is here.
fn several_resources_and_for_itself(interpreter: &str, script: &str) {
    let (directory, key) = (tempfile::tempdir().unwrap(), ClientKey::new());
    let application =
        RegisteredClient::confidential(APPLICATION, "s3cret", &[AuthenticationMethod::ClientSecretPost]);
    let clients = vec![RegisteredClient::public(GUID), application.with_certificate(key.certificate())];
    let mut options = ServerOptions { clients, ..ServerOptions::entra() };
    options.live.consent = Consent::Enforced;
    let tester = over_tls(directory.path(), options);
    run(
        interpreter,
        script,
        &tester,
        &[key.folder().join("key.pem").as_os_str(), key.certificate_file.as_os_str()],
    );

    let journal = tester.server.journal();
    let refreshes: Vec<(String, usize)> = journal.refreshes().into_iter().collect();
    let (graph, vault) = ("https://graph.microsoft.com".to_owned(), "https://vault.azure.net".to_owned());
    assert_eq!(refreshes, [(graph, 3), (vault, 2)]);
    assert_eq!((journal.reuse_count(), journal.revoked_count(), journal.used_at_once()), (0, 0, 0));
    assert_eq!((journal.grants()["authorization_code"], journal.grants()["client_credentials"]), (2, 6));

    let entries = journal.entries();
    let asked = |grant_type: &'static str| {
        entries.iter().filter(move |entry| entry.grant_type.as_deref() == Some(grant_type))
    };
    let errors: Vec<&str> = entries.iter().filter_map(|entry| entry.outcome.error.as_deref()).collect();
    assert_eq!(errors, ["invalid_grant", "insufficient_claims", "interaction_required"]);
    let can = |entry: &Entry| {
        let claims: Value = serde_json::from_str(&entry.parameters["claims"]).unwrap();
        claims["access_token"]["xms_cc"]["values"] == json!(["cp1"])
    };
    assert!(asked("refresh_token").chain(asked("authorization_code")).all(can));
    let proofs: Vec<_> =
        asked("client_credentials").filter_map(|entry| entry.client_authentication).collect();
    let (secret, assertion) = (AuthenticationMethod::ClientSecretPost, AuthenticationMethod::PrivateKeyJwt);
    assert_eq!(proofs, [secret, secret, assertion, assertion, assertion, assertion]);
    let unknown = entries.iter().find(|entry| entry.endpoint == Endpoint::Unknown);
    assert_eq!(unknown.map(|entry| &*entry.path), None);
}
