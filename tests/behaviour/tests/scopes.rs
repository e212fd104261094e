//! What was asked for, and what was granted.

use authorization_server::{Endpoint, Entry};
use serde_json::json;
use tokenkeep::LoginOptions;
use tokenkeep_behaviour::{Stage, block_on, fails};

/// The last authorization request.
fn last_asked(stage: &Stage) -> Entry {
    let entries = stage.server.journal().entries();
    entries.into_iter().rfind(|entry| entry.endpoint == Endpoint::Authorize).unwrap()
}

#[test]
fn scope_not_granted() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    stage.token(&["--scopes", "read"]).ok();
    let failure = fails(&stage.token(&["--json", "--scopes", "read,admin"]), "scope_not_granted");
    assert!(failure.message().contains("admin") && !failure.message().contains("read"), "{failure:?}");
    let command = failure.help().split('`').nth(1).unwrap();
    assert_eq!(command, "tokenkeep login acme --add-scopes \"admin\"");
    // The command that is named is for the connection that lacks the scope.
    stage.login(&["--connection", "work"]).ok();
    let run = stage.token(&["--json", "--connection", "work", "--scopes", "admin"]);
    let failure = fails(&run, "scope_not_granted");
    assert!(failure.help().contains("--connection work"), "{failure:?}");
    assert!(stage.refreshes().is_empty(), "nothing is sent for what is known to be missing");

    // Microsoft's spellings of one scope.
    let stage = Stage::microsoft();
    let granted = "https://graph.microsoft.com/User.Read";
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"scope": granted}}));
    stage.login(&["--scopes", "User.Read Mail.Send"]).ok();
    for granted in ["User.Read", "user.read", "https://graph.microsoft.com/User.Read offline_access"] {
        stage.token(&["--scopes", granted]).ok();
    }
    // The login asked for it, and in vain.
    fails(&stage.token(&["--json", "--scopes", "mail.send"]), "scope_not_granted");
    assert!(stage.refreshes().is_empty());
    stage.login(&[]).ok();
    stage.token(&["--scopes", "mail.send"]).ok();
}

#[test]
fn login_for_several_resources() {
    let stage = Stage::microsoft();
    let (graph, outlook) = ("https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read");
    let both = format!("{graph} {outlook}");
    let about_the_person = "openid profile offline_access";
    let run = stage.login(&["--scopes", &both]).ok();
    assert!(!run.stderr.contains("warning"), "{run:#?}");
    // The person consents to all of it; a token is for one resource, and that is the first.
    assert_eq!(last_asked(&stage).parameters["scope"], format!("{both} {about_the_person}"));
    let redeemed = stage.asked("authorization_code").pop().unwrap();
    assert_eq!(redeemed.parameters["scope"], format!("{graph} {about_the_person}"));
    let connection = stage.home.run(["get", "microsoft", "--json"]).ok().json();
    assert_eq!(connection["requested_scopes"].as_array().unwrap().len(), 5);
    assert_eq!(connection["missing_scopes"], json!([]));
    assert_eq!(connection["access_tokens"][0]["resource"], "https://graph.microsoft.com");
    // So is its refresh.
    stage.access_token(&["--force-refresh"]);
    assert_eq!(stage.refreshes().pop().unwrap().parameters["scope"], redeemed.parameters["scope"]);
    // A login again is for all of it.
    stage.login(&[]).ok();
    assert_eq!(last_asked(&stage).parameters["scope"], format!("{both} {about_the_person}"));

    // With a device code there is one request, and a token is what it is for: said before anybody is asked.
    let before = stage.server.journal().entries().len();
    let device = stage.login_arguments(&["--flow", "device-code", "--json", "--scopes", &both]);
    let failure = fails(&stage.home.run(device), "config_invalid");
    assert!(failure.message().contains("https://outlook.office.com"), "{failure:?}");
    assert!(failure.help().contains("--flow pkce"), "{failure:?}");
    assert_eq!(stage.server.journal().entries().len(), before);

    // Scopes of one resource: the code is redeemed for what was asked for.
    stage.login(&["--scopes", outlook]).ok();
    assert!(!stage.asked("authorization_code").pop().unwrap().parameters.contains_key("scope"));
}

