//! What the protected resource says of itself, and which resources the server gives tokens for: two sections of
//! [`LiveOptions`](crate::LiveOptions).

use serde::{Deserialize, Serialize};

/// The protected resource `/mcp` (RFC 6750, RFC 9728).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceOptions {
    /// Where its metadata are.
    pub place: Place,
    /// Does the challenge name the metadata? Nothing can be named that is nowhere.
    pub named: bool,
    /// What the challenge names instead, such as the document of another server.
    pub named_url: Option<String>,
    /// `resource`, where it is not the URL that was asked. Tokens for it are taken as well.
    pub resource: Option<String>,
    /// `authorization_servers`, where it is not this server alone.
    pub authorization_servers: Option<Vec<String>>,
    /// `scopes_supported`; left out when `None`.
    pub scopes_supported: Option<Vec<String>>,
    /// `scope` of the challenge to who shows no good token; left out when `None`.
    pub challenge_scope: Option<String>,
    /// The scopes that a token must have, or it is 403 `insufficient_scope`.
    pub required_scopes: Vec<String>,
    /// The schemes of the challenges, each in a header of its own.
    pub schemes: Vec<Scheme>,
    /// `dpop_bound_access_tokens_required`: a token that is bound to no key is refused (RFC 9449).
    pub dpop_bound: bool,
}

impl Default for ResourceOptions {
    fn default() -> Self {
        Self {
            place: Place::Path,
            named: true,
            named_url: None,
            resource: None,
            authorization_servers: None,
            scopes_supported: None,
            challenge_scope: None,
            required_scopes: Vec::new(),
            schemes: vec![Scheme::Bearer],
            dpop_bound: false,
        }
    }
}

/// Where the metadata of the protected resource are (RFC 9728, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// `/.well-known/oauth-protected-resource` before the resource's path.
    Path,
    /// `/.well-known/oauth-protected-resource` alone.
    Root,
    /// Where only the challenge leads.
    Elsewhere,
    /// Nowhere: 404.
    Nowhere,
}

/// A scheme of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    #[serde(rename = "DPoP")]
    Dpop,
}

impl Scheme {
    /// As it stands in a header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// Resource indicators (RFC 8707).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndicatorOptions {
    /// What becomes of `resource`.
    pub mode: Indicators,
    /// The resources that are known beside this server's own.
    pub known: Vec<String>,
}

/// What becomes of `resource`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicators {
    /// It is checked, and the token is good at that resource only.
    #[default]
    Checked,
    /// The same, and a request for authorization without it is refused.
    Required,
    /// The server knows nothing of it: a token is good everywhere.
    Ignored,
}
