//! The same against django-oauth-toolkit, whose answers differ in the places that break clients: metadata
//! behind a path, a device endpoint that is not in it, and a grace period for used refresh tokens.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::HashSet;

use tokenkeep_interop::{
    Django, Person, SPECIAL_SECRET, authorization_url, copy_folder, device_authorization, token,
};
use tokenkeep_test_support::Home;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH: [&str; 3] = ["token", "oidc", "--force-refresh"];

#[test]
fn a_login_is_kept_and_revoked_at_logout() {
    let (server, home) = (Django::start(0), Home::new());
    server.log_in(&home);
    let connection = home.run(["get", "oidc", "--json"]).ok().json();
    assert_eq!(connection["issuer"], server.issuer(), "{connection}");
    assert_eq!(connection["has_refresh_token"], true, "{connection}");
    let logout = home.run(["logout", "oidc", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked", "{logout}");
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.revocations("refresh_token")), (1, 1));
    assert_eq!(home.run(["token", "oidc"]).code, 13);
}

#[test]
fn a_denial_that_names_no_issuer_is_refused_and_the_person_can_still_say_yes() {
    // This server promises `iss` in every answer and leaves it out of this one. RFC 9207 2.4: not to be
    // acted on, not even as a refusal. The person is told, in the browser and in the terminal.
    let (server, home) = (Django::start(0), Home::new());
    let mut login = server.start_login(&home);
    let url = authorization_url(&mut login);
    let walk = Person::who_denies().authorize(&url);
    assert!(walk.stderr.ends_with("400 This is not the answer to the login\n"), "{walk:?}");
    login.stderr_line(|line| line.contains("does not say which server it is from"));
    assert_eq!(server.journal().requests("token"), 0);

    Person::new().authorize(&url).ok();
    login.finish().ok();
    assert_eq!(server.journal().grants("authorization_code"), 1);
}

#[test]
fn a_confidential_client_authenticates_with_a_secret_full_of_special_characters() {
    let (server, home) = (Django::start(0), Home::new());
    let (login, browser) = (server.login_as("confidential"), Person::as_browser());
    let arguments = login.iter().map(String::as_str).chain(["--client-secret-stdin", "--browser", &browser]);
    home.run_with_stdin(arguments, &format!("{SPECIAL_SECRET}\n")).ok();
    home.run(REFRESH).ok();
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.grants("refresh_token")), (1, 1));
}

#[test]
fn a_device_login_is_approved_on_the_other_device() {
    let (server, home) = (Django::start(0), Home::new());
    add_device_provider(&home, &server);
    let mut login = home.start(["login", "django", "--client-id", "device"]);
    let (uri, code) = device_authorization(&mut login);
    Person::new().enter_code(&uri, &code).ok();
    login.finish().ok();
    assert_ne!(home.run(["token", "django"]).ok().stdout.trim(), "");
    assert_eq!(server.journal().grants(DEVICE_CODE), 1);
}

#[test]
fn a_device_login_is_denied_on_the_other_device() {
    let (server, home) = (Django::start(0), Home::new());
    add_device_provider(&home, &server);
    let mut login = home.start(["login", "django", "--client-id", "device", "--json"]);
    let (uri, code) = device_authorization(&mut login);
    Person::who_denies().enter_code(&uri, &code).ok();
    let denied = login.finish();
    assert_eq!((denied.code, denied.error_code().as_str()), (17, "access_denied"), "{denied:#?}");
    assert_eq!(server.journal().grants(DEVICE_CODE), 0);
}

/// The metadata does not name the device authorization endpoint: this is what a person would write.
fn add_device_provider(home: &Home, server: &Django) {
    let issuer = server.issuer();
    home.add_provider(&format!(
        r#"
schema = 1
name = "django"
display_name = "Django"
access_token_variable = "DJANGO_TOKEN"
[endpoints]
device_authorization = "{issuer}/device-authorization/"
token = "{issuer}/token/"
[scopes]
default = ["read"]
"#
    ));
}

#[test]
fn twenty_refreshes_without_grace_reuse_nothing() {
    twenty_refreshes(0);
}

#[test]
fn twenty_refreshes_with_a_grace_period_reuse_nothing() {
    twenty_refreshes(30);
}

fn twenty_refreshes(grace: u32) {
    let (server, home) = (Django::start(grace), Home::new());
    server.log_in(&home);
    let mut tokens = HashSet::from([token(&home)]);
    for _ in 0..20 {
        tokens.insert(home.run(REFRESH).ok().stdout.trim().to_owned());
    }
    assert_eq!(tokens.len(), 21);
    let journal = server.journal();
    assert_eq!((journal.grants("refresh_token"), journal.refresh_token_reuse()), (20, 0), "{journal:?}");
    assert_eq!(journal.again_in_grace(), 0, "{journal:?}");
}

#[test]
fn a_store_that_was_copied_back_works_within_the_grace_period() {
    let (server, home) = (Django::start(600), Home::new());
    let newer = refresh_and_copy_the_store_back(&home, &server);
    // The server gives the same pair once more.
    assert_eq!(home.run(REFRESH).ok().stdout.trim(), newer);
    home.run(REFRESH).ok();
    let journal = server.journal();
    assert_eq!((journal.again_in_grace(), journal.refresh_token_reuse()), (1, 0), "{journal:?}");
}

#[test]
fn a_store_that_was_copied_back_asks_for_a_login_without_a_grace_period() {
    let (server, home) = (Django::start(0), Home::new());
    refresh_and_copy_the_store_back(&home, &server);
    let ended = home.run(["token", "oidc", "--force-refresh", "--json"]);
    assert_eq!((ended.code, ended.error_code().as_str()), (14, "login_required"), "{ended:#?}");
    assert_eq!(server.journal().refresh_token_reuse(), 1);
    server.log_in(&home);
    home.run(REFRESH).ok();
}

/// Logs in, refreshes, and puts the store of before in place. Gives the token of the refresh.
fn refresh_and_copy_the_store_back(home: &Home, server: &Django) -> String {
    server.log_in(home);
    let backup = home.path().join("backup");
    copy_folder(&home.store(), &backup);
    let newer = home.run(REFRESH).ok().stdout.trim().to_owned();
    std::fs::remove_dir_all(home.store()).unwrap();
    copy_folder(&backup, &home.store());
    assert_ne!(token(home), newer);
    newer
}
