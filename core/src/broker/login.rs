//! `login`: from a provider's name to a kept grant. And the same in two halves, for programs that
//! receive the redirect themselves. What is resolved before stands in `preparation`, what is written
//! down after in `new_record`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use url::Url;

use super::explain::login_again;
use super::login_request::check_flow;
use super::preparation::Plan;
use super::{Broker, Connection};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{
    AuthorizationAttempt, DeviceAuthorization, Flow, FlowRequest, Granted, Interaction, Return, Surroundings,
    ask, choose,
};
use crate::login_command::LoginCommand;
use crate::names::{ConnectionName, ProviderName};
use crate::protocol::{advised, of_target};
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::store::Locked;

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
    /// What to ask for beside what the connection was asked for before. Where consent adds up (Microsoft) the
    /// request names the difference alone. Not together with `scopes`.
    pub add_scopes: Option<ScopeSet>,
    /// OIDC Core 3.1.2.1: `login`, `consent`, `select_account` or `none`, in place of the provider's own.
    pub prompt: Option<String>,
    /// OIDC Core 3.1.2.1: whom the login page offers first.
    pub login_hint: Option<String>,
    /// Microsoft: the domain of the organization that signs the person in, which spares them a page.
    pub domain_hint: Option<String>,
    /// The JSON of a claims challenge (OIDC Core 5.5). Absent: the one that the connection's last refresh met.
    pub claims: Option<String>,
    /// Microsoft: what this client can do. `cp1` says that it answers claims challenges: it then gets tokens that live
    /// for a day and are revoked at once (continuous access evaluation).
    pub client_capabilities: Option<Vec<String>>,
    /// Microsoft: who signs the person in. A domain costs a request to the tenant's metadata, which names its GUID.
    pub tenant: Option<String>,
    /// Microsoft: which cloud.
    pub cloud: Option<String>,
    /// The issuer to discover, for `oidc`.
    pub issuer: Option<String>,
    /// The protected resource that the tokens are for (RFC 8707): the address of an MCP server, for one. For `mcp` its
    /// metadata also name the authorization server (RFC 9728).
    pub resource: Option<String>,
    /// What the resource answered a request with, the value of each `WWW-Authenticate` header: it may name the
    /// metadata, the scopes that it wants, and DPoP. Absent: the resource is asked.
    pub www_authenticate: Vec<String>,
    /// What differs from customer to customer at this provider, by name: the subdomain, for one.
    pub values: BTreeMap<String, String>,
    /// A client id metadata document of the caller's: its URL is the client id where the server takes one.
    pub client_metadata_url: Option<String>,
    /// True to bind the tokens to a key (RFC 9449). Absent: as the provider or the resource wants it.
    pub dpop: Option<bool>,
    /// RFC 6749 2.2.
    pub client_id: Option<String>,
    /// RFC 6749 2.3.1. At most one of this and the next three.
    pub client_secret: Option<Secret>,
    /// For app-only access: a private key in PEM, with its certificate or alone (RFC 7523 2.2).
    pub certificate: Option<Secret>,
    /// A file that holds the client secret, or the key and its certificate if it has one.
    pub credential_file: Option<PathBuf>,
    /// An item of the system's keychain that holds them, as `SERVICE/ACCOUNT`.
    pub credential_keychain: Option<String>,
    /// When the client secret ends, as the provider's portal shows it: `2027-01-31`. A certificate says so itself.
    pub credential_expires: Option<String>,
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
    again: LoginCommand,
    // A server that sees a code twice ends the grant (RFC 6749 4.1.2).
    answered: AtomicBool,
}

