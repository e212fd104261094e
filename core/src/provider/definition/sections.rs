//! The tables of a provider's file.
//!
//! May not enter: what of them contradicts what (`check`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::super::endpoint_template::EndpointTemplate;
use crate::protocol::{BodyFormat, ClientAuthentication, CodeChallenge, ResponseMode, RotationClass};
use crate::scope::ScopeSet;

/// Endpoint URLs; `{cloud}` and `{tenant}` are filled in from the authority, other names from the values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointsDefinition {
    /// RFC 6749 3.1.
    pub authorization: Option<EndpointTemplate>,
    /// RFC 6749 3.2.
    pub token: Option<EndpointTemplate>,
    /// Where a refresh goes, when that is not the token endpoint.
    pub refresh: Option<EndpointTemplate>,
    /// RFC 9126 2.
    pub pushed_authorization: Option<EndpointTemplate>,
    /// RFC 8628 3.1.
    pub device_authorization: Option<EndpointTemplate>,
    /// RFC 7009; `{client_id}` in it stands for the client's.
    pub revocation: Option<EndpointTemplate>,
    /// Microsoft: the metadata of a tenant, whose issuer names the tenant's GUID.
    pub metadata: Option<EndpointTemplate>,
    /// Microsoft: where an administrator consents for all of an organization.
    pub admin_consent: Option<EndpointTemplate>,
    /// RFC 8414 `issuer`; what `iss` must be. `{tenantid}` stands for the id_token's `tid`.
    pub issuer: Option<EndpointTemplate>,
    /// RFC 9207: true when every authorization response carries `iss`.
    #[serde(default)]
    pub authorization_response_iss: bool,
}

/// Microsoft's authority: a cloud and a tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityDefinition {
    /// The tenant when none is named: `common`.
    pub default_tenant: String,
    /// The cloud when none is named.
    pub default_cloud: String,
    /// The GUID of the tenant that all personal accounts are of.
    pub personal_tenant: Option<String>,
    /// The clouds by name, each with the origin of its sign-in service.
    pub clouds: BTreeMap<String, EndpointTemplate>,
}

/// The client that logs in (RFC 6749 2).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientDefinition {
    /// A client id that everybody may use, when the provider has one.
    pub id: Option<String>,
    /// How a client that has a secret authenticates; absent means as the metadata says.
    pub authentication: Option<ClientAuthentication>,
    /// What `client_id` is called in requests, where that is not its name.
    pub id_parameter: Option<String>,
    /// True when a client without a secret authenticates by basic with an empty password.
    pub empty_secret: bool,
    /// A client id metadata document that everybody may use (its URL is the client id).
    pub metadata_url: Option<String>,
    /// True when no login works without a secret.
    pub secret_required: bool,
    /// Environment variables that other tools read the client id from.
    pub environment: Vec<String>,
    /// What to do when no client id is known. `{redirect_uri}` becomes the address to register.
    pub registration_steps: String,
}

/// Which loopback redirect the provider takes (RFC 8252 7.3).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedirectDefinition {
    /// How the redirect URI spells this machine.
    pub host: RedirectHost,
    /// A port that the provider wants to the letter; absent means any.
    pub port: Option<u16>,
    /// The path.
    pub path: String,
    /// False when the provider takes no loopback redirect: the person pastes the address that they end up at.
    pub loopback: bool,
    /// The address that they end up at, when it is the same for everybody; else each login names its own.
    pub uri: Option<String>,
}

/// How a redirect URI spells this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RedirectHost {
    /// `127.0.0.1`: names no other machine, whatever a resolver says (RFC 8252 8.3).
    #[serde(rename = "127.0.0.1")]
    Ipv4,
    /// `[::1]`.
    #[serde(rename = "[::1]")]
    Ipv6,
    /// `localhost`, which browsers take to either address.
    #[serde(rename = "localhost")]
    Localhost,
}

