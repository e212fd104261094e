//! A store in a folder: one sealed file per connection, so that two connections never wait for each
//! other and no write can harm more than one.
//!
//! ```text
//! HOME/                     0700
//!   vault.json              which vault this is and where its key is (vault_file.rs)
//!   vault.key               the key, when it is kept in a file (vault_key.rs)
//!   records/<id>.sealed     a connection (sealed.rs)
//!   registrations/<id>.sealed
//!   locks/<id>.lock         empty; locked by whoever writes the file of that id
//! ```
//! An id is made of the record's name and the vault key (`key.rs`): a listing names no provider.
//!
//! **Damage.** Reading alters nothing. A write or a removal that meets a damaged file renames it to
//! `<id>.sealed.corrupt-<unix seconds>` first, under the lock, and never touches it again. A file from
//! a newer Tokenkeep is not damaged: it is refused by every call and stays as it is.
//!
//! May not enter: where the key comes from, and when to write what.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::files::{Folder, PrivateDir};
use super::key::{RecordIds, SealKey, VaultKey};
use super::lock::{self, FileLock, RegistrationLock, StoreLock};
use super::record::{ConnectionRecord, Record, RegistrationRecord};
use super::sealed::{self, Opened, Refusal};
use super::{Stamp, TokenStore, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, RegistrationKey};
use crate::secret::random_bytes;

/// So many records are read in the time that a thread takes to start.
const MIN_SHARE: usize = 64;

/// A folder of sealed records, and the keys that open them. Made by `open_vault`.
pub struct Vault {
    home: PathBuf,
    seal: SealKey,
    ids: RecordIds,
}

/// A record that has a file: which folder, and the name that its id is made of. The kinds and the form
/// of the names are part of what is on disk.
trait Filed: Record {
    /// Where its files are.
    const FOLDER: Folder;
    /// What its ids begin with, so that a connection and a registration never share one.
    const KIND: &'static str;
    /// What tells it from the others of its kind.
    fn name(&self) -> String;
}

impl Filed for ConnectionRecord {
    const FOLDER: Folder = Folder::Records;
    const KIND: &'static str = "connection";
    fn name(&self) -> String {
        connection_name(&self.key)
    }
}

impl Filed for RegistrationRecord {
    const FOLDER: Folder = Folder::Registrations;
    const KIND: &'static str = "registration";
    fn name(&self) -> String {
        registration_name(&self.key())
    }
}

/// Always both parts: a key's `Display` leaves the default connection out.
fn connection_name(key: &ConnectionKey) -> String {
    format!("{}/{}", key.provider, key.connection)
}

/// A blank is in no provider's name.
fn registration_name(key: &RegistrationKey) -> String {
    match &key.issuer {
        Some(issuer) => format!("{} {issuer}", key.provider),
        None => key.provider.to_string(),
    }
}

impl TokenStore for Vault {
    fn get(&self, key: &ConnectionKey) -> Result<Option<ConnectionRecord>> {
        self.read(&self.id::<ConnectionRecord>(&connection_name(key)))
    }

    fn get_watched(&self, key: &ConnectionKey) -> Result<Option<(ConnectionRecord, Watch)>> {
        let id = self.id::<ConnectionRecord>(&connection_name(key));
        let Some(dir) = PrivateDir::open(&self.home, Folder::Records)? else { return Ok(None) };
        let Some((file, watch)) = dir.read_watched(&file_of(&id))? else { return Ok(None) };
        match self.unseal::<ConnectionRecord>(&id, &file) {
            Ok(opened) => Ok(Some((opened.record, watch))),
            Err(refusal) => Err(refused(refusal, &dir.path_of(&file_of(&id)))),
        }
    }

    fn put(&self, lock: &StoreLock, record: &ConnectionRecord) -> Result<()> {
        lock.check(&record.key)?;
        self.replace(record)
    }

    fn delete(&self, lock: &StoreLock) -> Result<bool> {
        self.remove::<ConnectionRecord>(&connection_name(lock.key()))
    }

    fn check_writable(&self) -> Result<()> {
        PrivateDir::create(&self.home, Folder::Records)?.check_writable()
    }

