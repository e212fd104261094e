//! Dynamic client registration: the request and its answer (RFC 7591 3), and the end of a registration (RFC 7592 2.3).
//!
//! What the server answers counts, not what it was asked (RFC 7591 3.2.1): it may give a secret to a client that wanted
//! none, and drop a redirect URI.
//!
//! May not enter: when to register, and what is kept of it.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::body::{read, text};
use super::client_auth::ClientAuthentication;
use super::client_metadata::ClientMetadata;
use super::endpoint_error::{TokenEndpointError, check_accepted, unusable};
use super::oauth_error::OauthError;
use super::token_endpoint::token;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What was asked for, in an error.
const CONTEXT: &str = "the server registered no client";
/// Who can help when a program cannot register itself.
const BY_HAND: &str = "register a client with the operator of the server, and give its id with --client-id";

/// RFC 7591 3.1.
#[derive(Debug, Clone, Copy)]
pub struct ClientRegistrationRequest<'a> {
    /// RFC 7591 3.
    pub endpoint: &'a Url,
    /// What the client says of itself.
    pub metadata: &'a ClientMetadata<'a>,
}

impl ClientRegistrationRequest<'_> {
    /// The request as it is sent: JSON (RFC 7591 3.1), from a client that nobody knows yet. It holds no secret.
    ///
    /// # Errors
    /// `provider_rejected` for an endpoint that no request can be made to.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        let body = serde_json::to_vec(self.metadata)
            .map_err(|_| Error::new(ErrorKind::Internal, "the client's metadata are no JSON"))?;
        Request::post(self.endpoint.as_str())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .map_err(|_| Error::new(ErrorKind::ProviderRejected, "the registration endpoint is no URL"))
    }
}

/// RFC 7591 3.2.1: the client as the server registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredClient {
    /// RFC 6749 2.2.
    pub client_id: String,
    /// RFC 6749 2.3.1, of a client that authenticates with one.
    pub client_secret: Option<Secret>,
    /// When the secret ends; absent when it does not.
    pub client_secret_expires_at: Option<Timestamp>,
    /// How it authenticates.
    pub authentication: ClientAuthentication,
    /// RFC 7592 3: where the registration is managed, and what with.
    pub management: Option<(String, Secret)>,
}

/// The members that are read. The derived reader refuses a repeated one.
#[derive(Deserialize)]
struct Members {
    /// RFC 7591 3.2.1. The one member that no answer does without.
    client_id: Option<Value>,
    /// RFC 7591 3.2.1. Some servers give one to a client that is not to use it.
    client_secret: Option<Secret>,
    /// RFC 7591 3.2.1. A string on some servers.
    client_secret_expires_at: Option<Value>,
    /// RFC 7591 2. Absent on servers that do not tell what they registered.
    token_endpoint_auth_method: Option<Value>,
    /// RFC 7591 2. The same.
    redirect_uris: Option<Vec<String>>,
    /// RFC 7592 3.
    registration_client_uri: Option<Value>,
    /// RFC 7592 3.
    registration_access_token: Option<Secret>,
}

