//! What goes wrong, and what is said then: one error line, a hint, an exit code of its own, no data.

use std::fs;
use std::process::Stdio;

use crate::support::{Home, Said, exit_code};

#[test]
fn an_unknown_provider_is_named_with_those_that_are_like_it() {
    let home = Home::ready();
    for command in ["login", "token", "get", "logout"] {
        let said = home.run(&[command, "mircosoft"]);
        said.failed_with("unknown_provider");
        assert!(said.stderr.contains("mircosoft") && said.stderr.contains("microsoft"), "{said:?}");
    }
    let error = home.run(&["token", "nowhere", "--json"]).json_error();
    assert_eq!(error["code"], "unknown_provider");
    assert_eq!(error["retryable"], false);
    assert!(error["message"].as_str().unwrap().contains("nowhere"));
    assert!(error["help"].as_str().unwrap().contains("tokenkeep providers add"));
    assert!(error.get("server").is_none() && error.get("retry_at").is_none());
}

#[test]
fn a_missing_client_id_shows_the_portal_s_steps_with_the_literal_redirect_address() {
    let said = Home::ready().run(&["login", "microsoft"]);
    said.failed_with("registration_missing");
    assert!(said.stderr.contains("https://entra.microsoft.com"), "{said:?}");
    // on a line of its own, to be copied
    assert!(said.stderr.lines().any(|line| line.trim() == "http://localhost/callback"), "{said:?}");
    // the steps stand under each other, indented below the hint
    let steps = said.stderr.lines().skip_while(|line| !line.starts_with("hint: ")).skip(1);
    assert!(steps.clone().count() > 5 && steps.clone().all(|line| line.starts_with("      ")), "{said:?}");
}

