//! Clients that nobody registers by hand, and whose client is whose.

use std::thread;

use authorization_server::{
    AuthenticationMethod, AuthorizationServer, Endpoint, Entry, PushedRequestOptions, PushedRequests,
    ServerOptions,
};
use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails, person};

const DOCUMENT: &str = "https://app.example/oauth/client.json";

/// The requests to an endpoint.
fn asked(stage: &Stage, endpoint: Endpoint) -> Vec<Entry> {
    let entries = stage.server.journal().entries().into_iter();
    entries.filter(|entry| entry.endpoint == endpoint).collect()
}

/// The client of the last authorization request.
fn last_client(stage: &Stage) -> String {
    asked(stage, Endpoint::Authorize).pop().unwrap().client_id.unwrap()
}

fn show(stage: &Stage) -> Value {
    let issuer = stage.server.issuer();
    stage.home.run(["client", "show", stage.provider, "--issuer", &issuer, "--json"]).ok().json()
}

fn remove(stage: &Stage) -> Value {
    let issuer = stage.server.issuer();
    stage.home.run(["client", "remove", stage.provider, "--issuer", &issuer, "--json"]).ok().json()
}

#[test]
fn client_is_registered_by_program() {
    let stage = Stage::mcp();
    // Two logins at once make one client, which later ones take as well.
    let slow = json!({"type": "delay", "milliseconds": 1500});
    stage.fault(json!({"endpoint": "register", "action": slow}));
    let together = ["a", "b"];
    thread::scope(|scope| {
        let logins = together.map(|name| scope.spawn(|| stage.login(&["--connection", name])));
        logins.into_iter().for_each(|login| drop(login.join().unwrap().ok()));
    });
    stage.login(&["--connection", "c"]).ok();
    stage.login(&["--connection", "a"]).ok();
    let registered = stage.server.registered_clients();
    assert_eq!((registered.len(), stage.server.journal().registrations()), (1, 1));
    assert_eq!(last_client(&stage), registered[0]);
    let request = asked(&stage, Endpoint::Register).remove(0);
    for (name, value) in [
        ("client_name", "Tokenkeep"),
        ("application_type", "native"),
        ("redirect_uris", "http://127.0.0.1/callback"),
        ("token_endpoint_auth_method", "none"),
    ] {
        assert!(request.parameters[name].contains(value), "{name}: {request:?}");
    }
    assert!(!request.authorization && !request.parameters["grant_types"].contains("client_credentials"));
    assert_eq!((&show(&stage)["dynamic"], &show(&stage)["client_id"]), (&json!(true), &json!(registered[0])));
    let refreshed = stage.access_token(&["--connection", "b", "--force-refresh"]);
    assert_eq!(stage.resource(&refreshed), 200);

    // What the server says counts: a client that is to prove itself does.
    for method in [AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost] {
        let stage = Stage::mcp();
        stage.change(|live| (live.registration.auth_method, live.registration.status) = (Some(method), 200));
        stage.login(&["--connection", "a"]).ok();
        assert_eq!(asked(&stage, Endpoint::Token).pop().unwrap().client_authentication, Some(method));
        assert_eq!(show(&stage)["has_client_secret"], true);
        stage.access_token(&["--connection", "a", "--force-refresh"]);
    }
}

#[test]
fn who_cannot_register_is_told_what_to_do() {
    let stage = Stage::mcp();
    let login = || stage.login(&["--json"]);
    stage.change(|live| live.registration.initial_access_token = Some("canary".to_owned()));
    let failure = fails(&login(), "registration_missing");
    assert!(failure.message().contains("initial access token"), "{failure:?}");
    assert!(failure.help().contains("--client-id"), "{failure:?}");
    stage.change(|live| live.registration.initial_access_token = None);

    stage.change(|live| live.registration.redirect_uris = Some(vec!["https://other.example/".to_owned()]));
    let failure = fails(&login(), "provider_rejected");
    assert!(failure.message().contains("lacks the redirect URI http://127.0.0.1/callback"), "{failure:?}");
    stage.change(|live| live.registration.redirect_uris = None);

    let refusal = json!({"type": "error", "status": 400, "error": "invalid_client_metadata"});
    stage.fault(json!({"endpoint": "register", "action": refusal}));
    fails(&login(), "provider_rejected");
    assert!(asked(&stage, Endpoint::Authorize).is_empty(), "nobody was asked for a login that cannot work");

    stage.change(|live| live.registration.enabled = false);
    let failure = fails(&stage.login(&["--json", "--client-metadata-url", DOCUMENT]), "registration_missing");
    for why in ["--client-id", "takes no client id metadata documents", "registers no clients by program"] {
        assert!(failure.message().contains(why), "{why}: {failure:?}");
    }
    assert!(!failure.message().contains("TOKENKEEP_MCP_CLIENT_ID"), "{failure:?}");
}

