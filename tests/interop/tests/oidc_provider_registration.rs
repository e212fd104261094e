//! A client that nobody registered: it registers itself at oidc-provider, or says at its own address what it is. Ten
//! refreshes each.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use serde_json::Value;
use tokenkeep_interop::{Certificates, Documents, OidcProvider, Person, log_in};
use tokenkeep_test_support::Home;

const TOKEN: [&str; 2] = ["token", "oidc"];

#[test]
fn a_client_registers_itself_and_is_deleted_when_its_registration_is_removed() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    log_in(&home, &without_client(&server));
    server.ten_refreshes(&home, &TOKEN);
    let issuer = server.issuer();
    let stored = home.run(["client", "show", "oidc", "--issuer", &issuer, "--json"]).ok().json();
    assert_eq!(stored["dynamic"], true, "{stored}");
    // A second login uses it again.
    log_in(&home, &without_client(&server));
    let journal = server.journal();
    assert_eq!(
        (journal.registrations("create"), journal.grants("authorization_code")),
        (1, 2),
        "{journal:?}"
    );

    let removed = home.run(["client", "remove", "oidc", "--issuer", &issuer, "--json"]).ok().json();
    assert_eq!(removed["deletion"], "deleted", "{removed}");
    assert_eq!(server.journal().registrations("delete"), 1);
    let refused = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!(refused.error_code(), "provider_rejected", "{refused:#?}");
    assert!(refused.stderr.contains("invalid_client"), "{refused:#?}");
    // And the next login registers anew.
    log_in(&home, &without_client(&server));
    assert_eq!(server.journal().registrations("create"), 2);
}

#[test]
fn a_logout_that_forgets_the_client_deletes_it_after_its_grant() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    log_in(&home, &without_client(&server));
    let logout = home.run(["logout", "oidc", "--forget-client", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked", "{logout}");
    let journal = server.journal();
    assert_eq!(
        (journal.revocations("refresh_token"), journal.registrations("delete")),
        (1, 1),
        "{journal:?}"
    );
}

#[test]
fn the_address_of_a_metadata_document_is_the_client() {
    let certificates = Certificates::make();
    let (server, home) = (OidcProvider::start_trusting(&certificates), Home::new());
    let documents = Documents::serve(&certificates);
    let url = documents.url("client.json");
    documents.publish("client.json", &home.run(["client", "document", &url]).ok().stdout);
    log_in(&home, &with_document(&server, &url));
    server.ten_refreshes(&home, &TOKEN);
    assert_eq!(home.run(["get", "oidc", "--field", "client_id"]).ok().stdout.trim(), url);
    assert_eq!(server.journal().registrations("create"), 0);
}

#[test]
fn a_metadata_document_over_plain_http_is_refused_before_anybody_is_asked() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let refused = start(&home, &with_document(&server, "http://127.0.0.1:1/client.json"));
    assert_eq!(error(&refused)["code"], "config_invalid", "{refused}");
    let journal = server.journal();
    assert_eq!(journal.all_requests(), journal.requests("discovery"), "{journal:?}");
}

#[test]
fn a_metadata_document_of_another_address_is_refused_by_the_server() {
    let certificates = Certificates::make();
    let (server, home) = (OidcProvider::start_trusting(&certificates), Home::new());
    let documents = Documents::serve(&certificates);
    let (url, other) = (documents.url("client.json"), documents.url("other.json"));
    documents.publish("client.json", &home.run(["client", "document", &other]).ok().stdout);
    let refused = start(&home, &with_document(&server, &url));
    let error = error(&refused);
    assert_eq!(error["code"], "provider_rejected", "{refused}");
    assert_eq!(error["server"]["error"], "invalid_client_metadata", "{refused}");
    assert_eq!(server.journal().requests("token"), 0);
}

fn without_client(server: &OidcProvider) -> Vec<String> {
    ["login", "oidc", "--issuer", &server.issuer()].map(str::to_owned).into()
}

fn with_document(server: &OidcProvider, url: &str) -> Vec<String> {
    [without_client(server), vec!["--client-metadata-url".to_owned(), url.to_owned()]].concat()
}

/// A login that ends before there is anything for a person to do.
fn start(home: &Home, login: &[String]) -> String {
    let browser = Person::as_browser();
    let arguments = login.iter().map(String::as_str).chain(["--browser", &browser, "--json"]);
    home.run(arguments).stderr
}

fn error(stderr: &str) -> Value {
    let line = stderr.lines().last().unwrap_or_default();
    serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {stderr}"))["error"].take()
}
