//! Finding a protected resource's metadata (RFC 9728 3 and 5), which name its authorization server.
//!
//! May not enter: which of the servers is chosen, and which scopes are asked for (`broker`).

use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{
    Challenge, ProtectedResourceMetadata, origin_of, parse_resource_metadata, resource_address,
    resource_metadata_urls,
};
use crate::transport::{Limits, Transport, TransportError};

/// A resource that takes longer to refuse a request may be answering it, with a stream of events for one.
const REFUSAL: Duration = Duration::from_secs(5);

/// What the resource answers a request without a token with (RFC 9728 5.1). It need not refuse it, nor this method.
///
/// # Errors
/// `config_invalid` for an address that no request may go to; `network` when it cannot be reached.
pub async fn ask_resource(transport: &Transport, resource: &str) -> Result<Vec<Challenge>> {
    let request = get(&resource_address(resource)?, "application/json, text/event-stream")?;
    match transport.send(request, Limits::METADATA.within(REFUSAL)).await {
        Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
            Ok(Challenge::parse_all(response.headers().get_all(header::WWW_AUTHENTICATE)))
        }
        // No answer in time is none about tokens either.
        Ok(_) | Err(TransportError::MaybeSent(_)) => Ok(Vec::new()),
        Err(TransportError::NotSent(error)) => Err(error),
    }
}

/// The metadata of `resource`: from the address that its challenge `announced`, else from those that are derived from
/// its own (RFC 9728 3.1); the first document that names this very resource counts. `None` when there is no document
/// at any of them.
///
/// # Errors
/// - `config_invalid`: it is not the address of a resource, or not reachable over https.
/// - `provider_rejected`: the document of another resource (RFC 9728 3.3), or of another host.
/// - `network`: it could not be reached, or does not say whether there is a document.
pub async fn discover_resource(
    transport: &Transport,
    resource: &str,
    announced: Option<&Url>,
) -> Result<Option<ProtectedResourceMetadata>> {
    let url = resource_address(resource)?;
    transport.check(&url)?;
    let mut addresses = resource_metadata_urls(&url);
    if let Some(announced) = announced {
        // Who may write a challenge is not known here; who answers at the resource's own host is.
        if announced.origin() != url.origin() {
            return Err(elsewhere(resource, announced));
        }
        addresses.retain(|address| address != announced);
        addresses.insert(0, announced.clone());
    }
    let mut refused = None;
    for address in addresses {
        let response = transport.send(get(&address, "application/json")?, Limits::METADATA).await;
        let response = response.map_err(Error::from)?;
        match read(resource, &address, &response) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            // Kept, and the other addresses tried: a page that is no metadata may answer any of them.
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map_or(Ok(None), Err)
}

/// What one address answered; `None` when there is nothing. Only a server that says so is believed on that: else its
/// trouble would make another the one to ask.
fn read(
    resource: &str,
    address: &Url,
    response: &Response<Vec<u8>>,
) -> Result<Option<ProtectedResourceMetadata>> {
    let status = response.status();
    match status {
        StatusCode::OK => parse_resource_metadata(resource, address, response.body()).map(Some),
        StatusCode::TOO_MANY_REQUESTS => Err(unanswered(resource, status)),
        status if status.is_client_error() => Ok(None),
        status => Err(unanswered(resource, status)),
    }
}

fn get(url: &Url, accept: &str) -> Result<Request<Vec<u8>>> {
    Request::get(url.as_str())
        .header(header::ACCEPT, accept)
        .body(Vec::new())
        .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "the resource's address is too long for a request"))
}

fn unanswered(resource: &str, status: StatusCode) -> Error {
    let status = status.as_u16();
    let message = format!("the metadata of {resource} were not to be had: it answered with status {status}");
    if (300..400).contains(&status) {
        return Error::new(ErrorKind::ProviderRejected, message)
            .with_help("no redirect is followed here: name the address that the resource really has");
    }
    Error::new(ErrorKind::Network, message)
}

fn elsewhere(resource: &str, announced: &Url) -> Error {
    let host = origin_of(announced);
    let message =
        format!("the metadata of {resource} cannot be used: its challenge says that they are at {host}");
    Error::new(ErrorKind::ProviderRejected, message).with_help(
        "a resource's metadata are at its own host (RFC 9728 3.1); tell whoever runs it, and check where the challenge \
         is from",
    )
}
