//! What a login resolves before the person is asked: whatever can fail without them, fails without them.

use std::sync::Arc;

use url::Url;

use super::Broker;
use super::dynamic_registration::WantedClient;
use super::login::LoginOptions;
use super::login_client::one_organization;
use super::login_dpop::dpop_key;
use super::login_request::LoginRequest;
use super::login_resource::LoginResource;
use super::login_scopes::{LoginScopes, together};
use super::scopes::default_beside_others;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{FlowRequest, Interaction, registered_redirect_uri};
use crate::names::{ConnectionKey, ProviderName};
use crate::provider::{
    Authority, Endpoints, ProviderDefinition, RedirectDefinition, RedirectHost, Values, endpoints, values,
};
use crate::scope::ScopeSet;
use crate::store::{ConnectionRecord, off_thread};

/// What the record will hold beside the grant.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) key: ConnectionKey,
    pub(super) tenant: Option<String>,
    pub(super) cloud: Option<String>,
    /// App-only access: nobody logs in.
    pub(super) application: bool,
    /// True when the server made the client because it was asked to (RFC 7591).
    pub(super) dynamic_client: bool,
    pub(super) scopes: LoginScopes,
    pub(super) request: LoginRequest,
    pub(super) resource: LoginResource,
}

impl Broker {
    /// Resolves everything that can fail before the person is asked: the definition, the endpoints, the
    /// client, the scopes. What the options leave open comes from the connection's earlier login. An answer that is not
    /// listened for here is received at `received_at`.
    pub(super) async fn prepare(
        &self,
        provider: &ProviderName,
        options: &LoginOptions,
        received_at: Option<&str>,
        interaction: Arc<dyn Interaction>,
    ) -> Result<(FlowRequest, Plan)> {
        // A name that no provider has is said before a store is made for it.
        let definition = self.0.catalog.find(provider)?.definition;
        let kept = self.kept_async().await?;
        let key = ConnectionKey::new(provider.clone(), options.connection.clone());
        let (store, read_key) = (Arc::clone(&kept.store), key.clone());
        let earlier = off_thread(move || {
            // A grant that cannot be kept is not worth a person's time.
            store.check_writable()?;
            // A damaged record is about to be replaced: it has nothing to say here.
            store.get(&read_key).or_else(none_if_damaged)
        })
        .await?;

        let options = &options.stepped_up();
        let resource = self.login_resource(&definition, options, earlier.as_ref()).await?;
        resource.check_connection(&key, earlier.as_ref())?;
        let values =
            values::asked(&definition, &options.values, earlier.as_ref().map(|earlier| &earlier.values))?;
        // The issuer of another customer is not this one's.
        let same_customer = earlier.as_ref().filter(|earlier| {
            values.iter().all(|(name, value)| earlier.values.get(name).is_none_or(|earlier| earlier == value))
        });
        let earlier_issuer = same_customer.and_then(|earlier| earlier.server.issuer.as_deref());
        let issuers = if definition.resource_discovery {
            resource.issuers(options.issuer.as_deref(), earlier_issuer)?
        } else {
            options.issuer.as_deref().or(earlier_issuer).map(str::to_owned).into_iter().collect()
        };
        let tenant = options
            .tenant
            .clone()
            .or_else(|| earlier.as_ref().and_then(|earlier| earlier.server.tenant.clone()));
        let cloud = options
            .cloud
            .clone()
            .or_else(|| earlier.as_ref().and_then(|earlier| earlier.server.cloud.clone()));
        let definition = definition.in_cloud(cloud.as_deref());
        let application = options.for_application();
        let authority = authority(&definition, tenant.as_deref(), cloud.as_deref())?;
        if application {
            one_organization(&definition, authority.as_ref())?;
        }
        let endpoints =
            self.endpoints(&definition, authority.as_ref(), &values, &issuers, application).await?;
        if !application {
            endpoints.check_s256(definition.resource_discovery)?;
        }
        // Nothing of one server reaches another (RFC 9700 4.4): neither a client nor a credential, nor who the person is.
        let earlier =
            earlier.filter(|earlier| !definition.discovery || earlier.server.issuer == endpoints.issuer);

        let redirect = redirect(&definition.redirect, options.redirect_uri.as_deref())?;
        let registered = received_at.map_or_else(|| registered_redirect_uri(&redirect), str::to_owned);
        let made_with = earlier.as_ref();
        // What an application was asked for is nothing that a person is asked for, and the other way round.
        let earlier =
            made_with.filter(|earlier| earlier.application == application && resource.is_of(earlier));
        let scopes = login_scopes(&definition, &endpoints, options, earlier, &resource);
        if let Some(finding) = default_beside_others(&definition, &scopes.requested) {
            return Err(Error::new(ErrorKind::ConfigInvalid, finding.message).with_help(finding.help));
        }
        let request = LoginRequest::resolve(&definition, options, earlier, &scopes.requested)?;
        let dpop_key = dpop_key(&definition, &endpoints, options, resource.dpop, earlier)?;
        // Last of all: it may make a client at the server, which is not for a login that fails by itself.
        let now = self.0.clock.now().wall;
        let wanted = WantedClient { redirect_uri: &registered, dpop: dpop_key.is_some(), now };
        let client = self.login_client(&definition, &endpoints, &wanted, options, made_with).await?;
        let tenant = authority.as_ref().map(|authority| authority.tenant.to_string());
        let flow_request = FlowRequest {
            transport: Arc::clone(&self.0.transport),
            clock: Arc::clone(&self.0.clock),
            endpoints,
            authority,
            values,
            client: client.registration,
            scopes: scopes.requested.clone(),
            authorization_scopes: scopes.authorization.clone(),
            redemption_scopes: scopes.redemption.clone(),
            authorization_parameters: request.parameters.clone(),
            claims: request.claims_parameter()?,
            dpop_key,
            dpop_nonces: Arc::clone(&self.0.nonces),
            resource: resource.indicator.clone(),
            dialect: definition.token_dialect(),
            redirect,
            interaction,
            definition: Arc::new(definition),
        };
        let dynamic_client = client.dynamic;
        Ok((
            flow_request,
            Plan { key, tenant, cloud, application, dynamic_client, scopes, request, resource },
        ))
    }