    fn list(&self) -> Result<Vec<Result<ConnectionRecord>>> {
        let Some(dir) = PrivateDir::open(&self.home, Folder::Records)? else { return Ok(Vec::new()) };
        let names = dir.names()?;
        let ids: Vec<&str> = names.iter().filter_map(|name| id_of(name)).collect();
        let mut records = self.read_all(&dir, &ids);
        records.sort_by(|a: &Result<ConnectionRecord>, b| match (a, b) {
            (Ok(a), Ok(b)) => a.key.cmp(&b.key),
            (a, b) => a.is_err().cmp(&b.is_err()),
        });
        Ok(records)
    }

    fn stamps(&self) -> Result<BTreeMap<String, Stamp>> {
        let Some(dir) = PrivateDir::open(&self.home, Folder::Records)? else { return Ok(BTreeMap::new()) };
        let mut stamps = BTreeMap::new();
        for name in dir.names()? {
            if let Some(id) = id_of(&name)
                && let Some(stamp) = dir.stamp(&name)?
            {
                stamps.insert(id.to_owned(), stamp);
            }
        }
        Ok(stamps)
    }

    fn get_by_id(&self, id: &str) -> Result<Option<ConnectionRecord>> {
        self.read(id)
    }

    fn lock(&self, key: &ConnectionKey, wait: Duration) -> Result<StoreLock> {
        let held = self.lock_id(&self.id::<ConnectionRecord>(&connection_name(key)), wait)?;
        Ok(StoreLock::new(key.clone(), held.ok_or_else(|| lock::timed_out(key, wait))?))
    }

    fn registration(&self, key: &RegistrationKey) -> Result<Option<RegistrationRecord>> {
        self.read(&self.id::<RegistrationRecord>(&registration_name(key)))
    }

    fn lock_registration(&self, key: &RegistrationKey, wait: Duration) -> Result<RegistrationLock> {
        let held = self.lock_id(&self.id::<RegistrationRecord>(&registration_name(key)), wait)?;
        let timed_out = || lock::timed_out(format_args!("the registration of {key}"), wait);
        Ok(RegistrationLock::new(key.clone(), held.ok_or_else(timed_out)?))
    }

    fn put_registration(&self, lock: &RegistrationLock, record: &RegistrationRecord) -> Result<()> {
        lock.check(&record.key())?;
        self.replace(record)
    }

    fn delete_registration(&self, lock: &RegistrationLock) -> Result<bool> {
        self.remove::<RegistrationRecord>(&registration_name(lock.key()))
    }
}

impl Vault {
    /// The vault at `home` that `key` opens. Looks at no file: `vault_key.rs` has.
    pub(crate) fn new(home: PathBuf, key: &VaultKey) -> Self {
        Vault { home, seal: key.seal_key(), ids: key.record_ids() }
    }

    /// The record of that id; `None` when there is no file.
    fn read<R: Filed>(&self, id: &str) -> Result<Option<R>> {
        let Some(dir) = PrivateDir::open(&self.home, R::FOLDER)? else { return Ok(None) };
        self.read_in(&dir, id)
    }

    /// The same in a folder that is open.
    fn read_in<R: Filed>(&self, dir: &PrivateDir, id: &str) -> Result<Option<R>> {
        let Some(found) = self.open_in(dir, id)? else { return Ok(None) };
        found
            .map(|opened| Some(opened.record))
            .map_err(|refusal| refused(refusal, &dir.path_of(&file_of(id))))
    }

    /// The records of those ids, in their order. One that is gone was logged out since it was listed.
    fn read_all<R: Filed + Send>(&self, dir: &PrivateDir, ids: &[&str]) -> Vec<Result<R>> {
        let read = |ids: &[&str]| -> Vec<Result<R>> {
            ids.iter().filter_map(|id| self.read_in(dir, id).transpose()).collect()
        };
        // To unseal is the processor's work, so every processor gets a share; this thread's is the first.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let share = ids.len().div_ceil(processors).max(MIN_SHARE);
        let (own, others) = ids.split_at(share.min(ids.len()));
        thread::scope(|scope| {
            let reader = |ids| (ids, thread::Builder::new().spawn_scoped(scope, move || read(ids)));
            let readers: Vec<_> = others.chunks(share).map(reader).collect();
            let mut records = read(own);
            for (ids, reader) in readers {
                records.extend(match reader {
                    Ok(reader) => reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                    // No thread could be had: slower is better than not at all.
                    Err(_) => read(ids),
                });
            }
            records
        })
    }

