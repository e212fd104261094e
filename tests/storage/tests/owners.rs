//! S6, S14: a store that a run with sudo left behind, and two users of one machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use tokenkeep_behaviour::{Stage, UnderWay, fails, person};
use tokenkeep_storage::{Users, as_user};
use tokenkeep_test_support::{Running, files_below, report, run};

const ALICE: u32 = 61_001;
const BOB: u32 = 61_002;

/// A login of that user, opened by a person who sits elsewhere.
fn log_in(users: &Users, stage: &Stage, user: u32) {
    let pending = begin(users, stage, user);
    assert_eq!(person::visit(&pending.url).status, 200);
    pending.finish().ok();
}

fn begin(users: &Users, stage: &Stage, user: u32) -> UnderWay {
    add_provider(users, stage, user);
    let login = ["login", "acme", "--no-browser"];
    UnderWay::wait(Running::start(&mut users.command(user, stage, login)))
}

fn add_provider(users: &Users, stage: &Stage, user: u32) {
    let file = users.path().join("acme.toml");
    fs::write(&file, stage.acme_definition()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    run(&mut users.command(user, stage, ["providers", "add", file.to_str().unwrap()]), "").ok();
}

/// Who owns what is in the store.
fn owners(store: &Path) -> Vec<u32> {
    let mut owners: Vec<u32> =
        files_below(store).iter().map(|(path, _)| path.metadata().unwrap().uid()).collect();
    owners.sort();
    owners.dedup();
    owners
}

#[test]
fn what_a_run_with_sudo_left_is_told_with_the_command_that_mends_it() {
    let (stage, users) = (Stage::acme(), Users::new());
    // Root has Alice's HOME, as some set-ups of sudo leave it, and is the first to come.
    run(&mut users.with_sudo(ALICE, &stage, ["init"]), "").ok();
    let store = users.store(ALICE);
    assert_eq!(owners(&store), [0]);
    let asked = run(&mut users.command(ALICE, &stage, ["init", "--json"]), "");
    let failure = fails(&asked, "store_unavailable");
    let named = users.home(ALICE).join(".local");
    assert!(failure.message().contains(named.to_str().unwrap()), "{failure:?}");

    // Alice had a store before, and sudo came later: into one file, then all of them.
    fs::remove_dir_all(users.home(ALICE).join(".local")).unwrap();
    log_in(&users, &stage, ALICE);
    let token = || run(&mut users.command(ALICE, &stage, ["token", "acme", "--json"]), "");
    token().ok();
    let record = files_below(&store.join("records")).remove(0).0;
    let folder = store.join("records");
    for taken in [vec![record.clone()], vec![folder.clone()], vec![store.clone(), folder, record]] {
        for path in &taken {
            chown(path, Some(0), Some(0)).unwrap();
        }
        let failure = fails(&token(), "store_unavailable");
        assert!(failure.message().contains(taken[0].to_str().unwrap()), "{failure:?}");
        let fix = failure.help().split('`').nth(1).expect("the help has a command").to_owned();
        assert_eq!(fix, format!("sudo chown -R {ALICE}:{ALICE} {}", store.display()));
        // The very command, by whoever may give it.
        let fix = fix.strip_prefix("sudo ").unwrap();
        assert!(Command::new("sh").args(["-c", fix]).status().unwrap().success());
        assert_eq!(owners(&store), [ALICE]);
        token().ok();
    }

    // Root is stopped at Alice's store, before it leaves anything of its own there.
    let before = files_below(&store);
    let failure = fails(
        &run(&mut users.with_sudo(ALICE, &stage, ["token", "acme", "--force-refresh", "--json"]), ""),
        "store_unavailable",
    );
    assert!(failure.help().contains("without sudo"), "{failure:?}");
    assert_eq!(files_below(&store), before);
    report("S6", "3 states of a root-owned store told by file, each mended by the command of its message");
}

#[test]
fn two_users_of_a_machine_share_nothing() {
    let (stage, users) = (Stage::acme(), Users::new());
    // Both at once: each listens on a port of its own.
    let (alice, bob) = (begin(&users, &stage, ALICE), begin(&users, &stage, BOB));
    assert_ne!(alice.port(), bob.port());
    // The answer to one is no answer to the other: his listener has another state.
    let mut astray = person::redirected(&alice.url);
    astray.set_port(Some(bob.port())).unwrap();
    assert_ne!(person::get(&astray).status, 200);
    assert_eq!(person::visit(&bob.url).status, 200);
    bob.finish().ok();
    assert_eq!(person::visit(&alice.url).status, 200);
    alice.finish().ok();
    let token = |user| run(&mut users.command(user, &stage, ["token", "acme"]), "").ok().stdout;
    assert_ne!(token(ALICE), token(BOB));

    // Her home is open to look into, as Debian makes homes. Her store is not, neither to a look nor to us.
    let store = users.store(ALICE);
    let mut refused = 0;
    let mut paths: Vec<_> = files_below(&store).into_iter().map(|(path, _)| path).collect();
    paths.extend([store.clone(), store.join("records"), store.join("locks")]);
    let can = |user, look: &str, path: &Path| {
        let mut look = as_user(user, Command::new(look).arg(path).env("PATH", "/usr/bin:/bin"));
        run(&mut look, "").code == 0
    };
    for path in &paths {
        for look in ["cat", "ls", "touch"] {
            assert!(!can(BOB, look, path), "{look} {}", path.display());
            assert!(can(ALICE, look, path) || (look == "cat" && path.is_dir()), "{look} {}", path.display());
            refused += 1;
        }
    }
    for arguments in [&["token", "acme", "--json"][..], &["init", "--json"], &["login", "acme", "--json"]] {
        let mut command = users.command(BOB, &stage, arguments);
        let failure = fails(&run(command.env("TOKENKEEP_HOME", &store), ""), "store_unavailable");
        assert!(failure.message().contains(store.to_str().unwrap()), "{failure:?}");
        assert!(failure.help().contains("TOKENKEEP_HOME"), "{failure:?}");
        refused += 1;
    }
    assert_eq!(owners(&store), [ALICE]);
    report(
        "S14",
        format!("{refused:>6} of {refused} looks of another user refused; two logins at once, two ports"),
    );
}
