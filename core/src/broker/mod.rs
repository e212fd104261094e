//! The use cases, one file each: what a binding or the command line calls.
//!
//! | file | holds |
//! |---|---|
//! | `options` | what a broker is opened with |
//! | `login` | `login`, `begin_login`, `finish_login` |
//! | `login_client`, `credential` | which client a login is made with, and what it proves itself with |
//! | `dynamic_registration` | the client that a server makes when it is asked to |
//! | `preparation` | what a login resolves before the person is asked |
//! | `login_scopes` | which scopes it asks for |
//! | `login_request` | what it asks beside scopes |
//! | `login_resource` | the protected resource that it is for |
//! | `known_servers` | the endpoints that discovery has found |
//! | `new_record` | what is written down of a new grant |
//! | `token` | `token`, `cached_token`, `close` |
//! | `refusal` | `token_after_refusal` |
//! | `allowed_hosts` | `allowed_hosts` |
//! | `dpop`, `login_dpop` | `dpop_proof`, and whether a login binds its tokens to a key |
//! | `recent` | the records that this second's calls have read |
//! | `admin_consent` | `admin_consent_url`, `read_admin_consent` |
//! | `explain` | `explain`, and the command that tries a login again |
//! | `scopes` | `check_scopes` |
//! | `sasl` | a token as mail servers want it |
//! | `connections` | `connections`, `connection` |
//! | `connection_changes` | `connection_changes` |
//! | `logout` | `logout` |
//! | `providers` | `providers`, and the user's own definitions |
//! | `registrations`, `registration_removal` | the client registrations that are stored |
//! | `client_metadata` | the document of a client that is known by its URL |

mod admin_consent;
mod allowed_hosts;
mod client_metadata;
mod connection_changes;
mod connections;
mod credential;
mod dpop;
mod dynamic_registration;
mod explain;
mod known_servers;
mod login;
mod login_client;
mod login_dpop;
mod login_request;
mod login_resource;
mod login_scopes;
mod logout;
mod new_record;
mod options;
mod preparation;
mod providers;
mod recent;
mod refusal;
mod registration_removal;
mod registrations;
mod sasl;
mod scopes;
mod token;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use admin_consent::{AdminConsent, AdminConsentOptions, AdminConsentRequest};
pub use connection_changes::{ChangeKind, ConnectionChange, ConnectionChanges};
pub use connections::{Connection, Connections, HeldToken};
pub use dpop::DpopProofOptions;
pub use explain::{Explanation, explain};
use known_servers::KnownServers;
pub use login::{LoginOptions, PendingLogin};
pub use logout::{LogoutOutcome, Revocation};
pub use options::BrokerOptions;
use options::Settings;
pub use providers::{Provider, ProviderValue};
use recent::Recent;
pub use registration_removal::{Deletion, RegistrationRemoval};
pub use registrations::Registration;
pub use sasl::SaslMechanism;
pub use scopes::{ScopeCheck, ScopeFinding, ScopeFindingKind};
pub use token::{AccessToken, TokenOptions};

use crate::clock::{Clock, SystemClock};
use crate::dpop::DpopNonces;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Catalog;
use crate::refresh::Refresher;
use crate::store::{
    TokenStore, Vault, VaultOptions, VaultState, inspect, off_thread, open_vault, open_vault_if_any,
};
use crate::transport::Transport;

/// Logs a person in, keeps the grant, and hands out fresh access tokens.
///
/// Cheap to clone: clones share the store, the network and the refreshes under way. Opening one touches
/// no file and no keychain; the store is opened by the first call that needs it.
#[derive(Clone)]
pub struct Broker(Arc<Parts>);

struct Parts {
    settings: Settings,
    catalog: Catalog,
    transport: Arc<Transport>,
    clock: Arc<dyn Clock>,
    nonces: Arc<DpopNonces>,
    known_servers: KnownServers,
    kept: OnceLock<Kept>,
    opening: Mutex<()>,
}

/// What needs the store to be open.
struct Kept {
    store: Arc<dyn TokenStore>,
    refresher: Refresher,
    recent: Recent,
}

impl Parts {
    fn new(settings: Settings) -> Self {
        Parts {
            catalog: Catalog::new(settings.home.join("providers")),
            transport: Arc::new(Transport::new(settings.insecure_loopback)),
            clock: Arc::new(SystemClock),
            nonces: Arc::default(),
            known_servers: KnownServers::default(),
            kept: OnceLock::new(),
            opening: Mutex::new(()),
            settings,
        }
    }

