//! Many callers, one flight: whoever asks for a key that is already on its way waits for that answer.
//!
//! The flight is a task of its own. A caller that is cancelled only stops watching; what the flight
//! does (a request that rotates a refresh token) is carried to its end and written down.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

type Flights<K, T> = Mutex<HashMap<K, watch::Receiver<Option<T>>>>;

/// The flights under way, by key.
pub struct SingleFlight<K, T> {
    flights: Arc<Flights<K, T>>,
}

impl<K, T> SingleFlight<K, T>
where
    K: Eq + Hash + Clone + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// No flights yet.
    pub fn new() -> Self {
        SingleFlight { flights: Arc::new(Mutex::new(HashMap::new())) }
    }

    /// The flight for `key`: the one under way, or a new one made by `launch`. The receiver sees
    /// `Some` when it has landed. Must be called within a tokio runtime.
    pub fn join<F>(&self, key: &K, launch: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (land, landed) = watch::channel(None);
        let flying = {
            // Looked up and entered under one guard: two callers at once cannot both launch.
            let mut flights = lock(&self.flights);
            if let Some(under_way) = flights.get(key) {
                return under_way.clone();
            }
            flights.insert(key.clone(), landed.clone());
            launch()
        };
        let ending = Ending { flights: Arc::clone(&self.flights), key: key.clone() };
        tokio::spawn(async move {
            let outcome = flying.await;
            // Removed before it is announced: a caller that comes after the news starts afresh and
            // never reads an answer older than its question.
            drop(ending);
            land.send_replace(Some(outcome));
        });
        landed
    }

    /// Waits for all flights that are under way now.
    pub async fn settle(&self) {
        let under_way: Vec<_> = lock(&self.flights).values().cloned().collect();
        for mut landed in under_way {
            // An error means that the flight is gone, which is as settled as it gets.
            let _ = landed.wait_for(Option::is_some).await;
        }
    }
}

/// Takes the flight off the list also when its task panics or its runtime is shut down.
struct Ending<K: Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Ending<K, T> {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

/// The map is whole between any two lines that hold the guard, so a poisoned one is still good.
fn lock<K, T>(flights: &Flights<K, T>) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<T>>>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn many_callers_one_flight_and_a_cancelled_caller_does_not_stop_it() {
        let flights = SingleFlight::<&str, u32>::new();
        let launched = Arc::new(AtomicU32::new(0));
        let gate = Arc::new(Notify::new());
        let join = || {
            let (launched, gate) = (Arc::clone(&launched), Arc::clone(&gate));
            flights.join(&"key", move || async move {
                gate.notified().await;
                launched.fetch_add(1, Ordering::SeqCst) + 1
            })
        };
        let cancelled = join();
        drop(cancelled);
        let mut watchers: Vec<_> = (0..100).map(|_| join()).collect();
        gate.notify_one();
        for watcher in &mut watchers {
            assert_eq!(*watcher.wait_for(Option::is_some).await.unwrap(), Some(1));
        }
        // A question asked after the landing gets a flight of its own.
        let mut next = join();
        gate.notify_one();
        assert_eq!(*next.wait_for(Option::is_some).await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_flight_that_panics_is_reported_and_leaves_the_list() {
        let flights = SingleFlight::<&str, u32>::new();
        let mut landed = flights.join(&"key", || async { panic!("on purpose") });
        assert!(landed.wait_for(Option::is_some).await.is_err());
        let mut next = flights.join(&"key", || async { 7 });
        assert_eq!(*next.wait_for(Option::is_some).await.unwrap(), Some(7));
        flights.settle().await;
    }
}
