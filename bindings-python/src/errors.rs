//! The core's errors as exceptions. The classes are Python's own (`errors.py`), so that they can be caught, raised in a
//! test and pickled like any other.
//!
//! May not enter: a text. Whatever an exception says, the core has said it, or a callback has raised it.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenkeep::Error;

use crate::call::Raised;
use crate::types::object;

/// Why a call failed.
pub enum Failure {
    /// The core said so; and the exception of a callback that made it say so.
    Core(Error, Option<PyErr>),
    /// Python said so.
    Python(PyErr),
}

impl Failure {
    /// The same, with what a callback has raised as its cause.
    pub fn caused_by(self, raised: &Raised) -> Self {
        match self {
            Failure::Core(error, None) => {
                Failure::Core(error, raised.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take())
            }
            other => other,
        }
    }
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
                let record = object(py, &tokenkeep_bindings::error_record(&error));
                let raised = record.and_then(|record| exception(record.cast()?));
                let raised = raised.map_or_else(|failed| failed, PyErr::from_value);
                if cause.is_some() {
                    raised.set_cause(py, cause);
                }
                raised
            }),
        }
    }
}

/// The exception of the core's error. A code that is newer than `errors.py` is a `TokenkeepError`.
#[pyfunction]
pub fn exception<'py>(record: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let errors = record.py().import("tokenkeep.errors")?;
    let (code, help) = (record.as_any().get_item("code")?, record.as_any().get_item("help")?);
    let class = match errors.getattr("CLASSES")?.cast::<PyDict>()?.get_item(code)? {
        Some(class) => class,
        None => errors.getattr("TokenkeepError")?,
    };
    let error = class.call1((record.as_any().get_item("message")?,))?;
    error.getattr("__dict__")?.cast::<PyDict>()?.update(record.as_mapping())?;
    if let Some(add_note) = error.getattr_opt("add_note")? {
        add_note.call1((help,))?;
    }
    Ok(error)
}
