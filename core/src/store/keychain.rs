//! The system's keychain: one small item per vault, its key; and the items of others that a login is told to read.
//! The only file that names the keyring crates.
//!
//! - **One item, small.** Windows holds 2,560 bytes at most, and macOS asks its user once per item:
//!   so the keychain keeps the key, and the files keep the records.
//! - **Every call has four seconds.** A keychain that is locked, stopped, or showing a dialog that
//!   nobody sees does not answer, and its calls have no limit of their own. Each therefore runs in a
//!   thread that is left behind when the time is up.
//! - **No connection is kept:** a call opens its store, asks, and closes it, so a fork has nothing to
//!   break.
//!
//! May not enter: what to do without a keychain.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::key::VaultKey;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What the item is called, together with the vault's id.
const SERVICE: &str = "tokenkeep";
/// A keychain answers in milliseconds, and a person who has to unlock one will try again.
const LIMIT: Duration = Duration::from_secs(4);

/// The item's name, for people.
pub(crate) fn item_name(vault_id: &str) -> String {
    format!("{SERVICE}/{vault_id}")
}

/// The key of that vault; `None` when the keychain has no such item.
pub(crate) fn get(vault_id: &str) -> Result<Option<VaultKey>> {
    let name = item_name(vault_id);
    let secret = ask_about_key(vault_id, |entry| match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })?;
    let Some(secret) = secret else { return Ok(None) };
    // Room for the longest answer that can be right: what is longer fails instead of growing.
    let mut bytes = Zeroizing::new([0; 36]);
    let length = STANDARD.decode_slice(secret.as_slice(), bytes.as_mut_slice()).unwrap_or(0);
    let key = VaultKey::from_slice(&bytes[..length]);
    key.map(Some).ok_or_else(|| locked(format!("the keychain item {name} is not a key")))
}

/// Keeps the key of that vault.
pub(crate) fn set(vault_id: &str, key: &VaultKey) -> Result<()> {
    let text = Zeroizing::new(STANDARD.encode(key.as_bytes()));
    ask_about_key(vault_id, move |entry| entry.set_secret(text.as_bytes()))
}

/// Removes the key of that vault; true when there was one.
pub(crate) fn delete(vault_id: &str) -> Result<bool> {
    ask_about_key(vault_id, |entry| match entry.delete_credential() {
        Ok(()) => Ok(true),
        Err(KeyringError::NoEntry) => Ok(false),
        Err(error) => Err(error),
    })
}

/// Whether there is a keychain and it answers. Asks for an item that does not exist, so it neither
/// shows a dialog nor leaves anything.
pub(crate) fn probe() -> Result<()> {
    ask_about_key("probe", |entry| match entry.get_secret() {
        Ok(_) | Err(KeyringError::NoEntry) => Ok(()),
        Err(error) => Err(error),
    })
}

