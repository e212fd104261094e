//! A wait for a file's lock that can be given up, though the kernel's cannot.
//!
//! A thread asks the kernel and blocks; its caller waits for the thread, as long as it likes. A caller that gives
//! up leaves the thread behind, still blocked. The next caller of the same file takes that one over, so a holder
//! that is stuck for days costs one thread, and not one for each call that was made meanwhile.
//!
//! The race between the kernel's yes and the caller's leaving is decided under the waiter's mutex: either the
//! caller is there and gets the lock, or it has left and the thread frees the lock at once.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use super::{FileLock, uninterrupted};

/// The waiting thread makes one system call.
const STACK: usize = 128 * 1024;

/// The waiters that were left behind, by what they wait for.
static LEFT: Mutex<Table> = Mutex::new(None);

/// A file, in one process: a child that was forked has the table and not the threads.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Awaited {
    process: u32,
    file: FileId,
}

/// A thread that waits for the kernel, as its caller sees it.
pub(super) struct Waiter {
    awaited: Awaited,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// Somebody waits for the outcome.
    Wanted,
    /// Nobody does: what comes is freed.
    Left,
    /// The kernel has answered, and nobody has taken the answer yet.
    Answered(io::Result<FileLock>),
    /// The thread has ended.
    Over,
}

impl Waiter {
    /// A waiter for the lock of `file`, which is at `path`: one that was left behind, or a new one.
    pub(super) fn for_file(file: File, path: &Path) -> io::Result<Arc<Waiter>> {
        let awaited = Awaited { process: std::process::id(), file: identity(&file, path)? };
        if let Some(left) = take_over(&awaited) {
            return Ok(left);
        }
        let (state, changed) = (Mutex::new(State::Wanted), Condvar::new());
        let waiter = Arc::new(Waiter { awaited, state, changed });
        let its_thread = Arc::clone(&waiter);
        let thread = thread::Builder::new().name("tokenkeep-lock".to_owned()).stack_size(STACK);
        thread.spawn(move || {
            let outcome = uninterrupted(|| file.lock()).map(|()| FileLock::held(file));
            its_thread.answer(outcome);
        })?;
        Ok(waiter)
    }

    /// The lock; `None` when it did not come within `wait`.
    pub(super) fn wait(self: Arc<Self>, wait: Duration) -> Option<io::Result<FileLock>> {
        let not_yet = |state: &mut State| matches!(state, State::Wanted);
        let waited = self.changed.wait_timeout_while(self.state(), wait, not_yet);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Over) {
            State::Answered(outcome) => Some(outcome),
            _ => {
                *state = State::Left;
                drop(state);
                leave(self);
                None
            }
        }
    }

    /// What the kernel said, for whoever wants it.
    fn answer(self: Arc<Self>, outcome: io::Result<FileLock>) {
        let mut state = self.state();
        if matches!(*state, State::Wanted) {
            *state = State::Answered(outcome);
            self.changed.notify_one();
            return;
        }
        *state = State::Over;
        // The guard first: freeing a lock is a system call, and `take_over` may be waiting for the state.
        drop(state);
        drop(outcome);
        forget(&self);
    }

    /// The state is whole between any two lines that hold the guard, so a poisoned one is still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Table = Option<HashMap<Awaited, Vec<Arc<Waiter>>>>;

/// The table. Not waited for without end: a fork may have left it locked for ever, and to do without it costs
/// no more than a thread.
fn table() -> Option<MutexGuard<'static, Table>> {
    for _ in 0..1000 {
        match LEFT.try_lock() {
            Ok(table) => return Some(table),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
    None
}

/// A waiter that was left behind and still waits.
fn take_over(awaited: &Awaited) -> Option<Arc<Waiter>> {
    let mut table = table()?;
    let waiters = table.as_mut()?.get_mut(awaited)?;
    while let Some(waiter) = waiters.pop() {
        let mut state = waiter.state();
        if matches!(*state, State::Left) {
            *state = State::Wanted;
            drop(state);
            return Some(waiter);
        }
    }
    None
}

/// Puts a waiter where the next caller finds it.
fn leave(waiter: Arc<Waiter>) {
    if let Some(mut table) = table() {
        table.get_or_insert_default().entry(waiter.awaited.clone()).or_default().push(waiter);
    }
}

/// Takes a waiter whose thread has ended off the table.
fn forget(over: &Arc<Waiter>) {
    if let Some(mut table) = table()
        && let Some(table) = table.as_mut()
        && let Some(waiters) = table.get_mut(&over.awaited)
    {
        waiters.retain(|waiter| !Arc::ptr_eq(waiter, over));
        if waiters.is_empty() {
            table.remove(&over.awaited);
        }
    }
}

/// Names a file whatever becomes of its path: device and inode.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(unix)]
fn identity(file: &File, _path: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere a file that is open keeps its path.
#[cfg(not(unix))]
type FileId = std::path::PathBuf;
#[cfg(not(unix))]
fn identity(_file: &File, path: &Path) -> io::Result<FileId> {
    Ok(path.to_owned())
}
