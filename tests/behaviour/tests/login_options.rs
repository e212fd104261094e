//! What a login can ask beside scopes: of the login page, and of the token.

use authorization_server::{Endpoint, Entry};
use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails};

/// The last authorization request.
fn last_asked(stage: &Stage) -> Entry {
    let entries = stage.server.journal().entries();
    entries.into_iter().rfind(|entry| entry.endpoint == Endpoint::Authorize).unwrap()
}

/// The claims of a request.
fn claims_of(entry: &Entry) -> Option<Value> {
    entry.parameters.get("claims").map(|claims| serde_json::from_str(claims).unwrap())
}

/// A stage whose devices are approved at the first poll.
fn with_ready_devices(stage: Stage) -> Stage {
    stage.change(|live| (live.device_interval, live.device_approve_after) = (1, Some(0)));
    stage
}

#[test]
fn prompt_and_hints_are_sent() {
    let stage = with_ready_devices(Stage::microsoft());
    let hints = ["--login-hint", "anna@contoso.example", "--domain-hint", "contoso.example"];
    stage.login(&[&["--prompt", "login"], &hints[..]].concat()).ok();
    let asked = last_asked(&stage);
    for (name, value) in
        [("prompt", "login"), ("login_hint", "anna@contoso.example"), ("domain_hint", "contoso.example")]
    {
        assert_eq!(asked.parameters[name], value);
    }
    assert_eq!(stage.field("username", &[]), "anna@contoso.example");
    // They are of one login: the next one is as the provider's definition has it.
    stage.login(&[]).ok();
    let asked = last_asked(&stage);
    assert_eq!(asked.parameters["prompt"], "select_account");
    assert!(["login_hint", "domain_hint"].iter().all(|name| !asked.parameters.contains_key(*name)));

    // Nobody is asked for what is not of its form, or cannot be sent.
    let before = stage.server.journal().entries().len();
    let long = "a".repeat(321);
    for (named, in_message) in [
        (["--prompt", "always"], "\"always\""),
        (["--prompt", ""], "prompt"),
        (["--login-hint", "anna\nboris"], "login hint"),
        (["--login-hint", &long], "login hint"),
        (["--domain-hint", " "], "domain hint"),
    ] {
        let failure = fails(&stage.login(&[&named[..], &["--json"]].concat()), "config_invalid");
        assert!(failure.message().contains(in_message), "{named:?}: {failure:?}");
    }
    for hint in
        [["--prompt", "login"], ["--login-hint", "anna@contoso.example"], ["--domain-hint", "a.example"]]
    {
        let device = [&hint[..], &["--flow", "device-code", "--json"]].concat();
        let failure = fails(&stage.home.run(stage.login_arguments(&device)), "config_invalid");
        assert!(failure.help().contains("--flow pkce"), "{failure:?}");
    }
    assert_eq!(stage.server.journal().entries().len(), before);

    // Any other provider: OIDC's own parameters, and no organizations.
    let stage = Stage::oidc();
    stage.login(&["--prompt", "select_account", "--login-hint", "anna@contoso.example"]).ok();
    let asked = last_asked(&stage);
    assert_eq!(asked.parameters["prompt"], "select_account");
    assert_eq!(asked.parameters["login_hint"], "anna@contoso.example");
    fails(&stage.login(&["--domain-hint", "contoso.example", "--json"]), "config_invalid");
}

