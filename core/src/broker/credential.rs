//! What a confidential client proves itself with, from the options of a login: read and judged before anything is sent.
//!
//! A file or an item of the keychain is read now and never again: what it holds is kept, sealed, in the record. May not
//! enter: what the variables and the store know (`client_registration`).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::LoginOptions;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::ClientKey;
use crate::provider::{Credential, Proof};
use crate::secret::Secret;
use crate::store::keychain_item;

/// A longer file is some other file.
const LIMIT: u64 = 64 << 10;

/// The credential that the options give, if they give one. Blocks: a keychain may ask its user.
///
/// # Errors
/// `config_invalid`: there is more than one, it cannot be read, or it is neither a client secret nor a private key; `store_locked`: the keychain gives nothing.
pub(super) fn read(options: &LoginOptions) -> Result<Option<Credential>> {
    let LoginOptions { client_secret, certificate, credential_file, credential_keychain, .. } = options;
    let given = [
        ("a client secret", client_secret.is_some()),
        ("a certificate or private key", certificate.is_some()),
        ("a credential file", credential_file.is_some()),
        ("an item of the keychain", credential_keychain.is_some()),
    ];
    let given: Vec<_> = given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect();
    if given.len() > 1 {
        let message = format!("there is more than one credential: {}", given.join(", "));
        return Err(Error::new(ErrorKind::ConfigInvalid, message).with_help("give one of them"));
    }
    let secret = |secret| Credential { proof: Proof::Secret(secret), expires_at: None };
    if let Some(client_secret) = client_secret {
        return Ok(Some(secret(client_secret.clone())));
    }
    if let Some(pem) = certificate {
        return by_key(pem.clone()).map(Some);
    }
    let (place, text) = match (credential_file, credential_keychain) {
        (Some(path), _) => (format!("the file {}", path.display()), read_file(path)?),
        (None, Some(name)) => (format!("the keychain item {name}"), read_item(name)?),
        (None, None) => return Ok(None),
    };
    if text.expose().contains("-----BEGIN ") {
        return by_key(text).map(Some);
    }
    let line = text.expose().trim_end_matches(['\r', '\n']);
    // RFC 6749 A.2: `*VSCHAR`.
    if line.is_empty() || !line.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        let message = format!("{place} holds neither a client secret nor a private key");
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("a client secret is one line; a private key, with or without its certificate, is PEM (-----BEGIN ...)"));
    }
    Ok(Some(secret(Secret::new(line))))
}

/// `credential`, ending on the day that the options name.
///
/// # Errors
/// `config_invalid` for what is no day, for a certificate, and without a credential.
pub(super) fn ending(credential: Option<Credential>, day: Option<&str>) -> Result<Option<Credential>> {
    let Some(day) = day else { return Ok(credential) };
    let invalid = |message: String, help| Error::new(ErrorKind::ConfigInvalid, message).with_help(help);
    let expires_at = Timestamp::from_date(day)
        .ok_or_else(|| invalid(format!("{day:?} is not a day"), "write it as 2027-01-31"))?;
    match credential {
        Some(Credential { proof: proof @ Proof::Secret(_), .. }) => {
            Ok(Some(Credential { proof, expires_at: Some(expires_at) }))
        }
        Some(_) => Err(invalid(
            "a certificate says itself when it ends, and a key alone does not".to_owned(),
            "leave out --credential-expires",
        )),
        None => Err(invalid(
            "there is no client secret that could expire".to_owned(),
            "leave out --credential-expires",
        )),
    }
}

fn by_key(pem: Secret) -> Result<Credential> {
    let expires_at = ClientKey::read(&pem)?.ends();
    Ok(Credential { proof: Proof::Key(pem), expires_at })
}

fn read_file(path: &Path) -> Result<Secret> {
    let unreadable = |why: &dyn std::fmt::Display| {
        let message = format!("the credential file {} cannot be read: {why}", path.display());
        Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("check the path, and whether you may read the file")
    };
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 > LIMIT => Err(unreadable(&"it is longer than 64 KiB")),
        Ok(_) => Ok(Secret::new(text.as_str())),
        Err(error) => Err(unreadable(&error)),
    }
}

