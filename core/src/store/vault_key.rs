//! Opening a vault: finding its key, or making the first one.
//!
//! The argument, by what could go wrong:
//! - *Eight processes start at once and make eight keys.* A vault is made under a file lock, and
//!   whoever gets the lock looks again before making anything.
//! - *A kill in between.* The key is durable where it is kept before `vault.json` is written, and
//!   `vault.json` is what makes a vault. Killed earlier, there is no vault: a key file left behind is
//!   used by the next attempt, and a keychain item left behind is named by an id that nobody knows.
//! - *The key is gone, and a new one hides the loss.* While `vault.json` or any sealed file exists, no
//!   key is ever made: the error says what is missing, and the records stay for whoever finds it.
//! - *A wrong key.* `vault.json` holds a check value, so a wrong passphrase is told from damage.
//! - *No keychain, so the key goes into a file.* Never by itself: it is the user's choice, and the error
//!   says how to make it.
//!
//! May not enter: environment variables (the caller reads them), and any question to a person.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::files::{Folder, PrivateDir, quoted, too_open};
use super::key::{self, VaultKey};
use super::keychain;
use super::lock::{self, FileLock};
use super::vault::Vault;
use super::vault_file::{Argon2Parameters, KeySource, VAULT_FILE, VaultFile};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Secret, random_bytes};

/// The key, when it is kept in a file.
pub(crate) const KEY_FILE: &str = "vault.key";
/// Held by whoever makes the vault; among the other locks, whose names are ids.
const CREATION_LOCK: &str = "vault.lock";
/// Making a vault takes at most three keychain calls, of four seconds each.
const CREATION_WAIT: Duration = Duration::from_secs(20);

/// What opening a vault needs to know.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// The folder. It is made if need be.
    pub home: PathBuf,
    /// Where the key is kept; for a vault that exists, where it must be kept. By default, a new
    /// vault's key goes into the keychain.
    pub key_source: Option<KeySource>,
    /// For a vault whose key is a passphrase; else not looked at.
    pub passphrase: Option<Secret>,
}

/// Opens the vault at `options.home`, and makes it when there is none.
///
/// # Errors
/// `store_locked` when the key cannot be had, or no place for a new one was chosen; `config_invalid` when
/// the vault keeps its key elsewhere; `store_corrupt` when sealed files are there and their vault is not;
/// `store_unavailable` when the folder cannot be read or written.
pub fn open_vault(options: VaultOptions) -> Result<Vault> {
    open_with_cost(options, Argon2Parameters::generate)
}

/// Opens the vault at `options.home`; `None` when there is none. A look at what is kept makes nothing.
///
/// # Errors
/// As [`open_vault`], but for those of making one.
pub fn open_vault_if_any(options: VaultOptions) -> Result<Option<Vault>> {
    let options = absolute(options)?;
    if let Some(vault) = find(&options)? {
        return Ok(Some(vault));
    }
    match refuse_orphans(&options.home) {
        Ok(()) => Ok(None),
        // Made, and written to, by another process between the two looks: then it is there by now.
        Err(orphans) => find(&options)?.ok_or(orphans).map(Some),
    }
}

/// `cost`: what a new passphrase vault's derivation costs; tests take a cheap one.
fn open_with_cost(options: VaultOptions, cost: fn() -> Result<Argon2Parameters>) -> Result<Vault> {
    let options = absolute(options)?;
    match find(&options)? {
        Some(vault) => Ok(vault),
        None => create(options, cost),
    }
}

/// A program that changes its folder keeps its vault.
fn absolute(mut options: VaultOptions) -> Result<VaultOptions> {
    options.home = std::path::absolute(&options.home)
        .map_err(|error| Error::new(ErrorKind::ConfigInvalid, format!("the store's folder: {error}")))?;
    Ok(options)
}

/// The vault that is there, opened; `None` when there is none.
fn find(options: &VaultOptions) -> Result<Option<Vault>> {
    let Some(home) = PrivateDir::open(&options.home, Folder::Home)? else { return Ok(None) };
    let Some(file) = VaultFile::read(&home)? else { return Ok(None) };
    open_existing(&home, &file, options).map(Some)
}

