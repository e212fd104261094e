//! How an authorization server differs from RFC 6749 on the wire. What stands here is kept in the record of a grant, so
//! that a refresh speaks to its server as the login did.
//!
//! A request is built as its standard has it and then changed (`spoken`); an answer is read with the differences in hand
//! (`token_endpoint`), since what is strict about it (a repeat, a type that is not bearer, a lifetime that is no number) stays
//! strict in every dialect. The default says nothing and is left out of a record: what was written before there were dialects
//! reads as a server that follows the standards.
//!
//! A member here is one that some server was seen to need. None switches a protection off but `CodeChallenge::None`, which a
//! provider's file may only have where a client secret is required.
//!
//! May not enter: which provider speaks how (the providers' files say so).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the token endpoint is spoken to, and how its answers are read. The default is RFC 6749.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenDialect {
    /// How the body of a request is written.
    #[serde(skip_serializing_if = "is_default")]
    pub body: BodyFormat,
    /// What `client_id` is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_parameter: Option<String>,
    /// True when a client without a secret authenticates by basic with an empty password.
    #[serde(skip_serializing_if = "is_default")]
    pub empty_secret: bool,
    /// What `scope` is called in the authorization request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_parameter: Option<String>,
    /// The member of the answer that holds the token's members, when they are not at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_at: Option<String>,
    /// What `token_type` says of a bearer token, beside `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_name: Option<String>,
    /// What `invalid_grant` is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_grant_name: Option<String>,
    /// Seconds that a token lives when the answer has no `expires_in`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<i64>,
    /// True when `expires_in` 0 means that a token does not expire.
    #[serde(skip_serializing_if = "is_default")]
    pub zero_is_endless: bool,
    /// Further parameters of a refresh.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refresh_parameters: BTreeMap<String, String>,
}

/// How the body of a token request is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// RFC 6749 appendix B.
    #[default]
    Form,
    /// One JSON object of strings.
    Json,
}

/// How a server is asked to forget a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationMethod {
    /// RFC 7009 2.1.
    #[default]
    Form,
    /// A POST with the access token as a bearer token, and no body (Dropbox).
    Bearer,
    /// A DELETE with the client's credentials, and the access token in a JSON body (GitHub).
    JsonDelete,
}

/// How the code challenge is sent (RFC 7636 4.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeChallenge {
    /// RFC 7636 4.2.
    #[default]
    #[serde(rename = "S256")]
    S256,
    /// The hash in hexadecimal digits (TikTok).
    #[serde(rename = "S256-hex")]
    S256Hex,
    /// None: the server refuses a request that has one, and wants a client secret.
    #[serde(rename = "none")]
    None,
}

/// What a refresh does to the refresh token (RFC 6749 6, RFC 9700 4.14).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The class.
    pub class: RotationClass,
    /// Seconds that the old one still works after a refresh.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grace: i64,
}

impl Rotation {
    /// True when a refresh of `age` seconds ago may have made the refresh token useless. Without an age nobody knows.
    pub fn uses_up(self, age: Option<i64>) -> bool {
        let in_grace = age.is_some_and(|age| age < self.grace);
        self.class != RotationClass::Reusable && !in_grace
    }
}

/// See [`Rotation`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationClass {
    /// Nobody says.
    #[default]
    Unknown,
    /// It stays as it is.
    Reusable,
    /// Each refresh brings a new one, and the old one is of no more use.
    SingleUse,
}

impl RotationClass {
    /// The word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationClass::Unknown => "unknown",
            RotationClass::Reusable => "reusable",
            RotationClass::SingleUse => "single_use",
        }
    }
}

/// True for what a record leaves out.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
