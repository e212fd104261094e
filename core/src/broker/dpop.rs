//! `dpop_proof`: the proof that goes with a token that is bound to a key (RFC 9449). The key stays in the vault.

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionName, ProviderName};
use crate::secret::Secret;

/// What a proof is for.
#[derive(Debug, Clone, Default)]
pub struct DpopProofOptions {
    /// Which connection.
    pub connection: ConnectionName,
    /// The method of the request, `POST` for one.
    pub method: String,
    /// The address of the request.
    pub url: String,
    /// The access token that the request carries; the one at hand when absent.
    pub access_token: Option<Secret>,
    /// The resource's last `DPoP-Nonce` header. Absent: the last one that was given for its origin.
    pub nonce: Option<String>,
}

impl Broker {
    /// The value of the `DPoP` header of one request to the resource (RFC 9449 7.1). A proof is good for that request
    /// alone: each one has its own. No network.
    ///
    /// # Errors
    /// - `not_connected`, `unknown_provider`, and those of the store.
    /// - `unsupported`: the connection's tokens are not bound to a key.
    /// - `config_invalid`: no method, or no address.
    pub fn dpop_proof(&self, _provider: &ProviderName, _options: &DpopProofOptions) -> Result<Secret> {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
