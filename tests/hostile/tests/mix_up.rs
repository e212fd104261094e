//! Two authorization servers, and one of them is a stranger's (RFC 9700 4.4, RFC 9728 7.3 and 7.4): whatever it says of
//! itself, of the other, or in the name of a resource, nothing of a login at one of them reaches the other.

use authorization_server::{Endpoint, IssuerParameter};
use serde_json::json;
use tokenkeep_behaviour::{Stage, fails, person};
use tokenkeep_hostile::Impostor;

const CLIENT: &str = "confidential-basic";
const SECRET: &str = "s3cret:with%special+chars &=";
/// The same as it stands in a form.
const SECRET_SENT: &str = "s3cret%3A";

/// What the honest server was asked, beside its documents and its resource.
fn asked(stage: &Stage) -> Vec<String> {
    let entries = stage.server.journal().entries().into_iter();
    let entries = entries.filter(|entry| {
        !matches!(entry.endpoint, Endpoint::Metadata | Endpoint::Resource | Endpoint::ResourceMetadata)
    });
    entries.map(|entry| format!("{:?} {:?}", entry.endpoint, entry.parameters)).collect()
}

#[test]
fn an_answer_of_one_server_is_no_answer_of_the_other() {
    // The stranger's metadata send the person to the honest server, and would have the code themselves.
    let (stage, stranger) = (Stage::oidc(), Impostor::start());
    stranger.is_a_server(json!({"authorization_endpoint": format!("{}/authorize", stage.server.origin())}));
    let login = stage.begin_login(&["--issuer", &stranger.origin()]);
    assert!(login.url.as_str().starts_with(stage.server.origin()));
    let back = person::redirected(&login.url);
    assert!(back.query().unwrap().contains("code=code-"), "the honest server has given a code: {back}");
    assert_eq!(person::get(&back).status, 400, "which is not the stranger's to have");
    stranger.knows_nothing_of(&[]);
    assert_eq!(stranger.arrived().len(), 1, "its metadata are all that it was asked for");
    drop(login);

    // The honest server's login goes on when the stranger answers it, and takes neither its code nor its error.
    let mut login = stage.begin_login(&[]);
    let state = login.parameter("state");
    for strange in ["code=canary", "error=access_denied&error_description=canary"] {
        let query = format!("{strange}&state={state}&iss={}", stranger.origin());
        assert_eq!(person::get(&login.redirect(&query)).status, 400);
    }
    login.running.stderr_line(|line| line.contains("another server"));
    assert!(stage.asked("authorization_code").is_empty(), "nothing was redeemed");
    person::visit(&login.url);
    assert!(!login.finish().ok().stderr.contains("canary"));
    assert_eq!((stage.records().len(), stranger.arrived().len()), (1, 1));
}

#[test]
fn a_code_of_the_stranger_is_of_no_use_at_the_other() {
    // Its metadata name the honest token endpoint, where a code that it was given itself would be redeemed.
    let (stage, stranger) = (Stage::oidc(), Impostor::start());
    stranger.is_a_server(json!({"token_endpoint": format!("{}/token", stage.server.origin())}));
    let own = stage.begin_login(&["--connection", "victim"]);
    let code = person::redirected(&own.url);
    let (_, code) = code.query_pairs().find(|(name, _)| name == "code").unwrap();
    let login = stage.begin_login(&["--issuer", &stranger.origin(), "--json"]);
    let state = login.parameter("state");
    let query = format!("code={code}&state={state}&iss={}", stranger.origin());
    person::get(&login.redirect(&query));
    // PKCE: that code is of another request.
    fails(&login.finish(), "login_required");
    assert!(stage.records().is_empty());
    stranger.knows_nothing_of(&[]);
}

#[test]
fn metadata_speak_for_their_own_server() {
    let (stage, stranger) = (Stage::mcp_by_hand(), Impostor::start());
    let honest = stage.server.issuer();
    // It calls itself the other, as a whole or with a slash more, and the other calls itself the stranger.
    for issuer in [honest.clone(), format!("{}/", stranger.origin()), "https://as.example".to_owned()] {
        stranger.is_a_server(json!({"issuer": issuer}));
        stage.change(|live| live.protected_resource.authorization_servers = Some(vec![stranger.origin()]));
        let failure = fails(&stage.login(&["--json"]), "provider_rejected");
        assert!(failure.message().contains("that of another issuer"), "{failure:?}");
    }
    stage.change(|live| live.protected_resource.authorization_servers = None);
    stage.change(|live| drop(live.metadata.set.insert("issuer".to_owned(), json!(stranger.origin()))));
    let failure = fails(&stage.login(&["--json"]), "provider_rejected");
    assert!(failure.message().contains("that of another issuer"), "{failure:?}");
    assert!(asked(&stage).is_empty() && stage.records().is_empty());
    stranger.knows_nothing_of(&["public"]);
}