/// The text of an item that somebody else made; `None` when the keychain has no such item.
pub(crate) fn item(service: &str, account: &str) -> Result<Option<Secret>> {
    let (service, account) = (service.to_owned(), account.to_owned());
    let name = format!("{service}/{account}");
    ask(service, account, platform::names_item(&name), |entry| match entry.get_password() {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Asks the keychain about the item of one vault.
fn ask_about_key<T: Send + 'static>(
    vault_id: &str,
    question: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T> {
    let modifiers = platform::MODIFIERS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    ask(SERVICE.to_owned(), vault_id.to_owned(), modifiers, question)
}

/// Asks the keychain about one item, in a thread of its own and for no longer than the limit.
fn ask<T: Send + 'static>(
    service: String,
    account: String,
    modifiers: Vec<(&'static str, String)>,
    question: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T> {
    platform::reachable()?;
    within(LIMIT, move || {
        let modifiers = modifiers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let entry = platform::store()?.build(&service, &account, Some(&modifiers))?;
        question(&entry)
    })
}

/// The thread that was left behind last, as its process and whether it lives. The process's number tells
/// a forked child, which has no such thread, from its parent.
static LEFT_BEHIND: Mutex<Option<(u32, Weak<()>)>> = Mutex::new(None);

/// Runs the call in a thread and leaves it behind when `limit` is over.
fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> keyring_core::Result<T> + Send + 'static,
) -> Result<T> {
    let process = std::process::id();
    // A dialog that waits for its answer would get company with every retry, and a thread each.
    // `try_lock`, because a fork can copy the mutex while it is locked.
    if let Ok(left_behind) = LEFT_BEHIND.try_lock()
        && left_behind.as_ref().is_some_and(|(of, thread)| *of == process && thread.strong_count() > 0)
    {
        return Err(no_answer("the keychain has not answered an earlier question yet"));
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let alive = Arc::new(());
    let life = Arc::downgrade(&alive);
    let asking = thread::Builder::new().name("tokenkeep-keychain".to_owned());
    let spawned = asking.spawn(move || {
        let _alive = alive;
        // Whoever asked may have left, and then nobody wants the answer.
        drop(sender.send(call()));
    });
    spawned.map_err(|error| locked(format!("the keychain cannot be asked: {error}")))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(&error)),
        Err(RecvTimeoutError::Timeout) => {
            if let Ok(mut left_behind) = LEFT_BEHIND.try_lock() {
                *left_behind = Some((process, life));
            }
            Err(no_answer(&format!("the keychain did not answer within {} s", limit.as_secs())))
        }
        Err(RecvTimeoutError::Disconnected) => Err(locked("the keychain's library failed".to_owned())),
    }
}

/// keyring_core's own text for some errors would print what was found: only texts that cannot hold it
/// go on.
fn refused(error: &KeyringError) -> Error {
    match error {
        // A Secret Service that was never unlocked has no keyring yet.
        KeyringError::NoStorageAccess(why) if why.to_string().contains("no result found") => {
            locked("the keychain has no default keyring to keep a key in".to_owned())
        }
        KeyringError::NoStorageAccess(why) => {
            locked(format!("the keychain is locked: {why}")).with_help("unlock the keychain and try again")
        }
        // libdbus gives up on a silent service by itself, after two seconds and with many words.
        KeyringError::PlatformFailure(why) if why.to_string().contains("Did not receive a reply") => {
            no_answer("the keychain does not answer")
        }
        KeyringError::PlatformFailure(why) => locked(format!("the keychain cannot be used: {why}")),
        KeyringError::Ambiguous(items) => locked(format!("the keychain holds {} such items", items.len())),
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => {
            locked("the keychain's item is not of its form".to_owned())
        }
        other => locked(format!("the keychain cannot be used: {other}")),
    }
}

/// It was asked and is silent: most often it waits for a person.
fn no_answer(message: &str) -> Error {
    locked(message.to_owned())
        .with_help("it may be showing a dialog that asks to be unlocked: answer it, then try again")
}

fn locked(message: String) -> Error {
    Error::new(ErrorKind::StoreLocked, message)
}

/// The Secret Service (GNOME Keyring, KWallet, KeePassXC), over D-Bus.
#[cfg(target_os = "linux")]
mod platform {
    use std::os::unix::fs::FileTypeExt;
    use std::path::Path;
    use std::sync::Arc;

    use dbus_secret_service_keyring_store::Store;

    use super::{Result, locked};

    /// What people see in their keychain's own window.
    pub(super) const MODIFIERS: &[(&str, &str)] = &[("label", "Tokenkeep: key of the token store")];

    /// Items of others are found by service and account.
    pub(super) fn names_item(_name: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Opens the keychain, for one call.
    pub(super) fn store() -> keyring_core::Result<Arc<Store>> {
        Store::new()
    }

    /// Whether a session bus is there. libdbus, left alone without one, would try to start one by way
    /// of X11. It takes the bus from these two variables, so they are what has to be read here: this
    /// is the environment's word on the bus, not on Tokenkeep.
    pub(super) fn reachable() -> Result<()> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_socket = |path: &Path| path.metadata().is_ok_and(|found| found.file_type().is_socket());
        if set("DBUS_SESSION_BUS_ADDRESS")
            .is_some_and(|bus| !bus.as_encoded_bytes().starts_with(b"autolaunch:"))
            || set("XDG_RUNTIME_DIR").is_some_and(|folder| is_socket(&Path::new(&folder).join("bus")))
        {
            return Ok(());
        }
        Err(locked("no D-Bus session, and so no Secret Service, was found".to_owned()))
    }
}

/// The login keychain.
#[cfg(target_os = "macos")]
mod platform {
    use std::sync::Arc;

    use apple_native_keyring_store::keychain::Store;

    pub(super) const MODIFIERS: &[(&str, &str)] = &[];

    /// Items of others are found by service and account.
    pub(super) fn names_item(_name: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Opens the keychain, for one call.
    pub(super) fn store() -> keyring_core::Result<Arc<Store>> {
        Store::new()
    }

    /// It is part of the system.
    pub(super) fn reachable() -> super::Result<()> {
        Ok(())
    }
}

/// The Credential Manager.
#[cfg(windows)]
mod platform {
    use std::sync::Arc;

    use windows_native_keyring_store::Store;

    /// Not `Enterprise`, the default: the key does not roam to machines that have no records.
    pub(super) const MODIFIERS: &[(&str, &str)] = &[("persistence", "Local")];

    /// Items of others have one name, the target: `cmdkey /generic:SERVICE/ACCOUNT`.
    pub(super) fn names_item(name: &str) -> Vec<(&'static str, String)> {
        vec![("target", name.to_owned())]
    }

    /// Opens the keychain, for one call.
    pub(super) fn store() -> keyring_core::Result<Arc<Store>> {
        Store::new()
    }

    /// It is part of the system.
    pub(super) fn reachable() -> super::Result<()> {
        Ok(())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod platform {
    use std::sync::Arc;

    use keyring_core::mock::Store;

    pub(super) const MODIFIERS: &[(&str, &str)] = &[];

    /// Items of others are found by service and account.
    pub(super) fn names_item(_name: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Never called: the mock would forget the key.
    pub(super) fn store() -> keyring_core::Result<Arc<Store>> {
        Err(keyring_core::Error::NotSupportedByStore("no keychain".to_owned()))
    }

    pub(super) fn reachable() -> super::Result<()> {
        Err(super::locked("this system's keychain is not known here".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// What needs a real Secret Service is in `tests/interop/`.
    #[test]
    fn a_call_that_hangs_is_left_behind_and_the_next_one_does_not_join_it() {
        let (release, hung) = mpsc::channel::<()>();
        let started = Instant::now();
        let error = within(Duration::from_millis(50), move || {
            let _ = hung.recv();
            Ok(())
        })
        .unwrap_err();
        assert!(error.message().contains("did not answer"), "{error}");
        assert_eq!(error.code(), "store_locked");
        let error = within(Duration::from_secs(60), || Ok(())).unwrap_err();
        assert!(error.message().contains("earlier question"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5));
        // the dialog was answered: the keychain can be asked again
        drop(release);
        while within(Duration::from_secs(60), || Ok(())).is_err() {
            assert!(started.elapsed() < Duration::from_secs(5));
            thread::yield_now();
        }
    }

    #[test]
    fn an_error_never_shows_what_was_found() {
        let canary = || b"canary".to_vec();
        for error in [
            KeyringError::BadEncoding(canary()),
            KeyringError::BadDataFormat(canary(), "canary".into()),
            KeyringError::NoDefaultStore,
            KeyringError::Ambiguous(Vec::new()),
        ] {
            let error = refused(&error);
            assert_eq!(error.code(), "store_locked");
            assert!(!format!("{error} {error:?} {}", error.help()).contains("canary"), "{error}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn the_credential_manager_keeps_a_key() {
        let id = crate::store::key::to_hex(&crate::secret::random_bytes::<16>().unwrap());
        probe().unwrap();
        assert!(get(&id).unwrap().is_none() && !delete(&id).unwrap());
        for key in [VaultKey::generate().unwrap(), VaultKey::generate().unwrap()] {
            set(&id, &key).unwrap();
            assert_eq!(get(&id).unwrap().unwrap().as_bytes(), key.as_bytes());
        }
        assert!(delete(&id).unwrap());
        assert!(get(&id).unwrap().is_none());
    }
}
