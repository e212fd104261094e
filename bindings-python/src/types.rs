//! What goes in and out: arguments as the core takes them, and its values as objects that cannot be changed.
//!
//! A field becomes an object when it is read: a token that is handed out a million times costs no list and no date.
//!
//! May not enter: a secret in a `repr`. A default, a check: they are the core's.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDateTime, PyString, PyTzInfo};
use tokenkeep::{DefinitionOrigin, Error, KeySource, KeyState, Revocation, ScopeSet, Secret, Timestamp};

use crate::errors::{Failure, exception};

/// A word that the core reads: a name, a flow, a key source.
pub struct Word<T>(pub T);

impl<'py, T: FromStr<Err = Error>> FromPyObject<'_, 'py> for Word<T> {
    type Error = Failure;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> Result<Self, Failure> {
        let text = object.cast::<PyString>().map_err(PyErr::from)?;
        Ok(Word(text.to_cow()?.parse()?))
    }
}

/// One text, or any number of words.
pub struct Scopes(pub ScopeSet);

impl<'py> FromPyObject<'_, 'py> for Scopes {
    type Error = Failure;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> Result<Self, Failure> {
        if object.cast::<PyString>().is_ok() {
            return Word::extract(object).map(|Word(scopes)| Scopes(scopes));
        }
        let Texts(words) = object.extract()?;
        Ok(Scopes(words.try_into()?))
    }
}

/// Any number of texts. One is one: nobody means its letters.
#[derive(Default)]
pub struct Texts(pub Vec<String>);

impl<'py> FromPyObject<'_, 'py> for Texts {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract() {
            Ok(text) => Ok(Texts(vec![text])),
            Err(_) => object.try_iter()?.map(|text| text?.extract()).collect::<PyResult<_>>().map(Texts),
        }
    }
}

/// Seconds.
pub struct Seconds(pub Duration);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let seconds = Duration::try_from_secs_f64(object.extract()?);
        seconds.map(Seconds).map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

/// A secret that the caller gives.
pub struct Given(pub Secret);

impl<'py> FromPyObject<'_, 'py> for Given {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Given(Secret::new(&*object.extract::<PyBackedStr>()?)))
    }
}

/// A moment, as a `datetime` in UTC.
pub struct At(pub Timestamp);

impl<'py> IntoPyObject<'py> for At {
    type Target = PyDateTime;
    type Output = Bound<'py, PyDateTime>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        // 9999-12-31T23:59:59Z: a `datetime` has four digits for a year.
        const LAST: i64 = 253_402_300_799;
        let seconds = self.0.as_unix().clamp(0, LAST) as f64;
        PyDateTime::from_timestamp(py, seconds, Some(&*PyTzInfo::utc(py)?))
    }
}

/// An error that is not raised but listed.
pub struct Listed<'a>(&'a Error);

impl<'py> IntoPyObject<'py> for Listed<'_> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        exception(py, self.0)
    }
}

