//! What crosses the border. Requests and records are those of every language (`bindings-common`), as values of JSON.
//!
//! May not enter: a field of a record.

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenkeep::{AccessToken, ConnectionKey, Error, Result, ScopeSet, Secret};
use tokenkeep_bindings::error_record;

/// A value or, by its record, the error; null for neither.
pub type Answer<T> = Either3<T, Value, Null>;

/// What came of a call: nothing when it was given up.
pub fn answer<T>(outcome: Option<Result<T>>) -> Answer<T> {
    match outcome {
        Some(Ok(value)) => Either3::A(value),
        Some(Err(error)) => Either3::B(error_record(&error)),
        None => Either3::C(Null),
    }
}

/// What was asked for. What is not of its form is a mistake in the program, and thrown.
pub fn read<T: DeserializeOwned>(value: Value) -> napi::Result<T> {
    serde_json::from_value(value).map_err(|error| napi::Error::new(Status::InvalidArg, error.to_string()))
}

/// The error of a panic, for a call that has no other way to say it.
pub fn of_panic<T>(panic: Box<dyn std::any::Any + Send>) -> Result<T> {
    Err(Error::of_panic(&*panic))
}

/// A token as one text, because each string that is made for JavaScript costs as much as the core's whole look at the
/// store: on a line each the fields that can hold no line break, and last the secret.
pub fn token_text(token: &AccessToken) -> String {
    let AccessToken { secret, token_type, header: _, scheme, expires_at, scopes, resource, connection } =
        token;
    let ConnectionKey { provider, connection } = connection;
    let secret = secret.expose();
    let mut text = String::with_capacity(secret.len() + 256);
    for line in [
        provider.as_str(),
        connection.as_str(),
        token_type,
        token.header_name(),
        scheme.as_ref().unwrap_or(token_type),
        resource.as_deref().unwrap_or_default(),
    ] {
        text.push_str(line);
        text.push('\n');
    }
    if let Some(expires_at) = expires_at {
        text.push_str(&expires_at.as_unix().to_string());
    }
    for scope in scopes.iter() {
        text.push(' ');
        text.push_str(scope);
    }
    text.push('\n');
    text.push_str(secret);
    text
}

/// Whose token that text is, and how it is carried.
fn token_of(text: &str) -> Result<AccessToken> {
    let mut lines = text.splitn(8, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let connection = ConnectionKey::new(line().parse()?, line().parse()?);
    let (token_type, header, scheme) = (line().to_owned(), line().to_owned(), line().to_owned());
    let (_resource, _expiry_and_scopes, secret) = (line(), line(), Secret::new(line()));
    let (expires_at, scopes, resource) = (None, ScopeSet::default(), None);
    let (header, scheme) = (Some(header), Some(scheme));
    Ok(AccessToken { secret, token_type, header, scheme, expires_at, scopes, resource, connection })
}

/// The secret of a token that is a bearer token.
#[napi(ts_return_type = "string | Failure")]
pub fn bearer(token: String) -> Answer<String> {
    answer(Some(token_of(&token).and_then(|token| Ok(token.bearer()?.expose().to_owned()))))
}

/// The initial response of a SASL mechanism with a token.
#[napi(ts_return_type = "string | Failure")]
pub fn sasl(mechanism: String, user: String, token: String) -> Answer<String> {
    let response = || Ok(token_of(&token)?.sasl(mechanism.parse()?, &user)?.expose().to_owned());
    answer(Some(response()))
}
