//! Proofs of possession (RFC 9449): what one must say of the request that it came with, and which nonces and ids are
//! still good.

use std::collections::{HashSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use url::Url;

use crate::features::Nonces as Mode;
use crate::jws::{self, PublicKey};
use crate::refusal::Refusal;

/// How far a proof's moment may be from the server's, in seconds.
const WINDOW: f64 = 300.0;

/// So many nonces are good at once. A client uses the last one it was given; what is in flight may have an older one.
const GOOD_NONCES: usize = 64;

/// What a proof is measured by.
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    /// The URL that was asked, without a query (section 4.2, `htu`).
    pub(crate) url: &'a str,
    /// In seconds since 1970.
    pub(crate) now: f64,
}

/// A proof that is good for its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The thumbprint of the key (RFC 7638): `jkt`.
    pub(crate) thumbprint: String,
    /// `jti`.
    pub(crate) id: String,
    pub(crate) nonce: Option<String>,
    /// The hash of the access token that it goes with.
    pub(crate) token_hash: Option<String>,
}

/// Checks everything that the proof says of itself (section 4.3).
pub(crate) fn verify(proof: &str, expected: &Expected<'_>) -> Result<Proof, Refusal> {
    let invalid = || Refusal::ProofInvalid;
    let (unverified, ..) = jws::read(proof).map_err(|_| invalid())?;
    let header = |name: &str| unverified.header.get(name);
    let typed = header("typ").and_then(Value::as_str) == Some("dpop+jwt");
    // The one that the metadata announce.
    let announced = header("alg").and_then(Value::as_str) == Some("ES256");
    let jwk = header("jwk").and_then(Value::as_object).filter(|_| typed && announced).ok_or_else(invalid)?;
    let key = PublicKey::from_jwk(jwk).ok_or_else(invalid)?;
    let claims = jws::verify(proof, &key).map_err(|_| invalid())?.claims().ok_or_else(invalid)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let made = claims.get("iat").and_then(Value::as_f64).ok_or_else(invalid)?;
    let for_this =
        text("htm") == Some(expected.method) && text("htu").is_some_and(|url| same(url, expected.url));
    if !for_this || (made - expected.now).abs() > WINDOW {
        return Err(invalid());
    }
    Ok(Proof {
        thumbprint: thumbprint(jwk).ok_or_else(invalid)?,
        id: text("jti").filter(|id| !id.is_empty()).ok_or_else(invalid)?.into(),
        nonce: text("nonce").map(Into::into),
        token_hash: text("ath").map(Into::into),
    })
}

/// `ath` of an access token (section 4.2).
pub(crate) fn token_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.as_bytes()))
}

/// The thumbprint of a key on P-256 (RFC 7638, section 3): its required members in the order of their names.
pub(crate) fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let member = |name: &str| jwk.get(name)?.as_str().map(|value| format!("\"{name}\":{}", json!(value)));
    let members = ["crv", "kty", "x", "y"].map(member).into_iter().collect::<Option<Vec<_>>>()?;
    let text = format!("{{{}}}", members.join(","));
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())))
}

/// The same URL after normalisation (section 4.3), and without query and fragment from the start.
fn same(said: &str, asked: &str) -> bool {
    !said.contains(['?', '#']) && Url::parse(said).is_ok_and(|said| Url::parse(asked) == Ok(said))
}

/// The nonces that were given out, and the ids of the proofs that came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    nonces: VecDeque<String>,
    ids: HashSet<String>,
}

impl Seen {
    /// The nonce for an answer: a `fresh` one, unless one is kept.
    pub(crate) fn nonce(&mut self, mode: Mode, fresh: impl FnOnce() -> String) -> Option<String> {
        match (mode, self.nonces.back()) {
            (Mode::Off, _) => return None,
            (Mode::Kept, Some(kept)) => return Some(kept.clone()),
            (Mode::Kept, None) | (Mode::Once, _) => self.nonces.push_back(fresh()),
        }
        if self.nonces.len() > GOOD_NONCES {
            self.nonces.pop_front();
        }
        self.nonces.back().cloned()
    }

