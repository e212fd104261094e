//! One connection, or one registration, under its lock, for async callers: every call runs off the runtime's threads.
//!
//! The lock is freed when its holder and the last call that it started are gone. A caller that is
//! cancelled in the middle of a write does not free the lock under the writer.

use std::sync::Arc;
use std::time::Duration;

use super::{ConnectionRecord, RegistrationLock, RegistrationRecord, StoreLock, TokenStore};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, RegistrationKey};

/// One connection under its lock.
pub struct Locked {
    store: Arc<dyn TokenStore>,
    lock: Arc<StoreLock>,
}

impl Locked {
    /// Takes the lock of `key`, waiting at most `wait` for another process to free it.
    ///
    /// # Errors
    /// `lock_timeout`; `store_unavailable` when the file system has no locks.
    pub async fn take(store: &Arc<dyn TokenStore>, key: &ConnectionKey, wait: Duration) -> Result<Self> {
        let store = Arc::clone(store);
        let key = key.clone();
        off_thread(move || {
            let lock = Arc::new(store.lock(&key, wait)?);
            Ok(Locked { store, lock })
        })
        .await
    }

    /// The record as it is now. What was read before the lock was taken may be out of date.
    pub async fn read(&self) -> Result<Option<ConnectionRecord>> {
        let (store, lock) = (Arc::clone(&self.store), Arc::clone(&self.lock));
        off_thread(move || store.get(lock.key())).await
    }

    /// Writes the record. It is durable when this returns.
    pub async fn write(&self, record: &ConnectionRecord) -> Result<()> {
        let (store, lock, record) = (Arc::clone(&self.store), Arc::clone(&self.lock), record.clone());
        off_thread(move || store.put(&lock, &record)).await
    }

    /// Deletes the record. False when there was none.
    pub async fn delete(&self) -> Result<bool> {
        let (store, lock) = (Arc::clone(&self.store), Arc::clone(&self.lock));
        off_thread(move || store.delete(&lock)).await
    }
}

/// One registration under its lock.
pub struct LockedRegistration {
    store: Arc<dyn TokenStore>,
    lock: Arc<RegistrationLock>,
}

impl LockedRegistration {
    /// Takes the lock of `key`, waiting at most `wait` for another process to free it.
    ///
    /// # Errors
    /// `lock_timeout`; `store_unavailable` when the file system has no locks.
    pub async fn take(store: &Arc<dyn TokenStore>, key: &RegistrationKey, wait: Duration) -> Result<Self> {
        let store = Arc::clone(store);
        let key = key.clone();
        off_thread(move || {
            let lock = Arc::new(store.lock_registration(&key, wait)?);
            Ok(LockedRegistration { store, lock })
        })
        .await
    }

    /// The record as it is now.
    pub async fn read(&self) -> Result<Option<RegistrationRecord>> {
        let (store, lock) = (Arc::clone(&self.store), Arc::clone(&self.lock));
        off_thread(move || store.registration(lock.key())).await
    }

    /// Writes the record. It is durable when this returns.
    pub async fn write(&self, record: &RegistrationRecord) -> Result<()> {
        let (store, lock, record) = (Arc::clone(&self.store), Arc::clone(&self.lock), record.clone());
        off_thread(move || store.put_registration(&lock, &record)).await
    }

    /// Deletes the record. False when there was none.
    pub async fn delete(&self) -> Result<bool> {
        let (store, lock) = (Arc::clone(&self.store), Arc::clone(&self.lock));
        off_thread(move || store.delete_registration(&lock)).await
    }
}

/// Runs blocking `work` where it may block. Once begun it is carried to its end, watched or not.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(failure) => Err(Error::new(ErrorKind::Internal, format!("a store call did not end: {failure}"))),
    }
}
