//! `init`, `providers` and `client`: what is kept without a login.

use std::fs;

use crate::support::{Home, Said};

const ACME: &str = r#"schema = 1
name = "acme"
display_name = "Acme"
access_token_variable = "ACME_TOKEN"
[endpoints]
authorization = "https://acme.example/authorize"
token = "https://tokens.acme.example/token"
"#;

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_key_file_is_for_its_owner_alone_and_comes_with_a_warning() {
    let home = Home::empty();
    let said = home.run(&["init", "--key", "file"]);
    said.succeeded();
    assert!(said.stdout.is_empty(), "{said:?}");
    let key = home.store().join("vault.key");
    assert!(said.stderr.contains(key.to_str().unwrap()) && said.stderr.contains("WARNING"), "{said:?}");
    assert_eq!(mode(&home.store()), 0o700);
    for name in ["vault.key", "vault.json"] {
        assert_eq!(mode(&home.store().join(name)), 0o600, "{name}");
    }

    // once more makes nothing new
    let before = home.everything_kept();
    let again = home.run(&["init", "--json"]);
    assert_eq!(again.json()["made"], false);
    assert_eq!(home.everything_kept(), before);
    // and another choice is refused
    home.run(&["init", "--key", "passphrase"]).failed_with("config_invalid");
}

#[test]
fn a_passphrase_comes_from_the_variable_or_from_a_terminal_and_from_nowhere_else() {
    let home = Home::empty();
    let with = |arguments: &[&str], passphrase: &str| {
        Said::from(home.command(arguments).env("TOKENKEEP_PASSPHRASE", passphrase).output().unwrap())
    };
    home.run_with_input(&["init", "--key", "passphrase"], "typed\ntyped\n").failed_with("store_locked");
    with(&["init", "--key", "passphrase"], "passphrase-canary").succeeded();
    with(&["list"], "passphrase-canary").succeeded();
    with(&["list"], "another").failed_with("store_locked");
    let said = home.run_with_input(&["list"], "passphrase-canary\n");
    said.failed_with("store_locked");
    assert!(said.stderr.contains("TOKENKEEP_PASSPHRASE"), "{said:?}");
    home.run(&["doctor"]).succeeded();
}

#[test]
fn a_definition_of_one_s_own_is_added_shown_and_removed() {
    let home = Home::empty();
    let file = home.path().join("somewhere.toml");
    fs::write(&file, ACME).unwrap();
    let file = file.to_str().unwrap();
    let said = home.run(&["providers", "add", file]);
    said.succeeded();
    assert!(said.stdout.is_empty(), "{said:?}");
    for endpoint in ["https://acme.example/authorize", "https://tokens.acme.example/token"] {
        assert!(said.stderr.contains(endpoint), "{said:?}");
    }
    assert_eq!(home.run(&["providers", "show", "acme"]).stdout, ACME);
    let list = home.run(&["providers", "list", "--json"]).json();
    let acme = list.as_array().unwrap().iter().find(|provider| provider["name"] == "acme").unwrap();
    assert_eq!((&acme["origin"], &acme["access_token_variable"]), (&"user".into(), &"ACME_TOKEN".into()));
    assert!(acme["path"].as_str().unwrap().ends_with("acme.toml"));
    assert!(
        home.run(&["providers"])
            .stdout
            .lines()
            .any(|line| line.starts_with("acme ") && line.contains("Acme"))
    );

    home.run(&["providers", "remove", "acme"]).succeeded();
    home.run(&["providers", "remove", "acme"]).failed_with("unknown_provider");
    home.run(&["providers", "show", "acme"]).failed_with("unknown_provider");
    home.run(&["providers", "remove", "microsoft"]).failed_with("unknown_provider");
    home.run(&["providers", "add", "/nonexistent.toml"]).failed_with("config_invalid");
}

#[test]
fn a_bundled_definition_is_shown_as_it_is() {
    let said = Home::empty().run(&["providers", "show", "microsoft"]);
    said.succeeded();
    assert!(said.stdout.contains("name = \"microsoft\"") && said.stderr.is_empty(), "{said:?}");
}

#[test]
fn a_client_s_secret_goes_in_and_never_comes_out() {
    let home = Home::ready();
    let set = ["client", "set", "google", "--client-id", "my-id", "--client-secret-stdin", "-vvv"];
    let said = home.run_with_input(&set, "secret-canary\r\nnot this line\n");
    said.succeeded();
    let show = home.run(&["client", "show", "google", "-vvv"]);
    assert!(show.stdout.contains("client_id: my-id\ndynamic: false\nhas_client_secret: true\n"), "{show:?}");
    let json = home.run(&["client", "show", "google", "--json"]);
    assert_eq!(
        (&json.json()["client_id"], &json.json()["has_client_secret"]),
        (&"my-id".into(), &true.into())
    );
    for said in [&said, &show, &json] {
        assert!(!said.stdout.contains("canary") && !said.stderr.contains("canary"), "{said:?}");
    }
    let kept = home.everything_kept();
    assert!(!kept.windows(6).any(|window| window == b"canary"), "the store holds it sealed");

    home.run(&["client", "remove", "google"]).succeeded();
    home.run(&["client", "remove", "google"]).failed_with("registration_missing");
    home.run(&["client", "show", "google"]).failed_with("registration_missing");
}

#[test]
fn a_secret_that_is_announced_must_come() {
    let home = Home::ready();
    let set = ["client", "set", "google", "--client-id", "my-id", "--client-secret-stdin"];
    for nothing in ["", "\n", "\r\nsecond\n"] {
        home.run_with_input(&set, nothing).failed_with("config_invalid");
    }
    home.run(&["client", "show", "google"]).failed_with("registration_missing");
    // what is stored may be damaged: it is replaced
    home.run_with_input(&set, "first\n").succeeded();
    let folder = home.store().join("registrations");
    let stored = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    fs::write(stored, "damaged").unwrap();
    home.run(&["client", "show", "google"]).failed_with("store_corrupt");
    home.run_with_input(&set, "second\n").succeeded();
    home.run(&["client", "show", "google"]).succeeded();
    // the provider is looked at before anybody is asked for a secret
    home.run(&["client", "set", "nowhere", "--client-id", "x", "--client-secret-stdin"])
        .failed_with("unknown_provider");
}

#[test]
fn logout_forgets_a_client_without_a_connection() {
    let home = Home::ready();
    home.run(&["client", "set", "microsoft", "--client-id", "my-id"]).succeeded();
    let said = home.run(&["logout", "microsoft", "--forget-client"]);
    said.succeeded();
    assert!(said.stderr.contains("Removed the stored client registration of microsoft."), "{said:?}");
    home.run(&["client", "show", "microsoft"]).failed_with("registration_missing");
}
