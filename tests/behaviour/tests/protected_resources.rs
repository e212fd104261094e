//! Protected resources: a login that is told nothing but the address of one, and tokens that are for it alone.

use authorization_server::{
    AuthorizationServer, Endpoint, Entry, Indicators, Place, ResourceOptions, ServerOptions,
};
use serde_json::json;
use tokenkeep::{Challenge, ConnectionName, LoginOptions, ProviderName, Secret, TokenOptions};
use tokenkeep_behaviour::{Stage, block_on, fails, person};
use url::Url;

/// Changes the resource that the server has beside itself.
fn resource(stage: &Stage, change: impl FnOnce(&mut ResourceOptions)) {
    stage.change(|live| change(&mut live.protected_resource));
}

/// What came to this endpoint since the last look.
fn at(stage: &Stage, endpoint: Endpoint) -> Vec<Entry> {
    stage.server.journal().entries().into_iter().filter(|entry| entry.endpoint == endpoint).collect()
}

/// The scopes of the last authorization request.
fn scopes_asked(stage: &Stage) -> Option<String> {
    at(stage, Endpoint::Authorize).last().unwrap().parameters.get("scope").cloned()
}

/// A request to the resource with this token.
fn ask(stage: &Stage, token: &str) -> authorization_server::Answer {
    person::get_with_token(&Url::parse(&stage.resource_url()).unwrap(), token)
}

#[test]
fn login_to_a_resource_finds_its_server() {
    for place in [Place::Path, Place::Root, Place::Elsewhere, Place::Nowhere] {
        let stage = Stage::mcp_by_hand();
        let address = stage.resource_url();
        resource(&stage, |resource| resource.place = place);
        // No provider is named, nor a connection: the resource stands for both.
        let login =
            ["login", "--resource", &address, "--client-id", "public", "--browser", &person::browser()];
        let run = stage.home.run(login).ok();
        let connection = ConnectionName::of_resource(&address).unwrap();
        assert!(run.stderr.contains(&format!("(connection: {connection})")), "{place:?}: {run:#?}");
        let named = ["--resource", address.as_str()];
        assert_eq!(ask(&stage, &stage.access_token(&named)).status, 200, "{place:?}");
        let shown = stage.home.run(["get", "--resource", &address, "--json"]).ok().json();
        assert_eq!((&shown["issuer"], &shown["resource"]), (&json!(stage.server.issuer()), &json!(address)));
        // Asked once, without a token, and told where to look.
        let asked = at(&stage, Endpoint::Resource);
        assert!(!asked[0].authorization && asked.iter().filter(|entry| !entry.authorization).count() == 1);
        stage.access_token(&[&named[..], &["--force-refresh"]].concat());
        // What the login found is in the record: nothing is looked up for a token.
        assert_eq!(at(&stage, Endpoint::Metadata).len(), 1, "{place:?}");
    }

    // What the origin calls itself as an issuer nobody has written down: a slash more is no mismatch there.
    let stage = Stage::mcp_by_hand();
    resource(&stage, |resource| resource.place = Place::Nowhere);
    let issuer = format!("{}/", stage.server.origin());
    stage.change(|live| drop(live.metadata.set.insert("issuer".to_owned(), json!(issuer))));
    stage.begin_login(&[]);
    resource(&stage, |resource| resource.place = Place::Path);
    fails(&stage.login(&["--json"]), "provider_rejected");

    // A token is for the resource that it was asked for, and for no other.
    let stage = Stage::mcp_by_hand();
    stage.login(&[]).ok();
    let (address, other) = (stage.resource_url(), format!("{}/mcp/other", stage.server.origin()));
    let connection = ConnectionName::of_resource(&address).unwrap();
    for more in [&["--json"][..], &["--json", "--force-refresh"]] {
        let named = ["--resource", &other, "--connection", connection.as_str()];
        let failure = fails(&stage.token(&[&named, more].concat()), "not_connected");
        let command = format!("`tokenkeep login --connection {connection} --resource {other}`");
        assert!(failure.help().contains(&command), "{failure:?}");
    }
    let failure = fails(&stage.token(&["--resource", &other, "--json"]), "not_connected");
    assert!(failure.help().contains(&format!("`tokenkeep login --resource {other}`")), "{failure:?}");
    // A name that two resources come to is not taken from the first without a word.
    let alike = format!("{}/mcp?a", stage.server.origin());
    let again = format!("{}/mcp-a", stage.server.origin());
    resource(&stage, |resource| resource.place = Place::Root);
    resource(&stage, |resource| resource.resource = Some(stage.server.origin().to_owned()));
    stage.login(&["--resource", &alike]).ok();
    let failure = fails(&stage.login(&["--resource", &again, "--json"]), "config_invalid");
    assert!(failure.help().contains("--connection NAME"), "{failure:?}");
    // The host's own document may speak for it, and the person's spelling still finds the connection.
    assert!(stage.token(&["--resource", &alike]).code == 0);
    fails(&stage.token(&["--resource", &again, "--json"]), "not_connected");
    let failure = fails(&stage.home.run(["login", "mcp", "--json"]), "config_invalid");
    assert!(failure.help().contains("--resource"), "{failure:?}");
}

