//! What a login resolves before the person is asked: whatever can fail without them, fails without them.

use std::sync::Arc;

use url::Url;

use super::Broker;
use super::credential;
use super::login::LoginOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, FlowRequest, Interaction, registered_redirect_uri};
use crate::names::{ConnectionKey, ProviderName};
use crate::provider::{
    Authority, ClientRegistration, ClientSources, Credential, Endpoints, Proof, ProviderDefinition,
    RedirectDefinition, RedirectHost, StoredClient, client_registration, endpoints,
};
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::store::{ConnectionRecord, RegistrationRecord, off_thread};

/// What the record will hold beside the grant.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) key: ConnectionKey,
    pub(super) tenant: Option<String>,
    pub(super) cloud: Option<String>,
    /// App-only access: nobody logs in.
    pub(super) application: bool,
}

impl Broker {
    /// Resolves everything that can fail before the person is asked: the definition, the endpoints, the
    /// client, the scopes. What the options leave open comes from the connection's earlier login.
    pub(super) async fn prepare(
        &self,
        provider: &ProviderName,
        options: &LoginOptions,
        interaction: Arc<dyn Interaction>,
    ) -> Result<(FlowRequest, Plan)> {
        // A name that no provider has is said before a store is made for it.
        let definition = self.0.catalog.find(provider)?.definition;
        let kept = self.kept_async().await?;
        let key = ConnectionKey::new(provider.clone(), options.connection.clone());
        let (store, read_key) = (Arc::clone(&kept.store), key.clone());
        let (earlier, stored) = off_thread(move || {
            // A grant that cannot be kept is not worth a person's time.
            store.check_writable()?;
            // A damaged record is about to be replaced: it has nothing to say here.
            let earlier = store.get(&read_key).or_else(none_if_damaged)?;
            let stored = store.registration(&read_key.provider).or_else(none_if_damaged)?;
            Ok((earlier, stored))
        })
        .await?;

        let issuer = options
            .issuer
            .clone()
            .or_else(|| earlier.as_ref().and_then(|earlier| earlier.server.issuer.clone()));
        let tenant = options
            .tenant
            .clone()
            .or_else(|| earlier.as_ref().and_then(|earlier| earlier.server.tenant.clone()));
        let cloud = options
            .cloud
            .clone()
            .or_else(|| earlier.as_ref().and_then(|earlier| earlier.server.cloud.clone()));
        let application = options.flow == Some(Flow::ClientCredentials);
        let authority = authority(&definition, tenant.as_deref(), cloud.as_deref())?;
        if application {
            one_organization(&definition, authority.as_ref())?;
        }
        let endpoints = self.endpoints(&definition, authority.as_ref(), issuer.as_deref()).await?;

        let redirect = redirect(&definition.redirect, options.redirect_uri.as_deref())?;
        let given = options.clone();
        let sources = ClientSources {
            client_id: options.client_id.as_deref(),
            credential: off_thread(move || credential::read(&given)).await?,
            stored: stored_client(earlier.as_ref(), stored, application),
            authentication_methods: endpoints.authentication_methods.as_deref(),
        };
        let environment = &self.0.settings.environment;
        let client = if application {
            client_registration::resolve_application(&definition, sources, environment)?
        } else {
            let to_register = registered_redirect_uri(&redirect);
            client_registration::resolve(&definition, sources, environment, &to_register)?
        };
        let credential = credential::ending(client.credential, options.credential_expires.as_deref())?;
        let client = ClientRegistration { credential, ..client };
        // What an application asked for is nothing that a person is asked for, and the other way round.
        let earlier = earlier.filter(|earlier| earlier.application == application);
        let earlier_scopes = earlier.map(|earlier| earlier.requested_scopes);
        let wanted = options.scopes.clone().or(earlier_scopes);
        let scopes = match &definition.client_credentials {
            Some(own) if application => wanted.unwrap_or_else(|| own.scopes.clone()),
            _ => scopes(&definition, &endpoints, wanted),
        };
        one_resource(&definition, &scopes)?;
        let plan =
            Plan { key, tenant: authority.map(|authority| authority.tenant.to_string()), cloud, application };
        let (transport, clock) = (Arc::clone(&self.0.transport), Arc::clone(&self.0.clock));
        let definition = Arc::new(definition);
        let request =
            FlowRequest { transport, clock, definition, endpoints, client, scopes, redirect, interaction };
        Ok((request, plan))
    }

    /// The provider's endpoints: from its definition, or from the metadata of the issuer.
    async fn endpoints(
        &self,
        definition: &ProviderDefinition,
        authority: Option<&Authority>,
        issuer: Option<&str>,
    ) -> Result<Endpoints> {
        if !definition.discovery {
            return endpoints::from_definition(definition, authority);
        }
        let fixed = definition.endpoints.issuer.as_ref().map(|issuer| issuer.as_str());
        let issuer = issuer.or(fixed).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, format!("{} needs an issuer", definition.name)).with_help(
                format!("name it: `tokenkeep login {} --issuer https://login.example`", definition.name),
            )
        })?;
        endpoints::discover(&self.0.transport, issuer).await
    }
}

