//! One request in the journal. A secret never enters: of a parameter that is not known to be harmless, only the
//! beginning of its SHA-256 is kept, so that tests can tell two values apart and a search for leaked tokens finds nothing
//! here.

use std::collections::BTreeMap;

use hyper::header::HOST;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

impl Entry {
    /// The entry of a request that nobody has answered yet.
    pub(crate) fn new(sequence: u64, milliseconds: u64, endpoint: Endpoint, request: &Request) -> Self {
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
            milliseconds,
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
