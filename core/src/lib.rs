//! Logs a person in to an OAuth provider, keeps the grant safe, and hands out fresh access tokens.
//!
//! # The map
//!
//! Arrows point down; `core/tests/architecture.rs` proves it.
//!
//! | rank | room | holds |
//! |---|---|---|
//! | 5 | `azure` | the feature of that name: a connection as a credential of the Azure SDK |
//! | 4 | [`Broker`] (`broker`) | the use cases: `login`, `token`, `connections`, `connection_changes`, `logout`, `providers` |
//! | 3 | `flow` | how a grant is got: authorization code with PKCE, device code |
//! | 3 | `refresh` | how a grant is kept: exactly one refresh among all processes |
//! | 2 | `dpop` | a token request with the proof of its key, and the servers' nonces |
//! | 2 | `provider` | who we talk to: data files, tenants, discovery, client registration |
//! | 2 | `store` | what is kept: records, the vault and its key, locks |
//! | 1 | `protocol` | the wire: RFC messages as values, no clock, no network |
//! | 1 | `transport` | the only door to the network |
//! | 0 | `error` `names` `secret` `scope` `hosts` `clock` `environment` | values |
//!
//! # Conventions
//!
//! - Every error is an [`Error`]: a stable code, what happened, what to do.
//! - A secret is a [`Secret`]: it is never printed, and `expose` is the only way out.
//! - Async calls want a tokio runtime and are cancel-safe. Calls that are not async may block for as
//!   long as a file takes to read.
//! - Times are seconds: [`Timestamp`] since the Unix epoch, lifetimes and pauses as they are on the wire.
//!
//! # Left out on purpose
//!
//! The implicit and the password grant (RFC 9700 2.1.2 and 2.4), an embedded web view (RFC 8252 8.12), a
//! daemon, telemetry, and plaintext storage.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> Result<(), tokenkeep::Error> {
//! use tokenkeep::{Broker, BrokerOptions, TokenOptions};
//!
//! let broker = Broker::open(BrokerOptions::default())?;
//! let token = broker.token(&"microsoft".parse()?, &TokenOptions::default()).await?;
//! let header = token.authorization_header();
//! broker.close().await;
//! # let _ = header; Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "azure")]
mod azure;
mod broker;
mod clock;
mod dpop;
mod environment;
mod error;
mod flow;
// Only fuzzers and tests compile it, and only fuzzers see it.
#[cfg(fuzzing)]
pub mod fuzz;
#[cfg(all(test, not(fuzzing)))]
mod fuzz;
mod hosts;
mod login_command;
mod names;
mod protocol;
mod provider;
mod refresh;
mod scope;
mod secret;
mod store;
mod transport;

#[cfg(feature = "azure")]
pub use azure::TokenkeepCredential;
pub use broker::{
    AccessToken, AdminConsent, AdminConsentOptions, AdminConsentRequest, Broker, BrokerOptions, ChangeKind,
    Connection, ConnectionChange, ConnectionChanges, Connections, Deletion, DpopProofOptions, Explanation,
    HeldToken, LoginOptions, LogoutOutcome, PendingLogin, Provider, ProviderValue, Registration,
    RegistrationRemoval, Revocation, SaslMechanism, ScopeCheck, ScopeFinding, ScopeFindingKind, TokenOptions,
    explain,
};
pub use clock::{Timestamp, seconds};
pub use environment::Environment;
pub use error::{Error, ErrorKind, LoginReason, Result, ServerError};
pub use flow::{DeviceAuthorization, Flow, Interaction, open_browser};
pub use hosts::AllowedHosts;
pub use names::{ConnectionKey, ConnectionName, ProviderName};
pub use protocol::{Challenge, Remedy};
pub use provider::DefinitionOrigin;
pub use scope::ScopeSet;
pub use secret::Secret;
pub use store::{Account, FileState, KeySource, KeyState, VaultState};
pub use url::Url;

/// The README's Rust is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