    /// The provider's endpoints: from its definition, or from the metadata of the issuer, by the first of its spellings
    /// that has some.
    async fn endpoints(
        &self,
        definition: &ProviderDefinition,
        authority: Option<&Authority>,
        values: &Values,
        issuers: &[String],
        application: bool,
    ) -> Result<Endpoints> {
        // No id_token comes back to an application, whose tenant would have to be known.
        if !definition.discovery && application {
            return endpoints::from_definition(definition, authority, values);
        }
        if !definition.discovery {
            return endpoints::of_tenant(&self.0.transport, definition, authority, values).await;
        }
        let fixed = definition.endpoints.issuer.as_ref().filter(|_| issuers.is_empty());
        let fixed = fixed.map(|issuer| values::fill(definition, issuer.as_str(), values));
        let mut issuers = issuers.iter().map(String::as_str).chain(fixed.as_deref());
        let issuer = issuers.next().ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, format!("{} needs an issuer", definition.name)).with_help(
                format!("name it: `tokenkeep login {} --issuer https://login.example`", definition.name),
            )
        })?;
        match (self.discovered(issuer).await, issuers.next()) {
            (Err(error), Some(other)) if *error.kind() == ErrorKind::ProviderRejected => {
                self.discovered(other).await.map_err(|_| error)
            }
            (discovered, _) => discovered,
        }
    }

    /// What `issuer` publishes, or published a short while ago.
    async fn discovered(&self, issuer: &str) -> Result<Endpoints> {
        let (known, now) = (&self.0.known_servers, self.0.clock.now());
        if let Some(endpoints) = known.find(issuer, &now) {
            return Ok(endpoints);
        }
        let endpoints = endpoints::discover(&self.0.transport, issuer).await?;
        known.keep(issuer, &endpoints, &now);
        Ok(endpoints)
    }
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

