//! App-only access (RFC 6749 4.4): the client asks for a token in its own name, and nobody is asked anything.
//!
//! There is nothing to lose here: a request whose answer is lost can be sent again, and what comes of it is one token.

use std::time::Duration;

use super::{FlowRequest, Granted};
use crate::error::{Error, Result};
use crate::protocol::{Client, ClientAssertion, Grant, TokenRequest};
use crate::secret::{Secret, random_bytes};
use crate::transport::Limits;

/// Asks for the first token: that the credential is wrong, or not consented to, is said at the login.
pub(super) async fn run(request: &FlowRequest, timeout: Duration) -> Result<Granted> {
    let extra: Vec<_> = request.claims_parameter().into_iter().chain(request.resource_parameter()).collect();
    let mut assertion = None;
    let mut message = request.token_request(Grant::ClientCredentials { scopes: &request.scopes }, &extra);
    let sender = request.sender();
    let sent = sender.send(Limits::ENDPOINT.within(timeout), || {
        assertion = client_assertion(request)?;
        let client = Client { client_assertion: assertion.as_ref(), ..message.client };
        TokenRequest { client, ..message }.to_http()
    });
    let response = sent.await.map_err(Error::from)?;
    message.client.client_assertion = assertion.as_ref();
    let token = request
        .parse(&response)
        .map_err(|error| message.clean(error).to_error("the server did not accept the application"))
        .map_err(Error::of_application)?;
    let learnt = request.learnt_from_token_response(&response)?;
    Ok(Granted { response: token, nonce: None, learnt, farewell: None })
}

/// The proof of a client that has a private key, for one request (RFC 7523 2.2).
fn client_assertion(request: &FlowRequest) -> Result<Option<Secret>> {
    let Some(key) = request.client.key() else { return Ok(None) };
    let endpoints = &request.endpoints;
    let assertion = ClientAssertion {
        key,
        client_id: &request.client.client_id,
        endpoint: endpoints.token.as_str(),
        issuer: endpoints.exact_issuer(),
        accepted: endpoints.assertion_algorithms.as_deref(),
        now: request.clock.now().wall,
        jti: random_bytes()?,
    };
    assertion.to_jwt().map(Some)
}