#[test]
fn wider_scopes_ask_for_the_difference() {
    let stage = Stage::microsoft();
    let asked = |stage: &Stage| last_asked(stage).parameters["scope"].clone();
    let about_the_person = "openid profile offline_access";
    // Without an earlier login they go beside the provider's own.
    let anna = "anna@contoso.example";
    stage.login(&["--add-scopes", "Mail.Read", "--login-hint", anna]).ok();
    let (user_read, outlook) =
        ("https://graph.microsoft.com/User.Read", "https://outlook.office.com/Mail.Read");
    assert_eq!(asked(&stage), format!("{user_read} Mail.Read {about_the_person}"));
    // Then they are the difference, in whatever spelling it is named, for the same account.
    stage.login(&["--add-scopes", "user.read Calendars.Read"]).ok();
    assert_eq!(asked(&stage), format!("Calendars.Read {about_the_person}"));
    let request = last_asked(&stage);
    assert_eq!(request.parameters["login_hint"], anna);
    assert!(!request.parameters.contains_key("prompt"), "{request:?}");
    let all = format!("{user_read} Mail.Read {about_the_person} Calendars.Read");
    assert_eq!(stage.field("requested_scopes", &[]), all);
    // Consent adds up: a refresh names all of it.
    stage.access_token(&["--force-refresh"]);
    assert_eq!(stage.refreshes().pop().unwrap().parameters["scope"], all);
    // Of another resource: the code is still redeemed for the connection's own.
    stage.login(&["--add-scopes", outlook]).ok();
    assert_eq!(asked(&stage), format!("{all} {outlook}"));
    assert_eq!(stage.asked("authorization_code").pop().unwrap().parameters["scope"], all);
    // Nothing is new: the person is asked for all of it.
    stage.login(&["--add-scopes", "Mail.Read"]).ok();
    assert_eq!(asked(&stage), format!("{all} {outlook}"));

    // Somebody else's grant is not put in the place of this one.
    let kept = stage.records();
    let other = ["--json", "--add-scopes", "Files.Read", "--login-hint", "boris@contoso.example"];
    let failure = fails(&stage.login(&other), "provider_rejected");
    for told in [anna, "boris@contoso.example"] {
        assert!(failure.message().contains(told), "{failure:?}");
    }
    assert!(failure.help().contains("without --add-scopes"), "{failure:?}");
    assert_eq!(stage.records(), kept);
    stage.login(&["--login-hint", "boris@contoso.example"]).ok();
    assert_eq!(stage.field("username", &[]), "boris@contoso.example");

    // Where nobody knows that consent adds up, all of it is asked for.
    let stage = Stage::acme();
    stage.login(&[]).ok();
    stage.login(&["--add-scopes", "admin"]).ok();
    assert_eq!(asked(&stage), "read write offline_access admin");
    let broker = stage.broker();
    let both = LoginOptions {
        scopes: Some("read".parse().unwrap()),
        add_scopes: Some("admin".parse().unwrap()),
        redirect_uri: Some("http://127.0.0.1:1/callback".to_owned()),
        ..LoginOptions::default()
    };
    let refused = block_on(broker.begin_login(&"acme".parse().unwrap(), &both)).err().unwrap();
    assert_eq!(refused.code(), "config_invalid");
}

#[test]
fn narrower_scope_is_kept_and_warned() {
    let stage = Stage::acme();
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"scope": "read offline_access"}}));
    let run = stage.login(&[]).ok();
    let warning = run.stderr.lines().find(|line| line.starts_with("warning: ")).unwrap();
    assert!(warning.contains("write") && !warning.contains("read"), "{run:#?}");
    assert_eq!(stage.field("scopes", &[]), "read offline_access");
    assert_eq!(stage.field("requested_scopes", &[]), "read write offline_access");
    assert_eq!(stage.field("missing_scopes", &[]), "write");
    stage.token(&["--scopes", "read"]).ok();
    fails(&stage.token(&["--json", "--scopes", "write"]), "scope_not_granted");

    // RFC 6749 6: a refresh must not ask for what was not granted.
    let stage = Stage::microsoft();
    let granted = "https://graph.microsoft.com/User.Read";
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"scope": granted}}));
    stage.login(&["--scopes", "User.Read Mail.Send"]).ok();
    stage.access_token(&["--force-refresh"]);
    let [refresh] = &stage.refreshes()[..] else { panic!("one refresh") };
    assert!(refresh.parameters["scope"].contains("User.Read"), "{refresh:?}");
    assert!(!refresh.parameters["scope"].contains("Mail.Send"), "{refresh:?}");

    // Without a word about scopes it is what was asked for (RFC 6749 5.1).
    let stage = Stage::acme();
    stage.at_redemption(1, &json!({"type": "mutate", "remove": ["scope"]}));
    let run = stage.login(&[]).ok();
    assert!(!run.stderr.contains("warning"), "{run:#?}");
    assert_eq!(stage.field("scopes", &[]), "read write offline_access");
}
