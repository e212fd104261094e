//! S7: nothing is open to others, not for an instant, whatever the umask.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokenkeep_behaviour::{Stage, fails, person};
use tokenkeep_storage::{around, strace};
use tokenkeep_test_support::{report, run};

/// Every call that makes something, or that could open it to others later.
const CALLS: &str = "trace=open,openat,?openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,\
                     chmod,fchmod,fchmodat,?fchmodat2";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Everything below, the folder itself included.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.extend(if path.is_dir() { all_below(&path) } else { vec![path] });
    }
    found
}

#[test]
fn nothing_is_open_to_others_for_an_instant() {
    let [mut folders, mut files, mut locks] = [0; 3];
    for umask in ["000", "022", "077"] {
        let stage = Stage::acme();
        // The definition that the stage added is out of the way: the store is made by what is watched.
        fs::remove_dir_all(stage.home.store()).unwrap();
        let definition = stage.home.path().join("provider.toml");
        let browser = person::browser();
        for arguments in [
            &["providers", "add", definition.to_str().unwrap()][..],
            &["login", "acme", "--browser", &browser],
            &["token", "acme", "--force-refresh"],
            &["client", "set", "acme", "--client-id", "another"],
            &["logout", "acme"],
            &["login", "acme", "--client-id", "public", "--browser", &browser],
        ] {
            let log = stage.home.path().join("strace.log");
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let masked = around(&["sh", "-c", &script], &stage.home.command(arguments));
            run(&mut strace(CALLS, &log, &masked), "").ok();
            for line in fs::read_to_string(&log).unwrap().lines() {
                // Only what is done in the store; a browser of the login is traced along.
                let Some(made) = Made::read(line, &stage.home.store()) else { continue };
                match made {
                    Made::Folder => folders += 1,
                    Made::File => files += 1,
                    Made::Lock => locks += 1,
                }
            }
        }
        for path in all_below(&stage.home.store()) {
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), wanted, "umask {umask}: {}", path.display());
        }
    }
    // Three umasks: the home and its four folders; of files more than there are writes.
    assert!(folders >= 15 && files >= 30 && locks >= 6, "{folders} {files} {locks}");
    report(
        "S7",
        format!(
            "{:>6} creations under 3 umasks, seen by strace: {folders} folders 0700, {files} files O_EXCL 0600, \
             {locks} lock files 0600; no chmod",
            folders + files + locks
        ),
    );
}

/// What a traced call made in the store.
enum Made {
    Folder,
    File,
    Lock,
}

impl Made {
    /// Judges one line of strace: `1234  openat(5, ".x.tmp", O_WRONLY|O_CREAT|O_EXCL|..., 0600) = 6`.
    fn read(line: &str, store: &Path) -> Option<Made> {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        let name = call.split('(').next().unwrap();
        let in_store = call.contains(store.to_str().unwrap())
            || call.contains(".tmp\"")
            || call.contains(".lock\"")
            || call.contains(".sealed\"");
        assert!(!name.contains("chmod"), "{line}");
        assert!(!name.contains("link") && !name.contains("mknod") && name != "creat", "{line}");
        match name {
            "mkdir" | "mkdirat" => {
                assert!(in_store && call.contains(", 0700)"), "{line}");
                Some(Made::Folder)
            }
            "open" | "openat" | "openat2" if call.contains("O_CREAT") => {
                assert!(in_store && call.contains(", 0600)"), "{line}");
                // Two that lock at once must get the same file; it is never written.
                if call.contains(".lock\"") {
                    assert!(call.contains("O_NOFOLLOW"), "{line}");
                    return Some(Made::Lock);
                }
                // Which goes through no link either.
                assert!(call.contains("O_EXCL"), "{line}");
                Some(Made::File)
            }
            _ => None,
        }
    }
}

#[test]
fn what_was_opened_to_others_is_closed_with_a_word_and_the_key_is_refused() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let store = stage.home.store();
    let mut mended = 0;
    for path in all_below(&store) {
        let name = path.strip_prefix(&store).unwrap().to_str().unwrap().to_owned();
        let sound = mode(&path);
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
        if name == "vault.key" {
            // Who could read it may have: that is not set right by closing it.
            let failure = fails(&stage.token(&["--json"]), "store_unavailable");
            assert!(
                failure.message().contains("vault.key") && failure.help().contains("chmod 600"),
                "{failure:?}"
            );
            set_mode(&path, sound);
            continue;
        }
        // A refresh goes by everything: the home, the folders, the record, the lock.
        let run = stage.token(&["--force-refresh"]).ok();
        if name.starts_with("providers") || name.ends_with("vault.lock") || name == "registrations" {
            continue;
        }
        assert_eq!(mode(&path), sound, "{name}");
        let warning = run.stderr.lines().find(|line| line.contains("was open to other users"));
        assert!(
            warning.is_some_and(|line| line.contains("WARN") && line.contains(path.to_str().unwrap())),
            "{run:#?}"
        );
        mended += 1;
    }
    assert!(mended >= 6, "{mended}");
    report(
        "S7",
        format!(
            "{mended:>6} files and folders opened to others: each closed again with a warning; vault.key refused"
        ),
    );
}