#[test]
fn claims_are_sent_with_the_next_login() {
    let stage = with_ready_devices(Stage::microsoft());
    stage.login_expired(&["--login-hint", "anna@contoso.example"]);
    let demanded = json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}});
    stage.at_refresh(
        1,
        &json!({"type": "error", "error": "interaction_required", "claims": demanded.to_string()}),
    );
    let failure = fails(&stage.token(&["--json"]), "interaction_required");
    assert_eq!(serde_json::from_str::<Value>(failure.text("claims")).unwrap(), demanded);

    // The login that repairs it carries them by itself, for the account that it is about.
    stage.login(&[]).ok();
    let asked = last_asked(&stage);
    assert_eq!(claims_of(&asked), Some(demanded.clone()));
    assert_eq!(asked.parameters["login_hint"], "anna@contoso.example");
    assert!(!asked.parameters.contains_key("prompt"), "nobody is to choose another account: {asked:?}");
    // Its token meets the demand, however it is written.
    let token = stage.access_token(&[]);
    let in_other_words = serde_json::to_string_pretty(&demanded).unwrap();
    assert_eq!(stage.access_token(&["--claims", &in_other_words]), token);
    assert_eq!(stage.refreshes().len(), 1);
    // What was met is not asked for again.
    stage.login(&["--login-hint", "anna@contoso.example"]).ok();
    assert_eq!(claims_of(&last_asked(&stage)), None);

    // Named by the caller, in either flow.
    let named = json!({"access_token": {"nbf": {"essential": true, "value": "1700000000"}}});
    stage.login(&["--claims", &named.to_string()]).ok();
    assert_eq!(claims_of(&last_asked(&stage)), Some(named.clone()));
    let token = stage.access_token(&["--claims", &named.to_string()]);
    assert_eq!(stage.access_token(&[]), token);
    let device = ["--flow", "device-code", "--connection", "device", "--claims", &named.to_string()]
        .map(str::to_owned);
    let device: Vec<_> = device.iter().map(String::as_str).collect();
    stage.home.run(stage.login_arguments(&device)).ok();
    let polls = stage.asked("urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(claims_of(polls.last().unwrap()), Some(named.clone()));
    stage.access_token(&["--connection", "device", "--claims", &named.to_string()]);
    assert_eq!(stage.refreshes().len(), 1);

    // The challenge was to this account: another one's grant is not put in its place.
    let kept = stage.records();
    let other = ["--json", "--claims", &named.to_string(), "--login-hint", "boris@contoso.example"];
    let failure = fails(&stage.login(&other), "provider_rejected");
    for told in ["anna@contoso.example", "boris@contoso.example"] {
        assert!(failure.message().contains(told), "{failure:?}");
    }
    assert_eq!(stage.records(), kept);
    for wrong in ["essential", "[]"] {
        fails(&stage.login(&["--json", "--claims", wrong]), "config_invalid");
    }
}

#[test]
fn client_capabilities_are_sent() {
    let stage = with_ready_devices(Stage::microsoft());
    let cp1 = json!({"access_token": {"xms_cc": {"values": ["cp1"]}}});
    stage.login(&[]).ok();
    assert_eq!(claims_of(&last_asked(&stage)), None);
    stage.login(&["--client-capabilities", "cp1"]).ok();
    assert_eq!(claims_of(&last_asked(&stage)), Some(cp1.clone()));
    assert_eq!(claims_of(stage.asked("authorization_code").last().unwrap()), Some(cp1.clone()));
    // The next login remembers them, and adds them to what is demanded.
    let demanded = json!({"access_token": {"nbf": {"essential": true, "value": "1"}}});
    stage.login(&["--claims", &demanded.to_string()]).ok();
    let mut both = demanded.clone();
    both["access_token"]["xms_cc"] = cp1["access_token"]["xms_cc"].clone();
    assert_eq!(claims_of(&last_asked(&stage)), Some(both));
    // What the token was asked for is the demand; the capabilities are the client's.
    let token = stage.access_token(&["--claims", &demanded.to_string()]);
    assert_eq!(stage.access_token(&[]), token);
    assert!(stage.refreshes().is_empty());

    stage.home.run(stage.login_arguments(&["--flow", "device-code"])).ok();
    let polls = stage.asked("urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(claims_of(polls.last().unwrap()), Some(cp1.clone()));
    for wrong in ["cp 1", "", "cp1;x"] {
        fails(&stage.login(&["--json", "--client-capabilities", wrong]), "config_invalid");
    }
}
