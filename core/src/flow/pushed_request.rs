//! The authorization request on its way to the server before the browser opens (RFC 9126): what is asked for is then
//! neither in the browser's history nor in anybody's hands but the server's.
//!
//! A reference is good for one use and a short time (RFC 9126 4), so it is asked for when the listener is bound and right
//! before the person is sent there.
//!
//! May not enter: what is asked for.

use url::Url;

use super::FlowRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{AuthorizationRequest, PushedAuthorizationRequest, parse_pushed_authorization};
use crate::transport::{Limits, content_type};

/// Where to send the person with a reference to the request; `None` where the server takes no requests beforehand.
///
/// # Errors
/// `unsupported` when the server wants it so and does not say where; those of a token endpoint.
pub(super) async fn push(
    request: &FlowRequest,
    authorization: &AuthorizationRequest<'_>,
) -> Result<Option<Url>> {
    let Some(endpoint) = &request.endpoints.pushed_authorization else {
        if request.endpoints.pushed_authorization_required {
            let message = "the server takes pushed authorization requests alone, and does not say where";
            return Err(Error::new(ErrorKind::Unsupported, message).with_help(
                "its metadata lack pushed_authorization_request_endpoint (RFC 9126 5); tell whoever runs it",
            ));
        }
        return Ok(None);
    };
    let pushed =
        PushedAuthorizationRequest { endpoint, client: request.client.as_client(), request: *authorization };
    // Nothing is lost with an answer: a request that nobody refers to is never acted on.
    let response = request.transport.send(pushed.to_http()?, Limits::ENDPOINT).await.map_err(Error::from)?;
    let status = response.status().as_u16();
    let request_uri = parse_pushed_authorization(status, content_type(&response), response.body())
        .map_err(|error| pushed.clean(error).to_error("the server did not take the authorization request"))?;
    Ok(Some(pushed.url(&request_uri)))
}