    /// Writes the record over what is there. The caller holds the lock of its id: from the look at the
    /// old file to the rename nobody else writes, so no generation is given twice and nothing newer
    /// than what was looked at is overwritten.
    fn replace<R: Filed>(&self, record: &R) -> Result<()> {
        let id = self.id::<R>(&record.name());
        let dir = PrivateDir::create(&self.home, R::FOLDER)?;
        let generation = match self.open_in::<R>(&dir, &id)? {
            None => 1,
            Some(Ok(opened)) => opened.generation.saturating_add(1),
            Some(Err(Refusal::Damaged)) => {
                keep_aside(&dir, &id)?;
                1
            }
            Some(Err(refusal)) => return Err(refused(refusal, &dir.path_of(&file_of(&id)))),
        };
        // 192 random bits: no two writes share a nonce, in whatever process, before or after a fork.
        let nonce = random_bytes::<{ sealed::NONCE }>()?;
        dir.write(&file_of(&id), &sealed::seal(&self.seal, &id, generation, &nonce, record)?)
    }

    /// Removes the record of that name; true when there was a file. The caller holds the lock.
    fn remove<R: Filed>(&self, name: &str) -> Result<bool> {
        let id = self.id::<R>(name);
        let Some(dir) = PrivateDir::open(&self.home, R::FOLDER)? else { return Ok(false) };
        match self.open_in::<R>(&dir, &id)? {
            None => Ok(false),
            Some(Ok(_)) => dir.remove(&file_of(&id)),
            Some(Err(Refusal::Damaged)) => keep_aside(&dir, &id).map(|()| true),
            Some(Err(refusal)) => Err(refused(refusal, &dir.path_of(&file_of(&id)))),
        }
    }

    /// The file of that id, opened or refused; `None` when there is no file.
    fn open_in<R: Filed>(&self, dir: &PrivateDir, id: &str) -> Result<Option<Result<Opened<R>, Refusal>>> {
        let file = dir.read(&file_of(id))?;
        Ok(file.map(|file| self.unseal(id, &file)))
    }

    fn unseal<R: Filed>(&self, id: &str, file: &[u8]) -> Result<Opened<R>, Refusal> {
        let opened: Opened<R> = sealed::open(&self.seal, id, file)?;
        // The seal covers the id; this covers a writer that sealed one record under another's id.
        if self.id::<R>(&opened.record.name()) == id { Ok(opened) } else { Err(Refusal::Damaged) }
    }

    /// Locks the file of that id; `None` when `wait` was not enough.
    fn lock_id(&self, id: &str, wait: Duration) -> Result<Option<FileLock>> {
        let dir = PrivateDir::create(&self.home, Folder::Locks)?;
        let name = format!("{id}.lock");
        FileLock::acquire(dir.lock_file(&name)?, &dir.path_of(&name), wait)
    }

    /// The id of the record of that name.
    fn id<R: Filed>(&self, name: &str) -> String {
        self.ids.id(R::KIND, name)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.home.display())
    }
}

fn file_of(id: &str) -> String {
    format!("{id}.sealed")
}

/// The id in a file's name; `None` for leftovers, what was kept aside, and what is not ours.
pub(crate) fn id_of(name: &str) -> Option<&str> {
    let id = name.strip_suffix(".sealed")?;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (id.len() == 32 && id.bytes().all(hex)).then_some(id)
}

/// Puts a damaged file where nothing overwrites it. The caller holds the lock.
fn keep_aside(dir: &PrivateDir, id: &str) -> Result<()> {
    let aside = dir.keep_aside(&file_of(id))?;
    tracing::warn!("a damaged file was kept aside as {}", aside.display());
    Ok(())
}

/// The error for a file that does not open. Neither its content nor the record's name is in it.
fn refused(refusal: Refusal, path: &Path) -> Error {
    let path = path.display();
    match refusal {
        Refusal::Newer => {
            Error::new(ErrorKind::StoreCorrupt, format!("{path} was written by a newer version of Tokenkeep"))
                .with_help("use that version; the file was left as it is")
        }
        Refusal::Damaged => Error::new(ErrorKind::StoreCorrupt, format!("{path} is damaged"))
            .with_help("log in again to replace the connection; the damaged file will be kept aside"),
    }
}

#[cfg(test)]
mod tests;
