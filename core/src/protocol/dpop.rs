//! Demonstrating proof of possession, RFC 9449: the key that tokens are bound to, the proof that goes with one request,
//! and the nonce that a server wants in it.
//!
//! May not enter: where a nonce is remembered, and whether a request is sent once more.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::jws;
use super::oauth_error::OauthError;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// RFC 9449 4.1: the header that carries a proof.
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// RFC 9449 8.1: the header that carries a nonce.
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// RFC 9449 5.1: the one algorithm that proofs are signed with here, as its registered name.
pub const DPOP_ALGORITHM: &str = "ES256";

/// A longer nonce is none: it has to fit into a header, beside the rest of the proof.
const MAX_NONCE: usize = 2048;
/// RFC 9449 8.
const USE_NONCE: &str = "use_dpop_nonce";

/// The key that tokens are bound to: P-256 (RFC 7518 3.4). It is never handed out.
pub struct DpopKey {
    pair: EcdsaKeyPair,
    pkcs8: Secret,
}

/// What a proof is made for (RFC 9449 4.2).
#[derive(Debug, Clone, Copy)]
pub struct DpopProof<'a> {
    /// `htm`.
    pub method: &'a str,
    /// `htu`. Query and fragment are left out.
    pub url: &'a Url,
    /// The access token that the request carries, whose hash is `ath`; absent at a token endpoint.
    pub access_token: Option<&'a Secret>,
    /// The server's last nonce.
    pub nonce: Option<&'a str>,
    /// `iat`.
    pub now: Timestamp,
    /// `jti`: random, and different in each proof.
    pub jti: [u8; 16],
}

impl DpopKey {
    /// A new key.
    ///
    /// # Errors
    /// `internal` when the system gives no random bytes.
    pub fn generate() -> Result<Self> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.map_err(|_| Error::new(ErrorKind::Internal, "no key could be made"))?;
        Self::read(&Secret::new(BASE64_STANDARD.encode(made)))
    }

    /// The key of a record: PKCS#8 in base64.
    ///
    /// # Errors
    /// `store_corrupt` for anything else.
    pub fn read(pkcs8: &Secret) -> Result<Self> {
        let corrupt =
            || Error::new(ErrorKind::StoreCorrupt, "the key that the tokens are bound to is damaged");
        let der = Zeroizing::new(BASE64_STANDARD.decode(pkcs8.expose()).map_err(|_| corrupt())?);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        Ok(DpopKey { pair: pair.map_err(|_| corrupt())?, pkcs8: pkcs8.clone() })
    }

    /// The key as a record keeps it.
    pub fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }

    /// RFC 7638 3: what `dpop_jkt` is (RFC 9449 10).
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.jwk())
    }

    /// The proof for one request.
    ///
    /// # Errors
    /// `internal` when it cannot be signed.
    pub fn proof(&self, proof: &DpopProof<'_>) -> Result<Secret> {
        let mut url = proof.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Whoever asks is no part of what is asked for (RFC 9110 4.2.4). What has a host takes both.
        let _ = (url.set_username(""), url.set_password(None));
        let header = json!({ "typ": "dpop+jwt", "alg": DPOP_ALGORITHM, "jwk": self.jwk() });
        let mut claims = json!({
            "jti": BASE64_URL_SAFE_NO_PAD.encode(proof.jti),
            "htm": proof.method,
            "htu": url.as_str(),
            "iat": proof.now.as_unix(),
        });
        if let Some(token) = proof.access_token {
            claims["ath"] = token_hash(token).into();
        }
        if let Some(nonce) = proof.nonce {
            claims["nonce"] = nonce.into();
        }
        jws::compact(&header, &claims, |message| {
            let signature = self.pair.sign(&SystemRandom::new(), message);
            let signature =
                signature.map_err(|_| Error::new(ErrorKind::Internal, "a proof was not signed"))?;
            Ok(signature.as_ref().to_vec())
        })
    }

    /// The public key (RFC 7518 6.2.1), and nothing of the private one.
    fn jwk(&self) -> Value {
        // An uncompressed point: 4, x, y (SEC 1 2.3.3).
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y })
    }
}

/// Says nothing of the key.
impl std::fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DpopKey")
    }
}

/// RFC 7638 3: the hash of the required members, in the order of the alphabet, without blanks.
fn thumbprint(jwk: &Value) -> String {
    let [crv, kty, x, y] = ["crv", "kty", "x", "y"].map(|name| &jwk[name]);
    let json = format!(r#"{{"crv":{crv},"kty":{kty},"x":{x},"y":{y}}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes()))
}

/// RFC 9449 4.2 `ath`.
fn token_hash(token: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes()))
}

/// The nonce that an answer gives (RFC 9449 8.1 and 8.2: 4.3 allows one header). What is no nonce counts as absent.
pub fn dpop_nonce(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(DPOP_NONCE).iter();
    let (Some(nonce), None) = (given.next(), given.next()) else { return None };
    nonce.to_str().ok().filter(|nonce| is_nonce(nonce))
}

/// RFC 9449 8.1: `1*NQCHAR` (RFC 6749 appendix A).
pub fn is_nonce(text: &str) -> bool {
    let is_nqchar = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    (1..=MAX_NONCE).contains(&text.len()) && text.bytes().all(is_nqchar)
}

/// True when a token endpoint did not act on a request and wants it again, with the nonce that it gives (RFC 9449 8).
pub fn wants_dpop_nonce(content_type: Option<&str>, response: &Response<Vec<u8>>) -> bool {
    matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
        && dpop_nonce(response.headers()).is_some()
        && matches!(OauthError::from_body(content_type, response.body()), Ok(Some(error)) if error.error == USE_NONCE)
}

#[cfg(test)]
mod tests;
