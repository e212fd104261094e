//! What was rotated and could not be written: a full disk at the one instant at which the only copy of a new
//! refresh token is here.
//!
//! It is kept in memory, handed out, and written with the next call, or when the broker closes. It counts only
//! for as long as the store still holds what it was rotated from: a new login, a logout, or another process
//! that went on makes it void. May not enter: anything that was written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::names::ConnectionKey;
use crate::secret::Secret;
use crate::store::{ConnectionRecord, Locked};

/// The records that could not be written, by connection.
#[derive(Default)]
pub(super) struct Unsaved(Mutex<HashMap<ConnectionKey, Rotated>>);

struct Rotated {
    /// The refresh token that was sent: the store still holds it.
    sent: Secret,
    record: ConnectionRecord,
}

impl Unsaved {
    /// Keeps what `error` kept from being written.
    pub(super) fn keep(&self, sent: &Secret, record: &ConnectionRecord, error: &Error) {
        let key = record.key.clone();
        tracing::warn!(connection = %key, %error, "the new refresh token could not be written; it is kept in memory and tried again");
        self.lock().insert(key, Rotated { sent: sent.clone(), record: record.clone() });
    }

    /// The connections that have something to write.
    pub(super) fn keys(&self) -> Vec<ConnectionKey> {
        self.lock().keys().cloned().collect()
    }

    /// Somebody has logged out: there is nothing left to write.
    pub(super) fn forget(&self, key: &ConnectionKey) {
        self.lock().remove(key);
    }

    /// The record that counts: `stored`, which was read under the lock, or what was rotated from it. That is
    /// written now if it can be.
    pub(super) async fn catch_up(&self, locked: &Locked, stored: ConnectionRecord) -> ConnectionRecord {
        let newer = self.lock().get(&stored.key).and_then(|rotated| {
            let follows = rotated.record.grant_id == stored.grant_id
                && stored.refresh_token.as_ref() == Some(&rotated.sent);
            follows.then(|| rotated.record.clone())
        });
        let Some(newer) = newer else {
            self.forget(&stored.key);
            return stored;
        };
        if locked.write(&newer).await.is_ok() {
            self.forget(&stored.key);
        }
        newer
    }

    /// The map is whole between any two lines that hold the guard, so a poisoned one is still good.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionKey, Rotated>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
