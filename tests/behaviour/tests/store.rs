//! The store: damage, keys, and places that are no place for it.

use std::process::Command;
use std::time::Duration;

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::{files_below, program, run};

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

#[test]
fn read_only_or_odd_home() {
    let stage = Stage::acme();
    let path = |name: &str| stage.home.path().join(name).to_str().unwrap().to_owned();
    let at = |home: &str, arguments: &[&str]| {
        let mut command = stage.home.command(arguments);
        run(command.env("TOKENKEEP_HOME", home).env("TOKENKEEP_ACME_CLIENT_ID", "public"), "")
    };

    // Places where nobody, not even root, can make a folder; and none at all.
    std::fs::write(path("a file"), "mine").unwrap();
    let login =
        ["login", "oidc", "--issuer", &stage.server.issuer(), "--client-id", "public", "--no-browser"];
    for (home, token) in [
        (path("a file"), "store_unavailable"),
        (path("a file/below"), "store_unavailable"),
        // Nothing is there, and so no connection.
        ("/sys/kernel/tokenkeep".to_owned(), "not_connected"),
        ("/proc/tokenkeep".to_owned(), "not_connected"),
    ] {
        let run = at(&home, &["init", "--json"]);
        assert!(fails(&run, "store_unavailable").message().contains(&home), "{run:#?}");
        fails(&at(&home, &["token", "microsoft", "--json"]), token);
        // Nobody is asked for a grant that cannot be kept.
        let run = at(&home, &[&login[..], &["--json"]].concat());
        fails(&run, "store_unavailable");
        assert!(!run.stderr.contains("/authorize?"), "{run:#?}");
    }
    assert_eq!(std::fs::read_to_string(path("a file")).unwrap(), "mine");
    let mut homeless = stage.home.command(["list", "--json"]);
    fails(&run(homeless.env_remove("HOME").env_remove("TOKENKEEP_HOME"), ""), "config_invalid");

    // An odd name is as good as any.
    let odd = path("it's a \"home\" & größer, 家");
    at(&odd, &["init"]).ok();
    at(&odd, &["client", "set", "microsoft", "--client-id", "x"]).ok();
    at(&odd, &["client", "show", "microsoft"]).ok();

    // A record that is a link to somebody else's file is not followed.
    stage.login(&[]).ok();
    let (record, sealed) = stage.records().remove(0);
    std::fs::rename(&record, path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(path("elsewhere"), &record).unwrap();
    fails(&stage.token(&["--json"]), "store_unavailable");
    assert_eq!(std::fs::read(path("elsewhere")).unwrap(), sealed);
    std::fs::remove_file(&record).unwrap();
    std::fs::rename(path("elsewhere"), &record).unwrap();

    // A disk that takes not one more byte, for root as for everybody: nothing leaves that could not be
    // written down, and what is at hand is handed out.
    let full = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(program("tokenkeep"));
        command
            .args(arguments)
            .env("TOKENKEEP_HOME", stage.home.store())
            .env("TOKENKEEP_INSECURE_LOOPBACK", "1");
        run(&mut command, "")
    };
    let before = stage.records();
    fails(&full(&["token", "acme", "--force-refresh", "--json"]), "store_unavailable");
    assert!(stage.refreshes().is_empty());
    let token = full(&["token", "acme"]).ok().stdout;
    assert_eq!(stage.resource(token.trim_end()), 200);
    assert_eq!(stage.records(), before);
    stage.access_token(&["--force-refresh"]);
}
