//! App-only access: a client that asks in its own name, by a secret, a certificate or a private key, and nobody who logs in.

use std::fs;

use authorization_server::{
    AssertionReplay, AuthenticationMethod, ClientCertificate, Entry, PublicKey, RegisteredClient,
    ServerOptions,
};
use serde_json::{Value, json};
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails};
use tokenkeep_test_support::{Run, root};

const SECRET: &str = "canary-s3cret";
const GRAPH: &str = "https://graph.microsoft.com/.default";
const VAULT: &str = "https://vault.azure.net/.default";

/// Microsoft, where the client has a secret and a certificate.
fn microsoft() -> Stage {
    let client = RegisteredClient::confidential(CLIENT_ID, SECRET, &[AuthenticationMethod::ClientSecretPost]);
    let certificate = ClientCertificate::from_pem_file(&vector("rsa.crt")).unwrap();
    let options =
        ServerOptions { clients: vec![client.with_certificate(certificate)], ..ServerOptions::entra() };
    let stage = Stage::new("microsoft", options, &["--client-id", CLIENT_ID]);
    stage.home.add_provider(&stage.microsoft_definition());
    stage
}

fn vector(name: &str) -> std::path::PathBuf {
    root().join("tests/vectors/client_certificate").join(name)
}

/// Writes files of `tests/vectors/client_certificate` into one.
fn pem(stage: &Stage, names: &[&str]) -> String {
    let file = stage.home.path().join("credential.pem");
    fs::write(&file, names.iter().map(|name| fs::read_to_string(vector(name)).unwrap()).collect::<String>())
        .unwrap();
    file.to_str().unwrap().to_owned()
}

/// Logs in as the application, of one organization unless `more` names another tenant.
#[track_caller]
fn login(stage: &Stage, more: &[&str], stdin: &str) -> Run {
    let tenant: &[&str] = if more.contains(&"--tenant") { &[] } else { &["--tenant", "contoso.com"] };
    let arguments = [&["--flow", "client-credentials", "--json"], tenant, more].concat();
    let run = stage.home.run_with_stdin(stage.login_arguments(&arguments), stdin);
    for canary in [SECRET, "PRIVATE KEY"] {
        assert!(!run.stdout.contains(canary) && !run.stderr.contains(canary), "{run:?}");
    }
    run
}

fn asked(stage: &Stage) -> Vec<Entry> {
    stage.asked("client_credentials")
}

#[test]
fn login_as_an_application_with_a_secret() {
    let stage = microsoft();
    let by_secret = ["--client-secret-stdin"];
    for tenant in ["common", "organizations", "consumers"] {
        let failure = fails(
            &login(&stage, &[&by_secret[..], &["--tenant", tenant]].concat(), SECRET),
            "config_invalid",
        );
        assert!(failure.message().contains(tenant) && failure.help().contains("--tenant"), "{failure:?}");
    }
    let failure = fails(&login(&stage, &[], ""), "registration_missing");
    for named in
        ["--client-secret-stdin", "--certificate-stdin", "--credential-file", "--credential-keychain"]
    {
        assert!(failure.message().contains(named), "{failure:?}");
    }
    assert!(failure.help().contains("Certificates & secrets"), "{failure:?}");
    let missing = ["--credential-file", "no-such-file"];
    assert!(fails(&login(&stage, &missing, ""), "config_invalid").message().contains("no-such-file"));
    assert!(stage.server.journal().entries().is_empty());

    // A wrong secret is said at the login, and keeps nothing.
    fails(&login(&stage, &by_secret, "canary-wrong\n"), "provider_rejected");
    assert_eq!(stage.home.run(["list", "--json"]).ok().json(), json!([]));
    // Nobody logs in: what wants consent wants an administrator's.
    let unconsented = json!({"type": "error", "error": "invalid_grant", "suberror": "consent_required", "numbers": [65001]});
    stage.fault(json!({"endpoint": "token", "times": 1, "action": unconsented}));
    let failure = fails(&login(&stage, &by_secret, SECRET), "admin_consent_required");
    assert!(failure.help().contains("administrator") && !failure.help().contains("log in"), "{failure:?}");

    let connection = login(&stage, &by_secret, &format!("{SECRET}\n")).ok().json();
    assert_eq!((&connection["application"], &connection["has_refresh_token"]), (&json!(true), &json!(false)));
    assert_eq!((&connection["scopes"], &connection["account"]["username"]), (&json!([GRAPH]), &Value::Null));
    let request = asked(&stage).pop().unwrap();
    assert_eq!(request.path, "/contoso.com/oauth2/v2.0/token");
    assert_eq!(request.client_authentication, Some(AuthenticationMethod::ClientSecretPost));
    let names: Vec<_> = request.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["client_id", "client_secret", "grant_type", "scope"]);
    assert_eq!(request.parameters["scope"], GRAPH);

    // One token for each resource, kept fresh as a person's are; any permission of a resource means all of them.
    let before = asked(&stage).len();
    let token = stage.access_token(&[]);
    assert_eq!(stage.resource(&token), 200);
    assert_eq!(stage.access_token(&["--scopes", "Mail.Read"]), token);
    assert_eq!(asked(&stage).len(), before);
    let vault = stage.access_token(&["--scopes", "https://vault.azure.net/user_impersonation"]);
    assert_eq!(stage.access_token(&["--scopes", VAULT]), vault);
    assert_ne!(vault, token);
    let requests = asked(&stage);
    assert_eq!((requests.len(), requests.last().unwrap().parameters["scope"].as_str()), (before + 1, VAULT));
    let newer = stage.access_token(&["--force-refresh"]);
    assert_ne!(newer, token);
    assert_eq!(asked(&stage).last().unwrap().parameters["scope"], GRAPH);

    // What the server refuses ends nothing.
    stage.change(|live| live.secrets_expired = true);
    fails(&stage.token(&["--force-refresh", "--json"]), "provider_rejected");
    assert_eq!(stage.access_token(&[]), newer);
    assert_eq!(stage.field("status", &[]), "connected");
    stage.change(|live| live.secrets_expired = false);
    stage.fault(json!({"endpoint": "token", "times": 1, "action": unconsented}));
    let other = ["--scopes", "https://management.azure.com/.default", "--json"];
    let failure = fails(&stage.token(&other), "admin_consent_required");
    assert!(failure.help().contains("`tokenkeep admin-consent microsoft"), "{failure:?}");
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);

    // The next login needs the flow alone; a person's login as the same client is sent no secret.
    let again = ["login", "microsoft", "--flow", "client-credentials"];
    stage.home.run(again).ok();
    let logout = stage.home.run(["logout", "microsoft", "--json"]).ok();
    assert_eq!(logout.json()["logged_out"][0]["revocation"], "not_supported");
    assert!(logout.stderr.contains("nothing to revoke"), "{}", logout.stderr);

    let acme = Stage::acme();
    let arguments = ["login", "acme", "--flow", "client-credentials", "--client-secret-stdin", "--json"];
    fails(&acme.home.run_with_stdin(arguments, SECRET), "unsupported");
}

