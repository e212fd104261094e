//! What a server may offer beside the grants themselves, and how it goes about it: the sections of
//! [`LiveOptions`](crate::LiveOptions). Everything that a client has to ask for is off until it is switched on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::registered_client::AuthenticationMethod;

/// What becomes of the plain dialect's metadata (RFC 8414) before it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetadataOptions {
    /// Members that are left out.
    pub remove: Vec<String>,
    /// Members that get this value.
    pub set: Map<String, Value>,
    /// The paths at which there is no document: 404.
    pub absent: Vec<String>,
}

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

/// Dynamic registration of clients (RFC 7591, RFC 7592).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationOptions {
    /// Is there an endpoint?
    pub enabled: bool,
    /// The status of a good answer: some servers say 200 where the RFC says 201.
    pub status: u16,
    /// The token without which nobody registers.
    pub initial_access_token: Option<String>,
    /// Can a registration be read, changed and deleted?
    pub management: bool,
    /// Does each use of a registration access token replace it?
    pub rotate_access_token: bool,
    /// The way in which every client is to authenticate, whatever it asked for.
    pub auth_method: Option<AuthenticationMethod>,
    /// The redirect URIs that every client gets, whatever it asked for.
    pub redirect_uris: Option<Vec<String>>,
    /// When a client secret expires, in seconds; never when `None`.
    pub secret_lifetime: Option<u64>,
}

impl Default for RegistrationOptions {
    fn default() -> Self {
        Self {
            enabled: false,
            status: 201,
            initial_access_token: None,
            management: true,
            rotate_access_token: false,
            auth_method: None,
            redirect_uris: None,
            secret_lifetime: None,
        }
    }
}

/// Pushed authorization requests (RFC 9126).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushedRequestOptions {
    /// Is there an endpoint, and must it be used?
    pub mode: PushedRequests,
    /// `expires_in`, in seconds.
    pub lifetime: u64,
    /// The status of a good answer.
    pub status: u16,
}

impl Default for PushedRequestOptions {
    fn default() -> Self {
        Self { mode: PushedRequests::Off, lifetime: 60, status: 201 }
    }
}

/// What becomes of pushed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushedRequests {
    /// There is no endpoint.
    Off,
    /// A request may be pushed.
    On,
    /// A request that was not pushed is refused.
    Required,
}

/// Clients whose id is the address of a document (draft-ietf-oauth-client-id-metadata-document).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientDocumentOptions {
    /// Are they known?
    pub enabled: bool,
}

/// What is in a token response besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenResponseOptions {
    /// Further members, such as `instance_url`.
    pub members: Map<String, Value>,
}

/// How `/api` wants its token, for providers that have a way of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiOptions {
    /// The header.
    pub header: String,
    /// What stands before the token, with a space between; nothing when empty.
    pub scheme: String,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self { header: "authorization".into(), scheme: "Bearer".into() }
    }
}
