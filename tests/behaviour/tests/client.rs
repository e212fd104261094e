//! Which client logs in, and what a login remembers of the one before.

use authorization_server::{
    AuthenticationMethod, AuthorizationServer, Endpoint, Entry, RegisteredClient, ServerOptions,
};
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails, person};

const OPTION: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const OWN_VARIABLE: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const KNOWN_VARIABLE: &str = "aaaaaaaa-0000-4000-8000-000000000003";
const STORED: &str = "aaaaaaaa-0000-4000-8000-000000000004";

/// The last authorization request.
fn last_asked(stage: &Stage) -> Entry {
    let entries = stage.server.journal().entries();
    entries.into_iter().rfind(|entry| entry.endpoint == Endpoint::Authorize).unwrap()
}

/// Microsoft, without a client id in the arguments.
fn microsoft() -> Stage {
    let stage = Stage::new("microsoft", ServerOptions::entra(), &[]);
    stage.home.add_provider(&stage.microsoft_definition());
    stage
}

#[test]
fn client_id_precedence() {
    let mut stage = microsoft();
    let failure = fails(&stage.login(&["--json"]), "registration_missing");
    for tried in
        ["--client-id", "TOKENKEEP_MICROSOFT_CLIENT_ID", "MICROSOFT_OAUTH_CLIENT_ID", "stored registration"]
    {
        assert!(failure.message().contains(tried), "{tried}: {failure:?}");
    }
    // The portal's steps, with what to enter there to the letter.
    for step in ["https://entra.microsoft.com", "Mobile and desktop applications", "--client-id"] {
        assert!(failure.help().contains(step), "{step}: {failure:?}");
    }
    assert!(failure.help().lines().any(|line| line.trim() == "http://localhost/callback"), "{failure:?}");
    assert!(stage.server.journal().entries().is_empty());

    let login = |stage: &Stage, connection: &str, more: &[&str]| {
        stage.login(&[&["--connection", connection], more].concat()).ok();
        last_asked(stage).client_id.unwrap()
    };
    stage.home.run(["client", "set", "microsoft", "--client-id", STORED]).ok();
    assert_eq!(login(&stage, "a", &[]), STORED);
    stage.home = std::mem::take(&mut stage.home).with("MICROSOFT_OAUTH_CLIENT_ID", KNOWN_VARIABLE);
    assert_eq!(login(&stage, "b", &[]), KNOWN_VARIABLE);
    stage.home = std::mem::take(&mut stage.home).with("TOKENKEEP_MICROSOFT_CLIENT_ID", OWN_VARIABLE);
    assert_eq!(login(&stage, "c", &[]), OWN_VARIABLE);
    assert_eq!(login(&stage, "d", &["--client-id", OPTION]), OPTION);
}

#[test]
fn login_again_remembers_client_tenant_and_scopes() {
    let stage = microsoft();
    let first =
        ["--client-id", CLIENT_ID, "--tenant", "organizations", "--scopes", "Mail.Read,Calendars.Read"];
    stage.login(&first).ok();
    let before = last_asked(&stage);
    stage.login(&[]).ok();
    let again = last_asked(&stage);
    assert_eq!(again.path, "/organizations/oauth2/v2.0/authorize");
    for same in ["client_id", "scope"] {
        assert_eq!(again.parameters[same], before.parameters[same]);
    }
    // A registration that was stored since is the user's newer word.
    stage.home.run(["client", "set", "microsoft", "--client-id", STORED]).ok();
    stage.login(&["--client-id", CLIENT_ID]).ok();
    stage.home.run(["client", "set", "microsoft", "--client-id", STORED]).ok();
    let named_by_nobody = ["login", "microsoft", "--browser", &person::browser()];
    stage.home.run(named_by_nobody).ok();
    assert_eq!(last_asked(&stage).client_id.unwrap(), STORED);
    stage.login(&first).ok();
    // What is named replaces what is remembered.
    stage.login(&["--tenant", "contoso.example", "--scopes", "User.Read"]).ok();
    let changed = last_asked(&stage);
    assert_eq!(changed.path, "/contoso.example/oauth2/v2.0/authorize");
    assert_eq!(changed.parameters["scope"], "User.Read openid profile offline_access");

    // The issuer of a server that was found through it.
    let stage = Stage::oidc();
    stage.login(&["--scopes", "openid email"]).ok();
    stage.home.run(["login", "oidc", "--browser", &person::browser()]).ok();
    assert_eq!(last_asked(&stage).parameters["scope"], "openid email offline_access");
}

#[test]
fn login_again_stays_in_its_cloud() {
    let stage = microsoft();
    let elsewhere = AuthorizationServer::start(ServerOptions::entra()).unwrap();
    let china = "https://login.partner.microsoftonline.cn";
    stage.home.add_provider(&stage.microsoft_definition().replace(china, elsewhere.origin()));
    stage.login(&["--client-id", CLIENT_ID, "--cloud", "china"]).ok();
    assert_eq!(elsewhere.journal().grants()["authorization_code"], 1);
    stage.login(&[]).ok();
    assert_eq!(elsewhere.journal().grants()["authorization_code"], 2, "the account lives in that cloud");
    assert!(stage.server.journal().entries().is_empty());
}

