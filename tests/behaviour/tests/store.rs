//! The store: damage and keys.

use std::time::Duration;

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::files_below;

#[test]
fn damaged_record_is_reported_and_others_go_on() {
    let stage = Stage::acme();
    stage.login(&["--connection", "good"]).ok();
    let good = stage.records();
    stage.login(&["--connection", "bad"]).ok();
    let (path, sealed) = stage.records().into_iter().find(|file| !good.contains(file)).unwrap();

    let half = &sealed[..sealed.len() / 2];
    let mut flipped = sealed.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damage in [half, &[], &flipped, &good[0].1] {
        std::fs::write(&path, damage).unwrap();
        let failure = fails(&stage.token(&["--json", "--connection", "bad"]), "store_corrupt");
        assert!(failure.message().contains(path.to_str().unwrap()), "{failure:?}");
        assert_eq!(std::fs::read(&path).unwrap(), damage, "reading alters nothing");
        stage.access_token(&["--connection", "good", "--force-refresh"]);
    }
    let run = stage.home.run(["list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.error_code().as_str(), run.code), ("store_corrupt", 27));
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["connection"]), (1, &"good".into()));
    fails_doctor(&stage);

    // A login replaces the connection; what was damaged is kept aside as it is.
    let damaged = std::fs::read(&path).unwrap();
    stage.login(&["--connection", "bad"]).ok();
    let aside: Vec<_> = stage.records().into_iter().filter(|(path, _)| is_aside(path)).collect();
    assert_eq!((aside.len(), &aside[0].1), (1, &damaged));
    assert_eq!(stage.resource(&stage.access_token(&["--connection", "bad"])), 200);
    let listed = stage.home.run(["list", "--json"]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 2);

    // So does a logout.
    std::fs::write(&path, b"damaged again").unwrap();
    stage.home.run(["logout", "acme", "--connection", "bad"]).ok();
    assert_eq!(stage.records().iter().filter(|(path, _)| is_aside(path)).count(), 2);
    fails(&stage.token(&["--json", "--connection", "bad"]), "not_connected");
}

fn is_aside(path: &std::path::Path) -> bool {
    path.to_str().unwrap().contains(".sealed.corrupt-")
}

#[track_caller]
fn fails_doctor(stage: &Stage) {
    let run = stage.home.run(["doctor", "--json"]);
    let seen: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &seen["problems"][0]["code"]), (27, &"store_corrupt".into()));
}

// The other systems have a keychain wherever somebody is logged in.
#[cfg(target_os = "linux")]
#[test]
fn headless_without_a_key_choice() {
    let mut stage = Stage::acme();
    let home = std::mem::take(&mut stage.home).without("TOKENKEEP_KEY");
    stage.home = home.with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let before = files_below(&stage.home.store());
    let run = stage.login(&["--json"]);
    let failure = fails(&run, "store_locked");
    for choice in ["`tokenkeep init --key file`", "`tokenkeep init --key passphrase`", "TOKENKEEP_KEY"] {
        assert!(failure.help().contains(choice), "{choice}: {failure:?}");
    }
    assert!(run.took < Duration::from_secs(5), "{run:#?}");
    assert!(stage.server.journal().entries().is_empty(), "nobody logs in for nothing");
    assert_eq!(files_below(&stage.home.store()), before, "nothing is made until somebody chose");

    // The very command of the hint.
    let run = stage.home.run(["init", "--key", "file"]).ok();
    assert!(run.stderr.contains("WARNING"), "{run:#?}");
    stage.login(&[]).ok();
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
}

#[test]
fn passphrase_store() {
    let mut stage = Stage::acme();
    let passphrase = "correct horse; \"battery\" staple";
    let home = std::mem::take(&mut stage.home).with("TOKENKEEP_KEY", "passphrase");
    stage.home = home;
    fails(&stage.login(&["--json"]), "store_locked");
    stage.home = std::mem::take(&mut stage.home).with("TOKENKEEP_PASSPHRASE", passphrase);
    stage.login(&[]).ok();
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
    for (path, content) in files_below(&stage.home.store()) {
        assert!(!content.windows(7).any(|part| part == b"correct"), "{}", path.display());
    }

    let before = stage.records();
    stage.home = std::mem::take(&mut stage.home).with("TOKENKEEP_PASSPHRASE", "another one");
    let run = stage.token(&["--json"]);
    assert!(fails(&run, "store_locked").message().contains("wrong"), "{run:#?}");
    assert!(run.took >= Duration::from_millis(100), "a guess has its price");
    stage.home = std::mem::take(&mut stage.home).without("TOKENKEEP_PASSPHRASE");
    let failure = fails(&stage.token(&["--json"]), "store_locked");
    assert!(failure.help().contains("TOKENKEEP_PASSPHRASE"), "{failure:?}");
    // The choice was made once: another one is not fallen back to.
    stage.home = std::mem::take(&mut stage.home).with("TOKENKEEP_KEY", "file");
    fails(&stage.token(&["--json"]), "config_invalid");
    assert_eq!(stage.records(), before);
}