#[test]
fn registration_that_ended_is_made_anew() {
    let stage = Stage::mcp();
    // The server says that the secret has ended, and takes it all the same, so that the first login ends well.
    let body = json!({
        "client_id": "confidential-basic", "client_secret": "s3cret:with%special+chars &=",
        "client_secret_expires_at": 1_600_000_000, "token_endpoint_auth_method": "client_secret_basic",
    });
    let reply = json!({"type": "reply", "status": 201, "body": body.to_string(),
        "headers": [["content-type", "application/json"]]});
    stage.fault(json!({"endpoint": "register", "action": reply}));
    stage.login(&["--connection", "a"]).ok();
    assert_eq!(last_client(&stage), "confidential-basic");
    stage.login(&["--connection", "a"]).ok();
    let first = stage.server.registered_clients();
    assert_eq!((first.len(), last_client(&stage)), (1, first[0].clone()));

    // Another redirect is another registration. One that a grant lives by stays at the server, and else it goes.
    stage.login(&["--connection", "b", "--redirect-uri", "http://localhost/callback"]).ok();
    assert_eq!(stage.server.registered_clients().len(), 2);
    let second = last_client(&stage);
    stage.access_token(&["--connection", "a", "--force-refresh"]);
    stage.home.run(["logout", "mcp", "--connection", "b"]).ok();
    stage.login(&["--connection", "c"]).ok();
    let left = stage.server.registered_clients();
    assert!(left.contains(&first[0]) && !left.contains(&second) && left.contains(&last_client(&stage)));

    // A client that the server forgot is known for it at the token endpoint, and the next login has another.
    let forgotten = last_client(&stage);
    let refusal = json!({"type": "error", "status": 401, "error": "invalid_client"});
    stage.at_redemption(1, &refusal);
    let failure = fails(&stage.login(&["--connection", "c", "--json"]), "provider_rejected");
    assert!(failure.help().contains("log in again"), "{failure:?}");
    stage.login(&["--connection", "c"]).ok();
    assert_ne!(last_client(&stage), forgotten);
    assert!(stage.server.registered_clients().contains(&last_client(&stage)));
}

#[test]
fn registration_is_deleted_with_the_client() {
    let stage = Stage::mcp();
    let named = ["--connection", "a"];
    stage.login(&named).ok();
    let removed = remove(&stage);
    assert_eq!((&removed["removed"], &removed["deletion"]), (&json!("mcp"), &json!("deleted")));
    assert_eq!(removed["issuer"], stage.server.issuer());
    assert!(stage.server.registered_clients().is_empty());
    assert_eq!(stage.field("status", &named), "connected", "the connection keeps its own copy");
    let issuer = stage.server.issuer();
    let show = ["client", "show", "mcp", "--issuer", &issuer, "--json"];
    fails(&stage.home.run(show), "registration_missing");

    // A logout revokes first, as the client that it then removes.
    stage.login(&named).ok();
    let logout = ["logout", "mcp", "--connection", "a", "--forget-client", "--json"];
    let done = stage.home.run(logout).ok().json();
    assert_eq!(done["logged_out"][0]["revocation"], "revoked", "{done}");
    assert_eq!(done["registrations"][0]["deletion"], "deleted", "{done}");
    assert!(stage.server.registered_clients().is_empty());

    // The copy here goes in any case, and what became of the client is said.
    stage.login(&named).ok();
    let trouble = json!({"type": "reply", "status": 503, "body": "canary"});
    stage.fault(json!({"endpoint": "register", "action": trouble}));
    let removed = remove(&stage);
    assert_eq!(removed["deletion"], "failed", "{removed}");
    assert!(removed["why"].as_str().unwrap().contains("503") && !removed.to_string().contains("canary"));
    fails(&stage.home.run(show), "registration_missing");

    stage.change(|live| live.registration.management = false);
    stage.login(&named).ok();
    assert_eq!(remove(&stage)["deletion"], "not_managed");
    assert_eq!(stage.server.registered_clients().len(), 2);
}