/// A class of the package around a value of the core: `field: type = how it is read`.
macro_rules! record {
    ($(#[$about:meta])* $name:ident($core:ty) { $($(#[$note:meta])* $field:ident: $type:ty = |$it:ident| $read:expr,)* } $($more:tt)*) => {
        $(#[$about])*
        #[pyclass(frozen, eq, module = "tokenkeep")]
        #[derive(PartialEq)]
        pub struct $name(pub $core);

        #[pymethods]
        impl $name {
            $($(#[$note])* #[getter] fn $field(&self) -> $type { let $it = &self.0; $read })*

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let mut fields: Vec<String> = Vec::new();
                $({
                    let value = self.$field().into_bound_py_any(py)?;
                    fields.push(format!("{}={}", stringify!($field), value.repr()?));
                })*
                Ok(format!("{}({})", stringify!($name), fields.join(", ")))
            }

            $($more)*
        }
    };
}

record! {
    /// Whose grant it is.
    Account(tokenkeep::Account) {
        subject: Option<&str> = |it| it.subject.as_deref(),
        issuer: Option<&str> = |it| it.issuer.as_deref(),
        username: Option<&str> = |it| it.username.as_deref(),
        tenant_id: Option<&str> = |it| it.tenant_id.as_deref(),
        home_account_id: Option<&str> = |it| it.home_account_id.as_deref(),
    }
}

record! {
    /// One connection, without its secrets.
    Connection(tokenkeep::Connection) {
        provider: &str = |it| it.key.provider.as_str(),
        connection: &str = |it| it.key.connection.as_str(),
        status: &str = |it| it.status(),
        login_required: Option<&str> = |it| it.login_required.map(|reason| reason.as_str()),
        account: Account = |it| Account(it.account.clone()),
        requested_scopes: Vec<&str> = |it| it.requested_scopes.iter().collect(),
        granted_scopes: Vec<&str> = |it| it.granted_scopes.iter().collect(),
        missing_scopes: Vec<&str> = |it| it.missing_scopes.iter().collect(),
        expires_at: Option<At> = |it| it.expires_at.map(At),
        has_refresh_token: bool = |it| it.has_refresh_token,
        client_id: &str = |it| &it.client_id,
        issuer: Option<&str> = |it| it.issuer.as_deref(),
        tenant: Option<&str> = |it| it.tenant.as_deref(),
        logged_in_at: At = |it| At(it.logged_in_at),
        refreshed_at: Option<At> = |it| it.refreshed_at.map(At),
    }
}

record! {
    /// All connections of a store.
    Connections(tokenkeep::Connections) {
        connections: Vec<Connection> = |it| it.connections.iter().cloned().map(Connection).collect(),
        damaged: Vec<Listed<'_>> = |it| it.damaged.iter().map(Listed).collect(),
    }
}

record! {
    /// What a logout did.
    LogoutOutcome(tokenkeep::LogoutOutcome) {
        provider: &str = |it| it.key.provider.as_str(),
        connection: &str = |it| it.key.connection.as_str(),
        revocation: &str = |it| it.revocation.as_str(),
        detail: Option<&str> = |it| match &it.revocation {
            Revocation::NotSupported { note } => note.as_deref(),
            Revocation::Failed { why } => Some(why),
            Revocation::Revoked | Revocation::AlreadyEnded => None,
        },
    }
}

record! {
    /// A provider that can be logged in to.
    Provider(tokenkeep::Provider) {
        name: &str = |it| it.name.as_str(),
        display_name: &str = |it| &it.display_name,
        access_token_variable: &str = |it| &it.access_token_variable,
        endpoints: BTreeMap<&str, &str> = |it| it.endpoints.iter().map(|(name, url)| (&**name, &**url)).collect(),
        discovery: bool = |it| it.discovery,
        origin: &str = |it| if it.origin == DefinitionOrigin::Bundled { "bundled" } else { "user" },
        path: Option<&OsStr> = |it| match &it.origin {
            DefinitionOrigin::Bundled => None,
            DefinitionOrigin::User(path) => Some(path.as_os_str()),
        },
        definition: &str = |it| &it.definition,
    }
}

record! {
    /// All providers.
    Providers(Vec<tokenkeep::Result<tokenkeep::Provider>>) {
        providers: Vec<Provider> = |it| it.iter().flatten().cloned().map(Provider).collect(),
        damaged: Vec<Listed<'_>> = |it| it.iter().filter_map(|found| found.as_ref().err()).map(Listed).collect(),
    }
}

record! {
    /// A stored client registration, without its secret.
    Registration(tokenkeep::Registration) {
        provider: &str = |it| it.provider.as_str(),
        client_id: &str = |it| &it.client_id,
        has_client_secret: bool = |it| it.has_client_secret,
        stored_at: At = |it| At(it.stored_at),
    }
}

record! {
    /// A folder or a file of a store.
    FileState(tokenkeep::FileState) {
        path: &OsStr = |it| it.path.as_os_str(),
        mode: Option<u32> = |it| it.mode,
        open_to_others: bool = |it| it.open_to_others,
    }
}

record! {
    /// What was found at a store's home.
    VaultState(tokenkeep::VaultState) {
        home: &OsStr = |it| it.home.as_os_str(),
        files: Vec<FileState> = |it| it.files.iter().cloned().map(FileState).collect(),
        id: Option<&str> = |it| it.id.as_deref(),
        key_source: Option<&str> = |it| it.key_source.map(KeySource::as_str),
        key: &str = |it| match it.key {
            KeyState::NoVault => "no_vault",
            KeyState::Found => "found",
            KeyState::Asked => "asked",
            KeyState::Missing(_) => "missing",
        },
        key_error: Option<Listed<'_>> = |it| match &it.key {
            KeyState::Missing(error) => Some(Listed(error)),
            _ => None,
        },
        connections: usize = |it| it.connections,
        registrations: usize = |it| it.registrations,
        kept_aside: Vec<&OsStr> = |it| it.kept_aside.iter().map(|path| path.as_os_str()).collect(),
        keychain: Option<Listed<'_>> = |it| it.keychain.as_ref().map(Listed),
    }
}

record! {
    /// What a person must see and do for the device code flow.
    DeviceAuthorization(tokenkeep::DeviceAuthorization) {
        verification_uri: &str = |it| &it.verification_uri,
        user_code: &str = |it| &it.user_code,
        verification_uri_complete: Option<&str> = |it| it.verification_uri_complete.as_deref(),
        message: Option<&str> = |it| it.message.as_deref(),
        expires_in: i64 = |it| it.expires_in,
    }
}

record! {
    /// An access token, ready for use.
    AccessToken(tokenkeep::AccessToken) {
        token_type: &str = |it| &it.token_type,
        expires_at: Option<At> = |it| it.expires_at.map(At),
        scopes: Vec<&str> = |it| it.scopes.iter().collect(),
        resource: Option<&str> = |it| it.resource.as_deref(),
        provider: &str = |it| it.connection.provider.as_str(),
        connection: &str = |it| it.connection.connection.as_str(),
    }

    #[getter]
    fn secret(&self) -> &str {
        self.0.secret.expose()
    }

    /// The value of an Authorization header.
    fn authorization_header<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, self.0.authorization_header().expose())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an AccessToken is not pickled or copied: whoever needs one asks a Broker for it"))
    }
}

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
