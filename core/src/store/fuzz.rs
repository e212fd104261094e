//! What must hold for the files of a store, whoever wrote them: see `crate::fuzz`, whose part this is. It
//! stands here because the sealed format is nobody else's business.

// An assertion that does not hold ends the run with its input; so does what cannot be had.
#![allow(clippy::expect_used)]

use serde::de::DeserializeOwned;

use super::key::{SealKey, VaultKey, from_hex};
use super::record::{ConnectionRecord, DynamicRegistration, Record, RegistrationRecord};
use super::sealed::{NONCE, Opened, open, seal};
use super::vault_file::VaultFile;
use crate::secret::Secret;

/// The id of a record of `tests/vectors/record_v1`, whose key is the one used here.
const CONNECTION: &str = "4957e37339483c0d983d29cfefc49b39";
/// The same of a registration.
const REGISTRATION: &str = "734f49ee29017c117f21e05a64acae36";

/// A file of a store: a sealed record, the JSON in one, or `vault.json`.
pub fn vault_record(data: &[u8]) {
    let bytes: [u8; 32] = std::array::from_fn(|at| at as u8);
    let key = VaultKey::from_slice(&bytes).expect("32 bytes are a key").seal_key();
    sealed::<ConnectionRecord>(&key, CONNECTION, data);
    sealed::<RegistrationRecord>(&key, REGISTRATION, data);
    json::<ConnectionRecord>(&key, data, |record| {
        let mut record = record.clone();
        record.refresh_token = record.refresh_token.map(another);
        record.client.client_secret = record.client.client_secret.map(another);
        for token in &mut record.access_tokens {
            token.secret = another(token.secret.clone());
        }
        record
    });
    json::<RegistrationRecord>(&key, data, |record| {
        let client_secret = record.client_secret.clone().map(another);
        let dynamic = record.dynamic.clone().map(|dynamic| DynamicRegistration {
            registration_access_token: dynamic.registration_access_token.map(another),
            ..dynamic
        });
        RegistrationRecord { client_secret, dynamic, ..record.clone() }
    });
    vault_file(data);
}

/// What opens is what was sealed, to the byte. Only who has the key makes such a file: this one's are the
/// frozen samples.
fn sealed<R: Record>(key: &SealKey, id: &str, data: &[u8]) {
    let Ok(Opened { generation, record }) = open::<R>(key, id, data) else { return };
    let lines = data.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let nonce = lines.take(2).last().map(|end| end + 1 + 8).and_then(|at| data.get(at..at + NONCE));
    let nonce = nonce.and_then(|nonce| nonce.try_into().ok()).expect("a file that opens has a nonce");
    assert!(seal(key, id, generation, nonce, &record).expect("it was sealed before") == data);
}

/// A record that JSON gives is the same after it was kept, opens nowhere else, and does not open when any of
/// its bytes is another one. What `Debug` says of it does not depend on its secrets.
fn json<R>(key: &SealKey, data: &[u8], with_other_secrets: impl Fn(&R) -> R)
where
    R: Record + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let Ok(record) = serde_json::from_slice::<R>(data) else { return };
    let nonce = [7; NONCE];
    let mut file = seal(key, "id", 3, &nonce, &record).expect("a record is not too large");
    let opened: Opened<R> = open(key, "id", &file).expect("what was sealed opens");
    assert!(opened.generation == 3 && opened.record == record);
    assert!(seal(key, "id", 3, &nonce, &opened.record).expect("as before") == file);
    assert!(open::<R>(key, "other", &file).is_err());
    // Not every byte of every record: the input chooses one.
    let at = data.iter().fold(data.len(), |sum, byte| sum * 31 % 65_521 + usize::from(*byte)) % file.len();
    file[at] ^= 1;
    assert!(open::<R>(key, "id", &file).is_err());
    assert_eq!(format!("{:?}", with_other_secrets(&record)), format!("{record:?}"));
}

/// A file that is taken is written back the same, names its keychain item in hex, and asks for no more memory
/// than it may.
fn vault_file(data: &[u8]) {
    let Ok(file) = VaultFile::parse(data) else { return };
    assert!(from_hex(&file.id).is_some_and(|id| id.len() == 16));
    let text = serde_json::to_vec(&file).expect("it was JSON before");
    assert!(VaultFile::parse(&text).as_ref() == Ok(&file));
    for length in 0..text.len() {
        assert!(VaultFile::parse(&text[..length]).is_err());
    }
}

fn another(secret: Secret) -> Secret {
    // Another one of the same length, which is all that may show of it.
    Secret::new(secret.expose().chars().map(|c| if c == 'x' { 'y' } else { 'x' }).collect::<String>())
}