#[test]
fn resource_metadata_of_another_is_refused() {
    let stranger = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let stage = Stage::mcp_by_hand();
    let own = stage.server.origin().to_owned();
    // Another host, another path, its own host where the path was asked, and what only looks the same.
    let others = [
        format!("{}/mcp", stranger.origin()),
        format!("{own}/mcp/"),
        format!("{own}/mcp/other"),
        own.clone(),
        own.replace("http:", "https:"),
    ];
    for other in others {
        resource(&stage, |resource| resource.resource = Some(other.clone()));
        let failure = fails(&stage.login(&["--json"]), "provider_rejected");
        assert!(failure.message().contains("that of another resource"), "{other}: {failure:?}");
    }
    // A document of another host is not even asked for, whatever it says.
    resource(&stage, |resource| {
        resource.resource = None;
        resource.named_url = Some(format!("{}/.well-known/oauth-protected-resource/mcp", stranger.origin()));
    });
    let failure = fails(&stage.login(&["--json"]), "provider_rejected");
    assert!(failure.message().contains(stranger.origin()), "{failure:?}");
    assert!(stranger.journal().entries().is_empty());
    assert!(at(&stage, Endpoint::Authorize).is_empty() && stage.records().is_empty());

    // A server in trouble does not say that there is no document: nobody else is asked in its place.
    resource(&stage, |resource| resource.named_url = None);
    for status in [500, 503, 429] {
        let action = json!({"type": "reply", "status": status, "body": ""});
        stage.fault(json!({"endpoint": "resource_metadata", "times": 2, "action": action}));
        fails(&stage.login(&["--json"]), "network");
    }
    assert!(at(&stage, Endpoint::Metadata).is_empty() && stage.records().is_empty());
    stage.login(&[]).ok();
}

#[test]
fn resource_is_named_in_every_request() {
    let named = |entries: &[Entry], address: &str| {
        assert!(!entries.is_empty());
        for entry in entries {
            assert_eq!(entry.parameters.get("resource").map(String::as_str), Some(address), "{entry:#?}");
        }
    };
    let stage = Stage::mcp_by_hand();
    let address = stage.resource_url();
    stage.change(|live| live.resource_indicators.mode = Indicators::Required);
    stage.login(&["--scopes", "read"]).ok();
    stage.access_token(&["--resource", &address, "--force-refresh"]);
    named(&at(&stage, Endpoint::Authorize), &address);
    named(&at(&stage, Endpoint::Token), &address);
    assert_eq!(stage.refreshes().len(), 1);

    // A device code, and an application, which needs no scope.
    let stage = Stage::mcp_by_hand();
    let address = stage.resource_url();
    stage.change(|live| live.device_interval = 1);
    stage.change(|live| live.device_approve_after = Some(1));
    stage.login(&["--flow", "device-code"]).ok();
    named(&at(&stage, Endpoint::Device), &address);
    let application =
        ["--client-id", "confidential-basic", "--flow", "client-credentials", "--client-secret-stdin"];
    let arguments = stage.login_arguments(&[&application[..], &["--connection", "app"]].concat());
    stage.home.run_with_stdin(arguments, "s3cret:with%special+chars &=").ok();
    let of_application = ["--resource", &address, "--connection", "app"];
    let token = stage.access_token(&[&of_application[..], &["--force-refresh"]].concat());
    assert_eq!(ask(&stage, &token).status, 200);
    assert_eq!(stage.asked("client_credentials").len(), 2);
    assert!(stage.asked("client_credentials").iter().all(|entry| !entry.parameters.contains_key("scope")));
    named(&at(&stage, Endpoint::Token), &address);

    // Any provider takes one, if its server does; what the server does not know is said with its name.
    let stage = Stage::oidc();
    let address = format!("{}/mcp", stage.server.origin());
    stage.login(&["--resource", &address]).ok();
    named(&at(&stage, Endpoint::Authorize), &address);
    let unknown = "https://unknown.example/mcp";
    let failure = fails(&stage.login(&["--resource", unknown, "--json"]), "provider_rejected");
    assert!(failure.help().contains(unknown), "{failure:?}");
    let microsoft = Stage::microsoft();
    let failure = fails(&microsoft.login(&["--resource", unknown, "--json"]), "config_invalid");
    assert!(failure.help().contains("--scopes"), "{failure:?}");
    assert!(microsoft.server.journal().entries().is_empty());
}

