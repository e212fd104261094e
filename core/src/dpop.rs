//! Sends a token request with the proof of a key (RFC 9449 5): a new one for each send, with the last nonce that the
//! server gave (8).
//!
//! A server that wants another nonce says so in place of acting on the request. It is then sent once more, and that is
//! the one case in which a code, a device code or a refresh token that has left is sent again without a loss: neither was
//! used. May not enter: what any other answer means, and where the key is kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::{HeaderValue, Request, Response};
use url::Url;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{DPOP, DpopKey, DpopProof, dpop_nonce, wants_dpop_nonce};
use crate::secret::{Secret, random_bytes};
use crate::transport::{Limits, Transport, TransportError, content_type};

/// More servers than one process speaks to. Nonces are forgotten without harm: the server gives another.
const MOST: usize = 256;

/// The last nonce of each server, by origin (RFC 9449 8.2 and 9). In memory alone: one is good for minutes.
#[derive(Debug, Default)]
pub struct DpopNonces(Mutex<HashMap<String, String>>);

impl DpopNonces {
    /// The last one that was given for the origin of `url`.
    pub fn of(&self, url: &Url) -> Option<String> {
        self.lock().get(&origin(url)).cloned()
    }

    /// Keeps one that was given for the origin of `url`.
    pub fn remember(&self, url: &Url, nonce: &str) {
        let (mut nonces, origin) = (self.lock(), origin(url));
        if nonces.len() >= MOST && !nonces.contains_key(&origin) {
            nonces.clear();
        }
        nonces.insert(origin, nonce.to_owned());
    }

    /// The map is whole between any two lines that hold the guard, so a poisoned one is still good.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Who sends to a token endpoint.
#[derive(Clone, Copy)]
pub struct TokenSender<'a> {
    /// The network.
    pub transport: &'a Transport,
    /// The time.
    pub clock: &'a dyn Clock,
    /// What the servers said.
    pub nonces: &'a DpopNonces,
    /// The key that the tokens are bound to, if they are.
    pub key: Option<&'a DpopKey>,
}

impl TokenSender<'_> {
    /// Sends what `request` makes, and once more where the server asks for a nonce; all of it within `limits`. `request`
    /// is called for each send: a client assertion is good for one.
    ///
    /// # Errors
    /// Those of [`Transport::send`], and of `request`, which sends nothing.
    pub async fn send(
        &self,
        limits: Limits,
        mut request: impl FnMut() -> Result<Request<Vec<u8>>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let begun = Instant::now();
        let mut once_more = self.key.is_some();
        loop {
            let mut request = request().map_err(TransportError::NotSent)?;
            let url =
                Url::parse(&request.uri().to_string()).map_err(|_| not_sent("a request without a URL"))?;
            if let Some(key) = self.key {
                let proof =
                    self.proof(key, request.method().as_str(), &url).map_err(TransportError::NotSent)?;
                let mut value = HeaderValue::from_str(proof.expose())
                    .map_err(|_| not_sent("a proof that is no header"))?;
                value.set_sensitive(true);
                request.headers_mut().insert(DPOP, value);
            }
            let response = self.transport.send(request, limits.after(begun.elapsed())).await?;
            if self.key.is_none() {
                return Ok(response);
            }
            // Also of a success: it is the one to go on with (RFC 9449 8.2).
            if let Some(nonce) = dpop_nonce(response.headers()) {
                self.nonces.remember(&url, nonce);
            }
            if !once_more || !wants_dpop_nonce(content_type(&response), &response) {
                return Ok(response);
            }
            once_more = false;
            tracing::debug!("the server wants a nonce in the proof; sending once more");
        }
    }

    fn proof(&self, key: &DpopKey, method: &str, url: &Url) -> Result<Secret> {
        let nonce = self.nonces.of(url);
        let (now, jti) = (self.clock.now().wall, random_bytes()?);
        key.proof(&DpopProof { method, url, access_token: None, nonce: nonce.as_deref(), now, jti })
    }
}

fn not_sent(what: &str) -> TransportError {
    TransportError::NotSent(Error::new(ErrorKind::Internal, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_its_origins_and_the_last_one_counts() {
        let url = |text: &str| Url::parse(text).unwrap();
        let nonces = DpopNonces::default();
        nonces.remember(&url("https://as.example/token"), "one");
        nonces.remember(&url("https://as.example:443/other?x"), "two");
        nonces.remember(&url("https://as.example:8443/token"), "three");
        assert_eq!(nonces.of(&url("https://as.example/token")).as_deref(), Some("two"));
        assert_eq!(nonces.of(&url("https://as.example:8443/")).as_deref(), Some("three"));
        assert_eq!(nonces.of(&url("http://as.example/token")), None);
        for number in 0..2 * MOST {
            nonces.remember(&url(&format!("https://{number}.example")), "n");
        }
        assert!(nonces.lock().len() <= MOST);
    }
}
