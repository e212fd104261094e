//! Requests with a form for a body: RFC 6749 3.2 and appendix B.
//!
//! The `oauth2` crate builds what it can build without sending: its `request` is given a closure that
//! takes the request and fails with it. What it cannot build so (one single device poll: its own polls
//! in a loop; a revocation at a loopback issuer: it insists on https) is built here.
//!
//! Both ways give the same bytes, and a test holds them to it: `Accept: application/json`, a form, the
//! credentials of RFC 6749 2.3.1, and no other header. There is never an `Origin`: with one, Entra takes
//! the client for a web page and refuses it.
//!
//! May not enter: the reading of answers.

use std::fmt;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError};
use url::Url;
use url::form_urlencoded::Serializer;

use super::client_assertion::CLIENT_ASSERTION_TYPE;
use super::client_auth::{Client, Credentials, basic_authorization};
use crate::error::{Error, ErrorKind, Result};

/// The parameters that Tokenkeep itself decides. A provider's extra parameters of these names are not
/// sent: one that came second would repeat a parameter (RFC 6749 3.1 and 3.2 forbid that), and `request`
/// or `request_uri` (RFC 9101) would replace all of them.
const PROTOCOL_PARAMETERS: [&str; 23] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "device_code",
    "grant_type",
    "nonce",
    "password",
    "redirect_uri",
    "refresh_token",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "token_type_hint",
    "username",
];

/// True for a parameter that no provider definition may set by itself (RFC 6749 3.1 and 3.2).
pub fn is_protocol_parameter(name: &str) -> bool {
    PROTOCOL_PARAMETERS.contains(&name)
}

/// The extra parameters that may be sent, in their order. Repeats stay: RFC 8707 2 lets `resource` come
/// more than once.
pub(super) fn permitted(extra: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    extra.iter().filter(|(name, _)| !is_protocol_parameter(name)).cloned()
}

/// RFC 7523 2.2: how an assertion is sent, which the `oauth2` crate leaves to extra parameters.
pub(super) fn assertion_parameters(client: &Client<'_>) -> Result<Vec<(String, String)>> {
    let Credentials::Assertion(assertion) = client.credentials()? else { return Ok(Vec::new()) };
    let parameters =
        [("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", assertion.expose())];
    Ok(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// The client as the `oauth2` crate knows it (RFC 6749 2.3.1). A public client says `RequestBody`, which
/// without a secret means that the body names the client (RFC 6749 3.2.1); so does one with an assertion.
///
/// The crate keeps secrets in plain strings that it does not wipe. They live as long as one request is
/// being built, and the request's body is as plain as they are.
pub(super) fn oauth2_client(client: &Client<'_>) -> Result<BasicClient> {
    let built = BasicClient::new(ClientId::new(client.client_id.to_owned()));
    let secret = |text: &str| ClientSecret::new(text.to_owned());
    Ok(match client.credentials()? {
        Credentials::Public | Credentials::Assertion(_) => built.set_auth_type(AuthType::RequestBody),
        Credentials::Post(given) => {
            built.set_auth_type(AuthType::RequestBody).set_client_secret(secret(given.expose()))
        }
        Credentials::Basic(given) => {
            built.set_auth_type(AuthType::BasicAuth).set_client_secret(secret(given.expose()))
        }
    })
}

/// The request that was to be sent, on its way out of the `oauth2` crate as an error. Its `Debug` says
/// nothing: the body is full of secrets.
pub(super) struct Captured(Box<HttpRequest>);

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Captured")
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was captured")
    }
}

impl std::error::Error for Captured {}

/// Stands in for the crate's HTTP client: sends nothing, gives the request back.
pub(super) fn capture(request: HttpRequest) -> Result<HttpResponse, Captured> {
    Err(Captured(Box::new(request)))
}

/// The request that [`capture`] took, with its credentials hidden from `Debug`.
pub(super) fn captured<T, E>(outcome: Result<T, RequestTokenError<Captured, E>>) -> Result<HttpRequest>
where
    E: oauth2::ErrorResponse + 'static,
{
    match outcome {
        Err(RequestTokenError::Request(Captured(mut request))) => {
            if let Some(header) = request.headers_mut().get_mut(AUTHORIZATION) {
                header.set_sensitive(true);
            }
            Ok(*request)
        }
        // The crate builds or it captures. What it says when it cannot build is not passed on.
        _ => Err(unbuildable()),
    }
}

