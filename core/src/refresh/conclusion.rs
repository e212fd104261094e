//! Steps 6 and 7 of a refresh: what an answer means for the record, and for a caller whose token still works or
//! does not.
//!
//! | answer | record | caller |
//! |---|---|---|
//! | a token response | rotated, durable | gets the new token |
//! | `invalid_grant` | marked `login_required`, kept | old token while it works, then `login_required` |
//! | the same to a question that is wider than the grant is known to be | the error, for a minute | `consent_required`: the grant lives on |
//! | any OAuth error to an application | a short pause | old token while it works, then the error |
//! | another OAuth error | a short pause | old token while it works, then the error: the grant lives on |
//! | one that only the person can answer | the error, for a minute | old token while it works, then the same error |
//! | a token that has ended already | rotated, durable; a pause | gets it; the next one waits: `throttled` |
//! | 429, or `Retry-After` | a pause for all processes | old token while it works, then `throttled` |
//! | a success that cannot be used, or whose token is not bound to the key | its refresh token, if it has one; a short pause | old token while it works, then the error |
//! | 5xx, HTML, nothing that can be read | a short pause; the marker stays | old token while it works, then `network` |
//! | none, and the request never left, twice | a short pause | old token while it works, then `network` |
//! | none, and it may have left | the marker stays; sent once more | as the second answer says |
//!
//! A store that cannot be written is no different: whoever has a working token goes on with it.
//!
//! May not enter: the request, and how an answer is read.

use super::credential::help_after_its_end;
use super::exchange::{not_connected, what_ended};
use super::{Demand, Parts, Refreshed, pause};
use crate::clock::Instant;
use crate::error::{Error, ErrorKind, LoginReason, Result};
use crate::protocol::{TokenEndpointError, TokenResponse, advised, of_target};
use crate::store::{ConnectionRecord, ConnectionStatus, Locked, RecordClient, Refusal, Renewal};

/// What came back, and when.
pub(super) struct Answer<'a> {
    /// The answer as the protocol reads it.
    pub(super) outcome: Result<TokenResponse, TokenEndpointError>,
    /// Seconds that the server wants to be left alone.
    pub(super) asked: Option<i64>,
    /// When it came.
    pub(super) now: Instant,
    /// What the caller wanted.
    pub(super) demand: &'a Demand,
    /// What was asked for.
    pub(super) renewal: Renewal,
    /// The client that asked.
    pub(super) client: RecordClient,
}

/// Steps 6 and 7: what the answer means for the record.
pub(super) async fn conclude(
    parts: &Parts,
    locked: &Locked,
    mut record: ConnectionRecord,
    Answer { outcome, asked, now, demand, renewal, client }: Answer<'_>,
) -> Result<Refreshed> {
    let error = match outcome {
        Ok(response) => {
            let mut rotated = record.rotated(&response, &renewal, now.clone())?;
            rotated.cool_down = pause::after_useless_token(&rotated, demand, &now);
            // What was renewed in the registration and has worked is the connection's own from here on.
            rotated.client = client;
            // Step 6. Nobody gets the token before its refresh token is safe, unless the disk refuses.
            match (locked.write(&rotated).await, &record.refresh_token) {
                (Err(error), Some(sent)) => parts.unsaved.keep(sent, &rotated, &error),
                // An application's token can be asked for again.
                (Err(error), None) => {
                    tracing::warn!(connection = %record.key, %error, "its token could not be written")
                }
                (Ok(()), _) => {}
            }
            return Ok(Refreshed { record: rotated, settled: true });
        }
        Err(error) => error,
    };
    let key = record.key.clone();
    let login = record.login_command();
    // An application has no grant that could end or be widened: what it is refused, an administrator can change.
    let is_wider = demand.is_wider_than(&record) && !record.application;
    if ends_grant(&error) && !is_wider && !record.application {
        let lost = record
            .refresh_attempt
            .as_ref()
            .is_some_and(|attempt| attempt.may_have_used_up(record.server.rotation, &now));
        let reason = if lost { LoginReason::ResponseLost } else { LoginReason::GrantEnded };
        let refused = error.to_error(&format!("{key}: {}", what_ended(reason)));
        let mut ended = Error::new(ErrorKind::LoginRequired { reason }, refused.message())
            .with_help(format!("log in again: `{login}`"));
        if let Some(server) = refused.server() {
            ended = ended.with_server(server.clone());
        }
        return end_grant(parts, locked, record, advised(ended, &login, None)).await;
    }
    if is_the_servers_own(&error) {
        // The server answered, and it was not about this grant: no answer was lost.
        record.refresh_attempt = None;
    }
    let sent = record.refresh_token.clone();
    if let Some(rotated) = error.refresh_token() {
        // The answer is of no use, and was given all the same: this is what the server takes from here on.
        record.refresh_token = Some(rotated.clone());
        record.refresh_attempt = None;
    }
    let mut refused = refused(&error, &record, &client, &now);
    if let TokenEndpointError::Oauth(said) = &error
        && (pause::is_final_for_now(&refused) || is_wider)
        && !refused.retryable()
    {
        let (scopes, claims) = (renewal.wanted_scopes, renewal.claims);
        let refusal = Refusal { since: now.clone(), error: (**said).clone(), claims, scopes };
        refused = pause::refused(&record, &refusal);
        record.refuse(refusal);
    }
    let asked = asked.map(|seconds| pause::asked_for(seconds, &now));
    record.cool_down = Some(asked.clone().unwrap_or_else(|| pause::own(&now)));
    match (locked.write(&record).await, &sent) {
        // As in step 6: what was rotated and cannot be written is kept.
        (Err(error), Some(sent)) if record.refresh_token.as_ref() != Some(sent) => {
            parts.unsaved.keep(sent, &record, &error);
        }
        (written, _) => written?,
    }
    Err(match asked {
        Some(pause) => pause::throttled(&key, pause.seconds, now.wall.plus(pause.seconds)),
        None => refused,
    })
}

/// What a caller is told whose grant goes on.
fn refused(
    error: &TokenEndpointError,
    record: &ConnectionRecord,
    client: &RecordClient,
    now: &Instant,
) -> Error {
    let mut refused = error.to_error(&format!("{} could not be refreshed", record.key));
    if record.application && matches!(refused.kind(), ErrorKind::LoginRequired { .. }) {
        let server = refused.server().cloned().unwrap_or_default();
        refused = Error::new(ErrorKind::ProviderRejected, refused.message()).with_server(server);
    }
    let refused = advised(refused, &record.login_command(), None);
    let refused = of_target(refused, record.server.resource.as_deref());
    // The server does not say that it is the day that has passed, and it is the likelier reason.
    let ended = help_after_its_end(record, client, now.wall);
    match ended.filter(|_| *refused.kind() == ErrorKind::ProviderRejected) {
        Some(help) => refused.with_help(help),
        None => refused,
    }
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
pub(super) async fn end_grant(
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
    ended.refusal = None;
    ended.earlier_refusals.clear();
    locked.write(&ended).await?;
    Err(error)
}
