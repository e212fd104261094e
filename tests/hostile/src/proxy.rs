//! A proxy: it makes the tunnels that it is asked for, all to one place, and remembers every byte that it saw.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What came to the proxy on one connection.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The request to the proxy, up to its empty line.
    pub head: String,
    /// What went through the tunnel after it, from the client.
    pub tunnelled: Vec<u8>,
}

/// A running proxy. Takes no more connections when dropped.
pub struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
}

impl Proxy {
    /// Whatever it is asked for, its tunnels lead to this port of this machine; or every one is refused.
    pub fn start(target: Result<u16, &'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (asked, ended) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<AtomicBool>::default());
        let (room, over) = (Arc::clone(&asked), Arc::clone(&ended));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let room = Arc::clone(&room);
                // A client that hangs up has had enough.
                std::thread::spawn(move || serve(client, target, &room).unwrap_or_default());
            }
        });
        Proxy { port, asked, ended }
    }

    /// What names it: the value of `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same with a name and a password.
    pub fn url_with_password(&self, password: &str) -> String {
        format!("http://person:{password}@127.0.0.1:{}", self.port)
    }

    /// What it was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    mut client: TcpStream,
    target: Result<u16, &'static str>,
    asked: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte)? == 0 {
            break;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let tunnel = head.starts_with("CONNECT ");
    let place = {
        let mut asked = asked.lock().unwrap();
        asked.push(Asked { head, tunnelled: Vec::new() });
        asked.len() - 1
    };
    let port = match target {
        Ok(port) if tunnel => port,
        Ok(_) => return client.write_all(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"),
        Err(refusal) => return client.write_all(refusal.as_bytes()),
    };
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let copied = io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
        copied.map(drop).unwrap_or_default();
    });
    let mut bytes = [0; 16 << 10];
    loop {
        let length = client.read(&mut bytes)?;
        if length == 0 {
            return server.shutdown(Shutdown::Write);
        }
        if let Some(asked) = asked.lock().unwrap().get_mut(place) {
            asked.tunnelled.extend(&bytes[..length]);
        }
        server.write_all(&bytes[..length])?;
    }
}
