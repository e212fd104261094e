//! The asyncio side: a call that is started, tells when it is done, and can be given up. What an event loop is, knows
//! `_async.py`.
//!
//! May not enter: a wait. The loop's thread only starts and aborts.

use std::sync::{Mutex, OnceLock, PoisonError};

use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::process::{self, Work, panicked};

/// A call that has not begun.
#[pyclass(frozen, module = "tokenkeep._native")]
pub struct Call {
    /// Held for no longer than a look, and with the interpreter's lock: no fork comes in between.
    work: Mutex<Option<Work>>,
    started: OnceLock<Started>,
}

struct Started {
    task: AbortHandle,
    epoch: u64,
}

impl Call {
    /// A call that does `work`.
    pub fn new(work: Work) -> Self {
        Call { work: Mutex::new(Some(work)), started: OnceLock::new() }
    }
}

#[pymethods]
impl Call {
    /// Begins. `done(result, error)` is called once, on another thread, unless the call is given up.
    fn start(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<()> {
        let Some(work) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let runtime = process::runtime(py)?;
        let task = runtime.spawn(work);
        let started = Started { task: task.abort_handle(), epoch: process::epoch() };
        self.started.get_or_init(|| started);
        runtime.spawn(async move {
            let finish = match task.await {
                Err(given_up) if given_up.is_cancelled() => return,
                outcome => outcome,
            };
            // Where threads may wait: other threads of Python's may keep the interpreter for a while.
            tokio::task::spawn_blocking(move || {
                Python::try_attach(|py| {
                    let outcome =
                        finish.map_err(|panic| panicked(panic).into()).and_then(|finish| finish(py));
                    let told = match outcome {
                        Ok(result) => done.call1(py, (result, py.None())),
                        Err(error) => done.call1(py, (py.None(), error)),
                    };
                    if let Err(error) = told {
                        error.write_unraisable(py, Some(done.bind(py)));
                    }
                })
            });
        });
        Ok(())
    }

    /// Gives the call up; the core carries a refresh under way to its end. No effect on one that is done.
    fn abort(&self) {
        // The task of a parent process has no thread here that could hear of it.
        if let Some(started) = self.started.get().filter(|started| started.epoch == process::epoch()) {
            started.task.abort();
        }
    }
}
