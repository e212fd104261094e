//! The form of a vector.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A dialect, as one login with all that follows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What the dialect is, in a line.
    pub dialect: String,
    /// The provider's file, from the root of the repository.
    pub file: String,
    /// What the caller says.
    pub options: Options,
    pub login: Login,
    #[serde(default)]
    pub refresh: Option<Refresh>,
    #[serde(default)]
    pub logout: Option<Logout>,
}

/// As in `LoginOptions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    pub client_id: String,
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Absent: the provider's own.
    #[serde(default)]
    pub scopes: Option<String>,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Absent: `http://127.0.0.1/callback`.
    #[serde(default)]
    pub redirect_uri: Option<String>,
}

/// By the browser or by a second device.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[serde(default)]
    pub authorization: Option<Authorization>,
    #[serde(default)]
    pub device: Option<Device>,
    pub exchanges: Vec<Exchange>,
    #[serde(default)]
    pub grant: Option<Grant>,
    /// In place of a grant: the code of the error.
    #[serde(default)]
    pub error: Option<String>,
}

/// The authorization request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    /// Without its query.
    pub url: String,
    /// All parameters. `{state}`, `{nonce}`, `{S256}` and `{S256-hex}` stand for what is made anew for each login.
    pub parameters: BTreeMap<String, String>,
    /// The parameters of the answer, with `{state}`.
    pub callback: BTreeMap<String, String>,
}

/// What the person is shown.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub user_code: String,
    pub verification_uri: String,
}

/// One request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    pub request: Request,
    pub answer: Answer,
}

/// A request, to the letter: what is not named here must not be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[serde(default = "post")]
    pub method: String,
    pub url: String,
    /// `id:secret`, by RFC 6749 2.3.1.
    #[serde(default)]
    pub basic: Option<String>,
    #[serde(default)]
    pub bearer: Option<String>,
    /// A form, with `{code_verifier}`.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// JSON, with `{code_verifier}`.
    #[serde(default)]
    pub json: Option<Value>,
}

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default = "json")]
    pub content_type: String,
    /// A text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The whole line of the header that carries the token.
    pub header: String,
    /// Seconds; absent for a token that does not expire.
    #[serde(default)]
    pub lifetime: Option<i64>,
    #[serde(default)]
    pub scopes: Vec<String>,
    pub refreshable: bool,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    #[serde(default)]
    pub api_hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub exchanges: Vec<Exchange>,
    #[serde(default)]
    pub grant: Option<Grant>,
    /// In place of a grant: the code of the error.
    #[serde(default)]
    pub error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// `revoked` and the like.
    pub revocation: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn ok() -> u16 {
    200
}

fn json() -> String {
    "application/json".to_owned()
}
