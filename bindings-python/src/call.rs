//! A call under way: waited for, or started and told of, as asyncio wants it. What an event loop is, knows
//! `async_broker.py`.
//!
//! May not enter: where work is done. `tokenkeep_bindings` has the runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::prelude::*;
use tokenkeep_bindings::{Started, close_all as close_all_brokers, has_begun, start, wait};

use crate::errors::Failure;
use crate::types::Answer;

/// What a callback has raised.
pub type Raised = Arc<Mutex<Option<PyErr>>>;

/// What is to be done, and what may be the cause when it fails.
pub struct Work {
    future: Pin<Box<dyn Future<Output = tokenkeep::Result<Answer>> + Send>>,
    raised: Raised,
}

impl Work {
    /// Work that calls nothing of Python's.
    pub fn of(future: impl Future<Output = tokenkeep::Result<Answer>> + Send + 'static) -> Self {
        Work { future: Box::pin(future), raised: Raised::default() }
    }

    /// The same work, with callbacks that may raise.
    pub fn caused_by(self, raised: Raised) -> Self {
        Work { raised, ..self }
    }
}

/// A call that has not begun.
#[pyclass(frozen, module = "tokenkeep._native")]
pub struct Call {
    /// Held for no longer than a look, and with the interpreter's lock: no fork comes in between.
    work: Mutex<Option<Work>>,
    started: OnceLock<Started>,
}

impl Call {
    /// A call that does `work`.
    pub fn new(work: Work) -> Self {
        Call { work: Mutex::new(Some(work)), started: OnceLock::new() }
    }

    fn take(&self) -> Option<Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for its answer while other threads of Python's run. An exception of a signal handler, such as
    /// KeyboardInterrupt, gives it up.
    pub fn wait(&self, py: Python<'_>) -> Result<Py<PyAny>, Failure> {
        let Some(Work { future, raised }) = self.take() else { return Ok(py.None()) };
        let signals = || Python::attach(|py| py.check_signals()).map_err(Failure::Python);
        match py.detach(|| wait(future, signals)) {
            Ok(answer) => Ok(answer.into_pyobject(py)?.unbind()),
            Err(failure) => Err(failure.caused_by(&raised)),
        }
    }
}

#[pymethods]
impl Call {
    /// Begins. `done(result, error)` is called once, on another thread, unless the call is given up.
    fn start(&self, done: Py<PyAny>) -> Result<(), Failure> {
        let Some(Work { future, raised }) = self.take() else { return Ok(()) };
        // Moved in, so that what is Python's is dropped where the interpreter is. Without it nobody waits any more.
        let started = start(future, move |outcome| {
            Python::try_attach(move |py| tell(py, outcome, &raised, done));
        })?;
        self.started.get_or_init(|| started);
        Ok(())
    }

    /// Gives the call up; the core carries a refresh under way to its end. No effect on one that is done.
    fn abort(&self) {
        if let Some(started) = self.started.get() {
            started.abort();
        }
    }
}

/// Tells what came of a call, unless it was given up.
fn tell(py: Python<'_>, outcome: Option<tokenkeep::Result<Answer>>, raised: &Raised, done: Py<PyAny>) {
    let Some(outcome) = outcome else { return };
    let outcome = outcome.map_err(|error| Failure::from(error).caused_by(raised));
    let told = match outcome.and_then(|answer| Ok(answer.into_pyobject(py)?.unbind())) {
        Ok(object) => done.call1(py, (object, py.None())),
        Err(failure) => done.call1(py, (py.None(), PyErr::from(failure))),
    };
    if let Err(error) = told {
        error.write_unraisable(py, Some(done.bind(py)));
    }
}

/// For `atexit`: waits for the refreshes that are under way, so that a script that ends after it gave a call up loses
/// no refresh token.
#[pyfunction]
pub fn close_all(py: Python<'_>) -> PyResult<()> {
    if !has_begun() {
        return Ok(());
    }
    let closing = async {
        close_all_brokers().await;
        Ok(Answer::nothing())
    };
    Call::new(Work::of(closing)).wait(py)?;
    Ok(())
}