#[test]
fn graph_has_the_name_of_its_cloud() {
    let stage = Stage::microsoft();
    let definition = stage.microsoft_definition();
    for (cloud, login, graph) in [
        ("us-government", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ] {
        let there = AuthorizationServer::start(ServerOptions::entra()).unwrap();
        stage.home.add_provider(&definition.replace(login, there.origin()));
        let named = ["--connection", cloud];
        stage.login(&["--cloud", cloud, "--connection", cloud]).ok();
        assert_eq!(stage.field("resources", &named), graph);
        let user_read = stage.access_token(&named);
        // Without a host, a scope is Graph's; presets name the one of the cloud.
        assert_eq!(stage.access_token(&["--scopes", "User.Read", "--connection", cloud]), user_read);
        assert_ne!(stage.access_token(&["--scopes", "mail-read", "--connection", cloud]), user_read);
        let entries = there.journal().entries();
        let asked = |grant: &str, scope: &str| {
            let of_grant = entries.iter().find(|entry| entry.grant_type.as_deref() == Some(grant)).unwrap();
            of_grant.parameters["scope"].split(' ').any(|word| word == format!("{graph}/{scope}"))
        };
        assert!(asked("refresh_token", "Mail.Read") && asked("refresh_token", "User.Read"), "{cloud}");
        assert_eq!(stage.field("resources", &named), graph);
        let consent = stage.home.run(["admin-consent", "microsoft", "--connection", cloud]).ok().stdout;
        assert!(consent.starts_with(there.origin()) && !consent.contains("graph.microsoft.com"), "{consent}");
    }
}

#[test]
fn two_connections_of_one_provider() {
    let stage = Stage::microsoft();
    stage.login(&["--connection", "work"]).ok();
    stage.login(&["--connection", "me@example.com", "--tenant", "consumers"]).ok();
    let listed = stage.home.run(["list", "--json"]).ok().json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["connection"].clone()).collect();
    assert_eq!(names, ["me@example.com", "work"]);
    let tokens = ["work", "me@example.com"].map(|name| stage.access_token(&["--connection", name]));
    assert_ne!(tokens[0], tokens[1]);
    // No connection stands in for one that was not named.
    fails(&stage.token(&["--json"]), "not_connected");

    stage.home.run(["logout", "microsoft", "--connection", "work"]).ok();
    fails(&stage.token(&["--json", "--connection", "work"]), "not_connected");
    assert_eq!(stage.access_token(&["--connection", "me@example.com"]), tokens[1]);
}

#[test]
fn renewed_client_secret_is_used() {
    let client = |secret| {
        RegisteredClient::confidential("registered", secret, &[AuthenticationMethod::ClientSecretBasic])
    };
    let mut stage = Stage::oidc();
    let start = |port, secret| {
        let options = ServerOptions { port, clients: vec![client(secret)], ..ServerOptions::plain() };
        AuthorizationServer::start(options)
    };
    // A port that the kernel gives to nobody by itself, so that it is free for the second server too.
    let ports = (0..1000).map(|n| 20_000 + (std::process::id().wrapping_mul(17) % 10_000 + n) % 10_000);
    stage.server = ports.into_iter().find_map(|port| start(port as u16, "the old one").ok()).unwrap();
    let (issuer, port) = (stage.server.issuer(), stage.server.port());
    let set = |stage: &Stage, secret: &str| {
        let named = ["client", "set", "oidc", "--issuer", &issuer];
        let arguments = named.iter().chain(&["--client-id", "registered", "--client-secret-stdin"]);
        let run = stage.home.run_with_stdin(arguments, &format!("{secret}\n")).ok();
        assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret));
    };
    set(&stage, "the old one");
    let login = |stage: &Stage, connection: &str| {
        let arguments = ["login", "oidc", "--issuer", &issuer, "--json", "--connection", connection];
        stage.home.run(arguments.iter().chain(&["--browser", &person::browser()]))
    };
    login(&stage, "a").ok();
    login(&stage, "b").ok();

    // The administrator renews the secret: the old one is worth nothing from now on, and this server has
    // forgotten its grants as well.
    std::mem::replace(&mut stage.server, start(0, "in between").unwrap()).stop();
    stage.server = start(port, "the new one").unwrap();
    fails(&login(&stage, "c"), "provider_rejected");
    set(&stage, "the new one");
    // The client is accepted again, for a refresh, a revocation, and a login that there was before.
    let refresh = ["token", "oidc", "--connection", "a", "--force-refresh", "--json"];
    fails(&stage.home.run(refresh), "login_required");
    login(&stage, "a").ok();
    let logout = stage.home.run(["logout", "oidc", "--connection", "b", "--json"]).ok().json();
    assert_eq!(logout["logged_out"][0]["revocation"], "revoked", "{logout}");
}

#[test]
fn client_secret_is_sent_as_the_server_wants_it() {
    // RFC 6749 2.3.1: in the header it is form-encoded first, which this one would show.
    let secret = "s3cret:with%special+chars &=";
    for (method, client_id) in
        [("client_secret_basic", "confidential-basic"), ("client_secret_post", "confidential-post")]
    {
        let stage = Stage::acme();
        let client = format!("[client]\nauthentication = \"{method}\"\nsecret_required = true");
        stage.home.add_provider(&stage.acme_definition().replacen("[client]\nid = \"public\"", &client, 1));
        let arguments = ["--client-id", client_id];
        fails(&stage.login(&[&arguments[..], &["--json"]].concat()), "registration_missing");
        let browser = person::browser();
        let login = [&arguments[..], &["--client-secret-stdin", "--browser", &browser]].concat();
        stage.home.run_with_stdin(stage.login_arguments(&login), &format!("{secret}\n")).ok();
        assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
        let logout = stage.home.run(["logout", "acme", "--json"]).ok().json();
        assert_eq!(logout["logged_out"][0]["revocation"], "revoked");
        let entries = stage.server.journal().entries();
        let methods: Vec<_> = entries.iter().filter_map(|entry| entry.client_authentication).collect();
        let wanted: AuthenticationMethod = serde_json::from_value(method.into()).unwrap();
        // A redemption, a refresh, a revocation; the authorization request proves nothing.
        assert_eq!(methods.iter().filter(|method| **method == wanted).count(), 3, "{methods:?}");
    }
}