#[test]
fn client_metadata_document_is_printed() {
    let stage = Stage::mcp();
    let document = stage.home.run(["client", "document", DOCUMENT]).ok().json();
    assert_eq!(document["client_id"], DOCUMENT);
    let loopback = ["127.0.0.1", "[::1]", "localhost"].map(|host| format!("http://{host}/callback"));
    assert_eq!(document["redirect_uris"], json!(loopback));
    assert_eq!(document["token_endpoint_auth_method"], "none");
    for bad in ["http://app.example/client.json", "https://app.example", "https://app.example/a?b", "client"]
    {
        fails(&stage.home.run(["client", "document", bad, "--json"]), "config_invalid");
        // Said before anybody is asked, whatever the server takes.
        fails(&stage.login(&["--client-metadata-url", bad, "--json"]), "config_invalid");
    }
    assert_eq!(stage.server.journal().registrations(), 0);
}

#[test]
fn client_of_one_issuer_is_never_used_at_another() {
    let secret = "s3cret:with%special+chars &=";
    let mut stage = Stage::oidc();
    let other = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let one = stage.server.issuer();
    let set = ["client", "set", "oidc", "--client-id", "confidential-basic", "--client-secret-stdin"];
    fails(&stage.home.run_with_stdin(set.iter().chain(&["--json"]), secret), "config_invalid");
    stage.home.run_with_stdin(set.iter().chain(&["--issuer", &one]), &format!("{secret}\n")).ok();
    let login = |stage: &Stage, issuer: &str| {
        let browser = person::browser();
        let named = ["login", "oidc", "--json", "--browser", &browser];
        let issuer = Some(["--issuer", issuer]).filter(|[_, issuer]| !issuer.is_empty());
        stage.home.run(named.iter().chain(issuer.iter().flatten()))
    };
    login(&stage, &one).ok();
    // Neither the stored client, nor that of the connection's earlier login.
    fails(&login(&stage, &other.issuer()), "registration_missing");
    assert_eq!(stage.field("issuer", &[]), one);
    let shown = ["client", "show", "oidc", "--issuer", &other.issuer(), "--json"];
    fails(&stage.home.run(shown), "registration_missing");

    // Variables count with an issuer that the user names.
    stage.change_environment(|home| {
        home.with("TOKENKEEP_OIDC_CLIENT_ID", "public").with("TOKENKEEP_MCP_CLIENT_ID", "public")
    });
    login(&stage, "").ok();
    assert_eq!(last_client(&stage), "confidential-basic");
    login(&stage, &other.issuer()).ok();
    assert!(
        other
            .journal()
            .entries()
            .iter()
            .all(|entry| entry.client_id.as_deref() != Some("confidential-basic"))
    );

    // A resource that moves to another server is asked for a client there, from nothing.
    let stage = Stage::mcp();
    stage.login(&["--connection", "a"]).ok();
    let mut elsewhere = ServerOptions::plain();
    elsewhere.live.registration.enabled = true;
    elsewhere.live.resource_indicators.known.push(stage.resource_url());
    let elsewhere = AuthorizationServer::start(elsewhere).unwrap();
    stage.change(|live| live.protected_resource.authorization_servers = Some(vec![elsewhere.issuer()]));
    stage.login(&["--connection", "a"]).ok();
    let known = stage.server.registered_clients();
    let heard: Vec<_> =
        elsewhere.journal().entries().into_iter().filter_map(|entry| entry.client_id).collect();
    assert!(!heard.is_empty() && !heard.contains(&known[0]), "{heard:?}");
    assert_eq!(elsewhere.registered_clients().len(), 1);
}

