//! The vault key, and the keys and names that are derived from it.
//!
//! One 32-byte key opens a vault. It is never used as it is: each purpose has a subkey of its own,
//! HMAC-SHA256 of the vault key over the purpose's label, so that what one purpose shows to the world
//! (a file name, a check value) says nothing about another.
//!
//! May not enter: files, the keychain, the sealed format. Where the key comes from is `vault_key.rs`.

use std::fmt;

use ring::hmac::{self, HMAC_SHA256};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, ErrorKind, Result};

/// The labels. They are part of what is on disk and never change.
const SEAL: &str = "tokenkeep/vault/1/seal";
const RECORD_ID: &str = "tokenkeep/vault/1/record-id";
const CHECK: &str = "tokenkeep/vault/1/check";

/// The key of a vault. On the heap, so that a move leaves no copy behind; wiped when dropped.
pub(crate) struct VaultKey(Box<[u8; 32]>);

impl VaultKey {
    /// A new key, from the system's generator.
    pub(crate) fn generate() -> Result<Self> {
        let mut key = VaultKey(Box::new([0; 32]));
        // Filled where it stays, without `random_bytes` and its copy on the stack.
        getrandom::fill(key.0.as_mut_slice()).map_err(|error| {
            Error::new(ErrorKind::Internal, format!("the operating system gave no random bytes: {error}"))
        })?;
        Ok(key)
    }

    /// A key of exactly 32 bytes; `None` for any other length.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = VaultKey(Box::new([0; 32]));
        if bytes.len() != key.0.len() {
            return None;
        }
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes, for the place that keeps the key.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that seals records.
    pub(crate) fn seal_key(&self) -> SealKey {
        let mut key = SealKey(Box::new([0; 32]));
        let subkey = self.derive(SEAL);
        key.0.copy_from_slice(subkey.as_slice());
        key
    }

    /// What turns names into file names.
    pub(crate) fn record_ids(&self) -> RecordIds {
        RecordIds(hmac::Key::new(HMAC_SHA256, self.derive(RECORD_ID).as_slice()))
    }

    /// What proves, without the key, that a key is the one of the vault `id`: lower case hex.
    pub(crate) fn check_value(&self, id: &str) -> String {
        to_hex(hmac::sign(&self.check_key(), id.as_bytes()).as_ref())
    }

    /// True when `check` is this key's check value for the vault `id`; takes the same time for every
    /// wrong value.
    pub(crate) fn matches(&self, id: &str, check: &str) -> bool {
        from_hex(check).is_some_and(|tag| hmac::verify(&self.check_key(), id.as_bytes(), &tag).is_ok())
    }

    /// The key of check values.
    fn check_key(&self) -> hmac::Key {
        hmac::Key::new(HMAC_SHA256, self.derive(CHECK).as_slice())
    }

    /// The subkey for one purpose.
    fn derive(&self, label: &str) -> Zeroizing<Vec<u8>> {
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, self.0.as_slice()), label.as_bytes());
        Zeroizing::new(tag.as_ref().to_vec())
    }
}

impl Drop for VaultKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(redacted)")
    }
}

/// The key that seals records, and nothing else. Wiped when dropped.
pub(crate) struct SealKey(Box<[u8; 32]>);

impl SealKey {
    /// The bytes, for the cipher.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(redacted)")
    }
}

/// Turns the name of a record into the name of its file, so that a listing of the folder does not tell
/// which providers somebody uses.
pub(crate) struct RecordIds(hmac::Key);

impl RecordIds {
    /// The id of the `name`d record of `kind`: HMAC-SHA256 over `kind`, a zero byte and `name`, of
    /// which the first 16 bytes are written in lower case hex.
    pub(crate) fn id(&self, kind: &str, name: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        // Neither part can hold a zero byte, so no two pairs run together.
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(name.as_bytes());
        to_hex(&context.sign().as_ref()[..16])
    }
}

/// Lower case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes that lower case hex stands for; `None` when it is anything else. Wiped when dropped,
/// because a key file goes through here.
pub(crate) fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push((digit(*high)? << 4) | digit(*low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> VaultKey {
        VaultKey::from_slice(&[7; 32]).unwrap()
    }

    #[test]
    fn purposes_do_not_share_a_key() {
        let subkeys = [key().derive(SEAL), key().derive(RECORD_ID), key().derive(CHECK)];
        for (index, subkey) in subkeys.iter().enumerate() {
            assert_eq!(subkey.len(), 32);
            assert_ne!(subkey.as_slice(), key().as_bytes());
            assert!(subkeys[..index].iter().all(|other| other != subkey));
        }
        assert_eq!(key().seal_key().as_bytes().as_slice(), key().derive(SEAL).as_slice());
    }

    /// Computed with another program (Python's hmac), so that a slip here cannot move every file.
    #[test]
    fn derivation_is_frozen() {
        assert_eq!(
            to_hex(&key().derive(SEAL)),
            "36e8c22c5725d68fd1a8a3acf0c0ad9ac0e957376ff9b1e0edd0b6f412b4f066"
        );
        assert_eq!(
            key().record_ids().id("connection", "microsoft/default"),
            "b13f3c34272027be944b4fad983ae4f6"
        );
        assert_eq!(
            key().check_value("00ff"),
            "c2452bc4d74937d1ebc4c40b5993840355e7a8e1a3805bbb342d05f8fd78f1d8"
        );
    }

    #[test]
    fn ids_tell_records_apart_and_do_not_name_them() {
        let ids = key().record_ids();
        let id = ids.id("connection", "github/default");
        assert_eq!(id.len(), 32);
        assert_ne!(id, ids.id("registration", "github/default"));
        assert_ne!(id, ids.id("connection", "github/work"));
        assert_ne!(
            id,
            VaultKey::from_slice(&[8; 32]).unwrap().record_ids().id("connection", "github/default")
        );
    }

    #[test]
    fn a_check_value_fits_one_key_and_one_vault() {
        let check = key().check_value("a");
        assert!(key().matches("a", &check));
        assert!(!key().matches("b", &check));
        assert!(!VaultKey::from_slice(&[8; 32]).unwrap().matches("a", &check));
        assert!(!key().matches("a", "not hex") && !key().matches("a", ""));
    }

    #[test]
    fn two_keys_differ_and_neither_is_printed() {
        let (one, two) = (VaultKey::generate().unwrap(), VaultKey::generate().unwrap());
        assert_ne!(one.as_bytes(), two.as_bytes());
        assert_eq!(format!("{one:?} {:?}", one.seal_key()), "VaultKey(redacted) SealKey(redacted)");
        assert!(VaultKey::from_slice(&[0; 31]).is_none());
    }

    #[test]
    fn hex_both_ways() {
        assert_eq!(to_hex(&[0, 0x9a, 0xff]), "009aff");
        assert_eq!(from_hex("009aff").unwrap().as_slice(), [0, 0x9a, 0xff]);
        for bad in ["0", "0g", "FF", " 00"] {
            assert!(from_hex(bad).is_none(), "{bad:?}");
        }
    }
}
