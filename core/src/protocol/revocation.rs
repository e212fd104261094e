//! Revocation, RFC 7009: asking the server to forget a token; and the two other ways that servers have.
//!
//! The `oauth2` crate takes an https address only, which leaves out a loopback issuer in a test; the form
//! is built here.
//!
//! May not enter: what a logout does when the server says no. The local copy goes either way.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use url::Url;

use super::client_auth::{Client, basic_authorization};
use super::dialect::{RevocationMethod, TokenDialect};
use super::form::{form_request, unbuildable};
use super::oauth_error::OauthError;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// RFC 7009 2.1, `token_type_hint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// `refresh_token`: the server should end the grant with it (RFC 7009 2.1).
    RefreshToken,
    /// `access_token`.
    AccessToken,
}

impl TokenKind {
    /// The registered name (RFC 7009 4.1.2.2).
    pub fn as_str(self) -> &'static str {
        match self {
            TokenKind::RefreshToken => "refresh_token",
            TokenKind::AccessToken => "access_token",
        }
    }
}

/// RFC 7009 2.1.
#[derive(Debug, Clone, Copy)]
pub struct RevocationRequest<'a> {
    /// RFC 7009 2, `revocation_endpoint` of RFC 8414.
    pub endpoint: &'a Url,
    /// The client that the token was issued to.
    pub client: Client<'a>,
    /// The token to forget.
    pub token: &'a Secret,
    /// What kind of token it is, to spare the server a search.
    pub hint: TokenKind,
    /// How the server is asked.
    pub method: RevocationMethod,
    /// How the server differs from RFC 6749 in a request of RFC 7009.
    pub dialect: &'a TokenDialect,
}

impl RevocationRequest<'_> {
    /// The request as it is sent. Its body holds secrets: it may not be logged.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        match self.method {
            RevocationMethod::Form => {
                let parameters = [("token", self.token.expose()), ("token_type_hint", self.hint.as_str())];
                self.dialect
                    .spoken(form_request(self.endpoint, &self.client, &parameters, &[])?, &self.client)
            }
            RevocationMethod::Bearer => {
                let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
                    .map_err(|_| Error::new(ErrorKind::Internal, "the token does not fit into a header"))?;
                bearer.set_sensitive(true);
                self.request(Method::POST, bearer, Vec::new())
            }
            RevocationMethod::JsonDelete => {
                let secret = self.client.client_secret.ok_or_else(|| {
                    Error::new(
                        ErrorKind::RegistrationMissing,
                        "the server revokes a token for a client with a secret",
                    )
                })?;
                let basic = basic_authorization(self.client.client_id, secret)?;
                let body = serde_json::json!({ "access_token": self.token.expose() }).to_string();
                let mut request = self.request(Method::DELETE, basic, body.into_bytes())?;
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Ok(request)
            }
        }
    }

    fn request(self, method: Method, authorization: HeaderValue, body: Vec<u8>) -> Result<Request<Vec<u8>>> {
        let request = Request::builder()
            .method(method)
            .uri(self.endpoint.as_str())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(AUTHORIZATION, authorization);
        request.body(body).map_err(|_| unbuildable())
    }
}

/// RFC 7009 2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationOutcome {
    /// The token is gone, or the server never knew it: both are 200 (RFC 7009 2.2).
    Revoked,
    /// The server would not (RFC 7009 2.2.1). The token may still work.
    Refused {
        /// The status of the answer.
        status: u16,
        /// RFC 6749 5.2 `error`, if it named one.
        error: Option<String>,
    },
    /// The server could not, for now (RFC 7009 2.2.1: 503 means that the token still works).
    Unavailable,
}

/// Reads the answer to a revocation request (RFC 7009 2.2). A success has no body worth reading.
pub fn classify_revocation(status: u16, body: &[u8]) -> RevocationOutcome {
    match status {
        200..=299 => RevocationOutcome::Revoked,
        408 | 429 | 500.. => RevocationOutcome::Unavailable,
        _ => {
            let error = OauthError::from_body(None, body).ok().flatten();
            RevocationOutcome::Refused { status, error: error.map(|error| error.error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ClientAuthentication, form};

    #[test]
    fn a_loopback_issuer_can_be_asked_too() {
        let token = Secret::new("canary");
        let authentication = ClientAuthentication::None;
        let request = RevocationRequest {
            endpoint: &Url::parse("http://127.0.0.1:1/revoke").unwrap(),
            client: Client { client_id: "c1", authentication, client_secret: None, client_assertion: None },
            token: &token,
            hint: TokenKind::RefreshToken,
            method: RevocationMethod::Form,
            dialect: &TokenDialect::default(),
        };
        assert!(!format!("{request:?}").contains("canary"));
        let expected = [("token", "canary"), ("token_type_hint", "refresh_token"), ("client_id", "c1")];
        let sent = form::tests::pairs(&request.to_http().unwrap());
        assert_eq!(sent, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_server_forgets_refuses_or_fails() {
        let refused = |status, error: Option<&str>| RevocationOutcome::Refused {
            status,
            error: error.map(str::to_owned),
        };
        for (status, body, expected) in [
            (200, "", RevocationOutcome::Revoked),
            (200, "<html>", RevocationOutcome::Revoked),
            (204, "", RevocationOutcome::Revoked),
            (400, "{\"error\":\"unsupported_token_type\"}", refused(400, Some("unsupported_token_type"))),
            (401, "{\"error\":\"invalid_client\"}", refused(401, Some("invalid_client"))),
            (401, "", refused(401, None)),
            (404, "<html>", refused(404, None)),
            (302, "", refused(302, None)),
            (429, "", RevocationOutcome::Unavailable),
            (503, "{\"error\":\"temporarily_unavailable\"}", RevocationOutcome::Unavailable),
        ] {
            assert_eq!(classify_revocation(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
