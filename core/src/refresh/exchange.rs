//! Steps 3 to 5 of a refresh: the lock, the re-read, the marker, the request. What its answer means is in
//! `conclusion`.
//!
//! May not enter: where the endpoint is found (the record says it), and how long a token is fresh.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::conclusion::{Answer, conclude, end_grant};
use super::credential::credential_warning;
use super::{Demand, Parts, Refreshed, freshness, pause, retry_after};
use crate::clock::{Instant, Timestamp};
use crate::dpop::TokenSender;
use crate::error::{Error, ErrorKind, LoginReason, Result};
use crate::login_command::LoginCommand;
use crate::names::ConnectionKey;
use crate::protocol::{
    Client, ClientAssertion, DpopKey, Grant, TokenEndpointError, TokenRequest, TokenResponse, TokenType,
    claims, parse_token_response,
};
use crate::secret::{Secret, random_bytes};
use crate::store::{
    ConnectionRecord, ConnectionStatus, Locked, RecordClient, RefreshAttempt, Renewal, off_thread,
};
use crate::transport::{Limits, TransportError, content_type};

/// How often a request is tried whose connection failed, or whose answer was lost, all in all. Entra and
/// servers with a grace period answer a second one; on others the grant was gone with the first.
const SENDS: u32 = 2;

/// How long all sends together may take. What is lost later than half of it is left to the next caller,
/// who finds the marker: a server that slow would be asked for nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that fails within this time is tried once more.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How long a caller with a token that still works waits for the lock: it has something to go on with.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Refreshes `key` unless that turns out not to be needed. While the token at hand works, and is not the one
/// that the caller found to be of no use, no failure is the caller's.
///
/// Runs in a task of its own: from the request to the write nothing here can be cancelled.
pub(super) async fn refresh(parts: &Parts, key: &ConnectionKey, demand: &Demand) -> Result<Refreshed> {
    let before = read(parts, key).await?;
    let has_something = can_go_on(demand, &before, &parts.clock.now());
    let wait = if has_something { parts.lock_wait.min(SHORT_WAIT) } else { parts.lock_wait };
    let outcome = refresh_locked(parts, key, demand, wait).await;
    match outcome {
        // Read again: a holder that was too slow for this caller may be done by now, and somebody may have
        // logged out.
        Err(error) => match read(parts, key).await {
            Ok(record) if demand.can_use(&record, &parts.clock.now()) => {
                tracing::info!(connection = %key, code = error.code(), %error, "not refreshed; the token still works");
                Ok(Refreshed { record, settled: true })
            }
            Ok(record) if is_an_outage(&error) && demand.can_use_extended(&record, &parts.clock.now()) => {
                tracing::warn!(connection = %key, code = error.code(), %error, "not refreshed; the token is in its extended life");
                Ok(Refreshed { record, settled: true })
            }
            _ => Err(error),
        },
        refreshed => refreshed,
    }
}

/// Steps 3 and 4: the lock, the re-read, and what it may make unnecessary.
async fn refresh_locked(
    parts: &Parts,
    key: &ConnectionKey,
    demand: &Demand,
    wait: Duration,
) -> Result<Refreshed> {
    // Nothing but the lock's own bounded wait stands between here and the re-read: the record itself
    // names the endpoint, so that no discovery runs while others wait.
    let locked = Locked::take(&parts.store, key, wait).await?;
    let stored = locked.read().await?.ok_or_else(|| not_connected(key))?;
    let record = parts.unsaved.catch_up(&locked, stored).await;

    // While this caller waited for the lock, its holder may have done the work.
    if demand.is_met_by(&record, &parts.clock.now()) {
        return Ok(Refreshed { record, settled: false });
    }
    if let ConnectionStatus::LoginRequired { reason, .. } = record.status {
        return Err(login_required(&record, reason));
    }
    let now = parts.clock.now();
    if let Some(error) = pause::no_request_yet(&record, &now, can_go_on(demand, &record, &now), demand) {
        return Err(error);
    }
    exchange(parts, &locked, key, record, demand).await
}

/// Writes what could not be written before, if it still counts.
pub(super) async fn catch_up(parts: &Parts, key: &ConnectionKey) -> Result<()> {
    let locked = Locked::take(&parts.store, key, SHORT_WAIT).await?;
    match locked.read().await? {
        Some(stored) => drop(parts.unsaved.catch_up(&locked, stored).await),
        None => parts.unsaved.forget(key),
    }
    Ok(())
}