    fn keep(&self, store: Arc<dyn TokenStore>) -> Kept {
        let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
        let nonces = Arc::clone(&self.nonces);
        let refresher = Refresher::new(Arc::clone(&store), transport, clock, nonces, self.settings.lock_wait);
        Kept { store, refresher, recent: Recent::default() }
    }
}

impl Broker {
    /// A broker with `options`.
    ///
    /// # Errors
    /// `config_invalid` when an option or an environment variable is not of its form, or no home directory
    /// is known. The store's errors come with the first call that needs it.
    pub fn open(options: BrokerOptions) -> Result<Self> {
        Ok(Broker(Arc::new(Parts::new(Settings::resolve(options)?))))
    }

    /// This broker for a process that was forked from the one that opened it. What another thread may have held at
    /// the fork, and what belonged to threads that the child does not have, is made anew: the network, and the
    /// refreshes under way, which stay the parent's. The store's key is taken along: nobody is asked for it twice.
    ///
    /// In the child only the new one may be used, with a runtime of the child's own.
    pub fn after_fork(&self) -> Broker {
        let parts = Parts::new(self.0.settings.clone());
        if let Some(of_parent) = self.0.kept.get() {
            parts.kept.get_or_init(|| parts.keep(Arc::clone(&of_parent.store)));
        }
        Broker(Arc::new(parts))
    }

    /// The store's folder.
    pub fn home(&self) -> &Path {
        &self.0.settings.home
    }

    /// True once the store is open: from then on [`Broker::cached_token`] waits for nothing but a file. Before, it may
    /// work a passphrase through, or wait for a keychain.
    pub fn is_open(&self) -> bool {
        self.0.kept.get().is_some()
    }

    /// Makes the store's key, or opens the store that is there. Blocks: a passphrase costs 0.2 s, and a
    /// keychain may ask the person.
    ///
    /// # Errors
    /// - `store_locked`: the key cannot be had, or no place for it was chosen; the help has the commands.
    /// - `config_invalid`: the store that is there keeps its key elsewhere.
    /// - `store_unavailable`: the folder cannot be read or written, or is not the user's own.
    pub fn initialize(&self) -> Result<VaultState> {
        self.kept()?;
        Ok(self.inspect())
    }

    /// What is there of the store and whether its key can be had. Changes nothing.
    pub fn inspect(&self) -> VaultState {
        inspect(self.home())
    }

    /// The store, made if need be: for what writes.
    fn kept(&self) -> Result<&Kept> {
        let opened = self.open_once(|options| open_vault(options).map(Some))?;
        opened.ok_or_else(|| Error::new(ErrorKind::Internal, "a store was made and is not there"))
    }

    /// The store, if there is one: to look is not to make one.
    fn kept_if_any(&self) -> Result<Option<&Kept>> {
        self.open_once(open_vault_if_any)
    }

    fn open_once(&self, open: impl FnOnce(VaultOptions) -> Result<Option<Vault>>) -> Result<Option<&Kept>> {
        let parts = &*self.0;
        if let Some(kept) = parts.kept.get() {
            return Ok(Some(kept));
        }
        // One thread opens: a passphrase is worked through once, and a keychain asks once.
        let _opening = parts.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = parts.kept.get() {
            return Ok(Some(kept));
        }
        let Some(vault) = open(self.vault_options())? else { return Ok(None) };
        Ok(Some(parts.kept.get_or_init(|| parts.keep(Arc::new(vault)))))
    }

    /// The same for async callers: an opening that may block does so off the runtime's threads.
    async fn kept_async(&self) -> Result<&Kept> {
        if self.0.kept.get().is_none() {
            let broker = self.clone();
            off_thread(move || broker.kept().map(|_| ())).await?;
        }
        self.kept()
    }

    /// The same for async callers that make no store.
    async fn kept_if_any_async(&self) -> Result<Option<&Kept>> {
        if self.0.kept.get().is_none() {
            let broker = self.clone();
            off_thread(move || broker.kept_if_any().map(|_| ())).await?;
        }
        // Still none: what made no store above makes none now.
        Ok(self.0.kept.get())
    }

    fn vault_options(&self) -> VaultOptions {
        let settings = &self.0.settings;
        VaultOptions {
            home: settings.home.clone(),
            key_source: settings.key_source,
            passphrase: settings.passphrase.clone(),
        }
    }
}