#[test]
fn login_as_an_application_with_a_certificate() {
    let stage = microsoft();
    stage.change(|live| live.assertion_replay = AssertionReplay::Refused);
    for (names, why) in [
        (&["rsa.crt"][..], "no private key"),
        (&["rsa.key"], "the certificate beside"),
        (&["late.crt", "rsa.key"], "not that of its certificate"),
        (&["ec.crt", "ec.key"], "not for RSA"),
        (&["rsa.crt", "encrypted.key"], "encrypted"),
    ] {
        let failure =
            fails(&login(&stage, &["--credential-file", &pem(&stage, names)], ""), "config_invalid");
        assert!(failure.message().contains(why), "{failure:?}");
    }
    let file = pem(&stage, &["rsa.crt", "rsa.key"]);
    let dated = ["--credential-file", &file, "--credential-expires", "2027-01-31"];
    fails(&login(&stage, &dated, ""), "config_invalid");
    let person = ["--flow", "pkce", "--json", "--credential-file", &file];
    fails(&stage.home.run(stage.login_arguments(&person)), "config_invalid");
    assert!(stage.server.journal().entries().is_empty());

    let connection = login(&stage, &["--credential-file", &file], "").ok().json();
    assert_eq!(connection["credential_expires_at"], "2048-10-16T18:58:42Z");
    // The record has it: the file may go. Entra takes an assertion twice, which others do not (RFC 7523 3).
    stage.change(|live| live.assertion_replay = AssertionReplay::Refused);
    fs::remove_file(&file).unwrap();
    let first = stage.access_token(&[]);
    assert_ne!(stage.access_token(&["--force-refresh"]), first);
    stage.home.run(["login", "microsoft", "--flow", "client-credentials"]).ok();
    let requests = asked(&stage);
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.client_authentication, Some(AuthenticationMethod::PrivateKeyJwt));
        assert_eq!(request.outcome.status, Some(200));
        assert!(!request.parameters.contains_key("client_secret"));
    }
    let whole: String = ["rsa.key", "rsa.crt"].map(|name| fs::read_to_string(vector(name)).unwrap()).concat();
    login(&stage, &["--connection", "stdin", "--certificate-stdin"], &whole).ok();
}

