//! What the server was asked and what became of it. A secret never enters: of a parameter that is not known to be
//! harmless, only the beginning of its SHA-256 is kept, so that tests can tell two values apart and a search for
//! leaked tokens finds nothing here.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::header::HOST;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client_authentication::presented;
use crate::dpop;
use crate::entra;
use crate::jws;
use crate::registered_client::AuthenticationMethod;
use crate::request::{DPOP, Endpoint, Request};

/// The parameters whose values are kept as they are.
const HARMLESS: [&str; 26] = [
    "application_type",
    "claims",
    "client_assertion_type",
    "client_id",
    "client_info",
    "client_name",
    "client_uri",
    "code_challenge_method",
    "decision",
    "domain_hint",
    "dpop_bound_access_tokens",
    "dpop_jkt",
    "grant_type",
    "grant_types",
    "login_hint",
    "max_age",
    "prompt",
    "redirect_uri",
    "redirect_uris",
    "resource",
    "response_mode",
    "response_type",
    "response_types",
    "scope",
    "token_endpoint_auth_method",
    "token_type_hint",
];

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The order of arrival, from 1.
    pub sequence: u64,
    /// When it arrived, since the server started.
    pub milliseconds: u64,
    /// Where it went.
    pub endpoint: Endpoint,
    /// `GET` or `POST`.
    pub method: String,
    /// When its answer was ready, since the server started.
    pub finished_milliseconds: u64,
    /// The path without the query.
    pub path: String,
    /// The `Host`.
    pub host: Option<String>,
    /// Was there an `Authorization` header? Its value is never kept.
    pub authorization: bool,
    /// The size of the body: one that was sent again must be whole.
    pub body_bytes: usize,
    /// Who asked, from the body or the `Authorization` header.
    pub client_id: Option<String>,
    /// How it authenticated, or tried to.
    pub client_authentication: Option<AuthenticationMethod>,
    /// The `grant_type`.
    pub grant_type: Option<String>,
    /// The `resource` that was asked for (RFC 8707), or that of the `scope`, as Entra's scopes name it.
    pub resource: Option<String>,
    /// Every parameter, and every member of a registration; one that may be a secret as its [`fingerprint`].
    pub parameters: BTreeMap<String, String>,
    /// The proof of possession that came along (RFC 9449), not yet believed.
    pub proof: Option<ProofSeen>,
    /// The `User-Agent`.
    pub user_agent: Option<String>,
    /// Was there an `Origin` header? A native client sends none.
    pub origin: bool,
    /// The action of the fault that struck, by name.
    pub fault: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a proof of possession says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofSeen {
    /// The thumbprint of its key: `jkt`.
    pub thumbprint: Option<String>,
    /// The fingerprint of its id: every proof has another.
    pub id: Option<String>,
    /// Has it a nonce of the server's?
    pub nonce: bool,
    /// Does it name an access token?
    pub token: bool,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The status; `None` if the connection was closed without an answer.
    pub status: Option<u16>,
    /// The `error` of the answer.
    pub error: Option<String>,
    /// Tokens were made for a grant, whether or not the answer arrived.
    pub granted: bool,
    /// A refresh token was replaced by another.
    pub rotated: bool,
    /// The refresh token had been used before.
    pub reuse: bool,
    /// A grant ended.
    pub revoked: bool,
    /// The tokens that were given, as fingerprints.
    pub issued: BTreeMap<String, String>,
}

/// The first twelve hexadecimal digits of a value's SHA-256, as `sha256:0123456789ab`.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    let hash = digest(&SHA256, secret.as_bytes());
    let hex: String = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// All requests so far.
pub struct Journal {
    started: Instant,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    begun: u64,
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Journal {
    pub(crate) fn new(file: Option<&Path>) -> io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(Self { started: Instant::now(), pages: Mutex::new(Pages { file, ..Pages::default() }) })
    }

