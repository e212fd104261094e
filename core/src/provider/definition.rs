//! The form of a provider's file, strictly parsed: an unknown member, a wrong type or an endpoint that
//! is not https is one line that names the file, the line and what was expected.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::names::ProviderName;
use crate::protocol::{BodyFormat, ClientAuthentication, CodeChallenge, ResponseMode, RotationClass};
use crate::scope::{ScopeEquivalence, ScopeSet};

use super::dialect::{ApiDefinition, Confidence, DeviceDefinition, RevocationDefinition, ValueDefinition};
use super::endpoint_template::EndpointTemplate;
use super::scopes::{ScopesDefinition, renamed_set};

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

/// Endpoint URLs; `{cloud}` and `{tenant}` are filled in from the authority.
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
    /// RFC 7009.
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
    /// How a client secret is sent; absent means as the metadata says. A certificate is always `private_key_jwt`.
    #[serde(default)]
    pub authentication: Option<ClientAuthentication>,
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

impl ProviderDefinition {
    /// Parses the text of a provider's file; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let definition: ProviderDefinition = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            let place = line.map(|line| format!("{file}:{line}")).unwrap_or_else(|| file.to_owned());
            invalid(format!("{place}: {}", error.message()))
        })?;
        definition.check().map_err(|problem| invalid(format!("{file}: {problem}")))?;
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

    /// What one member alone cannot tell.
    fn check(&self) -> Result<(), String> {
        if self.resource_discovery && !self.discovery {
            return Err("resource_discovery finds an issuer, and discovery is not on".to_owned());
        }
        if !self.discovery && self.endpoints.token.is_none() {
            return Err("[endpoints] token is missing, and discovery is not on".to_owned());
        }
        if !self.discovery
            && self.endpoints.authorization.is_none()
            && self.endpoints.device_authorization.is_none()
        {
            return Err("[endpoints] needs authorization or device_authorization".to_owned());
        }
        if let Some(authority) = &self.authority {
            if !authority.clouds.contains_key(&authority.default_cloud) {
                return Err(format!(
                    "[authority] default_cloud {:?} is not in clouds",
                    authority.default_cloud
                ));
            }
            // A template is judged by an example. A cloud on this machine may be plain http, and what a
            // template makes of it may be elsewhere.
            for cloud in authority.clouds.values() {
                for (name, endpoint) in self.endpoints.named() {
                    let filled = endpoint.fill(cloud.as_str(), "common").parse::<EndpointTemplate>();
                    filled.map_err(|problem| format!("[endpoints] {name}: {problem}"))?;
                }
            }
        } else if self.endpoints.named().any(|(_, endpoint)| endpoint.has_placeholders()) {
            return Err("an endpoint has {cloud} or {tenant}, and there is no [authority]".to_owned());
        }
        let own = self.client_credentials.as_ref().and_then(|own| own.authentication);
        if [self.client.authentication, own].contains(&Some(ClientAuthentication::PrivateKeyJwt)) {
            return Err(
                "authentication says how a client secret is sent, and private_key_jwt sends none".to_owned()
            );
        }
        if own == Some(ClientAuthentication::None) {
            return Err(
                "[client_credentials] authentication is none, and app-only access wants a secret".to_owned()
            );
        }
        if self.display_name.chars().any(char::is_control) {
            return Err("display_name holds a line break or another control character".to_owned());
        }
        // `tokenkeep export` writes it for a shell to read.
        let variable = &self.access_token_variable;
        let word = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !word || variable.is_empty() || variable.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "access_token_variable {variable:?} is not letters, digits and underscores (POSIX 8.1)"
            ));
        }
        self.scopes.check()?;
        self.redirect.check()
    }
}

impl RedirectDefinition {
    /// What a browser asks for must be, to the letter, what the listener waits for.
    fn check(&self) -> Result<(), String> {
        if !self.path.starts_with('/') {
            return Err(format!("[redirect] path {:?} does not begin with /", self.path));
        }
        let url = Url::parse(&format!("http://{}{}", self.host, self.path)).ok();
        if url.is_none_or(|url| url.path() != self.path || url.query().or(url.fragment()).is_some()) {
            return Err(format!("[redirect] path {:?} is not a path as a browser sends it", self.path));
        }
        Ok(())
    }
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
        }
    }
}

fn register_an_application() -> String {
    "register an application with the provider, and give its id with --client-id and its secret with \
     --client-secret-stdin"
        .to_owned()
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

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message)
        .with_help("correct the file; `tokenkeep providers show microsoft` prints a working example")
}
