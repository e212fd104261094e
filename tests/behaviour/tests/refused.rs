//! What a login must not take: answers of another login or another server, and id_tokens of anybody else.

use authorization_server::IssuerParameter;
use serde_json::json;
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails, person};

#[test]
fn wrong_state_is_refused_and_the_login_goes_on() {
    let stage = Stage::microsoft();
    let mut login = stage.begin_login(&[]);
    let state = login.parameter("state");
    // Whatever a stranger on this machine, or a page in the browser, may send.
    let strange = [
        "code=x&state=wrong".to_owned(),
        "code=x".to_owned(),
        "code=x&state=".to_owned(),
        "error=access_denied&state=wrong".to_owned(),
        format!("code=&state={state}"),
        format!("code=a&code=b&state={state}"),
        format!("code=a&state={state}&state={state}"),
        format!("code=a&error=access_denied&state={state}"),
        String::new(),
    ];
    for query in &strange {
        let page = person::get(&login.redirect(query));
        assert_eq!(page.status, 400, "{query}");
        assert!(page.text().contains("still waiting") && !page.text().contains(&state), "{query}");
    }
    let forged = person::post(&login.redirect(""), &[("code", "x"), ("state", "wrong")]);
    assert_eq!(forged.status, 400);
    let mut elsewhere = login.redirect(&format!("code=x&state={state}"));
    elsewhere.set_path("/");
    assert_eq!(person::get(&elsewhere).status, 404);
    login.running.stderr_line(|line| line.contains("Still waiting"));
    assert!(stage.asked("authorization_code").is_empty(), "nothing was redeemed");

    person::visit(&login.url);
    login.finish().ok();
    assert_eq!(stage.asked("authorization_code").len(), 1);
}

#[test]
fn mix_up_is_refused() {
    let stage = Stage::oidc();
    let mut login = stage.begin_login(&[]);
    stage.change(|live| live.issuer_parameter = IssuerParameter::Wrong);
    assert_eq!(person::visit(&login.url).status, 400);
    login.running.stderr_line(|line| line.contains("Still waiting"));
    assert!(stage.asked("authorization_code").is_empty(), "the code of a stranger goes nowhere");
    // An error of a stranger is neither acted on nor shown.
    let state = login.parameter("state");
    let query =
        format!("error=access_denied&error_description=canary&state={state}&iss=https://wrong.example");
    assert_eq!(person::get(&login.redirect(&query)).status, 400);
    // The right server still can.
    stage.change(|live| live.issuer_parameter = IssuerParameter::On);
    person::visit(&login.url);
    let run = login.finish().ok();
    assert!(!run.stderr.contains("canary"), "{run:#?}");
}

#[test]
fn missing_iss_is_refused_when_advertised() {
    let stage = Stage::oidc();
    // The metadata, which is read first, promises it.
    let login = stage.begin_login(&[]);
    stage.change(|live| live.issuer_parameter = IssuerParameter::Off);
    assert_eq!(person::visit(&login.url).status, 400);
    assert!(stage.asked("authorization_code").is_empty());
    stage.change(|live| live.issuer_parameter = IssuerParameter::On);
    person::visit(&login.url);
    login.finish().ok();

    // A server that does not promise it is taken at its word.
    let stage = Stage::oidc();
    stage.change(|live| live.issuer_parameter = IssuerParameter::Off);
    stage.login(&[]).ok();
}

#[test]
fn wrong_id_token_is_refused() {
    let other = "11111111-2222-4333-8444-555555555555";
    let oidc = [
        json!({"set": {"nonce": "another login's"}}),
        json!({"remove": ["nonce"]}),
        json!({"set": {"aud": "another client"}}),
        json!({"set": {"aud": ["public", "another client"]}}),
        json!({"set": {"iss": "https://wrong.example"}}),
        json!({"remove": ["sub"]}),
        json!({"set": {"exp": 1}}),
        json!({"signature": "none"}),
    ];
    let microsoft = [
        json!({"set": {"tid": other}}),
        json!({"set": {"tid": "common"}}),
        json!({"remove": ["tid"]}),
        json!({"set": {"iss": format!("https://login.microsoftonline.com/{other}/v2.0"), "tid": other}}),
        json!({"set": {"nonce": "another login's"}}),
        json!({"set": {"aud": other}}),
    ];
    for (stage, wrong) in [(Stage::oidc(), &oidc[..]), (Stage::microsoft(), &microsoft[..])] {
        for id_token in wrong {
            stage.at_redemption(1, &json!({"type": "mutate", "id_token": id_token}));
            let run = stage.login(&["--json"]);
            let failure = fails(&run, "provider_rejected");
            assert!(failure.message().contains("id_token"), "{id_token}: {failure:?}");
            assert!(stage.records().is_empty(), "{id_token}: nothing is kept");
        }
        stage.login(&[]).ok();
    }
}

