//! A proxy: it makes the tunnels that it is asked for, to ports of this machine, and remembers every byte that it
//! saw. A thread for each direction of a tunnel, so that a server that hangs does not stop it.

use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What came to the proxy on one connection.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The request to the proxy, up to its empty line.
    pub head: String,
    /// What went through the tunnel after it, from the client.
    pub tunnelled: Vec<u8>,
}

impl Asked {
    /// The host and port that a tunnel was asked for (RFC 9110, section 9.3.6); `None` for any other request.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.head.strip_prefix("CONNECT ")?.split(' ').next()
    }
}

/// A running proxy. Takes no more connections when dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// Where a tunnel leads, or the answer in its place.
type Route = dyn Fn(&str) -> Result<u16, String> + Send + Sync;

struct Shared {
    route: Box<Route>,
    asked: Mutex<Vec<Asked>>,
    ended: AtomicBool,
}

impl Proxy {
    /// Starts it. `route` is given the host and port that a tunnel is asked for, and says which port of this machine
    /// it leads to, or else what is answered, to the byte.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub fn start(route: impl Fn(&str) -> Result<u16, String> + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            route: Box::new(route),
            asked: Mutex::default(),
            ended: AtomicBool::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::Builder::new().name("proxy".into()).spawn(move || accepting.accept(&listener))?;
        Ok(Self { port, shared })
    }

    /// What names it: the value of `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same with a name and a password.
    #[must_use]
    pub fn url_with_password(&self, password: &str) -> String {
        format!("http://person:{password}@127.0.0.1:{}", self.port)
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; if it has ended already, all is well.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(&self);
            // A client that hangs up has had enough.
            thread::spawn(move || shared.serve(client).unwrap_or_default());
        }
    }

    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let asked = Asked { head: read_head(&mut client)?, tunnelled: Vec::new() };
        let target = asked.target().map(str::to_owned);
        let place = {
            let mut all = self.asked();
            all.push(asked);
            all.len() - 1
        };
        let Some(target) = target else {
            return client.write_all(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n");
        };
        match (self.route)(&target) {
            Ok(port) => self.tunnel(client, port, place),
            Err(answer) => client.write_all(answer.as_bytes()),
        }
    }

    fn tunnel(&self, mut client: TcpStream, port: u16, place: usize) -> io::Result<()> {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || {
            let copied = io::copy(&mut answers, &mut to_client);
            // Whichever side went away, the other one is told.
            to_client.shutdown(Shutdown::Write).and(copied.map(drop)).unwrap_or_default();
        });
        let mut bytes = [0; 16 << 10];
        loop {
            let length = client.read(&mut bytes)?;
            if length == 0 {
                return server.shutdown(Shutdown::Write);
            }
            if let Some(asked) = self.asked().get_mut(place) {
                asked.tunnelled.extend(&bytes[..length]);
            }
            server.write_all(&bytes[..length])?;
        }
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Byte by byte: what follows belongs to the tunnel.
fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? > 0 {
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
