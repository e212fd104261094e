//! What a private folder takes. What it refuses is in the file of each system.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs;

use super::*;

fn home() -> (tempfile::TempDir, PrivateDir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = PrivateDir::create(&folder.path().join("home"), Folder::Home).unwrap();
    (folder, dir)
}

#[test]
fn a_write_replaces_all_and_leaves_nothing_beside() {
    let (_folder, dir) = home();
    assert!(dir.read("a").unwrap().is_none());
    for text in ["long text", "short", ""] {
        dir.write("a", text.as_bytes()).unwrap();
        assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), text.as_bytes());
    }
    assert_eq!(dir.names().unwrap(), ["a"]);
    assert!(dir.remove("a").unwrap());
    assert!(!dir.remove("a").unwrap());
}

/// Root gives a folder away; anybody else is refused the root folder.
#[test]
fn a_trial_write_leaves_nothing() {
    let (_folder, dir) = home();
    dir.check_writable().unwrap();
    assert!(dir.names().unwrap().is_empty());
    fs::remove_dir(&dir.place.path).unwrap();
    assert_eq!(dir.check_writable().unwrap_err().code(), "store_unavailable");
}

#[test]
fn leftovers_are_removed_when_no_writer_can_be_behind_them() {
    let (_folder, dir) = home();
    let old = SystemTime::now() - LEFTOVER_AGE - Duration::from_secs(5);
    for (name, aged) in [(".a.1.tmp", true), (".a.2.tmp", false), ("b", true), (".c", true)] {
        let file = fs::File::create(dir.path_of(name)).unwrap();
        if aged {
            file.set_modified(old).unwrap();
        }
    }
    // Not one of 5,000 writes looking has a chance of one in 10^34.
    let mut writes = 0;
    while dir.names().unwrap().contains(&".a.1.tmp".to_owned()) && writes < 5000 {
        dir.write("a", b"text").unwrap();
        writes += 1;
    }
    let mut names = dir.names().unwrap();
    names.sort();
    assert_eq!(names, [".a.2.tmp", ".c", "a", "b"], "after {writes} writes");
}

#[test]
fn what_is_kept_aside_is_never_overwritten() {
    let (_folder, dir) = home();
    let mut kept = Vec::new();
    for text in ["one", "two", "three"] {
        dir.write("a", text.as_bytes()).unwrap();
        kept.push((dir.keep_aside("a").unwrap(), text));
    }
    assert!(dir.read("a").unwrap().is_none());
    for (path, text) in kept {
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with("a.corrupt-"));
    }
}

#[test]
fn a_command_can_be_pasted() {
    assert_eq!(quoted(Path::new("/home/me/.local/share")), "/home/me/.local/share");
    assert_eq!(quoted(Path::new("/home/it's me")), r"'/home/it'\''s me'");
}