/// The record without the lock: good for knowing how long to wait, and for nothing else.
async fn read(parts: &Parts, key: &ConnectionKey) -> Result<ConnectionRecord> {
    let (store, read_key) = (Arc::clone(&parts.store), key.clone());
    off_thread(move || store.get(&read_key)).await?.ok_or_else(|| not_connected(key))
}

/// Sends the refresh token of `record`, which was read under the lock, and writes the answer down
/// (RFC 6749 6); an application's client asks in its own name (RFC 6749 4.4.2). The lock is held from before the read until after the write, so the refresh token that
/// is sent is the one that is stored, and the answer goes to the record that it was asked for.
async fn exchange(
    parts: &Parts,
    locked: &Locked,
    key: &ConnectionKey,
    mut record: ConnectionRecord,
    demand: &Demand,
) -> Result<Refreshed> {
    let renewal = demand.renewal(&record);
    let refresh_token = record.refresh_token.clone().filter(|_| !record.application);
    if refresh_token.is_none() && !record.application {
        let now = parts.clock.now();
        let error = login_required(&record, LoginReason::NoRefreshToken);
        let works = record.access_tokens.iter().any(|token| freshness(token, &now, 0).is_valid());
        // While a token works the login has not ended, also for a caller that would rather have another.
        return if works { Err(error) } else { end_grant(parts, locked, record, error).await };
    }
    let mut lost = record.refresh_attempt.take();
    let server = &record.server;
    let own = server.refresh_endpoint.as_ref().filter(|_| !record.application);
    let endpoint = Url::parse(own.unwrap_or(&server.token_endpoint))
        .map_err(|_| Error::new(ErrorKind::StoreCorrupt, format!("{key}: its token endpoint is no URL")))?;
    let (store, read) = (Arc::clone(&parts.store), record.clone());
    let client = off_thread(move || store.client_of(&read)).await?;

    if let Some(warning) = credential_warning(key, client.credential_expires_at, parts.clock.now().wall) {
        // A script that asks for a token is not talked to; `list`, `get` and `doctor` say it aloud.
        tracing::info!(connection = %key, "{warning}");
    }
    let claims = claims::merged(renewal.claims.as_deref(), &client.capabilities)?;
    let claims = claims.map(|claims| ("claims".to_owned(), claims));
    let resource = record.server.resource.clone().map(|resource| ("resource".to_owned(), resource));
    let further = server.dialect.refresh_parameters.clone().into_iter().filter(|_| !record.application);
    let extra: Vec<_> = claims.into_iter().chain(resource).chain(further).collect();
    let key_of_tokens = record.dpop_key.as_ref().map(DpopKey::read).transpose()?;
    let Parts { transport, nonces, clock, .. } = parts;
    let sender = TokenSender { transport, clock: &**clock, nonces, key: key_of_tokens.as_ref() };
    let begun = std::time::Instant::now();
    for send in 1..=SENDS {
        // Step 5. Durable before the request can leave: a kill after this line is known for what it is.
        record.refresh_attempt = Some(RefreshAttempt::after(lost.as_ref(), parts.clock.now()));
        locked.write(&record).await?;

        let limits = Limits::ENDPOINT.within(PATIENCE.saturating_sub(begun.elapsed()));
        let mut request =
            refresh_request(&endpoint, client.as_client(), &record, &renewal, refresh_token.as_ref(), &extra);
        let mut assertion = None;
        let answer = sender.send(limits, || {
            assertion = client_assertion_of(&client, &record, &endpoint, parts.clock.now().wall)?;
            let client = Client { client_assertion: assertion.as_ref(), ..request.client };
            TokenRequest { client, ..request }.to_http()
        });
        let answer = answer.await;
        request.client.client_assertion = assertion.as_ref();
        let now = parts.clock.now();
        match answer {
            Ok(response) => {
                let outcome = parse(&response, &record).map_err(|error| request.clean(error));
                let asked = retry_after::pause(response.status(), response.headers(), now.wall);
                let answer = Answer { outcome, asked, now, demand, renewal, client };
                return conclude(parts, locked, record, answer).await;
            }
            // A connection that failed at once may have met a server that was just starting anew. Who waited
            // longer than that is told.
            Err(TransportError::NotSent(error))
                if send < SENDS && *error.kind() == ErrorKind::Network && begun.elapsed() < AT_ONCE =>
            {
                tracing::info!(connection = %key, %error, "the connection failed; trying once more");
            }
            Err(TransportError::NotSent(error)) => {
                // Nothing left, so nothing was lost by this send; what an earlier one lost stays noted.
                record.refresh_attempt = lost;
                // What never left for a reason of ours (a URL that is not allowed) is no server's trouble.
                record.cool_down = (*error.kind() == ErrorKind::Network).then(|| pause::own(&now));
                locked.write(&record).await?;
                return Err(error);
            }
            // The server may have rotated the refresh token and the answer is gone. The same token once
            // more is the only way to find out, and nobody else can come in between: the lock is held.
            Err(TransportError::MaybeSent(error)) if send < SENDS && begun.elapsed() < PATIENCE / 2 => {
                tracing::info!(connection = %key, %error, "the answer was lost; sending once more");
                lost = record.refresh_attempt.take();
            }
            Err(TransportError::MaybeSent(error)) => {
                record.cool_down = Some(pause::own(&now));
                locked.write(&record).await?;
                return Err(error);
            }
        }
    }
    Err(Error::new(ErrorKind::Internal, "a refresh without a send"))
}

