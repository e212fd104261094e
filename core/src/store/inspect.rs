//! A look at a store, for `tokenkeep doctor`: what is there, how open it is, whether the key can be had.
//!
//! It makes nothing and moves nothing. The modes are those found first: the look for the key then does
//! what every opening does, and closes to others what is open to them.
//!
//! May not enter: repairs. Each state carries the error whose help is the repair.

use std::path::{Path, PathBuf};

use super::files::{Folder, PrivateDir, mode_of, too_open};
use super::keychain;
use super::vault::id_of;
use super::vault_file::{KeySource, VAULT_FILE, VaultFile};
use super::vault_key::{KEY_FILE, find_key};
use crate::error::{Error, Result};

/// What was found at a store's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultState {
    /// The folder.
    pub home: PathBuf,
    /// The folders and files that exist, and how open they are.
    pub files: Vec<FileState>,
    /// The vault's id, which names its keychain item; `None` when there is no vault, or its file cannot
    /// be read.
    pub id: Option<String>,
    /// Where the key is kept.
    pub key_source: Option<KeySource>,
    /// Whether the key can be had.
    pub key: KeyState,
    /// How many connections there are, readable or not.
    pub connections: usize,
    /// How many client registrations there are.
    pub registrations: usize,
    /// Damaged files that were kept aside.
    pub kept_aside: Vec<PathBuf>,
    /// Why there is no keychain; `None` when it answers.
    pub keychain: Option<Error>,
}

/// A folder or a file of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Where it is.
    pub path: PathBuf,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
    /// True when other users may do something with it.
    pub open_to_others: bool,
}

/// Whether a vault's key can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// There is no vault yet.
    NoVault,
    /// It was found, and it is the vault's.
    Found,
    /// It is a passphrase, which nobody was asked for.
    Asked,
    /// It cannot be had, or the store cannot be looked at.
    Missing(Error),
}

/// Looks at the store at `home`.
pub fn inspect(home: &Path) -> VaultState {
    let mut state = VaultState {
        home: home.to_owned(),
        files: files(home),
        id: None,
        key_source: None,
        key: KeyState::NoVault,
        connections: 0,
        registrations: 0,
        kept_aside: Vec::new(),
        keychain: keychain::probe().err(),
    };
    if let Err(error) = look(home, &mut state) {
        state.key = KeyState::Missing(error);
    }
    state
}

/// What exists, before anything is opened: opening closes to others what is open to them.
fn files(home: &Path) -> Vec<FileState> {
    let folders = [Folder::Home, Folder::Records, Folder::Registrations, Folder::Locks];
    let paths = folders.map(|folder| folder.path(home)).into_iter();
    let paths = paths.chain([home.join(VAULT_FILE), home.join(KEY_FILE)]);
    let state = |path: PathBuf| {
        let found = std::fs::symlink_metadata(&path).ok()?;
        Some(FileState { path, mode: mode_of(&found), open_to_others: too_open(&found) })
    };
    paths.filter_map(state).collect()
}

fn look(home: &Path, state: &mut VaultState) -> Result<()> {
    state.connections = count(home, Folder::Records, &mut state.kept_aside);
    state.registrations = count(home, Folder::Registrations, &mut state.kept_aside);
    let Some(dir) = PrivateDir::open(home, Folder::Home)? else { return Ok(()) };
    let Some(file) = VaultFile::read(&dir)? else { return Ok(()) };
    state.id = Some(file.id.clone());
    state.key_source = Some(file.key_source);
    state.key = KeyState::Asked;
    match (file.key_source, &state.keychain) {
        (KeySource::Passphrase, _) => return Ok(()),
        // It was asked once: a keychain that hangs is not waited for twice.
        (KeySource::Keychain, Some(error)) => return Err(error.clone()),
        _ => find_key(&dir, &file, None)?,
    };
    state.key = KeyState::Found;
    Ok(())
}

fn count(home: &Path, folder: Folder, kept_aside: &mut Vec<PathBuf>) -> usize {
    let folder = folder.path(home);
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    kept_aside.extend(names.iter().filter(|name| name.contains(".corrupt-")).map(|name| folder.join(name)));
    names.iter().filter(|name| id_of(name).is_some()).count()
}