impl PendingLogin {
    /// Where to send the person.
    pub fn authorization_url(&self) -> &Url {
        self.attempt.url()
    }
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
        let (request, plan) = self.prepare(provider, options, None, interaction).await?;
        let flow = self.choose_flow(&request, options).await?;
        let way_back = if options.paste { Return::Paste } else { Return::Browser };
        match request.run(flow, way_back, options.timeout.unwrap_or(TIMEOUT)).await {
            Ok(granted) => self.keep(&request, plan, granted).await,
            Err(error) => {
                let again = login_again(provider, options);
                Err(self.explained(error, &request, &plan, &again, flow).await)
            }
        }
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
        if options.for_application() {
            let message = "app-only access sends nobody anywhere, and cannot be begun and finished";
            return Err(Error::new(ErrorKind::ConfigInvalid, message).with_help("call login instead"));
        }
        // The redirect is the caller's own, of any scheme: it is not listened on.
        let without_redirect = LoginOptions { redirect_uri: None, ..options.clone() };
        let (request, plan) =
            self.prepare(provider, &without_redirect, Some(&redirect_uri), Arc::new(Nobody)).await?;
        let again = login_again(provider, &without_redirect);
        let attempt = match AuthorizationAttempt::begin(&request, &redirect_uri, None).await {
            Ok(attempt) => attempt,
            Err(error) => {
                return Err(self.explained(error, &request, &plan, &again, Flow::AuthorizationCode).await);
            }
        };
        Ok(PendingLogin { request, plan, attempt, again, answered: AtomicBool::new(false) })
    }

    /// The second half: the address that the provider sent the person back to. One that is not the
    /// answer to this login (RFC 6749 10.12, RFC 9207 2.4) is refused, and the login is still pending.
    ///
    /// # Errors
    /// `provider_rejected` for another login's address; else as [`Broker::login`].
    pub async fn finish_login(&self, pending: &PendingLogin, callback_url: &str) -> Result<Connection> {
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
        let PendingLogin { request, plan, attempt, again, .. } = pending;
        match attempt.redeem(request, answer).await {
            Ok(granted) => self.keep(request, plan.clone(), granted).await,
            Err(error) => Err(self.explained(error, request, plan, again, Flow::AuthorizationCode).await),
        }
    }

    /// The flow that a login on this machine takes when none is named, for a provider with both; and why.
    /// `browser_named` says that the caller has a browser to open.
    ///
    /// # Errors
    /// None today; the signature is that of the choice for a provider without either flow.
    pub fn preferred_flow(&self, browser_named: bool) -> Result<(Flow, &'static str)> {
        choose(&Surroundings::detect(&self.0.settings.environment, browser_named), true, true)
    }

    /// The flow that was asked for, else the one that fits; and tells the person which and why.
    async fn choose_flow(&self, request: &FlowRequest, options: &LoginOptions) -> Result<Flow> {
        let (flow, reason) = match options.flow {
            Some(flow) => (flow, "it was asked for"),
            None if options.paste => (Flow::AuthorizationCode, "the redirect URL will be pasted"),
            None if !request.redirect.loopback && request.endpoints.device_authorization.is_none() => {
                let reason =
                    "the provider takes no redirect to this machine, and the redirect URL will be pasted";
                (Flow::AuthorizationCode, reason)
            }
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
        check_flow(flow, options, request)?;
        let told = move |interaction: &dyn Interaction| {
            interaction.flow_chosen(flow, reason);
            Ok(flow)
        };
        ask(&request.interaction, told).await
    }

    /// The error of a login, with what is known of its cause. An endpoint that is not there may have moved: the next
    /// login asks where the server is. A client that the server made and does not know any more is forgotten.
    async fn explained(
        &self,
        error: Error,
        request: &FlowRequest,
        plan: &Plan,
        again: &LoginCommand,
        flow: Flow,
    ) -> Error {
        if *error.kind() == ErrorKind::Network {
            self.0.known_servers.forget(&request.endpoints.token);
        }
        let error = of_target(advised(error, again, Some(flow.as_str())), request.resource.as_deref());
        self.without_unknown_client(error, request, plan).await
    }

    /// Checks whose grant it is, writes it down, and tells the browser.
    async fn keep(&self, request: &FlowRequest, plan: Plan, granted: Granted) -> Result<Connection> {
        let written = async {
            let record = self.record_of(request, plan, &granted)?;
            // Taken only now: no lock is held while a person is asked. A refresh of the earlier grant
            // that is under way finishes first, and this login wins.
            let kept = self.kept_async().await?;
            let locked = Locked::take(&kept.store, &record.key, self.0.settings.lock_wait).await?;
            locked.write(&record).await?;
            Ok(self.describe(&record))
        }
        .await;
        granted.finish(written.is_ok().then_some(request.definition.display_name.as_str())).await;
        written
    }
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
