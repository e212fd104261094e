//! The device code flow (RFC 8628): the person enters a code on any device while this process asks the
//! token endpoint, at the server's pace, whether that has happened.
//!
//! | a poll's answer | what follows |
//! |---|---|
//! | a token response | the grant |
//! | `authorization_pending` | the next poll, one interval later |
//! | `slow_down` | five seconds more from now on, or the server's own new interval if that is longer |
//! | none, or a server in trouble | twice the interval, up to a minute (RFC 8628 3.5) |
//! | `access_denied`, Microsoft's `authorization_declined` | `access_denied` |
//! | `expired_token`, Microsoft's `code_expired`; or the code's life is over | `login_timed_out` |
//! | anything else | the error, as the server put it |
//!
//! May not enter: the device code outside of a request. The person sees the user code alone.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::authorization_code::timed_out;
use super::interaction::DeviceAuthorization;
use super::{FlowRequest, Granted, ask};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse, DevicePoll, Grant, TokenEndpointError,
    classify_device_poll, parse_device_authorization_response,
};
use crate::transport::{Limits, content_type};

/// RFC 8628 3.5: `slow_down` adds this to the interval, for this and all later polls.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// A server that cannot be reached is asked ever more rarely (RFC 8628 3.5), but not more rarely than this.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Runs the flow to the grant. The person has the shorter of `timeout` and the code's own life.
pub(super) async fn run(request: &FlowRequest, timeout: Duration) -> Result<Granted> {
    let authorization = authorize(request).await?;
    let shown = DeviceAuthorization {
        verification_uri: authorization.verification_uri.clone(),
        user_code: authorization.user_code.clone(),
        verification_uri_complete: authorization.verification_uri_complete.clone(),
        message: authorization.message.clone(),
        expires_in: authorization.expires_in,
    };
    ask(&request.interaction, move |interaction| interaction.show_device_authorization(&shown)).await?;

    let lifetime = Duration::from_secs(u64::try_from(authorization.expires_in).unwrap_or_default());
    match tokio::time::timeout(timeout.min(lifetime), poll(request, &authorization)).await {
        Ok(granted) => granted,
        Err(_) if lifetime <= timeout => Err(expired()),
        Err(_) => Err(timed_out(timeout)),
    }
}

/// RFC 8628 3.1 and 3.2: asks for a device code and a user code.
async fn authorize(request: &FlowRequest) -> Result<DeviceAuthorizationResponse> {
    let endpoint = request.endpoints.device_authorization.as_ref().ok_or_else(|| {
        let message = format!("{} has no device code flow", request.definition.display_name);
        Error::new(ErrorKind::Unsupported, message).with_help("log in with --flow pkce")
    })?;
    let further = request.definition.device.parameters.clone().into_iter();
    let extra: Vec<_> = further.chain(request.resource_parameter()).collect();
    let message = DeviceAuthorizationRequest {
        endpoint,
        client: request.client.as_client(),
        scopes: &request.scopes,
        scope_separator: request.definition.scopes.separator,
        scope_parameter: request.definition.device.scope_parameter.as_deref(),
        dialect: &request.dialect,
        extra: &extra,
    }
    .to_http()?;
    let response = request.transport.send(message, Limits::ENDPOINT).await.map_err(Error::from)?;
    parse_device_authorization_response(response.status().as_u16(), content_type(&response), response.body())
        .map_err(|error| error.to_error("the server gave no device code"))
}

/// RFC 8628 3.4 and 3.5: asks until there is an answer that is final.
async fn poll(request: &FlowRequest, authorization: &DeviceAuthorizationResponse) -> Result<Granted> {
    let mut interval = Duration::from_secs(u64::try_from(authorization.interval).unwrap_or_default());
    loop {
        // RFC 8628 3.5: the first poll waits too, and none comes sooner after the last than the interval.
        sleep_until(Instant::now() + interval).await;
        let extra = request.token_parameters();
        let grant = Grant::DeviceCode {
            device_code: &authorization.device_code,
            grant_type: request.definition.device.grant_type.as_deref(),
            code_parameter: request.definition.device.code_parameter.as_deref(),
        };
        let mut message = request.token_request(grant, &extra);
        if let Some(own) = &request.endpoints.device_token {
            message.endpoint = own;
        }
        let response = match request.sender().send(Limits::ENDPOINT, || message.to_http()).await {
            Ok(response) => response,
            Err(error) => {
                tracing::info!(error = %Error::from(error), "a poll found no answer");
                interval = (interval * 2).min(MAX_INTERVAL);
                continue;
            }
        };
        let separator = request.response_scope_separator();
        match classify_device_poll(
            response.status().as_u16(),
            content_type(&response),
            response.body(),
            separator,
            &request.dialect,
            request.token_type(),
        ) {
            DevicePoll::Granted(granted) => {
                let learnt = request.learnt_from_token_response(&response)?;
                return Ok(Granted { response: *granted, nonce: None, learnt, farewell: None });
            }
            DevicePoll::Pending => {}
            DevicePoll::SlowDown { interval: wanted } => {
                let wanted = wanted.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
                interval = (interval + SLOW_DOWN).max(wanted.unwrap_or_default());
            }
            DevicePoll::Denied(said) => {
                let said = message.clean(TokenEndpointError::Oauth(said));
                return Err(said.to_error("the login on the other device was refused"));
            }
            DevicePoll::Expired(said) => return Err(expired().with_server(said.said())),
            DevicePoll::Failed(error) if error.to_error("").retryable() => {
                tracing::info!(%error, "a poll found the server in trouble");
                interval = (interval * 2).min(MAX_INTERVAL);
            }
            DevicePoll::Failed(error) => {
                return Err(message.clean(error).to_error("the device code was not accepted"));
            }
        }
    }
}

/// The code's life is over, by the server's word or by our clock.
fn expired() -> Error {
    Error::new(ErrorKind::LoginTimedOut, "the device code has expired")
        .with_help("run the login again and enter the new code in time")
}
