//! The person behind Python: an object whose methods are called by name where it has them.
//!
//! A flow calls from a thread of its own, so that a dialog holds up nobody else. What a method raises ends the login,
//! and is the cause of what `login` raises.
//!
//! May not enter: what is done where a method is missing. The core's trait says that.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokenkeep::{DeviceAuthorization, Error, Flow, Interaction, Url};
use tokio::sync::oneshot;

use crate::errors::Failure;
use crate::types::{self, Word};

/// An object of the caller's.
pub struct Person {
    object: Py<PyAny>,
    raised: Mutex<Option<oneshot::Sender<Failure>>>,
}

/// What is done where it has no method.
struct Defaults;

impl Interaction for Defaults {}

/// The base class, for those who want one.
#[pyclass(frozen, subclass, name = "Interaction", module = "tokenkeep")]
pub struct Base;

#[pymethods]
impl Base {
    #[new]
    #[pyo3(signature = (*_arguments, **_keywords))]
    fn new(_arguments: &Bound<'_, PyTuple>, _keywords: Option<&Bound<'_, PyDict>>) -> Self {
        Base
    }

    fn flow_chosen(&self, flow: Word<Flow>, reason: String) {
        Defaults.flow_chosen(flow.0, &reason);
    }

    fn open_url(&self, url: String) -> Result<(), Failure> {
        let url = Url::parse(&url).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Defaults.open_url(&url)?)
    }

    fn show_device_authorization(&self, device: &types::DeviceAuthorization) -> Result<(), Failure> {
        Ok(Defaults.show_device_authorization(&device.0)?)
    }

    fn read_redirect_url(&self) -> Result<String, Failure> {
        Ok(Defaults.read_redirect_url()?)
    }

    fn response_refused(&self, reason: String) {
        Defaults.response_refused(&reason);
    }
}

/// The interaction of a login, and what ends it: the first exception of a method. Without an object it is the person
/// at the terminal.
pub fn interaction(
    object: Option<Py<PyAny>>,
    paste: bool,
) -> (Arc<dyn Interaction>, oneshot::Receiver<Failure>) {
    let (sender, raised) = oneshot::channel();
    match object {
        Some(object) => (Arc::new(Person { object, raised: Mutex::new(Some(sender)) }), raised),
        None => (tokenkeep_cli::terminal(paste), raised),
    }
}

impl Person {
    /// Calls a method, if it is there, and reads its answer.
    fn call<T>(
        &self,
        method: &str,
        arguments: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>>,
        read: impl for<'py> FnOnce(Bound<'py, PyAny>) -> PyResult<T>,
    ) -> Option<tokenkeep::Result<T>> {
        let answer = Python::try_attach(|py| {
            let object = self.object.bind(py);
            let inherited = py.get_type::<Base>().getattr(method)?;
            match object.getattr_opt(method)? {
                Some(_) if object.get_type().getattr_opt(method)?.is_some_and(|own| own.is(&inherited)) => {
                    Ok(None)
                }
                Some(method) => read(method.call1(arguments(py)?)?).map(Some),
                None => Ok(None),
            }
        });
        // Without an answer the interpreter is ending, and nobody waits for the login any more.
        let answer = answer.unwrap_or_else(|| Err(PyKeyboardInterrupt::new_err(()))).transpose()?;
        Some(answer.map_err(|error| {
            let told = Error::cancelled(error.to_string());
            self.end_login(Failure::Core(told.clone(), Some(error)));
            told
        }))
    }

    fn end_login(&self, raised: Failure) {
        let sender = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Nobody listens: the login has ended already.
            let _ = sender.send(raised);
        }
    }
}

impl Interaction for Person {
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        let name = flow.as_str().replace('-', "_");
        // An exception ends the login by itself.
        let _ = self.call("flow_chosen", |py| (name, reason).into_pyobject(py), |_| Ok(()));
    }

    fn open_url(&self, url: &Url) -> tokenkeep::Result<()> {
        let opened = self.call("open_url", |py| (url.as_str(),).into_pyobject(py), |_| Ok(()));
        opened.unwrap_or_else(|| Defaults.open_url(url))
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> tokenkeep::Result<()> {
        let device_of_python = types::DeviceAuthorization(device.clone());
        let shown =
            self.call("show_device_authorization", |py| (device_of_python,).into_pyobject(py), |_| Ok(()));
        shown.unwrap_or_else(|| Defaults.show_device_authorization(device))
    }

    fn read_redirect_url(&self) -> tokenkeep::Result<String> {
        let read = self.call("read_redirect_url", |py| Ok(PyTuple::empty(py)), |answer| answer.extract());
        read.unwrap_or_else(|| Defaults.read_redirect_url())
    }

    fn response_refused(&self, reason: &str) {
        let _ = self.call("response_refused", |py| (reason,).into_pyobject(py), |_| Ok(()));
    }
}
