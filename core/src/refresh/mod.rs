//! How a grant is kept: exactly one refresh, whatever the mix of tasks, processes and languages.
//!
//! The argument, step by step; each step closes a race:
//!
//! 1. **Single flight** ([`single_flight`]): a thousand tasks of one process that ask the same make one flight.
//! 2. **A task of its own**: a caller that is cancelled stops watching. It cannot drop a response that
//!    has rotated the refresh token.
//! 3. **A lock across processes**: whoever holds it is the only one to use this refresh token, whichever of
//!    its resources a token is wanted for. The kernel frees it when its holder dies.
//! 4. **Re-read under the lock**: what was read before it may have been refreshed, replaced by a new
//!    login, or logged out since. From here on only the re-read record is used.
//! 5. **A marker before the request** ([`RefreshAttempt`]): whoever finds it after a crash knows that
//!    an answer may have been lost, and that the refresh token may have been used. A demand for a nonce (RFC 9449 8) is
//!    no answer to it: the holder sends once more under the same lock and the same marker, so that nobody else can use
//!    the refresh token between the two, and whoever finds the marker counts one request, not two.
//! 6. **A durable write before anyone gets the token**: no caller holds a token whose refresh token
//!    could still be lost. Only when the disk refuses is it handed out from memory, and written as soon as
//!    the disk lets it (`unsaved`): to throw it away would end the login.
//! 7. **`invalid_grant` only ends what it was about**: the record is read once more, and only if it still
//!    holds the grant and the refresh token that were sent is it marked. It is never deleted.
//!
//! App-only access (RFC 6749 4.4) goes the same way, so that it too is one request: the client asks in its own name, nothing
//! rotates, and no refusal ends anything.
//!
//! `demand` says what a caller wants, `exchange` holds steps 3 to 5 and `conclusion` 6 and 7; `freshness` says when they are needed, `pause` when
//! they have to wait, and `retry_after` reads a server's wish. May not enter: how a grant is got (`flow`).
//!
//! [`RefreshAttempt`]: crate::store::RefreshAttempt

mod conclusion;
mod credential;
mod demand;
mod exchange;
mod freshness;
mod pause;
mod retry_after;
mod single_flight;
mod unsaved;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use credential::credential_warning;
use demand::Question;
pub use demand::{Demand, Wanted};
pub(crate) use exchange::{not_connected, not_connected_to};
pub use freshness::{Freshness, freshness};
use single_flight::SingleFlight;
use unsaved::Unsaved;

use crate::clock::Clock;
use crate::dpop::DpopNonces;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ConnectionKey;
use crate::store::{ConnectionRecord, TokenStore};
use crate::transport::Transport;

/// A record, and whether asking again could give a better one.
#[derive(Debug, Clone)]
pub(crate) struct Refreshed {
    record: ConnectionRecord,
    settled: bool,
}

/// Keeps grants fresh.
pub struct Refresher {
    parts: Arc<Parts>,
    flights: SingleFlight<Question, Result<Refreshed>>,
}

/// What a flight takes along.
pub(crate) struct Parts {
    store: Arc<dyn TokenStore>,
    transport: Arc<Transport>,
    clock: Arc<dyn Clock>,
    nonces: Arc<DpopNonces>,
    lock_wait: Duration,
    unsaved: Unsaved,
}

impl Refresher {
    /// Keeps the grants in `store`; `lock_wait` is how long another process may hold a connection.
    pub fn new(
        store: Arc<dyn TokenStore>,
        transport: Arc<Transport>,
        clock: Arc<dyn Clock>,
        nonces: Arc<DpopNonces>,
        lock_wait: Duration,
    ) -> Self {
        let unsaved = Unsaved::default();
        let parts = Arc::new(Parts { store, transport, clock, nonces, lock_wait, unsaved });
        Refresher { parts, flights: SingleFlight::new() }
    }

    /// The connection's record with a token that meets `demand`, refreshed where that is needed.
    ///
    /// Cancel-safe: dropping the future leaves the refresh to run to its end.
    ///
    /// # Errors
    /// `login_required` when the server, in OAuth's words, ended the grant; `not_connected` when somebody
    /// logged out meanwhile; `network`, `throttled`, `lock_timeout` when it may pass and the token at hand
    /// no longer works; `provider_rejected` and `interaction_required` as the server said; the store's own.
    pub async fn refreshed(&self, key: &ConnectionKey, demand: &Demand) -> Result<ConnectionRecord> {
        loop {
            let mut landed = self.launch(key, demand);
            let outcome = match landed.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => None,
            };
            let refreshed = outcome
                .ok_or_else(|| Error::new(ErrorKind::Internal, "a refresh ended without an outcome"))??;
            // A flight that others launched may have met their wish without a request, and not ours. One that is
            // settled is as fresh as the server makes them now.
            if refreshed.settled || demand.is_met_by(&refreshed.record, &self.parts.clock.now()) {
                return Ok(refreshed.record);
            }
        }
    }

    /// Starts a refresh that nobody waits for. Its failure is only logged: the old token still works.
    pub fn refresh_in_background(&self, key: &ConnectionKey, demand: &Demand) {
        drop(self.launch(key, demand));
    }

    /// Waits until the refreshes under way are written down, and tries once more what could not be.
    pub async fn settle(&self) {
        self.flights.settle().await;
        for key in self.parts.unsaved.keys() {
            // Whether it worked, the list tells.
            let _ = exchange::catch_up(&self.parts, &key).await;
        }
        for key in self.parts.unsaved.keys() {
            tracing::warn!(connection = %key, "its new refresh token could not be written and ends with this process");
        }
    }

    fn launch(
        &self,
        key: &ConnectionKey,
        demand: &Demand,
    ) -> tokio::sync::watch::Receiver<Option<Result<Refreshed>>> {
        let (parts, key_of_flight, demand) = (Arc::clone(&self.parts), key.clone(), demand.clone());
        self.flights.join(&demand.question(key), move || async move {
            let outcome = exchange::refresh(&parts, &key_of_flight, &demand).await;
            if let Err(error) = &outcome {
                tracing::info!(connection = %key_of_flight, code = error.code(), %error, "not refreshed");
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests;
