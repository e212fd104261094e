//! Words that stand for scopes, and what is odd about a list of scopes.

use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails, person};

/// What Microsoft's permissions reference has for each, and for the last three its page on IMAP, POP and SMTP.
const DOCUMENTED: [(&str, &[&str]); 22] = [
    ("calendar", &["https://graph.microsoft.com/Calendars.ReadWrite"]),
    ("calendar-read", &["https://graph.microsoft.com/Calendars.Read"]),
    ("contacts", &["https://graph.microsoft.com/Contacts.ReadWrite"]),
    ("contacts-read", &["https://graph.microsoft.com/Contacts.Read"]),
    ("files", &["https://graph.microsoft.com/Files.ReadWrite"]),
    ("files-read", &["https://graph.microsoft.com/Files.Read"]),
    (
        "mail-full",
        &[
            "https://graph.microsoft.com/Mail.ReadWrite",
            "https://graph.microsoft.com/Mail.Send",
            "https://graph.microsoft.com/MailboxSettings.ReadWrite",
        ],
    ),
    ("mail-read", &["https://graph.microsoft.com/Mail.Read"]),
    ("mail-send", &["https://graph.microsoft.com/Mail.Send"]),
    ("notes", &["https://graph.microsoft.com/Notes.ReadWrite"]),
    ("notes-read", &["https://graph.microsoft.com/Notes.Read"]),
    ("outlook-imap", &["https://outlook.office.com/IMAP.AccessAsUser.All"]),
    ("outlook-pop", &["https://outlook.office.com/POP.AccessAsUser.All"]),
    ("outlook-smtp", &["https://outlook.office.com/SMTP.Send"]),
    ("people", &["https://graph.microsoft.com/People.Read"]),
    ("sharepoint", &["https://graph.microsoft.com/Sites.ReadWrite.All"]),
    ("sharepoint-read", &["https://graph.microsoft.com/Sites.Read.All"]),
    ("tasks", &["https://graph.microsoft.com/Tasks.ReadWrite"]),
    ("tasks-read", &["https://graph.microsoft.com/Tasks.Read"]),
    (
        "teams",
        &[
            "https://graph.microsoft.com/Team.ReadBasic.All",
            "https://graph.microsoft.com/Channel.ReadBasic.All",
            "https://graph.microsoft.com/ChannelMessage.Send",
            "https://graph.microsoft.com/Chat.ReadWrite",
        ],
    ),
    (
        "teams-read",
        &[
            "https://graph.microsoft.com/Team.ReadBasic.All",
            "https://graph.microsoft.com/Channel.ReadBasic.All",
            "https://graph.microsoft.com/Chat.Read",
        ],
    ),
    ("user-read", &["https://graph.microsoft.com/User.Read"]),
];

/// `tokenkeep scopes PROVIDER LIST... --json`.
#[track_caller]
fn check(stage: &Stage, list: &[&str]) -> Value {
    let start = ["scopes", stage.provider, "--json"];
    stage.home.run(start.iter().chain(list)).ok().json()
}