/// Reads the answer to a registration request (RFC 7591 3.2).
///
/// # Errors
/// - `registration_missing`: the server registers only who has a token for it (RFC 7591 3.1, "initial access token").
/// - `provider_rejected`: it refused (RFC 7591 3.2.2), or registered a client that is of no use here.
/// - `network`, `throttled`: it did not answer in OAuth's words.
pub fn parse_client_registration(
    asked: &ClientMetadata<'_>,
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<RegisteredClient> {
    if matches!(status, 401 | 403) {
        let said = OauthError::from_body(content_type, body).ok().flatten();
        let message =
            format!("{CONTEXT}: it answered {status}, which wants an initial access token (RFC 7591 3)");
        let error = Error::new(ErrorKind::RegistrationMissing, message).with_help(BY_HAND);
        return Err(said.map_or(error.clone(), |said| error.with_server(said.said())));
    }
    let refused = |error: TokenEndpointError| {
        let helped = error.to_error(CONTEXT);
        match &error {
            TokenEndpointError::Oauth(said) if said.error == "invalid_redirect_uri" => {
                let named = asked.redirect_uris().join(", ");
                helped.with_help(format!(
                    "the server does not take {named}: name one that it takes with --redirect-uri, or {BY_HAND}"
                ))
            }
            TokenEndpointError::Oauth(_) if !helped.retryable() => helped.with_help(BY_HAND),
            _ => helped,
        }
    };
    check_accepted(status, content_type, body).map_err(refused)?;
    let members: Members =
        read(content_type, body).map_err(|unreadable| refused(unusable(status, unreadable)))?;
    registered(asked, members).map_err(|what| {
        let message = format!("the server registered a client that is of no use: {what}");
        Error::new(ErrorKind::ProviderRejected, message).with_help(BY_HAND)
    })
}

/// The client of a success; else what makes it of no use.
///
/// A secret counts with a method that sends it; a method without its secret, or with a key that this client does not have,
/// would fail the login after the person has been asked.
fn registered(asked: &ClientMetadata<'_>, members: Members) -> Result<RegisteredClient, String> {
    let client_id = text(members.client_id).ok_or("it has no client_id")?;
    // RFC 6749 A.1: `*VSCHAR`.
    if client_id.trim() != client_id || !client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Err("its client_id is not printable ASCII".to_owned());
    }
    let missing =
        |wanted: &&&str| !members.redirect_uris.iter().flatten().any(|named| is_same_address(named, wanted));
    if members.redirect_uris.is_some()
        && let Some(dropped) = asked.redirect_uris().iter().find(missing)
    {
        return Err(format!("it lacks the redirect URI {dropped}"));
    }
    let secret =
        token(members.client_secret).map_err(|_| "its client_secret is not printable ASCII".to_owned())?;
    let authentication = match text(members.token_endpoint_auth_method) {
        Some(name) => match name.parse() {
            Ok(known) if known != ClientAuthentication::PrivateKeyJwt => known,
            _ => return Err(format!("it is to authenticate by {:?}", shown(&name))),
        },
        None if secret.is_none() => ClientAuthentication::None,
        // RFC 7591 2: the default.
        None if asked.authentication() == ClientAuthentication::None => ClientAuthentication::Basic,
        None => asked.authentication(),
    };
    let public = authentication == ClientAuthentication::None;
    if !public && secret.is_none() {
        return Err(format!("it is to authenticate by {authentication}, and has no client_secret"));
    }
    let management = match (text(members.registration_client_uri), token(members.registration_access_token)) {
        (Some(uri), Ok(Some(access_token))) => Some((uri, access_token)),
        _ => None,
    };
    Ok(RegisteredClient {
        client_id,
        client_secret: secret.filter(|_| !public),
        client_secret_expires_at: expiry(members.client_secret_expires_at).filter(|_| !public),
        authentication,
        management,
    })
}

/// RFC 7591 3.2.1: seconds since the epoch, and 0 for never.
fn expiry(member: Option<Value>) -> Option<Timestamp> {
    let seconds = match member? {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        number => number.as_f64(),
    };
    // A number that is too large to be a time is none that anybody lives to see.
    seconds.filter(|at| *at >= 1.0 && *at < 1e11).map(|at| Timestamp::from_unix(at as i64))
}

/// Compares as a URL does: servers write a default port, or leave it out.
fn is_same_address(one: &str, other: &str) -> bool {
    one == other || matches!((Url::parse(one), Url::parse(other)), (Ok(one), Ok(other)) if one == other)
}

/// A foreign word, fit for an error.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}

/// RFC 7592 2.3: asks the server to forget a client.
#[derive(Debug, Clone, Copy)]
pub struct ClientDeletionRequest<'a> {
    /// RFC 7592 3 `registration_client_uri`.
    pub uri: &'a Url,
    /// RFC 7592 3 `registration_access_token`.
    pub access_token: &'a Secret,
}

/// What became of a registration at its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientDeletion {
    /// It is gone, or was not there.
    Deleted,
    /// The server would not; why, in a few words.
    Refused(String),
}

impl ClientDeletionRequest<'_> {
    /// The request as it is sent. It holds a secret: it may not be logged.
    ///
    /// # Errors
    /// `provider_rejected` for an address that no request can be made to.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        let unbuildable = || {
            Error::new(ErrorKind::ProviderRejected, "no request can be made to the registration's address")
        };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.access_token.expose()))
            .map_err(|_| unbuildable())?;
        bearer.set_sensitive(true);
        Request::delete(self.uri.as_str())
            .header(AUTHORIZATION, bearer)
            .body(Vec::new())
            .map_err(|_| unbuildable())
    }
}

/// Reads the answer to a deletion (RFC 7592 2.3). Nothing of its body is shown but an error's name: it may quote the token.
pub fn classify_client_deletion(status: u16, content_type: Option<&str>, body: &[u8]) -> ClientDeletion {
    match status {
        200..=299 | 404 | 410 => ClientDeletion::Deleted,
        405 | 501 => ClientDeletion::Refused(format!("the server deletes no client on request ({status})")),
        _ => {
            let error = OauthError::from_body(content_type, body).ok().flatten();
            let named = error.map(|error| format!(", {}", error.error)).unwrap_or_default();
            ClientDeletion::Refused(format!("the server answered {status}{named}"))
        }
    }
}

#[cfg(test)]
mod tests;
