//! How a client says who it is: RFC 6749 2.3.1 and RFC 7523 2.2, under the names of RFC 7591 2.
//!
//! A native app cannot keep a secret (RFC 8252 8.5), so most clients here are public and only name
//! themselves. A secret that was shipped with an app is still sent where a server insists on it.
//!
//! May not enter: the making of an assertion (`client_assertion`), which needs a key and a clock.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// How the client authenticates at the token endpoint: RFC 7591 2, `token_endpoint_auth_method`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAuthentication {
    /// `none`: a public client (RFC 6749 2.1), which only names itself.
    #[default]
    #[serde(rename = "none")]
    None,
    /// `client_secret_post`: the secret is a parameter of the body (RFC 6749 2.3.1).
    #[serde(rename = "client_secret_post")]
    Post,
    /// `client_secret_basic`: the secret is in the `Authorization` header (RFC 6749 2.3.1).
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// `private_key_jwt`: an assertion that is signed with the client's private key (RFC 7523 2.2).
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
}

impl ClientAuthentication {
    /// The registered name (RFC 7591 2).
    pub fn as_str(self) -> &'static str {
        match self {
            ClientAuthentication::None => "none",
            ClientAuthentication::Post => "client_secret_post",
            ClientAuthentication::Basic => "client_secret_basic",
            ClientAuthentication::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the registered name, as a provider's definition writes it (RFC 7591 2).
impl FromStr for ClientAuthentication {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        use ClientAuthentication::{Basic, None, Post, PrivateKeyJwt};
        [None, Post, Basic, PrivateKeyJwt].into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, format!("{name:?} is not a client authentication method"))
                .with_help(
                    "use none, client_secret_post, client_secret_basic or private_key_jwt (RFC 7591 2)",
                )
        })
    }
}

/// A client as an authorization server knows it: RFC 6749 2.2 and 2.3.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// RFC 6749 2.2.
    pub client_id: &'a str,
    /// RFC 7591 2, `token_endpoint_auth_method`.
    pub authentication: ClientAuthentication,
    /// RFC 6749 2.3.1. Never sent when `authentication` is `None`.
    pub client_secret: Option<&'a Secret>,
    /// RFC 7523 2.2, made for this one request. Only sent when `authentication` is `PrivateKeyJwt`.
    pub client_assertion: Option<&'a Secret>,
}

/// What is sent to prove who the client is: a method that has what it needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credentials<'a> {
    /// RFC 6749 3.2.1: `client_id` in the body.
    Public,
    /// RFC 6749 2.3.1: `client_id` and `client_secret` in the body.
    Post(&'a Secret),
    /// RFC 6749 2.3.1: both in the `Authorization` header.
    Basic(&'a Secret),
    /// RFC 7523 2.2: `client_id` and `client_assertion` in the body.
    Assertion(&'a Secret),
}

impl<'a> Client<'a> {
    /// The method together with its secret or assertion: a method without its secret is a mistake in the
    /// configuration, and better said here than guessed from the server's `invalid_client`.
    pub(super) fn credentials(&self) -> Result<Credentials<'a>> {
        let proof = match self.authentication {
            ClientAuthentication::PrivateKeyJwt => self.client_assertion,
            _ => self.client_secret.filter(|secret| !secret.is_empty()),
        };
        match (self.authentication, proof) {
            (ClientAuthentication::None, _) => Ok(Credentials::Public),
            (ClientAuthentication::Post, Some(secret)) => Ok(Credentials::Post(secret)),
            (ClientAuthentication::Basic, Some(secret)) => Ok(Credentials::Basic(secret)),
            (ClientAuthentication::PrivateKeyJwt, Some(assertion)) => Ok(Credentials::Assertion(assertion)),
            (ClientAuthentication::PrivateKeyJwt, None) => Err(Error::new(
                ErrorKind::RegistrationMissing,
                "the client authenticates by private_key_jwt, and its private key is not known",
            )
            .with_help("give the private key of the registration, and its certificate if it has one")),
            (method, None) => Err(Error::new(
                ErrorKind::RegistrationMissing,
                format!("the client authenticates by {method}, and its client secret is not known"),
            )
            .with_help("give the client secret of the registration, or register a public client")),
        }
    }
}

/// RFC 6749 2.3.1: id and secret are form-encoded *before* they are joined and put into base64. A raw
/// secret with `%`, `+` or `:` in it is refused by servers that follow the text.
pub(super) fn basic_authorization(client_id: &str, secret: &Secret) -> Result<HeaderValue> {
    let id: String = byte_serialize(client_id.as_bytes()).collect();
    let secret = Zeroizing::new(byte_serialize(secret.expose().as_bytes()).collect::<String>());
    let credentials = Zeroizing::new(format!("{id}:{}", *secret));
    let value = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(credentials.as_bytes())));
    let mut header = HeaderValue::from_str(&value)
        .map_err(|_| Error::new(ErrorKind::Internal, "the client's credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_registry() {
        for name in ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"] {
            let method: ClientAuthentication = name.parse().unwrap();
            assert_eq!(method.to_string(), name);
            assert_eq!(serde_json::to_value(method).unwrap(), name);
            assert_eq!(serde_json::from_value::<ClientAuthentication>(name.into()).unwrap(), method);
        }
        assert!("client_secret_jwt".parse::<ClientAuthentication>().is_err());
        assert!("None".parse::<ClientAuthentication>().is_err());
    }

    #[test]
    fn basic_encodes_before_it_joins() {
        let secret = Secret::new("s3cret:with%special+chars &=é");
        let header = basic_authorization("a:b c", &secret).unwrap();
        let value = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let joined = String::from_utf8(BASE64_STANDARD.decode(value).unwrap()).unwrap();
        assert_eq!(joined, "a%3Ab+c:s3cret%3Awith%25special%2Bchars+%26%3D%C3%A9");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

    #[test]
    fn a_method_without_its_secret_is_said_before_anything_is_sent() {
        let empty = Secret::new("");
        for client_secret in [None, Some(&empty)] {
            for authentication in [ClientAuthentication::Post, ClientAuthentication::Basic] {
                let client =
                    Client { client_id: "id", authentication, client_secret, client_assertion: None };
                assert_eq!(client.credentials().unwrap_err().code(), "registration_missing");
            }
        }
        let secret = Secret::new("s");
        let client = |authentication| Client {
            client_id: "id",
            authentication,
            client_secret: Some(&secret),
            client_assertion: None,
        };
        let public = client(ClientAuthentication::None);
        assert!(matches!(public.credentials(), Ok(Credentials::Public)));
        // A secret is no assertion.
        let by_certificate = client(ClientAuthentication::PrivateKeyJwt);
        assert_eq!(by_certificate.credentials().unwrap_err().code(), "registration_missing");
    }
}
