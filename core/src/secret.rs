//! The one type that holds a secret, and the one door through which it can be read.
//!
//! A [`Secret`] has no `Display`, its `Debug` says only that it is there, its memory is wiped when it
//! is dropped, and nothing but [`Secret::expose`] gives it out: `grep expose` is the audit.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serializer};
use subtle::ConstantTimeEq;

use crate::error::{Error, ErrorKind, Result};

/// A token, a code, a verifier, a passphrase: text that must never be seen. Clones share the one text, which
/// is wiped when the last of them is dropped.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes `text` over; the caller's copy is the caller's to forget.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Arc::new(SecretString::from(text.into())))
    }

    /// The text itself. Every call is a place where a secret leaves this type.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True when both are clones of one secret, which says that they are equal and costs nothing to see. Two secrets
    /// of the same text need not be.
    pub fn is_clone_of(&self, other: &Secret) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// True when there is nothing in it. Servers do send empty tokens.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

/// Compares in a time that does not depend on where the difference is.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// For `#[serde(serialize_with)]` on the fields of sealed records: writing a secret down has to be
/// asked for, field by field.
pub(crate) fn serialize_exposed<S: Serializer>(
    secret: &Secret,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// The same for a secret that may be absent.
pub(crate) fn serialize_exposed_option<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

/// Bytes from the operating system's generator.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the operating system gave no random bytes: {error}"))
    })?;
    Ok(bytes)
}

/// 256 random bits as text that fits a URL: 43 characters.
pub(crate) fn random_text() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("canary");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "Secret(redacted) Some(\n    Secret(redacted),\n)"
        );
    }

    #[test]
    fn equality_is_of_the_text() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("aa"));
        let secret = Secret::new("a");
        assert!(secret.is_clone_of(&secret.clone()) && !secret.is_clone_of(&Secret::new("a")));
    }
}