    /// Takes a proof: its nonce must be good where one is wanted (section 8), and its id must be new (section 11.1).
    pub(crate) fn take(&mut self, proof: &Proof, mode: Mode) -> Result<(), Refusal> {
        let known = self.nonces.iter().position(|good| Some(good) == proof.nonce.as_ref());
        match (mode, known) {
            (Mode::Off, _) | (Mode::Kept, Some(_)) => {}
            (Mode::Once, Some(at)) => {
                self.nonces.remove(at);
            }
            (_, None) => return Err(Refusal::NonceWanted),
        }
        let id = format!("{} {}", proof.thumbprint, proof.id);
        if self.ids.insert(id) { Ok(()) } else { Err(Refusal::ProofReplayed) }
    }

    /// No nonce is good any more.
    pub(crate) fn forget_nonces(&mut self) {
        self.nonces.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9449, section 4.1, figure 2, and its thumbprint from section 6.1.
    const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn judged(method: &str, url: &str, now: f64) -> Result<Proof, Refusal> {
        verify(EXAMPLE, &Expected { method, url, now })
    }

    #[test]
    fn the_example_of_the_rfc() {
        let proof = judged("POST", "https://server.example.com/token", 1_562_262_616.0).unwrap();
        assert_eq!((proof.thumbprint.as_str(), proof.id.as_str()), (THUMBPRINT, "-BwC3ESc6acc2lTc"));
        assert!(judged("POST", "https://SERVER.example.com:443/token", 1_562_262_900.0).is_ok());
        for (method, url, now) in [
            ("GET", "https://server.example.com/token", 1_562_262_616.0),
            ("POST", "https://server.example.com/other", 1_562_262_616.0),
            ("POST", "http://server.example.com/token", 1_562_262_616.0),
            ("POST", "https://server.example.com/token", 1_562_262_917.0),
            ("POST", "https://server.example.com/token", 1_562_262_315.0),
        ] {
            assert_eq!(judged(method, url, now), Err(Refusal::ProofInvalid), "{method} {url} {now}");
        }
        let tampered = EXAMPLE.replace("Lg", "Lw");
        let expected =
            Expected { method: "POST", url: "https://server.example.com/token", now: 1_562_262_616.0 };
        assert_eq!(verify(&tampered, &expected), Err(Refusal::ProofInvalid));
    }

    #[test]
    fn the_hash_of_a_token() {
        // RFC 9449, section 7.1.
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(token_hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn nonces_are_good_once_or_until_they_are_forgotten() {
        let proof = |id: &str, nonce: Option<&str>| Proof {
            thumbprint: "t".into(),
            id: id.into(),
            nonce: nonce.map(Into::into),
            token_hash: None,
        };
        let mut seen = Seen::default();
        assert_eq!(seen.nonce(Mode::Off, || "0".into()), None);
        assert_eq!(seen.take(&proof("0", None), Mode::Off), Ok(()));
        assert_eq!(seen.take(&proof("0", None), Mode::Off), Err(Refusal::ProofReplayed));
        for (number, nonce) in ["a", "b"].into_iter().enumerate() {
            assert_eq!(seen.nonce(Mode::Once, || nonce.into()).as_deref(), Some(nonce), "{number}");
        }
        assert_eq!(seen.take(&proof("1", None), Mode::Once), Err(Refusal::NonceWanted));
        assert_eq!(seen.take(&proof("1", Some("a")), Mode::Once), Ok(()));
        assert_eq!(seen.take(&proof("2", Some("a")), Mode::Once), Err(Refusal::NonceWanted));
        assert_eq!(seen.nonce(Mode::Kept, || "c".into()).as_deref(), Some("b"));
        assert_eq!(seen.take(&proof("2", Some("b")), Mode::Kept), Ok(()));
        assert_eq!(seen.take(&proof("3", Some("b")), Mode::Kept), Ok(()));
        seen.forget_nonces();
        assert_eq!(seen.take(&proof("4", Some("b")), Mode::Kept), Err(Refusal::NonceWanted));
    }
}
