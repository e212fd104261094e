//! An authorization server of a few lines on a loopback port: metadata, one code, one device code, and
//! tokens that are numbered. Enough to see the command line at work; what servers really do is the
//! affair of `tests/authorization-server` and of the real ones.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a test may turn.
#[derive(Default)]
pub struct Dials {
    /// Tokens given out so far.
    pub tokens: AtomicU32,
    /// Seconds that each token lives; 0 means an hour.
    pub lifetime: AtomicU32,
    /// Milliseconds before a refresh is answered.
    pub delay: AtomicU32,
    /// The scopes that are granted, when not those of the request.
    pub granted: Mutex<Option<String>>,
    /// The error that a refresh is answered with.
    pub refusal: Mutex<Option<&'static str>>,
    /// The requests: path and body.
    pub journal: Mutex<Vec<String>>,
}

pub struct Server {
    pub issuer: String,
    pub dials: Arc<Dials>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let dials = Arc::new(Dials::default());
        let server = Server { issuer: issuer.clone(), dials: Arc::clone(&dials) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (issuer, dials) = (issuer.clone(), Arc::clone(&dials));
                std::thread::spawn(move || answer(stream, &issuer, &dials));
            }
        });
        server
    }
}

fn answer(mut stream: TcpStream, issuer: &str, dials: &Dials) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    dials.journal.lock().ok()?.push(format!("{path} {body}"));
    let (status, text) = respond(&path, &body, issuer, dials)?;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

fn respond(path: &str, body: &str, issuer: &str, dials: &Dials) -> Option<(u16, String)> {
    let text = match path {
        "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
            serde_json::json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "device_authorization_endpoint": format!("{issuer}/device"),
                "revocation_endpoint": format!("{issuer}/revoke"),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["read", "write"],
            })
        }
        "/device" => serde_json::json!({
            "device_code": "device-canary",
            "user_code": "WDJB-MJHT",
            "verification_uri": format!("{issuer}/activate"),
            "verification_uri_complete": format!("{issuer}/activate?user_code=WDJB-MJHT"),
            "expires_in": 60,
            "interval": 1,
        }),
        "/revoke" => serde_json::json!({}),
        "/token" => {
            if body.contains("grant_type=refresh_token") {
                std::thread::sleep(Duration::from_millis(dials.delay.load(Ordering::SeqCst).into()));
                if let Some(refusal) = *dials.refusal.lock().ok()? {
                    let said =
                        serde_json::json!({"error": refusal, "error_description": "no \u{1b}[31mmore"});
                    return Some((400, said.to_string()));
                }
            }
            let number = dials.tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let lifetime = dials.lifetime.load(Ordering::SeqCst);
            let mut token = serde_json::json!({
                "access_token": format!("access-canary-{number}"),
                "refresh_token": format!("refresh-canary-{number}"),
                "token_type": "Bearer",
                "expires_in": if lifetime == 0 { 3600 } else { lifetime },
            });
            if let Some(granted) = &*dials.granted.lock().ok()? {
                token["scope"] = granted.as_str().into();
            }
            token
        }
        _ => return Some((404, "{}".to_owned())),
    };
    Some((200, text.to_string()))
}

/// What a browser does at the end: calls the address that the server sent it to.
pub fn visit(address: &str) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    // The page may come before the end of the connection does.
    let _ = stream.read_to_string(&mut page);
    page
}

/// The address that this server would send the browser to.
pub fn redirect(authorization_url: &str) -> String {
    let value = |name: &str| {
        let query = authorization_url.split_once('?').unwrap().1;
        query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap().to_owned()
    };
    let redirect_uri = value("redirect_uri").replace("%3A", ":").replace("%2F", "/");
    format!("{redirect_uri}?code=code-canary&state={}", value("state"))
}
