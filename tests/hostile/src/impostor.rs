//! A server of the stranger's own: documents and redirects by path, and all that came to it, to the letter.
//!
//! May not enter: what an honest server does, which is the scripted server's part.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::script::{PATIENCE, read_request};

/// What no server may learn of a login at another: what the scripted server's codes, tokens and verifiers look like, and
/// whatever proves a client.
const CREDENTIALS: [&str; 9] = [
    "code-",
    "access-",
    "refresh-",
    "device-",
    "code_verifier",
    "client_secret",
    "client_assertion",
    "Authorization:",
    "authorization:",
];

/// A running impostor. Gone when dropped.
pub struct Impostor {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Vec<u8>>>,
    arrived: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Impostor {
    /// Listens; every path is 404.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::default());
        let room = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if room.ended.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hangs up has seen enough.
                room.serve(stream).unwrap_or_default();
            }
        });
        Impostor { port, shared }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// This path answers with JSON.
    pub fn says(&self, path: &str, document: &Value) {
        self.answers(path, "200 OK", "Content-Type: application/json\r\n", &document.to_string());
    }

    /// This path answers with that.
    pub fn answers(&self, path: &str, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer.into());
    }

    /// It is an authorization server, with these members in the place of its own.
    pub fn is_a_server(&self, members: Value) {
        let origin = self.origin();
        let mut document = json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
            "authorization_response_iss_parameter_supported": true,
        });
        let Value::Object(members) = members else { panic!("members are an object") };
        document.as_object_mut().expect("it is one").extend(members);
        self.says("/.well-known/oauth-authorization-server", &document);
    }

    /// It has a protected resource `/mcp` that says this of itself.
    pub fn is_a_resource(&self, document: &Value) {
        self.says("/.well-known/oauth-protected-resource/mcp", document);
    }

    /// All requests so far, heads and bodies.
    pub fn arrived(&self) -> Vec<String> {
        self.shared.arrived.lock().unwrap().clone()
    }

    /// Nothing that came here is a credential of another server, nor any of these texts.
    #[track_caller]
    pub fn knows_nothing_of(&self, texts: &[&str]) {
        for request in self.arrived() {
            for credential in CREDENTIALS.iter().chain(texts) {
                assert!(!request.contains(credential), "{credential} came to a stranger: {request}");
            }
        }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = String::from_utf8_lossy(&read_request(&mut stream)?).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let path = target.split('?').next().unwrap_or_default();
        self.arrived.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().get(path).cloned();
        stream.write_all(answer.as_deref().unwrap_or(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    }
}