    /// All entries in the order of arrival. One that is still being answered is not among them.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.pages().entries.clone();
        entries.sort_by_key(|entry| entry.sequence);
        entries
    }

    /// How often tokens were made, by grant type.
    #[must_use]
    pub fn grants(&self) -> BTreeMap<String, usize> {
        let mut grants = BTreeMap::new();
        for entry in self.pages().entries.iter().filter(|entry| entry.outcome.granted) {
            *grants.entry(entry.grant_type.clone().unwrap_or_default()).or_default() += 1;
        }
        grants
    }

    /// How often a refresh gave tokens, by resource.
    #[must_use]
    pub fn refreshes(&self) -> BTreeMap<String, usize> {
        let mut refreshes = BTreeMap::new();
        let pages = self.pages();
        let refreshed = |entry: &&Entry| entry.grant_type.as_deref() == Some("refresh_token");
        for entry in pages.entries.iter().filter(|entry| entry.outcome.granted).filter(refreshed) {
            *refreshes.entry(entry.resource.clone().unwrap_or_default()).or_default() += 1;
        }
        refreshes
    }

    /// How often a refresh token came while another request with the same one was being answered.
    #[must_use]
    pub fn used_at_once(&self) -> usize {
        let mut until: HashMap<String, u64> = HashMap::new();
        let mut overlaps = |entry: &Entry| {
            let token = entry.parameters.get("refresh_token")?;
            let busy = until.entry(token.clone()).or_default();
            let overlaps = entry.milliseconds < *busy;
            *busy = entry.finished_milliseconds.max(*busy);
            Some(overlaps)
        };
        self.entries().iter().filter(|entry| overlaps(entry) == Some(true)).count()
    }

    /// How often a used refresh token came back.
    #[must_use]
    pub fn reuse_count(&self) -> usize {
        self.pages().entries.iter().filter(|entry| entry.outcome.reuse).count()
    }

    /// How often a request ended a grant.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.pages().entries.iter().filter(|entry| entry.outcome.revoked).count()
    }

    /// How many clients registered themselves.
    #[must_use]
    pub fn registrations(&self) -> usize {
        let good = |entry: &&Entry| matches!(entry.outcome.status, Some(200..300)) && entry.method == "POST";
        self.pages().entries.iter().filter(|entry| entry.endpoint == Endpoint::Register).filter(good).count()
    }

    /// The milliseconds between one poll and the next of the same device code.
    #[must_use]
    pub fn poll_gaps(&self) -> Vec<u64> {
        let mut last: HashMap<String, u64> = HashMap::new();
        let entries = self.entries().into_iter();
        entries
            .filter_map(|entry| Some((entry.parameters.get("device_code")?.clone(), entry.milliseconds)))
            .filter_map(|(code, now)| last.insert(code, now).map(|before| now - before))
            .collect()
    }

    /// The journal as one JSON value.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "entries": self.entries(),
            "grants": self.grants(),
            "refreshes": self.refreshes(),
            "used_at_once": self.used_at_once(),
            "reuse_count": self.reuse_count(),
            "revoked_count": self.revoked_count(),
            "registrations": self.registrations(),
            "poll_gaps": self.poll_gaps(),
        })
    }

    /// The entry of a request that has just arrived.
    pub(crate) fn begin(&self, endpoint: Endpoint, request: &Request) -> Entry {
        let sequence = {
            let mut pages = self.pages();
            pages.begun += 1;
            pages.begun
        };
        let client = presented(request);
        let indicated = request.parameter("resource");
        let registered = if endpoint == Endpoint::Register { members(request) } else { Vec::new() };
        let mut parameters: BTreeMap<String, String> = request
            .parameters()
            .iter()
            .chain(&registered)
            .map(|(name, value)| {
                let harmless = HARMLESS.contains(&name.as_str());
                (name.clone(), if harmless { value.clone() } else { fingerprint(value) })
            })
            .collect();
        if let Some((_, token)) = request.access_token() {
            parameters.insert("access_token".into(), fingerprint(token));
        }
        Entry {
            sequence,
            milliseconds: self.milliseconds(),
            finished_milliseconds: 0,
            endpoint,
            method: request.method.to_string(),
            path: request.path.clone(),
            host: request.header(&HOST).map(Into::into),
            authorization: request.has_authorization(),
            body_bytes: request.body_bytes(),
            client_authentication: client.as_ref().map(|client| client.method),
            client_id: client.map(|client| client.id),
            grant_type: request.parameter("grant_type").map(Into::into),
            resource: indicated.or(entra::first_resource(&request.scope())).map(Into::into),
            parameters,
            proof: request.header(&DPOP).map(proof_seen),
            user_agent: request.user_agent().map(Into::into),
            origin: request.has_origin(),
            fault: None,
            outcome: Outcome::default(),
        }
    }

    /// Writes a finished entry down. A file that cannot be written is no reason to fail the client's request; the
    /// test that reads the file will miss the line.
    pub(crate) fn finish(&self, entry: Entry) {
        let entry = Entry { finished_milliseconds: self.milliseconds(), ..entry };
        let mut pages = self.pages();
        if let (Some(file), Ok(line)) = (&mut pages.file, serde_json::to_string(&entry)) {
            writeln!(file, "{line}").unwrap_or_default();
        }
        pages.entries.push(entry);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn proof_seen(proof: &str) -> ProofSeen {
    let read = jws::read(proof).ok();
    let header = read.as_ref().and_then(|(read, ..)| read.header.get("jwk")?.as_object());
    let claims = read.as_ref().and_then(|(read, ..)| read.claims()).unwrap_or_default();
    ProofSeen {
        thumbprint: header.and_then(dpop::thumbprint),
        id: claims.get("jti").and_then(Value::as_str).map(fingerprint),
        nonce: claims.contains_key("nonce"),
        token: claims.contains_key("ath"),
    }
}

/// The members of a body of JSON, each as text.
fn members(request: &Request) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = request.json() else { return Vec::new() };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    members.into_iter().map(|(name, value)| (name, text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_enters() {
        let journal = Journal::new(None).unwrap();
        let secrets =
            ["code", "code_verifier", "client_secret", "refresh_token", "device_code", "state", "nonce"];
        let mut form: Vec<(&str, &str)> = secrets.iter().map(|name| (*name, "VERY-SECRET")).collect();
        form.push(("scope", "openid"));
        journal.finish(journal.begin(Endpoint::Token, &Request::form("/token", &form)));
        let text = journal.to_json().to_string();
        assert!(!text.contains("VERY-SECRET"), "{text}");
        assert!(text.contains(&fingerprint("VERY-SECRET")) && text.contains("openid"), "{text}");
    }

    #[test]
    fn a_refresh_token_is_used_by_two_at_once() {
        let journal = Journal::new(None).unwrap();
        let request = |token| Request::form("/token", &[("refresh_token", token)]);
        let finish = |token, milliseconds, finished_milliseconds| {
            let entry = Entry { milliseconds, ..journal.begin(Endpoint::Token, &request(token)) };
            journal.pages().entries.push(Entry { finished_milliseconds, ..entry });
            journal.used_at_once()
        };
        assert_eq!(finish("a", 0, 100), 0);
        assert_eq!(finish("b", 50, 60), 0, "another token");
        assert_eq!(finish("a", 100, 120), 0, "the first had been answered");
        assert_eq!(finish("a", 110, 115), 1);
        assert_eq!(finish("a", 118, 119), 2, "the second had not");
    }

    #[test]
    fn gaps_are_counted_per_device_code() {
        let journal = Journal::new(None).unwrap();
        for (code, milliseconds) in [("a", 0), ("b", 10), ("a", 100), ("b", 150), ("a", 350)] {
            let request = Request::form("/token", &[("device_code", code)]);
            journal.finish(Entry { milliseconds, ..journal.begin(Endpoint::Token, &request) });
        }
        assert_eq!(journal.poll_gaps(), [100, 140, 250]);
    }
}
