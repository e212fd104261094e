//! Client registrations: the client id (and secret) that a user gave once for a provider.

use super::Broker;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ProviderName;
use crate::secret::Secret;
use crate::store::RegistrationRecord;

/// A stored client registration, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The provider that it is for.
    pub provider: ProviderName,
    /// The issuer that it is for, at a provider whose servers are discovered.
    pub issuer: Option<String>,
    /// RFC 6749 2.2.
    pub client_id: String,
    /// True when the server made it because it was asked to (RFC 7591).
    pub dynamic: bool,
    /// True when a client secret is stored with it.
    pub has_client_secret: bool,
    /// When it was stored.
    pub stored_at: Timestamp,
}

impl Broker {
    /// Stores the client to log in to `provider` with. It replaces an earlier one. A renewed secret also
    /// counts for the refreshes of connections that were made with the same client id.
    ///
    /// # Errors
    /// `config_invalid` for a client id that is none (RFC 6749 A.1); `unknown_provider`; those of the store.
    pub fn set_registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
        client_id: &str,
        client_secret: Option<Secret>,
    ) -> Result<Registration> {
        self.0.catalog.find(provider)?;
        let plain = !client_id.is_empty() && client_id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !plain || client_id.trim() != client_id {
            // RFC 6749 A.1: `*VSCHAR`.
            return Err(Error::new(ErrorKind::ConfigInvalid, format!("{client_id:?} is not a client id")));
        }
        let stored_at = self.0.clock.now().wall;
        let record = RegistrationRecord {
            provider: provider.clone(),
            issuer: issuer.map(str::to_owned),
            client_id: client_id.to_owned(),
            client_secret,
            stored_at,
            dynamic: None,
        };
        self.kept()?.store.put_registration(&record)?;
        Ok(Registration::from(&record))
    }

    /// The stored registration for `provider`.
    ///
    /// # Errors
    /// `unknown_provider`; those of the store.
    pub fn registration(
        &self,
        provider: &ProviderName,
        _issuer: Option<&str>,
    ) -> Result<Option<Registration>> {
        self.0.catalog.find(provider)?;
        let Some(kept) = self.kept_if_any()? else { return Ok(None) };
        Ok(kept.store.registration(provider)?.as_ref().map(Registration::from))
    }

    /// Removes it. False when there is none. Connections that were made with it keep their own copy.
    ///
    /// # Errors
    /// `unknown_provider`; those of the store.
    pub async fn remove_registration(&self, provider: &ProviderName, _issuer: Option<&str>) -> Result<bool> {
        self.0.catalog.find(provider)?;
        let Some(kept) = self.kept_if_any_async().await? else { return Ok(false) };
        kept.store.delete_registration(provider)
    }
}

impl From<&RegistrationRecord> for Registration {
    fn from(record: &RegistrationRecord) -> Self {
        Registration {
            provider: record.provider.clone(),
            issuer: record.issuer.clone(),
            dynamic: record.dynamic.is_some(),
            client_id: record.client_id.clone(),
            has_client_secret: record.client_secret.is_some(),
            stored_at: record.stored_at,
        }
    }
}
