//! S5, S13: homes that are no place for a store, and homes with odd names that are.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_storage::{Mounted, Users};
use tokenkeep_test_support::{files_below, report, run};

/// A user who is nobody else.
const USER: u32 = 61_001;
const ANOTHER: u32 = 61_002;

#[test]
fn a_read_only_home_still_hands_out_tokens() {
    let stage = Stage::acme();
    let disk = Mounted::at(&stage.home.store(), "size=1m");
    stage.home.add_provider(&stage.acme_definition());
    stage.login(&[]).ok();
    let (token, records) = (stage.access_token(&[]), stage.records());
    disk.set_read_only(true);
    assert_eq!(stage.access_token(&[]), token);
    stage.home.run(["list"]).ok();
    let asked = stage.server.journal().entries().len();
    for arguments in [["token", "acme", "--force-refresh"], ["login", "acme", "--no-browser"]] {
        let run = stage.home.run(arguments.iter().chain(&["--json"]));
        let failure = fails(&run, "store_unavailable");
        let store = stage.home.store();
        assert!(failure.message().contains(store.to_str().unwrap()), "{failure:?}");
        assert!(
            failure.help().contains("read-only") && failure.help().contains("TOKENKEEP_HOME"),
            "{failure:?}"
        );
    }
    assert_eq!(stage.server.journal().entries().len(), asked, "nothing leaves that cannot be written down");
    assert_eq!(stage.records(), records);
    disk.set_read_only(false);
    stage.access_token(&["--force-refresh"]);
    report("S5", "read-only home: the token at hand is handed out, a refresh and a login are refused unsent");
}

#[test]
fn a_home_that_is_not_there_or_not_ones_own_is_refused() {
    let (stage, users) = (Stage::acme(), Users::new());
    let at = |home: &Path, arguments: &[&str]| {
        let mut command = users.command(USER, &stage, arguments);
        run(command.env("HOME", home), "")
    };
    users.home(ANOTHER);
    let open = users.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    let homes = [PathBuf::from("/nonexistent"), users.home(ANOTHER), open];
    for home in &homes {
        let before = files_below(users.path());
        for arguments in [&["init", "--json"][..], &["login", "microsoft", "--client-id", "x", "--json"]] {
            let run = at(home, arguments);
            let failure = fails(&run, "store_unavailable");
            assert!(failure.message().contains(home.to_str().unwrap()), "{failure:?}");
            assert!(failure.help().contains("TOKENKEEP_HOME"), "{failure:?}");
        }
        fails(&at(home, &["token", "microsoft", "--json"]), "not_connected");
        assert_eq!(files_below(users.path()), before, "nothing was made");
    }
    let none = users.command(USER, &stage, ["list", "--json"]);
    let mut none = tokenkeep_storage::around(&["env", "-u", "HOME"], &none);
    fails(&run(&mut none, ""), "config_invalid");
    report(
        "S5",
        format!("{:>6} homes that are not one's own refused by name, and no HOME at all", homes.len()),
    );
}

#[test]
fn an_odd_name_is_as_good_as_any() {
    let stage = Stage::acme();
    // 200 folders of 18 characters: as long a path as the kernel takes, with room for the names below.
    let long: PathBuf = (0..200).map(|number| format!("folder-{number:011}")).collect();
    let names: [OsString; 6] = [
        "with spaces and 'quotes' \"too\"".into(),
        "größe-家-🔑".into(),
        "-rf".into(),
        "new\nline".into(),
        OsString::from_vec(b"no text \xff\xfe".to_vec()),
        long.into_os_string(),
    ];
    let mut longest = 0;
    for name in &names {
        let home = stage.home.path().join("odd").join(name);
        longest = longest.max(home.as_os_str().len());
        let at = |arguments: &[&str]| {
            let mut command = stage.home.command(arguments);
            run(command.env("TOKENKEEP_HOME", &home), "")
        };
        // A file of the test, and of all that it does below: the definition, a key, a vault, a record, a lock.
        let definition = stage.home.path().join("provider.toml");
        at(&["providers", "add", definition.to_str().unwrap()]).ok();
        let browser = tokenkeep_behaviour::person::browser();
        at(&["login", "acme", "--browser", &browser]).ok();
        let token = at(&["token", "acme", "--force-refresh"]).ok().stdout;
        assert_eq!(stage.resource(token.trim_end()), 200);
        assert!(home.join("vault.json").is_file(), "{name:?}");
        let listed = at(&["list", "--json"]).ok().json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{name:?}");
        at(&["logout", "acme"]).ok();
    }
    let too_long = stage.home.path().join("odd").join("x".repeat(256));
    let run = run(stage.home.command(["init", "--json"]).env("TOKENKEEP_HOME", &too_long), "");
    let failure = fails(&run, "store_unavailable");
    assert!(failure.message().contains("xxxx"), "{failure:?}");
    report(
        "S13",
        format!("{:>6} odd paths, one of {} bytes, worked from login to logout", names.len(), longest),
    );
}

/// A file system that takes `A` for `a` is not to be had on every machine, so this proves what makes one
/// harmless: nothing that the store writes differs from anything else in case alone.
#[test]
fn no_two_files_differ_in_case_alone() {
    let stage = Stage::acme();
    let names = ["work", "Work", "WORK", "wORK"];
    for name in names {
        stage.login(&["--connection", name]).ok();
    }
    let tokens: Vec<String> = names.iter().map(|name| stage.access_token(&["--connection", name])).collect();
    let (mut files, mut folded) = (Vec::new(), Vec::new());
    for (path, _) in files_below(&stage.home.store()) {
        let path = path.strip_prefix(stage.home.store()).unwrap().to_str().unwrap().to_owned();
        folded.push(path.to_lowercase());
        files.push(path);
    }
    assert_eq!(files, folded, "every name is lower case already");
    files.sort();
    files.dedup();
    assert_eq!(files.len(), folded.len());
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), names.len());
    report(
        "S13",
        format!(
            "{:>6} file names of 4 connections named alike but for case: no two differ in case alone",
            files.len()
        ),
    );
}
