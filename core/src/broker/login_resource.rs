//! The protected resource that a login is for: how it is named, what it wants, and which authorization server it is to
//! be asked of (RFC 8707, RFC 9728).
//!
//! May not enter: a request (`provider::protected_resource` sends them), and which scopes a login asks for in all.

use super::Broker;
use super::login::LoginOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, ConnectionName};
use crate::protocol::{Challenge, is_same_resource, origin_of, resource_address, resource_indicator};
use crate::provider::ProviderDefinition;
use crate::provider::protected_resource::{ask_resource, discover_resource};
use crate::scope::ScopeSet;
use crate::store::ConnectionRecord;

/// RFC 6750 3.1: a login with wider scopes may help.
const INSUFFICIENT_SCOPE: &str = "insufficient_scope";

/// The resource of a login. Without one, every member is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct LoginResource {
    /// Its name in requests: as its metadata spell it, where they are known.
    pub(super) indicator: Option<String>,
    /// Its name as the person says it, where that is another.
    pub(super) named: Option<String>,
    /// The issuers that its metadata name, in their order.
    pub(super) servers: Vec<String>,
    /// The issuer that it has when its metadata name none: its origin, as it was before there were any.
    pub(super) origin: Option<String>,
    /// The scopes that its challenge wants.
    pub(super) challenged_scopes: Option<ScopeSet>,
    /// The scopes that its metadata list.
    pub(super) listed_scopes: Option<ScopeSet>,
    /// True when it takes no token but one that is bound to a key (RFC 9449).
    pub(super) dpop: bool,
}

impl Broker {
    /// What the options, the connection's earlier login and the resource itself say of the resource.
    ///
    /// # Errors
    /// - `config_invalid`: no address where one is needed, or the provider takes none.
    /// - `provider_rejected`, `network`: its metadata cannot be used, or not be had.
    pub(super) async fn login_resource(
        &self,
        definition: &ProviderDefinition,
        options: &LoginOptions,
        earlier: Option<&ConnectionRecord>,
    ) -> Result<LoginResource> {
        if options.resource.is_some() && definition.authorization.resource_indicators == Some(false) {
            return Err(takes_no_resource(definition));
        }
        let named = options.resource.as_deref().or(earlier.and_then(ConnectionRecord::named_resource));
        let Some(named) = named else {
            return if definition.resource_discovery {
                Err(needs_a_resource(definition))
            } else {
                Ok(demands(options))
            };
        };
        if !definition.resource_discovery {
            resource_indicator(named)?;
            return Ok(LoginResource { indicator: Some(named.to_owned()), ..demands(options) });
        }
        let address = resource_address(named)?;
        let transport = &self.0.transport;
        let challenges = match Challenge::parse_all(&options.www_authenticate) {
            given if !given.is_empty() => given,
            _ => ask_resource(transport, named).await?,
        };
        let announced = challenges.iter().find_map(|challenge| challenge.resource_metadata.as_ref());
        let metadata = discover_resource(transport, named, announced).await?;
        let wanted = LoginResource { origin: Some(origin_of(&address)), ..of_challenges(&challenges) };
        let Some(metadata) = metadata else {
            return Ok(LoginResource { indicator: Some(named.to_owned()), ..wanted });
        };
        Ok(LoginResource {
            named: (metadata.resource != named).then(|| named.to_owned()),
            indicator: Some(metadata.resource),
            servers: metadata.authorization_servers,
            listed_scopes: metadata.scopes_supported,
            dpop: wanted.dpop || metadata.dpop_bound_access_tokens_required,
            ..wanted
        })
    }
}