#[test]
fn mutated_id_tokens_are_refused() {
    let stage = Stage::microsoft();
    let other = "11111111-2222-4333-8444-555555555555";
    let issuer = |origin: &str, tenant: &str| format!("{origin}/{tenant}/v2.0");
    let (origin, home) = (stage.server.origin(), "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f");
    // One member each, of an id_token that is good but for it.
    let mutations = [
        json!({"set": {"iss": issuer("https://evil.example", home)}}),
        json!({"set": {"iss": issuer(origin, other)}}),
        json!({"set": {"iss": issuer(origin, "{tenantid}")}}),
        json!({"set": {"iss": issuer(origin, "common")}}),
        json!({"set": {"iss": issuer(origin, home) + "/"}}),
        json!({"set": {"iss": format!("https://sts.windows.net/{home}/")}}),
        json!({"remove": ["iss"]}),
        json!({"set": {"tid": other}}),
        json!({"set": {"tid": "common"}}),
        json!({"set": {"tid": format!("{home}/../{other}")}}),
        json!({"set": {"tid": ""}}),
        json!({"remove": ["tid"]}),
        json!({"set": {"aud": other}}),
        json!({"set": {"aud": [CLIENT_ID, other]}}),
        json!({"set": {"aud": []}}),
        json!({"remove": ["aud"]}),
        json!({"set": {"azp": other}}),
        json!({"set": {"nonce": "another login's"}}),
        json!({"remove": ["nonce"]}),
        json!({"set": {"exp": 1}}),
        json!({"set": {"exp": "tomorrow"}}),
        json!({"remove": ["exp"]}),
        json!({"set": {"iat": 32_503_680_000_i64}}),
        json!({"set": {"sub": ""}}),
        json!({"remove": ["sub"]}),
        json!({"signature": "none"}),
        json!({"signature": "empty"}),
    ];
    for id_token in &mutations {
        stage.at_redemption(1, &json!({"type": "mutate", "id_token": id_token}));
        let failure = fails(&stage.login(&["--json"]), "provider_rejected");
        assert!(failure.message().contains("id_token"), "{id_token}: {failure:?}");
        assert!(stage.records().is_empty(), "{id_token}: nothing is kept");
    }

    // A refresh is relied on for being about the same account of the same client: the rest was the login's.
    stage.login(&[]).ok();
    let token = stage.access_token(&[]);
    let relied_on = ["iss", "tid", "aud", "sub"].into_iter();
    let refreshed: Vec<_> = relied_on
        .flat_map(|claim| [json!({"set": {claim: other}}), json!({"remove": [claim]})])
        .chain([json!({"signature": "none"}), json!({"signature": "empty"})])
        .collect();
    for id_token in &refreshed {
        stage.at_refresh(1, &json!({"type": "mutate", "id_token": id_token}));
        let failure = fails(&stage.token(&["--force-refresh", "--json"]), "provider_rejected");
        assert!(failure.message().contains("id_token"), "{id_token}: {failure:?}");
        assert_eq!(stage.access_token(&[]), token, "{id_token}: what is at hand is served");
    }
    assert_eq!(stage.refreshes().len(), refreshed.len());
    assert_ne!(stage.access_token(&["--force-refresh"]), token);
}

#[test]
fn lost_code_redemption_is_sent_once() {
    let stage = Stage::acme();
    stage.at_redemption(1, &json!({"type": "drop_after"}));
    let failure = fails(&stage.login(&["--json"]), "network");
    assert!(failure.help().contains("again"), "{failure:?}");
    assert_eq!(stage.asked("authorization_code").len(), 1, "a code that may have been used is worth nothing");
    assert!(stage.records().is_empty());
    stage.login(&[]).ok();
}

#[test]
fn insecure_issuer_is_refused_without_the_switch() {
    let mut stage = Stage::oidc();
    stage.home = std::mem::take(&mut stage.home).without("TOKENKEEP_INSECURE_LOOPBACK");
    let failure = fails(&stage.login(&["--json"]), "config_invalid");
    assert!(failure.help().contains("--insecure-loopback"), "{failure:?}");
    assert!(stage.server.journal().entries().is_empty(), "not even the metadata was asked for");
    // The switch is for this machine, and for no other.
    for elsewhere in ["http://login.example", "http://localhost.example", "ftp://127.0.0.1"] {
        let run = stage.login(&["--json", "--insecure-loopback", "--issuer", elsewhere]);
        fails(&run, "config_invalid");
    }
    stage.login_expired(&["--insecure-loopback"]);
    // What was allowed for the login is not allowed for a refresh.
    fails(&stage.token(&["--json"]), "config_invalid");
    assert!(stage.refreshes().is_empty());
    stage.token(&["--insecure-loopback"]).ok();
}
