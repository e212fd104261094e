//! What was asked for, and what was granted.

use serde_json::json;
use tokenkeep_behaviour::{Stage, fails};

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
fn scopes_of_two_resources_are_refused_before_anybody_is_asked() {
    let stage = Stage::microsoft();
    let two = ["--json", "--scopes", "User.Read https://outlook.office.com/Mail.Read"];
    let failure = fails(&stage.login(&two), "config_invalid");
    assert!(failure.message().contains("https://outlook.office.com"), "{failure:?}");
    assert!(failure.help().contains("--connection"), "{failure:?}");
    assert!(stage.server.journal().entries().is_empty());
    stage.login(&["--scopes", "https://outlook.office.com/Mail.Read"]).ok();
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
