//! The lock between opens of one process, and between processes.

use std::fs::OpenOptions;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use super::*;
use crate::store::tests::{again, hear, role, say};

const SOON: Duration = Duration::from_secs(5);

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

fn acquire(path: &Path, wait: Duration) -> Option<FileLock> {
    FileLock::acquire(open(path), path, wait).unwrap()
}

#[test]
fn two_opens_of_one_process_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let held = acquire(&path, Duration::ZERO).unwrap();
    assert!(acquire(&path, Duration::ZERO).is_none());
    drop(held);
    assert!(acquire(&path, Duration::ZERO).is_some());
}

/// The one who gave up is, in the kernel's eyes, still waiting: when its turn comes it must let go.
#[test]
fn who_gave_up_does_not_get_the_lock_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let held = acquire(&path, Duration::ZERO).unwrap();
    for _ in 0..3 {
        assert!(acquire(&path, Duration::from_millis(20)).is_none());
    }
    drop(held);
    // Time for its turn: who asked at once would come before it.
    thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    let held = acquire(&path, SOON).unwrap();
    assert!(started.elapsed() < SOON);
    assert!(acquire(&path, Duration::ZERO).is_none());
    drop(held);
}

/// A holder that is stuck costs one thread, however often others have asked.
#[cfg(target_os = "linux")]
#[test]
fn who_gave_up_leaves_one_thread_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    // Other tests of this program wait too: those that wait for this file are told by its name in /proc.
    let waiting = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).unwrap()));
        locks.lines().filter(|line| line.contains("->") && line.contains(&inode)).count()
    };
    let held = acquire(&path, Duration::ZERO).unwrap();
    for _ in 0..20 {
        assert!(acquire(&path, Duration::from_millis(5)).is_none());
    }
    assert_eq!(waiting(), 1);
    // Two at once are two, and stay two.
    for _ in 0..5 {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert!(acquire(&path, Duration::from_millis(50)).is_none()));
            }
        });
    }
    assert_eq!(waiting(), 2);
    // The one that was left behind serves the next caller.
    let next = thread::scope(|scope| {
        let next = scope.spawn(|| acquire(&path, SOON));
        thread::sleep(Duration::from_millis(50));
        assert_eq!(waiting(), 2);
        drop(held);
        next.join().unwrap()
    });
    assert!(next.is_some());
    assert!(acquire(&path, Duration::ZERO).is_none());
    drop(next);
    assert!(acquire(&path, SOON).is_some());
}

/// What a fork leaves behind: a second descriptor of the same open file.
#[cfg(unix)]
#[test]
fn a_lock_is_freed_though_a_copy_of_its_file_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let file = open(&path);
    let copy = file.try_clone().unwrap();
    let held = FileLock::acquire(file, &path, Duration::ZERO).unwrap().unwrap();
    drop(held);
    assert!(acquire(&path, Duration::ZERO).is_some());
    drop(copy);
}

#[cfg(unix)]
#[test]
fn a_forked_copy_frees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let file = open(&path);
    let copy = file.try_clone().unwrap();
    let held = FileLock::acquire(file, &path, Duration::ZERO).unwrap().unwrap();
    drop(FileLock { file: copy, process: held.process + 1 });
    assert!(acquire(&path, Duration::ZERO).is_none());
}

#[test]
fn a_killed_holder_frees_the_lock() {
    if let Some((_, path)) = role() {
        let _held = acquire(&path, Duration::ZERO).unwrap();
        say("locked");
        loop {
            thread::park();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let mut holder = again(module_path!(), "a_killed_holder_frees_the_lock", "hold", &path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    hear(&mut holder, "locked");
    assert!(acquire(&path, Duration::from_millis(50)).is_none(), "the child holds it");
    let waiter = {
        let path = path.clone();
        thread::spawn(move || (acquire(&path, Duration::from_secs(60)).is_some(), Instant::now()))
    };
    thread::sleep(Duration::from_millis(50));
    let killed = Instant::now();
    holder.kill().unwrap();
    let (locked, when) = waiter.join().unwrap();
    holder.wait().unwrap();
    assert!(locked);
    assert!(when.duration_since(killed) < Duration::from_secs(1), "{:?}", when.duration_since(killed));
}

#[test]
fn a_signal_does_not_end_a_wait() {
    let mut calls = 0;
    let outcome = uninterrupted(|| {
        calls += 1;
        if calls < 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(calls) }
    });
    assert_eq!(outcome.unwrap(), 3);
    assert!(uninterrupted(|| Err::<(), _>(io::ErrorKind::Unsupported.into())).is_err());
}

#[test]
fn a_file_system_without_locks_is_named() {
    let error = unsupported(Path::new("/net/x.lock"), &io::ErrorKind::Unsupported.into());
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.message().contains("/net/x.lock") && error.help().contains("TOKENKEEP_HOME"));
}

#[test]
fn a_lock_shows_its_connection_and_can_be_sent() {
    fn assert_send<T: Send + Sync>(_: &T) {}
    let lock = StoreLock::new(crate::store::tests::connection_key("github/work"), ());
    assert_send(&lock);
    assert_eq!(format!("{lock:?}"), "StoreLock(github/work)");
}
