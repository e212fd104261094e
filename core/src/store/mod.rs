//! What is kept, how, and the lock.
//!
//! The argument of the room, which each file holds up at its end:
//! 1. **What is kept is sealed.** A copy of the folder, a backup or a synced home, holds no token:
//!    `sealed.rs`, under a key that is elsewhere or asked for: `key.rs`, `vault_key.rs`, `keychain.rs`.
//! 2. **A write is whole or did not happen,** and is on disk when `put` returns: `files.rs`. So a caller
//!    that has a token from `put`'s hands has one that no crash can take back.
//! 3. **One writer at a time, in all processes:** `lock.rs`. `put` takes the lock as an argument.
//!    Readers need no lock, because of 2.
//! 4. **There is one key.** It is made once, under a lock, and never again while anything is there that
//!    it opens: `vault_key.rs`. A key that cannot be had is an error with a way out, never a new key.
//! 5. **What is on disk is a promise:** `record.rs`, `sealed.rs`, `vault_file.rs` say what it is, and
//!    frozen samples hold them to it.
//!
//! May not enter: the network, providers, when to refresh, and the environment (the one exception, in
//! `keychain.rs`, has its reason there). Calls block: a `get` takes microseconds, a `put` waits for the
//! disk, and a `lock` waits as long as it was told to. Whoever is in an async runtime sees to that.

mod files;
mod inspect;
mod key;
mod keychain;
mod lock;
mod locked;
mod record;
mod sealed;
mod vault;
mod vault_file;
mod vault_key;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::Result;
use crate::names::{ConnectionKey, RegistrationKey};

pub(crate) use keychain::item as keychain_item;

pub use inspect::{FileState, KeyState, VaultState, inspect};
pub use lock::{RegistrationLock, StoreLock};
pub use locked::{Locked, LockedRegistration, off_thread};
pub use record::{
    AccessTokenRecord, Account, ConnectionRecord, ConnectionStatus, CoolDown, DynamicRegistration, RecordApi,
    RecordClient, RecordServer, RefreshAttempt, Refusal, RegistrationRecord, Renewal,
};
pub use vault::Vault;
pub use vault_file::KeySource;
pub use vault_key::{VaultOptions, open_vault, open_vault_if_any};

/// Where records are kept. All calls are from any thread, in any number at once.
pub trait TokenStore: Send + Sync {
    /// The connection's record, as the last `put` of any process left it. Takes no lock.
    fn get(&self, key: &ConnectionKey) -> Result<Option<ConnectionRecord>>;

    /// The same, and a watch that tells as soon as it is no longer what the store holds.
    fn get_watched(&self, key: &ConnectionKey) -> Result<Option<(ConnectionRecord, Watch)>>;

    /// Writes a record over the one before; durable when this returns. `lock` is proof that the caller
    /// is alone: a record that is put must have been read, or made, while it was held.
    fn put(&self, lock: &StoreLock, record: &ConnectionRecord) -> Result<()>;

    /// Removes the record of the locked connection; true when there was one. Durable when this returns.
    fn delete(&self, lock: &StoreLock) -> Result<bool>;

    /// Finds out whether a record could be written now, by writing something else. For asking before a
    /// person is sent through a login whose grant could not be kept.
    fn check_writable(&self) -> Result<()>;

    /// All connections, in the order of their names; those that cannot be read come last, and hide
    /// none of the others.
    fn list(&self) -> Result<Vec<Result<ConnectionRecord>>>;

    /// A stamp of each connection, readable or not, by an id that says nothing to anybody else. It reads no record and
    /// takes no lock. What another process replaces meanwhile may be missing: whether a connection is gone,
    /// [`TokenStore::get_by_id`] says.
    fn stamps(&self) -> Result<BTreeMap<String, Stamp>>;

    /// The record of that id, as [`TokenStore::get`] would have it.
    fn get_by_id(&self, id: &str) -> Result<Option<ConnectionRecord>>;

    /// The lock of a connection, whether it exists or not; `lock_timeout` when nobody let go of it
    /// within `wait`. It is freed when it is dropped, and when its process dies.
    fn lock(&self, key: &ConnectionKey, wait: Duration) -> Result<StoreLock>;

    /// The client registration that is stored under `key`. Takes no lock.
    fn registration(&self, key: &RegistrationKey) -> Result<Option<RegistrationRecord>>;

    /// The client of a connection as it is now: a secret that was stored for the same client since the login replaces
    /// the one that the login was made with.
    fn client_of(&self, record: &ConnectionRecord) -> Result<RecordClient> {
        let mut client = record.client.clone();
        let stored =
            |issuer| self.registration(&RegistrationKey { provider: record.key.provider.clone(), issuer });
        let of_issuer =
            record.server.issuer.clone().map(|issuer| stored(Some(issuer))).transpose()?.flatten();
        // Without an issuer it is for all servers of the provider, which only its own file names.
        let found = if of_issuer.is_none() && !client.issuer_bound { stored(None)? } else { of_issuer };
        if let Some(registration) = found
            && registration.client_id == client.client_id
            && registration.stored_at >= record.logged_in_at
            && registration.client_secret.is_some()
            && registration.client_secret != client.client_secret
        {
            client.client_secret = registration.client_secret;
            client.credential_expires_at =
                client.credential_expires_at.filter(|_| client.certificate.is_some());
        }
        Ok(client)
    }

    /// The lock of a registration, whether it exists or not, as [`TokenStore::lock`].
    fn lock_registration(&self, key: &RegistrationKey, wait: Duration) -> Result<RegistrationLock>;

    /// Writes a registration over the one before; durable when this returns. `lock` is proof that the caller is alone.
    fn put_registration(&self, lock: &RegistrationLock, record: &RegistrationRecord) -> Result<()>;

    /// Removes the locked registration; true when there was one.
    fn delete_registration(&self, lock: &RegistrationLock) -> Result<bool>;
}

/// Tells whether what was read is still what the store holds, without reading it.
pub struct Watch(Box<dyn Fn() -> bool + Send + Sync>);

impl Watch {
    /// A watch that asks `is_current`. For those who write a store of their own.
    pub fn new(is_current: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Watch(Box::new(is_current))
    }

    /// False once any process has written or removed the record, from the very next call on. False
    /// also where that cannot be told: then the record has to be read.
    pub fn is_current(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch(current: {})", self.is_current())
    }
}

/// What can be seen of a record without reading it. It differs when the record was written anew, unless both writes fell
/// into one tick of the clock that the system stamps with, which has up to ten milliseconds: only a stamp that has stood
/// for longer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp([u64; 4]);

impl Stamp {
    /// A stamp of these. For those who write a store of their own.
    pub fn new(seen: [u64; 4]) -> Self {
        Stamp(seen)
    }
}

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod memory;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
pub use memory::MemoryStore;