#[test]
fn scopes_of_a_challenge_are_asked_for() {
    let stage = Stage::mcp_by_hand();
    let address = stage.resource_url();
    let connection = |name: &'static str| ["--connection", name];
    // Nobody says anything: what the server lists itself is asked for, and nothing else.
    stage.login(&connection("none")).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("offline_access"));
    stage.change(|live| live.metadata.remove = vec!["scopes_supported".into()]);
    stage.login(&connection("bare")).ok();
    assert_eq!(scopes_asked(&stage), None);
    resource(&stage, |resource| {
        resource.scopes_supported = Some(vec!["read".into(), "offline_access".into()])
    });
    stage.login(&connection("listed")).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("read"));
    resource(&stage, |resource| resource.challenge_scope = Some("read write".into()));
    stage.login(&connection("challenged")).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("read write"));
    stage.login(&[&connection("named")[..], &["--scopes", "write"]].concat()).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("write"));

    // A connection that is made another resource's is asked for what that wants.
    let other = format!("{address}/other");
    stage.login(&[&connection("named")[..], &["--resource", &other]].concat()).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("read write"));
    stage.login(&[&connection("named")[..], &["--scopes", "write"]].concat()).ok();

    // A request that needs more is answered with the login that gets it.
    resource(&stage, |resource| resource.required_scopes = vec!["admin".into()]);
    let (broker, provider): (_, ProviderName) = (stage.broker(), "mcp".parse().unwrap());
    let token = stage.access_token(&["--resource", &address, "--connection", "challenged"]);
    let refused = ask(&stage, &token);
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate").unwrap().to_owned();
    let options = TokenOptions { connection: "challenged".parse().unwrap(), ..TokenOptions::default() };
    let challenges = Challenge::parse_all([&challenge]);
    let after = || {
        block_on(broker.token_after_refusal(&provider, &options, &Secret::new(token.as_str()), &challenges))
    };
    let error = after().unwrap_err();
    assert_eq!(error.code(), "scope_not_granted");
    let command =
        format!("tokenkeep login --connection challenged --resource {address} --add-scopes \"admin\"");
    assert!(error.help().contains(&command), "{error:?} {}", error.help());
    stage.login(&[&connection("challenged")[..], &["--add-scopes", "admin"]].concat()).ok();
    assert_eq!(scopes_asked(&stage).as_deref(), Some("read write admin"));
    // A grant that has it all is refused for another reason: no login is asked for in vain.
    assert_eq!(after().unwrap(), None);
    assert_eq!(ask(&stage, &stage.access_token(&["--connection", "challenged"])).status, 200);

    // A program hands on what it was answered with: the resource is not asked again.
    let before = at(&stage, Endpoint::Resource).len();
    let login = LoginOptions {
        connection: "named".parse().unwrap(),
        resource: Some(address),
        www_authenticate: vec![challenge],
        client_id: Some("public".to_owned()),
        redirect_uri: Some("http://127.0.0.1:9/callback".to_owned()),
        ..LoginOptions::default()
    };
    let pending = block_on(broker.begin_login(&provider, &login)).unwrap();
    let scope = pending.authorization_url().query_pairs().find(|(name, _)| name == "scope").unwrap().1;
    assert_eq!(scope, "write admin");
    assert_eq!(at(&stage, Endpoint::Resource).len(), before);
    block_on(broker.close());
}

