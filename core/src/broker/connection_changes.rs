//! `connection_changes`: what becomes of the connections, whoever does it.
//!
//! Nobody sends word: there is no daemon, and whoever writes may be killed the moment after. So a stream looks, four times
//! a second. A look costs a listing and a stamp of each file; a record is read where that tells of a write. No change is
//! lost, and none is made up:
//!
//! 1. **The stamp is taken before the record is read.** A write in between is found by the next look.
//! 2. **A new stamp is believed from the second look on.** Two writes within one tick of the system's clock may have the
//!    same stamp ([`Stamp`]), and the first look may have come between them. By the second look that tick is over.
//! 3. **What a listing leaves out is asked for by its name** before it counts as gone: some file systems leave out what is
//!    being replaced.
//! 4. **What cannot be read has not changed.** A connection is what it last was until it can be read again or is gone.
//!    [`Broker::connections`] names the damage.
//! 5. **A look that has begun is kept** by the stream, and so are the changes that it found: to give up waiting for the
//!    next change loses none.
//!
//! Two writes between two looks are one change; a connection that comes and goes between them is none.
//!
//! May not enter: a lock, a write, a thread that lasts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Broker, Connection};
use crate::error::Result;
use crate::store::{Stamp, off_thread};

/// From one look to the next. Longer than the ticks that files are stamped with, and a change is told within a second
/// also on a machine that is busy.
const PAUSE: Duration = Duration::from_millis(250);

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is there: since before the stream began, or by a login.
    Appeared,
    /// Something of it is not what it was: by another login, a refresh, or a refusal that wants a login.
    Changed,
    /// It is gone: by a logout, or with its store.
    Disappeared,
}

impl ChangeKind {
    /// `appeared`, `changed` or `disappeared`.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Appeared => "appeared",
            ChangeKind::Changed => "changed",
            ChangeKind::Disappeared => "disappeared",
        }
    }
}

/// A change of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// What became of it.
    pub kind: ChangeKind,
    /// The connection as it now is; as it last was, when it is gone.
    pub connection: Connection,
}

/// The changes of a store's connections, one after the other. It has no end.
pub struct ConnectionChanges {
    broker: Broker,
    seen: Arc<Seen>,
    found: VecDeque<ConnectionChange>,
    look: Option<Look>,
    next_look: Instant,
}

/// A look under way.
type Look = Pin<Box<dyn Future<Output = Result<Seen>> + Send>>;

/// What a look has seen, by the ids of the store.
type Seen = BTreeMap<String, Sight>;

/// What was seen of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sight {
    /// None where it has to be read again.
    stamp: Option<Stamp>,
    /// True once the record was read at a look that found the stamp as the one before had.
    is_believed: bool,
    /// As it was when it could last be read. Shared: from look to look hardly any differs.
    connection: Option<Arc<Connection>>,
}

impl Broker {
    /// The connections that there are, and from then on each change of them, whichever process or language makes it: a
    /// program that shows connections needs nothing else, and misses none between a listing and the changes after it.
    ///
    /// The store is looked at when [`ConnectionChanges::next`] is waited for. No network, and no lock.
    ///
    /// ```no_run
    /// # async fn example(broker: tokenkeep::Broker) -> Result<(), tokenkeep::Error> {
    /// let mut changes = broker.connection_changes();
    /// loop {
    ///     let change = changes.next().await?;
    ///     println!("{} {}", change.connection.key, change.kind.as_str());
    /// }
    /// # }
    /// ```
    pub fn connection_changes(&self) -> ConnectionChanges {
        ConnectionChanges {
            broker: self.clone(),
            seen: Arc::default(),
            found: VecDeque::new(),
            look: None,
            next_look: Instant::now(),
        }
    }
}

impl ConnectionChanges {
    /// Waits for the next change. First [`ChangeKind::Appeared`] for each connection that is there, by name; later a
    /// change is told within a second. A store that is yet to be made has no connections, and is noticed when it is made.
    ///
    /// Cancel-safe: dropping the future loses no change. Must run within a tokio runtime.
    ///
    /// # Errors
    /// Those of the store as a whole: `store_locked`, `store_unavailable`. It can be called again: it looks again, a
    /// moment later, and has forgotten nothing.
    pub async fn next(&mut self) -> Result<ConnectionChange> {
        loop {
            if let Some(change) = self.found.pop_front() {
                return Ok(change);
            }
            sleep_until(self.next_look).await;
            let look = self.look.get_or_insert_with(|| {
                let (broker, seen) = (self.broker.clone(), Arc::clone(&self.seen));
                Box::pin(off_thread(move || look(&broker, &seen)))
            });
            let looked = look.await;
            self.look = None;
            self.next_look = Instant::now() + PAUSE;
            let now = looked?;
            self.found = changes(&self.seen, &now);
            self.seen = Arc::new(now);
        }
    }
}

impl fmt::Debug for ConnectionChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionChanges({} seen, {} to be told)", self.seen.len(), self.found.len())
    }
}

fn look(broker: &Broker, before: &Seen) -> Result<Seen> {
    let Some(kept) = broker.kept_if_any()? else { return Ok(Seen::new()) };
    let mut describe = broker.describer();
    let read = |id: &str| Ok(kept.store.get_by_id(id)?.map(|record| describe(&record)));
    Ok(see(before, &kept.store.stamps()?, read))
}

/// What is there now. `read` is asked for what is not known to be as it was.
fn see(
    before: &Seen,
    stamps: &BTreeMap<String, Stamp>,
    mut read: impl FnMut(&str) -> Result<Option<Connection>>,
) -> Seen {
    let ids: BTreeSet<&String> = before.keys().chain(stamps.keys()).collect();
    let mut sight = |id: &String| {
        let (known, stamp) = (before.get(id), stamps.get(id).copied());
        let has_stood = known.is_some_and(|known| stamp.is_some() && known.stamp == stamp);
        if let Some(known) = known.filter(|known| has_stood && known.is_believed) {
            return Some(known.clone());
        }
        match read(id) {
            Ok(Some(connection)) => {
                Some(Sight { stamp, is_believed: has_stood, connection: Some(Arc::new(connection)) })
            }
            Ok(None) => None,
            // Of one record: a store that cannot be read has no stamps.
            Err(_) => {
                let connection = known.and_then(|known| known.connection.clone());
                Some(Sight { stamp: None, is_believed: false, connection })
            }
        }
    };
    ids.into_iter().filter_map(|id| Some((id.clone(), sight(id)?))).collect()
}

/// What became of the connections, by name.
fn changes(before: &Seen, now: &Seen) -> VecDeque<ConnectionChange> {
    let ids: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let connection = |seen: &Seen, id: &String| seen.get(id).and_then(|sight| sight.connection.clone());
    let change = |id| match (connection(before, id), connection(now, id)) {
        (None, Some(connection)) => Some((ChangeKind::Appeared, connection)),
        (Some(before), Some(now)) => (before != now).then_some((ChangeKind::Changed, now)),
        (Some(connection), None) => Some((ChangeKind::Disappeared, connection)),
        (None, None) => None,
    };
    let mut changes: Vec<_> = ids.into_iter().filter_map(change).collect();
    changes.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
    let change = |(kind, connection)| ConnectionChange { kind, connection: Arc::unwrap_or_clone(connection) };
    changes.into_iter().map(change).collect()
}

#[cfg(test)]
mod tests;
