//! Where a provider's file says how it differs from the standards: values of one customer, the hosts of its API, device
//! codes and revocation in its own words.
//!
//! A file says only what differs, and most files say little: a server that follows RFC 6749, RFC 7009, RFC 7636 and
//! RFC 8628 needs none of this. What is known of providers is written down as exchanges in `tests/vectors/dialects`,
//! which every change here is held to.
//!
//! What differs in a token request, a refresh or a revocation is copied into the record of a grant when the login is kept:
//! a refresh a year from now speaks as the login did, whatever has become of the file. What differs in a device flow
//! is of no more use once the login is done.
//!
//! May not enter: what the differences do on the wire (`protocol`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::definition::ProviderDefinition;
use super::endpoint_template::EndpointTemplate;
use crate::protocol::{RevocationMethod, Rotation, TokenDialect};

/// How well public documentation bears out what stands in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Every member was found in the provider's own documentation.
    High,
    /// Most were; the others are what clients in wide use do.
    Medium,
    /// It is what clients in wide use do.
    #[default]
    Low,
}

impl Confidence {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::High => "high",
            Confidence::Medium => "medium",
            Confidence::Low => "low",
        }
    }
}

/// A value that differs from customer to customer: `{NAME}` in an endpoint and in a host of the API stands for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValueDefinition {
    /// What it is, for the person who is asked for it.
    pub description: String,
    /// What it looks like.
    pub form: ValueForm,
    /// What it is when the person does not say.
    pub default: Option<String>,
    /// All that it can be, where that is known.
    pub allowed: Vec<String>,
    /// Where it is learnt from, when nobody is asked for it.
    pub from: Option<ValueSource>,
    /// The name that it has there; its own when absent.
    pub member: Option<String>,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueForm {
    /// One label of a host name (RFC 1123 2.1).
    #[default]
    Label,
    /// A host name, with a port if need be.
    Host,
    /// An https URL without query and fragment; in a host it stands for its host.
    HttpsUrl,
    /// One segment of a path, or any short text.
    Text,
}

/// Where a value is learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueSource {
    /// A member of the token response.
    TokenResponse,
    /// A parameter of the authorization response.
    AuthorizationResponse,
}

/// How a request to the provider's API carries the token, and where it may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiDefinition {
    /// The hosts of the API, to the letter; `{NAME}` stands for a value.
    pub hosts: Vec<String>,
    /// The header that carries the token; `Authorization` when absent.
    pub header: Option<String>,
    /// What stands before the token in it; the token's type when absent, nothing when empty.
    pub scheme: Option<String>,
}

/// The device code flow, where it is not that of RFC 8628.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceDefinition {
    /// Where a device code is redeemed, when that is not the token endpoint.
    pub token_endpoint: Option<EndpointTemplate>,
    /// `grant_type` of a poll, when it is not RFC 8628's.
    pub grant_type: Option<String>,
    /// What the device code is called in a poll, when it is not `device_code`.
    pub code_parameter: Option<String>,
    /// What the scopes are called in the request for a code, when it is not `scope`.
    pub scope_parameter: Option<String>,
    /// Further parameters of the request for a code.
    pub parameters: BTreeMap<String, String>,
}

impl ProviderDefinition {
    /// How the token endpoint is spoken to: what stands in several sections of the file, as the wire wants it.
    pub fn token_dialect(&self) -> TokenDialect {
        TokenDialect {
            body: self.token.body,
            client_id_parameter: self.client.id_parameter.clone(),
            empty_secret: self.client.empty_secret,
            scope_parameter: self.scopes.parameter.clone(),
            answer_at: self.token.answer_at.clone(),
            bearer_name: self.token.bearer_name.clone(),
            invalid_grant_name: self.token.invalid_grant_name.clone(),
            lifetime: self.token.lifetime,
            zero_is_endless: self.token.zero_is_endless,
            refresh_parameters: self.token.refresh_parameters.clone(),
        }
    }

    /// What a refresh does to the refresh token.
    pub fn rotation(&self) -> Rotation {
        Rotation { class: self.token.rotation, grace: self.token.rotation_grace }
    }
}

/// Revocation, where it is not that of RFC 7009.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RevocationDefinition {
    /// How the server is asked.
    pub method: RevocationMethod,
}
