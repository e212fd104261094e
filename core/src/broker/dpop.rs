//! `dpop_proof`: the proof that goes with a token that is bound to a key (RFC 9449). The key stays in the vault.

use url::Url;

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::login_command::LoginCommand;
use crate::names::{ConnectionKey, ConnectionName, ProviderName};
use crate::protocol::{DpopKey, DpopProof, is_nonce};
use crate::secret::{Secret, random_bytes};
use crate::store::ConnectionRecord;
use crate::transport::is_loopback;

/// What a proof is for.
#[derive(Debug, Clone, Default)]
pub struct DpopProofOptions {
    /// Which connection.
    pub connection: ConnectionName,
    /// The method of the request, `POST` for one.
    pub method: String,
    /// The address of the request.
    pub url: String,
    /// The access token that the request carries; the one at hand when absent.
    pub access_token: Option<Secret>,
    /// The resource's last `DPoP-Nonce` header. Absent: the last one that was given for its origin.
    pub nonce: Option<String>,
}

impl Broker {
    /// The value of the `DPoP` header of one request to the resource (RFC 9449 7.1). A proof is good for that request
    /// alone: each one has its own. No network.
    ///
    /// # Errors
    /// - `not_connected`, `unknown_provider`, and those of the store.
    /// - `unsupported`: the connection's tokens are not bound to a key.
    /// - `config_invalid`: no method, an address that is neither https nor on this machine, or a nonce that is none.
    pub fn dpop_proof(&self, provider: &ProviderName, options: &DpopProofOptions) -> Result<Secret> {
        let url = request_url(options)?;
        let (pkcs8, at_hand) =
            self.bound_token(&ConnectionKey::new(provider.clone(), options.connection.clone()))?;
        let access_token = options.access_token.as_ref().unwrap_or(&at_hand);
        if let Some(nonce) = &options.nonce {
            self.0.nonces.remember(&url, nonce);
        }
        let nonce = self.0.nonces.of(&url);
        DpopKey::read(&pkcs8)?.proof(&DpopProof {
            method: &options.method,
            url: &url,
            access_token: Some(access_token),
            nonce: nonce.as_deref(),
            now: self.0.clock.now().wall,
            jti: random_bytes()?,
        })
    }

    /// The connection's key, and the login's own token that is bound to it. Read as [`Broker::cached_token`] reads: a
    /// client asks for both with every request.
    fn bound_token(&self, key: &ConnectionKey) -> Result<(Secret, Secret)> {
        let Some(kept) = self.kept_if_any()? else { return Err(self.no_such_connection(key)) };
        let now = self.0.clock.now();
        if let Some(bound) = kept.recent.find(key, &now, None, |record, _| of_record(record)) {
            return Ok(bound);
        }
        let Some((record, watch)) = kept.store.get_watched(key)? else {
            kept.recent.forget(key);
            return Err(self.no_such_connection(key));
        };
        let bound = of_record(&record);
        kept.recent.keep(record, watch, &now, None);
        bound.ok_or_else(|| {
            let login = LoginCommand::of(key);
            Error::new(ErrorKind::Unsupported, format!("{key}: its tokens are not bound to a key (DPoP)"))
                .with_help(format!("they need no proof; to bind them: `{login} --dpop`"))
        })
    }
}

fn of_record(record: &ConnectionRecord) -> Option<(Secret, Secret)> {
    Some((record.dpop_key.clone()?, record.access_tokens.first()?.secret.clone()))
}

/// The address of a request that a proof may be made for.
fn request_url(options: &DpopProofOptions) -> Result<Url> {
    let invalid =
        |message: String, help: &str| Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(help));
    if http::Method::from_bytes(options.method.as_bytes()).is_err() {
        let message = format!("{:?} is no method of a request", options.method);
        return invalid(message, "it is that of the request, POST for one");
    }
    if options.nonce.as_deref().is_some_and(|nonce| !is_nonce(nonce)) {
        return invalid("that is no nonce".to_owned(), "it is the value of the response's DPoP-Nonce header");
    }
    let url = Url::parse(&options.url).ok().filter(Url::has_host);
    match url {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => Ok(url),
        _ => invalid(
            "the address of the request is not https".to_owned(),
            "a proof is for an https address, or for http to this machine",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_for_one_request_over_https() {
        let read = |method: &str, url: &str, nonce: Option<&str>| {
            let (method, url, nonce) = (method.to_owned(), url.to_owned(), nonce.map(str::to_owned));
            request_url(&DpopProofOptions { method, url, nonce, ..DpopProofOptions::default() })
        };
        for good in
            ["https://api.example/a?b#c", "http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:1/"]
        {
            assert!(read("POST", good, Some("n")).is_ok(), "{good}");
        }
        for bad in ["", "api.example", "http://api.example/", "ftp://localhost/", "http://localhost.example/"]
        {
            assert_eq!(read("GET", bad, None).unwrap_err().code(), "config_invalid", "{bad}");
        }
        for method in ["", "PO ST", "GET\r\n"] {
            assert_eq!(read(method, "https://api.example", None).unwrap_err().code(), "config_invalid");
        }
        for nonce in ["", "a b", "a\"b"] {
            let refused = read("GET", "https://api.example", Some(nonce)).unwrap_err();
            assert_eq!(refused.code(), "config_invalid", "{nonce}");
        }
    }
}
