//! `vault.json`: which vault this is, where its key is kept, and how to tell the right key.
//!
//! It holds no secret. What stands here is a promise:
//! - `schema`: `tokenkeep/vault/1`. A higher number was written by a newer Tokenkeep and is refused.
//! - `id`: 32 lower case hex digits, random; names the vault, and the keychain's item.
//! - `key_source`: `keychain`, `passphrase` or `file`.
//! - `argon2`: for a passphrase only: `memory_kib`, `passes`, `lanes`, and `salt` in hex. The vault key
//!   is Argon2id version 1.3 (RFC 9106) of the passphrase's bytes, 32 bytes long.
//! - `check`: the key's check value for `id` (`key.rs`).
//!
//! Members that are not known are skipped, under the rules of `record.rs`.
//!
//! May not enter: getting or keeping a key. That is `vault_key.rs`.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::files::PrivateDir;
use super::key::{self, VaultKey};
use super::sealed::Refusal;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{Secret, random_bytes};

/// The file. A folder that has it is a vault.
pub(crate) const VAULT_FILE: &str = "vault.json";
const FAMILY: &str = "tokenkeep/vault/";
const VERSION: u32 = 1;

/// Where a vault's key is kept. Chosen once, when the vault is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeySource {
    /// In the system's keychain: the key is not among the files.
    Keychain,
    /// Nowhere: it is computed from a passphrase each time.
    Passphrase,
    /// In `vault.key`, beside the records: whoever copies the folder has everything.
    File,
}

impl KeySource {
    /// The name, as it is written in `vault.json` and typed on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            KeySource::Keychain => "keychain",
            KeySource::Passphrase => "passphrase",
            KeySource::File => "file",
        }
    }
}

