//! JSON Web Signature in compact form (RFC 7515, section 7.1), read strictly and verified. The one place where what a
//! client signed is judged: its assertions (RFC 7523) and its proofs of possession (RFC 9449).
//!
//! The key says what it is good for, and the header only which of that was used: a header that could choose would
//! choose `none`.

use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The members of a JWK that are nobody's but its owner's (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// `SubjectPublicKeyInfo` (RFC 5280, section 4.1) of a point on P-256, up to the point.
const P256_INFO: [u8; 26] = *b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// The algorithm of an RSA key in one (RFC 8017, appendix A.1).
const RSA_ALGORITHM: [u8; 15] = *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// The algorithms that are known here, by their registered names (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Es256,
    Ps256,
    Rs256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "PS256" => Some(Self::Ps256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

/// The public half of a client's key, and the algorithms that it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithms: Vec<Algorithm>,
    /// An uncompressed point, or an `RSAPublicKey` in DER: as ring wants them.
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads the first public key of a PEM file, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds no public key of RSA or on P-256.
    pub fn from_pem_file(file: &Path) -> io::Result<Self> {
        let info = SubjectPublicKeyInfoDer::from_pem_file(file).map_err(io::Error::other)?;
        Self::from_info(&info).ok_or_else(|| io::Error::other("the key is neither of RSA nor on P-256"))
    }

    /// The key in a `SubjectPublicKeyInfo`.
    pub(crate) fn from_info(der: &[u8]) -> Option<Self> {
        if let Some(point) = der.strip_prefix(&P256_INFO) {
            return Some(Self { algorithms: vec![Algorithm::Es256], bytes: point.into() });
        }
        let at = der.windows(RSA_ALGORITHM.len()).position(|bytes| bytes == RSA_ALGORITHM)?;
        // A BIT STRING of more than 255 bytes, with no bit unused.
        let [0x03, 0x82, _, _, 0x00, key @ ..] = &der[at + RSA_ALGORITHM.len()..] else { return None };
        Some(Self { algorithms: vec![Algorithm::Ps256, Algorithm::Rs256], bytes: key.into() })
    }

    /// The key that a JWK describes (RFC 7517). One with a private member is refused: it was given away. So is one that
    /// is not for signatures, and one for an algorithm that is not known here.
    #[must_use]
    pub fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let for_signatures = jwk.get("use").is_none_or(|usage| usage == "sig")
            && jwk.get("key_ops").is_none_or(|operations| {
                operations.as_array().is_some_and(|list| list.iter().any(|operation| operation == "verify"))
            });
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) || !for_signatures {
            return None;
        }
        let number = |name: &str| decoded(text(name)?);
        let (mut algorithms, bytes) = match text("kty")? {
            "EC" if text("crv") == Some("P-256") => {
                let (x, y) = (number("x")?, number("y")?);
                // Each of the full size of a coordinate (RFC 7518, section 6.2.1.2).
                let whole = x.len() == 32 && y.len() == 32;
                (vec![Algorithm::Es256], whole.then(|| [&[0x04], &x[..], &y[..]].concat())?)
            }
            "RSA" => (vec![Algorithm::Ps256, Algorithm::Rs256], rsa_public_key(&number("n")?, &number("e")?)),
            _ => return None,
        };
        if let Some(named) = jwk.get("alg") {
            let named = Algorithm::named(named.as_str()?);
            algorithms.retain(|algorithm| Some(*algorithm) == named);
        }
        (!algorithms.is_empty()).then_some(Self { algorithms, bytes })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// Why something signed is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is no JWS in compact form, or has a header that cannot be followed.
    Malformed,
    /// Its algorithm is none that the key is for.
    Algorithm,
    Signature,
}

/// What was signed.
#[derive(Debug)]
pub(crate) struct Jws {
    pub(crate) header: Map<String, Value>,
    payload: Vec<u8>,
}

impl Jws {
    /// The payload of a JWT (RFC 7519, section 3).
    pub(crate) fn claims(&self) -> Option<Map<String, Value>> {
        object(&self.payload)
    }
}

/// A JWS as it is read, with what its signature is of. Nothing of it is believed yet.
pub(crate) fn read(compact: &str) -> Result<(Jws, &str, Vec<u8>), Rejected> {
    let (signed, signature) = compact.rsplit_once('.').ok_or(Rejected::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(Rejected::Malformed)?;
    let part = |text| decoded(text).ok_or(Rejected::Malformed);
    let header = object(&part(header)?).ok_or(Rejected::Malformed)?;
    // "If any of the listed extension Header Parameters are not understood ... then the JWS is invalid" (RFC 7515,
    // section 4.1.11), and none is understood here.
    if header.contains_key("crit") {
        return Err(Rejected::Malformed);
    }
    Ok((Jws { header, payload: part(payload)? }, signed, part(signature)?))
}

/// Reads `compact` and checks that `key` signed it.
pub(crate) fn verify(compact: &str, key: &PublicKey) -> Result<Jws, Rejected> {
    let (jws, signed, signature) = read(compact)?;
    let named = jws.header.get("alg").and_then(Value::as_str).ok_or(Rejected::Malformed)?;
    let algorithm = Algorithm::named(named).filter(|named| key.algorithms.contains(named));
    let verification = algorithm.ok_or(Rejected::Algorithm)?.verification();
    UnparsedPublicKey::new(verification, &key.bytes)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| Rejected::Signature)?;
    Ok(jws)
}

