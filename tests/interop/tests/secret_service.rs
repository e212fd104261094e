//! The vault key in a real Secret Service (gnome-keyring), one that hangs, and none at all.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::time::Duration;

use tokenkeep_interop::{OidcProvider, Person, SecretService};
use tokenkeep_test_support::{Home, files_below};

/// What a keychain that does not answer may cost.
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn the_vault_key_lives_in_the_keyring_and_a_keyring_that_hangs_costs_five_seconds() {
    let (keyring, server) = (SecretService::start(), OidcProvider::start(&[]));
    let home = home_with(&keyring);
    let made = home.run(["init", "--key", "keychain", "--json"]).ok().json();
    assert_eq!((&made["key_source"], &made["made"]), (&"keychain".into(), &true.into()), "{made}");
    let browser = Person::as_browser();
    home.run(server.login().iter().map(String::as_str).chain(["--browser", &browser])).ok();
    let token = home.run(["token", "oidc"]).ok().stdout;

    let report = home.run(["doctor", "--json"]).ok().json();
    assert_eq!((&report["key"], &report["key_source"]), (&"found".into(), &"keychain".into()), "{report}");
    assert!(report["keychain"].is_null() && report["connections"] == 1, "{report}");

    // The key is in the keyring and nowhere else.
    let secrets = keyring.secrets();
    assert_eq!(secrets.len(), 1, "{} items", secrets.len());
    assert!(secrets[0].len() >= 43, "the key has 32 bytes");
    assert!(!home.store().join("vault.key").exists());
    for (path, content) in files_below(home.path()) {
        let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(secrets[0].as_bytes()), "{}", path.display());
    }

    keyring.stop();
    let hung = home.run(["token", "oidc"]);
    assert!(hung.took < PATIENCE, "it took {:?}", hung.took);
    assert_eq!(hung.code, 25, "{hung:#?}");
    assert!(hung.stdout.is_empty(), "{hung:#?}");
    let lines: Vec<&str> = hung.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{hung:#?}");
    assert!(lines[0].starts_with("error: the keychain ") && lines[1].starts_with("hint: "), "{hung:#?}");
    let hung = home.run(["token", "oidc", "--json"]);
    assert_eq!(hung.error_code(), "store_locked");
    assert!(hung.took < PATIENCE, "it took {:?}", hung.took);

    keyring.go_on();
    assert_eq!(home.run(["token", "oidc"]).ok().stdout, token);
    home.run(["token", "oidc", "--force-refresh"]).ok();
    home.run(["logout", "oidc"]).ok();
    assert_eq!(keyring.secrets(), secrets, "the key is the store's, not the connection's");
}

#[test]
fn eight_processes_that_start_at_once_make_one_key() {
    let keyring = SecretService::start();
    let home = home_with(&keyring);
    let runs: Vec<_> = (0..8).map(|_| home.start(["init", "--json"])).collect();
    for run in runs {
        assert_eq!(run.finish().ok().json()["key_source"], "keychain");
    }
    assert_eq!(keyring.secrets().len(), 1);
}

#[test]
fn a_keyring_that_lost_the_key_is_told_and_no_new_key_hides_the_loss() {
    let (keyring, another) = (SecretService::start(), SecretService::start());
    let home = home_with(&keyring);
    home.run(["init"]).ok();
    let elsewhere = home.with("DBUS_SESSION_BUS_ADDRESS", another.bus());
    let refused = elsewhere.run(["list", "--json"]);
    assert_eq!((refused.code, refused.error_code().as_str()), (25, "store_locked"), "{refused:#?}");
    assert!(another.secrets().is_empty());
    elsewhere.with("DBUS_SESSION_BUS_ADDRESS", keyring.bus()).run(["list"]).ok();
}

#[test]
fn a_clients_credential_is_read_from_an_item_of_the_keyring() {
    let keyring = SecretService::start();
    let home = Home::new().with("DBUS_SESSION_BUS_ADDRESS", keyring.bus());
    // Nobody listens there: what is asked for has been read before.
    home.add_provider(
        "schema = 1\nname = \"acme\"\ndisplay_name = \"Acme\"\naccess_token_variable = \"ACME_TOKEN\"\n\
         [endpoints]\nauthorization = \"http://127.0.0.1:1/a\"\ntoken = \"http://127.0.0.1:1/t\"\n\
         [client_credentials]\nscopes = [\"all\"]\n",
    );
    let login = |item: &str| {
        let client = ["login", "acme", "--flow", "client-credentials", "--client-id", "c", "--json"];
        let run = home.run(client.iter().chain(&["--credential-keychain", item]));
        assert!(!run.stderr.contains("canary"), "{run:#?}");
        run.error_code()
    };
    assert_eq!(login("backup/nightly"), "config_invalid");
    keyring.keep("backup", "nightly", "canary\nwith a second line");
    assert_eq!(login("backup/nightly"), "config_invalid");
    keyring.keep("backup", "nightly", "canary");
    assert_eq!(login("backup/nightly"), "network");
    assert_eq!(login("backup/other"), "config_invalid");
}

#[test]
fn without_a_session_bus_the_error_shows_the_choice_and_nothing_is_made() {
    let home = Home::new().without("TOKENKEEP_KEY");
    for command in [&["init"][..], &["login", "microsoft", "--client-id", "x", "--no-browser"]] {
        let refused = home.run(command);
        assert_eq!(refused.code, 25, "{refused:#?}");
        assert!(refused.stderr.contains("`tokenkeep init --key file`"), "{refused:#?}");
        assert!(refused.stderr.contains("`tokenkeep init --key passphrase`"), "{refused:#?}");
        assert!(files_below(home.path()).is_empty(), "{:?}", files_below(home.path()));
    }
    // The command that is shown is the one that works, and it is enough once.
    home.run(["init", "--key", "file"]).ok();
    home.run(["list"]).ok();
}

fn home_with(keyring: &SecretService) -> Home {
    Home::new().without("TOKENKEEP_KEY").with("DBUS_SESSION_BUS_ADDRESS", keyring.bus())
}
