//! What all requests share: the options, the memory, the key, the journal, and the names of the server itself.

use std::borrow::Cow;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::header::{HOST, HeaderName};

use crate::client_authentication;
use crate::clock;
use crate::entra;
use crate::fault_queue::FaultQueue;
use crate::journal::Journal;
use crate::live_options::LiveOptions;
use crate::oauth_error::{OAuthError, Trace};
use crate::options::{Dialect, ServerOptions};
use crate::proxy::Proxy;
use crate::random::{self, Random};
use crate::refusal::Refusal;
use crate::registered_client::RegisteredClient;
use crate::reply::Reply;
use crate::request::Request;
use crate::route::CUSTOMERS;
use crate::signing_key::SigningKey;
use crate::state::State;

/// The header in which MSAL sends an id of its own for a request.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// The server behind its sockets.
pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    /// Scheme, host and port.
    pub(crate) origin: String,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) journal: Journal,
    pub(crate) key: SigningKey,
    pub(crate) random: Random,
    live: Mutex<LiveOptions>,
    state: Mutex<State>,
    faults: Mutex<FaultQueue>,
}

impl Shared {
    pub(crate) fn new(options: ServerOptions, origin: String, proxy: Option<Proxy>) -> io::Result<Self> {
        let mut faults = FaultQueue::default();
        options.script.iter().cloned().for_each(|fault| faults.push(fault));
        Ok(Self {
            origin,
            proxy,
            journal: Journal::new(options.journal.as_deref())?,
            key: SigningKey::generate()?,
            random: Random::new()?,
            live: Mutex::new(options.live.clone()),
            state: Mutex::default(),
            faults: Mutex::new(faults),
            options,
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.options.dialect
    }

    pub(crate) fn is_entra(&self) -> bool {
        self.options.dialect == Dialect::Entra
    }

    /// The client with this id: one that the server was told of, one that registered itself, or one whose id is the
    /// address of a document.
    pub(crate) fn client(&self, id: &str) -> Result<RegisteredClient, Refusal> {
        let told = client_authentication::find(self.dialect(), &self.options.clients, id);
        let by_document = self.live().client_documents.enabled;
        let state = self.state();
        match told.or_else(|unknown| state.registrations.client(id).ok_or(unknown)) {
            Err(Refusal::UnknownClient) if by_document => state.client_documents.client(id),
            known => known,
        }
    }

    /// Is it a tenant, and one that is known here?
    pub(crate) fn check_tenant(&self, segment: &str) -> Result<(), Refusal> {
        entra::check_tenant(segment)?;
        let unknown = locked(&self.live).unknown_tenants.iter().any(|unknown| unknown == segment);
        if unknown { Err(Refusal::TenantUnknown) } else { Ok(()) }
    }

    /// Scheme, host and port by the name that the server was asked by.
    pub(crate) fn origin(&self, request: &Request) -> Cow<'_, str> {
        let asked = request.header(&HOST);
        let name = self.options.tls_names.iter().find(|name| asked == Some(name.as_str()));
        name.map_or(Cow::from(&self.origin), |name| format!("https://{name}").into())
    }

    /// What endpoint URLs begin with.
    pub(crate) fn base(&self, request: &Request) -> String {
        format!("{}{}", self.origin(request), self.options.issuer_path)
    }

    /// What the endpoint URLs of this tenant, or customer, begin with.
    pub(crate) fn authority(&self, request: &Request, tenant: &str) -> String {
        match (self.dialect(), self.base(request)) {
            (Dialect::Plain, base) if tenant.is_empty() => base,
            (Dialect::Plain, base) => format!("{base}{CUSTOMERS}{tenant}"),
            (Dialect::Entra, base) => format!("{base}/{tenant}"),
        }
    }

    /// The issuer (RFC 8414, section 2). Entra has one for each tenant; `tenant` is the part in its place.
    pub(crate) fn issuer(&self, request: &Request, tenant: &str) -> String {
        let authority = self.authority(request, tenant);
        if self.is_entra() { format!("{authority}/v2.0") } else { authority }
    }

    /// The issuer in the id_tokens of an account that signs in without naming its tenant, to who asks by no other
    /// name.
    pub(crate) fn default_issuer(&self) -> String {
        let tenant = if self.is_entra() { entra::HOME } else { "" };
        self.issuer(&Request::default(), tenant)
    }

    pub(crate) fn live(&self) -> LiveOptions {
        locked(&self.live).clone()
    }

    pub(crate) fn set_live(&self, live: LiveOptions) {
        *locked(&self.live) = live;
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultQueue> {
        locked(&self.faults)
    }

    /// The ids of this request, for Entra's errors.
    pub(crate) fn trace(&self, request: &Request) -> Trace {
        let asked = request.header(&CLIENT_REQUEST_ID).filter(|id| random::is_guid(id));
        Trace {
            trace_id: self.random.guid(),
            correlation_id: asked.map_or_else(|| self.random.guid(), Into::into),
            unix_seconds: clock::unix_seconds(),
        }
    }

    /// An error response in the form of the dialect (RFC 6749, section 5.2).
    pub(crate) fn error_reply(&self, error: &OAuthError, request: &Request) -> Reply {
        let mut reply = Reply::json(error.status, error.body(self.dialect(), &self.trace(request)));
        reply.outcome.error = Some(error.error.clone());
        reply
    }

    /// A refusal as a response, with what the journal is to know of it.
    pub(crate) fn refuse(&self, refusal: Refusal, request: &Request) -> Reply {
        let mut reply = self.error_reply(&refusal.error(self.dialect()), request);
        reply.outcome.reuse = refusal == Refusal::RefreshTokenReplayed;
        reply.outcome.revoked = [Refusal::RefreshTokenReplayed, Refusal::CodeUsedTwice].contains(&refusal);
        match refusal {
            Refusal::MethodNotPost => reply.with_header("allow", "POST"),
            Refusal::RegistrationTokenInvalid => {
                reply.with_header("www-authenticate", "Bearer error=\"invalid_token\"")
            }
            // Section 5.2: a client that tried the header is told the scheme.
            _ if reply.status == 401 && request.authorization().is_some() => {
                reply.with_header("www-authenticate", "Basic realm=\"authorization server\"")
            }
            _ => reply,
        }
    }
}

/// A lock that outlives a panic of its holder: a test server goes on and lets the test fail by itself.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
