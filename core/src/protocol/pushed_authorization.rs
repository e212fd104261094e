//! Pushed authorization requests, RFC 9126: the authorization request goes to the server first, and the browser carries a
//! reference to it.
//!
//! May not enter: what the request asks for (`authorization`).

use http::Request;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::authorization::AuthorizationRequest;
use super::body::{read, text};
use super::client_auth::{Client, ClientAuthentication};
use super::endpoint_error::{TokenEndpointError, check_accepted, unusable};
use super::form::form_request;
use crate::error::Result;
use crate::secret::Secret;

/// A longer reference would not fit into a browser's address.
const MAX_REQUEST_URI: usize = 4 * 1024;

/// RFC 9126 2.1.
#[derive(Debug, Clone, Copy)]
pub struct PushedAuthorizationRequest<'a> {
    /// RFC 9126 2.
    pub endpoint: &'a Url,
    /// Who asks, as at the token endpoint.
    pub client: Client<'a>,
    /// What a browser would have carried.
    pub request: AuthorizationRequest<'a>,
}

impl PushedAuthorizationRequest<'_> {
    /// The request as it is sent. Its body holds secrets: it may not be logged.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        let parameters = self.request.parameters();
        // The client's name is a parameter of the authorization request, and of its own authentication: once will do.
        let named_by_form = self.client.authentication != ClientAuthentication::Basic;
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !(named_by_form && *name == "client_id"))
            .collect();
        form_request(self.endpoint, &self.client, &parameters, &[])
    }

    /// The error without what this request carried.
    pub fn clean(&self, error: TokenEndpointError) -> TokenEndpointError {
        let credentials = [self.client.client_secret, self.client.client_assertion];
        let nonce = self.request.nonce.map(Secret::new);
        error.without(credentials.into_iter().flatten().chain([self.request.state]).chain(nonce.as_ref()))
    }

    /// Where to send the person (RFC 9126 4): the client, and the reference.
    pub fn url(&self, request_uri: &str) -> Url {
        let mut url = self.request.endpoint.clone();
        url.set_fragment(None);
        url.query_pairs_mut()
            .append_pair("client_id", self.request.client_id)
            .append_pair("request_uri", request_uri);
        url
    }
}

/// Reads the answer to a pushed request (RFC 9126 2.2, 2.3): the reference. How long it is good for is not read, since the
/// browser opens at once.
pub fn parse_pushed_authorization(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<String, TokenEndpointError> {
    #[derive(Deserialize)]
    struct Members {
        request_uri: Option<Value>,
    }

    check_accepted(status, content_type, body)?;
    let members: Members = read(content_type, body).map_err(|unreadable| unusable(status, unreadable))?;
    let malformed = |what| TokenEndpointError::Malformed { what, refresh_token: None };
    let request_uri = text(members.request_uri).ok_or_else(|| malformed("it has no request_uri"))?;
    if request_uri.len() > MAX_REQUEST_URI || !request_uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed("its request_uri is not of its form"));
    }
    Ok(request_uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::form::tests::pairs;

    #[test]
    fn what_is_pushed_is_what_a_browser_would_have_carried_and_the_client_proves_itself() {
        let endpoint = Url::parse("https://as.example/authorize?tenant=a").unwrap();
        let push = Url::parse("https://as.example/par").unwrap();
        let (state, secret) = (Secret::new("state-canary"), Secret::new("secret-canary"));
        let extra = [("resource", "https://api.example"), ("claims", "{}"), ("dpop_jkt", "thumb")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "id",
            redirect_uri: "http://127.0.0.1:1/cb",
            scopes: &"openid mail".parse().unwrap(),
            scope_separator: ' ',
            state: &state,
            code_challenge: Some("challenge"),
            nonce: Some("nonce-canary"),
            response_mode: None,
            dialect: &crate::protocol::TokenDialect::default(),
            extra: &extra,
        };
        use ClientAuthentication::{Basic, None as Public, Post};
        for (authentication, proven) in [(Public, false), (Post, true), (Basic, false)] {
            let client = Client {
                client_id: "id",
                authentication,
                client_secret: Some(&secret),
                client_assertion: None,
            };
            let pushed = PushedAuthorizationRequest { endpoint: &push, client, request };
            let sent = pushed.to_http().unwrap();
            assert_eq!(sent.headers().contains_key("authorization"), authentication == Basic);
            let mut sent = pairs(&sent);
            sent.sort();
            let mut expected = vec![
                ("claims", "{}"),
                ("client_id", "id"),
                ("code_challenge", "challenge"),
                ("code_challenge_method", "S256"),
                ("dpop_jkt", "thumb"),
                ("nonce", "nonce-canary"),
                ("redirect_uri", "http://127.0.0.1:1/cb"),
                ("resource", "https://api.example"),
                ("response_type", "code"),
                ("scope", "openid mail"),
                ("state", "state-canary"),
            ];
            expected.extend(proven.then_some(("client_secret", "secret-canary")));
            expected.sort_unstable();
            let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(sent, expected, "{authentication}");

            let url = pushed.url("urn:ietf:params:oauth:request_uri:x");
            assert_eq!(
                url.as_str(),
                "https://as.example/authorize?tenant=a&client_id=id&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax"
            );
            let quoted = br#"{"error":"invalid_request","error_description":"nonce-canary state-canary secret-canary"}"#;
            let error = pushed.clean(parse_pushed_authorization(400, None, quoted).unwrap_err());
            assert!(!format!("{:?}{error:?}", error.to_error("x")).contains("canary"));
        }
    }

    #[test]
    fn a_reference_is_read_and_nothing_else_is_one() {
        let read = |status, body: &str| parse_pushed_authorization(status, None, body.as_bytes());
        for status in [200, 201] {
            assert_eq!(read(status, r#"{"request_uri":"urn:x","expires_in":60}"#).unwrap(), "urn:x");
        }
        for (status, body, code) in [
            (201, r#"{"expires_in":60}"#, "provider_rejected"),
            (201, r#"{"request_uri":"a b"}"#, "provider_rejected"),
            (201, r#"{"request_uri":["urn:x"]}"#, "provider_rejected"),
            (400, r#"{"error":"invalid_request"}"#, "provider_rejected"),
            (503, "<html>", "network"),
            (302, "", "network"),
        ] {
            assert_eq!(read(status, body).unwrap_err().to_error("x").code(), code, "{status} {body}");
        }
        assert!(read(201, &format!(r#"{{"request_uri":"{}"}}"#, "a".repeat(MAX_REQUEST_URI + 1))).is_err());
    }
}
