//! The endpoints of the issuers that this broker has asked for their metadata: a second login asks less.
//!
//! In memory alone: a record holds all that a refresh needs, and another process asks for itself. What a server refused
//! is never kept, and an endpoint that fails a login has its issuer asked anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use url::Url;

use crate::clock::Instant;
use crate::provider::Endpoints;

/// Seconds that metadata are good for. A server that moves an endpoint keeps the old one for longer.
const LIFETIME: i64 = 3600;

/// More issuers than anybody logs in to from one process.
const MOST: usize = 64;

/// The endpoints by issuer.
#[derive(Default)]
pub(super) struct KnownServers(Mutex<HashMap<String, (Instant, Endpoints)>>);

impl KnownServers {
    /// The endpoints that `issuer` published, if that was not long ago.
    pub(super) fn find(&self, issuer: &str, now: &Instant) -> Option<Endpoints> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, endpoints) = known.get(issuer)?;
        now.age_since(asked).is_some_and(|age| age < LIFETIME).then(|| endpoints.clone())
    }

    /// Keeps what `issuer` published just now.
    pub(super) fn keep(&self, issuer: &str, endpoints: &Endpoints, now: &Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (asked, _)| now.age_since(asked).is_some_and(|age| age < LIFETIME));
        if known.len() < MOST || known.contains_key(issuer) {
            known.insert(issuer.to_owned(), (now.clone(), endpoints.clone()));
        }
    }

    /// Forgets the server of this token endpoint: what is there is none, or there is nothing.
    pub(super) fn forget(&self, token_endpoint: &Url) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, endpoints)| endpoints.token != *token_endpoint);
    }
}
