//! `Broker`: every call of the core, by Python's names. One that may wait is [`Work`]: `Broker` waits for it,
//! `AsyncBroker` (`_async.py`) is given a [`Call`] of it.
//!
//! May not enter: what a `None` means. It is the core's default.
#![allow(clippy::too_many_arguments, reason = "they are keywords in Python")]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokenkeep::{
    BrokerOptions, Challenge, ConnectionKey, ConnectionName, Error, Flow, KeySource, LoginOptions,
    ProviderName, TokenOptions,
};

use crate::async_broker::Call;
use crate::errors::Failure;
use crate::process::{self, Finish, Lives, Work, panicked};
use crate::types::{
    AccessToken, Connection, Connections, Given, LogoutOutcome, PendingLogin, Provider, Providers,
    Registration, Scopes, Seconds, Texts, VaultState, Word,
};

type Object = Result<Py<PyAny>, Failure>;
type Provided = Word<ProviderName>;
type Named = Option<Word<ConnectionName>>;

/// Logs a person in, keeps the grant, and hands out fresh access tokens.
#[pyclass(frozen, module = "tokenkeep")]
pub struct Broker {
    lives: Lives,
    waits: bool,
}

impl Broker {
    /// Does what `call` makes of the broker, and gives its outcome to Python.
    fn call<T, E, F>(&self, py: Python<'_>, call: impl FnOnce(tokenkeep::Broker) -> F) -> Object
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        E: Into<Failure>,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let work = work(call(self.lives.here().broker.clone()));
        Ok(if self.waits { process::wait(py, work)? } else { Call::new(work).into_py_any(py)? })
    }

    /// The same for calls that block.
    fn blocking<T, C>(&self, py: Python<'_>, call: C) -> Object
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        C: FnOnce(&tokenkeep::Broker) -> tokenkeep::Result<T> + Send + 'static,
    {
        self.call(py, |broker| off_thread(broker, call))
    }

    /// The token at hand, without the runtime. `None` also while the store is closed: to open it may take long.
    fn at_hand(
        &self,
        provider: &ProviderName,
        options: &TokenOptions,
    ) -> Result<Option<AccessToken>, Failure> {
        let life = self.lives.here();
        if !life.broker.is_open() {
            return Ok(None);
        }
        let looked = catch_unwind(AssertUnwindSafe(|| life.broker.cached_token(provider, options)));
        let found = looked.map_err(|payload| Error::of_panic(&*payload))??;
        Ok(found.map(AccessToken))
    }
}

fn work<T, E>(call: impl Future<Output = Result<T, E>> + Send + 'static) -> Work
where
    T: for<'py> IntoPyObject<'py> + Send + 'static,
    E: Into<Failure>,
{
    Box::pin(async move {
        let outcome = call.await.map_err(Into::into);
        Box::new(move |py: Python<'_>| outcome?.into_py_any(py)) as Finish
    })
}

async fn off_thread<T, C>(broker: tokenkeep::Broker, call: C) -> Result<T, Failure>
where
    T: Send + 'static,
    C: FnOnce(&tokenkeep::Broker) -> tokenkeep::Result<T> + Send + 'static,
{
    Ok(tokio::task::spawn_blocking(move || call(&broker)).await.map_err(panicked)??)
}

fn key(Word(provider): Provided, connection: Named) -> ConnectionKey {
    ConnectionKey::new(provider, named(connection))
}

fn named(connection: Named) -> ConnectionName {
    connection.map(|Word(name)| name).unwrap_or_default()
}

#[pymethods]
impl Broker {
    #[new]
    #[pyo3(signature = (*, home=None, key_source=None, passphrase=None, lock_wait=None, insecure_loopback=false))]
    fn new(
        home: Option<PathBuf>,
        key_source: Option<Word<KeySource>>,
        passphrase: Option<Given>,
        lock_wait: Option<Seconds>,
        insecure_loopback: bool,
    ) -> Result<Self, Failure> {
        let broker = tokenkeep::Broker::open(BrokerOptions {
            home,
            key_source: key_source.map(|Word(source)| source),
            passphrase: passphrase.map(|Given(secret)| secret),
            lock_wait: lock_wait.map(|Seconds(wait)| wait),
            insecure_loopback,
            ..BrokerOptions::default()
        })?;
        Ok(Broker { lives: Lives::begin(broker), waits: true })
    }

    /// The same broker, whose calls are not waited for.
    fn _asynchronous(&self) -> Self {
        Broker { lives: Lives::begin(self.lives.here().broker.clone()), waits: false }
    }

    #[getter]
    fn home(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.lives.here().broker.home().as_os_str().into_py_any(py)
    }

    /// Logs a person in and keeps the grant.
    #[pyo3(signature = (provider, *, connection=None, flow=None, scopes=None, tenant=None, cloud=None, issuer=None,
        client_id=None, client_secret=None, redirect_uri=None, paste=false, timeout=None, interaction=None))]
    fn login(
        &self,
        py: Python<'_>,
        provider: Provided,
        connection: Named,
        flow: Option<Word<Flow>>,
        scopes: Option<Scopes>,
        tenant: Option<String>,
        cloud: Option<String>,
        issuer: Option<String>,
        client_id: Option<String>,
        client_secret: Option<Given>,
        redirect_uri: Option<String>,
        paste: bool,
        timeout: Option<Seconds>,
        interaction: Option<Py<PyAny>>,
    ) -> Object {
        let options = LoginOptions {
            connection: named(connection),
            flow: flow.map(|Word(flow)| flow),
            scopes: scopes.map(|Scopes(scopes)| scopes),
            tenant,
            cloud,
            issuer,
            client_id,
            client_secret: client_secret.map(|Given(secret)| secret),
            redirect_uri,
            paste,
            browser_named: false,
            timeout: timeout.map(|Seconds(timeout)| timeout),
        };
        let (person, raised) = crate::interaction::interaction(interaction, paste);
        self.call(py, |broker| async move {
            tokio::select! {
                biased;
                Ok(raised) = raised => Err(raised),
                outcome = broker.login(&provider.0, &options, person) => Ok(outcome.map(Connection)?),
            }
        })
    }

