//! A token endpoint of raw bytes. Each connection plays a script: what is read, what is sent, how it ends.
//! A connection without one is passed on to the real server, byte by byte, so that a login works.
//!
//! A pause is a read that nobody answers: the client that hangs up ends it at once. May not enter: HTTP, but
//! for the end of a request.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longer than any client may wait: then the connection is given up, and the test finds out.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A running endpoint. Gone when dropped.
pub struct Endpoint {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: u16,
    always: Mutex<Option<Vec<Act>>>,
    next: Mutex<VecDeque<Vec<Act>>>,
    tls: Mutex<Option<Arc<ServerConfig>>>,
    arrived: Mutex<Vec<Request>>,
    ended: AtomicBool,
}

impl Endpoint {
    /// Listens in front of the server on `upstream`.
    pub fn start(upstream: u16) -> Self {
        Endpoint::at(0, upstream)
    }

    /// The same on a port that was an endpoint's before.
    pub fn at(port: u16, upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared {
            upstream,
            always: Mutex::default(),
            next: Mutex::default(),
            tls: Mutex::default(),
            arrived: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let room = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if room.ended.load(Ordering::SeqCst) {
                    return;
                }
                let room = Arc::clone(&room);
                // A client that hangs up in the middle is what many a script is for.
                std::thread::spawn(move || room.serve(stream).unwrap_or_default());
            }
        });
        Endpoint { port, shared, listening: Some(listening) }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every connection plays this script, until [`Endpoint::behave`].
    pub fn always(&self, script: Vec<Act>) {
        *self.shared.always.lock().unwrap() = Some(script);
    }

    /// The next connection plays this script; several queue up.
    pub fn next(&self, script: Vec<Act>) {
        self.shared.next.lock().unwrap().push_back(script);
    }

    /// From here on every connection is passed on.
    pub fn behave(&self) {
        *self.shared.always.lock().unwrap() = None;
        self.shared.next.lock().unwrap().clear();
    }

    /// Speaks TLS from the next connection on; or no more.
    pub fn speak_tls(&self, config: Option<Arc<ServerConfig>>) {
        *self.shared.tls.lock().unwrap() = config;
    }

    /// What has arrived since the last time, one entry per connection.
    pub fn arrived(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.arrived.lock().unwrap())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn serve(&self, socket: TcpStream) -> io::Result<()> {
        let place = {
            let mut arrived = self.arrived.lock().unwrap();
            arrived.push(Request::default());
            arrived.len() - 1
        };
        let next = self.next.lock().unwrap().pop_front();
        let script = next.or_else(|| self.always.lock().unwrap().clone());
        let script = script.unwrap_or_else(|| vec![Act::Read, Act::Forward(usize::MAX)]);
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        let tls = match script.first() {
            Some(Act::Tls(config)) => config.clone(),
            _ => self.tls.lock().unwrap().clone(),
        };
        let mut raw = socket.try_clone()?;
        let Some(config) = tls else { return self.play(script, socket, &mut raw, place) };
        let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, socket);
        // A client that does not like the certificate says so here, and nothing more.
        let handshake = stream.conn.complete_io(&mut stream.sock);
        self.note(place, |request| request.handshake = Some(handshake.is_ok()));
        handshake?;
        self.play(script, stream, &mut raw, place)
    }

    fn play(
        &self,
        script: Vec<Act>,
        mut stream: impl Read + Write,
        raw: &mut TcpStream,
        place: usize,
    ) -> io::Result<()> {
        let mut request = Vec::new();
        for act in script {
            match act {
                // It was seen to before anything else.
                Act::Tls(_) => {}
                Act::ReadSome => request = read_some(&mut stream)?,
                Act::Read => request = read_request(&mut stream)?,
                Act::Send(bytes) => stream.write_all(&bytes)?,
                Act::Drip(bytes, pause) => {
                    for byte in bytes.iter().cycle() {
                        if hangs_up(raw, pause)? {
                            return Ok(());
                        }
                        stream.write_all(std::slice::from_ref(byte))?;
                    }
                }
                Act::Endless(bytes) => loop {
                    stream.write_all(&bytes)?;
                },
                Act::Silence => drop(hangs_up(raw, PATIENCE)?),
                Act::Forward(limit) => {
                    let answer = forward(self.upstream, &request)?;
                    stream.write_all(&answer[..answer.len().min(limit)])?;
                }
                Act::Reset => {
                    rustix::net::sockopt::set_socket_linger(&*raw, Some(Duration::ZERO))?;
                    return Ok(());
                }
            }
            let bytes = request.clone();
            self.note(place, |request| request.bytes = bytes);
        }
        stream.flush()?;
        raw.shutdown(Shutdown::Write)?;
        // Closed with something unread it would be a reset, which overtakes what was sent.
        io::copy(&mut stream, &mut io::sink()).map(drop)
    }

    fn note(&self, place: usize, change: impl FnOnce(&mut Request)) {
        // What was taken meanwhile is nobody's any more.
        if let Some(request) = self.arrived.lock().unwrap().get_mut(place) {
            change(request);
        }
    }
}

/// True when the client is gone before the pause is over. What it sends meanwhile is thrown away.
fn hangs_up(raw: &mut TcpStream, pause: Duration) -> io::Result<bool> {
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

fn read_some(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64 << 10];
    let length = stream.read(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// One request, to the end that its length gives.
fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
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
fn forward(upstream: u16, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    let first = request.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    server.write_all(&[&request[..first], b"Connection: close\r\n", &request[first..]].concat())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}
