//! The records that this second's calls have read. Private to `token` and `dpop`, which ask here before they read.
//!
//! An agent asks for its token with every request that it sends. To read and open a record takes 25 us; to
//! know that nobody has touched it since takes one system call. A record found here is what the store holds:
//!
//! 1. **Its watch says so** ([`Watch`]), in the same call: no process can have written, removed or logged in
//!    again before it without this look telling.
//! 2. **It was read within this second.** What a watch cannot see, such as a whole store that was moved away,
//!    is seen a second later.
//! 3. **It holds no refresh token and no client secret:** who hands out tokens and their proofs needs neither.
//!
//! May not enter: when a token is fresh.

use std::collections::HashMap;
use std::sync::RwLock;

use crate::clock::Instant;
use crate::names::ConnectionKey;
use crate::scope::ScopeSet;
use crate::store::{ConnectionRecord, Watch};

/// Each holds a file open, and a process may have few of those to spare.
const MOST: usize = 64;

/// As many lists of scopes as are known of one record: a program asks for a few, over and over.
const MOST_SCOPES: usize = 15;

/// The records by connection.
#[derive(Default)]
pub(super) struct Recent(RwLock<HashMap<ConnectionKey, Entry>>);

struct Entry {
    record: ConnectionRecord,
    watch: Watch,
    read_at: Instant,
    /// Scopes that were asked for, and which of the record's tokens grants them: agents ask for the same ones each
    /// time.
    covered: Vec<(ScopeSet, usize)>,
}

impl Recent {
    /// What `judge` makes of the record, when it is here and is certain to be what the store holds. With
    /// `scopes`, only when the same ones were found to be granted before.
    pub(super) fn find<T>(
        &self,
        key: &ConnectionKey,
        now: &Instant,
        scopes: Option<&ScopeSet>,
        judge: impl FnOnce(&ConnectionRecord, usize) -> Option<T>,
    ) -> Option<T> {
        // Never waited for: a fork may have left it locked for ever, and a read of the store is as good.
        let entries = self.0.try_read().ok()?;
        let entry = entries.get(key).filter(|entry| entry.read_at == *now)?;
        let place = match scopes {
            None => 0,
            Some(scopes) => entry.covered.iter().find(|(covered, _)| covered == scopes)?.1,
        };
        // The look comes before the judgement, so that what is handed out was current after it was asked for.
        if entry.watch.is_current() { judge(&entry.record, place) } else { None }
    }

    /// Keeps what was read at `now`. `covered`: scopes that were asked for, and which token was found to grant them.
    pub(super) fn keep(
        &self,
        mut record: ConnectionRecord,
        watch: Watch,
        now: &Instant,
        covered: Option<(&ScopeSet, usize)>,
    ) {
        let Ok(mut entries) = self.0.try_write() else { return };
        // Those of other seconds are of no more use, and hold secrets and open files.
        entries.retain(|_, entry| entry.read_at == *now);
        if entries.len() >= MOST {
            return;
        }
        record.refresh_token = None;
        record.client.client_secret = None;
        record.client.certificate = None;
        // What was found of the same tokens within this second still holds.
        let earlier = entries.remove(&record.key).filter(|earlier| earlier.record == record);
        let mut all = earlier.map(|earlier| earlier.covered).unwrap_or_default();
        all.truncate(MOST_SCOPES);
        all.extend(covered.map(|(scopes, place)| (scopes.clone(), place)));
        let entry = Entry { watch, read_at: now.clone(), covered: all, record };
        entries.insert(entry.record.key.clone(), entry);
    }

    /// Forgets a connection: it is gone, or no longer what it was.
    pub(super) fn forget(&self, key: &ConnectionKey) {
        if let Ok(mut entries) = self.0.try_write() {
            entries.remove(key);
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        if let Ok(mut entries) = self.0.try_write() {
            entries.clear();
        }
    }
}
