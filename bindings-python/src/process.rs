//! What belongs to this process: the one runtime that all brokers share, and what becomes of it at a fork and at
//! the end.
//!
//! A child that was forked has none of its parent's threads, and may have any of their locks, held for ever. So:
//! [`forked`] raises an epoch in the child; what is of an earlier epoch is never used there, nor dropped, because a
//! drop may wait for a thread that is not there; and nothing here is behind a lock.
//!
//! May not enter: what the work is.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinError};
use tokio::time::timeout;

use crate::errors::Failure;

/// Work on the runtime, and how its outcome becomes an object of Python's.
pub type Work = Pin<Box<dyn Future<Output = Finish> + Send>>;
/// Runs with the interpreter at hand.
pub type Finish = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Py<PyAny>> + Send>;

/// A call waits for the network most of the time: two threads are plenty.
const THREADS: usize = 2;
/// How often a call that waits looks whether Ctrl-C was pressed.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(50);

static EPOCH: AtomicU64 = AtomicU64::new(0);
static RUNTIME: ArcSwapOption<Runtime> = ArcSwapOption::const_empty();
static LIVES: ArcSwapOption<Vec<Weak<Life>>> = ArcSwapOption::const_empty();

/// How many forks this process is away from the one that loaded the module.
pub fn epoch() -> u64 {
    EPOCH.load(Ordering::Relaxed)
}

/// For `os.register_at_fork(after_in_child=...)`.
#[pyfunction]
pub fn forked() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    mem::forget(RUNTIME.swap(None));
}

/// The runtime, made by whoever needs it first. The interpreter's lock keeps a second one from being made.
pub fn runtime(_attached: Python<'_>) -> PyResult<Arc<Runtime>> {
    if let Some(runtime) = RUNTIME.load_full() {
        return Ok(runtime);
    }
    let mut builder = Builder::new_multi_thread();
    let made = Arc::new(builder.worker_threads(THREADS).thread_name("tokenkeep").enable_all().build()?);
    RUNTIME.store(Some(Arc::clone(&made)));
    Ok(made)
}

/// Does `work` while other threads of Python's run. An exception of a signal handler, such as KeyboardInterrupt, gives
/// the work up, which loses nothing: the core's calls are cancel-safe.
pub fn wait(py: Python<'_>, work: Work) -> PyResult<Py<PyAny>> {
    let runtime = runtime(py)?;
    let mut task = runtime.spawn(work);
    let _given_up = AbortOnDrop(task.abort_handle());
    loop {
        let done = py.detach(|| runtime.block_on(async { timeout(LOOK_FOR_SIGNALS, &mut task).await }));
        match done {
            Ok(outcome) => return outcome.map_err(panicked)?(py),
            Err(_) => py.check_signals()?,
        }
    }
}

/// A task that ended without an outcome.
pub fn panicked(error: JoinError) -> Failure {
    let payload: Box<dyn std::any::Any + Send> = match error.try_into_panic() {
        Ok(payload) => payload,
        Err(error) => Box::new(error.to_string()),
    };
    tokenkeep::Error::of_panic(&*payload).into()
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A broker in one process.
pub struct Life {
    /// The broker.
    pub broker: tokenkeep::Broker,
    epoch: u64,
}

/// A broker through all forks.
pub struct Lives(ArcSwap<Life>);

impl Life {
    fn begin(broker: tokenkeep::Broker) -> Arc<Self> {
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
            // One that counts it as in use for ever.
            mem::forget(self.broker.clone());
        }
    }
}

impl Lives {
    /// The first life of `broker`.
    pub fn begin(broker: tokenkeep::Broker) -> Self {
        Lives(ArcSwap::new(Life::begin(broker)))
    }

    /// The broker as this process may use it.
    pub fn here(&self) -> Guard<Arc<Life>> {
        let life = self.0.load();
        if life.epoch == epoch() {
            return life;
        }
        self.0.store(Life::begin(life.broker.after_fork()));
        self.0.load()
    }
}

/// Nobody can use the broker any more: what it has under way is carried to its end.
impl Drop for Lives {
    fn drop(&mut self) {
        let life = self.0.load_full();
        if let Some(runtime) = RUNTIME.load_full().filter(|_| life.epoch == epoch() && life.broker.is_open())
        {
            runtime.spawn(async move { life.broker.close().await });
        }
    }
}

/// For `atexit`: waits for the refreshes that are under way, so that a script that ends after it gave a call up loses
/// no refresh token.
#[pyfunction]
pub fn close_all(py: Python<'_>) -> PyResult<()> {
    if RUNTIME.load().is_none() {
        return Ok(());
    }
    let lives: Vec<Weak<Life>> = LIVES.load().as_deref().cloned().unwrap_or_default();
    let lives: Vec<Arc<Life>> =
        lives.iter().filter_map(Weak::upgrade).filter(|life| life.epoch == epoch()).collect();
    let work = async move {
        for life in lives {
            life.broker.close().await;
        }
        Box::new(|py: Python<'_>| Ok(py.None())) as Finish
    };
    wait(py, Box::pin(work)).map(drop)
}