/// The client that a login takes when none is named: the one that the connection was made with, unless the
/// user has stored another one, or a newer secret for the same one, since.
fn stored_client(
    earlier: Option<&ConnectionRecord>,
    stored: Option<RegistrationRecord>,
    application: bool,
) -> Option<StoredClient> {
    let secret = |secret: Option<Secret>, expires_at| {
        secret.map(|secret| Credential { proof: Proof::Secret(secret), expires_at })
    };
    let own = earlier.map(|earlier| {
        let client = &earlier.client;
        let expires_at = client.credential_expires_at;
        let certificate = client.certificate.clone().map(Proof::Certificate);
        let credential = certificate
            .map(|proof| Credential { proof, expires_at })
            .or_else(|| secret(client.client_secret.clone(), expires_at));
        // A person's login and an application prove themselves in their own ways, also as one client.
        let credential = credential.filter(|_| earlier.application == application);
        StoredClient { client_id: client.client_id.clone(), credential }
    });
    let newer =
        stored.filter(|stored| earlier.is_none_or(|earlier| stored.stored_at >= earlier.logged_in_at));
    let newer = newer.map(|stored| StoredClient {
        client_id: stored.client_id,
        credential: secret(stored.client_secret, None),
    });
    newer.or(own)
}

/// An application belongs to one organization, or is let in by one: Microsoft's other tenants are for people.
fn one_organization(definition: &ProviderDefinition, authority: Option<&Authority>) -> Result<()> {
    let Some(authority) = authority.filter(|authority| !authority.tenant.is_one_organization()) else {
        return Ok(());
    };
    let message = format!("app-only access is for one organization, and the tenant is {}", authority.tenant);
    let help = format!(
        "name the tenant: `tokenkeep login {} --flow client-credentials --tenant contoso.com`",
        definition.name
    );
    Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(help))
}

fn authority(
    definition: &ProviderDefinition,
    tenant: Option<&str>,
    cloud: Option<&str>,
) -> Result<Option<Authority>> {
    match (&definition.authority, tenant.or(cloud)) {
        (Some(authority), _) => Authority::resolve(authority, tenant, cloud).map(Some),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let message = format!("{} has no tenants and no clouds", definition.display_name);
            Err(Error::new(ErrorKind::ConfigInvalid, message).with_help("leave out --tenant"))
        }
    }
}

/// The scopes to ask for: the caller's or the provider's default, with those that every login needs,
/// less the latter where the server's metadata does not know them.
fn scopes(definition: &ProviderDefinition, endpoints: &Endpoints, wanted: Option<ScopeSet>) -> ScopeSet {
    let mut scopes = wanted.unwrap_or_else(|| definition.scopes.default.clone());
    for scope in definition.scopes.always.iter() {
        let known =
            endpoints.scopes_supported.as_ref().is_none_or(|known| known.iter().any(|known| known == scope));
        if known {
            scopes.add(scope);
        }
    }
    scopes
}

/// A token is for one resource. Where scopes name theirs, those of two are refused by the token endpoint, which
/// is after the person has consented (AADSTS28003): so it is said before.
fn one_resource(definition: &ProviderDefinition, scopes: &ScopeSet) -> Result<()> {
    let resources = definition.scope_equivalence().resources(scopes);
    if resources.len() <= 1 {
        return Ok(());
    }
    let named = resources.into_iter().collect::<Vec<_>>().join(" and ");
    Err(Error::new(ErrorKind::ConfigInvalid, format!("these scopes are for more than one resource: {named}"))
        .with_help("log in once for each, as connections of their own: --connection NAME"))
}

/// The loopback redirect: the provider's, or the one that the option fixes.
fn redirect(default: &RedirectDefinition, redirect_uri: Option<&str>) -> Result<RedirectDefinition> {
    let Some(text) = redirect_uri else { return Ok(default.clone()) };
    let invalid = || {
        Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a loopback redirect URI"))
            .with_help("for instance http://localhost:8400/callback: http, localhost or 127.0.0.1 or [::1], a port, a path")
    };
    let url = Url::parse(text).map_err(|_| invalid())?;
    let host = match url.host_str() {
        Some("localhost") => RedirectHost::Localhost,
        Some("127.0.0.1") => RedirectHost::Ipv4,
        Some("[::1]") => RedirectHost::Ipv6,
        _ => return Err(invalid()),
    };
    if url.scheme() != "http"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        return Err(invalid());
    }
    // A URL without a port fixes host and path only: the port is any, as the provider has it.
    Ok(RedirectDefinition { host, port: url.port().or(default.port), path: url.path().to_owned() })
}

/// A damaged record has nothing to say; any other error of the store does.
fn none_if_damaged<T>(error: Error) -> Result<Option<T>> {
    if *error.kind() == ErrorKind::StoreCorrupt { Ok(None) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_fixes_host_port_and_path() {
        let default = RedirectDefinition::default();
        let fixed = redirect(&default, Some("http://localhost:8400/cb")).unwrap();
        assert_eq!(
            (fixed.host, fixed.port, fixed.path.as_str()),
            (RedirectHost::Localhost, Some(8400), "/cb")
        );
        let any = redirect(&default, Some("http://[::1]/cb")).unwrap();
        assert_eq!((any.host, any.port), (RedirectHost::Ipv6, None));
        for bad in [
            "https://localhost/cb",
            "http://example.com/cb",
            "http://0.0.0.0:1/",
            "http://localhost:1/?x=1",
            "cb",
            "",
        ] {
            assert_eq!(redirect(&default, Some(bad)).unwrap_err().code(), "config_invalid", "{bad}");
        }
    }
}
