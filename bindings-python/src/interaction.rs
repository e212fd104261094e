//! The person behind Python: an object whose methods are called by name where it has them.
//!
//! May not enter: what is done where a method is missing. The core says that.

use std::sync::PoisonError;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use serde_json::Value;
use tokenkeep::Error;

use crate::call::Raised;
use crate::errors::Failure;
use crate::types::{Fields, object, value};

/// An object of the caller's.
pub struct Person {
    object: Py<PyAny>,
    /// The class whose methods are the core's own.
    base: Py<PyAny>,
    raised: Raised,
}

impl Person {
    /// The person behind `object`, if there is one; and what its methods raise.
    pub fn of(py: Python<'_>, object: Option<Py<PyAny>>) -> PyResult<(Option<Self>, Raised)> {
        static BASE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let base = BASE.import(py, "tokenkeep.interaction", "Interaction")?.clone().unbind();
        let raised = Raised::default();
        let person = object.map(|object| Person { object, base, raised: Raised::clone(&raised) });
        Ok((person, raised))
    }

    fn ask(&self, py: Python<'_>, method: &str, arguments: &[Value]) -> PyResult<Value> {
        let arguments =
            arguments.iter().map(|argument| object(py, argument)).collect::<PyResult<Vec<_>>>()?;
        let adapter = py.import("tokenkeep.interaction")?.getattr("call")?;
        value(&adapter.call1((&self.object, method, PyTuple::new(py, arguments)?))?)
    }
}

impl tokenkeep_bindings::Person for Person {
    fn has(&self, method: &str) -> bool {
        let found = Python::try_attach(|py| -> PyResult<bool> {
            let inherited = self.base.bind(py).getattr_opt(method)?;
            let own = self.object.bind(py).get_type().getattr_opt(method)?;
            let is_inherited = own.zip(inherited).is_some_and(|(own, inherited)| own.is(&inherited));
            Ok(!is_inherited && self.object.bind(py).hasattr(method)?)
        });
        // An object that cannot be asked has no method.
        found.and_then(Result::ok).unwrap_or_default()
    }

    fn call(&self, method: &str, arguments: Vec<Value>) -> tokenkeep::Result<Value> {
        let answer = Python::try_attach(|py| self.ask(py, method, &arguments));
        // Without an answer the interpreter is ending, and nobody waits for the login any more.
        answer.unwrap_or_else(|| Err(PyKeyboardInterrupt::new_err(()))).map_err(|error| {
            let told = Error::cancelled(error.to_string());
            self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            told
        })
    }
}

/// What the core does where a method is missing.
#[pyfunction]
pub fn default_answer(
    py: Python<'_>,
    method: &str,
    arguments: Vec<Fields<Value>>,
) -> Result<Py<PyAny>, Failure> {
    let arguments: Vec<Value> = arguments.into_iter().map(|argument| argument.0).collect();
    let answer = py.detach(|| tokenkeep_bindings::default_answer(method, &arguments))?;
    Ok(object(py, &answer)?.unbind())
}