/// Opens the vault that `file` describes, with the key that it names and no other.
fn open_existing(home: &PrivateDir, file: &VaultFile, options: &VaultOptions) -> Result<Vault> {
    if let Some(wanted) = options.key_source
        && wanted != file.key_source
    {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!(
                "{} was made with the key source {}, not {wanted}",
                options.home.display(),
                file.key_source
            ),
        )
        .with_help(format!("leave --key and TOKENKEEP_KEY out, or set them to {}", file.key_source)));
    }
    let key = find_key(home, file, options.passphrase.as_ref())?;
    Ok(Vault::new(options.home.clone(), &key))
}

/// The key of a vault that exists.
pub(crate) fn find_key(home: &PrivateDir, file: &VaultFile, passphrase: Option<&Secret>) -> Result<VaultKey> {
    let (key, otherwise) = match file.key_source {
        KeySource::File => {
            let path = home.path_of(KEY_FILE);
            let gone = || {
                locked(format!("the key file {} is gone", path.display()))
                    .with_help("put it back from a backup: the records are kept, and nothing else opens them")
            };
            let key = read_key_file(home)?.ok_or_else(gone)?;
            let (path, either) = (path.display(), "one of them is damaged, or another vault's");
            (key, format!("{path} does not fit {VAULT_FILE}: {either}"))
        }
        KeySource::Keychain => {
            let item = keychain::item_name(&file.id);
            let gone = || {
                locked(format!("the keychain has no item {item}, which holds the key")).with_help(
                    "restore the keychain, or use the system account that made the store: \
                     the records are kept, and nothing else opens them",
                )
            };
            let key = keychain::get(&file.id)?.ok_or_else(gone)?;
            (key, format!("the keychain item {item} does not fit {VAULT_FILE}"))
        }
        KeySource::Passphrase => {
            let passphrase = passphrase.ok_or_else(passphrase_missing)?;
            let parameters = file
                .argon2()
                .ok_or_else(|| Error::new(ErrorKind::Internal, "a passphrase vault without parameters"))?;
            (parameters.derive(passphrase)?, "the passphrase is wrong".to_owned())
        }
    };
    if file.fits(&key) { Ok(key) } else { Err(locked(otherwise)) }
}

/// Makes the vault, or opens the one that another process made first.
fn create(options: VaultOptions, cost: fn() -> Result<Argon2Parameters>) -> Result<Vault> {
    // Before any folder is made: an error about the choice leaves nothing behind.
    let source = choose(options.key_source)?;
    let passphrase = match source {
        KeySource::Passphrase => {
            let passphrase = options.passphrase.clone().ok_or_else(passphrase_missing)?;
            if passphrase.is_empty() {
                return Err(Error::new(ErrorKind::ConfigInvalid, "the passphrase is empty"));
            }
            Some(passphrase)
        }
        _ => None,
    };
    let home = PrivateDir::create(&options.home, Folder::Home)?;
    let locks = PrivateDir::create(&options.home, Folder::Locks)?;
    let lock_file = locks.lock_file(CREATION_LOCK)?;
    let _held = FileLock::acquire(lock_file, &locks.path_of(CREATION_LOCK), CREATION_WAIT)?
        .ok_or_else(|| lock::timed_out(options.home.display(), CREATION_WAIT))?;
    // Whoever was waited for has most likely made it.
    if let Some(file) = VaultFile::read(&home)? {
        return open_existing(&home, &file, &options);
    }
    refuse_orphans(&options.home)?;

    let id = key::to_hex(&random_bytes::<16>()?);
    let mut argon2 = None;
    let key = match (source, &passphrase) {
        (KeySource::Passphrase, Some(passphrase)) => argon2.insert(cost()?).derive(passphrase)?,
        (KeySource::File, _) => create_key_file(&home)?,
        _ => create_keychain_item(&id)?,
    };
    // The last step, and the one that counts: the key is durable by now.
    if let Err(error) = VaultFile::new(id.clone(), source, argon2, &key).write(&home) {
        // The write may have gone through as far as the rename: then the item is the vault's.
        if source == KeySource::Keychain && matches!(VaultFile::read(&home), Ok(None)) {
            let _ = keychain::delete(&id);
        }
        return Err(error);
    }
    Ok(Vault::new(options.home, &key))
}

