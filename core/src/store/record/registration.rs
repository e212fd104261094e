//! What is kept of a client registration, under the upgrade rules of `record.rs`.

use serde::{Deserialize, Serialize};

use super::Record;
use crate::clock::Timestamp;
use crate::names::{ProviderName, RegistrationKey};
use crate::protocol::{ClientAuthentication, is_default};
use crate::secret::{Secret, serialize_exposed_option};

/// A client registration that the user gave once (`tokenkeep client set`), or that a server made when it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// The provider that it is for.
    pub provider: ProviderName,
    /// The issuer that it is for, at a provider whose servers are discovered: no credential of one reaches another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// RFC 6749 2.2.
    pub client_id: String,
    /// RFC 6749 2.3.1, for confidential clients.
    #[serde(default, serialize_with = "serialize_exposed_option", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// What the server said of it, when it was registered by program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<DynamicRegistration>,
}

/// A registration that the server made when it was asked to (RFC 7591).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicRegistration {
    /// RFC 7591 2: how the client authenticates.
    pub authentication: ClientAuthentication,
    /// RFC 7591 2: the redirect URIs that it was made with.
    pub redirect_uris: Vec<String>,
    /// RFC 9449 5.2 `dpop_bound_access_tokens`: true when the server gives it no other tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dpop: bool,
    /// RFC 7591 3.2.1: when the client secret ends; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<Timestamp>,
    /// RFC 7592 3: where the registration is managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_client_uri: Option<String>,
    /// RFC 7592 3.
    #[serde(default, serialize_with = "serialize_exposed_option", skip_serializing_if = "Option::is_none")]
    pub registration_access_token: Option<Secret>,
}

impl RegistrationRecord {
    /// What it is stored under.
    pub fn key(&self) -> RegistrationKey {
        RegistrationKey { provider: self.provider.clone(), issuer: self.issuer.clone() }
    }
}

impl DynamicRegistration {
    /// True when the client can no longer prove itself.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.client_secret_expires_at.is_some_and(|at| at <= now)
    }
}

impl Record for RegistrationRecord {
    const SCHEMA: &'static str = "tokenkeep/registration/1";
}
