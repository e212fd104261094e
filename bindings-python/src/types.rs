//! What goes in and out: arguments as the core takes them, and its answers as objects.
//!
//! May not enter: a secret in a `repr`. A default, a check: they are the core's.

use std::sync::Arc;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTzInfo};
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use tokenkeep::{Secret, Timestamp};

use crate::errors::Failure;

/// A JSON value as Python's own.
///
/// Here and in `errors` no code of Python's runs, but what is in C. Before Python 3.14, the threads that outlive the
/// main one are torn out of whatever runs of Python's, and what they hold in Rust would take the process down with them.
pub fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(truth) => truth.into_bound_py_any(py),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into_bound_py_any(py),
            None => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(values) => {
            let list = PyList::empty(py);
            values.iter().try_for_each(|value| list.append(object(py, value)?))?;
            Ok(list.into_any())
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            members.iter().try_for_each(|(name, member)| dict.set_item(name, object(py, member)?))?;
            Ok(dict.into_any())
        }
    }
}

/// Python's own as a JSON value; anything that can be iterated is a list.
pub fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.is_none() {
        Ok(Value::Null)
    } else if object.is_instance_of::<PyBool>() {
        Ok(Value::Bool(object.extract()?))
    } else if object.is_instance_of::<PyInt>() {
        Ok(Value::from(object.extract::<i64>()?))
    } else if object.is_instance_of::<PyFloat>() {
        let number = Number::from_f64(object.extract()?).map(Value::Number);
        number.ok_or_else(|| PyValueError::new_err(format!("{object} is not finite")))
    } else if object.is_instance_of::<PyString>() {
        Ok(Value::String(object.extract()?))
    } else if let Ok(dict) = object.cast::<PyDict>() {
        dict.iter().map(|(name, member)| Ok((name.extract::<String>()?, value(&member)?))).collect()
    } else {
        object.try_iter()?.map(|item| value(&item?)).collect()
    }
}

/// What the bindings read from JSON.
pub struct Fields<T>(pub T);

impl<T: DeserializeOwned> FromPyObject<'_, '_> for Fields<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let read = serde_json::from_value(value(&object)?);
        read.map(Fields).map_err(|error| PyTypeError::new_err(error.to_string()))
    }
}

/// One text, or any number of them.
pub struct Texts(pub Vec<String>);

impl FromPyObject<'_, '_> for Texts {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        // One text is one: nobody means its letters.
        if object.is_instance_of::<PyString>() {
            Ok(Texts(vec![object.extract()?]))
        } else {
            Fields::extract(object).map(|all| Texts(all.0))
        }
    }
}

/// Seconds.
#[derive(Default)]
pub struct Seconds(pub Duration);

impl FromPyObject<'_, '_> for Seconds {
    type Error = Failure;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> Result<Self, Failure> {
        Ok(Seconds(tokenkeep::seconds("min_lifetime", object.extract()?)?))
    }
}

/// A secret that the caller gives.
#[derive(FromPyObject)]
pub struct Text(String);

impl Text {
    /// Out of sight.
    pub fn into_secret(self) -> Secret {
        Secret::new(self.0)
    }
}

/// What a call answers.
pub enum Answer {
    /// A record, or nothing.
    Record(Value),
    /// A token.
    Token(tokenkeep::AccessToken),
    /// A login that has begun.
    Pending(Arc<tokenkeep::PendingLogin>),
}

impl Answer {
    /// None, in Python.
    pub fn nothing() -> Self {
        Answer::Record(Value::Null)
    }
}

impl From<Value> for Answer {
    fn from(record: Value) -> Self {
        Answer::Record(record)
    }
}

impl From<Option<tokenkeep::AccessToken>> for Answer {
    fn from(token: Option<tokenkeep::AccessToken>) -> Self {
        token.map_or_else(Answer::nothing, Answer::Token)
    }
}

impl<'py> IntoPyObject<'py> for Answer {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self {
            Answer::Record(record) => object(py, &record),
            Answer::Token(token) => AccessToken(token).into_bound_py_any(py),
            Answer::Pending(pending) => PendingLogin(pending).into_bound_py_any(py),
        }
    }
}

/// An access token. A field becomes an object when it is read: one that is handed out a million times costs no list
/// and no date.
#[pyclass(frozen, eq, module = "tokenkeep")]
#[derive(PartialEq)]
pub struct AccessToken(pub tokenkeep::AccessToken);

#[pymethods]
impl AccessToken {
    #[getter]
    fn secret(&self) -> &str {
        self.0.secret.expose()
    }

    #[getter]
    fn token_type(&self) -> &str {
        &self.0.token_type
    }

    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        // 9999-12-31T23:59:59Z: a `datetime` has four digits for a year.
        const LAST: i64 = 253_402_300_799;
        let utc = PyTzInfo::utc(py)?;
        let at =
            |at: Timestamp| PyDateTime::from_timestamp(py, at.as_unix().clamp(0, LAST) as f64, Some(&utc));
        self.0.expires_at.map(at).transpose()
    }

    #[getter]
    fn scopes(&self) -> Vec<&str> {
        self.0.scopes.iter().collect()
    }

    #[getter]
    fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    #[getter]
    fn provider(&self) -> &str {
        self.0.connection.provider.as_str()
    }

    #[getter]
    fn connection(&self) -> &str {
        self.0.connection.connection.as_str()
    }

    #[getter]
    fn header_name(&self) -> &str {
        self.0.header_name()
    }

    fn authorization_header(&self) -> String {
        self.0.authorization_header().expose().to_owned()
    }

    fn bearer(&self) -> Result<&str, Failure> {
        Ok(self.0.bearer()?.expose())
    }

    fn sasl(&self, mechanism: &str, user: &str) -> Result<String, Failure> {
        Ok(self.0.sasl(mechanism.parse()?, user)?.expose().to_owned())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (expires_at, scopes) =
            (self.expires_at(py)?.into_bound_py_any(py)?, self.scopes().into_bound_py_any(py)?);
        let (provider, connection) = (self.provider(), self.connection());
        Ok(format!(
            "AccessToken(provider='{provider}', connection='{connection}', expires_at={}, scopes={})",
            expires_at.repr()?,
            scopes.repr()?
        ))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "an AccessToken is not pickled or copied: whoever needs one asks a Broker for it",
        ))
    }
}

/// A stream of changes; `Broker` asks for the next one.
#[pyclass(frozen, module = "tokenkeep._native")]
pub struct Changes(pub tokenkeep_bindings::Changes);

/// A login that has begun: the person is at the provider.
#[pyclass(frozen, module = "tokenkeep")]
pub struct PendingLogin(pub Arc<tokenkeep::PendingLogin>);

#[pymethods]
impl PendingLogin {
    #[getter]
    fn authorization_url(&self) -> &str {
        self.0.authorization_url().as_str()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a PendingLogin is not copied or pickled: it holds what proves the login"))
    }
}