impl FromStr for KeySource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [KeySource::Keychain, KeySource::Passphrase, KeySource::File];
        known.into_iter().find(|source| source.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a place to keep a key"))
                .with_help("it is one of keychain, passphrase, file")
        })
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `vault.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VaultFile {
    schema: String,
    pub(crate) id: String,
    pub(crate) key_source: KeySource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2: Option<Argon2Parameters>,
    check: String,
}

/// How a passphrase becomes a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Argon2Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

impl VaultFile {
    /// The file of a vault that `key` opens.
    pub(crate) fn new(
        id: String,
        key_source: KeySource,
        argon2: Option<Argon2Parameters>,
        key: &VaultKey,
    ) -> Self {
        let check = key.check_value(&id);
        VaultFile { schema: format!("{FAMILY}{VERSION}"), id, key_source, argon2, check }
    }

    /// What stands in the folder; `None` when there is no such file.
    pub(crate) fn read(home: &PrivateDir) -> Result<Option<Self>> {
        let Some(text) = home.read(VAULT_FILE)? else { return Ok(None) };
        let refused = |what: &str, help: &str| {
            let path = home.path_of(VAULT_FILE);
            Error::new(ErrorKind::StoreCorrupt, format!("{} {what}", path.display())).with_help(help)
        };
        VaultFile::parse(&text).map(Some).map_err(|refusal| match refusal {
            Refusal::Newer => refused(
                "was written by a newer version of Tokenkeep",
                "use that version; the file was left as it is",
            ),
            Refusal::Damaged => refused(
                "is damaged",
                "put it back from a backup: the records are kept, and only this file tells their key",
            ),
        })
    }

    /// What the file's text says.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let tag: Tag = serde_json::from_slice(text).map_err(|_| Refusal::Damaged)?;
        let version = tag.schema.strip_prefix(FAMILY).and_then(|digits| digits.parse::<u32>().ok());
        if version.is_some_and(|version| version > VERSION) {
            return Err(Refusal::Newer);
        }
        let file: VaultFile = serde_json::from_slice(text).map_err(|_| Refusal::Damaged)?;
        if version == Some(VERSION) && file.is_sound() { Ok(file) } else { Err(Refusal::Damaged) }
    }

    /// Writes the file, durably: from here on the vault exists.
    pub(crate) fn write(&self, home: &PrivateDir) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("{VAULT_FILE}: {error}")))?;
        text.push(b'\n');
        home.write(VAULT_FILE, &text)
    }

    /// True when `key` opens this vault.
    pub(crate) fn fits(&self, key: &VaultKey) -> bool {
        key.matches(&self.id, &self.check)
    }

    /// How the passphrase becomes the key; `None` when there is no passphrase.
    pub(crate) fn argon2(&self) -> Option<&Argon2Parameters> {
        self.argon2.as_ref()
    }

    /// True when every member has its form: the id becomes a keychain item's name.
    fn is_sound(&self) -> bool {
        let hex = |text: &str, bytes| key::from_hex(text).is_some_and(|found| found.len() == bytes);
        let argon2 = match (self.key_source, &self.argon2) {
            (KeySource::Passphrase, Some(parameters)) => parameters.is_sound(),
            (KeySource::Passphrase, None) => false,
            _ => true,
        };
        hex(&self.id, 16) && hex(&self.check, 32) && argon2
    }
}

/// The one member that every version has.
#[derive(Deserialize)]
struct Tag {
    schema: String,
}

impl Argon2Parameters {
    /// What new vaults get, with a salt of their own: 64 MiB and three passes, the second choice of
    /// RFC 9106 4 with one lane, about 0.2 s.
    pub(crate) fn generate() -> Result<Self> {
        Argon2Parameters::with_cost(64 * 1024, 3)
    }

    /// The same with another cost.
    pub(crate) fn with_cost(memory_kib: u32, passes: u32) -> Result<Self> {
        let salt = key::to_hex(&random_bytes::<16>()?);
        Ok(Argon2Parameters { memory_kib, passes, lanes: 1, salt })
    }

    /// The key of that passphrase.
    pub(crate) fn derive(&self, passphrase: &Secret) -> Result<VaultKey> {
        let failed = |error| Error::new(ErrorKind::Internal, format!("Argon2id: {error}"));
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(failed)?;
        let salt = key::from_hex(&self.salt).unwrap_or_default();
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, bytes.as_mut_slice())
            .map_err(failed)?;
        VaultKey::from_slice(bytes.as_slice())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "Argon2id gave a key of another length"))
    }

    /// Bounds: whoever can write this file could otherwise make opening it take all memory, or an hour.
    fn is_sound(&self) -> bool {
        let salt = key::from_hex(&self.salt).map_or(0, |salt| salt.len());
        (8 * 1024..=1024 * 1024).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=8).contains(&self.lanes)
            && (16..=64).contains(&salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::Folder;

    fn parameters(memory_kib: u32, passes: u32, lanes: u32, salt: &str) -> Argon2Parameters {
        Argon2Parameters { memory_kib, passes, lanes, salt: salt.to_owned() }
    }

    /// The reference implementation's own test (phc-winner-argon2, src/test.c): version 1.3, 2 passes,
    /// 256 KiB, "password" and "somesalt".
    #[test]
    fn argon2_gives_the_known_answer() {
        let known = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe";
        let derived = parameters(256, 2, 1, &key::to_hex(b"somesalt")).derive(&Secret::new("password"));
        assert_eq!(key::to_hex(derived.unwrap().as_bytes()), known);
    }

    #[test]
    fn parameters_out_of_bounds_are_damage() {
        let salt = "00".repeat(16);
        assert!(parameters(65536, 3, 1, &salt).is_sound());
        assert!(Argon2Parameters::generate().unwrap().is_sound());
        for (memory, passes, lanes, salt) in [
            (u32::MAX, 3, 1, salt.clone()),
            (1024 * 1024 + 1, 3, 1, salt.clone()),
            (1024, 3, 1, salt.clone()),
            (65536, 0, 1, salt.clone()),
            (65536, u32::MAX, 1, salt.clone()),
            (65536, 3, 0, salt.clone()),
            (65536, 3, 9, salt.clone()),
            (65536, 3, 1, "00".repeat(15)),
            (65536, 3, 1, "00".repeat(65)),
            (65536, 3, 1, "zz".repeat(16)),
        ] {
            assert!(!parameters(memory, passes, lanes, &salt).is_sound(), "{memory} {passes} {lanes} {salt}");
        }
    }

    #[test]
    fn sources_by_name() {
        for source in [KeySource::Keychain, KeySource::Passphrase, KeySource::File] {
            assert_eq!(source.to_string().parse::<KeySource>().unwrap(), source);
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        assert_eq!("Keychain".parse::<KeySource>().unwrap_err().code(), "config_invalid");
    }

    #[test]
    fn damage_and_newer_versions_are_told_apart_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = PrivateDir::create(folder.path(), Folder::Home).unwrap();
        assert!(VaultFile::read(&home).unwrap().is_none());
        let key = VaultKey::generate().unwrap();
        let file = VaultFile::new("ab".repeat(16), KeySource::File, None, &key);
        file.write(&home).unwrap();
        assert_eq!(VaultFile::read(&home).unwrap(), Some(file.clone()));
        assert!(file.fits(&key) && !file.fits(&VaultKey::generate().unwrap()));

        let good = String::from_utf8(home.read(VAULT_FILE).unwrap().unwrap().to_vec()).unwrap();
        let cases = [
            (good.replace("vault/1", "vault/2"), "newer"),
            (good.replace("\"file\"", "\"tpm\"").replace("vault/1", "vault/7"), "newer"),
            (good.replace("vault/1", "vault/0"), "damaged"),
            (good.replace("\"file\"", "\"passphrase\""), "damaged"),
            (good.replace("\"file\"", "\"tpm\""), "damaged"),
            (good.replace("abab", "../a"), "damaged"),
            (good[..good.len() / 2].to_owned(), "damaged"),
            (String::new(), "damaged"),
            ("[".repeat(100_000), "damaged"),
        ];
        for (text, expected) in cases {
            home.write(VAULT_FILE, text.as_bytes()).unwrap();
            let error = VaultFile::read(&home).unwrap_err();
            assert_eq!(error.code(), "store_corrupt");
            assert!(error.message().contains(expected) && error.message().contains(VAULT_FILE), "{error}");
            assert_eq!(home.read(VAULT_FILE).unwrap().unwrap().as_slice(), text.as_bytes());
        }
        // a member that a later version added is skipped
        home.write(VAULT_FILE, good.replacen('{', "{\"later\": 1,", 1).as_bytes()).unwrap();
        assert_eq!(VaultFile::read(&home).unwrap(), Some(file));
    }
}
