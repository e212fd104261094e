//! A token endpoint of raw bytes. Each connection plays a script: what is read, what is sent, how it ends.
//! A connection without one is passed on to the real server, byte by byte, so that a login works.
//!
//! May not enter: HTTP.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::net::listen;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::script::{Act, PATIENCE, Request, forward, hangs_up, read_request, read_some};

/// A running endpoint. Gone when dropped.
pub struct Endpoint {
    port: u16,
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
}

struct Shared {
    upstream: u16,
    always: Mutex<Option<Vec<Act>>>,
    next: Mutex<VecDeque<Vec<Act>>>,
    tls: Mutex<Option<Arc<ServerConfig>>>,
    arrived: Mutex<Vec<Request>>,
    ended: AtomicBool,
    plug: Mutex<State>,
    turned: Condvar,
}

/// Whether connections are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The next one will be the last that is taken.
    Closing,
    Closed,
}

impl Endpoint {
    /// Listens in front of the server on `upstream`.
    pub fn start(upstream: u16) -> Self {
        let listener = Arc::new(TcpListener::bind(("127.0.0.1", 0)).expect("a port is free"));
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared {
            upstream,
            always: Mutex::default(),
            next: Mutex::default(),
            tls: Mutex::default(),
            arrived: Mutex::default(),
            ended: AtomicBool::new(false),
            plug: Mutex::default(),
            turned: Condvar::new(),
        });
        let room = Arc::clone(&shared);
        let accepting = Arc::clone(&listener);
        std::thread::spawn(move || {
            for stream in accepting.incoming().map_while(Result::ok) {
                if room.ended.load(Ordering::SeqCst) {
                    return;
                }
                room.wait_while_plugged();
                let room = Arc::clone(&room);
                // A client that hangs up in the middle is what many a script is for.
                std::thread::spawn(move || room.serve(stream).unwrap_or_default());
            }
        });
        Endpoint { port, shared, listener }
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

    /// Takes no connection until the plug is dropped: the queue is full, and the kernel drops what else comes.
    #[track_caller]
    pub fn plug(&self) -> Plug<'_> {
        self.shared.turn(State::Closing);
        listen(&self.listener, 0).expect("a queue can be made shorter");
        let address = self.listener.local_addr().expect("a bound socket has an address");
        // Who waits for a connection gets this one, and is then out of the way.
        let mut queue = vec![TcpStream::connect(address).expect("it still listens")];
        let state = self.shared.plug.lock().unwrap();
        drop(self.shared.turned.wait_while(state, |state| *state != State::Closed));
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
            queue.push(stream);
            assert!(queue.len() < 64, "this kernel takes connections that nobody accepts");
        }
        Plug(self, queue)
    }

    /// True once a connection has brought something since the last time.
    pub fn was_asked(&self) -> bool {
        self.shared.arrived.lock().unwrap().iter().any(|request| !request.bytes.is_empty())
    }

    /// What has arrived since the last time, one entry per connection.
    pub fn arrived(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.arrived.lock().unwrap())
    }
}

/// What fills an endpoint's queue.
pub struct Plug<'a>(&'a Endpoint, Vec<TcpStream>);

impl Drop for Plug<'_> {
    fn drop(&mut self) {
        self.1.clear();
        let _ = listen(&self.0.listener, 128);
        self.0.shared.turn(State::Open);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn turn(&self, state: State) {
        *self.plug.lock().unwrap() = state;
        self.turned.notify_all();
    }

    fn wait_while_plugged(&self) {
        let mut state = self.plug.lock().unwrap();
        if *state == State::Closing {
            *state = State::Closed;
            self.turned.notify_all();
        }
        drop(self.turned.wait_while(state, |state| *state == State::Closed));
    }

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
