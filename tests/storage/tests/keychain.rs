//! S9, S10, S11: a keychain that is locked, silent, or has lost the key, and what is in it when all is well.

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_interop::SecretService;
use tokenkeep_test_support::{files_below, report, run};

/// What a keychain that does not answer may cost.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stage whose store has its key in `keyring`.
fn stage_with(bus: &str) -> Stage {
    let mut stage = Stage::acme();
    let home = std::mem::take(&mut stage.home).without("TOKENKEEP_KEY");
    stage.home = home.with("DBUS_SESSION_BUS_ADDRESS", bus);
    stage.home.add_provider(&stage.acme_definition());
    stage
}

/// Runs a program of the desktop on the keyring's bus.
#[track_caller]
fn on_bus(keyring: &SecretService, program: &str, arguments: &[&str], stdin: &str) {
    let mut command = Command::new(program);
    run(command.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", keyring.bus()), stdin).ok();
}

/// The commands that want the key of a store that is there; each must fail so within the limit.
#[track_caller]
fn all_refused(stage: &Stage, why: &str) -> usize {
    let before = files_below(stage.home.path());
    let commands: [&[&str]; 5] = [
        &["token", "acme", "--json"],
        &["token", "acme", "--force-refresh", "--json"],
        &["list", "--json"],
        &["login", "acme", "--no-browser", "--json"],
        &["init", "--json"],
    ];
    let asked = stage.server.journal().entries().len();
    for arguments in commands {
        let run = stage.home.run(arguments);
        let failure = fails(&run, "store_locked");
        assert!(failure.message().contains(why), "{failure:?}");
        assert!(run.took < PATIENCE, "{run:#?}");
    }
    assert_eq!(
        stage.server.journal().entries().len(),
        asked,
        "nobody logs in to a store that cannot be opened"
    );
    assert_eq!(files_below(stage.home.path()), before, "nothing is made, changed or put in plain text");
    commands.len()
}

#[test]
fn a_locked_keychain_is_told_and_nothing_takes_its_place() {
    let keyring = SecretService::start();
    let stage = stage_with(keyring.bus());
    stage.login(&[]).ok();
    let lock = "org.freedesktop.Secret.Service.Lock";
    let login = "array:objpath:/org/freedesktop/secrets/collection/login";
    let arguments = [
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        lock,
        login,
    ];
    on_bus(&keyring, "dbus-send", &arguments, "");
    let refused = all_refused(&stage, "the keychain is locked");
    report(
        "S9",
        format!(
            "{refused:>6} of {refused} commands with a locked keychain: store_locked, nothing in its place"
        ),
    );
}

/// libdbus has no limit of its own for a bus that takes the connection and says nothing.
#[test]
fn a_bus_that_hangs_costs_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let bus = UnixListener::bind(&path).unwrap();
    // Listens to all, answers nobody. It ends with the test's program.
    std::thread::spawn(move || {
        let mut taken = Vec::new();
        for connection in bus.incoming() {
            let Ok(mut connection) = connection else { return };
            let _ = connection.read(&mut [0; 64]);
            taken.push(connection);
        }
    });
    let stage = stage_with(&format!("unix:path={}", path.display()));
    let runs: Vec<_> = [&["init", "--json"][..], &["login", "acme", "--json"], &["doctor", "--json"]]
        .map(|arguments| stage.home.start(arguments))
        .into_iter()
        .map(tokenkeep_test_support::Running::finish)
        .collect();
    for run in &runs {
        assert!(run.took < PATIENCE, "{run:#?}");
    }
    for run in &runs[..2] {
        let failure = fails(run, "store_locked");
        // What asks twice is told at once that the first question is still open.
        let words = ["did not answer within", "has not answered an earlier question"];
        assert!(words.iter().any(|words| failure.message().contains(words)), "{failure:?}");
        assert!(failure.help().contains("`tokenkeep init --key file`"), "{failure:?}");
    }
    let slowest = runs.iter().map(|run| run.took).max().unwrap();
    assert!(!stage.home.store().join("vault.json").exists() && stage.server.journal().entries().is_empty());
    report("S9", format!("a D-Bus that hangs: given up after {slowest:.1?}, nothing made"));
}

#[test]
fn a_lost_key_destroys_nothing_and_its_return_mends_all() {
    let keyring = SecretService::start();
    let stage = stage_with(keyring.bus());
    stage.login(&[]).ok();
    let token = stage.access_token(&[]);
    let vault = std::fs::read_to_string(stage.home.store().join("vault.json")).unwrap();
    let vault: serde_json::Value = serde_json::from_str(&vault).unwrap();
    let id = vault["id"].as_str().unwrap();
    let key = keyring.secrets().remove(0);

    on_bus(&keyring, "secret-tool", &["clear", "service", "tokenkeep"], "");
    assert!(keyring.secrets().is_empty());
    let mut refused = all_refused(&stage, &format!("the keychain has no item tokenkeep/{id}"));
    assert!(keyring.secrets().is_empty(), "no new key hides the loss");
    let failure = fails(&stage.token(&["--json"]), "store_locked");
    assert!(failure.help().contains("the records are kept"), "{failure:?}");

    // Another key in its place, and no key at all.
    let put = |secret: &str| {
        let item = ["store", "--label=Tokenkeep", "service", "tokenkeep", "username", id];
        on_bus(&keyring, "secret-tool", &item, secret);
    };
    put("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    refused += all_refused(&stage, "does not fit vault.json");
    put("my password");
    refused += all_refused(&stage, "is not a key");

    put(&key);
    assert_eq!(stage.access_token(&[]), token);
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    report(
        "S10",
        format!(
            "{refused:>6} of {refused} commands refused while the key was gone or another; all works with it"
        ),
    );
}

#[test]
fn long_tokens_leave_the_keychain_as_small_as_it_was() {
    let keyring = SecretService::start();
    let stage = stage_with(keyring.bus());
    stage.home.run(["init"]).ok();
    let before = keyring.secrets();
    let long = json!({"type": "mutate", "set": {"access_token": "a".repeat(10_240), "refresh_token": "r".repeat(10_240)}});
    stage.at_redemption(1, &long);
    stage.login(&[]).ok();
    assert_eq!(stage.access_token(&[]), "a".repeat(10_240));
    // Whole, and sent as it is: the server knows no such token and says so.
    fails(&stage.token(&["--force-refresh", "--min-lifetime", "7200", "--json"]), "login_required");
    let secrets = keyring.secrets();
    assert_eq!(secrets, before);
    // Windows' Credential Manager takes 2,560 bytes.
    assert_eq!((secrets.len(), secrets[0].len()), (1, 44));
    report("S11", "10 kB access and refresh tokens kept; the keychain has one item of 44 bytes");
}
