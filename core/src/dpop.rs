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
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::Value;

    use super::*;
    use crate::clock::SystemClock;

    const DEMAND: &str = r#"{"error":"use_dpop_nonce"}"#;

    /// A server for as many requests as there are answers (status, nonce, body); gives the claims of their proofs.
    fn server(answers: Vec<(u16, &'static str, &'static str)>) -> (String, JoinHandle<Vec<Value>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token?x=1", listener.local_addr().unwrap());
        let claims = move |proof: &str| {
            let claims = BASE64_URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice(&claims).unwrap()
        };
        let serve = move |(status, nonce, body): (u16, &str, &str)| {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let (mut length, mut proof) = (0, Value::Null);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                match line.trim_end().split_once(": ") {
                    Some(("content-length", text)) => length = text.parse().unwrap(),
                    Some(("dpop", text)) => proof = claims(text),
                    None if line.trim_end().is_empty() => break,
                    _ => {}
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
            let nonce = if nonce.is_empty() { String::new() } else { format!("dpop-nonce: {nonce}\r\n") };
            let head = format!("HTTP/1.1 {status} X\r\n{nonce}content-length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
            proof
        };
        (url, std::thread::spawn(move || answers.into_iter().map(serve).collect()))
    }

    async fn sent(nonces: &DpopNonces, key: Option<&DpopKey>, url: &str) -> (u16, u32) {
        let (transport, mut made) = (Transport::new(true), 0);
        let sender = TokenSender { transport: &transport, clock: &SystemClock, nonces, key };
        let request = || {
            made += 1;
            Ok(Request::post(url).body(b"grant_type=x".to_vec()).unwrap())
        };
        let response = sender.send(Limits::ENDPOINT, request).await.unwrap();
        (response.status().as_u16(), made)
    }

    #[tokio::test]
    async fn a_demand_is_met_once_and_each_send_has_a_proof_of_its_own() {
        let key = DpopKey::generate().unwrap();
        let nonces = DpopNonces::default();
        let (url, proofs) = server(vec![(400, "one", DEMAND), (200, "two", "{}"), (200, "", "{}")]);
        assert_eq!(sent(&nonces, Some(&key), &url).await, (200, 2));
        assert_eq!(sent(&nonces, Some(&key), &url).await, (200, 1));
        let proofs = proofs.join().unwrap();
        let nonces_of: Vec<_> = proofs.iter().map(|claims| claims["nonce"].as_str()).collect();
        assert_eq!(nonces_of, [None, Some("one"), Some("two")]);
        assert!(proofs[0]["jti"] != proofs[1]["jti"] && proofs[1]["jti"] != proofs[2]["jti"]);
        let endpoint = url.strip_suffix("?x=1").unwrap();
        assert!(proofs.iter().all(|claims| claims["htm"] == "POST" && claims["htu"] == endpoint));
        assert!(proofs.iter().all(|claims| claims.get("ath").is_none()));
    }

    #[tokio::test]
    async fn what_is_no_demand_is_an_answer() {
        let key = DpopKey::generate().unwrap();
        for answer in [(400, "n", r#"{"error":"invalid_grant"}"#), (400, "", DEMAND), (503, "n", DEMAND)] {
            let (url, proofs) = server(vec![answer]);
            assert_eq!(sent(&DpopNonces::default(), Some(&key), &url).await, (answer.0, 1));
            assert_eq!(proofs.join().unwrap().len(), 1);
        }
        let (url, proofs) = server(vec![(401, "one", DEMAND), (401, "two", DEMAND)]);
        assert_eq!(sent(&DpopNonces::default(), Some(&key), &url).await, (401, 2));
        assert_eq!(proofs.join().unwrap().len(), 2);
        // Without a key there is nothing to prove, and nothing to repeat.
        let (url, proofs) = server(vec![(400, "one", DEMAND)]);
        let nonces = DpopNonces::default();
        assert_eq!(sent(&nonces, None, &url).await, (400, 1));
        assert_eq!((proofs.join().unwrap(), nonces.lock().len()), (vec![Value::Null], 0));
    }

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