#[test]
fn a_fixed_redirect_address_is_the_one_to_register() {
    let said = Home::ready().run(&["login", "microsoft", "--redirect-uri", "http://localhost:8400/cb"]);
    said.failed_with("registration_missing");
    assert!(said.stderr.lines().any(|line| line.trim() == "http://localhost:8400/cb"), "{said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_keychain_the_choice_is_asked_for_with_the_exact_commands() {
    let home = Home::empty();
    for arguments in [&["login", "microsoft", "--client-id", "x"][..], &["init"]] {
        let said = home.run(arguments);
        said.failed_with("store_locked");
        for command in ["tokenkeep init --key file", "tokenkeep init --key passphrase", "TOKENKEEP_KEY"] {
            assert!(said.stderr.contains(command), "{command}: {said:?}");
        }
        assert!(!home.store().exists(), "nothing falls silently");
    }
}

#[test]
fn a_broken_provider_file_is_named_with_its_line() {
    let home = Home::ready();
    let providers = home.store().join("providers");
    fs::create_dir(&providers).unwrap();
    fs::write(providers.join("acme.toml"), "schema = 1\nname = \"acme\"\nnonsense = 1\n").unwrap();
    let said = home.run(&["login", "acme"]);
    said.failed_with("config_invalid");
    assert!(said.stderr.contains("acme.toml:3: "), "{said:?}");

    // and it spoils nothing else
    let list = home.run(&["providers"]);
    assert_eq!(list.code, exit_code("config_invalid"));
    assert!(list.stdout.contains("microsoft") && list.stderr.contains("acme.toml:3: "), "{list:?}");
    let doctor = home.run(&["doctor"]);
    assert_eq!(doctor.code, exit_code("config_invalid"), "{doctor:?}");
}

#[test]
fn a_home_that_is_no_folder_is_an_error_for_every_command() {
    let home = Home::empty();
    fs::write(home.store(), "a file").unwrap();
    for arguments in [
        &["token", "microsoft"][..],
        &["list"],
        &["get", "microsoft"],
        &["logout", "microsoft"],
        &["init", "--key", "file"],
        &["login", "microsoft", "--client-id", "x"],
        &["client", "show", "microsoft"],
        &["client", "remove", "microsoft"],
        &["client", "set", "microsoft", "--client-id", "x"],
        &["export", "microsoft", "--format", "env"],
        &["logout", "microsoft", "--all"],
    ] {
        let said = Said::from(home.command(arguments).env("TOKENKEEP_KEY", "file").output().unwrap());
        said.failed_with("store_unavailable");
    }
    assert_eq!(home.run(&["doctor"]).code, exit_code("store_unavailable"));
    assert_eq!(fs::read_to_string(home.store()).unwrap(), "a file");
}

#[test]
fn a_folder_in_place_of_a_file_is_an_error() {
    for name in ["vault.json", "vault.key"] {
        let home = Home::ready();
        fs::remove_file(home.store().join(name)).unwrap();
        fs::create_dir(home.store().join(name)).unwrap();
        home.run(&["token", "microsoft"]).failed_with("store_unavailable");
        assert_eq!(home.run(&["doctor"]).code, exit_code("store_unavailable"));
    }
    let home = Home::ready();
    fs::create_dir_all(home.store().join("providers/acme.toml")).unwrap();
    home.run(&["login", "acme"]).failed_with("config_invalid");
}

#[test]
fn no_home_at_all_is_an_error() {
    let home = Home::empty();
    let output = home.command(&["token", "microsoft"]).env_clear().output().unwrap();
    let said = Said::from(output);
    said.failed_with("config_invalid");
    assert!(said.stderr.contains("TOKENKEEP_HOME"), "{said:?}");
}

#[test]
fn nobody_has_logged_in() {
    let home = Home::ready();
    for arguments in [
        &["token", "microsoft"][..],
        &["get", "microsoft"],
        &["get", "microsoft", "--field", "status"],
        &["logout", "microsoft"],
        &["logout", "microsoft", "--all"],
        &["logout", "microsoft", "--forget-client"],
        &["export", "microsoft", "--format", "shell"],
    ] {
        let said = home.run(arguments);
        assert_eq!(said.code, exit_code("not_connected"), "{said:?}");
        assert!(said.stdout.is_empty() && said.stderr.contains("tokenkeep login microsoft"), "{said:?}");
    }
    let list = home.run(&["list"]);
    list.succeeded();
    assert!(list.stdout.is_empty() && list.stderr.contains("tokenkeep login"), "{list:?}");
    assert_eq!(home.run(&["list", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn bad_values_are_the_core_s_errors_and_bad_options_are_usage() {
    let home = Home::ready();
    for arguments in [
        &["token", "Microsoft"][..],
        &["token", "microsoft", "--connection", "a/b"],
        &["token", "microsoft", "--scopes", "a\"b"],
        &["login", "microsoft", "--client-id", "x", "--tenant", "../x"],
        &["login", "microsoft", "--client-id", "x", "--cloud", "mars"],
        &["login", "oidc", "--client-id", "x"],
        &["login", "oidc", "--client-id", "x", "--issuer", "http://login.example"],
        &["login", "microsoft", "--client-id", "x", "--redirect-uri", "https://example.com/"],
        &["client", "set", "microsoft", "--client-id", ""],
        &["providers", "show", "a b"],
    ] {
        home.run(arguments).failed_with("config_invalid");
    }
    for arguments in [
        &["token"][..],
        &["token", "a", "b"],
        &["nonsense"],
        &["token", "microsoft", "--nonsense"],
        &["login", "microsoft", "--flow", "implicit"],
        &["login", "microsoft", "--timeout", "0"],
        &["login", "microsoft", "--timeout", "86401"],
        &["login", "microsoft", "--timeout", "soon"],
        &["login", "microsoft", "--paste", "--no-browser"],
        &["login", "microsoft", "--browser", "x", "--paste"],
        &["login", "microsoft", "--client-secret", "x"],
        &["login"],
        &["token"],
        &["logout", "--all", "--resource", "https://mcp.example/mcp"],
        &["token", "microsoft", "--min-lifetime", "-1"],
        &["logout", "microsoft", "--all", "--connection", "x"],
        &["export", "microsoft"],
        &["init", "--key", "paper"],
        &["export", "microsoft", "--format", "xml"],
        &["get", "microsoft", "--field", "access_token"],
        &["client", "set", "microsoft"],
        &["completions", "cmd"],
        &["--home"],
    ] {
        home.run(arguments).failed_with("usage");
        let with_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        if arguments != ["export", "microsoft"] && arguments != ["--home"] {
            assert_eq!(home.run(&with_json).json_error()["code"], "usage", "{arguments:?}");
        }
    }
    let whose = home.run(&["login"]);
    assert!(whose.stderr.contains("<PROVIDER|--resource <URL>>"), "{whose:?}");
    let fields = home.run(&["get", "microsoft", "--field", "nonsense"]);
    assert!(fields.stderr.contains("home_account_id"), "{fields:?}");
}

#[test]
fn a_variable_that_is_not_of_its_form_is_named() {
    let home = Home::ready();
    for (name, value) in
        [("TOKENKEEP_LOG", "loud"), ("TOKENKEEP_KEY", "paper"), ("TOKENKEEP_INSECURE_LOOPBACK", "yes")]
    {
        let said = Said::from(home.command(&["list"]).env(name, value).output().unwrap());
        said.failed_with("config_invalid");
        assert!(said.stderr.contains(value), "{said:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let home = Home::ready();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = home.command(&["providers"]).stdout(Stdio::from(writer)).spawn().unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (141, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let home = Home::ready();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = home.command(&["providers"]).stdout(Stdio::from(full)).spawn().unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(said.code == 1 && said.stderr.starts_with("error: standard output"), "{said:?}");
}

#[cfg(unix)]
#[test]
fn nobody_listening_is_no_reason_to_fail() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::ready();
    // A folder that others may read is warned of: the log has the same nobody to talk to.
    fs::set_permissions(home.store(), fs::Permissions::from_mode(0o755)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = home.command(&["list"]).stderr(Stdio::from(writer)).spawn().unwrap();
    assert_eq!(Said::from(child.wait_with_output().unwrap()).code, 0);

    fs::set_permissions(home.store(), fs::Permissions::from_mode(0o755)).unwrap();
    let said = home.run(&["list"]);
    assert!(said.code == 0 && said.stderr.contains("WARN") && said.stderr.contains("store"), "{said:?}");
}

#[test]
fn the_doctor_finds_a_healthy_store_healthy_and_a_lost_key_lost() {
    let home = Home::ready();
    let said = home.run(&["doctor", "--json"]);
    said.succeeded();
    let report = said.json();
    assert_eq!((&report["key"], &report["key_source"]), (&"found".into(), &"file".into()));
    assert_eq!(report["problems"], serde_json::json!([]));
    let output = home
        .command(&["doctor"])
        .env("HTTPS_PROXY", "http://user:proxy-canary@proxy.example")
        .output()
        .unwrap();
    let said = Said::from(output);
    assert!(said.stdout.contains("HTTPS_PROXY") && !said.stdout.contains("canary"), "{said:?}");

    let before = home.everything_kept();
    fs::remove_file(home.store().join("vault.key")).unwrap();
    let said = home.run(&["doctor", "--json"]);
    assert_eq!(said.code, exit_code("store_locked"), "{said:?}");
    assert_eq!(said.json()["problems"][0]["code"], "store_locked");
    assert!(home.everything_kept().len() < before.len(), "and no new key is made");
}
