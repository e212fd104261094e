//! Logins and logouts against oidc-provider: over http and https, through both flows, with yes, no and
//! somebody else's answer. The journal is the server's word on what it was asked.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use serde_json::json;
use tokenkeep_interop::{
    Certificates, Leaf, OidcProvider, Person, SPECIAL_SECRET, authorization_url, device_authorization, text,
    token,
};
use tokenkeep_test_support::{Home, Running, request};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH: [&str; 3] = ["token", "oidc", "--force-refresh"];

#[test]
fn a_login_in_the_browser_is_kept_and_served_to_every_later_process() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let login = home.run(server.login().iter().map(String::as_str).chain([
        "--browser",
        &Person::as_browser(),
        "--scopes",
        "openid profile",
        "--json",
    ]));
    let connection = login.ok().json();
    assert_eq!(connection["account"]["username"], "alice", "{connection}");
    assert_eq!(connection["scopes"], json!(["openid", "profile", "offline_access"]));
    assert_eq!(connection["issuer"], server.issuer());

    let token = token(&home);
    assert_eq!(home.run(["token", "oidc", "--json"]).ok().json()["access_token"], token);
    assert_eq!(home.run(["get", "oidc", "--field", "status"]).ok().stdout, "connected\n");
    assert_eq!(home.run(["list", "--json"]).ok().json().as_array().map(Vec::len), Some(1));
    let exported = home.run(["export", "oidc", "--format", "env"]).ok().stdout;
    assert_eq!(exported, format!("OIDC_ACCESS_TOKEN={token}\n"));
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.requests("token")), (1, 1), "{journal:?}");
}

#[test]
fn an_issuer_with_a_path_is_found_and_used() {
    let (server, home) = (OidcProvider::start(&["--issuer-path", "/t1"]), Home::new());
    assert!(server.issuer().ends_with("/t1"));
    server.log_in(&home);
    let first = token(&home);
    assert_ne!(home.run(REFRESH).ok().stdout.trim(), first);
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.grants("refresh_token")), (1, 1));
}

#[test]
fn https_with_a_ca_of_its_own_works_when_the_ca_is_named() {
    let certificates = Certificates::make();
    let server = OidcProvider::start_tls(&certificates, Leaf::Good);
    let ca = certificates.ca();
    let home = Home::new().without("TOKENKEEP_INSECURE_LOOPBACK").with("SSL_CERT_FILE", text(&ca));
    let person = Person::new().trusting(ca);
    let mut login = server.start_login(&home);
    let walk = person.authorize(&authorization_url(&mut login)).ok();
    login.finish().ok();
    assert!(walk.stderr.ends_with("200 You are logged in to OpenID Connect\n"), "{walk:?}");

    home.run(REFRESH).ok();
    let logout = home.run(["logout", "oidc", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked", "{logout}");
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.grants("refresh_token")), (1, 1));
    assert_eq!(journal.revocations("refresh_token"), 1);

    // A grant is not sent to a server whose certificate is no longer trusted.
    let mut login = server.start_login(&home);
    person.authorize(&authorization_url(&mut login)).ok();
    login.finish().ok();
    let before = server.journal().all_requests();
    let elsewhere = home.without("SSL_CERT_FILE");
    let refused = elsewhere.run(REFRESH);
    assert_eq!(refused.code, 23, "{refused:#?}");
    assert!(refused.stderr.contains("SSL_CERT_FILE"), "{refused:#?}");
    assert_eq!(server.journal().all_requests(), before);
    assert_eq!(elsewhere.run(["get", "oidc", "--field", "status"]).ok().stdout, "connected\n");
}

#[test]
fn https_is_refused_when_the_ca_is_not_known() {
    certificate_is_refused(Leaf::Good, false);
}

#[test]
fn https_is_refused_when_the_certificate_has_expired() {
    certificate_is_refused(Leaf::Expired, true);
}

