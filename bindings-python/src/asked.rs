//! What a program asks for again and again: the same token, said with the same strings. Read anew, they would cost as
//! much as the token.
//!
//! A string never changes, so who says the same object says the same thing. A list may change, so its words are
//! looked at, one by one; of anything else nothing is remembered.
//!
//! May not enter: a secret. And none of it leaves the threads that have the interpreter: an object that is dropped
//! without it waits behind a lock, which a fork may leave held for ever.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use tokenkeep::{ProviderName, TokenOptions};
use tokenkeep_bindings::{Request, Scopes};

use crate::errors::Failure;
use crate::types::Texts;

/// Whose token, and which.
pub struct Asked {
    /// Whose.
    pub provider: ProviderName,
    /// Which.
    pub options: TokenOptions,
    said: Option<Said>,
}

/// The objects that said it. They are kept, so that no other object gets their address.
struct Said {
    provider: Py<PyAny>,
    connection: Option<Py<PyAny>>,
    scopes: SaidScopes,
    resource: Option<Py<PyAny>>,
}

enum SaidScopes {
    /// Nothing, or what cannot change.
    Object(Option<Py<PyAny>>),
    List(Vec<Py<PyAny>>),
}

/// An argument that may be left out.
type Maybe<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

impl Asked {
    /// Reads what is said.
    pub fn read(
        provider: &Bound<'_, PyAny>,
        connection: Maybe<'_, '_>,
        scopes: Maybe<'_, '_>,
        resource: Maybe<'_, '_>,
    ) -> Result<Self, Failure> {
        let text = |object: &Bound<'_, PyAny>| object.extract::<String>();
        let request = Request {
            provider: text(provider)?,
            connection: connection.map(text).transpose()?,
            scopes: scopes.map(read_scopes).transpose()?,
            resource: resource.map(text).transpose()?,
            ..Request::default()
        };
        let said = SaidScopes::of(scopes).map(|scopes| Said {
            provider: provider.clone().unbind(),
            connection: connection.map(|name| name.clone().unbind()),
            scopes,
            resource: resource.map(|url| url.clone().unbind()),
        });
        Ok(Asked { provider: request.provider()?, options: request.token_options()?, said })
    }

    /// True when these objects say it again.
    pub fn is_said_by(
        &self,
        provider: &Bound<'_, PyAny>,
        connection: Maybe<'_, '_>,
        scopes: Maybe<'_, '_>,
        resource: Maybe<'_, '_>,
    ) -> bool {
        self.said.as_ref().is_some_and(|said| {
            said.provider.is(provider)
                && same(&said.connection, connection)
                && said.scopes.are(scopes)
                && same(&said.resource, resource)
        })
    }
}

impl SaidScopes {
    fn of(scopes: Maybe<'_, '_>) -> Option<Self> {
        let Some(object) = scopes else { return Some(SaidScopes::Object(None)) };
        if let Ok(list) = object.cast_exact::<PyList>() {
            return Some(SaidScopes::List(list.iter().map(Bound::unbind).collect()));
        }
        let unchanging =
            object.is_exact_instance_of::<PyString>() || object.is_exact_instance_of::<PyTuple>();
        unchanging.then(|| SaidScopes::Object(Some(object.clone().unbind())))
    }

    fn are(&self, scopes: Maybe<'_, '_>) -> bool {
        match self {
            SaidScopes::Object(said) => same(said, scopes),
            SaidScopes::List(said) => scopes.is_some_and(|scopes| {
                scopes.cast_exact::<PyList>().is_ok_and(|list| {
                    list.len() == said.len() && list.iter().zip(said).all(|(word, said)| said.is(&word))
                })
            }),
        }
    }
}

/// One text, as a person types it, or the words.
fn read_scopes(scopes: &Bound<'_, PyAny>) -> PyResult<Scopes> {
    if scopes.is_instance_of::<PyString>() {
        scopes.extract().map(Scopes::Text)
    } else {
        scopes.extract().map(|Texts(words)| Scopes::Words(words))
    }
}

fn same(said: &Option<Py<PyAny>>, object: Maybe<'_, '_>) -> bool {
    match (said, object) {
        (None, None) => true,
        (Some(said), Some(object)) => said.is(object),
        _ => false,
    }
}
