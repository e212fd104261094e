//! Why an endpoint gave nothing: RFC 6749 5.2, and the answers that are not OAuth at all.
//!
//! The token endpoint and the device authorization endpoint refuse in the same words (RFC 8628 3.2), so
//! they share this file.
//!
//! May not enter: any part of a body but the members of an error that are meant for people.

use std::fmt;

use super::body::Unreadable;
use super::oauth_error::OauthError;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// Why a token endpoint gave no token. Holds no part of a body but an error's cleaned members, and a refresh
/// token that must not be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenEndpointError {
    /// RFC 6749 5.2: the server refused, in OAuth's words.
    Oauth(Box<OauthError>),
    /// Whatever answered did not speak OAuth: a proxy's page, an empty body, a failing server.
    NotOauth {
        /// The status of the answer.
        status: u16,
        /// One line that says what came instead.
        summary: String,
    },
    /// RFC 6749 5.1: meant as a success, and not to be used.
    Malformed {
        /// What is wrong with it.
        what: &'static str,
        /// RFC 6749 6: the server may have rotated the refresh token all the same, and this is all that works
        /// from here on.
        refresh_token: Option<Secret>,
    },
    /// RFC 9449 5: a token of another type where one that is bound to a key was asked for. Whoever took the binding away
    /// could use the token.
    NotBound {
        /// As in [`TokenEndpointError::Malformed`].
        refresh_token: Option<Secret>,
    },
}

impl TokenEndpointError {
    /// What the server takes from here on, if an answer that is of no use held it.
    pub fn refresh_token(&self) -> Option<&Secret> {
        match self {
            TokenEndpointError::Malformed { refresh_token, .. }
            | TokenEndpointError::NotBound { refresh_token } => refresh_token.as_ref(),
            TokenEndpointError::Oauth(_) | TokenEndpointError::NotOauth { .. } => None,
        }
    }

    /// The error for a caller; `context` says in a few words what was asked for.
    ///
    /// What is not OAuth is the network's: nothing was learned about the grant, and it may pass. What is
    /// OAuth and broken is not retried: a second answer would be as broken, and may cost a refresh token.
    pub fn to_error(&self, context: &str) -> Error {
        match self {
            TokenEndpointError::Oauth(error) => error.to_error(context),
            TokenEndpointError::NotOauth { status, .. } => {
                let kind = match status {
                    429 => ErrorKind::Throttled { retry_at: None },
                    _ => ErrorKind::Network,
                };
                let error = Error::new(kind, format!("{context}: {self}"));
                if matches!(status, 429 | 500..) {
                    return error;
                }
                error.with_help(
                    "check the provider's endpoint addresses, and any proxy or sign-in page in between",
                )
            }
            TokenEndpointError::Malformed { .. } => {
                Error::new(ErrorKind::ProviderRejected, format!("{context}: {self}"))
                    .with_help("the provider's answer does not follow RFC 6749 5.1; tell whoever runs it")
            }
            TokenEndpointError::NotBound { .. } => {
                Error::new(ErrorKind::ProviderRejected, format!("{context}: {self}")).with_help(
                    "the server does not bind tokens to a key (DPoP), or something in between took the proof away: \
                     tell whoever runs it, or log in without DPoP where the provider and the resource let you",
                )
            }
        }
    }
}

impl TokenEndpointError {
    /// The same error with these secrets taken out of the server's words.
    pub(super) fn without<'a>(self, secrets: impl Iterator<Item = &'a Secret>) -> Self {
        match self {
            TokenEndpointError::Oauth(mut error) => {
                for secret in secrets.filter(|secret| !secret.is_empty()) {
                    error.remove(secret);
                }
                TokenEndpointError::Oauth(error)
            }
            // What the others say is ours.
            other => other,
        }
    }
}

impl fmt::Display for TokenEndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenEndpointError::Oauth(error) => f.write_str(&error.error),
            TokenEndpointError::NotOauth { summary, .. } => f.write_str(summary),
            TokenEndpointError::Malformed { what, .. } => write!(f, "the answer cannot be used: {what}"),
            TokenEndpointError::NotBound { .. } => f.write_str(
                "the server gave a token that anybody can use, where one bound to a key was asked for",
            ),
        }
    }
}

impl std::error::Error for TokenEndpointError {}

/// Turns every answer into an error but a success without an `error` member.
///
/// RFC 6749 5.2 has errors under 400 and 401; servers use 200, 403 and 428 as well, so the body decides,
/// and the status only says how far the body is believed.
pub(super) fn check_accepted(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<(), TokenEndpointError> {
    let success = matches!(status, 200..=299);
    let not_oauth = |what| {
        let summary = format!("HTTP {status} with {what} where an OAuth answer belongs");
        Err(TokenEndpointError::NotOauth { status, summary })
    };
    match OauthError::from_body(content_type, body) {
        Ok(Some(error)) if success || matches!(status, 400..=499) => {
            Err(TokenEndpointError::Oauth(Box::new(error)))
        }
        // A server that fails may say so, and that it is slow. It is not believed on the end of a grant.
        Ok(Some(error)) if error.kind().retryable() => Err(TokenEndpointError::Oauth(Box::new(error))),
        Ok(Some(_)) => not_oauth("an error that does not go with the status"),
        Ok(None) if success => Ok(()),
        Ok(None) => not_oauth("no error code"),
        Err(unreadable) if success => Err(unusable(status, unreadable)),
        Err(unreadable) => not_oauth(unreadable.what()),
    }
}

/// The error of a success that has no members to read (RFC 6749 5.1).
pub(super) fn unusable(status: u16, unreadable: Unreadable) -> TokenEndpointError {
    match unreadable {
        Unreadable::Broken(what) => TokenEndpointError::Malformed { what, refresh_token: None },
        Unreadable::Foreign(what) => TokenEndpointError::NotOauth {
            status,
            summary: format!("HTTP {status} with {what} where an OAuth answer belongs"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> TokenEndpointError {
        check_accepted(status, Some("application/json"), body.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_failing_server_is_not_believed_on_the_end_of_a_grant() {
        let body = r#"{"error":"invalid_grant"}"#;
        assert_eq!(refusal(400, body).to_error("x").code(), "login_required");
        assert_eq!(refusal(200, body).to_error("x").code(), "login_required");
        for status in [302, 500, 502, 503] {
            let error = refusal(status, body).to_error("x");
            assert_eq!(error.code(), "network", "{status}");
            assert!(error.retryable());
        }
    }

    #[test]
    fn help_depends_on_who_must_act() {
        let busy = refusal(503, "<html>").to_error("the refresh");
        assert_eq!(busy.message(), "the refresh: HTTP 503 with HTML where an OAuth answer belongs");
        assert!(busy.help().contains("try again"));
        assert!(refusal(404, "<html>").to_error("x").help().contains("endpoint addresses"));
        assert_eq!(refusal(429, "").to_error("x").code(), "throttled");
    }
}