#[test]
fn a_resource_speaks_for_itself() {
    let (stage, stranger) = (Stage::mcp_by_hand(), Impostor::start());
    let (honest, issuer) = (stage.resource_url(), stage.server.issuer());
    let strange = format!("{}/mcp", stranger.origin());
    let login = ["--resource", strange.as_str(), "--json"];
    // It says that it is the honest one, whose token the person would then hand to it.
    stranger.is_a_resource(&json!({"resource": honest, "authorization_servers": [issuer]}));
    let failure = fails(&stage.login(&login), "provider_rejected");
    assert!(failure.message().contains("that of another resource"), "{failure:?}");
    // It names the honest server: that is asked for the stranger's resource by name, and does not know it.
    stranger.is_a_resource(&json!({"resource": strange, "authorization_servers": [issuer]}));
    assert!(asked(&stage).is_empty());
    let failure = fails(&stage.login(&login), "provider_rejected");
    assert!(failure.help().contains(&strange), "{failure:?}");
    assert!(asked(&stage).iter().all(|request| request.contains(&format!("\"resource\": {strange:?}"))));

    // A challenge leads to the stranger's document for this very resource, and that to the stranger's server.
    stranger.is_a_server(json!({}));
    stranger.is_a_resource(&json!({"resource": honest, "authorization_servers": [stranger.origin()]}));
    let before = stranger.arrived().len();
    let document = format!("{}/.well-known/oauth-protected-resource/mcp", stranger.origin());
    stage.change(|live| live.protected_resource.named_url = Some(document.clone()));
    let failure = fails(&stage.login(&["--json"]), "provider_rejected");
    assert!(failure.message().contains(&stranger.origin()), "{failure:?}");
    assert_eq!(stranger.arrived().len(), before, "nobody asks there");
    // So does a redirect of what is asked for.
    stage.change(|live| live.protected_resource.named_url = None);
    for (endpoint, times) in [("resource_metadata", 2), ("metadata", 2)] {
        for status in [301, 302, 303, 307, 308] {
            let action = json!({"type": "redirect", "status": status, "location": document});
            stage.fault(json!({"endpoint": endpoint, "times": times, "action": action}));
            fails(&stage.login(&["--json"]), "provider_rejected");
        }
    }
    // And the token endpoint, with a code in hand.
    stage.at_redemption(1, &json!({"type": "redirect", "status": 307, "location": stranger.origin()}));
    fails(&stage.login(&["--json"]), "network");
    assert_eq!(stranger.arrived().len(), before, "nothing is followed");
    stranger.knows_nothing_of(&["public"]);
    assert!(stage.records().is_empty());
    stage.login(&[]).ok();
}

#[test]
fn a_resource_that_moves_takes_nothing_along() {
    let (stage, stranger) = (Stage::mcp_by_hand(), Impostor::start());
    let address = stage.resource_url();
    let named = ["--resource", address.as_str()];
    // Everything that a login can leave behind: a client with a secret, a scope, a person, a grant.
    let first = ["--client-id", CLIENT, "--client-secret-stdin", "--scopes", "openid private"];
    let browser = ["--browser", &person::browser()];
    stage.home.run_with_stdin(stage.login_arguments(&[&first[..], &browser].concat()), SECRET).ok();

    stranger.is_a_server(json!({}));
    stage.change(|live| live.protected_resource.authorization_servers = Some(vec![stranger.origin()]));
    let before = asked(&stage).len();
    // Nobody has a client there: nothing of the first stands in for it.
    let again = ["login", "--resource", &address, "--json", "--no-browser"];
    fails(&stage.home.run(again), "registration_missing");
    let login = stage.begin_login(&["--client-id", "another"]);
    assert!(login.url.as_str().starts_with(&stranger.origin()));
    for text in [CLIENT, "private", "login_hint"] {
        assert!(!login.url.as_str().contains(text), "{text}: {}", login.url);
    }
    // The stranger gets its own code back, and no proof of a client that it has not registered.
    stranger.answers("/token", "400 Bad Request", "", "{\"error\":\"invalid_grant\"}");
    let (state, iss) = (login.parameter("state"), stranger.origin());
    person::get(&login.redirect(&format!("code=own&state={state}&iss={iss}")));
    assert_ne!(login.finish().code, 0);
    let arrived = stranger.arrived();
    let token = arrived.iter().find(|request| request.starts_with("POST /token")).unwrap();
    assert!(token.contains("client_id=another") && token.contains("code=own"), "{token}");
    for request in &arrived {
        for text in [CLIENT, SECRET_SENT, "client_secret", "uthorization: ", "private", "refresh-", "access-"]
        {
            assert!(!request.contains(text), "{text}: {request}");
        }
    }
    assert_eq!(asked(&stage).len(), before, "the first server hears of none of this");
    // The grant that is there goes on, back where it came from, and nowhere else.
    let count = arrived.len();
    stage.access_token(&[&named[..], &["--force-refresh"]].concat());
    assert_eq!((stranger.arrived().len(), asked(&stage).len()), (count, before + 1));
    assert_eq!(stage.field("issuer", &named), stage.server.issuer());
}

#[test]
fn a_server_that_promised_its_name_and_sends_none_is_nobody() {
    let stage = Stage::mcp_by_hand();
    let login = stage.begin_login(&[]);
    stage.change(|live| live.issuer_parameter = IssuerParameter::Off);
    assert_eq!(person::visit(&login.url).status, 400);
    assert!(stage.asked("authorization_code").is_empty() && stage.records().is_empty());
}
