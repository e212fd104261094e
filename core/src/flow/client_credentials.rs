//! App-only access (RFC 6749 4.4): the client asks for a token in its own name, and nobody is asked anything.
//!
//! There is nothing to lose here: a request whose answer is lost can be sent again, and what comes of it is one token.

use std::time::Duration;

use super::{FlowRequest, Granted};
use crate::error::{Error, Result};
use crate::protocol::{Grant, client_assertion, parse_token_response};
use crate::secret::random_bytes;
use crate::transport::{Limits, content_type};

/// Asks for the first token: that the credential is wrong, or not consented to, is said at the login.
pub(super) async fn run(request: &FlowRequest, timeout: Duration) -> Result<Granted> {
    let client = &request.client;
    let endpoint = request.endpoints.token.as_str();
    let now = request.clock.now().wall;
    let assertion = client
        .certificate()
        .map(|pem| client_assertion(pem, &client.client_id, endpoint, now, random_bytes()?))
        .transpose()?;
    let extra: Vec<_> = request.claims_parameter().into_iter().chain(request.resource_parameter()).collect();
    let mut message = request.token_request(Grant::ClientCredentials { scopes: &request.scopes }, &extra);
    message.client.client_assertion = assertion.as_ref();
    let sent = request.transport.send(message.to_http()?, Limits::ENDPOINT.within(timeout)).await;
    let response = sent.map_err(Error::from)?;
    let separator = request.response_scope_separator();
    let token = parse_token_response(
        response.status().as_u16(),
        content_type(&response),
        response.body(),
        separator,
        &request.dialect,
    )
    .map_err(|error| message.clean(error).to_error("the server did not accept the application"))
    .map_err(Error::of_application)?;
    let learnt = request.learnt_from_token_response(&response)?;
    Ok(Granted { response: token, nonce: None, learnt, farewell: None })
}
