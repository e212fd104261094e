//! The core's errors as exceptions. The classes are Python's own (`errors.py`), so that they can be caught, raised in
//! a test and pickled like any other.
//!
//! May not enter: a text. Whatever an exception says, the core has said it, or a callback has raised it.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use tokenkeep::{Error, ErrorKind, ServerError};

use crate::types::At;

/// Why a call failed.
pub enum Failure {
    /// The core said so; and the exception of a callback that made it say so.
    Core(Error, Option<PyErr>),
    /// Python said so.
    Python(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error, None)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Python(error) => error,
            Failure::Core(error, cause) => Python::attach(|py| {
                let raised = exception(py, &error).map_or_else(|failed| failed, PyErr::from_value);
                if cause.is_some() {
                    raised.set_cause(py, cause);
                }
                raised
            }),
        }
    }
}

/// The exception that stands for `error`.
pub fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    static FROM_CORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let from_core = FROM_CORE.import(py, "tokenkeep.errors", "_from_core")?;
    let details = PyDict::new(py);
    match error.kind() {
        ErrorKind::LoginRequired { reason } => details.set_item("reason", reason.as_str())?,
        ErrorKind::InteractionRequired { claims } => details.set_item("claims", claims)?,
        ErrorKind::Throttled { retry_at } => details.set_item("retry_at", retry_at.map(At))?,
        _ => {}
    }
    let server = error.server().map(|server| server_error(py, server)).transpose()?;
    from_core.call((error.code(), error.message(), error.help(), error.retryable(), server), Some(&details))
}

fn server_error<'py>(py: Python<'py>, server: &ServerError) -> PyResult<Bound<'py, PyAny>> {
    static SERVER_ERROR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ServerError { error, description, suberror, error_codes, trace_id, correlation_id } = server;
    let fields = (error, description, suberror, error_codes, trace_id, correlation_id);
    SERVER_ERROR.import(py, "tokenkeep.errors", "ServerError")?.call1(fields)
}
