//! The clients a server knows, and how each proves who it is.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A client that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClient {
    /// The client id.
    pub id: String,
    /// The secret of a confidential client.
    pub secret: Option<String>,
    /// The methods by which it may authenticate at the token endpoint.
    pub methods: Vec<AuthenticationMethod>,
}

/// `token_endpoint_auth_method`, by its registered names (RFC 7591, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// A public client: only its id.
    None,
    /// The secret in the body.
    ClientSecretPost,
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
}

impl RegisteredClient {
    /// A secret with every character that a careless encoding breaks.
    const AWKWARD_SECRET: &'static str = "s3cret:with%special+chars &=";

    /// A public client.
    #[must_use]
    pub fn public(id: &str) -> Self {
        Self { id: id.into(), secret: None, methods: vec![AuthenticationMethod::None] }
    }

    /// A confidential client that may authenticate by `methods`.
    #[must_use]
    pub fn confidential(id: &str, secret: &str, methods: &[AuthenticationMethod]) -> Self {
        Self { id: id.into(), secret: Some(secret.into()), methods: methods.to_vec() }
    }

    /// The clients of a plain server that was given none: `public`, `confidential-post`, `confidential-basic`.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        vec![
            Self::public("public"),
            Self::confidential("confidential-post", Self::AWKWARD_SECRET, &[ClientSecretPost]),
            Self::confidential("confidential-basic", Self::AWKWARD_SECRET, &[ClientSecretBasic]),
        ]
    }
}

impl FromStr for RegisteredClient {
    type Err = String;

    /// `ID` is a public client, `ID:SECRET` a confidential one that may use either secret method.
    fn from_str(text: &str) -> Result<Self, String> {
        use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        match text.split_once(':') {
            _ if text.is_empty() || text.starts_with(':') => Err("a client needs an id".into()),
            None => Ok(Self::public(text)),
            Some((id, secret)) => Ok(Self::confidential(id, secret, &[ClientSecretPost, ClientSecretBasic])),
        }
    }
}
