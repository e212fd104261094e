//! PKCE, RFC 7636: proof that whoever redeems a code is whoever asked for it. `S256` only, in the spelling that a
//! server takes; `plain` (4.2) cannot be expressed.
//!
//! May not enter: randomness. The 32 octets come from the caller, 256 bits as 7.1 wants them.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::digest::{Digest, SHA256, digest};
use zeroize::Zeroizing;

use super::dialect::CodeChallenge;
use crate::secret::Secret;

/// RFC 7636 4.1, `code_verifier`: made for one authorization request and kept until its code is redeemed.
#[derive(Debug, Clone)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// The method of every challenge made here (RFC 7636 4.3, `code_challenge_method`).
    pub const METHOD: &'static str = "S256";

    /// RFC 7636 4.1: 32 random octets as 43 characters of base64url.
    pub fn from_random(octets: [u8; 32]) -> Self {
        let octets = Zeroizing::new(octets);
        CodeVerifier(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*octets)))
    }

    /// RFC 7636 4.2: `BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))`, without padding.
    // The `oauth2` crate would take the verifier into a string that it never wipes.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.hash())
    }

    /// The challenge as a server wants it spelt; none for one that takes none.
    pub fn challenge_as(&self, spelling: CodeChallenge) -> Option<String> {
        match spelling {
            CodeChallenge::S256 => Some(self.challenge()),
            CodeChallenge::S256Hex => {
                Some(self.hash().as_ref().iter().map(|octet| format!("{octet:02x}")).collect())
            }
            CodeChallenge::None => None,
        }
    }

    fn hash(&self) -> Digest {
        digest(&SHA256, self.0.expose().as_bytes())
    }

    /// The verifier, for the token request (RFC 7636 4.5).
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/pkce.json")).unwrap();
        assert!(cases.len() >= 4);
        for case in &cases {
            let octets: Vec<u8> = serde_json::from_value(case["octets"].clone()).unwrap();
            let verifier = CodeVerifier::from_random(octets.try_into().unwrap());
            assert_eq!(verifier.secret().expose(), case["verifier"], "{}", case["name"]);
            assert_eq!(verifier.challenge(), case["challenge"], "{}", case["name"]);
            for wrong in case["not"].as_array().into_iter().flatten() {
                assert_ne!(&verifier.challenge(), wrong, "{}", case["name"]);
            }
        }
    }

    #[test]
    fn a_server_gets_the_spelling_that_it_wants() {
        // RFC 7636 appendix B.
        let verifier = CodeVerifier(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        let spelt = |spelling| verifier.challenge_as(spelling);
        let s256 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(spelt(CodeChallenge::S256).as_deref(), Some(s256));
        let hex = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";
        assert_eq!(spelt(CodeChallenge::S256Hex).as_deref(), Some(hex));
        assert_eq!(spelt(CodeChallenge::None), None);
    }

    #[test]
    fn a_verifier_is_not_shown() {
        assert_eq!(format!("{:?}", CodeVerifier::from_random([7; 32])), "CodeVerifier(Secret(redacted))");
    }

    proptest! {
        #[test]
        fn verifiers_are_43_unreserved_characters_and_differ(one: [u8; 32], other: [u8; 32]) {
            let text = CodeVerifier::from_random(one).secret().expose().to_owned();
            prop_assert_eq!(text.len(), 43);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
            let same = text == CodeVerifier::from_random(other).secret().expose();
            prop_assert_eq!(same, one == other);
        }
    }
}