impl LoginResource {
    /// The issuer of this login: the one that the person `picked`, if the resource is known to take its tokens; else
    /// that of the `earlier` login, as long as it is listed; else the resource's first. Where it lists none, it is the
    /// resource's origin, which nobody has written down: with a slash at its end or without.
    ///
    /// # Errors
    /// `config_invalid` for one that the resource does not list.
    pub(super) fn issuers(&self, picked: Option<&str>, earlier: Option<&str>) -> Result<Vec<String>> {
        let listed = |issuer: &&str| self.servers.iter().any(|server| server == issuer);
        match picked {
            Some(picked) if self.servers.is_empty() || listed(&picked) => Ok(vec![picked.to_owned()]),
            Some(picked) => Err(self.not_listed(picked)),
            None => {
                let chosen = earlier.filter(listed).or(self.servers.first().map(String::as_str));
                let made_up = || self.origin.iter().flat_map(|origin| [origin.clone(), format!("{origin}/")]);
                Ok(chosen.map_or_else(|| made_up().collect(), |chosen| vec![chosen.to_owned()]))
            }
        }
    }

    /// True when the `earlier` login was for no other resource.
    pub(super) fn is_of(&self, earlier: &ConnectionRecord) -> bool {
        let own = self.indicator.as_ref();
        earlier.server.resource.as_ref().is_none_or(|resource| Some(resource) == own)
    }

    /// A connection is one resource's grant: one that has its name from a resource is not made another's without a word.
    ///
    /// # Errors
    /// `config_invalid`.
    pub(super) fn check_connection(
        &self,
        key: &ConnectionKey,
        earlier: Option<&ConnectionRecord>,
    ) -> Result<()> {
        let Some(resource) = self.named.as_deref().or(self.indicator.as_deref()) else { return Ok(()) };
        let Some(other) = earlier.and_then(ConnectionRecord::named_resource) else { return Ok(()) };
        let derived = ConnectionName::of_resource(resource).is_ok_and(|derived| derived == key.connection);
        if !derived || is_same_resource(resource, other) {
            return Ok(());
        }
        let message = format!("the connection {key} is for {other}");
        Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help(format!("give the one for {resource} a name of its own: --connection NAME")))
    }

    fn not_listed(&self, picked: &str) -> Error {
        let resource = self.indicator.as_deref().unwrap_or_default();
        let message = format!("{picked} is no authorization server of {resource}");
        let servers = self.servers.join(", ");
        Error::new(ErrorKind::ConfigInvalid, message)
            .with_help(format!("its metadata name {servers}: pick one with --issuer, or leave it out"))
    }
}

impl LoginOptions {
    /// The same where a resource that refused a token for its scopes has its wish added to what the connection was
    /// asked for (RFC 6750 3.1), unless the caller says what to ask for.
    pub(super) fn stepped_up(&self) -> LoginOptions {
        let challenges = Challenge::parse_all(&self.www_authenticate);
        let refused = challenges.iter().find(|own| own.error.as_deref() == Some(INSUFFICIENT_SCOPE));
        let add_scopes =
            refused.and_then(|challenge| challenge.scope.clone()).filter(|_| self.scopes.is_none());
        LoginOptions { add_scopes: self.add_scopes.clone().or(add_scopes), ..self.clone() }
    }
}

/// What the challenges that the caller met want.
fn demands(options: &LoginOptions) -> LoginResource {
    of_challenges(&Challenge::parse_all(&options.www_authenticate))
}

fn of_challenges(challenges: &[Challenge]) -> LoginResource {
    let of = |scheme: &str| challenges.iter().any(|challenge| challenge.scheme == scheme);
    LoginResource {
        challenged_scopes: challenges.iter().find_map(|challenge| challenge.scope.clone()),
        // RFC 9449 7.2: beside a challenge of Bearer, DPoP is an offer.
        dpop: of("dpop") && !of("bearer"),
        ..LoginResource::default()
    }
}

fn needs_a_resource(definition: &ProviderDefinition) -> Error {
    let message = format!("{} needs the address of a resource", definition.display_name);
    Error::new(ErrorKind::ConfigInvalid, message)
        .with_help("name it: `tokenkeep login --resource https://mcp.example/mcp`")
}

fn takes_no_resource(definition: &ProviderDefinition) -> Error {
    let message = format!("{} takes no resource: its scopes name theirs", definition.display_name);
    Error::new(ErrorKind::ConfigInvalid, message)
        .with_help("leave out --resource, and name the resource's scopes with --scopes")
}
