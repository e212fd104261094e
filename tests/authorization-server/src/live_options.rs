//! What a server is told at any time: the options of `POST /_control/options`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::features::{
    ApiOptions, ClientDocumentOptions, DpopOptions, MetadataOptions, PushedRequestOptions,
    RegistrationOptions, TokenResponseOptions,
};
use crate::resource_options::{IndicatorOptions, ResourceOptions};

/// What can be changed while the server runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveOptions {
    /// What happens to a refresh token that is used.
    pub rotation: Rotation,
    /// `expires_in`, and when `/resource` refuses the token, in seconds.
    pub access_token_lifetime: u64,
    /// Entra's `ext_expires_in` in seconds: never less than `expires_in`, and the same when `None`.
    pub ext_expires_in: Option<u64>,
    /// `refresh_in` in seconds; left out when `None`.
    pub refresh_in: Option<u64>,
    /// How long an authorization code lives, in seconds (RFC 6749, section 4.1.2: at most ten minutes).
    pub code_lifetime: u64,
    /// The `interval` of a device authorization, in seconds.
    pub device_interval: u64,
    /// The `expires_in` of a device authorization, in seconds.
    pub device_lifetime: u64,
    /// The device is approved by itself after this many polls were answered `authorization_pending`.
    pub device_approve_after: Option<u32>,
    /// The device is denied by itself after this many polls were answered `authorization_pending`.
    pub device_deny_after: Option<u32>,
    /// Every client's secret has expired.
    pub secrets_expired: bool,
    /// What becomes of an assertion that was used before.
    pub assertion_replay: AssertionReplay,
    /// Whether Entra's refreshes are measured by what was consented to.
    pub consent: Consent,
    /// By resource: the claims that the authorization must have been asked for with, or Entra refuses its tokens with
    /// `interaction_required` and these claims, as a policy does that wants more of the person.
    pub step_up: BTreeMap<String, Map<String, Value>>,
    /// The tenant in which accounts are at home that sign in from now on, wherever they do; `None`: where they do.
    pub home_tenant: Option<String>,
    /// The tenants that Entra does not know, as the path says them.
    pub unknown_tenants: Vec<String>,
    /// What the person does with an authorization request.
    pub person: Person,
    /// The `iss` of authorization responses (RFC 9207).
    pub issuer_parameter: IssuerParameter,
    /// What becomes of the metadata.
    pub metadata: MetadataOptions,
    /// The protected resource.
    pub protected_resource: ResourceOptions,
    /// What becomes of `resource`.
    pub resource_indicators: IndicatorOptions,
    /// How clients register themselves.
    pub registration: RegistrationOptions,
    /// What becomes of pushed requests.
    pub pushed_requests: PushedRequestOptions,
    /// Clients whose id is the address of a document.
    pub client_documents: ClientDocumentOptions,
    /// What becomes of proofs of possession.
    pub dpop: DpopOptions,
    /// What is in a token response besides.
    pub token_response: TokenResponseOptions,
    /// How `/api` wants its token.
    pub api: ApiOptions,
}

impl Default for LiveOptions {
    /// A strict server of plain OAuth.
    fn default() -> Self {
        Self {
            rotation: Rotation::ReuseDetection,
            access_token_lifetime: 3600,
            ext_expires_in: None,
            refresh_in: None,
            code_lifetime: 60,
            device_interval: 5,
            device_lifetime: 900,
            device_approve_after: None,
            device_deny_after: None,
            secrets_expired: false,
            assertion_replay: AssertionReplay::Refused,
            consent: Consent::Given,
            step_up: BTreeMap::new(),
            home_tenant: None,
            unknown_tenants: Vec::new(),
            person: Person::Approve,
            issuer_parameter: IssuerParameter::On,
            metadata: MetadataOptions::default(),
            protected_resource: ResourceOptions::default(),
            resource_indicators: IndicatorOptions::default(),
            registration: RegistrationOptions::default(),
            pushed_requests: PushedRequestOptions::default(),
            client_documents: ClientDocumentOptions::default(),
            dpop: DpopOptions::default(),
            token_response: TokenResponseOptions::default(),
            api: ApiOptions::default(),
        }
    }
}

impl LiveOptions {
    /// These options with the members of `changes` in their place. A section keeps what is not named in it.
    ///
    /// # Errors
    ///
    /// When there is no such option, or not with such a value.
    pub fn changed(&self, changes: Value) -> serde_json::Result<Self> {
        let mut options = serde_json::to_value(self)?;
        let changes: Map<String, Value> = serde_json::from_value(changes)?;
        for (name, change) in changes {
            match (&mut options[name.as_str()], change) {
                (Value::Object(section), Value::Object(change)) if name != "step_up" => {
                    section.extend(change)
                }
                (value, change) => *value = change,
            }
        }
        serde_json::from_value(options)
    }
}

/// What happens to a refresh token that is used (RFC 9700, section 4.14.2). Written `none`, `keep-old`,
/// `reuse-detection` or `grace:SECONDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Rotation {
    /// The same token stays; the response has no `refresh_token`.
    None,
    /// A new one each time, and the old one stays valid.
    KeepOld,
    /// Each works once; a second use ends the grant.
    ReuseDetection,
    /// A used token gives the same new pair again for this many seconds; after that a use ends the grant.
    Grace(u64),
}

impl fmt::Display for Rotation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("none"),
            Self::KeepOld => out.write_str("keep-old"),
            Self::ReuseDetection => out.write_str("reuse-detection"),
            Self::Grace(seconds) => write!(out, "grace:{seconds}"),
        }
    }
}

impl FromStr for Rotation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: not none, keep-old, reuse-detection or grace:SECONDS");
        match (text, text.strip_prefix("grace:")) {
            ("none", _) => Ok(Self::None),
            ("keep-old", _) => Ok(Self::KeepOld),
            ("reuse-detection", _) => Ok(Self::ReuseDetection),
            (_, Some(seconds)) => seconds.parse().map(Self::Grace).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl From<Rotation> for String {
    fn from(rotation: Rotation) -> Self {
        rotation.to_string()
    }
}

impl TryFrom<String> for Rotation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What becomes of a client's assertion that was used before: the `jti` makes it one of a kind (RFC 7523, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssertionReplay {
    /// It is good until it expires; MSAL for Python counts on that.
    Accepted,
    /// It is refused.
    Refused,
}

/// What Entra makes of a refresh for scopes that nobody consented to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// It is given.
    Given,
    /// It is refused: `consent_required`.
    Enforced,
}

/// What the person does with an authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Person {
    /// Says yes at once.
    Approve,
    /// Says no at once.
    Deny,
    /// Is shown a form.
    Form,
}

/// The `iss` of authorization responses (RFC 9207), with the metadata that announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssuerParameter {
    /// Sent and announced.
    On,
    /// Neither.
    Off,
    /// Announced, and another issuer's.
    Wrong,
}
