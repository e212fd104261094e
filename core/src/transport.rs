//! The only door to the network. Takes an `http::Request`, gives an `http::Response`, and nothing else.
//!
//! What it holds to, for every request:
//! - https, or http to a loopback address when that was asked for by name (RFC 8252 8.3, tests);
//! - certificates judged by the operating system's trust store (on Linux also `SSL_CERT_FILE`), proxies as
//!   `HTTPS_PROXY` and `NO_PROXY` say, but for what is on this machine, which no proxy is asked for;
//! - no redirect is followed: a token request carries secrets that are for one endpoint (RFC 9700 4.12);
//! - one connection per request, so that a failure says whether the request may have left;
//! - an end: to the time, and to the size of the answer.
//!
//! Logs name the method, the host, the path and the status. Never a query, a header or a body.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result, one_line};

/// A server that has not taken the connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take, and how large it may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    total: Duration,
    body: usize,
}

impl Limits {
    /// For the token, device authorization and revocation endpoints.
    pub const ENDPOINT: Limits = Limits { total: Duration::from_secs(30), body: 1 << 20 };
    /// The same, and no longer than `total`.
    pub fn within(self, total: Duration) -> Limits {
        Limits { total: self.total.min(total), ..self }
    }

    /// What is left of them when `spent` has passed.
    pub fn after(self, spent: Duration) -> Limits {
        Limits { total: self.total.saturating_sub(spent), ..self }
    }

    /// For metadata documents.
    pub const METADATA: Limits = Limits { total: Duration::from_secs(10), body: 256 << 10 };
}

/// Why there is no answer, and what that means for the request.
#[derive(Debug, Clone)]
pub enum TransportError {
    /// The request never left: sending it again is safe.
    NotSent(Error),
    /// The request may have arrived and may have been acted upon.
    MaybeSent(Error),
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Error {
        match error {
            TransportError::NotSent(error) | TransportError::MaybeSent(error) => error,
        }
    }
}

/// The network, with its policy.
#[derive(Debug)]
pub struct Transport {
    insecure_loopback: bool,
    // Built on first use: loading the trust store takes milliseconds that a cached token need not wait for.
    client: OnceLock<Result<reqwest::Client>>,
    // For this machine: plain http through a proxy would show the proxy the secrets.
    direct: OnceLock<Result<reqwest::Client>>,
}

impl Transport {
    /// With `insecure_loopback`, plain http is allowed to 127.0.0.1, [::1] and localhost.
    pub fn new(insecure_loopback: bool) -> Self {
        Transport { insecure_loopback, client: OnceLock::new(), direct: OnceLock::new() }
    }

    /// Refuses a URL that a secret must not travel to (RFC 6749 3.1.2.1, RFC 9700 2.6).
    ///
    /// # Errors
    /// `config_invalid`, with the switch that allows plain http to this machine where that would help.
    pub fn check(&self, url: &Url) -> Result<()> {
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" if !host.is_empty() => Ok(()),
            "http" if is_loopback(url) && self.insecure_loopback => Ok(()),
            "http" if is_loopback(url) => Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("plain http to {host} is not allowed"),
            )
            .with_help(
                "for a test server on this machine: --insecure-loopback, or TOKENKEEP_INSECURE_LOOPBACK=1",
            )),
            scheme => Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("{scheme} to {host:?} is not allowed: endpoints must be https"),
            )),
        }
    }

    /// Sends `request` and reads the whole answer, within `limits`. Every status is an answer, a redirect
    /// among them.
    ///
    /// # Errors
    /// `network`: not reached, not trusted, too slow or too large. Whether the request may have left is
    /// told apart, because a refresh token and a code must not be sent twice by accident.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        limits: Limits,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| {
            TransportError::NotSent(Error::new(ErrorKind::Internal, "a request without an absolute URL"))
        })?;
        self.check(&url).map_err(TransportError::NotSent)?;
        let client = if is_loopback(&url) {
            self.direct.get_or_init(|| build_client(reqwest::ClientBuilder::no_proxy))
        } else {
            self.client.get_or_init(|| build_client(std::convert::identity))
        };
        let client = client.clone().map_err(TransportError::NotSent)?;
        let request = reqwest::Request::try_from(request).map_err(|_| {
            TransportError::NotSent(Error::new(ErrorKind::Internal, "a request that cannot be sent"))
        })?;

        let started = Instant::now();
        let target = Target::of(&request);
        let answer =
            tokio::time::timeout(limits.total, exchange(&client, request, limits.body, &target)).await;
        let answer = answer.unwrap_or_else(|_| Err(target.timed_out(limits.total)));
        let milliseconds = started.elapsed().as_millis();
        match &answer {
            Ok(response) => {
                tracing::debug!(%target, status = response.status().as_u16(), milliseconds, "answered");
            }
            Err(TransportError::NotSent(error) | TransportError::MaybeSent(error)) => {
                tracing::debug!(%target, %error, milliseconds, "no answer");
            }
        }
        answer
    }
}

