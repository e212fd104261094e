//! A server that is a program of its own: started, ready, and gone with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::spawn;

/// A server that says where it is in one line of JSON on its stdout, and ends when its stdin closes.
pub struct Server {
    child: Child,
    /// The line that it said when it was ready.
    pub ready: Value,
}

impl Server {
    /// Starts `command` and waits until it is ready.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let mut child =
            spawn(command.arg("--until-stdin-closes").stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a server can be listened to");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{command:?} did not get ready: {error}: {line:?}"));
        Server { child, ready }
    }

    /// The issuer (RFC 8414).
    pub fn issuer(&self) -> String {
        self.ready["issuer"].as_str().expect("the server names its issuer").to_owned()
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.ready["port"].as_u64().and_then(|port| port.try_into().ok()).expect("the server names its port")
    }

    /// Asks the server's control port, over plain http. For servers that speak https use a command.
    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = request(self.port(), method, path, &body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    /// The server's journal.
    #[track_caller]
    pub fn journal(&self) -> Value {
        self.control("GET", "/_control/journal", &Value::Null)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closing its stdin asks it to end; the kill makes sure.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One plain HTTP request to this machine. Small enough to need no client.
#[track_caller]
pub fn request(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    // A chunked body of a small answer is one chunk between two lines of framing.
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        body.lines().nth(1).unwrap_or_default().to_owned()
    } else {
        body.to_owned()
    };
    (status, body)
}
