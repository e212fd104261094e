//! The server that plays a vector: it answers each request with what was written down, and notes what differs.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::vector::{Exchange, Request};

/// What is still to come, what was wrong, and the challenge that a code verifier must be of.
#[derive(Default)]
struct Script {
    exchanges: VecDeque<Exchange>,
    wrong: Vec<String>,
    challenge: Option<String>,
}

pub struct StandIn {
    script: Arc<Mutex<Script>>,
    pub origin: String,
}

impl StandIn {
    /// Listens, and has nothing to answer yet.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let of_server = Arc::clone(&script);
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let script = Arc::clone(&of_server);
                tokio::spawn(async move {
                    let answer = service_fn(|request| answer(Arc::clone(&script), request));
                    let served = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is seen by the client's side.
                    let _ = served.serve_connection(TokioIo::new(connection), answer).await;
                });
            }
        });
        StandIn { script, origin }
    }

    /// The text of a provider's file with its endpoints here.
    pub fn bend(&self, definition: &str) -> String {
        // A value at the beginning is an address too, and stands for its host here.
        let bent = |line: &str| match line.split_once(" = \"") {
            // A cloud brings the origin along.
            Some((name, rest)) if is_endpoint(name) && !rest.starts_with("{cloud}") => {
                format!("{name} = \"{}/~{}", self.origin, rest.strip_prefix("https://").unwrap_or(rest))
            }
            _ => line.to_owned(),
        };
        definition.lines().map(bent).collect::<Vec<_>>().join("\n")
    }

    /// The real address of one that leads here.
    pub fn real(&self, url: &str) -> String {
        let path = url.strip_prefix(&self.origin).and_then(|path| path.strip_prefix("/~"));
        format!("https://{}", path.unwrap_or_else(|| panic!("{url} leads elsewhere")))
    }

    pub fn expect(&self, exchanges: Vec<Exchange>) {
        self.script.lock().unwrap().exchanges = exchanges.into();
    }

    pub fn expect_verifier_of(&self, challenge: &str) {
        self.script.lock().unwrap().challenge = Some(challenge.to_owned());
    }

    /// All that was expected came, and nothing differed.
    pub fn check(&self, name: &str) {
        let script = self.script.lock().unwrap();
        let missing: Vec<_> = script.exchanges.iter().map(|exchange| &exchange.request.url).collect();
        assert!(script.wrong.is_empty(), "{name}:\n{}", script.wrong.join("\n"));
        assert!(missing.is_empty(), "{name}: never asked for: {missing:?}");
    }
}

/// Members of a provider's file that are endpoints; `issuer` is none.
fn is_endpoint(name: &str) -> bool {
    const ENDPOINTS: [&str; 10] = [
        "authorization",
        "token",
        "refresh",
        "pushed_authorization",
        "device_authorization",
        "revocation",
        "metadata",
        "admin_consent",
        "token_endpoint",
        // Of an authority: what `{cloud}` stands for.
        "global",
    ];
    ENDPOINTS.contains(&name)
}

async fn answer(
    script: Arc<Mutex<Script>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut script = script.lock().unwrap();
    let Some(Exchange { request, answer }) = script.exchanges.pop_front() else {
        script.wrong.push(format!("{} {} was not expected", head.method, head.uri));
        return Ok(response(500, "text/plain", String::new()));
    };
    let differences = compare(&request, &head, &body, script.challenge.as_deref());
    script.wrong.extend(differences);
    let body = match answer.body {
        Value::Null => String::new(),
        Value::String(text) => text,
        json => json.to_string(),
    };
    Ok(response(answer.status, &answer.content_type, body))
}

fn response(status: u16, content_type: &str, body: String) -> http::Response<Full<Bytes>> {
    let response = http::Response::builder().status(status).header("content-type", content_type);
    response.body(Full::from(body)).unwrap()
}

/// What differs from what was written down.
fn compare(
    expected: &Request,
    head: &http::request::Parts,
    body: &[u8],
    challenge: Option<&str>,
) -> Vec<String> {
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let real = head.uri.to_string().strip_prefix("/~").map(|path| format!("https://{path}"));
    let basic = expected.basic.as_ref().map(|pair| format!("Basic {}", BASE64_STANDARD.encode(pair)));
    let bearer = expected.bearer.as_ref().map(|token| format!("Bearer {token}"));
    let content_type = match (&expected.form, &expected.json) {
        (Some(_), _) => Some("application/x-www-form-urlencoded".to_owned()),
        (_, Some(_)) => Some("application/json".to_owned()),
        _ => None,
    };
    let text = String::from_utf8_lossy(body);
    let seen =
        |verifier: Option<&str>| verifier.filter(|verifier| is_of(verifier, challenge)).map(str::to_owned);
    let (sent, wanted) = match (&expected.form, &expected.json) {
        (Some(form), _) => {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
            let mut sent: BTreeMap<_, _> = pairs.iter().cloned().collect();
            if let Some(verifier) = seen(sent.get("code_verifier").map(String::as_str)) {
                sent.insert("code_verifier".to_owned(), "{code_verifier}".to_owned());
                assert_eq!(verifier.len(), 43);
            }
            // A repeat shows as a difference in number.
            (format!("{} {sent:?}", pairs.len()), format!("{} {form:?}", form.len()))
        }
        (_, Some(json)) => {
            let mut sent: Value = serde_json::from_slice(body).unwrap_or(Value::String(text.into_owned()));
            if seen(sent["code_verifier"].as_str()).is_some() {
                sent["code_verifier"] = "{code_verifier}".into();
            }
            (sent.to_string(), json.to_string())
        }
        _ => (text.into_owned(), String::new()),
    };
    let pairs = [
        ("method", Some(head.method.to_string()), Some(expected.method.clone())),
        ("url", real, Some(expected.url.clone())),
        ("authorization", header("authorization"), basic.or(bearer)),
        ("content-type", header("content-type"), content_type),
        ("accept", header("accept"), Some("application/json".to_owned())),
        ("body", Some(sent), Some(wanted)),
    ];
    let differ = pairs.into_iter().filter(|(_, sent, wanted)| sent != wanted);
    differ.map(|(what, sent, wanted)| format!("{what}:\n  sent   {sent:?}\n  wanted {wanted:?}")).collect()
}

/// True for the verifier of this challenge (RFC 7636 4.6), in either spelling.
fn is_of(verifier: &str, challenge: Option<&str>) -> bool {
    let hash = digest(&SHA256, verifier.as_bytes());
    let hex: String = hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    challenge == Some(&BASE64_URL_SAFE_NO_PAD.encode(hash)) || challenge == Some(&hex)
}