/// One request and its answer, read piece by piece so that an endless one is noticed in time.
async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    body_limit: usize,
    target: &Target,
) -> Result<http::Response<Vec<u8>>, TransportError> {
    let mut response = client.execute(request).await.map_err(|error| target.failed(error))?;
    let mut answer = http::Response::new(Vec::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    while let Some(chunk) = response.chunk().await.map_err(|error| target.failed(error))? {
        if answer.body().len() + chunk.len() > body_limit {
            return Err(TransportError::MaybeSent(Error::new(
                ErrorKind::Network,
                format!("{} answered with more than {body_limit} bytes", target.host),
            )));
        }
        answer.body_mut().extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// What a message may say of a request.
struct Target {
    method: http::Method,
    host: String,
    path: String,
}

impl Target {
    fn of(request: &reqwest::Request) -> Self {
        let url = request.url();
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        Target { method: request.method().clone(), host, path: url.path().to_owned() }
    }

    fn timed_out(&self, limit: Duration) -> TransportError {
        let message = format!("{} did not answer within {} s", self.host, limit.as_secs());
        TransportError::MaybeSent(Error::new(ErrorKind::Network, message))
    }

    fn failed(&self, error: reqwest::Error) -> TransportError {
        let error = error.without_url();
        let cause = root_cause(&error);
        // Only a connection that was never made proves that nothing was sent.
        if error.is_connect() || error.is_builder() {
            let message = format!("{} could not be reached: {cause}", self.host);
            let failure = Error::new(ErrorKind::Network, message);
            TransportError::NotSent(match help_with_tls(&cause) {
                Some(help) => failure.with_help(help),
                None => failure,
            })
        } else {
            let message = format!("{} gave no whole answer: {cause}", self.host);
            TransportError::MaybeSent(Error::new(ErrorKind::Network, message))
        }
    }
}

/// What to do when TLS is what failed.
fn help_with_tls(cause: &str) -> Option<&'static str> {
    if cause.to_ascii_lowercase().contains("certificate") {
        // On the other two the system judges, and reads no variable.
        return Some(if cfg!(any(target_os = "macos", windows)) {
            "the server's certificate is not trusted here; if your network has a CA of its own, \
             add it to the system's trust store"
        } else {
            "the server's certificate is not trusted here; if your network has a CA of its own, \
             add it to the system's trust store or name its file in SSL_CERT_FILE"
        });
    }
    // rustls' words for a server that offers nothing newer than TLS 1.1, and for that server's own alert.
    ["ServerDoesNotSupportTls12Or13", "ProtocolVersion"].iter().any(|words| cause.contains(words)).then_some(
        "the server, or something in between, speaks no TLS 1.2 or newer; nothing is sent over an older one",
    )
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.path)
    }
}

/// The innermost source says what happened; the outer ones say only where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    one_line(&cause.to_string())
}

/// What an answer says that it is (RFC 9110 8.3).
pub fn content_type(response: &http::Response<Vec<u8>>) -> Option<&str> {
    response.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// True for localhost, 127.0.0.0/8 and [::1].
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The HTTP client, with what `proxies` does about those. Fails, with a way out, on a machine that trusts
/// nobody: a container without CA certificates.
fn build_client(
    proxies: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client> {
    use rustls_platform_verifier::BuilderVerifierExt;

    let unusable = |cause: String| {
        Error::new(ErrorKind::Network, format!("no TLS on this machine: {cause}")).with_help(
            "install the system's CA certificates (package ca-certificates), or name a file in SSL_CERT_FILE",
        )
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(|error| unusable(error.to_string()))?
        .with_no_client_auth();
    proxies(reqwest::Client::builder())
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("tokenkeep/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // No retry below this line, and no connection that a server may be closing just now: a request
        // is sent once, and whoever sent it decides whether it may be sent again.
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| unusable(root_cause(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_an_asked_for_loopback() {
        let strict = Transport::new(false);
        let lenient = Transport::new(true);
        let cases = [
            ("https://login.example/token", true, true),
            ("http://localhost:1/token", false, true),
            ("http://127.0.0.1:1/token", false, true),
            ("http://[::1]:1/token", false, true),
            ("http://login.example/token", false, false),
            ("http://localhost.example/token", false, false),
            ("file:///etc/passwd", false, false),
            ("data:text/plain,x", false, false),
        ];
        for (url, by_default, when_asked) in cases {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(strict.check(&parsed).is_ok(), by_default, "{url}");
            assert_eq!(lenient.check(&parsed).is_ok(), when_asked, "{url}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_was_not_sent() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let request = http::Request::post(format!("http://127.0.0.1:{free}/token?secret=canary"));
        let request = request.body(b"secret=canary".to_vec()).unwrap();
        match Transport::new(true).send(request, Limits::ENDPOINT).await {
            Err(TransportError::NotSent(error)) => assert!(!error.message().contains("canary"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
