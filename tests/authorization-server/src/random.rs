//! Randomness, and the forms in which it is given out: tokens, user codes, GUIDs.
//!
//! The system is asked once, at the start, where a failure can still be told; after that every value is
//! HMAC-SHA-256 of a counter under that key, which cannot fail.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// Ends every value that may hold any printable character (RFC 6749, appendix A.11 and A.17: VSCHAR), so that a
/// client which does not form-encode it fails its first test.
const AWKWARD_END: &str = "+/=&%~";

/// Letters of a user code: consonants, so that no word appears and nothing looks like a digit (RFC 8628,
/// section 6.1).
const USER_CODE_LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The source of everything that must not be guessed or repeated.
pub(crate) struct Random {
    key: hmac::Key,
    counter: AtomicU64,
}

impl Random {
    /// Asks the system for a key.
    pub(crate) fn new() -> io::Result<Self> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system gave no randomness"))?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), counter: AtomicU64::new(0) })
    }

    /// An authorization code, refresh token or device code: its kind, then 256 bits, then awkward characters.
    pub(crate) fn awkward_token(&self, kind: &str) -> String {
        format!("{kind}-{}{AWKWARD_END}", URL_SAFE_NO_PAD.encode(self.block()))
    }

    /// An access token, which may hold only `b64token` characters (RFC 6750, section 2.1).
    pub(crate) fn access_token(&self, blocks: usize) -> String {
        let bytes: Vec<u8> = (0..blocks).flat_map(|_| self.block()).collect();
        format!("access-{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `WDJB-MJHT`, the form that RFC 8628 shows.
    pub(crate) fn user_code(&self) -> String {
        let block = self.block();
        let letter = |byte: &u8| char::from(USER_CODE_LETTERS[usize::from(*byte) % USER_CODE_LETTERS.len()]);
        let half = |bytes: &[u8]| bytes.iter().map(letter).collect::<String>();
        format!("{}-{}", half(&block[..4]), half(&block[4..8]))
    }

    /// A random GUID (RFC 9562, version 4).
    pub(crate) fn guid(&self) -> String {
        guid_of(&self.block())
    }

    fn block(&self) -> [u8; 32] {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let mut block = [0; 32];
        block.copy_from_slice(hmac::sign(&self.key, &count.to_be_bytes()).as_ref());
        block
    }
}

/// A GUID that stands for `name`: the same name gives the same GUID.
pub(crate) fn guid_for(name: &str) -> String {
    guid_of(ring::digest::digest(&ring::digest::SHA256, name.as_bytes()).as_ref())
}

/// Is this a GUID in its usual form?
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, character)| match at {
            8 | 13 | 18 | 23 => character == '-',
            _ => character.is_ascii_hexdigit(),
        })
}

/// The first sixteen bytes, with the version and variant bits of RFC 9562 set.
fn guid_of(bytes: &[u8]) -> String {
    let number = bytes.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let hex = format!("{:032x}", number & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_guids() {
        let random = Random::new().unwrap();
        assert_ne!(random.guid(), random.guid());
        for guid in [random.guid(), guid_for("contoso.com")] {
            assert!(is_guid(&guid), "{guid}");
            assert_eq!(&guid[14..15], "4", "version");
            assert!("89ab".contains(&guid[19..20]), "variant");
        }
        assert_eq!(guid_for("a"), guid_for("a"));
        for wrong in
            ["", "public", "9188040d-6c67-4c5b-b112-36a304b66da", "9188040d16c67-4c5b-b112-36a304b66dad"]
        {
            assert!(!is_guid(wrong), "{wrong}");
        }
    }

    #[test]
    fn user_codes_have_the_form_of_the_rfc() {
        let code = Random::new().unwrap().user_code();
        assert_eq!((code.len(), code.find('-')), (9, Some(4)));
    }

    #[test]
    fn access_tokens_are_as_long_as_asked_and_never_repeat() {
        let random = Random::new().unwrap();
        assert_eq!(random.access_token(3).len(), "access-".len() + 128);
        assert_ne!(random.access_token(1), random.access_token(1));
    }
}
