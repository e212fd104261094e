//! Refreshes against oidc-provider, which rotates the refresh token, ends the grant at its second use, and
//! knows no grace: a hundred in a row, eight at once, and what goes wrong on the way.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokenkeep_interop::{OidcProvider, copy_folder, token};
use tokenkeep_test_support::{Home, Run, Running};

const REFRESH: [&str; 3] = ["token", "oidc", "--force-refresh"];
/// No token of these tests lives that long: a token that is valid still counts as expiring.
const MIN_LIFETIME: [&str; 4] = ["token", "oidc", "--min-lifetime", "99999"];
const PAGE: &str = "<!doctype html><title>Sign in to the network</title>";

#[test]
fn a_hundred_refreshes_rotate_the_refresh_token_and_reuse_none() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let mut tokens = HashSet::from([token(&home)]);
    for _ in 0..100 {
        tokens.insert(home.run(REFRESH).ok().stdout.trim().to_owned());
    }
    assert_eq!(tokens.len(), 101);
    let journal = server.journal();
    assert_eq!((journal.grants("refresh_token"), journal.refresh_token_reuse()), (100, 0), "{journal:?}");
    assert_eq!(journal.requests("token"), 101);
}

#[test]
fn eight_processes_that_want_an_expired_token_make_one_refresh() {
    const LIFETIME: u64 = 8;
    let (server, home) = (OidcProvider::start(&["--access-token-ttl", &LIFETIME.to_string()]), Home::new());
    server.log_in(&home);
    let first = token(&home);
    // An expiry is the one event that only time brings.
    std::thread::sleep(Duration::from_secs(LIFETIME));
    // The first to arrive is kept waiting for its answer: the others come while it holds the lock.
    server.fault(&json!({"path": "/token", "kind": "delay", "delay_ms": 1000}));
    let tokens = tokens_of(start_eight(&home, &["token", "oidc"]));
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert!(!tokens.contains(&first));
    let journal = server.journal();
    assert_eq!((journal.grants("refresh_token"), journal.refresh_token_reuse()), (1, 0), "{journal:?}");
}

#[test]
fn eight_processes_that_insist_on_a_refresh_reuse_nothing() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let first = token(&home);
    let tokens = tokens_of(start_eight(&home, &REFRESH));
    assert!(!tokens.contains(&first));
    let journal = server.journal();
    assert_eq!(journal.grants("refresh_token"), tokens.len() as u64, "{journal:?}");
    assert_eq!(journal.refresh_token_reuse(), 0, "{journal:?}");
    assert!(tokens.contains(&token(&home)));
}

#[test]
fn a_grant_that_the_server_ended_asks_for_a_login_and_gets_one() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let backup = home.path().join("backup");
    copy_folder(&home.store(), &backup);
    home.run(["logout", "oidc"]).ok();
    // As if it had been revoked elsewhere: the store does not know.
    std::fs::remove_dir_all(home.store()).unwrap();
    copy_folder(&backup, &home.store());
    let ended = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!((ended.code, reason(&ended)), (14, Some("grant_ended".to_owned())), "{ended:#?}");
    assert_eq!(home.run(["get", "oidc", "--field", "status"]).ok().stdout, "login_required\n");
    server.log_in(&home);
    assert_eq!(home.run(["get", "oidc", "--field", "status"]).ok().stdout, "connected\n");
}

#[test]
fn a_lost_response_ends_the_login_on_a_server_without_grace_and_says_why() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    server.fault(&json!({"path": "/token", "kind": "lose-response"}));
    response_was_lost(&home, &server, &home.run(["token", "oidc", "--force-refresh", "--json"]));
}

#[test]
fn a_response_that_was_lost_to_an_earlier_process_is_told_by_the_next() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    server.fault(&json!({"path": "/token", "kind": "lose-response"}));
    server.fault(&json!({"path": "/token", "kind": "reset"}));
    let lost = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!((lost.code, lost.error_code().as_str()), (23, "network"), "{lost:#?}");
    assert_eq!(home.run(["get", "oidc", "--field", "status"]).ok().stdout, "connected\n");
    response_was_lost(&home, &server, &refresh_after_the_pause(&home));
}

/// The server has seen the refresh token twice, `told` says so, and a login makes it good.
fn response_was_lost(home: &Home, server: &OidcProvider, told: &Run) {
    assert_eq!((told.code, told.error_code().as_str()), (14, "login_required"), "{told:#?}");
    assert_eq!(reason(told).as_deref(), Some("response_lost"), "{told:#?}");
    let journal = server.journal();
    assert_eq!((journal.faults("lose-response"), journal.refresh_token_reuse()), (1, 1), "{journal:?}");
    assert_eq!(home.run(["get", "oidc", "--field", "reason"]).ok().stdout, "response_lost\n");
    // Nobody asks the server again for a grant that is gone.
    assert_eq!(home.run(REFRESH).code, 14);
    assert_eq!(server.journal().requests("token"), journal.requests("token"));

    server.log_in(home);
    home.run(REFRESH).ok();
    assert_eq!(server.journal().refresh_token_reuse(), 1);
}

