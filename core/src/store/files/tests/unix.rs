//! What a private folder refuses on Unix: modes, owners, links and odd files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Instant;

use super::*;
use crate::store::tests::{again, role};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    if let Some((umask, place)) = role() {
        let bits = rustix::fs::RawMode::from_str_radix(&umask, 8).unwrap();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(bits));
        let home = place.join(format!("made/here/{umask}"));
        let dir = PrivateDir::create(&home, Folder::Records).unwrap();
        dir.write("record", b"text").unwrap();
        dir.lock_file("lock").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for umask in ["000", "022", "077"] {
        let child = again(module_path!(), "modes_do_not_depend_on_the_umask", umask, folder.path()).status();
        assert!(child.unwrap().success());
        let home = folder.path().join("made/here").join(umask);
        for made in [home.parent().unwrap(), &home, &home.join("records")] {
            assert_eq!(mode(made), 0o700, "{umask} {made:?}");
        }
        for made in ["records/record", "records/lock"] {
            assert_eq!(mode(&home.join(made)), 0o600, "{umask} {made}");
        }
    }
}

#[test]
fn what_is_no_plain_file_of_ours_is_refused_at_once() {
    let (folder, dir) = home();
    let path = dir.path_of("a");
    let target = folder.path().join("target");
    fs::write(&target, "elsewhere").unwrap();
    type Make<'a> = &'a dyn Fn();
    let cases: [(&str, Make<'_>); 6] = [
        ("symbolic link", &|| symlink(&target, &path).unwrap()),
        ("symbolic link to a device", &|| symlink("/dev/zero", &path).unwrap()),
        ("pipe", &|| {
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }),
        ("folder", &|| fs::create_dir(&path).unwrap()),
        ("huge", &|| fs::File::create(&path).unwrap().set_len(1 << 30).unwrap()),
        ("second name", &|| fs::hard_link(&target, &path).unwrap()),
    ];
    for (name, make) in cases {
        make();
        let started = Instant::now();
        let read = dir.read("a").unwrap_err();
        assert_eq!(read.code(), "store_unavailable", "{name}");
        assert!(read.message().contains(path.to_str().unwrap()), "{name}: {read}");
        assert!(read.help().contains("mv ") || read.help().contains("rm "), "{name}: {}", read.help());
        if name != "huge" {
            assert_eq!(dir.lock_file("a").unwrap_err().code(), "store_unavailable", "{name}");
        }
        assert!(started.elapsed() < Duration::from_secs(1), "{name}");
        if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "elsewhere");
}

#[test]
fn a_write_never_goes_through_a_link() {
    let (folder, dir) = home();
    let target = folder.path().join("target");
    fs::write(&target, "elsewhere").unwrap();
    symlink(&target, dir.path_of("a")).unwrap();
    dir.write("a", b"here").unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "elsewhere");
    assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), b"here");
}

#[test]
fn a_home_that_is_a_link_or_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (link, file) = (folder.path().join("link"), folder.path().join("file"));
    symlink(folder.path(), &link).unwrap();
    fs::write(&file, "").unwrap();
    for home in [&link, &file] {
        for error in
            [PrivateDir::open(home, Folder::Home).err(), PrivateDir::create(home, Folder::Records).err()]
        {
            let error = error.unwrap();
            assert_eq!(error.code(), "store_unavailable");
            assert!(error.message().contains(home.to_str().unwrap()), "{error}");
        }
    }
    assert!(PrivateDir::open(&link, Folder::Home).err().unwrap().help().contains("symbolic link"));
    // a link above the home is the user's affair
    PrivateDir::create(&link.join("home"), Folder::Home).unwrap();
}

#[test]
fn what_is_open_to_others_is_closed() {
    let (_folder, dir) = home();
    let home = &dir.place.path;
    let open_again = || PrivateDir::open(home, Folder::Home);
    set_mode(home, 0o755);
    open_again().unwrap();
    assert_eq!(mode(home), 0o700, "an empty folder is to become a store");
    fs::create_dir(home.join("providers")).unwrap();
    set_mode(home, 0o755);
    open_again().unwrap();
    assert_eq!(mode(home), 0o700, "nothing but ours is in it");
    dir.write("vault.json", b"text").unwrap();
    set_mode(&dir.path_of("vault.json"), 0o644);
    set_mode(home, 0o755);
    assert_eq!(open_again().unwrap().unwrap().read("vault.json").unwrap().unwrap().as_slice(), b"text");
    assert_eq!((mode(home), mode(&dir.path_of("vault.json"))), (0o700, 0o600));
}

#[test]
fn somebodys_whole_home_is_not_closed_to_others() {
    let (_folder, dir) = home();
    let home = &dir.place.path;
    dir.write("letter", b"text").unwrap();
    set_mode(home, 0o755);
    let error = PrivateDir::create(home, Folder::Records).err().unwrap();
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.message().contains("holds other things") && error.help().contains("TOKENKEEP_HOME"));
    assert_eq!(mode(home), 0o755);
    assert_eq!(dir.names().unwrap(), ["letter"]);
}

#[test]
fn another_users_folder_is_refused() {
    let (_folder, dir) = home();
    let (home, help) = if rustix::process::geteuid().is_root() {
        dir.write("a", b"text").unwrap();
        std::os::unix::fs::chown(dir.path_of("a"), Some(12345), None).unwrap();
        let error = dir.read("a").unwrap_err();
        assert!(error.message().contains("belongs to user 12345"), "{error}");
        std::os::unix::fs::chown(&dir.place.path, Some(12345), None).unwrap();
        (dir.place.path.as_path(), "without sudo")
    } else {
        // A command that takes it would take the whole machine.
        (Path::new("/"), "a folder of your own")
    };
    let error = PrivateDir::open(home, Folder::Home).err().unwrap();
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.message().contains("belongs to user"), "{error}");
    assert!(error.help().contains(help), "{}", error.help());
}

#[test]
fn a_failure_says_what_to_do() {
    let (_folder, dir) = home();
    let failed = |kind: io::ErrorKind| dir.place_of("a").failed("cannot be written", &kind.into());
    assert!(failed(io::ErrorKind::ReadOnlyFilesystem).help().contains("TOKENKEEP_HOME"));
    assert!(failed(io::ErrorKind::StorageFull).help().contains("disk is full"));
    assert!(failed(io::ErrorKind::PermissionDenied).help().contains("TOKENKEEP_HOME"));
    dir.write("a", b"text").unwrap();
    assert!(failed(io::ErrorKind::PermissionDenied).help().contains("chmod -R u+rwX"));
    assert_eq!(failed(io::ErrorKind::Other).help(), "`tokenkeep doctor` says which file and why");
}
