//! What other programs read: `export`, `get` and `token --sasl`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails};

#[test]
fn export_formats() {
    let stage = Stage::acme();
    // All that RFC 6749 A.12 lets into a token, and a shell would like to act on.
    let nasty = r#"it's $(touch pwned) "q" `touch pwned` \ ;touch pwned;& !! %s ${HOME} #~*?[]{}<>|'"#;
    stage.at_redemption(1, &json!({"type": "mutate", "set": {"access_token": nasty}}));
    stage.login(&[]).ok();
    let export = |format: &str| stage.home.run(["export", "acme", "--format", format]).ok().stdout;

    #[cfg(unix)]
    for shell in ["sh", "bash"] {
        let script = format!("{}printf %s \"$ACME_ACCESS_TOKEN\"", export("shell"));
        let mut command = std::process::Command::new(shell);
        command.args(["-euc", &script]).current_dir(stage.home.path());
        assert_eq!(tokenkeep_test_support::run(&mut command, "").ok().stdout, nasty);
    }
    assert!(!stage.home.path().join("pwned").exists());
    assert_eq!(export("env"), format!("ACME_ACCESS_TOKEN={nasty}\n"));
    let parsed: serde_json::Value = serde_json::from_str(&export("json")).unwrap();
    assert_eq!(parsed, json!({"ACME_ACCESS_TOKEN": nasty}));
    assert_eq!(stage.home.run(["export", "acme", "--json"]).ok().json(), parsed);

    // Refreshed first, and never the refresh token.
    let stage = Stage::microsoft();
    stage.login_expired(&[]);
    let all: String = ["shell", "env", "json"]
        .map(|format| stage.home.run(["export", "microsoft", "--format", format]).ok().stdout)
        .concat();
    assert_eq!(stage.refreshes().len(), 1);
    let token = stage.access_token(&[]);
    assert_eq!(all.matches(&token).count(), 3);
    assert_eq!(all.matches("MICROSOFT_ACCESS_TOKEN").count(), 3);
    assert!(!all.contains("refresh-"));
    assert_eq!(stage.resource(&token), 200);

    let usage = stage.home.run(["export", "microsoft"]);
    assert!(usage.code == 2 && usage.stderr.contains("env, shell, json"), "{usage:#?}");
    fails(&stage.home.run(["export", "google", "--json"]), "not_connected");
}

#[test]
fn get_fields() {
    let stage = Stage::microsoft();
    stage.login(&["--tenant", "organizations"]).ok();
    let scope = "https://graph.microsoft.com/User.Read openid profile";
    for (field, value) in [
        ("provider", "microsoft"),
        ("connection", "default"),
        ("status", "connected"),
        ("reason", ""),
        ("missing_scopes", ""),
        ("username", "person@example.com"),
        ("tenant_id", "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"),
        ("scopes", scope),
        ("requested_scopes", &format!("{scope} offline_access")),
        ("guest", "false"),
        ("resources", "https://graph.microsoft.com"),
        ("has_refresh_token", "true"),
        ("application", "false"),
        ("client_capabilities", ""),
        ("client_id", CLIENT_ID),
        ("tenant", "organizations"),
        ("refreshed_at", ""),
    ] {
        assert_eq!(stage.field(field, &[]), value, "{field}");
    }
    for field in ["subject", "object_id", "home_account_id", "issuer", "expires_at", "logged_in_at"] {
        assert_ne!(stage.field(field, &[]), "", "{field}");
    }
    let all = stage.home.run(["get", "microsoft"]).ok().stdout;
    assert!(all.lines().count() == 28 && all.contains("\nstatus: connected\n"), "{all}");
    let json = stage.home.run(["get", "microsoft", "--json"]).ok().json();
    assert_eq!(
        (&json["status"], &json["account"]["username"]),
        (&json!("connected"), &json!("person@example.com"))
    );
    let listed = stage.home.run(["list", "--json"]).ok().json();
    assert_eq!(listed, json!([json]));
    for secret in ["access-", "refresh-"] {
        assert!(!all.contains(secret) && !json.to_string().contains(secret));
    }

    let usage = stage.home.run(["get", "microsoft", "--field", "refresh_token"]);
    assert!(usage.code == 2 && usage.stderr.contains("home_account_id"), "{usage:#?}");
    fails(&stage.home.run(["get", "microsoft", "--connection", "other", "--json"]), "not_connected");
}

#[test]
fn sasl_strings_for_mail_servers() {
    let stage = Stage::microsoft();
    stage.login(&["--scopes", "outlook-imap outlook-smtp"]).ok();
    let token = stage.access_token(&[]);
    let said = |more: &[&str]| {
        let response = stage.access_token(more);
        String::from_utf8(BASE64_STANDARD.decode(&response).unwrap()).unwrap()
    };
    let xoauth2 = |user: &str| format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}");
    assert_eq!(said(&["--sasl", "xoauth2", "--user", "me@example.com"]), xoauth2("me@example.com"));
    // A shared mailbox is named; else it is that of the account.
    assert_eq!(said(&["--sasl", "xoauth2"]), xoauth2("person@example.com"));
    let oauthbearer = said(&["--sasl", "oauthbearer", "--user", "a=b,c@example.com"]);
    assert_eq!(oauthbearer, format!("n,a=a=3Db=2Cc@example.com,\u{1}auth=Bearer {token}\u{1}\u{1}"));

    let shown = stage.token(&["--sasl", "xoauth2", "--json"]).ok().json();
    assert_eq!(shown["sasl"], BASE64_STANDARD.encode(xoauth2("person@example.com")));
    assert!(shown.get("access_token").is_none() && shown["expires_at"].is_string(), "{shown}");
    assert!(stage.token(&["--json"]).ok().json().get("sasl").is_none());

    for user in ["", "me\u{1}auth=Bearer x", "me\r\nLOGOUT"] {
        fails(&stage.token(&["--json", "--sasl", "xoauth2", "--user", user]), "config_invalid");
    }
    let usage = stage.token(&["--sasl", "plain"]);
    assert!(usage.code == 2 && usage.stderr.contains("xoauth2, oauthbearer"), "{usage:#?}");
    assert_eq!(stage.token(&["--user", "me@example.com"]).code, 2);

    // Nobody's name came with this login.
    let acme = Stage::acme();
    acme.login(&[]).ok();
    let failure = fails(&acme.token(&["--json", "--sasl", "xoauth2"]), "config_invalid");
    assert!(failure.help().contains("--user"), "{failure:?}");
}
