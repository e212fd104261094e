//! `logout`: the grant ends at the server where that is possible, and here in any case.

use std::sync::Arc;

use url::Url;

use super::{Broker, Kept};
use crate::error::{Error, ErrorKind, Result};
use crate::names::ConnectionKey;
use crate::protocol::{
    RevocationMethod, RevocationOutcome, RevocationRequest, TokenKind, classify_revocation,
};
use crate::store::{ConnectionRecord, ConnectionStatus, Locked, off_thread};
use crate::transport::Limits;

/// What a logout did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutOutcome {
    /// The connection that is gone from the store.
    pub key: ConnectionKey,
    /// What became of the grant at the server.
    pub revocation: Revocation,
}

/// What became of a grant at its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// The server confirmed that it is revoked (RFC 7009 2.2).
    Revoked,
    /// The grant had ended before.
    AlreadyEnded,
    /// The server has no way to do that; what a person can do, where it is known.
    NotSupported {
        /// The provider's own words on it.
        note: Option<String>,
    },
    /// It was tried and did not work: the grant may still be good at the server.
    Failed {
        /// Why, in one line.
        why: String,
    },
}

impl Revocation {
    /// The stable name, `revoked` for one.
    pub fn as_str(&self) -> &'static str {
        match self {
            Revocation::Revoked => "revoked",
            Revocation::AlreadyEnded => "already_ended",
            Revocation::NotSupported { .. } => "not_supported",
            Revocation::Failed { .. } => "failed",
        }
    }
}

impl Broker {
    /// Ends the connection: revokes the grant at the server where it can be, and deletes it here in any
    /// case. The lock is held over both, so that no refresh brings it back.
    ///
    /// A server that cannot be reached, or refuses, is no error: the outcome says that the grant may still
    /// be good there (RFC 7009 2.2.1).
    ///
    /// # Errors
    /// - `not_connected`, `unknown_provider`: there is nothing to end.
    /// - `lock_timeout`: another process is refreshing the connection and does not finish.
    /// - `store_unavailable`: it could not be deleted.
    pub async fn logout(&self, key: &ConnectionKey) -> Result<LogoutOutcome> {
        let Some(kept) = self.kept_if_any_async().await? else { return Err(self.no_such_connection(key)) };
        let locked = Locked::take(&kept.store, key, self.0.settings.lock_wait).await?;
        let revocation = match locked.read().await {
            Ok(Some(record)) => self.revoke(kept, &record).await,
            Ok(None) => return Err(self.no_such_connection(key)),
            // A record that cannot be read can still be put away.
            Err(error) if *error.kind() == ErrorKind::StoreCorrupt => {
                Revocation::Failed { why: format!("the record could not be read: {error}") }
            }
            Err(error) => return Err(error),
        };
        locked.delete().await?;
        kept.recent.forget(key);
        Ok(LogoutOutcome { key: key.clone(), revocation })
    }

    async fn revoke(&self, kept: &Kept, record: &ConnectionRecord) -> Revocation {
        if matches!(record.status, ConnectionStatus::LoginRequired { .. }) {
            return Revocation::AlreadyEnded;
        }
        if record.application {
            let note = "app-only access leaves nothing to revoke: a token at hand ends by itself, and removing the client \
                        secret or the certificate from the registration ends the access";
            return Revocation::NotSupported { note: Some(note.to_owned()) };
        }
        let (method, dialect) = (record.server.revocation_method, &record.server.dialect);
        // A client without a secret is not believed there.
        let can = method != RevocationMethod::JsonDelete || record.client.client_secret.is_some();
        let Some(endpoint) = record.server.revocation_endpoint.as_ref().filter(|_| can) else {
            let note =
                self.0.catalog.find(&record.key.provider).ok().and_then(|entry| entry.definition.logout.note);
            return Revocation::NotSupported { note };
        };
        // RFC 7009 2.1: with the refresh token the server ends the whole grant. The other methods know access tokens.
        let refresh_token = record.refresh_token.as_ref().filter(|_| method == RevocationMethod::Form);
        let (token, hint) = match (refresh_token, record.access_tokens.first()) {
            (Some(refresh_token), _) => (refresh_token, TokenKind::RefreshToken),
            (None, Some(access_token)) => (&access_token.secret, TokenKind::AccessToken),
            (None, None) => return Revocation::AlreadyEnded,
        };
        let outcome = async {
            let endpoint = Url::parse(endpoint)
                .map_err(|_| Error::new(ErrorKind::StoreCorrupt, "the revocation endpoint is no URL"))?;
            let (store, read) = (Arc::clone(&kept.store), record.clone());
            let client = off_thread(move || store.client_of(&read)).await?;
            let client = client.as_client();
            let request = RevocationRequest { endpoint: &endpoint, client, token, hint, method, dialect };
            let request = request.to_http()?;
            let response = self.0.transport.send(request, Limits::ENDPOINT).await?;
            Ok::<_, Error>(classify_revocation(response.status().as_u16(), response.body()))
        };
        match outcome.await {
            Ok(RevocationOutcome::Revoked) => Revocation::Revoked,
            Ok(RevocationOutcome::Refused { status, error }) => {
                let error = error.map(|error| format!(", {error}")).unwrap_or_default();
                Revocation::Failed { why: format!("the server refused (status {status}{error})") }
            }
            Ok(RevocationOutcome::Unavailable) => {
                Revocation::Failed { why: "the server could not do it just now".to_owned() }
            }
            Err(error) => Revocation::Failed { why: error.message().to_owned() },
        }
    }
}