/// A POST of `parameters`, the client's credentials and the permitted `extra` (RFC 6749 3.2, 2.3.1).
pub(super) fn form_request(
    endpoint: &Url,
    client: &Client<'_>,
    parameters: &[(&str, &str)],
    extra: &[(String, String)],
) -> Result<HttpRequest> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut body = Serializer::new(String::new());
    body.extend_pairs(parameters);
    match client.credentials()? {
        Credentials::Public => {
            body.append_pair("client_id", client.client_id);
        }
        Credentials::Assertion(_) => {
            body.append_pair("client_id", client.client_id);
            body.extend_pairs(assertion_parameters(client)?);
        }
        Credentials::Post(secret) => {
            body.append_pair("client_id", client.client_id);
            body.append_pair("client_secret", secret.expose());
        }
        Credentials::Basic(secret) => {
            request = request.header(AUTHORIZATION, basic_authorization(client.client_id, secret)?);
        }
    }
    body.extend_pairs(permitted(extra));
    request.body(body.finish().into_bytes()).map_err(|_| unbuildable())
}

/// RFC 6749 3.2 wants an absolute address; one that is too long for a request line is refused here.
pub(super) fn unbuildable() -> Error {
    Error::new(ErrorKind::ConfigInvalid, "no request can be made to the provider's endpoint")
        .with_help("check the endpoint addresses of the provider's definition")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::ClientAuthentication;
    use crate::secret::Secret;
    use oauth2::{AuthorizationCode, TokenUrl};

    /// The pairs of a form body, decoded.
    pub fn pairs(request: &HttpRequest) -> Vec<(String, String)> {
        url::form_urlencoded::parse(request.body()).into_owned().collect()
    }

    fn public() -> Client<'static> {
        Client {
            client_id: "id",
            authentication: ClientAuthentication::None,
            client_secret: None,
            client_assertion: None,
        }
    }

    #[test]
    fn the_crate_and_this_file_build_the_same() {
        let endpoint = Url::parse("https://as.example/t?tenant=a%20b").unwrap();
        let secret = Secret::new("s:%+ &=é");
        let code = "c +&=%";
        let assertion = Secret::new("a.b.c");
        use ClientAuthentication::{Basic, None, Post, PrivateKeyJwt};
        for authentication in [None, Post, Basic, PrivateKeyJwt] {
            let client = Client {
                client_id: "id:/",
                authentication,
                client_secret: Some(&secret),
                client_assertion: Some(&assertion),
            };
            let theirs = oauth2_client(&client).unwrap().set_token_uri(TokenUrl::from_url(endpoint.clone()));
            let mut theirs = theirs.exchange_code(AuthorizationCode::new(code.to_owned()));
            for (name, value) in assertion_parameters(&client).unwrap() {
                theirs = theirs.add_extra_param(name, value);
            }
            let theirs = captured(theirs.request(&capture)).unwrap();
            let parameters = [("grant_type", "authorization_code"), ("code", code)];
            let ours = form_request(&endpoint, &client, &parameters, &[]).unwrap();
            assert_eq!(ours.body(), theirs.body(), "{authentication}");
            assert_eq!(ours.headers(), theirs.headers(), "{authentication}");
            assert_eq!((ours.uri(), ours.method()), (theirs.uri(), theirs.method()));
            assert!(!format!("{:?} {:?}", ours.headers(), theirs.headers()).contains("Basic"));
        }
    }

    #[test]
    fn extra_parameters_follow_and_override_nothing() {
        let endpoint = Url::parse("https://as.example/t").unwrap();
        let client = public();
        let extra = [("client_id", "evil"), ("resource", "a"), ("resource", "b"), ("grant_type", "password")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = form_request(&endpoint, &client, &[("grant_type", "x")], &extra).unwrap();
        let body = String::from_utf8(request.into_body()).unwrap();
        assert_eq!(body, "grant_type=x&client_id=id&resource=a&resource=b");
    }

    #[test]
    fn an_endpoint_that_is_no_request_target_is_an_error() {
        let client = public();
        let long = Url::parse(&format!("https://as.example/{}", "a".repeat(70_000))).unwrap();
        assert_eq!(form_request(&long, &client, &[], &[]).unwrap_err().code(), "config_invalid");
        let theirs = oauth2_client(&client).unwrap().set_token_uri(TokenUrl::from_url(long));
        let theirs = theirs.exchange_code(AuthorizationCode::new("c".to_owned())).request(&capture);
        assert_eq!(captured(theirs).unwrap_err().code(), "config_invalid");
    }
}
