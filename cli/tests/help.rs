//! `--help`, `--version` and the completions: what can be found out without a store.

use crate::support::{Home, kinds};

const COMMANDS: [&str; 15] = [
    "login",
    "token",
    "list",
    "get",
    "logout",
    "export",
    "providers",
    "scopes",
    "client",
    "admin-consent",
    "dpop-proof",
    "init",
    "doctor",
    "explain",
    "completions",
];

#[test]
fn the_help_names_every_command_and_every_exit_code() {
    let home = Home::empty();
    let said = home.run(&["--help"]);
    said.succeeded();
    assert!(said.stderr.is_empty());
    for command in COMMANDS {
        assert!(said.stdout.contains(&format!("\n  {command} ")), "{command}: {}", said.stdout);
    }
    let (_, codes) = said.stdout.split_once("Exit codes:").unwrap();
    for (code, exit_code) in kinds() {
        assert!(codes.contains(&format!("{exit_code:5}  {code}: ")), "{code}: {codes}");
    }
}

#[test]
fn every_command_shows_examples_that_it_would_take() {
    let home = Home::empty();
    for command in COMMANDS {
        let said = home.run(&[command, "--help"]);
        said.succeeded();
        let (usage, examples) = said.stdout.split_once("Examples:\n").unwrap();
        // Named as it was called.
        let name = format!("tokenkeep{}", std::env::consts::EXE_SUFFIX);
        assert!(usage.contains(&format!("Usage: {name} {command}")), "{usage}");
        let count = examples.matches("tokenkeep ").count();
        assert!((1..=3).contains(&examples.trim().lines().count()) && count >= 1, "{examples}");
    }
}

#[test]
fn the_help_of_login_names_all_its_options() {
    let said = Home::empty().run(&["login", "--help"]);
    // Wherever its lines end.
    let help = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for option in [
        "--connection <NAME>",
        "--flow <FLOW>",
        "auto, pkce, device-code, client-credentials",
        "--scopes <LIST>",
        "--add-scopes <LIST>",
        "--tenant <TENANT>",
        "--cloud <CLOUD>",
        "--issuer <URL>",
        "--resource <URL>",
        "--value <NAME=VALUE>",
        "--dpop",
        "--client-metadata-url <URL>",
        "--client-id <ID>",
        "--client-secret-stdin",
        "--redirect-uri <URI>",
        "--browser <CMD>",
        "--no-browser",
        "--paste",
        "--timeout <SECONDS>",
        "--home <PATH>",
        "--json",
        "--insecure-loopback",
        "--verbose",
    ] {
        assert!(help.contains(option), "{option}");
    }
    // A secret is never an argument: others on the machine can read those.
    assert!(!said.stdout.contains("--client-secret "), "{}", said.stdout);
}

#[test]
fn completions_need_no_home_and_know_the_options() {
    let home = Home::empty();
    for shell in ["bash", "zsh", "fish"] {
        let mut command = home.command(&["completions", shell]);
        let output = command.env_clear().output().unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("tokenkeep") && script.contains("no-browser"), "{shell}");
        assert!(script.contains("client-metadata-url") && script.contains("dpop-proof"), "{shell}");
    }
    let json = home.run(&["completions", "fish", "--json"]).json();
    assert_eq!(json["shell"], "fish");
}

#[test]
fn without_a_command_the_help_is_the_answer_and_it_is_not_data() {
    let said = Home::empty().run(&[]);
    assert_eq!(said.code, 2);
    assert!(said.stdout.is_empty() && said.stderr.contains("Usage: tokenkeep"), "{said:?}");
    assert_eq!(Home::empty().run(&["--json"]).json_error()["code"], "usage");
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(
        Home::empty().run(&["--version"]).stdout,
        format!("tokenkeep {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn no_help_has_an_escape_in_it() {
    let home = Home::empty();
    for command in COMMANDS {
        assert!(!home.run(&[command, "--help"]).stdout.contains('\x1b'));
    }
}
