//! The one runtime of the process, and work on it that somebody waits for, is told of, or gives up.
//!
//! A child that was forked has none of its parent's threads, and may have any of their locks, held for ever. So
//! [`forked`] raises an epoch in the child; what is of an earlier epoch is never used there, nor dropped, because a
//! drop may wait for a thread that is not there; and nothing here is behind a lock.
//!
//! May not enter: what the work is.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokenkeep::{Error, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinError, spawn_blocking};
use tokio::time::timeout;

/// A call waits for the network most of the time: two threads are plenty.
const THREADS: usize = 2;
/// How often one who waits looks whether they were interrupted.
const LOOK: Duration = Duration::from_millis(50);

static EPOCH: AtomicU64 = AtomicU64::new(0);
static RUNTIME: ArcSwapOption<Runtime> = ArcSwapOption::const_empty();

/// How many forks this process is away from the one that began.
pub(crate) fn epoch() -> u64 {
    EPOCH.load(Ordering::Relaxed)
}

/// To be called in the child, right after a fork.
pub fn forked() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    mem::forget(RUNTIME.swap(None));
}

/// True when this process has had work: without any there is nothing to wait for.
pub fn has_begun() -> bool {
    RUNTIME.load().is_some()
}

/// The runtime, made by whoever needs it first.
fn runtime() -> Result<Arc<Runtime>> {
    if let Some(runtime) = RUNTIME.load_full() {
        return Ok(runtime);
    }
    let mut builder = Builder::new_multi_thread();
    let made = builder.worker_threads(THREADS).thread_name("tokenkeep").enable_all().build();
    let made = Arc::new(made.map_err(|error| Error::of_panic(&format!("no runtime: {error}")))?);
    // Two threads may have come this far: the first one's stays.
    let before = RUNTIME.compare_and_swap(&None::<Arc<Runtime>>, Some(Arc::clone(&made)));
    Ok(before.as_ref().map_or(made, Arc::clone))
}

/// Does `work` while this thread waits. `interrupted` is asked every now and then: its error gives the work up, which
/// loses nothing, because the core's calls are cancel-safe.
///
/// # Errors
/// Those of the work, and of `interrupted`.
pub fn wait<T, E>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    mut interrupted: impl FnMut() -> Result<(), E>,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error>,
{
    let runtime = runtime()?;
    let mut task = runtime.spawn(work);
    let _given_up = AbortOnDrop(task.abort_handle());
    loop {
        match runtime.block_on(async { timeout(LOOK, &mut task).await }) {
            Ok(ended) => return Ok(ended.unwrap_or_else(|error| Err(panicked(error)))?),
            Err(_) => interrupted()?,
        }
    }
}

/// Work that was started.
pub struct Started {
    task: AbortHandle,
    epoch: u64,
}

impl Started {
    /// Gives the work up; the core carries a refresh under way to its end. No effect on work that is done.
    pub fn abort(&self) {
        // The task of a parent process has no thread here that could hear of it.
        if self.epoch == epoch() {
            self.task.abort();
        }
    }
}

/// Starts `work`. `done` is told what came of it, once, on a thread that may block: nothing when it was given up.
///
/// # Errors
/// `internal` when the system has no threads left.
pub fn start<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    done: impl FnOnce(Option<Result<T>>) + Send + 'static,
) -> Result<Started> {
    let runtime = runtime()?;
    let task = runtime.spawn(work);
    let started = Started { task: task.abort_handle(), epoch: epoch() };
    runtime.spawn(async move {
        let outcome = match task.await {
            Ok(outcome) => Some(outcome),
            Err(ended) if ended.is_cancelled() => None,
            Err(ended) => Some(Err(panicked(ended))),
        };
        spawn_blocking(move || done(outcome));
    });
    Ok(started)
}

/// Starts work that nobody waits for.
pub(crate) fn start_unwatched(work: impl Future<Output = ()> + Send + 'static) {
    // There is a runtime, or there is nothing that could be under way.
    if let Some(runtime) = RUNTIME.load_full() {
        runtime.spawn(work);
    }
}

/// Work that may block, off the runtime's two threads.
///
/// # Errors
/// Those of the work; `internal` when it panics.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(panicked(ended)))
}

fn panicked(ended: JoinError) -> Error {
    let payload: Box<dyn Any + Send> = match ended.try_into_panic() {
        Ok(payload) => payload,
        Err(ended) => Box::new(ended.to_string()),
    };
    Error::of_panic(&*payload)
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    #[test]
    fn work_is_waited_for_told_of_and_given_up() {
        assert_eq!(wait(async { Ok(7) }, || Ok::<_, Error>(())).unwrap(), 7);

        let (told_in, told) = mpsc::channel();
        let tell = told_in.clone();
        let _started = start(async { Ok(8) }, move |outcome| tell.send(outcome).unwrap()).unwrap();
        assert_eq!(told.recv().unwrap().unwrap().unwrap(), 8);

        let started = start(std::future::pending(), move |outcome| told_in.send(outcome).unwrap()).unwrap();
        started.abort();
        assert!(told.recv().unwrap().is_none());
    }

    #[test]
    fn one_who_waits_is_interrupted_soon() {
        let begun = Instant::now();
        let never = std::future::pending::<Result<()>>();
        let outcome = wait(never, || Err::<(), _>(Error::cancelled("Ctrl-C")));
        assert_eq!(outcome.unwrap_err().code(), "login_cancelled");
        assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_panic_is_an_error() {
        let work = async { if begun() { panic!("on purpose") } else { Ok(()) } };
        let error = wait(work, || Ok::<_, Error>(())).unwrap_err();
        assert_eq!((error.code(), error.message()), ("internal", "a panic: on purpose"));
        let error =
            wait(off_thread(|| if begun() { panic!("there") } else { Ok(()) }), || Ok::<_, Error>(()));
        assert_eq!(error.unwrap_err().message(), "a panic: there");
    }

    fn begun() -> bool {
        has_begun()
    }
}
