//! The key of the id_tokens and what is done with it: JWS in compact form (RFC 7515, section 7.1) with ES256 (RFC
//! 7518, section 3.4), and the two ways to spoil one.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};

use crate::random::guid_for;

/// A key made for this run.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    kid: String,
}

impl SigningKey {
    pub(crate) fn generate() -> io::Result<Self> {
        let refused = || io::Error::other("the key of the id_tokens could not be made");
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| refused())?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| refused())?;
        let kid = guid_for(&URL_SAFE_NO_PAD.encode(pair.public_key()));
        Ok(Self { pair, random, kid })
    }

    /// The public key as a JWK (RFC 7518, section 6.2.1).
    pub(crate) fn jwk(&self) -> Map<String, Value> {
        // An uncompressed point: 0x04, x, y.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let encode = |coordinate| URL_SAFE_NO_PAD.encode(coordinate);
        let (x, y) = (encode(x), encode(y));
        let kid = self.kid.as_str();
        [
            ("kty", "EC"),
            ("crv", "P-256"),
            ("use", "sig"),
            ("alg", "ES256"),
            ("kid", kid),
            ("x", &x),
            ("y", &y),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), json!(value)))
        .collect()
    }

    /// A signed JWT in compact form.
    pub(crate) fn sign(&self, claims: &Value) -> io::Result<String> {
        let text = self.signing_input(claims);
        self.signature(&text).map(|signature| format!("{text}.{signature}"))
    }

    /// A JWT with the signature of other bytes.
    pub(crate) fn sign_badly(&self, claims: &Value) -> io::Result<String> {
        let text = self.signing_input(claims);
        self.signature(&format!("{text}.")).map(|signature| format!("{text}.{signature}"))
    }

    /// An unsecured JWT.
    pub(crate) fn unsigned(claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encode(&json!({"alg": "none", "typ": "JWT"})), encode(claims))
    }

    /// The claims of a JWT, unverified.
    pub(crate) fn claims(token: &str) -> Option<Map<String, Value>> {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    fn signing_input(&self, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encode(&json!({"alg": "ES256", "typ": "JWT", "kid": self.kid})), encode(claims))
    }

    fn signature(&self, text: &str) -> io::Result<String> {
        let refused = |_| io::Error::other("the id_token could not be signed");
        let signature = self.pair.sign(&self.random, text.as_bytes()).map_err(refused)?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }

    #[cfg(test)]
    pub(crate) fn verifies(&self, token: &str) -> bool {
        let key = crate::jws::PublicKey::from_jwk(&self.jwk()).unwrap();
        crate::jws::verify(token, &key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_verifies_and_a_bad_one_does_not() {
        let key = SigningKey::generate().unwrap();
        let claims = json!({"sub": "s"});
        assert!(key.verifies(&key.sign(&claims).unwrap()));
        assert!(!key.verifies(&key.sign_badly(&claims).unwrap()));
        assert_eq!(Value::Object(SigningKey::claims(&key.sign(&claims).unwrap()).unwrap()), claims);
        assert_eq!(key.jwk()["x"].as_str().unwrap().len(), 43);
    }
}
