//! Steps 3 to 7 of a refresh: the lock, the re-read, the marker, the request, the durable write.
//!
//! What an answer means for the record, and for a caller whose token still works or does not:
//!
//! | answer | record | caller |
//! |---|---|---|
//! | a token response | rotated, durable | gets the new token |
//! | `invalid_grant` | marked `login_required`, kept | old token while it works, then `login_required` |
//! | another OAuth error | a short pause | old token while it works, then the error: the grant lives on |
//! | 429, or `Retry-After` | a pause for all processes | old token while it works, then `throttled` |
//! | 5xx, HTML, nothing that can be read | a short pause; the marker stays | old token while it works, then `network` |
//! | none, and the request never left | a short pause | old token while it works, then `network` |
//! | none, and it may have left | the marker stays; sent once more | as the second answer says |
//!
//! A store that cannot be written is no different: whoever has a working token goes on with it.
//!
//! May not enter: where the endpoint is found (the record says it), and how long a token is fresh.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{Demand, Parts, Refreshed, freshness, retry_after};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, LoginReason, Result};
use crate::names::ConnectionKey;
use crate::protocol::{Grant, TokenEndpointError, TokenRequest, TokenResponse, parse_token_response};
use crate::secret::Secret;
use crate::store::{
    ConnectionRecord, ConnectionStatus, CoolDown, Locked, RecordClient, RefreshAttempt, off_thread,
};
use crate::transport::{Limits, TransportError, content_type};

/// How often a request whose answer was lost is sent, all in all. Entra and servers with a grace period
/// answer the second one; on others the grant was gone with the first.
const SENDS: u32 = 2;

/// How long all sends together may take. What is lost later than half of it is left to the next caller,
/// who finds the marker: a server that slow would be asked for nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a caller with a token that still works waits for the lock: it has something to go on with.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Seconds in which a failed refresh is not tried again for those whose token still works.
const PAUSE_AFTER_FAILURE: i64 = 10;