fn kinds(check: &Value) -> Vec<&str> {
    let findings = check["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

#[test]
fn presets_are_the_documented_scopes() {
    let stage = Stage::microsoft();
    let documented = DOCUMENTED.map(|(name, scopes)| json!({ "name": name, "scopes": scopes }));
    let presets = json!({ "provider": "microsoft", "presets": documented });
    assert_eq!(stage.home.run(["scopes", "microsoft", "--json"]).ok().json(), presets);
    for (name, scopes) in DOCUMENTED {
        assert_eq!(
            check(&stage, &[name, "offline_access"])["scopes"],
            json!([scopes, &["offline_access"]].concat())
        );
    }

    // A login asks for what they stand for, beside scopes by name.
    let login = stage.begin_login(&["--scopes", "mail-full User.Read"]);
    let mail = "https://graph.microsoft.com/Mail.ReadWrite https://graph.microsoft.com/Mail.Send \
                https://graph.microsoft.com/MailboxSettings.ReadWrite User.Read";
    assert_eq!(login.parameter("scope"), format!("{mail} openid profile offline_access"));
    person::visit(&login.url);
    login.finish().ok();
    assert_eq!(stage.field("requested_scopes", &[]), format!("{mail} openid profile offline_access"));
    // A scope is no preset, whatever it looks like.
    assert_eq!(check(&stage, &["profile", "Mail-Read"])["scopes"], json!(["profile", "Mail-Read"]));
    // A token is asked for by the same words; one that was granted is at hand.
    stage.token(&["--scopes", "mail-send"]).ok();
    assert!(stage.refreshes().is_empty());
}

#[test]
fn lint_of_a_list_of_scopes() {
    let stage = Stage::microsoft();
    let graph = "https://graph.microsoft.com";
    let clean = check(&stage, &["mail-read", "Files.Read.All,offline_access"]);
    assert_eq!((&clean["findings"], &clean["resources"]), (&json!([]), &json!([graph])));
    for (list, kind, scopes) in [
        ("mail-read", "offline_access_missing", "offline_access"),
        ("Mail.Read mail.readwrite", "covered", "Mail.Read mail.readwrite"),
        (
            "https://graph.microsoft.com/Files.ReadWrite.All files-read",
            "covered",
            "https://graph.microsoft.com/Files.ReadWrite.All https://graph.microsoft.com/Files.Read",
        ),
        (
            "User.Read 00000003-0000-0000-c000-000000000000/user.read",
            "covered",
            "User.Read 00000003-0000-0000-c000-000000000000/user.read",
        ),
        (
            "Mail.Read outlook-imap",
            "several_resources",
            "Mail.Read https://outlook.office.com/IMAP.AccessAsUser.All",
        ),
        (
            "User.Read Directory.Read.All channelmessage.read.all",
            "admin_consent_needed",
            "Directory.Read.All channelmessage.read.all",
        ),
        ("Mail.Read .default", "default_beside_others", "Mail.Read .default"),
        ("Mail.Send mail-raed", "unknown_preset", "mail-raed"),
    ] {
        let list =
            if kind == "offline_access_missing" { list.to_owned() } else { format!("{list} offline_access") };
        let found = check(&stage, &[&list]);
        assert_eq!(kinds(&found), [kind], "{list}: {found}");
        let named: Vec<&str> = scopes.split(' ').collect();
        assert_eq!(found["findings"][0]["scopes"], json!(named), "{list}");
    }
    // What looks alike and is not: another resource's permission, two parts of one, a permission of another name.
    for fine in [
        "https://outlook.office.com/Mail.Read https://outlook.office.com/Mail.ReadWrite offline_access",
        "Mail.Read Mail.Send offline_access",
        "https://outlook.office.com/SMTP.Send outlook-imap offline_access",
        "00000003-0000-0000-c000-000000000000/Mail.Send Mail.Read offline_access",
        "https://vault.azure.net/Directory.Read.All offline_access",
        ".default offline_access",
    ] {
        assert_eq!(check(&stage, &[fine])["findings"], json!([]), "{fine}");
    }

    // For people: the scopes are data, what is odd is said beside them, and is no failure.
    let run =
        stage.home.run(["scopes", "microsoft", "mail-read", "Mail.ReadWrite", "Directory.Read.All"]).ok();
    assert_eq!(run.stdout, "https://graph.microsoft.com/Mail.Read\nMail.ReadWrite\nDirectory.Read.All\n");
    assert!(
        run.stderr.contains("Mail.ReadWrite includes https://graph.microsoft.com/Mail.Read\nhint: "),
        "{run:#?}"
    );
    assert!(
        run.stderr.contains("tokenkeep admin-consent microsoft --scopes \"Directory.Read.All\""),
        "{run:#?}"
    );
    fails(&stage.home.run(["scopes", "nobody", "read", "--json"]), "unknown_provider");

    // What Entra would refuse after the person has been asked is refused before, whatever the others are for.
    for list in
        ["User.Read .default", "https://graph.microsoft.com/.default https://outlook.office.com/SMTP.Send"]
    {
        let failure = fails(&stage.login(&["--json", "--scopes", list]), "config_invalid");
        assert!(failure.message().contains(".default stands for all"), "{failure:?}");
    }
    assert!(stage.server.journal().entries().is_empty());

    // A provider whose file says nothing of its scopes has nothing odd about them.
    let acme = Stage::acme();
    let found = check(&acme, &["read", "write", "https://a.example/.default"]);
    assert_eq!((kinds(&found), &found["resources"]), (vec!["offline_access_missing"], &json!([])));
}