/// The scopes to ask for: those that are wanted, with what their presets stand for, and those that every login needs:
/// of the latter those that the server's metadata know, or at least do not exclude.
fn scopes(definition: &ProviderDefinition, endpoints: &Endpoints, wanted: &ScopeSet) -> ScopeSet {
    let mut scopes = definition.expand(wanted);
    let listed = |scope: &str| Some(endpoints.scopes_supported.as_ref()?.iter().any(|known| known == scope));
    let always = definition.scopes.always.filter(|scope| listed(scope).unwrap_or(true));
    let when_listed = definition.scopes.when_listed.filter(|scope| listed(scope).unwrap_or(false));
    always.iter().chain(when_listed.iter()).for_each(|scope| scopes.add(scope));
    scopes
}

/// What the login is for: the caller's scopes; else what the connection was asked for before, with what is added to it;
/// else what the resource wants; else the provider's default.
fn login_scopes(
    definition: &ProviderDefinition,
    endpoints: &Endpoints,
    options: &LoginOptions,
    earlier: Option<&ConnectionRecord>,
    resource: &LoginResource,
) -> LoginScopes {
    // What a server gives only where it lists it is no resource's to ask for.
    let of_resource = |wanted: &Option<ScopeSet>| {
        wanted.as_ref().map(|wanted| wanted.without(&definition.scopes.when_listed))
    };
    let challenged = of_resource(&resource.challenged_scopes);
    let wanted = challenged.clone().or_else(|| of_resource(&resource.listed_scopes));
    let before = earlier.map(|earlier| earlier.requested_scopes.clone());
    if let Some(own) = definition.client_credentials.as_ref().filter(|_| options.for_application()) {
        let wanted = options.scopes.clone().or(before).or(wanted).unwrap_or_else(|| own.scopes.clone());
        let wanted = definition.scope_equivalence().of_application(&definition.expand(&wanted));
        return LoginScopes::all(definition, wanted);
    }
    let default = wanted.unwrap_or_else(|| definition.scopes.default.clone());
    let Some(added) = &options.add_scopes else {
        let widened = before.map(|before| before.union(&challenged.unwrap_or_default()));
        let wanted = options.scopes.clone().or(widened).unwrap_or(default);
        return LoginScopes::all(definition, scopes(definition, endpoints, &wanted));
    };
    let added = definition.expand(added);
    let all = together(&before.unwrap_or(default), &added, &definition.scope_equivalence());
    let requested = scopes(definition, endpoints, &all);
    match earlier {
        Some(earlier) => LoginScopes::more(definition, requested, &added, earlier),
        None => LoginScopes::all(definition, requested),
    }
}

/// The redirect: the provider's, or the one that the option fixes.
fn redirect(default: &RedirectDefinition, redirect_uri: Option<&str>) -> Result<RedirectDefinition> {
    let Some(text) = redirect_uri else { return Ok(default.clone()) };
    if !default.loopback {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.fragment().is_none());
        return match url {
            Some(_) => Ok(RedirectDefinition { uri: Some(text.to_owned()), ..default.clone() }),
            None => Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("{text:?} is not an https redirect URI"),
            )
            .with_help(
                "this provider takes no redirect to this machine: name the https address that is registered",
            )),
        };
    }
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
    Ok(RedirectDefinition {
        host,
        port: url.port().or(default.port),
        path: url.path().to_owned(),
        loopback: true,
        uri: None,
    })
}

/// A damaged record has nothing to say; any other error of the store does.
pub(super) fn none_if_damaged<T>(error: Error) -> Result<Option<T>> {
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
        let elsewhere = RedirectDefinition { loopback: false, ..default.clone() };
        let own = "https://app.example/cb?x=1";
        assert_eq!(redirect(&elsewhere, Some(own)).unwrap().uri.as_deref(), Some(own));
        for bad in ["http://127.0.0.1/cb", "https://app.example/#x", "app:/cb"] {
            assert_eq!(redirect(&elsewhere, Some(bad)).unwrap_err().code(), "config_invalid", "{bad}");
        }
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