#[test]
fn https_is_refused_when_the_certificate_is_for_another_host() {
    certificate_is_refused(Leaf::WrongHost, true);
}

fn certificate_is_refused(leaf: Leaf, ca_is_known: bool) {
    let certificates = Certificates::make();
    let server = OidcProvider::start_tls(&certificates, leaf);
    let home = Home::new().without("TOKENKEEP_INSECURE_LOOPBACK");
    let home = if ca_is_known { home.with("SSL_CERT_FILE", text(&certificates.ca())) } else { home };
    let refused = home.run(server.login().iter().map(String::as_str).chain(["--no-browser", "--json"]));
    assert_eq!((refused.code, refused.error_code().as_str()), (23, "network"), "{refused:#?}");
    assert!(refused.stderr.contains("certificate"), "{refused:#?}");
    assert_eq!(server.journal().all_requests(), 0, "something was sent");
}

#[test]
fn plain_http_is_refused_unless_it_was_asked_for() {
    let (server, home) = (OidcProvider::start(&[]), Home::new().without("TOKENKEEP_INSECURE_LOOPBACK"));
    let refused = home.run(server.login().iter().map(String::as_str).chain(["--no-browser", "--json"]));
    assert_eq!(refused.error_code(), "config_invalid");
    assert_eq!(server.journal().all_requests(), 0);
}

#[test]
fn form_post_to_localhost() {
    // What is pushed is not in the URL.
    let (server, home) = (OidcProvider::start(&["--no-par"]), Home::new());
    let issuer = server.issuer();
    home.add_provider(&format!(
        r#"
schema = 1
name = "acme"
display_name = "Acme & Sons"
access_token_variable = "ACME_TOKEN"
discovery = true
[endpoints]
issuer = "{issuer}"
[redirect]
host = "localhost"
[scopes]
default = ["openid"]
always = ["offline_access"]
[authorization]
response_mode = "form_post"
offline_access_parameters = {{ prompt = "consent" }}
"#
    ));
    let mut login = home.start(["login", "acme", "--client-id", "native", "--no-browser"]);
    let url = authorization_url(&mut login);
    assert!(
        url.contains("response_mode=form_post") && url.contains("redirect_uri=http%3A%2F%2Flocalhost%3A")
    );
    let walk = Person::new().authorize(&url).ok();
    login.finish().ok();
    assert!(walk.stderr.contains("form_post"), "{walk:?}");
    assert!(walk.stderr.ends_with("200 You are logged in to Acme & Sons\n"), "{walk:?}");
    assert_eq!(home.run(["get", "acme", "--field", "has_refresh_token"]).ok().stdout, "true\n");
    assert_eq!(server.journal().grants("authorization_code"), 1);
}

#[test]
fn a_denial_is_told_in_the_terminal_and_in_the_browser() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let mut login = home.start(server.login().iter().map(String::as_str).chain(["--no-browser", "--json"]));
    let walk = Person::who_denies().authorize(&authorization_url(&mut login)).ok();
    let denied = login.finish();
    assert_eq!((denied.code, denied.error_code().as_str()), (17, "access_denied"), "{denied:#?}");
    assert!(walk.stderr.ends_with("200 The login did not succeed\n"), "{walk:?}");
    assert_eq!(server.journal().requests("token"), 0);
    assert_eq!(home.run(["token", "oidc"]).code, 13);
}

