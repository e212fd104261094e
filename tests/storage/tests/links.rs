//! S8: somebody else's hand in the folder: links, second names, folders that others may write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use tokenkeep_behaviour::{Failure, Stage, fails};
use tokenkeep_storage::Users;
use tokenkeep_test_support::{report, run};

const VICTIM: u32 = 61_001;
const ATTACKER: u32 = 61_002;

/// Puts a link, or a second name, in the place of `path`, which leads to `target`.
type Attack = fn(target: &Path, path: &Path);

const ATTACKS: [(&str, Attack); 2] = [
    ("symbolic link", |target, path| symlink(target, path).unwrap()),
    ("second name", |target, path| fs::hard_link(target, path).unwrap()),
];

#[test]
fn links_and_second_names_are_refused_wherever_they_are() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let store = stage.home.store();
    let record = stage.records().remove(0).0;
    let lock = store.join("locks").join(record.with_extension("lock").file_name().unwrap());
    let mut refused = 0;
    for path in [record, lock, store.join("vault.json"), store.join("vault.key")] {
        let (kept, target) = (path.with_extension("kept"), stage.home.path().join("target"));
        fs::rename(&path, &kept).unwrap();
        for (name, attack) in ATTACKS {
            // What is behind it is as good as what was there: only how it got there is wrong.
            fs::copy(&kept, &target).unwrap();
            attack(&target, &path);
            let before = fs::read(&target).unwrap();
            let failure = fails(&stage.token(&["--force-refresh", "--json"]), "store_unavailable");
            tells(&failure, name, &path);
            assert_eq!(fs::read(&target).unwrap(), before, "{name}");
            fs::remove_file(&path).unwrap();
            fs::remove_file(&target).unwrap();
            refused += 1;
        }
        // A link that leads nowhere is not a file that may be made.
        symlink(&target, &path).unwrap();
        let failure = fails(&stage.token(&["--force-refresh", "--json"]), "store_unavailable");
        tells(&failure, "dangling link", &path);
        assert!(!target.exists());
        fs::rename(&kept, &path).unwrap();
        refused += 1;
    }
    // So is a folder of the store that is elsewhere, and the whole store.
    for folder in [store.join("records"), store.join("locks"), store.clone()] {
        let elsewhere = stage.home.path().join("elsewhere");
        fs::rename(&folder, &elsewhere).unwrap();
        symlink(&elsewhere, &folder).unwrap();
        let failure = fails(&stage.token(&["--force-refresh", "--json"]), "store_unavailable");
        tells(&failure, "linked folder", &folder);
        fs::remove_file(&folder).unwrap();
        fs::rename(&elsewhere, &folder).unwrap();
        refused += 1;
    }
    assert!(stage.refreshes().is_empty(), "no grant was sent anywhere meanwhile");
    stage.access_token(&["--force-refresh"]);
    report(
        "S8",
        format!("{refused:>6} of {refused} links and second names refused by name, with what to do"),
    );
}

#[track_caller]
fn tells(failure: &Failure, attack: &str, path: &Path) {
    assert!(failure.message().contains(path.to_str().unwrap()), "{attack}: {failure:?}");
    let help = failure.help();
    let words = ["symbolic link", "mv ", "rm "];
    assert!(words.iter().any(|word| help.contains(word)), "{attack}: {failure:?}");
}

/// `/tmp` and its like: anybody may make a folder where the victim will look for one.
#[test]
fn a_folder_of_somebody_else_is_no_home() {
    let (stage, users) = (Stage::acme(), Users::new());
    let shared = users.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
    let make = |name: &str, owner: u32, mode: u32| -> PathBuf {
        let folder = shared.join(name);
        fs::create_dir(&folder).unwrap();
        chown(&folder, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        folder
    };
    let link = shared.join("link");
    symlink(users.home(ATTACKER), &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(ATTACKER), Some(ATTACKER)).unwrap();
    let homes = [
        make("open", ATTACKER, 0o777),
        make("sticky", ATTACKER, 0o1777),
        make("closed", ATTACKER, 0o700),
        link,
        // The shared folder itself, and one of the victim's own that others may write and have written to.
        shared.clone(),
        make("own", VICTIM, 0o777),
    ];
    fs::write(homes[5].join("letter"), "from somebody").unwrap();
    for home in &homes {
        let before = names(home);
        for arguments in [["init", "--json"], ["login", "--json"]] {
            let login = ["login", "microsoft", "--client-id", "x", "--json"];
            let arguments = if arguments[0] == "login" { &login[..] } else { &arguments[..] };
            let mut command = users.command(VICTIM, &stage, arguments);
            let run = run(command.env("TOKENKEEP_HOME", home), "");
            let failure = fails(&run, "store_unavailable");
            assert!(failure.message().contains(home.to_str().unwrap()), "{failure:?}");
        }
        assert_eq!(names(home), before, "nothing of the victim's is there: {}", home.display());
    }
    // A folder of the victim's own in the sticky one is as private as any.
    let mut command = users.command(VICTIM, &stage, ["init"]);
    run(command.env("TOKENKEEP_HOME", shared.join("mine")), "").ok();
    report("S8", format!("{:>6} folders that others own or may write refused as a home", homes.len()));
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}
