//! The calls of a broker. One that may wait is a [`Call`]: the class `Broker` waits for it, `AsyncBroker` is told of it.
//!
//! May not enter: what a call means, and what a `None` stands for. The core says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use tokenkeep::{BrokerOptions, Error, TokenOptions};
use tokenkeep_bindings::{Lives, Opening, Request, Verb};

use crate::asked::Asked;
use crate::call::{Call, Work};
use crate::errors::Failure;
use crate::interaction::Person;
use crate::types::{AccessToken, Answer, Changes, Fields, PendingLogin, Seconds, Text};

/// An object of Python's, or why there is none.
type Object = Result<Py<PyAny>, Failure>;
type Given<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// A broker, of which `Broker` is made in Python.
#[pyclass(frozen, subclass, module = "tokenkeep._native")]
pub struct Broker {
    lives: Lives,
    waits: bool,
    last: ArcSwapOption<Asked>,
}

impl Broker {
    /// Waits for what comes of `work`, or hands out the call.
    fn call(&self, py: Python<'_>, work: impl FnOnce(tokenkeep::Broker) -> Work) -> Object {
        let call = Call::new(work(self.here()));
        if self.waits { call.wait(py) } else { Ok(call.into_py_any(py)?) }
    }

    fn here(&self) -> tokenkeep::Broker {
        self.lives.here().broker().clone()
    }

    /// What is asked for, which is mostly what was asked for before.
    fn asked(
        &self,
        provider: &Bound<'_, PyAny>,
        connection: Given<'_, '_>,
        scopes: Given<'_, '_>,
        resource: Given<'_, '_>,
    ) -> Result<Arc<Asked>, Failure> {
        let last = self.last.load();
        let is_said_again = |last: &&Arc<Asked>| last.is_said_by(provider, connection, scopes, resource);
        if let Some(last) = last.as_ref().filter(is_said_again) {
            return Ok(Arc::clone(last));
        }
        let asked = Arc::new(Asked::read(provider, connection, scopes, resource)?);
        self.last.store(Some(Arc::clone(&asked)));
        Ok(asked)
    }

    /// The token at hand, without the runtime. `None` also while the store is closed: to open it may take long.
    fn at_hand(&self, asked: &Asked, options: &TokenOptions) -> Result<Option<AccessToken>, Failure> {
        let life = self.lives.here();
        if !life.broker().is_open() {
            return Ok(None);
        }
        let look = AssertUnwindSafe(|| life.broker().cached_token(&asked.provider, options));
        let found = catch_unwind(look).map_err(|payload| Error::of_panic(&*payload))??;
        Ok(found.map(AccessToken))
    }
}

#[pymethods]
impl Broker {
    /// A folder's name need not be text, so it comes by itself.
    #[new]
    fn new(home: Option<PathBuf>, opening: Fields<Opening>) -> Result<Self, Failure> {
        let broker = tokenkeep::Broker::open(BrokerOptions { home, ..opening.0.options()? })?;
        Ok(Broker { lives: Lives::begin(broker), waits: true, last: ArcSwapOption::empty() })
    }

    /// The same broker, whose calls are not waited for.
    fn _asynchronous(&self) -> Self {
        Broker { lives: Lives::begin(self.here()), waits: false, last: ArcSwapOption::empty() }
    }

    #[getter]
    fn home(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.here().home().as_os_str().into_py_any(py)
    }

    /// A call whose answer is a record.
    fn _ask(&self, py: Python<'_>, verb: Fields<Verb>, request: Fields<Request>) -> Object {
        self.call(py, |broker| {
            Work::of(async move { Ok(tokenkeep_bindings::ask(broker, verb.0, request.0).await?.into()) })
        })
    }

    fn _connection_changes(&self) -> Changes {
        Changes(tokenkeep_bindings::Changes::begin(self.lives.here().broker()))
    }

    fn _next_change(&self, py: Python<'_>, changes: &Changes) -> Object {
        let next = changes.0.next();
        self.call(py, |_| Work::of(async { Ok(next.await?.into()) }))
    }

    fn _login(&self, py: Python<'_>, request: Fields<Request>, interaction: Option<Py<PyAny>>) -> Object {
        let (person, raised) = Person::of(py, interaction)?;
        self.call(py, |broker| {
            let login = async move { Ok(tokenkeep_bindings::login(broker, request.0, person).await?.into()) };
            Work::of(login).caused_by(raised)
        })
    }

    fn _begin_login(&self, py: Python<'_>, request: Fields<Request>) -> Object {
        let begin = |broker| async move {
            Ok(Answer::Pending(tokenkeep_bindings::begin_login(broker, request.0).await?))
        };
        self.call(py, |broker| Work::of(begin(broker)))
    }

    fn _finish_login(&self, py: Python<'_>, pending: &PendingLogin, callback_url: String) -> Object {
        let pending = Arc::clone(&pending.0);
        let finish = |broker| async move {
            Ok(tokenkeep_bindings::finish_login(broker, pending, callback_url).await?.into())
        };
        self.call(py, |broker| Work::of(finish(broker)))
    }

    #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
    #[pyo3(signature = (provider, *, connection=None, scopes=None, resource=None, min_lifetime=None,
        force_refresh=false, replaces=None, claims=None, allow_extended=false))]
    fn token(
        &self,
        py: Python<'_>,
        provider: &Bound<'_, PyAny>,
        connection: Given<'_, '_>,
        scopes: Given<'_, '_>,
        resource: Given<'_, '_>,
        min_lifetime: Option<Seconds>,
        force_refresh: bool,
        replaces: Option<Text>,
        claims: Option<String>,
        allow_extended: bool,
    ) -> Object {
        let asked = self.asked(provider, connection, scopes, resource)?;
        let options = TokenOptions {
            min_lifetime: min_lifetime.unwrap_or_default().0,
            force_refresh,
            replaces: replaces.map(Text::into_secret),
            claims,
            allow_extended,
            ..asked.options.clone()
        };
        if let Some(token) = self.at_hand(&asked, &options)? {
            return Ok(token.into_py_any(py)?);
        }
        let provider = asked.provider.clone();
        self.call(py, |broker| {
            Work::of(async move { Ok(Answer::Token(broker.token(&provider, &options).await?)) })
        })
    }

    #[pyo3(signature = (provider, *, connection=None, scopes=None, resource=None, min_lifetime=None))]
    fn cached_token(
        &self,
        py: Python<'_>,
        provider: &Bound<'_, PyAny>,
        connection: Given<'_, '_>,
        scopes: Given<'_, '_>,
        resource: Given<'_, '_>,
        min_lifetime: Option<Seconds>,
    ) -> Object {
        let asked = self.asked(provider, connection, scopes, resource)?;
        let options =
            TokenOptions { min_lifetime: min_lifetime.unwrap_or_default().0, ..asked.options.clone() };
        if self.lives.here().broker().is_open() {
            return Ok(self.at_hand(&asked, &options)?.into_py_any(py)?);
        }
        let (broker, provider) = (self.here(), asked.provider.clone());
        let look = tokenkeep_bindings::off_thread(move || broker.cached_token(&provider, &options));
        Call::new(Work::of(async move { Ok(look.await?.into()) })).wait(py)
    }

    fn _token_after_refusal(&self, py: Python<'_>, request: Fields<Request>) -> Object {
        let ask = |broker| async move {
            Ok(tokenkeep_bindings::token_after_refusal(broker, request.0).await?.into())
        };
        self.call(py, |broker| Work::of(ask(broker)))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a broker is not copied or pickled: make another one, they share the store"))
    }
}