/// Base64url without padding, and each text in one way only (RFC 7515, section 2).
fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// `RSAPublicKey` in DER (RFC 8017, appendix A.1.1).
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let element = |tag: u8, contents: &[u8]| {
        let length = contents.len();
        let mut der = vec![tag];
        match length {
            0..=0x7f => der.extend([length as u8]),
            _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        der.extend(contents);
        der
    };
    // A first bit of one would be a sign.
    let integer = |bytes: &[u8]| {
        let sign: &[u8] = if bytes.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
        element(0x02, &[sign, bytes].concat())
    };
    element(0x30, &[integer(modulus), integer(exponent)].concat())
}

/// A JSON object without a member that comes twice (RFC 7515, section 4; RFC 7519, section 4).
fn object(json: &[u8]) -> Option<Map<String, Value>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Map::new();
            while let Some((name, value)) = map.next_entry::<String, Value>()? {
                if members.insert(name, value).is_some() {
                    return Err(A::Error::custom("a member comes twice"));
                }
            }
            Ok(members)
        }
    }

    let mut reader = serde_json::Deserializer::from_slice(json);
    let members = reader.deserialize_map(Members).ok()?;
    reader.end().is_ok().then_some(members)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::signing_key::SigningKey;
    use serde_json::json;

    const VECTORS: &str = include_str!("../../vectors/wycheproof/json_web_signature_test.json");

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vectors {
        number_of_tests: usize,
        test_groups: Vec<Group>,
    }

    #[derive(Deserialize)]
    struct Group {
        /// None has one whose key is a secret that both sides share.
        public: Option<Map<String, Value>>,
        tests: Vec<Vector>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        tc_id: u32,
        comment: String,
        jws: String,
        result: String,
    }

    /// Good ones that are refused here: how many there are of each algorithm that is not known, and of those that are
    /// good only for a reader who skips what is not base64url (HS256, both).
    const UNKNOWN: [(&str, u32); 7] = [
        ("ES512", 2),
        ("HS256", 8),
        ("PS384", 6),
        ("PS512", 4),
        ("RS384", 4),
        ("RS512", 4),
        ("not base64url", 2),
    ];

    /// Every one is judged as it should be. Nothing is refused that is good, but what is listed above.
    #[test]
    fn wycheproof() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        let (mut judged, mut verified, mut unknown) = (0, 0, BTreeMap::new());
        for group in &vectors.test_groups {
            let key = group.public.as_ref().and_then(PublicKey::from_jwk);
            for Vector { tc_id, comment, jws, result } in &group.tests {
                judged += 1;
                let believed = key.as_ref().is_some_and(|key| verify(jws, key).is_ok());
                match (result.as_str(), believed) {
                    ("valid", true) => verified += 1,
                    ("valid", false) => {
                        let name = read(jws).map_or("not base64url", |(read, ..)| {
                            let name = read.header["alg"].as_str().unwrap();
                            let named = UNKNOWN.iter().find(|(unknown, _)| *unknown == name);
                            named.unwrap_or_else(|| panic!("{tc_id} {comment}: {name}")).0
                        });
                        *unknown.entry(name).or_insert(0) += 1;
                    }
                    ("invalid", false) => {}
                    _ => panic!("{tc_id} {comment}: {result}, and believed: {believed}"),
                }
            }
        }
        assert_eq!((judged, vectors.number_of_tests), (401, 401));
        assert_eq!(unknown, UNKNOWN.into());
        assert_eq!(verified, 16);
    }

    #[test]
    fn a_key_is_for_one_thing_and_says_nothing_that_is_secret() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({"sub": "s"})).unwrap();
        let jwk = key.jwk();
        let verified = verify(&token, &PublicKey::from_jwk(&jwk).unwrap()).unwrap();
        assert_eq!(
            (verified.header["alg"].as_str(), verified.claims().unwrap()["sub"].as_str()),
            (Some("ES256"), Some("s"))
        );
        for (name, value) in [
            ("d", json!("AA")),
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
            ("alg", json!("ES384")),
            ("crv", json!("P-384")),
            ("x", json!("AA")),
        ] {
            let mut jwk = jwk.clone();
            jwk.insert(name.into(), value);
            assert_eq!(PublicKey::from_jwk(&jwk), None, "{name}");
        }
        let bad = key.sign_badly(&json!({})).unwrap();
        assert_eq!(verify(&bad, &PublicKey::from_jwk(&jwk).unwrap()).unwrap_err(), Rejected::Signature);
        let none = SigningKey::unsigned(&json!({}));
        assert_eq!(verify(&none, &PublicKey::from_jwk(&jwk).unwrap()).unwrap_err(), Rejected::Algorithm);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let good = encode(r#"{"alg":"ES256"}"#);
        assert!(read(&format!("{good}.{}.AA", encode("{}"))).is_ok());
        for header in [
            r#"{"alg":"ES256","alg":"none"}"#,
            r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"ES256"} {}"#,
            "[]",
            "",
        ] {
            let compact = format!("{}.{}.AA", encode(header), encode("{}"));
            assert_eq!(read(&compact).unwrap_err(), Rejected::Malformed, "{header}");
        }
        for compact in
            ["", ".", "..", &format!("{good}.e30"), &format!("{good}.e30.AB"), &format!("{good}.e30=.AA")]
        {
            assert_eq!(read(compact).unwrap_err(), Rejected::Malformed, "{compact}");
        }
        let (twice, ..) = read(&format!("{good}.{}.AA", encode(r#"{"sub":"a","sub":"b"}"#))).unwrap();
        assert_eq!(twice.claims(), None);
    }
}