    /// The first half of a login whose answer the program receives itself.
    #[pyo3(signature = (provider, *, redirect_uri, connection=None, scopes=None, tenant=None, cloud=None, issuer=None,
        client_id=None, client_secret=None))]
    fn begin_login(
        &self,
        py: Python<'_>,
        provider: Provided,
        redirect_uri: String,
        connection: Named,
        scopes: Option<Scopes>,
        tenant: Option<String>,
        cloud: Option<String>,
        issuer: Option<String>,
        client_id: Option<String>,
        client_secret: Option<Given>,
    ) -> Object {
        let options = LoginOptions {
            connection: named(connection),
            scopes: scopes.map(|Scopes(scopes)| scopes),
            tenant,
            cloud,
            issuer,
            client_id,
            client_secret: client_secret.map(|Given(secret)| secret),
            redirect_uri: Some(redirect_uri),
            ..LoginOptions::default()
        };
        self.call(py, |broker| async move {
            broker.begin_login(&provider.0, &options).await.map(|pending| PendingLogin(Arc::new(pending)))
        })
    }

    /// The second half: the address that the provider sent the person back to.
    fn finish_login(&self, py: Python<'_>, pending: &PendingLogin, callback_url: String) -> Object {
        let pending = Arc::clone(&pending.0);
        self.call(
            py,
            |broker| async move { broker.finish_login(&pending, &callback_url).await.map(Connection) },
        )
    }

    /// The connection's access token, refreshed first where that is needed.
    #[pyo3(signature = (provider, *, connection=None, scopes=None, min_lifetime=None, force_refresh=false,
        replaces=None, claims=None))]
    fn token(
        &self,
        py: Python<'_>,
        provider: Provided,
        connection: Named,
        scopes: Option<Scopes>,
        min_lifetime: Option<Seconds>,
        force_refresh: bool,
        replaces: Option<Given>,
        claims: Option<String>,
    ) -> Object {
        let options = TokenOptions {
            force_refresh,
            replaces: replaces.map(|Given(secret)| secret),
            claims,
            ..token_options(connection, scopes, min_lifetime)
        };
        if let Some(token) = self.at_hand(&provider.0, &options)? {
            return Ok(token.into_py_any(py)?);
        }
        self.call(py, |broker| async move { broker.token(&provider.0, &options).await.map(AccessToken) })
    }

    /// The access token, when it can be handed out as it is.
    #[pyo3(signature = (provider, *, connection=None, scopes=None, min_lifetime=None))]
    fn cached_token(
        &self,
        py: Python<'_>,
        provider: Provided,
        connection: Named,
        scopes: Option<Scopes>,
        min_lifetime: Option<Seconds>,
    ) -> Object {
        let options = token_options(connection, scopes, min_lifetime);
        let broker = &self.lives.here().broker;
        if broker.is_open() {
            return Ok(self.at_hand(&provider.0, &options)?.into_py_any(py)?);
        }
        let look = move |broker: &tokenkeep::Broker| broker.cached_token(&provider.0, &options);
        let look = off_thread(broker.clone(), move |broker| Ok(look(broker)?.map(AccessToken)));
        Ok(process::wait(py, work(look))?)
    }

    /// The token to repeat a request with, once, after an API answered 401.
    #[pyo3(signature = (provider, *, refused, www_authenticate=Texts::default(), connection=None, scopes=None),
        text_signature = "($self, provider, *, refused, www_authenticate=(), connection=None, scopes=None)")]
    fn token_after_refusal(
        &self,
        py: Python<'_>,
        provider: Provided,
        refused: Given,
        www_authenticate: Texts,
        connection: Named,
        scopes: Option<Scopes>,
    ) -> Object {
        let options = token_options(connection, scopes, None);
        self.call(py, |broker| async move {
            let challenges = Challenge::parse_all(&www_authenticate.0);
            let token = broker.token_after_refusal(&provider.0, &options, &refused.0, &challenges).await;
            token.map(|token| token.map(AccessToken))
        })
    }

    /// All connections.
    fn connections(&self, py: Python<'_>) -> Object {
        self.blocking(py, |broker| broker.connections().map(Connections))
    }

    /// One connection.
    #[pyo3(signature = (provider, *, connection=None))]
    fn connection(&self, py: Python<'_>, provider: Provided, connection: Named) -> Object {
        let key = key(provider, connection);
        self.blocking(py, move |broker| broker.connection(&key).map(Connection))
    }

    /// Ends the connection.
    #[pyo3(signature = (provider, *, connection=None))]
    fn logout(&self, py: Python<'_>, provider: Provided, connection: Named) -> Object {
        let key = key(provider, connection);
        self.call(py, |broker| async move { broker.logout(&key).await.map(LogoutOutcome) })
    }

    /// All providers.
    fn providers(&self, py: Python<'_>) -> Object {
        self.blocking(py, |broker| broker.providers().map(Providers))
    }

    /// One provider.
    fn provider(&self, py: Python<'_>, name: Provided) -> Object {
        self.blocking(py, move |broker| broker.provider(&name.0).map(Provider))
    }

    /// Keeps a provider's file as the user's own.
    fn add_provider(&self, py: Python<'_>, file: PathBuf) -> Object {
        self.blocking(py, move |broker| broker.add_provider(&file).map(Provider))
    }

    /// Removes the user's own definition.
    fn remove_provider(&self, py: Python<'_>, name: Provided) -> Object {
        self.blocking(py, move |broker| broker.remove_provider(&name.0))
    }

    /// Stores the client to log in with.
    #[pyo3(signature = (provider, *, client_id, client_secret=None))]
    fn set_registration(
        &self,
        py: Python<'_>,
        provider: Provided,
        client_id: String,
        client_secret: Option<Given>,
    ) -> Object {
        let secret = client_secret.map(|Given(secret)| secret);
        self.blocking(py, move |broker| {
            broker.set_registration(&provider.0, &client_id, secret).map(Registration)
        })
    }

    /// The stored client.
    fn registration(&self, py: Python<'_>, provider: Provided) -> Object {
        self.blocking(py, move |broker| Ok(broker.registration(&provider.0)?.map(Registration)))
    }

    /// Removes the stored client.
    fn remove_registration(&self, py: Python<'_>, provider: Provided) -> Object {
        self.blocking(py, move |broker| broker.remove_registration(&provider.0))
    }

    /// Makes the store's key, or opens the store that is there.
    fn initialize(&self, py: Python<'_>) -> Object {
        self.blocking(py, |broker| broker.initialize().map(VaultState))
    }

    /// What is there of the store.
    fn inspect(&self, py: Python<'_>) -> Object {
        self.blocking(py, |broker| Ok(VaultState(broker.inspect())))
    }

    /// Waits until the refreshes under way are written down.
    fn close(&self, py: Python<'_>) -> Object {
        self.call(py, |broker| async move {
            broker.close().await;
            Ok::<_, Failure>(())
        })
    }

    fn __enter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> Object {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("Broker(home={:?})", self.lives.here().broker.home())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Broker is not copied or pickled: make another one, they share the store"))
    }
}

fn token_options(connection: Named, scopes: Option<Scopes>, min_lifetime: Option<Seconds>) -> TokenOptions {
    TokenOptions {
        connection: named(connection),
        scopes: scopes.map(|Scopes(scopes)| scopes),
        min_lifetime: min_lifetime.map(|Seconds(lifetime)| lifetime).unwrap_or_default(),
        ..TokenOptions::default()
    }
}
