//! What a login asks of oidc-provider beside scopes, and ten refreshes after each: a request that is pushed, tokens
//! that are bound to a key, tokens for one resource.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::process::Command;

use serde_json::{Value, json};
use tokenkeep_interop::{OidcProvider, Person, authorization_url, log_in, start_login};
use tokenkeep_test_support::{Home, run, tool};

const TOKEN: [&str; 2] = ["token", "oidc"];

#[test]
fn a_request_that_is_pushed_shows_the_browser_its_name_alone() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let mut login = start_login(&home, &server.login_as("native-par"));
    let url = authorization_url(&mut login);
    let query = url.split_once('?').unwrap().1;
    let names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
    // RFC 9126 4.
    assert_eq!(names, ["client_id", "request_uri"], "{url}");
    Person::new().authorize(&url).ok();
    login.finish().ok();
    let journal = server.journal();
    assert_eq!(journal.requests("pushed_authorization_request"), 1, "{journal:?}");
    server.ten_refreshes(&home, &TOKEN);
}

#[test]
fn tokens_that_are_bound_to_a_key() {
    let server = OidcProvider::start(&[]);
    let nonce = bound_tokens(&server);
    assert_eq!(nonce, None);
}

#[test]
fn tokens_that_are_bound_to_a_key_where_every_proof_needs_a_nonce() {
    let server = OidcProvider::start(&["--dpop-nonce"]);
    let nonce = bound_tokens(&server);
    assert_ne!(nonce, None);
    let journal = server.journal();
    // Each was a process of its own, which knew no nonce; what it sent was not used up when it was told one.
    assert_eq!(journal.refusals("refresh_token", "use_dpop_nonce"), 10, "{journal:?}");
    assert_eq!(journal.refusals("authorization_code", "use_dpop_nonce"), 1, "{journal:?}");
}

/// A login, ten refreshes, and requests to a resource, which may say that the next proof wants a nonce.
fn bound_tokens(server: &OidcProvider) -> Option<String> {
    let home = Home::new();
    log_in(&home, &[server.login_as("native-dpop"), vec!["--dpop".to_owned()]].concat());
    server.ten_refreshes(&home, &TOKEN);

    let token = home.run(["token", "oidc", "--json"]).ok().json();
    assert_eq!(token["token_type"], "DPoP", "{token}");
    let secret = token["access_token"].as_str().unwrap();
    let url = server.userinfo_url();
    let proof = |nonce: Option<&str>| {
        let of_request = ["dpop-proof", "oidc", "--method", "GET", "--url", &url];
        let nonce = nonce.map(|nonce| ["--nonce", nonce]).into_iter().flatten();
        home.run(of_request.into_iter().chain(nonce)).ok().stdout.trim().to_owned()
    };
    let ask =
        |proof: &str| server.userinfo(&json!({"authorization": format!("DPoP {secret}"), "dpop": proof}));
    let first = ask(&proof(None));
    // RFC 9449 9.
    let wanted = (first.status == 401).then_some(first.nonce).flatten();
    let used = proof(wanted.as_deref());
    let answer = ask(&used);
    assert_eq!((answer.status, &answer.claims["sub"]), (200, &json!("alice")), "{answer:?}");

    // The token alone is worth nothing, nor is a proof that was used.
    assert_eq!(ask(&used).status, 401);
    assert_eq!(server.userinfo(&json!({"authorization": format!("Bearer {secret}")})).status, 401);
    wanted
}

#[test]
fn a_token_for_one_resource() {
    const RESOURCE: &str = "https://api.example/mail";
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let for_resource = ["--resource", RESOURCE, "--scopes", "openid read"].map(str::to_owned);
    log_in(&home, &[server.login(), for_resource.into()].concat());
    let token = ["token", "oidc", "--resource", RESOURCE];
    assert_eq!(claims(&home.run(token).ok().stdout)["aud"], RESOURCE);
    server.ten_refreshes(&home, &token);
    let claims = claims(&home.run(token).ok().stdout);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(RESOURCE), &json!("read")), "{claims}");

    // Another resource is another connection.
    let other = home.run(["token", "oidc", "--resource", "https://api.example/files", "--json"]);
    assert_eq!(other.error_code(), "not_connected", "{other:#?}");
}

#[test]
fn a_resource_that_the_server_does_not_know() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let (login, browser) = (server.login(), Person::as_browser());
    let asked = ["--resource", "https://elsewhere.example/", "--browser", &browser, "--json"];
    let refused = home.run(login.iter().map(String::as_str).chain(asked));
    assert_eq!(refused.error_code(), "provider_rejected", "{refused:#?}");
    assert!(refused.stderr.contains(r#""error":"invalid_target""#), "{refused:#?}");
    assert_eq!(server.journal().requests("token"), 0);
}

/// The claims of an access token that is a JWT. A resource checks it; this is none.
fn claims(token: &str) -> Value {
    let script = "console.log(Buffer.from(process.argv[1].split('.')[1], 'base64url').toString())";
    run(Command::new(tool("TOKENKEEP_TEST_NODE")).args(["-e", script, token.trim()]), "").ok().json()
}