/// Refreshes `key` unless that turns out not to be needed. While the token at hand works, and is not the one
/// that the caller found to be of no use, no failure is the caller's.
///
/// Runs in a task of its own: from the request to the write nothing here can be cancelled.
pub(super) async fn refresh(parts: &Parts, key: &ConnectionKey, demand: &Demand) -> Result<Refreshed> {
    let before = read(parts, key).await?;
    let has_something = usable(&before, &parts.clock.now(), demand);
    let wait = if has_something { parts.lock_wait.min(SHORT_WAIT) } else { parts.lock_wait };
    let outcome = refresh_locked(parts, key, demand, wait).await;
    match outcome {
        // Read again: a holder that was too slow for this caller may be done by now, and somebody may have
        // logged out.
        Err(error) => match read(parts, key).await {
            Ok(record) if usable(&record, &parts.clock.now(), demand) => {
                tracing::info!(connection = %key, code = error.code(), %error, "not refreshed; the token still works");
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
    if demand.is_met_by(&record, &*parts.clock) {
        return Ok(Refreshed { record, settled: false });
    }
    if let ConnectionStatus::LoginRequired { reason, .. } = record.status {
        return Err(login_required(key, reason));
    }
    let now = parts.clock.now();
    let binding = record.cool_down.as_ref().filter(|pause| !pause.own || usable(&record, &now, demand));
    if let Some(remaining) = remaining_pause(binding, &now) {
        // The pause is every process's: none sends a request to find out by itself.
        let retry_at = Some(now.wall.plus(remaining));
        let message = format!("{key}: the server asked for a pause, of which {remaining} s are left");
        return Err(Error::new(ErrorKind::Throttled { retry_at }, message));
    }
    exchange(parts, &locked, key, record).await
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
/// (RFC 6749 6). The lock is held from before the read until after the write, so the refresh token that
/// is sent is the one that is stored, and the answer goes to the record that it was asked for.
async fn exchange(
    parts: &Parts,
    locked: &Locked,
    key: &ConnectionKey,
    mut record: ConnectionRecord,
) -> Result<Refreshed> {
    let Some(refresh_token) = record.refresh_token.clone() else {
        let now = parts.clock.now();
        let error = login_required(key, LoginReason::NoRefreshToken);
        let works = record.access_tokens.first().is_some_and(|token| freshness(token, &now, 0).is_valid());
        // While the token works the login has not ended, also for a caller that would rather have another.
        return if works { Err(error) } else { end_grant(parts, locked, record, error).await };
    };
    let before = record.refresh_attempt.take();
    let lost_before = before.as_ref().map_or(0, |attempt| attempt.count);
    let endpoint = Url::parse(&record.server.token_endpoint)
        .map_err(|_| Error::new(ErrorKind::StoreCorrupt, format!("{key}: its token endpoint is no URL")))?;
    let (store, read) = (Arc::clone(&parts.store), record.clone());
    let client = off_thread(move || store.client_of(&read)).await?;

    let begun = std::time::Instant::now();
    for send in 1..=SENDS {
        // Step 5. Durable before the request can leave: a kill after this line is known for what it is.
        record.refresh_attempt =
            Some(RefreshAttempt { started: parts.clock.now(), count: lost_before.saturating_add(send) });
        locked.write(&record).await?;

        let limits = Limits::ENDPOINT.within(PATIENCE.saturating_sub(begun.elapsed()));
        let request = refresh_request(&endpoint, &client, &record, &refresh_token);
        let answer = parts.transport.send(request.to_http()?, limits).await;
        let now = parts.clock.now();
        match answer {
            Ok(response) => {
                let outcome = parse(&response, &record).map_err(|error| request.clean(error));
                let pause = retry_after::pause(response.status(), response.headers(), now.wall);
                // Times are whole seconds here: one more keeps a pause from ending before its time.
                let pause = pause.map(|seconds| seconds + 1);
                return conclude(parts, locked, record, Answer { outcome, pause, now }).await;
            }
            Err(TransportError::NotSent(error)) => {
                // Nothing left, so nothing was lost by this send; what an earlier one lost stays noted.
                let lost = lost_before.saturating_add(send - 1);
                record.refresh_attempt =
                    (lost > 0).then(|| RefreshAttempt { started: now.clone(), count: lost });
                // What never left for a reason of ours (a URL that is not allowed) is no server's trouble.
                record.cool_down = (*error.kind() == ErrorKind::Network).then(|| own_pause(&now));
                locked.write(&record).await?;
                return Err(error);
            }
            // The server may have rotated the refresh token and the answer is gone. The same token once
            // more is the only way to find out, and nobody else can come in between: the lock is held.
            Err(TransportError::MaybeSent(error)) if send < SENDS && begun.elapsed() < PATIENCE / 2 => {
                tracing::info!(connection = %key, %error, "the answer was lost; sending once more");
            }
            Err(TransportError::MaybeSent(error)) => {
                record.cool_down = Some(own_pause(&now));
                locked.write(&record).await?;
                return Err(error);
            }
        }
    }
    Err(Error::new(ErrorKind::Internal, "a refresh without a send"))
}

/// What came back, and when.
struct Answer {
    outcome: Result<TokenResponse, TokenEndpointError>,
    pause: Option<i64>,
    now: Instant,
}

/// Steps 6 and 7: what the answer means for the record.
async fn conclude(
    parts: &Parts,
    locked: &Locked,
    mut record: ConnectionRecord,
    Answer { outcome, pause, now }: Answer,
) -> Result<Refreshed> {
    let error = match outcome {
        Ok(response) => {
            let rotated = record.rotated(&response, now)?;
            // Step 6. Nobody gets the token before its refresh token is safe, unless the disk refuses.
            if let (Err(error), Some(sent)) = (locked.write(&rotated).await, &record.refresh_token) {
                parts.unsaved.keep(sent, &rotated, &error);
            }
            return Ok(Refreshed { record: rotated, settled: true });
        }
        Err(error) => error,
    };
    let key = record.key.clone();
    if ends_grant(&error) {
        let lost = record.refresh_attempt.as_ref().is_some_and(|attempt| attempt.count > 1);
        let reason = if lost { LoginReason::ResponseLost } else { LoginReason::GrantEnded };
        let refused = error.to_error(&format!("{key}: {}", what_ended(reason)));
        let mut ended = Error::new(ErrorKind::LoginRequired { reason }, refused.message())
            .with_help(format!("log in again: `{}`", login_command(&key)));
        if let Some(server) = refused.server() {
            ended = ended.with_server(server.clone());
        }
        return end_grant(parts, locked, record, ended).await;
    }
    if is_the_servers_own(&error) {
        // The server answered, and it was not about this grant: no answer was lost.
        record.refresh_attempt = None;
    }
    let asked = pause.map(|seconds| CoolDown { started: now.clone(), seconds, own: false });
    record.cool_down = Some(asked.unwrap_or_else(|| own_pause(&now)));
    locked.write(&record).await?;
    Err(match pause {
        Some(seconds) => {
            let retry_at = Some(now.wall.plus(seconds));
            Error::new(
                ErrorKind::Throttled { retry_at },
                format!("{key}: the server asked for a pause of {seconds} s"),
            )
        }
        None => error.to_error(&format!("{key} could not be refreshed")),
    })
}

/// True when the authorization server itself answered, and did not act. A page or a 5xx may come from something
/// in between, which gave up waiting for a server that went on to rotate.
fn is_the_servers_own(error: &TokenEndpointError) -> bool {
    matches!(error, TokenEndpointError::Oauth(_) | TokenEndpointError::NotOauth { status: 429, .. })
}

/// True when the server said, in OAuth's words, that this grant is over (RFC 6749 5.2 `invalid_grant`, and
/// what GitHub and Slack call it). Nothing else ends a login: not a 401, not a page, not a number.
fn ends_grant(error: &TokenEndpointError) -> bool {
    matches!(error, TokenEndpointError::Oauth(error) if matches!(error.kind(), ErrorKind::LoginRequired { .. }))
}

/// Step 7. Marks the grant of `sent` as ended, unless the record has meanwhile become another.
async fn end_grant(
    parts: &Parts,
    locked: &Locked,
    sent: ConnectionRecord,
    error: Error,
) -> Result<Refreshed> {
    // The lock keeps every Tokenkeep out; a store that was copied back, or a file system whose locks
    // do not hold, is what this read is for.
    let Some(current) = locked.read().await? else { return Err(not_connected(&sent.key)) };
    if current.grant_id != sent.grant_id || current.refresh_token != sent.refresh_token {
        return Ok(Refreshed { record: current, settled: true });
    }
    let now = parts.clock.now();
    let mut ended = current;
    if let ErrorKind::LoginRequired { reason } = *error.kind() {
        ended.status = ConnectionStatus::LoginRequired { reason, since: now.wall };
    }
    ended.refresh_attempt = None;
    ended.cool_down = None;
    locked.write(&ended).await?;
    Err(error)
}

/// True when the caller can go on with the token at hand: the server would take it, as most do also after the
/// grant has ended, and it is not the one that the caller has found to be of no use.
fn usable(record: &ConnectionRecord, now: &Instant, demand: &Demand) -> bool {
    record.access_tokens.first().is_some_and(|token| {
        freshness(token, now, 0).is_valid() && demand.replaces.as_ref() != Some(&token.secret)
    })
}

/// The pause after a failure. All processes keep it: an outage is met by one request every ten seconds, and
/// not by one per call.
fn own_pause(now: &Instant) -> CoolDown {
    CoolDown { started: now.clone(), seconds: PAUSE_AFTER_FAILURE, own: true }
}

/// The record's refresh request (RFC 6749 6).
fn refresh_request<'a>(
    endpoint: &'a Url,
    client: &'a RecordClient,
    record: &'a ConnectionRecord,
    refresh_token: &'a Secret,
) -> TokenRequest<'a> {
    let scopes = record.refresh_scopes.as_ref().unwrap_or(&record.requested_scopes);
    TokenRequest {
        endpoint,
        client: client.as_client(),
        grant: Grant::RefreshToken {
            refresh_token,
            scopes: record.server.scope_on_refresh.then_some(scopes),
        },
        scope_separator: record.server.scope_separator,
        extra: &[],
    }
}

/// Reads the answer as the connection's server writes it.
fn parse(
    response: &http::Response<Vec<u8>>,
    record: &ConnectionRecord,
) -> Result<TokenResponse, TokenEndpointError> {
    let separator = record.server.response_scope_separator.unwrap_or(record.server.scope_separator);
    parse_token_response(response.status().as_u16(), content_type(response), response.body(), separator)
}

/// Seconds that a pause still lasts.
fn remaining_pause(cool_down: Option<&CoolDown>, now: &Instant) -> Option<i64> {
    let cool_down = cool_down?;
    // A clock that went backwards must not make a pause last for years: it is over.
    let remaining = cool_down.seconds - now.age_since(&cool_down.started)?;
    (remaining > 0).then_some(remaining)
}

/// There is nothing to refresh: nobody has logged in, or somebody has logged out.
pub(crate) fn not_connected(key: &ConnectionKey) -> Error {
    Error::new(ErrorKind::NotConnected, format!("{key} is not connected"))
        .with_help(format!("log in: `{}`", login_command(key)))
}

/// The grant has ended.
fn login_required(key: &ConnectionKey, reason: LoginReason) -> Error {
    Error::new(ErrorKind::LoginRequired { reason }, format!("{key}: {}", what_ended(reason)))
        .with_help(format!("log in again: `{}`", login_command(key)))
}

fn what_ended(reason: LoginReason) -> &'static str {
    match reason {
        LoginReason::GrantEnded => "the server no longer accepts the grant",
        LoginReason::NoRefreshToken => "the access token has expired and there is no refresh token",
        LoginReason::ResponseLost => {
            "an answer was lost on the way and the server no longer accepts the grant"
        }
    }
}

/// What to type to log in to this very connection.
pub(crate) fn login_command(key: &ConnectionKey) -> String {
    let connection = &key.connection;
    if *connection == Default::default() {
        format!("tokenkeep login {}", key.provider)
    } else {
        format!("tokenkeep login {} --connection {connection}", key.provider)
    }
}
