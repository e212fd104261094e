//! `remove_registration`: a stored client goes here in any case, and one that its server made on request goes there too,
//! where the server lets its clients go (RFC 7592 2.3).

use std::sync::Arc;

use url::Url;

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ProviderName, RegistrationKey};
use crate::protocol::{ClientDeletion, ClientDeletionRequest, classify_client_deletion};
use crate::store::{LockedRegistration, RegistrationRecord, off_thread};
use crate::transport::{Limits, content_type};

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRemoval {
    /// The provider whose registration is gone from the store.
    pub provider: ProviderName,
    /// The issuer that it was for, at a provider whose servers are discovered.
    pub issuer: Option<String>,
    /// What became of the client at the server.
    pub deletion: Deletion,
}

/// What became of a client at its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// The server has forgotten it (RFC 7592 2.3).
    Deleted,
    /// It is not this program's to delete: the user registered it, or the server offers no way.
    NotManaged,
    /// It was tried and did not work: the server still knows the client.
    Failed {
        /// Why, in one line.
        why: String,
    },
}

impl Deletion {
    /// The stable name, `deleted` for one.
    ///
    /// It is the same in every language and on the command line.
    pub fn as_str(&self) -> &'static str {
        match self {
            Deletion::Deleted => "deleted",
            Deletion::NotManaged => "not_managed",
            Deletion::Failed { .. } => "failed",
        }
    }
}

impl Broker {
    /// Removes the stored registration; `None` when there is none. Connections that were made with it keep their own
    /// copy. A client that the server made on request is deleted there, which ends their grants with most servers.
    ///
    /// A server that cannot be reached, or refuses, is no error: the outcome says so.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` without an issuer where one is needed; those of the store.
    pub async fn remove_registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
    ) -> Result<Option<RegistrationRemoval>> {
        let named = self.registration_key(provider, issuer);
        let Some(kept) = self.kept_if_any_async().await? else { return named.map(|_| None) };
        let key = match named {
            // One that was stored before issuers were told apart.
            Err(error) if issuer.is_none() && *error.kind() == ErrorKind::ConfigInvalid => {
                let old = RegistrationKey { provider: provider.clone(), issuer: None };
                let (store, sought) = (Arc::clone(&kept.store), old.clone());
                let found = off_thread(move || store.registration(&sought)).await?;
                found.map(|_| old).ok_or(error)?
            }
            named => named?,
        };
        let locked = LockedRegistration::take(&kept.store, &key, self.0.settings.lock_wait).await?;
        let deletion = match locked.read().await {
            Ok(Some(record)) => self.delete_at_server(&record).await,
            Ok(None) => return Ok(None),
            // A record that cannot be read can still be put away.
            Err(error) if *error.kind() == ErrorKind::StoreCorrupt => {
                Deletion::Failed { why: format!("the record could not be read: {error}") }
            }
            Err(error) => return Err(error),
        };
        locked.delete().await?;
        let RegistrationKey { provider, issuer } = key;
        Ok(Some(RegistrationRemoval { provider, issuer, deletion }))
    }

    /// Asks the server to forget a client that it made on request. What did not work is told, and in the log: nothing else
    /// depends on it.
    pub(super) async fn delete_at_server(&self, record: &RegistrationRecord) -> Deletion {
        let managed = record.dynamic.as_ref().and_then(|dynamic| {
            Some((dynamic.registration_client_uri.as_ref()?, dynamic.registration_access_token.as_ref()?))
        });
        let Some((uri, access_token)) = managed else { return Deletion::NotManaged };
        let outcome = async {
            let uri = Url::parse(uri).map_err(|_| {
                Error::new(ErrorKind::ProviderRejected, "the address that the server manages it at is no URL")
            })?;
            let request = ClientDeletionRequest { uri: &uri, access_token }.to_http()?;
            let response = self.0.transport.send(request, Limits::ENDPOINT).await?;
            let status = response.status().as_u16();
            Ok::<_, Error>(classify_client_deletion(status, content_type(&response), response.body()))
        };
        let why = match outcome.await {
            Ok(ClientDeletion::Deleted) => return Deletion::Deleted,
            Ok(ClientDeletion::Refused(why)) => why,
            Err(error) => error.to_string(),
        };
        tracing::warn!(registration = %record.key(), why, "the server still knows a client that is no longer used");
        Deletion::Failed { why }
    }
}