fn read_item(name: &str) -> Result<Secret> {
    let invalid = |message: String, help: &str| Error::new(ErrorKind::ConfigInvalid, message).with_help(help);
    let parts = name.split_once('/').filter(|(service, account)| !service.is_empty() && !account.is_empty());
    let (service, account) = parts.ok_or_else(|| {
        invalid(format!("{name:?} does not name an item of the keychain"), "write it as SERVICE/ACCOUNT")
    })?;
    keychain_item(service, account)?.ok_or_else(|| {
        invalid(
            format!("the keychain has no item {name}"),
            "store it there first, under this service and this account",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/client_certificate");

    fn of_file(contents: &[u8]) -> Result<Option<Credential>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        read(&LoginOptions { credential_file: Some(file.path().into()), ..Default::default() })
    }

    #[test]
    fn a_file_is_a_secret_or_a_certificate() {
        assert_eq!(read(&LoginOptions::default()).unwrap(), None);
        for contents in ["s3 cret", "s3 cret\n", "s3 cret\r\n"] {
            let found = of_file(contents.as_bytes()).unwrap().unwrap();
            assert_eq!(found, Credential { proof: Proof::Secret(Secret::new("s3 cret")), expires_at: None });
        }
        let read = |name| std::fs::read_to_string(format!("{VECTORS}/{name}")).unwrap();
        let pem = format!("Bag Attributes\n{}{}", read("rsa.key"), read("rsa.crt"));
        let found = of_file(pem.as_bytes()).unwrap().unwrap();
        assert_eq!(found.expires_at, Some(Timestamp::from_unix(2_486_487_522)));
        assert_eq!(found.proof, Proof::Key(Secret::new(pem)));
        for name in ["ec.key", "ec_sec1.key", "rsa_pkcs1.key"] {
            let found = of_file(read(name).as_bytes()).unwrap().unwrap();
            assert_eq!(found, Credential { proof: Proof::Key(Secret::new(read(name))), expires_at: None });
        }
    }

    #[test]
    fn what_is_neither_is_said_without_showing_it() {
        for contents in [&b"canary\ncanary"[..], b"", b"\n", b"can\0ary", b"\xff\xfecanary", &[b'c'; 70_000]]
        {
            let error = of_file(contents).unwrap_err();
            assert_eq!(error.code(), "config_invalid");
            assert!(!format!("{error}{}", error.help()).contains("canary"), "{error}");
        }
        let missing = LoginOptions { credential_file: Some("/nowhere/at/all".into()), ..Default::default() };
        assert!(read(&missing).unwrap_err().message().contains("/nowhere/at/all"));
        for name in ["service", "/account", "service/"] {
            let named = LoginOptions { credential_keychain: Some(name.to_owned()), ..Default::default() };
            assert_eq!(read(&named).unwrap_err().help(), "write it as SERVICE/ACCOUNT");
        }
        let two = LoginOptions { client_secret: Some(Secret::new("a")), ..missing };
        let message = "there is more than one credential: a client secret, a credential file";
        assert_eq!(read(&two).unwrap_err().message(), message);
    }

    #[test]
    fn a_secret_ends_when_that_is_said_and_a_certificate_says_it_itself() {
        let credential = |proof| Some(Credential { proof, expires_at: None });
        let secret = || credential(Proof::Secret(Secret::new("a")));
        let ends = ending(secret(), Some("2027-01-31")).unwrap().unwrap().expires_at;
        assert_eq!(ends, Some(Timestamp::from_unix(1_801_353_600)));
        assert_eq!(ending(secret(), None).unwrap(), secret());
        let certificate = credential(Proof::Key(Secret::new("a")));
        for (credential, day) in [(secret(), "31.1.2027"), (certificate, "2027-01-31"), (None, "2027-01-31")]
        {
            assert_eq!(ending(credential, Some(day)).unwrap_err().code(), "config_invalid");
        }
    }
}
