//! MSAL Python, unchanged, logs in at the Entra dialect over TLS. If this fails, the dialect is wrong, however much
//! our own tests agree with each other.

mod common;

use std::process::Command;
use std::time::Duration;

use authorization_server::{AuthenticationMethod, Endpoint, ServerOptions};
use common::Tester;
use serde_json::Value;

/// Names the interpreter of a virtual environment that holds tests/msal/requirements.txt.
const PYTHON: &str = "TOKENKEEP_TEST_PYTHON_MSAL";

#[test]
fn msal_logs_in_by_browser_and_by_device_code_and_refreshes() {
    let Some(python) = std::env::var_os(PYTHON) else {
        panic!("{PYTHON} is not set: it names a python with tests/msal/requirements.txt installed");
    };
    let directory = tempfile::tempdir().unwrap();
    let mut options = ServerOptions::entra();
    options.tls_directory = Some(directory.path().into());
    options.live.device_interval = 1;
    let tester = Tester::new(options);
    let ca = tester.server.ca_certificate().unwrap();

    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/msal/login.py"))
        .args([
            tester.server.origin().as_ref(),
            ca.as_os_str(),
            env!("CARGO_BIN_EXE_stand-in-person").as_ref(),
        ])
        .env("SSL_CERT_FILE", ca)
        .env_remove("BROWSER")
        // requests lets these win over what MSAL was told to verify with.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
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
