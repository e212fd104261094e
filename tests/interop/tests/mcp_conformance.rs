//! The Model Context Protocol's published suite judges a client that logs in with the library: every scenario of
//! authorization that the revision requires, and of its extensions those that are the library's. No failure and no
//! warning is expected, and what must be refused is refused for the right reason.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::sync::Mutex;

use tokenkeep_interop::mcp::{REVISION, Verdict, expected_failures, required_of_clients, run_scenario};

/// Not scored by the suite, which calls them extensions.
const EXTENSIONS: [&str; 4] =
    ["auth/client-credentials-basic", "auth/client-credentials-jwt", "auth/dpop", "auth/dpop-nonce"];

/// What a client must not go along with, and how ours ends. It is `done` everywhere else.
const REFUSED: [(&str, &str); 7] = [
    ("auth/iss-normalized", "the response is from another server"),
    ("auth/iss-supported-missing", "the response does not say which server it is from"),
    ("auth/iss-unexpected", "the response is from another server"),
    ("auth/iss-wrong-issuer", "the response is from another server"),
    ("auth/metadata-issuer-mismatch", "provider_rejected"),
    ("auth/resource-mismatch", "provider_rejected"),
    // The server's last word, after as many logins as a person would bear.
    ("auth/scope-retry-limit", "403"),
];

#[test]
fn every_scenario_of_authorization_that_the_revision_requires() {
    let scenarios: Vec<String> =
        required_of_clients().into_iter().filter(|name| name.starts_with("auth/")).collect();
    assert_eq!(scenarios.len(), 25, "{scenarios:?}");
    for (refused, _) in REFUSED {
        assert!(scenarios.iter().any(|scenario| scenario == refused), "{refused} is no longer required");
    }
    judged(&scenarios, REVISION);
}

#[test]
fn dpop_and_client_credentials() {
    judged(&EXTENSIONS.map(str::to_owned), REVISION);
}

#[test]
fn a_server_that_is_its_own_authorization_server_as_the_first_revision_had_it() {
    judged(&["auth/2025-03-26-oauth-metadata-backcompat".to_owned()], "2025-03-26");
}

#[test]
fn no_failure_is_expected() {
    assert_eq!(std::fs::read_to_string(expected_failures()).unwrap(), "");
}

/// Runs them, two at a time: each is a server and a client.
#[track_caller]
fn judged(scenarios: &[String], revision: &str) {
    let (left, complaints) = (Mutex::new(scenarios.iter()), Mutex::new(Vec::new()));
    let next = || left.lock().unwrap().next();
    let work = || {
        while let Some(scenario) = next() {
            let verdict = run_scenario(scenario, revision);
            complaints.lock().unwrap().extend(complaint(scenario, &verdict));
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(work);
        threads.spawn(work);
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(
        complaints.is_empty(),
        "{} of {}:\n\n{}",
        complaints.len(),
        scenarios.len(),
        complaints.join("\n")
    );
}

/// What is wrong with how a scenario went.
fn complaint(scenario: &str, verdict: &Verdict) -> Option<String> {
    let expected = REFUSED.iter().find(|(refused, _)| *refused == scenario).map_or("done", |(_, code)| *code);
    let (complaints, said) = (verdict.complaints(), &verdict.said);
    let went_well = verdict.code == 0 && complaints.is_empty() && verdict.successes() > 0;
    (!went_well || verdict.ended != expected).then(|| {
        let complaints = complaints.join("\n  ");
        format!("{scenario} was to end with {expected:?}. The suite says:\n  {complaints}\nThe client said:\n{said}")
    })
}