/// Where a new vault's key goes.
fn choose(wanted: Option<KeySource>) -> Result<KeySource> {
    match wanted {
        Some(KeySource::Keychain) | None => match keychain::probe() {
            Ok(()) => Ok(KeySource::Keychain),
            Err(error) => Err(no_keychain(&error)),
        },
        Some(source) => Ok(source),
    }
}

/// Makes a key and puts it into the keychain under the new vault's id.
fn create_keychain_item(id: &str) -> Result<VaultKey> {
    let key = VaultKey::generate()?;
    keychain::set(id, &key).map_err(|error| no_keychain(&error))?;
    // Read back before anything is sealed with it: a keychain that forgets must not be found out later.
    match keychain::get(id)? {
        Some(kept) if kept.as_bytes() == key.as_bytes() => Ok(key),
        _ => Err(locked("the keychain does not give back what it was given".to_owned())),
    }
}

/// Takes over the key that an interrupted attempt left, because no key is ever thrown away; makes one
/// otherwise.
fn create_key_file(home: &PrivateDir) -> Result<VaultKey> {
    if let Some(key) = read_key_file(home)? {
        return Ok(key);
    }
    let key = VaultKey::generate()?;
    let mut text = Zeroizing::new(Vec::with_capacity(65));
    let digits = Zeroizing::new(key::to_hex(key.as_bytes()));
    text.extend_from_slice(digits.as_bytes());
    text.push(b'\n');
    home.write(KEY_FILE, &text)?;
    Ok(key)
}

/// `vault.key`: the key in 64 lower case hex digits, and a newline.
fn read_key_file(home: &PrivateDir) -> Result<Option<VaultKey>> {
    let path = home.path_of(KEY_FILE);
    // Looked at before it is read: reading would close it, and nobody would hear of it.
    if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && too_open(&found)) {
        let path = quoted(&path);
        return Err(Error::new(ErrorKind::StoreUnavailable, format!("{path} is open to other users"))
            .with_help(format!("if nobody else can have read it: `chmod 600 {path}`")));
    }
    let Some(text) = home.read(KEY_FILE)? else { return Ok(None) };
    let digits = std::str::from_utf8(&text).ok().map(|text| text.strip_suffix('\n').unwrap_or(text));
    let key = digits.and_then(key::from_hex).and_then(|bytes| VaultKey::from_slice(&bytes));
    key.map(Some).ok_or_else(|| {
        Error::new(ErrorKind::StoreCorrupt, format!("{} is damaged", path.display()))
            .with_help("put it back from a backup: the records are kept, and nothing else opens them")
    })
}

/// Sealed files without `vault.json`: a new vault would hide that they can no longer be opened.
fn refuse_orphans(home: &Path) -> Result<()> {
    for folder in [Folder::Records, Folder::Registrations] {
        let Some(dir) = PrivateDir::open(home, folder)? else { continue };
        if dir.names()?.iter().any(|name| name.contains(".sealed")) {
            let (at, quoted) = (home.display(), quoted(home));
            return Err(Error::new(
                ErrorKind::StoreCorrupt,
                format!("{at} holds sealed records, and {VAULT_FILE}, which tells their key, is gone"),
            )
            .with_help(format!(
                "put {VAULT_FILE} back from a backup, or begin anew beside it: `mv {quoted} {quoted}.old`"
            )));
        }
    }
    Ok(())
}

fn locked(message: String) -> Error {
    Error::new(ErrorKind::StoreLocked, message)
}

fn passphrase_missing() -> Error {
    locked("the store wants its passphrase".to_owned()).with_help("set TOKENKEEP_PASSPHRASE")
}

/// Why there is no vault yet, and the ways to one: a new vault's key goes nowhere by itself.
fn no_keychain(why: &Error) -> Error {
    locked(format!("the store's key cannot go into a keychain: {}", why.message())).with_help(
        "unlock or start the keychain, or choose another place for the key, once:\n  \
         `tokenkeep init --key file`        a file that only you can read, beside the tokens\n  \
         `tokenkeep init --key passphrase`  asked for each time, or taken from TOKENKEEP_PASSPHRASE\n\
         or set TOKENKEEP_KEY to `file` or `passphrase`",
    )
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
