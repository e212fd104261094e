//! S3: something else where a file of the store should be. Refused at once, told by its name, left as it is.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::report;

/// What nobody may be kept waiting for longer.
const AT_ONCE: Duration = Duration::from_secs(1);

type Make = fn(&Path);

/// What is put there, and whether it is told as a damaged file rather than as no file of the store.
const ODD: [(&str, Make, bool); 5] = [
    ("empty file", |path| file_of(path, 0), true),
    ("folder", |path| fs::create_dir(path).unwrap(), false),
    ("pipe", make_pipe, false),
    ("1 GB", |path| file_of(path, 1 << 30), false),
    ("link to /dev/zero", |path| symlink("/dev/zero", path).unwrap(), false),
];

fn file_of(path: &Path, length: u64) {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.set_len(length).unwrap();
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_is_no_file_of_the_store_is_refused_at_once() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let record = stage.records().remove(0).0;
    let lock = stage.home.store().join("locks").join(record.with_extension("lock").file_name().unwrap());
    assert!(lock.is_file(), "{}", lock.display());
    let token = stage.access_token(&[]);

    let (mut tried, mut slowest) = (0, Duration::ZERO);
    let files =
        [record, stage.home.store().join("vault.json"), stage.home.store().join("vault.key"), lock.clone()];
    for path in files {
        let kept = path.with_extension("kept");
        for (odd, make, damaged) in ODD {
            // A lock is an empty file, and nobody reads how long it is.
            if path == lock && ["empty file", "1 GB"].contains(&odd) {
                continue;
            }
            fs::rename(&path, &kept).unwrap();
            make(&path);
            let before = fs::symlink_metadata(&path).unwrap();
            // A lock is what a refresh wants; the rest is in the way of everything.
            let run = stage.token(if path == lock { &["--json", "--force-refresh"] } else { &["--json"] });
            let failure = fails(&run, if damaged { "store_corrupt" } else { "store_unavailable" });
            assert!(failure.message().contains(path.to_str().unwrap()), "{odd}: {failure:?}");
            assert!(run.took < AT_ONCE, "{odd}: {run:#?}");
            slowest = slowest.max(run.took);
            if path != lock {
                let run = stage.home.run(["list", "--json"]);
                assert!(run.code != 0 && run.took < AT_ONCE, "{odd}: {run:#?}");
            }
            let after = fs::symlink_metadata(&path).unwrap();
            assert_eq!((after.file_type(), after.len()), (before.file_type(), before.len()), "{odd}");
            if before.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
            fs::rename(&kept, &path).unwrap();
            tried += 1;
        }
    }
    assert_eq!(stage.access_token(&[]), token);
    assert!(stage.refreshes().is_empty());
    report(
        "S3",
        format!("{tried:>6} of {tried} odd files refused, the slowest after {} ms", slowest.as_millis()),
    );
}
