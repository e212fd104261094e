//! A broker in the process that uses it: through forks, and to the end of the process.

use std::mem;
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use tokenkeep::Broker;

use crate::work::{epoch, start_unwatched};

static LIVES: ArcSwapOption<Vec<Weak<Life>>> = ArcSwapOption::const_empty();

/// A broker in one process.
pub struct Life {
    broker: Broker,
    epoch: u64,
}

impl Life {
    /// The broker.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    fn begin(broker: Broker) -> Arc<Self> {
        let life = Arc::new(Life { broker, epoch: epoch() });
        LIVES.rcu(|all| {
            let alive = all.iter().flat_map(|all| all.iter()).filter(|life| life.strong_count() > 0);
            Some(Arc::new(alive.cloned().chain([Arc::downgrade(&life)]).collect()))
        });
        life
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.epoch != epoch() {
            // One that counts it as in use for ever: what it holds belongs to threads that are not here.
            mem::forget(self.broker.clone());
        }
    }
}

/// A broker through all forks.
pub struct Lives(ArcSwap<Life>);

impl Lives {
    /// The first life of `broker`.
    pub fn begin(broker: Broker) -> Self {
        Lives(ArcSwap::new(Life::begin(broker)))
    }

    /// The broker as this process may use it.
    pub fn here(&self) -> Guard<Arc<Life>> {
        let life = self.0.load();
        if life.epoch == epoch() {
            return life;
        }
        // Two threads may make one each. Both work; one is the broker from the next call on.
        self.0.store(Life::begin(life.broker.after_fork()));
        self.0.load()
    }
}

/// Nobody can use the broker any more: what it has under way is carried to its end.
impl Drop for Lives {
    fn drop(&mut self) {
        let life = self.0.load_full();
        if life.epoch == epoch() && life.broker.is_open() {
            start_unwatched(async move { life.broker.close().await });
        }
    }
}

/// Waits until what the brokers of this process have under way is written down: what the last line of a program gave
/// up, or never waited for, loses no refresh token.
pub async fn close_all() {
    let lives: Vec<Weak<Life>> = LIVES.load().as_deref().cloned().unwrap_or_default();
    for life in lives.iter().filter_map(Weak::upgrade).filter(|life| life.epoch == epoch()) {
        life.broker.close().await;
    }
}
