//! Client registrations: the client id (and secret) that a user gave once for a provider, or for one issuer of a provider
//! whose servers are discovered.

use super::Broker;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ProviderName, RegistrationKey};
use crate::provider::endpoints::issuer_url;
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
    /// Stores the client to log in to `provider` with. It replaces an earlier one; a client that the server made on
    /// request stays at the server, where grants may live by it. A renewed secret also counts for the refreshes of
    /// connections that were made with the same client id.
    ///
    /// # Errors
    /// `config_invalid` for a client id that is none (RFC 6749 A.1), and without an issuer where one is needed;
    /// `unknown_provider`; those of the store.
    pub fn set_registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
        client_id: &str,
        client_secret: Option<Secret>,
    ) -> Result<Registration> {
        let key = self.registration_key(provider, issuer)?;
        let plain = !client_id.is_empty() && client_id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !plain || client_id.trim() != client_id {
            // RFC 6749 A.1: `*VSCHAR`.
            return Err(Error::new(ErrorKind::ConfigInvalid, format!("{client_id:?} is not a client id")));
        }
        let store = &self.kept()?.store;
        let lock = store.lock_registration(&key, self.0.settings.lock_wait)?;
        let record = RegistrationRecord {
            provider: key.provider,
            issuer: key.issuer,
            client_id: client_id.to_owned(),
            client_secret,
            stored_at: self.0.clock.now().wall,
            dynamic: None,
        };
        store.put_registration(&lock, &record)?;
        Ok(Registration::from(&record))
    }

    /// The stored registration for `provider`; where its servers are discovered, that of `issuer`.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` without an issuer where one is needed; those of the store.
    pub fn registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
    ) -> Result<Option<Registration>> {
        let key = self.registration_key(provider, issuer)?;
        let Some(kept) = self.kept_if_any()? else { return Ok(None) };
        Ok(kept.store.registration(&key)?.as_ref().map(Registration::from))
    }

    /// What a registration for `provider` is stored under: the issuer belongs to it where each has clients of its own.
    pub(super) fn registration_key(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
    ) -> Result<RegistrationKey> {
        let definition = self.0.catalog.find(provider)?.definition;
        let key = |issuer: Option<&str>| RegistrationKey {
            provider: provider.clone(),
            issuer: issuer.map(str::to_owned),
        };
        let invalid = |message: String| Error::new(ErrorKind::ConfigInvalid, message);
        match (definition.discovery, issuer) {
            (false, None) => Ok(key(None)),
            (false, Some(_)) => {
                let message = format!("{} has one registration for all its servers", definition.display_name);
                Err(invalid(message).with_help("leave out --issuer"))
            }
            (true, named) => {
                let fixed = definition.endpoints.issuer.as_ref().map(|issuer| issuer.as_str());
                let issuer = named.or(fixed).ok_or_else(|| {
                    invalid(format!(
                        "a client of {provider} is registered with one issuer, and none is named"
                    ))
                    .with_help("name it, to the letter: --issuer https://login.example")
                })?;
                issuer_url(&self.0.transport, issuer)?;
                Ok(key(Some(issuer)))
            }
        }
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
