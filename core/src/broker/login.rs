//! `login`: from a provider's name to a kept grant. And the same in two halves, for programs that
//! receive the redirect themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use url::Url;

use super::{Broker, Connection, Kept};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{
    AuthorizationAttempt, DeviceAuthorization, Flow, FlowRequest, Granted, Interaction, Return, Surroundings,
    ask, choose, registered_redirect_uri,
};
use crate::names::{ConnectionKey, ConnectionName, ProviderName};
use crate::protocol::{ExpectedIdToken, check_id_token, parse_client_info, parse_id_token};
use crate::provider::{
    Authority, ClientCredentials, ClientSources, Endpoints, ProviderDefinition, RedirectDefinition,
    RedirectHost, client_registration, endpoints,
};
use crate::scope::ScopeSet;
use crate::secret::{Secret, random_text};
use crate::store::{
    AccessTokenRecord, Account, ConnectionRecord, ConnectionStatus, Locked, RecordClient, RecordServer,
    RegistrationRecord, off_thread,
};

/// How long a person gets when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What is wanted of a login. Whatever is left open is taken from the connection's earlier login, then
/// from the provider's definition.
#[derive(Debug, Clone, Default)]
pub struct LoginOptions {
    /// The name of the connection that is made or replaced.
    pub connection: ConnectionName,
    /// The flow; chosen by what this machine has when absent.
    pub flow: Option<Flow>,
    /// What to ask for (RFC 6749 3.3). Scopes that the provider's definition always asks for are added.
    pub scopes: Option<ScopeSet>,
    /// Microsoft: who signs the person in.
    pub tenant: Option<String>,
    /// Microsoft: which cloud.
    pub cloud: Option<String>,
    /// The issuer to discover, for `oidc`.
    pub issuer: Option<String>,
    /// RFC 6749 2.2.
    pub client_id: Option<String>,
    /// RFC 6749 2.3.1.
    pub client_secret: Option<Secret>,
    /// Fixes host, port and path of the loopback redirect (RFC 8252 7.3); without a port any will do.
    pub redirect_uri: Option<String>,
    /// True when the person's browser is elsewhere and its last address will be pasted.
    pub paste: bool,
    /// True when the caller has a browser to open, whatever the machine looks like.
    pub browser_named: bool,
    /// How long the person gets; 300 s.
    pub timeout: Option<Duration>,
}

/// A login that has begun: the person is at the provider, the answer comes by another way.
pub struct PendingLogin {
    request: FlowRequest,
    plan: Plan,
    attempt: AuthorizationAttempt,
    // A server that sees a code twice ends the grant (RFC 6749 4.1.2).
    answered: AtomicBool,
}

impl PendingLogin {
    /// Where to send the person.
    pub fn authorization_url(&self) -> &Url {
        self.attempt.url()
    }
}

/// What the record will hold beside the grant.
#[derive(Clone)]
struct Plan {
    key: ConnectionKey,
    tenant: Option<String>,
    cloud: Option<String>,
}

impl Broker {
    /// Logs a person in and keeps the grant. `interaction` talks to the person.
    ///
    /// The grant is written durably before the person's browser is told that it worked. A connection of
    /// the same name is replaced; its grant is not revoked, because another program may hold a token of it.
    ///
    /// Cancel-safe: dropping the future closes the listener and leaves the store as it was.
    ///
    /// # Errors
    /// - `config_invalid`: an option is not of its form; nobody was asked anything.
    /// - `registration_missing`: no client id is known; the help shows what to register, and where.
    /// - `unsupported`: the provider has no such flow, or this machine cannot listen on loopback.
    /// - `access_denied`, `consent_required`, `admin_consent_required`: the answer was no.
    /// - `login_timed_out`: nobody finished in time (`timeout`, or the life of the device code).
    /// - `provider_rejected`: the server refused, or its id_token is not for this login (OIDC Core 3.1.3.7).
    /// - `network`: the server could not be reached. An authorization code that may have been sent is not
    ///   sent again (RFC 6749 4.1.2).
    /// - `lock_timeout`, and those of the store: the grant could not be kept.
    pub async fn login(
        &self,
        provider: &ProviderName,
        options: &LoginOptions,
        interaction: Arc<dyn Interaction>,
    ) -> Result<Connection> {
        // A name that no provider has is said before a store is made for it.
        self.0.catalog.find(provider)?;
        let kept = self.kept_async().await?;
        let (request, plan) = self.prepare(kept, provider, options, interaction).await?;
        let flow = self.choose_flow(&request, options).await?;
        let way_back = if options.paste { Return::Paste } else { Return::Browser };
        let granted = request.run(flow, way_back, options.timeout.unwrap_or(TIMEOUT)).await?;
        self.keep(kept, &request, plan, granted).await
    }