#[test]
fn metadata_is_asked_for_once() {
    let stage = Stage::oidc();
    let (broker, provider): (_, ProviderName) = (stage.broker(), "oidc".parse().unwrap());
    let login = LoginOptions {
        issuer: Some(stage.server.issuer()),
        client_id: Some("public".to_owned()),
        redirect_uri: Some("http://127.0.0.1:9/callback".to_owned()),
        ..LoginOptions::default()
    };
    let begin = || block_on(broker.begin_login(&provider, &login)).unwrap();
    let asked = || at(&stage, Endpoint::Metadata).len();
    let first = begin();
    begin();
    assert_eq!(asked(), 1);
    // Where no endpoint is, the server may have moved it.
    let answer = person::redirected(first.authorization_url());
    stage.at_redemption(1, &json!({"type": "reply", "status": 404, "body": ""}));
    let error = block_on(broker.finish_login(&first, answer.as_str())).unwrap_err();
    assert_eq!(error.code(), "network");
    begin();
    assert_eq!(asked(), 2);
    // Only what was found is kept.
    stage.change(|live| live.metadata.remove = vec!["token_endpoint".into()]);
    let broker = stage.broker();
    for _ in 0..2 {
        let error = block_on(broker.begin_login(&provider, &login)).err().unwrap();
        assert_eq!(error.code(), "provider_rejected");
    }
    assert_eq!(asked(), 6, "an issuer without a path has two addresses");
    stage.change(|live| live.metadata.remove.clear());
    assert!(block_on(broker.begin_login(&provider, &login)).is_ok());
}

#[test]
fn authorization_server_may_change() {
    let second = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let stage = Stage::mcp_by_hand();
    let address = stage.resource_url();
    let issuers = [stage.server.issuer(), second.issuer()];
    let mut known = second.options();
    known.resource_indicators.known = vec![address.clone()];
    second.set_options(known);
    stage.login(&["--scopes", "read offline_access"]).ok();
    let named = ["--resource", address.as_str()];
    let field = |name: &str| stage.field(name, &named);
    let refresh = || stage.access_token(&[&named[..], &["--force-refresh"]].concat());
    assert_eq!(field("issuer"), issuers[0]);

    // As long as the first is listed it stays, wherever it stands; another is a person's choice.
    resource(&stage, |resource| {
        resource.authorization_servers = Some(vec![issuers[1].clone(), issuers[0].clone()])
    });
    stage.login(&[]).ok();
    assert_eq!(field("issuer"), issuers[0]);
    let failure = fails(&stage.login(&["--issuer", "https://other.example", "--json"]), "config_invalid");
    assert!(failure.help().contains(&issuers[1]), "{failure:?}");
    assert!(second.journal().entries().is_empty());

    // It moves. The grant goes back to where it came from, until a login; that takes nothing along.
    resource(&stage, |resource| resource.authorization_servers = Some(vec![issuers[1].clone()]));
    refresh();
    assert!(second.journal().entries().is_empty());
    let login = ["login", "--resource", &address, "--json"];
    fails(&stage.home.run(login), "registration_missing");
    stage.login(&[]).ok();
    assert_eq!(field("issuer"), issuers[1]);
    let before = stage.server.journal().entries().len();
    refresh();
    assert_eq!(stage.server.journal().entries().len(), before, "the first is asked for nothing more");
    let entries = second.journal().entries();
    let asked = entries.iter().find(|entry| entry.endpoint == Endpoint::Authorize).unwrap();
    assert_eq!(asked.parameters.get("scope").map(String::as_str), Some("offline_access"));
    assert!(!asked.parameters.contains_key("login_hint"));

    // A server that does not promise S256 gets no person's login of a resource's.
    let mut live = second.options();
    live.metadata.remove = vec!["code_challenge_methods_supported".into()];
    second.set_options(live);
    let failure = fails(&stage.login(&["--json"]), "unsupported");
    assert!(failure.message().contains("S256"), "{failure:?}");
}
