//! The form of a provider's file, strictly parsed: an unknown member, a wrong type or an endpoint that
//! is not https is one line that names the file, the line, the member and what was expected.
//!
//! | file | holds |
//! |---|---|
//! | `sections` | its tables |
//! | `check` | what one member alone cannot tell |
//! | `check_values` | the same of values and of what they fill |
//! | `mistake` | a mistake, told with its place |

mod check;
mod check_values;
mod mistake;
mod sections;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::error::Result;
use crate::names::ProviderName;
use crate::scope::{ScopeEquivalence, ScopeSet};

use super::dialect::{ApiDefinition, Confidence, DeviceDefinition, RevocationDefinition, ValueDefinition};
use super::scopes::{ScopesDefinition, renamed_set};
use mistake::Document;
pub(super) use mistake::Mistake;
pub use sections::{
    AuthorityDefinition, AuthorizationDefinition, ClientCredentialsDefinition, ClientDefinition,
    EndpointsDefinition, LogoutDefinition, RedirectDefinition, RedirectHost, TokenDefinition,
};

/// The only value of `schema` so far.
const SCHEMA: u32 = 1;

/// A provider, as its file describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderDefinition {
    /// The version of this form.
    #[serde(deserialize_with = "schema")]
    pub schema: u32,
    /// The name that people type; the file is called `NAME.toml`.
    pub name: ProviderName,
    /// The name that people read.
    pub display_name: String,
    /// The environment variable that programs expect the access token in.
    pub access_token_variable: String,
    /// How well public documentation bears out what stands here; for the user to weigh.
    #[serde(default)]
    pub confidence: Confidence,
    /// Where the provider's own documentation is.
    #[serde(default)]
    pub documentation: Option<String>,
    /// True when the endpoints come from the metadata of an issuer named at login (RFC 8414).
    #[serde(default)]
    pub discovery: bool,
    /// True when the issuer itself comes from the metadata of the protected resource that is named at login (RFC 9728).
    #[serde(default)]
    pub resource_discovery: bool,
    /// What differs from customer to customer, by name.
    #[serde(default)]
    pub values: BTreeMap<String, ValueDefinition>,
    /// The provider's API.
    #[serde(default)]
    pub api: ApiDefinition,
    /// Where the provider is, when that is known beforehand.
    #[serde(default)]
    pub endpoints: EndpointsDefinition,
    /// Tenants and clouds: what `{tenant}` and `{cloud}` in an endpoint stand for.
    #[serde(default)]
    pub authority: Option<AuthorityDefinition>,
    /// The client that logs in.
    #[serde(default)]
    pub client: ClientDefinition,
    /// The loopback redirect (RFC 8252 7.3).
    #[serde(default)]
    pub redirect: RedirectDefinition,
    /// What is asked for, how scopes are compared, and what is known of them.
    #[serde(default)]
    pub scopes: ScopesDefinition,
    /// The authorization request.
    #[serde(default)]
    pub authorization: AuthorizationDefinition,
    /// The token request.
    #[serde(default)]
    pub token: TokenDefinition,
    /// App-only access, where the provider has it.
    #[serde(default)]
    pub client_credentials: Option<ClientCredentialsDefinition>,
    /// The device code flow.
    #[serde(default)]
    pub device: DeviceDefinition,
    /// Revocation.
    #[serde(default)]
    pub revocation: RevocationDefinition,
    /// Logging out.
    #[serde(default)]
    pub logout: LogoutDefinition,
}

impl ProviderDefinition {
    /// Parses the text of a provider's file; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let document = Document::new(file, text);
        let definition: ProviderDefinition =
            toml::from_str(text).map_err(|error| document.unreadable(&error))?;
        definition.check().map_err(|mistake| document.error(&mistake))?;
        Ok(definition)
    }

    /// The same as it is in `cloud`, where resources may have other names; the usual ones when none is named.
    pub fn in_cloud(mut self, cloud: Option<&str>) -> Self {
        let Some(cloud) = cloud else { return self };
        if let (Some(own), Some(names)) = (&mut self.client_credentials, self.scopes.clouds.get(cloud)) {
            own.scopes = renamed_set(&own.scopes, names);
        }
        self.scopes = self.scopes.in_cloud(cloud);
        self
    }

    /// How two spellings of a scope compare at this provider.
    pub fn scope_equivalence(&self) -> ScopeEquivalence {
        self.scopes.equivalence()
    }

    /// `scopes` with what this provider's presets stand for in their place.
    pub fn expand(&self, scopes: &ScopeSet) -> ScopeSet {
        self.scopes.expand(scopes)
    }
}

fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let schema = u32::deserialize(deserializer)?;
    if schema != SCHEMA {
        return Err(de::Error::custom(format!(
            "expected schema = {SCHEMA}, found {schema}: a newer Tokenkeep may know it"
        )));
    }
    Ok(schema)
}
