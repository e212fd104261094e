//! What a connection of an [`Endpoint`](crate::Endpoint) is sent, step by step, and what came on it.
//!
//! A pause is a read that nobody answers: the client that hangs up ends it at once. May not enter: HTTP, but for
//! the end of a request.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;

/// Longer than any client may wait: then the connection is given up, and the test finds out.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One step of a connection's script. After the last one the connection is closed in good order.
#[derive(Debug, Clone)]
pub enum Act {
    /// As the first step: this connection shows that certificate, or speaks no TLS at all.
    Tls(Option<Arc<ServerConfig>>),
    /// Reads what comes first, whatever it is.
    ReadSome,
    /// Reads one request, head and body.
    Read,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one by one with a pause before each, from the start again when they are out.
    Drip(Vec<u8>, Duration),
    /// Sends these bytes again and again.
    Endless(Vec<u8>),
    /// Says nothing.
    Silence,
    /// Passes the request on, and the answer back: all of it, or its first bytes.
    Forward(usize),
    /// Ends the connection with a reset.
    Reset,
}

impl Act {
    /// A request is read and this answer sent.
    pub fn answer(bytes: impl AsRef<[u8]>) -> Vec<Act> {
        vec![Act::Read, Act::Send(bytes.as_ref().to_vec())]
    }

    /// The same with JSON, under a head of the usual kind.
    pub fn json(body: impl AsRef<[u8]>) -> Vec<Act> {
        Act::reply("200 OK", "Content-Type: application/json\r\n", body)
    }

    /// The same with a status and headers of one's own; the length is added.
    pub fn reply(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        Act::answer([head.as_bytes(), body].concat())
    }
}

/// What one connection brought.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The bytes, below TLS where there was some.
    pub bytes: Vec<u8>,
    /// What became of the TLS handshake, if there was to be one.
    pub handshake: Option<bool>,
}

impl Request {
    /// As text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// True when the client is gone before the pause is over. What it sends meanwhile is thrown away.
pub(crate) fn hangs_up(raw: &mut TcpStream, pause: Duration) -> io::Result<bool> {
    let over = Instant::now() + pause;
    loop {
        let left = over.saturating_duration_since(Instant::now());
        if left.is_zero() {
            raw.set_read_timeout(Some(PATIENCE))?;
            return Ok(false);
        }
        raw.set_read_timeout(Some(left))?;
        match raw.read(&mut [0; 4096]) {
            Ok(0) => return Ok(true),
            Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(true);
            }
            _ => {}
        }
    }
}

pub(crate) fn read_some(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64 << 10];
    let length = stream.read(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// One request, to the end that its length gives.
pub(crate) fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned)
            });
            if body.len() >= length.and_then(|length| length.trim().parse().ok()).unwrap_or(0) {
                return Ok(request);
            }
        }
        let more = read_some(stream)?;
        if more.is_empty() {
            return Ok(request);
        }
        request.extend(more);
    }
}

/// The whole answer of the real server, which is asked to close.
pub(crate) fn forward(upstream: u16, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    let first = request.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    server.write_all(&[&request[..first], b"Connection: close\r\n", &request[first..]].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}
