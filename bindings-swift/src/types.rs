//! What crosses the border: text in, text out, a token, a failure.
//!
//! May not enter: the name of a record's member. `tokenkeep_bindings` knows those.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokenkeep::{Error, Result};
use tokenkeep_bindings::error_record;

/// Why there is no answer.
#[derive(Debug, uniffi::Error)]
pub enum Failure {
    /// The core's error, as a record.
    Error {
        /// Its JSON.
        record: String,
    },
    /// Nobody wants the answer any more.
    GivenUp,
    /// No token is at hand. A failure, because an answer that may be absent crosses in a buffer, which costs every call
    /// half a microsecond.
    NotAtHand,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error { record } => f.write_str(record),
            Failure::GivenUp => f.write_str("given up"),
            Failure::NotAtHand => f.write_str("not at hand"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error { record: error_record(&error).to_string() }
    }
}

/// What comes of `work`, which is done at once, on the caller's thread.
pub fn at_once<T>(work: impl FnOnce() -> Result<T>) -> Result<T, Failure> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    Ok(outcome.unwrap_or_else(|panic| Err(Error::of_panic(&*panic)))?)
}

/// What Swift has written: a request, or an answer.
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::of_panic(&error.to_string()))
}

/// A record for Swift to read.
pub fn written(record: Result<Value>) -> Result<String> {
    record.map(|record| record.to_string())
}

/// An access token. Its text stays here until somebody asks for it.
#[derive(uniffi::Object)]
pub struct AccessToken(tokenkeep::AccessToken);

/// The token as Swift holds it.
pub fn token(token: tokenkeep::AccessToken) -> Arc<AccessToken> {
    Arc::new(AccessToken(token))
}

#[uniffi::export]
impl AccessToken {
    /// The provider that it is from.
    pub fn provider(&self) -> String {
        self.0.connection.provider.to_string()
    }

    /// The connection that it is from.
    pub fn connection(&self) -> String {
        self.0.connection.connection.to_string()
    }

    /// `Bearer`.
    pub fn token_type(&self) -> String {
        self.0.token_type.clone()
    }

    /// When it ends, in seconds since the epoch.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.expires_at.map(|at| at.as_unix())
    }

    /// What it grants.
    pub fn scopes(&self) -> Vec<String> {
        self.0.scopes.iter().map(ToString::to_string).collect()
    }

    /// The resource that it is for.
    pub fn resource(&self) -> Option<String> {
        self.0.resource.clone()
    }

    /// The token itself.
    pub fn secret(&self) -> String {
        self.0.secret.expose().to_owned()
    }

    /// The name of its header.
    pub fn header_name(&self) -> String {
        self.0.header_name().to_owned()
    }

    /// The value of that header.
    pub fn authorization_header(&self) -> String {
        self.0.authorization_header().expose().to_owned()
    }

    /// The token itself, where it is a bearer token.
    pub fn bearer(&self) -> Result<String, Failure> {
        Ok(self.0.bearer()?.expose().to_owned())
    }

    /// The initial response of a SASL mechanism.
    pub fn sasl(&self, mechanism: &str, user: &str) -> Result<String, Failure> {
        Ok(self.0.sasl(mechanism.parse()?, user)?.expose().to_owned())
    }

    /// Whether both are the same token.
    pub fn is_same(&self, other: &AccessToken) -> bool {
        self.0.secret == other.0.secret
    }
}
