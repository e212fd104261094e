//! A small HTTP/1.1 client: one connection per request, nothing followed, nothing retried. The stand-in person and
//! the tests use it; it trusts only the certificates it is given.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

/// The client.
#[derive(Clone)]
pub struct HttpClient {
    tls: TlsConnector,
    proxy: Option<Url>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Where it came from.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpClient {
    /// A client that trusts the authorities in this PEM file for https; without one it can only speak http.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn new(ca_certificate: Option<&Path>) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = ca_certificate {
            let pem = fs::read(path)?;
            // A system's bundle may hold one that rustls cannot use.
            let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
            if added == 0 {
                return Err(io::Error::other(format!("{}: no certificate in it", path.display())));
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), proxy: None })
    }

    /// The same client, which asks this proxy for a tunnel to every https host but localhost.
    #[must_use]
    pub fn through(self, proxy: Option<Url>) -> Self {
        Self { proxy, ..self }
    }

    /// GET.
    ///
    /// # Errors
    ///
    /// When no whole answer arrives.
    pub async fn get(&self, url: &Url) -> io::Result<Answer> {
        self.send(Method::GET, url, &[], Vec::new()).await
    }

    /// POST of a form.
    ///
    /// # Errors
    ///
    /// When no whole answer arrives.
    pub async fn post_form<N: AsRef<str>, V: AsRef<str>>(
        &self,
        url: &Url,
        form: &[(N, V)],
    ) -> io::Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        self.send(Method::POST, url, &headers, body.into_bytes()).await
    }

    /// Any request.
    ///
    /// # Errors
    ///
    /// When no whole answer arrives.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> io::Result<Answer> {
        // A fragment stays with the browser (RFC 9110, section 7.1).
        let mut request =
            Request::builder().method(method).uri(&url[Position::BeforePath..Position::AfterQuery]);
        request = request.header(HOST, &url[Position::BeforeHost..Position::AfterPort]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?;

        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = match &self.proxy {
            Some(proxy) if url.scheme() == "https" && host != "localhost" => {
                tunnel(proxy, &host, port).await?
            }
            _ => TcpStream::connect((host.as_str(), port)).await?,
        };
        if url.scheme() == "https" {
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            exchange(self.tls.connect(name, stream).await?, request, url).await
        } else {
            exchange(stream, request, url).await
        }
    }
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A tunnel through the proxy (RFC 9110, section 9.3.6).
async fn tunnel(proxy: &Url, host: &str, port: u16) -> io::Result<TcpStream> {
    let address = (proxy.host_str().unwrap_or_default(), proxy.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte: what follows belongs to the tunnel.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 200 ") {
        return Ok(stream);
    }
    Err(io::Error::other(format!("no tunnel: {}", String::from_utf8_lossy(&head).trim_end())))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, url: &Url) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Aborted when this future is dropped: a caller that stops waiting has hung up.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    Ok(Answer { url: url.clone(), status: parts.status.as_u16(), headers: parts.headers, body })
}
