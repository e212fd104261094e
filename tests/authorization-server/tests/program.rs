//! The two programs themselves: the ready line, a login through the stand-in person, and the ways to end.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authorization_server::HttpClient;
use common::certificate::ClientKey;
use common::{CHALLENGE, DEVICE_CODE, GUID, VERIFIER, number};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

/// A running program; killed when the test is over, whatever became of it.
struct Program {
    child: Child,
    ready: Value,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_authorization-server"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["pid"], child.id());
        Self { child, ready }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(self.ready["origin"].as_str().unwrap()).unwrap().join(path).unwrap()
    }

    /// Waits for the end; the exit code, if there is one.
    fn ended(&mut self) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(5) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn person(arguments: &[&str], ca: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stand-in-person"));
    command.args(arguments).env_remove("SSL_CERT_FILE");
    if let Some(ca) = ca {
        command.env("SSL_CERT_FILE", ca);
    }
    command.output().unwrap()
}

/// Listens as a client does; gives the form of the one POST that comes.
fn loopback() -> (u16, thread::JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
        form_urlencoded::parse(&body).into_owned().collect()
    });
    (port, received)
}

#[tokio::test]
async fn a_person_answers_a_pushed_request_for_a_resource() {
    let program =
        Program::start(&["--person", "form", "--options", r#"{"pushed_requests": {"mode": "required"}}"#]);
    let (port, received) = loopback();
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let resource = program.url("/mcp");
    let form = [
        ("client_id", "public"),
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("redirect_uri", &redirect_uri),
        ("resource", resource.as_str()),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let http = HttpClient::new(None).unwrap();
    let pushed = http.post_form(&program.url("/par"), &form).await.unwrap().json();
    let mut url = program.url("/authorize");
    let named = [("client_id", "public"), ("request_uri", pushed["request_uri"].as_str().unwrap())];
    url.query_pairs_mut().extend_pairs(named);
    assert!(person(&[url.as_str()], None).status.success());
    let sent = received.join().unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &sent[0].1),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let tokens = http.post_form(&program.url("/token"), &form).await.unwrap().json();
    let value = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let headers = [("authorization", value.as_str())];
    let told = http.send(hyper::Method::GET, &resource, &headers, Vec::new()).await.unwrap().json();
    assert_eq!(told["audience"], json!([resource.as_str()]));

    let options = Command::new(env!("CARGO_BIN_EXE_authorization-server"))
        .args(["--options", r#"{"pushed_requests": {"mood": "on"}}"#])
        .output()
        .unwrap();
    let said = String::from_utf8(options.stderr).unwrap();
    assert!(!options.status.success() && said.contains("unknown field `mood`"), "{said}");
}

#[tokio::test]
async fn a_login_by_form_over_tls_then_sigterm() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal.jsonl");
    let script = directory.path().join("script.json");
    fs::write(&script, r#"{"endpoint": "token", "skip": 1, "action": {"type": "drop_after"}}"#).unwrap();
    let mut program = Program::start(&[
        "--dialect",
        "entra",
        "--person",
        "form",
        "--tls-directory",
        directory.path().to_str().unwrap(),
        "--journal",
        journal.to_str().unwrap(),
        "--script",
        script.to_str().unwrap(),
    ]);
    let ca = directory.path().join("ca.pem");
    let (port, received) = loopback();
    let mut url = program.url("/common/oauth2/v2.0/authorize");
    let redirect_uri = format!("http://localhost:{port}");
    url.query_pairs_mut().extend_pairs([
        ("client_id", GUID),
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("redirect_uri", &redirect_uri),
        ("scope", "openid offline_access User.Read"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let output = person(&[url.as_str()], ca.to_str());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "stand-in-person: 200\n");

    let received = received.join().unwrap();
    let code = &received.iter().find(|(name, _)| name == "code").unwrap().1;
    let client = HttpClient::new(Some(&ca)).unwrap();
    let token_url = program.url("/common/oauth2/v2.0/token");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", GUID),
        ("code", code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let tokens = client.post_form(&token_url, &form).await.unwrap().json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    // The second request meets the script.
    assert!(client.post_form(&token_url, &form).await.is_err());

    assert!(Command::new("kill").arg(program.child.id().to_string()).status().unwrap().success());
    assert_eq!(program.ended(), Some(0));
    let written = fs::read_to_string(journal).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&str> = lines.iter().map(|line| line["endpoint"].as_str().unwrap()).collect();
    assert_eq!(told, ["authorize", "authorize", "token", "token"]);
    assert_eq!(lines[3]["fault"], "drop_after");
    for secret in [code, refresh_token, VERIFIER] {
        assert!(!written.contains(secret));
    }
}

#[tokio::test]
async fn a_device_in_the_program_and_the_end_of_standard_input() {
    let mut program =
        Program::start(&["--device-interval", "0", "--until-stdin-closes", "--issuer-path", "/t1"]);
    let client = HttpClient::new(None).unwrap();
    let start = async || {
        let form = [("client_id", "public"), ("scope", "openid")];
        client.post_form(&program.url("/t1/device_authorization"), &form).await.unwrap().json()
    };
    let poll = async |device: &Value| {
        let code = device["device_code"].as_str().unwrap();
        let form = [("client_id", "public"), ("grant_type", DEVICE_CODE), ("device_code", code)];
        client.post_form(&program.url("/t1/token"), &form).await.unwrap().status
    };
    let device = start().await;
    assert_eq!(poll(&device).await, 400);
    let page = device["verification_uri"].as_str().unwrap();
    let code = device["user_code"].as_str().unwrap();
    assert!(person(&["--device", page, code], None).status.success());
    assert_eq!(poll(&device).await, 200);
    assert!(!person(&["--device", page, "XXXX-XXXX"], None).status.success());
    let denied = start().await;
    let code = denied["user_code"].as_str().unwrap();
    assert!(person(&["--device", page, code, "--deny"], None).status.success());
    assert_eq!(poll(&denied).await, 400);

    drop(program.child.stdin.take());
    assert_eq!(program.ended(), Some(0));
}

#[test]
fn a_wrong_command_line_says_so() {
    for arguments in [
        &["--rotation", "sometimes"][..],
        &["--dialect", "adfs"],
        &["--issuer-path", "t1"],
        &["--client", ":secret"],
        &["--script", "/nonexistent"],
        &["--proxy"],
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_authorization-server")).args(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn both_loopback_addresses_answer_for_localhost() {
    let program = Program::start(&["--host", "localhost"]);
    let port = u16::try_from(program.ready["port"].as_u64().unwrap()).unwrap();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    let has_ipv6 = TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_ok();
    assert_eq!(TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port)).is_ok(), has_ipv6);
}

#[tokio::test]
async fn an_application_of_the_command_line_and_an_administrator_who_presses_the_button() {
    let key = ClientKey::new();
    let certificate = format!("{GUID}:{}", key.certificate_file.to_str().unwrap());
    let options =
        ["--client-certificate", &certificate, "--client", &format!("{GUID}:s3cret"), "--secrets-expired"];
    let tenants = ["--home-tenant", "contoso.com", "--unknown-tenant", "gone.example"];
    let others = ["--consent", "enforced", "--ext-expires-in", "7200", "--assertion-replay", "refused"];
    let program = Program::start(
        &[&["--dialect", "entra", "--person", "form"], &options[..], &tenants, &others].concat(),
    );
    let client = HttpClient::new(None).unwrap();
    let options = client.get(&program.url("/_control/options")).await.unwrap().json();
    for (name, value) in [
        ("consent", json!("enforced")),
        ("home_tenant", json!("contoso.com")),
        ("unknown_tenants", json!(["gone.example"])),
        ("ext_expires_in", json!(7200)),
        ("assertion_replay", json!("refused")),
    ] {
        assert_eq!(options[name], value, "{name}");
    }

    // One client, with a secret that has expired and a certificate that has not.
    let token_url = program.url("/contoso.com/oauth2/v2.0/token");
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60;
    let claims = json!({"aud": token_url.as_str(), "iss": GUID, "sub": GUID, "jti": "1", "exp": expires});
    let assertion = key.sign(&key.header(), &claims);
    let request = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
    let assertion = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = client.post_form(&token_url, &[&request[..], &assertion].concat()).await.unwrap();
    assert_eq!((answer.status, &answer.json()["ext_expires_in"]), (200, &json!(7200)), "{}", answer.text());
    let secret = [("client_id", GUID), ("client_secret", "s3cret")];
    let answer = client.post_form(&token_url, &[&request[..], &secret].concat()).await.unwrap();
    assert_eq!(number(&answer), ("invalid_client".into(), 7_000_222));

    for (decision, sent) in [(None, "admin_consent=True&tenant="), (Some("--deny"), "error=access_denied")] {
        let (redirect_uri, line) = redirect();
        let mut url = program.url("/organizations/v2.0/adminconsent");
        let request = [("client_id", GUID), ("redirect_uri", &redirect_uri), ("scope", "User.Read")];
        url.query_pairs_mut().extend_pairs(request);
        let arguments: Vec<&str> = decision.into_iter().chain([url.as_str()]).collect();
        assert!(person(&arguments, None).status.success());
        let line = line.join().unwrap();
        assert!(line.starts_with("GET /?") && line.contains(sent), "{line}");
    }
}

/// Listens as a client does; gives the first line of the one GET that comes.
fn redirect() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let line = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap();
        lines.find(String::is_empty).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
        first
    });
    (format!("http://localhost:{port}"), line)
}
