//! What the library's own types say of themselves when a program prints or logs them.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::fmt::Debug;
use std::time::Duration;

use tokenkeep::{
    AccessToken, Broker, BrokerOptions, ConnectionKey, ConnectionName, DpopProofOptions, Environment,
    KeySource, LoginOptions, ScopeSet, Secret, TokenOptions,
};

const CANARY: &str = "canary-4f9d1c7be0a2";

fn assert_silent(what: &str, value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("canary") && !text.contains("4f9d1c7b"), "{what}: {text}");
    }
}

#[test]
fn no_debug_output_shows_a_secret() {
    let secret = || Secret::new(CANARY);
    assert_silent("Secret", &secret());
    assert_silent("Option<Secret>", &Some(secret()));
    assert_silent("Result<Secret>", &Ok::<_, tokenkeep::Error>(vec![secret()]));

    let token = AccessToken {
        header: None,
        scheme: None,
        secret: secret(),
        token_type: "Bearer".to_owned(),
        expires_at: None,
        scopes: ScopeSet::default(),
        resource: None,
        connection: ConnectionKey::new("oidc".parse().unwrap(), ConnectionName::default()),
    };
    assert_silent("AccessToken", &token);
    assert_silent("authorization_header", &token.authorization_header());
    assert_eq!(token.authorization_header().expose(), format!("Bearer {CANARY}"));
    assert_silent("bearer", &token.bearer().unwrap());
    let bound = AccessToken { token_type: "DPoP".to_owned(), ..token };
    assert_silent("UnsupportedError", &bound.bearer().unwrap_err());
    let proof = DpopProofOptions { access_token: Some(secret()), ..DpopProofOptions::default() };
    assert_silent("DpopProofOptions", &proof);

    let login = LoginOptions {
        client_secret: Some(secret()),
        timeout: Some(Duration::from_secs(1)),
        ..LoginOptions::default()
    };
    assert_silent("LoginOptions", &login);
    let variables = [
        ("TOKENKEEP_PASSPHRASE", CANARY),
        ("TOKENKEEP_OIDC_CLIENT_SECRET", CANARY),
        ("HOME", "/nonexistent"),
    ];
    assert_silent("Environment", &Environment::of(variables));
    let options = BrokerOptions {
        passphrase: Some(secret()),
        key_source: Some(KeySource::Passphrase),
        environment: Environment::of(variables),
        ..BrokerOptions::default()
    };
    assert_silent("BrokerOptions", &options);

    // A real store behind a passphrase and a client secret, and what it says of itself and of its errors.
    let folder = tempfile::tempdir().unwrap();
    let broker =
        Broker::open(BrokerOptions { home: Some(folder.path().to_owned()), ..options.clone() }).unwrap();
    let provider = "oidc".parse().unwrap();
    let issuer = Some("https://issuer.example");
    assert_silent("Registration", &broker.set_registration(&provider, issuer, "id", Some(secret())).unwrap());
    assert_silent("Registration", &broker.registration(&provider, issuer).unwrap());
    assert_silent("VaultState", &broker.inspect());
    assert_silent("Connections", &broker.connections().unwrap());
    assert_silent("Error", &broker.cached_token(&provider, &TokenOptions::default()).unwrap_err());
    let wrong = BrokerOptions {
        passphrase: Some(Secret::new("another canary")),
        home: Some(folder.path().to_owned()),
        ..options
    };
    let error = Broker::open(wrong).unwrap().connections().unwrap_err();
    assert_eq!(error.code(), "store_locked");
    assert_silent("Error", &error);
    assert_silent("Error", &error.help());
}