/// True when the caller has something to go on with, should the server be down.
fn can_go_on(demand: &Demand, record: &ConnectionRecord, now: &Instant) -> bool {
    demand.can_use(record, now) || demand.can_use_extended(record, now)
}

/// True when nothing was said of the grant: the server, or the way to it, is in trouble.
fn is_an_outage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Network | ErrorKind::Throttled { .. })
}

/// The assertion of a client that has a private key, for one request (RFC 7523 2.2).
fn client_assertion_of(
    client: &RecordClient,
    record: &ConnectionRecord,
    endpoint: &Url,
    now: Timestamp,
) -> Result<Option<Secret>> {
    let Some(key) = &client.certificate else { return Ok(None) };
    let server = &record.server;
    let assertion = ClientAssertion {
        key,
        client_id: &client.client_id,
        endpoint: endpoint.as_str(),
        issuer: server.exact_issuer(),
        accepted: server.assertion_algorithms.as_deref(),
        now,
        jti: random_bytes()?,
    };
    assertion.to_jwt().map(Some)
}

/// The record's refresh request (RFC 6749 6), or an application's (4.4.2). A resource that the caller named is named to
/// the server.
fn refresh_request<'a>(
    endpoint: &'a Url,
    client: Client<'a>,
    record: &'a ConnectionRecord,
    renewal: &'a Renewal,
    refresh_token: Option<&'a Secret>,
    extra: &'a [(String, String)],
) -> TokenRequest<'a> {
    let named = renewal.requested_scopes.as_ref();
    let login = record.login_scopes();
    let grant = match refresh_token {
        Some(refresh_token) => {
            let login = record.server.scope_on_refresh.then_some(login);
            Grant::RefreshToken { refresh_token, scopes: named.or(login) }
        }
        None => Grant::ClientCredentials { scopes: named.unwrap_or(login) },
    };
    let server = &record.server;
    TokenRequest {
        endpoint,
        client,
        grant,
        scope_separator: server.scope_separator,
        dialect: &server.dialect,
        extra,
    }
}

/// Reads the answer as the connection's server writes it.
fn parse(
    response: &http::Response<Vec<u8>>,
    record: &ConnectionRecord,
) -> Result<TokenResponse, TokenEndpointError> {
    let server = &record.server;
    let separator = server.response_scope_separator.unwrap_or(server.scope_separator);
    let status = response.status().as_u16();
    let wanted = if record.dpop_key.is_some() { TokenType::Dpop } else { TokenType::Bearer };
    let body = response.body();
    parse_token_response(status, content_type(response), body, separator, &server.dialect, wanted)
}

/// There is nothing to refresh: nobody has logged in, or somebody has logged out.
pub(crate) fn not_connected(key: &ConnectionKey) -> Error {
    not_connected_to(key, None)
}

/// The same for the `resource` that a token was asked for.
pub(crate) fn not_connected_to(key: &ConnectionKey, resource: Option<&str>) -> Error {
    let to = resource.map(|resource| format!(" to {resource}")).unwrap_or_default();
    Error::new(ErrorKind::NotConnected, format!("{key} is not connected{to}"))
        .with_help(format!("log in: `{}`", LoginCommand::for_resource(key, resource)))
}

/// The grant has ended.
pub(super) fn login_required(record: &ConnectionRecord, reason: LoginReason) -> Error {
    Error::new(ErrorKind::LoginRequired { reason }, format!("{}: {}", record.key, what_ended(reason)))
        .with_help(format!("log in again: `{}`", record.login_command()))
}

pub(super) fn what_ended(reason: LoginReason) -> &'static str {
    match reason {
        LoginReason::GrantEnded => "the server no longer accepts the grant",
        LoginReason::NoRefreshToken => "the access token has expired and there is no refresh token",
        LoginReason::ResponseLost => {
            "an answer was lost on the way and the server no longer accepts the grant"
        }
    }
}
