//! Just enough DER (X.690) to find two things in a certificate (RFC 5280 4.1), its end and its public key, and the two
//! numbers of an elliptic curve's key (RFC 5915 3).
//!
//! They are the user's own, and nothing here is proof of anything: a wrong end would be a wrong warning, and a
//! wrong key a refusal. For that a walk along tags and lengths will do, and a library of X.509 would be six crates more.
//!
//! May not enter: trust. Signatures, chains and names are for those who are shown the certificate.

use crate::clock::Timestamp;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version.
const VERSION: u8 = 0xa0;
/// `[0] EXPLICIT`, the curve, and `[1] EXPLICIT`, the public key.
const CURVE: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;
/// `prime256v1`, 1.2.840.10045.3.1.7 (RFC 5480 2.1.1.1).
const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// What is read of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    /// `notAfter`: the day that it ends, and the time of it.
    pub(super) ends: Timestamp,
    /// The contents of `subjectPublicKey`: for RSA, an `RSAPublicKey` (RFC 8017 A.1.1).
    pub(super) public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads `Certificate` of RFC 5280 4.1; `None` for anything else.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Elements(Elements(der).expect(SEQUENCE)?);
        let mut signed = Elements(certificate.expect(SEQUENCE)?);
        if signed.0.first() == Some(&VERSION) {
            signed.next()?;
        }
        signed.expect(INTEGER)?; // serialNumber
        signed.expect(SEQUENCE)?; // signature
        signed.expect(SEQUENCE)?; // issuer
        let mut validity = Elements(signed.expect(SEQUENCE)?);
        validity.next()?; // notBefore
        let ends = time(validity.next()?)?;
        signed.expect(SEQUENCE)?; // subject
        let mut key = Elements(signed.expect(SEQUENCE)?);
        key.expect(SEQUENCE)?; // algorithm
        let public_key = key.expect_bytes()?;
        Some(Certificate { ends, public_key })
    }
}

/// What is read of an elliptic curve's private key.
pub(super) struct EcPrivateKey<'a> {
    pub(super) is_p256: bool,
    pub(super) private_key: &'a [u8],
    pub(super) public_key: Option<&'a [u8]>,
}

impl<'a> EcPrivateKey<'a> {
    /// Reads `ECPrivateKey` of RFC 5915 3; `None` for anything else.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut key = Elements(Elements(der).expect(SEQUENCE)?);
        key.expect(INTEGER)?; // version
        let private_key = key.expect(OCTET_STRING)?;
        let mut read = EcPrivateKey { is_p256: false, private_key, public_key: None };
        while let Some((tag, contents)) = key.next() {
            match tag {
                CURVE => read.is_p256 = Elements(contents).expect(OBJECT_IDENTIFIER)? == P256,
                PUBLIC_KEY => read.public_key = Some(Elements(contents).expect_bytes()?),
                _ => return None,
            }
        }
        Some(read)
    }
}

/// The elements that are left of a sequence.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next one: its tag and its contents.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // Four bytes of length are more than any certificate has; 0x80 is not DER.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, contents))
    }

    /// The contents of the next one, which must be of that tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
    }

    /// The bytes of the next one, which must be a bit string of whole bytes.
    fn expect_bytes(&mut self) -> Option<&'a [u8]> {
        // The first byte says how many bits of the last one do not count: none, where bytes are meant.
        let (0, bytes) = self.expect(BIT_STRING)?.split_first()? else { return None };
        Some(bytes)
    }
}

/// RFC 5280 4.1.2.5: `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time((tag, contents): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(contents).ok()?.strip_suffix('Z')?;
    let text = match (tag, text.get(..2)?) {
        (UTC_TIME, year) => format!("{}{text}", if year < "50" { "20" } else { "19" }),
        (GENERALIZED_TIME, _) => text.to_owned(),
        _ => return None,
    };
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date = Timestamp::from_date(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..8]))?;
    let number = |at: usize| text[at..at + 2].parse::<i64>().ok();
    Some(date.plus(number(8)? * 3600 + number(10)? * 60 + number(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_both_centuries() {
        let read = |tag, text: &str| time((tag, text.as_bytes())).map(Timestamp::as_unix);
        // GNU date -u -d DATE +%s
        assert_eq!(read(UTC_TIME, "270131120530Z"), Some(1_801_397_130));
        assert_eq!(read(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(read(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(read(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        for (tag, bad) in [
            (UTC_TIME, "270131120530"),
            (UTC_TIME, "2701311205Z"),
            (UTC_TIME, "279931120530Z"),
            (UTC_TIME, "27é131120530Z"),
            (UTC_TIME, "é70131120530Z"),
            (UTC_TIME, ""),
            (GENERALIZED_TIME, "270131120530Z"),
            (INTEGER, "270131120530Z"),
        ] {
            assert_eq!(read(tag, bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_bytes_are_too_odd(der in prop::collection::vec(any::<u8>(), 0..200)) {
            Certificate::read(&der);
            EcPrivateKey::read(&der);
        }

        #[test]
        fn no_damage_is_too_odd(at in 0_usize..1000, byte in any::<u8>(), cut in 0_usize..1000) {
            let mut der = super::super::client_key::tests::der("rsa");
            let at = at % der.len();
            der[at] = byte;
            der.truncate(der.len() - cut % der.len());
            Certificate::read(&der);
        }
    }
}