    /// The first half of a login for programs with a browser of their own: the URL to send the person
    /// to. `redirect_uri` in the options is where the answer will be received, to the letter (RFC 6749
    /// 4.1.3); any scheme will do. State, nonce and code verifier stay inside the [`PendingLogin`].
    ///
    /// # Errors
    /// As [`Broker::login`], as far as nobody was asked; `config_invalid` without a redirect URI.
    pub async fn begin_login(&self, provider: &ProviderName, options: &LoginOptions) -> Result<PendingLogin> {
        let redirect_uri = options.redirect_uri.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::ConfigInvalid,
                "begin_login needs the redirect URI that the answer is received at",
            )
        })?;
        let kept = self.kept_async().await?;
        // The redirect is the caller's own, of any scheme: it is not listened on.
        let without_redirect = LoginOptions { redirect_uri: None, ..options.clone() };
        let (request, plan) = self.prepare(kept, provider, &without_redirect, Arc::new(Nobody)).await?;
        let attempt = AuthorizationAttempt::new(&request, &redirect_uri, None)?;
        Ok(PendingLogin { request, plan, attempt, answered: AtomicBool::new(false) })
    }

    /// The second half: the address that the provider sent the person back to. One that is not the
    /// answer to this login (RFC 6749 10.12, RFC 9207 2.4) is refused, and the login is still pending.
    ///
    /// # Errors
    /// `provider_rejected` for another login's address; else as [`Broker::login`].
    pub async fn finish_login(&self, pending: &PendingLogin, callback_url: &str) -> Result<Connection> {
        let kept = self.kept_async().await?;
        let answer = pending.attempt.judge_url(callback_url).map_err(|rejection| {
            Error::new(
                ErrorKind::ProviderRejected,
                format!("that address is not the answer to this login: {rejection}"),
            )
        })?;
        if pending.answered.swap(true, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::ProviderRejected, "this login has had its answer")
                .with_help("begin a new login: a code is good for one use"));
        }
        let granted = pending.attempt.redeem(&pending.request, answer).await?;
        self.keep(kept, &pending.request, pending.plan.clone(), granted).await
    }

    /// The flow that a login on this machine takes when none is named, for a provider with both; and why.
    /// `browser_named` says that the caller has a browser to open.
    ///
    /// # Errors
    /// None today; the signature is that of the choice for a provider without either flow.
    pub fn preferred_flow(&self, browser_named: bool) -> Result<(Flow, &'static str)> {
        choose(&Surroundings::detect(&self.0.settings.environment, browser_named), true, true)
    }

    /// Resolves everything that can fail before the person is asked: the definition, the endpoints, the
    /// client, the scopes. What the options leave open comes from the connection's earlier login.
    async fn prepare(
        &self,
        kept: &Kept,
        provider: &ProviderName,
        options: &LoginOptions,
        interaction: Arc<dyn Interaction>,
    ) -> Result<(FlowRequest, Plan)> {
        let definition = self.0.catalog.find(provider)?.definition;
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
        let authority = authority(&definition, tenant.as_deref(), cloud.as_deref())?;
        let endpoints = self.endpoints(&definition, authority.as_ref(), issuer.as_deref()).await?;

        let redirect = redirect(&definition.redirect, options.redirect_uri.as_deref())?;
        let stored = stored_client(earlier.as_ref(), stored);
        let sources = ClientSources {
            client_id: options.client_id.as_deref(),
            client_secret: options.client_secret.as_ref(),
            stored,
            authentication_methods: endpoints.authentication_methods.as_deref(),
        };
        let to_register = registered_redirect_uri(&redirect);
        let client =
            client_registration::resolve(&definition, sources, &self.0.settings.environment, &to_register)?;
        let earlier_scopes = earlier.map(|earlier| earlier.requested_scopes);
        let scopes = scopes(&definition, &endpoints, options.scopes.clone().or(earlier_scopes));
        let plan = Plan { key, tenant: authority.map(|authority| authority.tenant.to_string()), cloud };
        let (transport, definition) = (Arc::clone(&self.0.transport), Arc::new(definition));
        Ok((FlowRequest { transport, definition, endpoints, client, scopes, redirect, interaction }, plan))
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

    /// The flow that was asked for, else the one that fits; and tells the person which and why.
    async fn choose_flow(&self, request: &FlowRequest, options: &LoginOptions) -> Result<Flow> {
        let (flow, reason) = match options.flow {
            Some(flow) => (flow, "it was asked for"),
            None if options.paste => (Flow::AuthorizationCode, "the redirect URL will be pasted"),
            None => {
                let surroundings = Surroundings::detect(&self.0.settings.environment, options.browser_named);
                let endpoints = &request.endpoints;
                choose(
                    &surroundings,
                    endpoints.authorization.is_some(),
                    endpoints.device_authorization.is_some(),
                )?
            }
        };
        let told = move |interaction: &dyn Interaction| {
            interaction.flow_chosen(flow, reason);
            Ok(flow)
        };
        ask(&request.interaction, told).await
    }

    /// Checks whose grant it is, writes it down, and tells the browser.
    async fn keep(
        &self,
        kept: &Kept,
        request: &FlowRequest,
        plan: Plan,
        granted: Granted,
    ) -> Result<Connection> {
        let written = async {
            let record = self.record_of(request, plan, &granted)?;
            // Taken only now: no lock is held while a person is asked. A refresh of the earlier grant
            // that is under way finishes first, and this login wins.
            let locked = Locked::take(&kept.store, &record.key, self.0.settings.lock_wait).await?;
            locked.write(&record).await?;
            Ok(self.describe(&record))
        }
        .await;
        granted.finish(written.is_ok().then_some(request.definition.display_name.as_str())).await;
        written
    }

    /// The record of a new grant. Its `grant_id` tells it from every other login of this connection.
    fn record_of(&self, request: &FlowRequest, plan: Plan, granted: &Granted) -> Result<ConnectionRecord> {
        let (response, definition) = (&granted.response, &request.definition);
        let now = self.0.clock.now();
        let account = self.account(request, granted)?;
        let granted_scopes = response.scope.clone().unwrap_or_else(|| request.scopes.clone());
        let missing = granted_scopes.missing(&request.scopes, &definition.scope_equivalence());
        let credentials = &request.client.credentials;
        Ok(ConnectionRecord {
            key: plan.key,
            grant_id: random_text()?,
            status: ConnectionStatus::Connected,
            client: RecordClient {
                client_id: credentials.client_id.clone(),
                authentication: request.client.authentication,
                client_secret: credentials.client_secret.clone(),
            },
            server: RecordServer {
                issuer: request.endpoints.issuer.clone(),
                token_endpoint: request.endpoints.token.to_string(),
                revocation_endpoint: request.endpoints.revocation.as_ref().map(Url::to_string),
                tenant: plan.tenant,
                cloud: plan.cloud,
                scope_separator: definition.scopes.separator,
                response_scope_separator: definition.scopes.response_separator,
                scope_on_refresh: definition.token.scope_on_refresh,
            },
            account,
            requested_scopes: request.scopes.clone(),
            access_tokens: vec![AccessTokenRecord::received(response, &granted_scopes, now.clone())],
            granted_scopes,
            refresh_scopes: (!missing.is_empty()).then(|| request.scopes.without(&missing)),
            refresh_token: response.refresh_token.clone(),
            logged_in_at: now.wall,
            refreshed_at: None,
            refresh_attempt: None,
            cool_down: None,
        })
    }

    /// Whose grant it is, from the id_token (OIDC Core 3.1.3.7) and Microsoft's `client_info`.
    fn account(&self, request: &FlowRequest, granted: &Granted) -> Result<Account> {
        let home_account_id = granted.response.client_info.as_deref().and_then(parse_client_info);
        let home_account_id = home_account_id.map(|home| format!("{}.{}", home.uid, home.utid));
        let Some(id_token) = &granted.response.id_token else {
            return Ok(Account { home_account_id, ..Account::default() });
        };
        let claims = parse_id_token(id_token)?;
        let expected = ExpectedIdToken {
            issuer: request.endpoints.issuer.as_deref(),
            client_id: &request.client.credentials.client_id,
            nonce: granted.nonce.as_deref(),
            now: self.0.clock.now().wall,
        };
        check_id_token(&claims, &expected)?;
        Ok(Account {
            username: claims.preferred_username.or(claims.email).or(claims.name),
            subject: Some(claims.sub),
            issuer: Some(claims.iss),
            tenant_id: claims.tid,
            home_account_id,
        })
    }
}

/// The client that a login takes when none is named: the one that the connection was made with, unless the
/// user has stored another one, or a newer secret for the same one, since.
fn stored_client(
    earlier: Option<&ConnectionRecord>,
    stored: Option<RegistrationRecord>,
) -> Option<ClientCredentials> {
    let own = earlier.map(|earlier| ClientCredentials {
        client_id: earlier.client.client_id.clone(),
        client_secret: earlier.client.client_secret.clone(),
    });
    let newer =
        stored.filter(|stored| earlier.is_none_or(|earlier| stored.stored_at >= earlier.logged_in_at));
    newer
        .map(|stored| ClientCredentials { client_id: stored.client_id, client_secret: stored.client_secret })
        .or(own)
}

/// For the half of a login in which the program itself talks to the person.
struct Nobody;

impl Interaction for Nobody {
    fn open_url(&self, _: &Url) -> Result<()> {
        Err(Error::new(ErrorKind::Internal, "a split login opens no browser"))
    }

    fn show_device_authorization(&self, _: &DeviceAuthorization) -> Result<()> {
        Err(Error::new(ErrorKind::Internal, "a split login has no device code"))
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
