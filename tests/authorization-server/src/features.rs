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

/// Proofs of possession (RFC 9449).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DpopOptions {
    /// What becomes of proofs.
    pub mode: Dpop,
    /// Must a proof carry a nonce of the server's?
    pub nonce: Nonces,
}

/// What becomes of proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dpop {
    /// The server knows nothing of them.
    #[default]
    Off,
    /// A token is bound to the key of the proof that came along.
    On,
    /// A token request without one is refused.
    Required,
    /// They are announced, and then tokens are of type Bearer all the same.
    Ignored,
}

/// Whether proofs must carry a nonce of the server's, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonces {
    /// None is wanted.
    #[default]
    Off,
    /// Every answer has a new one, which is good for one proof.
    Once,
    /// One is good until the server forgets it.
    Kept,
}