#[test]
fn an_answer_with_another_state_is_refused_and_the_login_goes_on() {
    let (server, home) = (OidcProvider::start(&["--no-par"]), Home::new());
    let mut login = server.start_login(&home);
    let url = authorization_url(&mut login);
    let port = redirect_port(&url);
    // Somebody is faster than the person.
    let issuer = server.issuer();
    for answer in [
        "/callback?code=stolen&state=strange".to_owned(),
        format!("/callback?code=stolen&state=strange&iss={issuer}"),
        format!("/callback?code=stolen&iss={issuer}"),
        "/callback?error=access_denied&state=strange".to_owned(),
    ] {
        let (status, page) = request(port, "GET", &answer, "");
        assert_eq!(status, 400, "{answer}: {page}");
        assert!(page.contains("This is not the answer to the login"), "{page}");
        assert!(!page.contains("stolen") && !page.contains("strange"), "{page}");
    }
    // The person is told, once for each reason.
    login.stderr_line(|line| line.contains("the response belongs to another login"));
    assert!(!login.has_ended());
    assert_eq!(server.journal().requests("token"), 0);

    let walk = Person::new().authorize(&url).ok();
    login.finish().ok();
    assert!(walk.stderr.ends_with("200 You are logged in to OpenID Connect\n"), "{walk:?}");
    let journal = server.journal();
    assert_eq!((journal.requests("token"), journal.grants("authorization_code")), (1, 1), "{journal:?}");
    assert_eq!(token(&home).len(), 43);
}

#[test]
fn a_device_login_is_approved_on_the_other_device() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let mut login = start_device_login(&home, &server);
    let (uri, code) = device_authorization(&mut login);
    Person::new().enter_code(&uri, &code).ok();
    let connection = login.finish().ok().json();
    assert_eq!(connection["account"]["subject"], "alice", "{connection}");
    assert_ne!(home.run(REFRESH).ok().stdout.trim(), "");
    let journal = server.journal();
    assert_eq!((journal.grants(DEVICE_CODE), journal.grants("refresh_token")), (1, 1), "{journal:?}");
}

#[test]
fn a_device_login_is_denied_on_the_other_device() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let mut login = start_device_login(&home, &server);
    let (uri, code) = device_authorization(&mut login);
    Person::who_denies().enter_code(&uri, &code).ok();
    let denied = login.finish();
    assert_eq!((denied.code, denied.error_code().as_str()), (17, "access_denied"), "{denied:#?}");
    let journal = server.journal();
    assert_eq!((journal.grants(DEVICE_CODE), journal.refusals(DEVICE_CODE, "access_denied")), (0, 1));
}

#[test]
fn a_confidential_client_authenticates_with_a_secret_full_of_special_characters() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let login = server.login_as("confidential-basic");
    let arguments = login.iter().map(String::as_str);
    let browser = Person::as_browser();
    let arguments = arguments.chain(["--client-secret-stdin", "--browser", &browser]);
    home.run_with_stdin(arguments, &format!("{SPECIAL_SECRET}\n")).ok();
    home.run(REFRESH).ok();
    home.run(["logout", "oidc"]).ok();
    let journal = server.journal();
    assert_eq!((journal.grants("authorization_code"), journal.grants("refresh_token")), (1, 1));
    assert_eq!(journal.revocations("refresh_token"), 1);
}

#[test]
fn a_logout_revokes_the_grant_and_leaves_nothing_behind() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    server.log_in(&home);
    let logout = home.run(["logout", "oidc", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked", "{logout}");
    let journal = server.journal();
    assert_eq!(journal.revocations("refresh_token"), 1, "{journal:?}");
    let gone = home.run(["token", "oidc", "--json"]);
    assert_eq!((gone.code, gone.error_code().as_str()), (13, "not_connected"), "{gone:#?}");
    assert_eq!(home.run(["list", "--json"]).ok().json(), json!([]));
    assert_eq!(home.run(["logout", "oidc"]).code, 13);
    assert_eq!(server.journal().requests("token"), 1);
}

fn start_device_login(home: &Home, server: &OidcProvider) -> Running {
    home.start(server.login().iter().map(String::as_str).chain(["--flow", "device-code", "--json"]))
}

fn redirect_port(authorization_url: &str) -> u16 {
    let after = authorization_url.split("redirect_uri=http%3A%2F%2F127.0.0.1%3A").nth(1).unwrap();
    after.split('%').next().unwrap().parse().unwrap()
}