#[test]
fn a_connection_that_breaks_before_the_server_saw_the_request_costs_nothing() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    server.fault(&json!({"path": "/token", "kind": "reset"}));
    home.run(REFRESH).ok();
    let journal = server.journal();
    assert_eq!((journal.faults("reset"), journal.grants("refresh_token")), (1, 1), "{journal:?}");
    assert_eq!(journal.refresh_token_reuse(), 0);
}

#[test]
fn a_server_in_trouble_costs_no_login_and_a_valid_token_is_served_meanwhile() {
    trouble(&json!({"path": "/token", "kind": "reply", "status": 503, "body": PAGE}));
}

#[test]
fn a_sign_in_page_in_place_of_an_answer_costs_no_login() {
    let headers = json!({"content-type": "text/html"});
    trouble(&json!({"path": "/token", "kind": "reply", "status": 200, "headers": headers, "body": PAGE}));
}

fn trouble(fault: &Value) {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let first = token(&home);
    server.fault(fault);
    let failed = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!((failed.code, failed.error_code().as_str()), (23, "network"), "{failed:#?}");
    assert!(failed.stderr.contains(r#""retryable":true"#), "{failed:#?}");
    assert!(!failed.stderr.contains("Sign in"), "{failed:#?}");
    assert_eq!(home.run(["get", "oidc", "--field", "status"]).ok().stdout, "connected\n");
    assert_ne!(refresh_after_the_pause(&home).ok().json()["access_token"], first);

    let second = token(&home);
    server.fault(fault);
    assert_eq!(home.run(MIN_LIFETIME).ok().stdout.trim(), second);
    let journal = server.journal();
    assert_eq!((journal.faults("reply"), journal.grants("refresh_token")), (2, 1), "{journal:?}");
    assert_eq!(journal.refresh_token_reuse(), 0, "{journal:?}");
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept_by_every_process() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let first = token(&home);
    server.fault(&throttle(600));
    // The token at hand is served, and only the first process has asked.
    for _ in 0..3 {
        assert_eq!(home.run(MIN_LIFETIME).ok().stdout.trim(), first);
    }
    for _ in 0..2 {
        let refused = home.run(["token", "oidc", "--force-refresh", "--json"]);
        assert_eq!((refused.code, refused.error_code().as_str()), (24, "throttled"), "{refused:#?}");
        assert!(retry_at(&refused) > unix_now() + 300, "{refused:#?}");
    }
    let journal = server.journal();
    assert_eq!((journal.faults("reply"), journal.requests("token")), (1, 1), "{journal:?}");
    assert_eq!(token(&home), first);
}

#[test]
fn after_the_pause_the_refresh_is_made() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    server.fault(&throttle(1));
    let refused = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!(refused.error_code(), "throttled", "{refused:#?}");
    refresh_after_the_pause(&home).ok();
    let journal = server.journal();
    assert_eq!((journal.grants("refresh_token"), journal.refresh_token_reuse()), (1, 0), "{journal:?}");
}

fn throttle(seconds: u32) -> Value {
    let headers = json!({"retry-after": seconds.to_string()});
    json!({"path": "/token", "kind": "reply", "status": 429, "headers": headers})
}

fn start_eight(home: &Home, arguments: &[&str]) -> Vec<Running> {
    (0..8).map(|_| home.start(arguments)).collect()
}

fn tokens_of(runs: Vec<Running>) -> HashSet<String> {
    runs.into_iter().map(|run| run.finish().ok().stdout.trim().to_owned()).collect()
}

/// A forced refresh, as soon as the record's pause lets it through.
fn refresh_after_the_pause(home: &Home) -> Run {
    loop {
        let run = home.run(["token", "oidc", "--force-refresh", "--json"]);
        if run.code == 0 || run.error_code() != "throttled" {
            return run;
        }
        while unix_now() < retry_at(&run) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn error(run: &Run) -> Value {
    let line = run.stderr.lines().last().unwrap_or_default();
    serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {run:#?}"))["error"].take()
}

fn reason(run: &Run) -> Option<String> {
    error(run)["reason"].as_str().map(str::to_owned)
}

/// `retry_at` in seconds since the epoch: GNU date reads RFC 3339.
fn retry_at(run: &Run) -> u64 {
    let text = error(run)["retry_at"].as_str().unwrap_or_else(|| panic!("{run:#?}")).to_owned();
    let date = std::process::Command::new("date").args(["-u", "-d", &text, "+%s"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().parse().unwrap_or_else(|_| panic!("{text}"))
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
