//! A store that ends with the process: for tests, and for programs that must not leave a trace.
//!
//! It keeps the rules of a vault, the lock's among them, so that what works here works there. Between
//! processes it shares nothing.
//!
//! May not enter: anything that a vault would not do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lock::{self, RegistrationLock, StoreLock};
use super::record::{ConnectionRecord, RegistrationRecord};
use super::{Stamp, TokenStore, Watch};
use crate::error::Result;
use crate::names::{ConnectionKey, RegistrationKey};

/// A store in memory. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
/// What the clones share.
struct Shared {
    tables: Mutex<Tables>,
    freed: Condvar,
}

#[derive(Default)]
/// The records, and who is locked.
struct Tables {
    connections: BTreeMap<ConnectionKey, ConnectionRecord>,
    registrations: BTreeMap<RegistrationKey, RegistrationRecord>,
    // By what their names show, which tells a connection from a registration.
    locked: BTreeSet<String>,
    stamps: BTreeMap<String, Stamp>,
    puts: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }
}

impl TokenStore for MemoryStore {
    fn get(&self, key: &ConnectionKey) -> Result<Option<ConnectionRecord>> {
        Ok(self.0.tables().connections.get(key).cloned())
    }

    fn get_watched(&self, key: &ConnectionKey) -> Result<Option<(ConnectionRecord, Watch)>> {
        let (store, key) = (self.clone(), key.clone());
        Ok(self.get(&key)?.map(|found| {
            let before = found.clone();
            (found, Watch::new(move || store.0.tables().connections.get(&key) == Some(&before)))
        }))
    }

    fn put(&self, lock: &StoreLock, record: &ConnectionRecord) -> Result<()> {
        lock.check(&record.key)?;
        let mut tables = self.0.tables();
        tables.puts += 1;
        let stamp = Stamp::new([tables.puts, 0, 0, 0]);
        tables.stamps.insert(record.key.to_string(), stamp);
        tables.connections.insert(record.key.clone(), record.clone());
        Ok(())
    }

    fn delete(&self, lock: &StoreLock) -> Result<bool> {
        let mut tables = self.0.tables();
        tables.stamps.remove(&lock.key().to_string());
        Ok(tables.connections.remove(lock.key()).is_some())
    }

    fn check_writable(&self) -> Result<()> {
        Ok(())
    }

    fn list(&self) -> Result<Vec<Result<ConnectionRecord>>> {
        Ok(self.0.tables().connections.values().cloned().map(Ok).collect())
    }

    fn stamps(&self) -> Result<BTreeMap<String, Stamp>> {
        Ok(self.0.tables().stamps.clone())
    }

    fn get_by_id(&self, id: &str) -> Result<Option<ConnectionRecord>> {
        Ok(self.0.tables().connections.values().find(|record| record.key.to_string() == id).cloned())
    }

    fn lock(&self, key: &ConnectionKey, wait: Duration) -> Result<StoreLock> {
        self.0.lock(format!("connection {key}"), key, wait)
    }

    fn registration(&self, key: &RegistrationKey) -> Result<Option<RegistrationRecord>> {
        Ok(self.0.tables().registrations.get(key).cloned())
    }

    fn lock_registration(&self, key: &RegistrationKey, wait: Duration) -> Result<RegistrationLock> {
        self.0.lock(format!("registration {key}"), key, wait)
    }

    fn put_registration(&self, lock: &RegistrationLock, record: &RegistrationRecord) -> Result<()> {
        lock.check(&record.key())?;
        self.0.tables().registrations.insert(record.key(), record.clone());
        Ok(())
    }

    fn delete_registration(&self, lock: &RegistrationLock) -> Result<bool> {
        Ok(self.0.tables().registrations.remove(lock.key()).is_some())
    }
}

impl Shared {
    fn lock<K>(self: &Arc<Self>, name: String, key: &K, wait: Duration) -> Result<StoreLock<K>>
    where
        K: Clone + PartialEq + fmt::Display,
    {
        let held = |tables: &mut Tables| tables.locked.contains(&name);
        let waited = self.freed.wait_timeout_while(self.tables(), wait, held);
        let (mut tables, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        if outcome.timed_out() {
            return Err(lock::timed_out(key, wait));
        }
        tables.locked.insert(name.clone());
        Ok(StoreLock::new(key.clone(), Held { shared: Arc::clone(self), name }))
    }

    /// A panic elsewhere leaves the tables whole: each call changes them in one step.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the table of locks.
struct Held {
    shared: Arc<Shared>,
    name: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.tables().locked.remove(&self.name);
        // All of them: the one that is woken may be waiting for another connection.
        self.shared.freed.notify_all();
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} connections)", self.0.tables().connections.len())
    }
}