#[test]
fn login_as_an_application_with_a_private_key() {
    for (name, algorithm) in [("ec.key", "ES256"), ("ec_sec1.key", "ES256"), ("rsa_pkcs1.key", "RS256")] {
        let public = if algorithm == "ES256" { "ec.pub" } else { "rsa.pub" };
        let client =
            RegisteredClient::public("nightly").with_key(PublicKey::from_pem_file(&vector(public)).unwrap());
        let options = ServerOptions { clients: vec![client], ..ServerOptions::plain() };
        let stage = Stage::new("acme", options, &["--client-id", "nightly"]);
        let definition = stage.acme_definition() + "[client_credentials]\nscopes = [\"read\"]\n";
        stage.home.add_provider(&definition);
        let log_in = |key: &str| {
            let arguments = ["--flow", "client-credentials", "--json", "--credential-file", key];
            stage.home.run(stage.login_arguments(&arguments))
        };
        let refused = fails(&log_in(&pem(&stage, &["p384.key"])), "config_invalid");
        assert!(refused.message().contains("neither RSA nor on P-256"), "{refused:?}");
        assert!(stage.server.journal().entries().is_empty());
        // Somebody else's key is not this client's.
        let other = if algorithm == "ES256" { "rsa.key" } else { "ec.key" };
        fails(&log_in(&pem(&stage, &[other])), "provider_rejected");

        let before = asked(&stage).len();
        let file = pem(&stage, &[name]);
        let connection = log_in(&file).ok().json();
        assert_eq!(connection["credential_expires_at"], Value::Null, "a key alone does not end");
        // The record has it: the file may go. Each request has an assertion of its own, made for the issuer; the server
        // refuses one that it has seen, and any for its token endpoint.
        fs::remove_file(&file).unwrap();
        let first = stage.access_token(&[]);
        assert_eq!(stage.resource(&first), 200);
        assert_ne!(stage.access_token(&["--force-refresh"]), first);
        stage.home.run(["login", "acme", "--flow", "client-credentials"]).ok();
        let requests = &asked(&stage)[before..];
        assert_eq!(requests.len(), 3, "{name}");
        for request in requests {
            assert_eq!(request.client_authentication, Some(AuthenticationMethod::PrivateKeyJwt));
            assert_eq!(request.outcome.status, Some(200));
        }
    }
}

#[test]
fn expiring_client_secret_is_warned_about() {
    let stage = microsoft();
    // A day that is ten days from now, as a token that lives as long has it.
    stage.change(|live| live.access_token_lifetime = 864_000);
    let connection = login(&stage, &["--client-secret-stdin"], SECRET).ok();
    assert!(!connection.stderr.contains("warning"), "{}", connection.stderr);
    let ends_at = connection.json()["expires_at"].as_str().unwrap().to_owned();
    let day = &ends_at[..10];
    let dated = |day| login(&stage, &["--client-secret-stdin", "--credential-expires", day], SECRET);
    fails(&dated("31.1.2027"), "config_invalid");
    assert!(!dated("2999-12-31").ok().stderr.contains("warning"));

    let warning = format!("warning: the client secret or certificate of microsoft ends on {day}: ");
    let said = |run: Run| {
        assert_eq!(run.stderr.matches(&warning).count(), 1, "{}", run.stderr);
        run
    };
    let connection = said(dated(day).ok()).json();
    assert_eq!(connection["credential_expires_at"], format!("{day}T00:00:00Z"));
    said(stage.home.run(["list"]).ok());
    said(stage.home.run(["get", "microsoft"]).ok());
    let doctor = said(stage.home.run(["doctor"]).ok());
    assert!(doctor.stdout.contains(&format!("microsoft/default ends at {day}")), "{}", doctor.stdout);
    // A script that asks for a token is not talked to.
    assert_eq!(stage.token(&["--force-refresh"]).ok().stderr, "");

    // After that day a refusal says what it means, and what to do.
    let token = json!({"access_token": "access-first", "token_type": "Bearer", "expires_in": 3600});
    let taken = json!({"type": "reply", "status": 200, "headers": [["content-type", "application/json"]],
        "body": token.to_string()});
    stage
        .fault(json!({"endpoint": "token", "grant_type": "client_credentials", "times": 1, "action": taken}));
    let old = ["--client-secret-stdin", "--credential-expires", "2020-01-31"];
    let run = login(&stage, &old, "canary-old").ok();
    assert!(run.stderr.contains("of microsoft ended on 2020-01-31: "), "{}", run.stderr);
    let failure = fails(&stage.token(&["--force-refresh", "--json"]), "provider_rejected");
    let set = format!("tokenkeep client set microsoft --client-id {CLIENT_ID} --client-secret-stdin");
    assert!(failure.help().contains("ended on 2020-01-31") && failure.help().contains(&set), "{failure:?}");

    // A secret that is stored since is the one that counts, and there is nothing left to warn about.
    stage.home.run_with_stdin(set.split(' ').skip(1), SECRET).ok();
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    assert_eq!(stage.home.run(["list"]).ok().stderr, "");
    stage.home.run(["client", "remove", "microsoft"]).ok();
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
}