/// The authorization request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationDefinition {
    /// OAuth 2.0 Form Post Response Mode, where the provider has it; absent means `query`.
    pub response_mode: Option<ResponseMode>,
    /// How the code challenge is sent (RFC 7636 4.3).
    pub code_challenge: CodeChallenge,
    /// RFC 8707: false when a request that names a resource is refused.
    pub resource_indicators: Option<bool>,
    /// Further parameters.
    pub parameters: BTreeMap<String, String>,
    /// Further parameters when `offline_access` is asked for (OIDC Core 11).
    pub offline_access_parameters: BTreeMap<String, String>,
}

/// The token request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenDefinition {
    /// True when a refresh must name its scopes.
    pub scope_on_refresh: bool,
    /// How the body of a request is written.
    pub body: BodyFormat,
    /// The member of the answer that holds the token's members, when they are not at the top.
    pub answer_at: Option<String>,
    /// What `token_type` says of a bearer token, beside `Bearer` (Slack: `user`).
    pub bearer_name: Option<String>,
    /// What `invalid_grant` is called, where that is not its name.
    pub invalid_grant_name: Option<String>,
    /// Seconds that a token lives when the answer has no `expires_in`.
    pub lifetime: Option<i64>,
    /// True when `expires_in` 0 means that a token does not expire.
    pub zero_is_endless: bool,
    /// What a refresh does to the refresh token.
    pub rotation: RotationClass,
    /// Seconds that the old refresh token still works after a refresh.
    pub rotation_grace: i64,
    /// True when tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// Further parameters of the code exchange.
    pub parameters: BTreeMap<String, String>,
    /// Further parameters of a refresh.
    pub refresh_parameters: BTreeMap<String, String>,
}

/// App-only access (RFC 6749 4.4): the client asks in its own name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentialsDefinition {
    /// Asked for when nobody names any.
    pub scopes: ScopeSet,
    /// How a client secret is sent; absent means as the metadata says. A private key is always `private_key_jwt`.
    #[serde(default)]
    pub authentication: Option<ClientAuthentication>,
    /// True when a private key is of no use without its certificate.
    #[serde(default)]
    pub certificate_required: bool,
    /// What to do when no client id or no credential is known.
    #[serde(default = "register_an_application")]
    pub registration_steps: String,
}

/// Logging out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogoutDefinition {
    /// What a person should know or do where revocation is not possible.
    pub note: Option<String>,
}

impl EndpointsDefinition {
    /// Those that the definition has, by the name of their member.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &EndpointTemplate)> {
        let members = [
            ("authorization", &self.authorization),
            ("token", &self.token),
            ("refresh", &self.refresh),
            ("pushed_authorization", &self.pushed_authorization),
            ("device_authorization", &self.device_authorization),
            ("revocation", &self.revocation),
            ("metadata", &self.metadata),
            ("admin_consent", &self.admin_consent),
            ("issuer", &self.issuer),
        ];
        members.into_iter().filter_map(|(name, endpoint)| Some((name, endpoint.as_ref()?)))
    }
}

impl fmt::Display for RedirectHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RedirectHost::Ipv4 => "127.0.0.1",
            RedirectHost::Ipv6 => "[::1]",
            RedirectHost::Localhost => "localhost",
        })
    }
}

impl Default for ClientDefinition {
    fn default() -> Self {
        ClientDefinition {
            id: None,
            authentication: None,
            id_parameter: None,
            empty_secret: false,
            metadata_url: None,
            secret_required: false,
            environment: Vec::new(),
            registration_steps: "register a native client with the provider, with the redirect URI\n       \
                                 {redirect_uri}\nand give its id with --client-id"
                .to_owned(),
        }
    }
}

impl Default for RedirectDefinition {
    fn default() -> Self {
        RedirectDefinition {
            host: RedirectHost::Ipv4,
            port: None,
            path: "/callback".to_owned(),
            loopback: true,
            uri: None,
        }
    }
}

fn register_an_application() -> String {
    "register an application with the provider, and give its id with --client-id and its secret with \
     --client-secret-stdin"
        .to_owned()
}
