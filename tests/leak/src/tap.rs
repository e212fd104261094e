//! The wire: a relay in front of a server that reads along. What it takes for a secret is what the RFCs say
//! is one: RFC 6749 2.3.1, 4.1.3, 5.1 and 6, RFC 7009 2.1, RFC 7636 4.5, RFC 8628 3.2, RFC 9449 4.2, OIDC Core 3.1.3.3.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use crate::Canaries;

const IN_REQUESTS: [&str; 6] =
    ["code", "code_verifier", "refresh_token", "device_code", "client_secret", "token"];
const IN_ANSWERS: [&str; 4] = ["access_token", "refresh_token", "id_token", "device_code"];

/// A relay on a port of its own, for as long as the process lives.
pub struct Tap {
    port: u16,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

/// A request, as an answer in the server's place sees it.
pub struct Asked {
    /// The form in its body.
    pub form: BTreeMap<String, String>,
    /// The `Authorization` header.
    pub authorization: String,
    /// The `DPoP` header.
    pub proof: String,
}

/// Answers one request in the server's place: the whole response, head and body.
pub type Answer = Box<dyn FnOnce(&Asked) -> String + Send>;

impl Tap {
    /// Starts a relay to the server on `port` of this machine. What it reads goes into `canaries`.
    pub fn start(server: u16, canaries: &Canaries) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let answers: Arc<Mutex<VecDeque<Answer>>> = Arc::default();
        let (waiting, canaries) = (Arc::clone(&answers), canaries.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (waiting, canaries) = (Arc::clone(&waiting), canaries.clone());
                // Whoever closes a connection early has no answer to miss.
                std::thread::spawn(move || relay(stream, server, &waiting, &canaries).unwrap_or_default());
            }
        });
        Tap { port, answers }
    }

    /// Where it listens.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers the next request in the server's place.
    pub fn answer_next(&self, answer: impl FnOnce(&Asked) -> String + Send + 'static) {
        self.answers.lock().expect("no answer panics").push_back(Box::new(answer));
    }

    /// How many such answers still wait: what a test planned and did not bring about.
    pub fn waiting(&self) -> usize {
        self.answers.lock().expect("no answer panics").len()
    }
}

fn relay(
    mut client: TcpStream,
    server: u16,
    answers: &Mutex<VecDeque<Answer>>,
    canaries: &Canaries,
) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client)?;
    let asked = Asked {
        form: form_urlencoded::parse(&body).into_owned().collect(),
        authorization: header(&head, "authorization").unwrap_or_default().to_owned(),
        proof: header(&head, "dpop").unwrap_or_default().to_owned(),
    };
    read_along(&asked, canaries);
    let answer = answers.lock().expect("no answer panics").pop_front();
    let response = match answer {
        Some(answer) => answer(&asked).into_bytes(),
        None => {
            let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
            upstream.write_all(head.as_bytes())?;
            // One request per connection: the end of the answer is the end of the stream.
            upstream.write_all(b"connection: close\r\n\r\n")?;
            upstream.write_all(&body)?;
            let mut response = Vec::new();
            upstream.read_to_end(&mut response)?;
            response
        }
    };
    for (kind, secret) in secrets_of_answer(&response) {
        canaries.add(&kind, &secret);
    }
    client.write_all(&response)
}

/// The head without its last empty line, and the body.
fn read_request(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..length]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end + 2]).into_owned();
        let expected = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + expected {
            return Ok((head, bytes.split_off(end + 4)));
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn read_along(asked: &Asked, canaries: &Canaries) {
    for (name, value) in &asked.form {
        if IN_REQUESTS.contains(&name.as_str()) {
            // RFC 7009 calls it `token`, whatever it is.
            canaries.add(if name == "token" { "refresh_token" } else { name }, value);
        }
    }
    // What it says is no secret, and the key in it is the public one; with its signature it could be sent again.
    if let Some((_, signature)) = asked.proof.rsplit_once('.') {
        canaries.add("proof", signature);
    }
    if let Some(credentials) = asked.authorization.strip_prefix("Basic ") {
        canaries.add("basic_credentials", credentials);
        let decoded = STANDARD.decode(credentials).unwrap_or_default();
        if let Some((_, secret)) = String::from_utf8_lossy(&decoded).split_once(':') {
            let secret = form_urlencoded::parse(format!("s={secret}").as_bytes())
                .next()
                .map(|(_, secret)| secret.into_owned());
            canaries.add("client_secret", &secret.unwrap_or_default());
        }
    }
}

fn secrets_of_answer(response: &[u8]) -> Vec<(String, String)> {
    let begin =
        response.windows(4).position(|window| window == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
    let Ok(Value::Object(members)) = serde_json::from_slice(&response[begin..]) else { return Vec::new() };
    let secret = |name: &str| Some((name.to_owned(), members.get(name)?.as_str()?.to_owned()));
    IN_ANSWERS.into_iter().filter_map(secret).collect()
}
