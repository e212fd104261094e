//! The lock: who may write a connection.
//!
//! A [`StoreLock`] is proof that its holder is alone: `TokenStore::put` asks for it, so that a write
//! without the lock does not compile. Between processes the lock is the operating system's, on a file
//! of its own per connection. It has no owner's number to go stale: when a process dies, however it
//! dies, the kernel frees its locks.
//!
//! A lock file is never removed: a process that had opened it before would lock a file without a
//! name, the next one a new file, and both would be alone.
//!
//! May not enter: what the lock protects, and how long anybody should wait. How the wait is done is in
//! `lock/waiter.rs`.

mod waiter;

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use waiter::Waiter;

use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, RegistrationKey};

/// Proof that its holder alone may write one connection. Dropping it frees the connection.
///
/// One type for every store, so that `TokenStore` can be a trait object: what is held (a locked file,
/// a place in a table) is the store's affair, and only its `drop` counts.
pub struct StoreLock<K = ConnectionKey> {
    key: K,
    _held: Box<dyn Send + Sync>,
}

/// The same of a client registration.
pub type RegistrationLock = StoreLock<RegistrationKey>;

impl<K: PartialEq + fmt::Display> StoreLock<K> {
    /// The lock of `key`, held as long as `held` lives. For those who write a store of their own.
    pub fn new(key: K, held: impl Send + Sync + 'static) -> Self {
        StoreLock { key, _held: Box::new(held) }
    }

    /// What is locked.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Refuses to let one connection's lock stand for another's.
    pub(crate) fn check(&self, key: &K) -> Result<()> {
        if self.key == *key {
            return Ok(());
        }
        let message = format!("{key} was to be written under the lock of {}", self.key);
        Err(Error::new(ErrorKind::Internal, message))
    }
}

impl<K: fmt::Display> fmt::Debug for StoreLock<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreLock({})", self.key)
    }
}

/// The error of a wait that was too long.
pub(crate) fn timed_out(what: impl fmt::Display, wait: Duration) -> Error {
    Error::new(
        ErrorKind::LockTimeout,
        format!("the lock of {what} was held elsewhere for longer than {:.1} s", wait.as_secs_f64()),
    )
}

/// A locked file.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    process: u32,
}

impl FileLock {
    /// Locks `file`, waiting no longer than `wait`; `None` when that was not enough. `path` is for
    /// errors.
    pub(crate) fn acquire(file: File, path: &Path, wait: Duration) -> Result<Option<FileLock>> {
        // Nearly every time nobody else is there, and no thread is needed.
        match uninterrupted(|| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }) {
            Ok(true) => return Ok(Some(FileLock::held(file))),
            Ok(false) if wait.is_zero() => return Ok(None),
            Ok(false) => {}
            Err(error) => return Err(unsupported(path, &error)),
        }
        // The blocking call knows no limit, so a thread makes it: woken by the kernel the moment the
        // holder lets go, where asking again and again would come late and could starve.
        let waiter = Waiter::for_file(file, path).map_err(|error| unsupported(path, &error))?;
        waiter.wait(wait).transpose().map_err(|error| unsupported(path, &error))
    }

    fn held(file: File) -> FileLock {
        FileLock { file, process: std::process::id() }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // A fork shares the open file with the child. Closing ours would leave the child holding the
        // lock without knowing, so it is freed by name; and the child, which never took it, must not
        // free its parent's.
        if self.process == std::process::id() {
            // Closing follows, and frees it too.
            let _ = self.file.unlock();
        }
    }
}

/// A signal that has a handler ends a waiting call; it says nothing about the lock.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// A file system without locks (some network ones: ENOLCK, ENOTSUP) cannot hold a store: two processes
/// would refresh one grant at once, and a server that rotates would end it.
fn unsupported(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::StoreUnavailable, format!("{} cannot be locked: {error}", path.display()))
        .with_help("the file system may not know locks: name a folder on a local disk with TOKENKEEP_HOME")
}

#[cfg(test)]
mod tests;