#[test]
fn client_is_known_by_its_document() {
    let stage = Stage::mcp();
    stage.change(|live| live.client_documents.enabled = true);
    // What is printed is what is published.
    let printed = stage.home.run(["client", "document", DOCUMENT]).ok().json();
    stage.server.publish_client_document(DOCUMENT, printed.as_object().unwrap().clone());
    let named = ["--connection", "a", "--client-metadata-url", DOCUMENT];
    stage.login(&named).ok();
    assert_eq!(last_client(&stage), DOCUMENT);
    let redemption = asked(&stage, Endpoint::Token).pop().unwrap();
    assert_eq!(redemption.client_authentication, Some(AuthenticationMethod::None));
    stage.access_token(&["--connection", "a", "--force-refresh"]);
    // It is remembered, and nothing is left at the server.
    stage.login(&named[..2]).ok();
    assert_eq!((last_client(&stage).as_str(), stage.server.journal().registrations()), (DOCUMENT, 0));

    // A client that was given by hand goes before it, and a server that takes no documents has a client made.
    stage.login(&["--connection", "b", "--client-metadata-url", DOCUMENT, "--client-id", "public"]).ok();
    assert_eq!(last_client(&stage), "public");
    stage.change(|live| live.client_documents.enabled = false);
    stage.login(&["--connection", "c", "--client-metadata-url", DOCUMENT]).ok();
    assert_eq!([last_client(&stage)], *stage.server.registered_clients());
}

#[test]
fn authorization_request_is_pushed() {
    let stage = Stage::mcp();
    stage.change(|live| live.pushed_requests.mode = PushedRequests::Required);
    let under_way = stage.begin_login(&["--scopes", "openid read"]);
    let names: Vec<_> = under_way.url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"], "the browser carries nothing else");
    let pushed = asked(&stage, Endpoint::Par).remove(0);
    for name in ["state", "nonce", "code_challenge", "redirect_uri", "scope", "resource", "client_id"] {
        assert!(pushed.parameters.contains_key(name), "{name}: {pushed:?}");
    }
    assert_eq!(pushed.parameters["resource"], stage.resource_url());
    assert_eq!(person::visit(&under_way.url).status, 200);
    under_way.finish().ok();

    // The client proves itself as at the token endpoint; 200 will do; a server that only offers it is taken up on it.
    let stage = Stage::oidc();
    stage.change(|live| {
        live.pushed_requests = PushedRequestOptions { mode: PushedRequests::On, lifetime: 60, status: 200 };
    });
    for (client, method) in [
        ("confidential-basic", AuthenticationMethod::ClientSecretBasic),
        ("confidential-post", AuthenticationMethod::ClientSecretPost),
    ] {
        let only = json!([method]);
        stage.change(|live| {
            live.metadata.set.insert("token_endpoint_auth_methods_supported".to_owned(), only);
        });
        let browser = person::browser();
        let arguments = stage.login_arguments(&["--client-id", client, "--client-secret-stdin"]);
        let arguments = arguments.into_iter().chain(["--browser".to_owned(), browser]);
        stage.home.run_with_stdin(arguments, "s3cret:with%special+chars &=\n").ok();
        let pushed = asked(&stage, Endpoint::Par).pop().unwrap();
        assert_eq!((pushed.client_authentication, pushed.client_id.as_deref()), (Some(method), Some(client)));
    }
    let before = asked(&stage, Endpoint::Authorize).len();
    for (action, code) in [
        (json!({"type": "error", "status": 400, "error": "invalid_request"}), "provider_rejected"),
        (json!({"type": "error", "status": 401, "error": "invalid_client"}), "provider_rejected"),
        (json!({"type": "reply", "status": 201, "body": "{\"expires_in\":60}"}), "provider_rejected"),
        (json!({"type": "reply", "status": 503, "body": "canary"}), "network"),
    ] {
        stage.fault(json!({"endpoint": "par", "action": action}));
        let failure = fails(&stage.login(&["--json"]), code);
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    stage.change(|live| {
        live.pushed_requests.mode = PushedRequests::Required;
        live.metadata.remove = vec!["pushed_authorization_request_endpoint".to_owned()];
    });
    let failure = fails(&stage.login(&["--json"]), "unsupported");
    assert!(failure.help().contains("pushed_authorization_request_endpoint"), "{failure:?}");
    assert_eq!(asked(&stage, Endpoint::Authorize).len(), before, "nobody was asked");
}
