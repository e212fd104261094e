//! What a private folder refuses on Windows, and what it waits for: files that somebody else has open.

use std::os::windows::fs::OpenOptionsExt;
use std::time::Instant;

use super::*;

/// Opens the file as a program does that shares it with nobody.
fn hold(path: &Path) -> File {
    fs::OpenOptions::new().read(true).write(true).share_mode(0).open(path).unwrap()
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let (_folder, dir) = home();
    let path = dir.path_of("a");
    type Make<'a> = &'a dyn Fn();
    let cases: [(&str, Make<'_>); 2] = [
        ("folder", &|| fs::create_dir(&path).unwrap()),
        ("huge", &|| fs::File::create(&path).unwrap().set_len(2 * MAX_FILE).unwrap()),
    ];
    for (name, make) in cases {
        make();
        let read = dir.read("a").unwrap_err();
        assert_eq!(read.code(), "store_unavailable", "{name}");
        assert!(read.message().contains(path.to_str().unwrap()), "{name}: {read}");
        if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
    }
}

#[test]
fn a_home_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(PrivateDir::open(&file, Folder::Home).err().unwrap().code(), "store_unavailable");
    assert_eq!(PrivateDir::create(&file, Folder::Records).err().unwrap().code(), "store_unavailable");
}

/// NTFS replaces the file at once and leaves the reader what it had; other systems of files have the writer wait
/// for the reader.
#[test]
fn a_file_is_replaced_under_its_reader() {
    let (_folder, dir) = home();
    dir.write("a", b"old").unwrap();
    let mut reader = fs::File::open(dir.path_of("a")).unwrap();
    std::thread::scope(|scope| {
        let read = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        dir.write("a", b"new").unwrap();
        assert_eq!(read.join().unwrap().unwrap(), "old");
    });
    assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), b"new");
    assert_eq!(dir.names().unwrap(), ["a"]);
}

#[test]
fn a_file_that_somebody_keeps_for_moments_is_waited_for() {
    type Call<'a> = &'a dyn Fn(&PrivateDir);
    let calls: [Call<'_>; 3] =
        [&|dir| dir.write("a", b"new").unwrap(), &|dir| drop(dir.read("a").unwrap().unwrap()), &|dir| {
            assert!(dir.remove("a").unwrap())
        }];
    for call in calls {
        let (_folder, dir) = home();
        dir.write("a", b"old").unwrap();
        let held = hold(&dir.path_of("a"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                drop(held);
            });
            call(&dir);
        });
    }
}

#[test]
fn a_file_that_somebody_keeps_is_an_error_in_a_second() {
    let (_folder, dir) = home();
    dir.write("a", b"old").unwrap();
    let held = hold(&dir.path_of("a"));
    let begun = Instant::now();
    for error in [dir.write("a", b"new").unwrap_err(), dir.read("a").unwrap_err()] {
        assert_eq!(error.code(), "store_unavailable");
        assert!(error.message().contains(dir.path_of("a").to_str().unwrap()), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    drop(held);
    assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), b"old");
    assert_eq!(dir.names().unwrap(), ["a"]);
}
