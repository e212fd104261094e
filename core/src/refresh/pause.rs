//! When no request is sent although a token is wanted: a server that is in trouble, or has said its word, is not
//! asked by one process after the other. All of it is in the record, so that every process keeps it.
//!
//! | why | how long | whom it binds |
//! |---|---|---|
//! | the server asked (429, `Retry-After`; RFC 9110 10.2.3) | as it said, an hour at most | everybody |
//! | a refresh failed | 10 s | those whose token still works |
//! | the server wants the person, or consent | 60 s | everybody who asks the same: they get the same error |
//! | a new token had ended before it could be used | 30 s | everybody |
//!
//! May not enter: what an answer means (`conclusion`).

use super::Demand;
use crate::clock::{Instant, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::names::ConnectionKey;
use crate::protocol::advised;
use crate::store::{ConnectionRecord, CoolDown, Refusal};

/// See the table.
const AFTER_FAILURE: i64 = 10;
/// See the table. What a person does about it (a login) makes a new record, which this does not bind.
const AFTER_REFUSAL: i64 = 60;
/// See the table.
const AFTER_USELESS_TOKEN: i64 = 30;

/// A token that is given for so few seconds is of no use: times here are whole seconds.
const USELESS: i64 = 1;

/// Why no request for `demand` may be sent now. `can_go_on` is true for a caller who has a token to go on with.
pub(super) fn no_request_yet(
    record: &ConnectionRecord,
    now: &Instant,
    can_go_on: bool,
    demand: &Demand,
) -> Option<Error> {
    let key = &record.key;
    let mut refusals = record.refusals();
    let same = refusals.find(|refusal| refusal.answers(demand.scopes(), demand.claims.as_deref()));
    if let Some(refusal) = same.filter(|refusal| left_of(AFTER_REFUSAL, &refusal.since, now).is_some()) {
        return Some(refused(record, refusal));
    }
    let pause = record.cool_down.as_ref().filter(|pause| !pause.own || can_go_on)?;
    let left = left_of(pause.seconds, &pause.started, now)?;
    let retry_at = now.wall.plus(left);
    Some(match useless_lifetime(record, demand) {
        Some(lifetime) => Error::new(
            ErrorKind::Throttled { retry_at: Some(retry_at) },
            format!(
                "{key}: the server gives tokens that live {lifetime} s; the next is asked for in {left} s"
            ),
        )
        .with_help(
            "tell whoever runs the server: `expires_in` of RFC 6749 5.1 is the token's life in seconds",
        ),
        None => throttled(key, left, retry_at),
    })
}

/// What the server said, and the login that answers it.
pub(super) fn refused(record: &ConnectionRecord, refusal: &Refusal) -> Error {
    let key = &record.key;
    let said = refusal.error.to_error(&format!("{key} could not be refreshed"));
    if record.application && *said.kind() == ErrorKind::ConsentRequired {
        let command = format!("tokenkeep admin-consent {} --connection {}", key.provider, key.connection);
        let help = format!("send an administrator to the address that this prints: `{command}`");
        return said.of_application().with_help(help);
    }
    // Nothing can be added to what an application is given.
    let Some(scopes) = refusal.scopes.as_ref().filter(|_| !record.application) else {
        let login = record.login_command();
        return advised(said.with_help(format!("log in again: `{login}`")), &login, None);
    };
    // The server may call it the end of the grant. It was asked for more than the grant is known to reach, and says
    // no more than that.
    let login = record.wider_login_command(scopes);
    let consent = format!("consent to them: `{login}`");
    let refused = match said.kind() {
        ErrorKind::LoginRequired { .. } | ErrorKind::ConsentRequired => {
            let message = format!("{key} was not granted {scopes}: {}", refusal.error.error);
            let error = Error::new(ErrorKind::ConsentRequired, message).with_help(consent);
            match said.server() {
                Some(server) => error.with_server(server.clone()),
                None => error,
            }
        }
        ErrorKind::InteractionRequired { .. } => said.with_help(consent),
        _ => said,
    };
    advised(refused, &login, None)
}

/// The server asked for a pause, of which `seconds` are left.
pub(super) fn throttled(key: &ConnectionKey, seconds: i64, retry_at: Timestamp) -> Error {
    let message = format!("{key}: the server asked for a pause, of which {seconds} s are left");
    Error::new(ErrorKind::Throttled { retry_at: Some(retry_at) }, message)
}

/// The pause that a server asked for.
pub(super) fn asked_for(seconds: i64, now: &Instant) -> CoolDown {
    // Times are whole seconds here: one more keeps a pause from ending before its time.
    CoolDown { started: now.clone(), seconds: seconds + 1, own: false }
}

/// The pause after a failure: an outage is met by one request every ten seconds, and not by one per call.
pub(super) fn own(now: &Instant) -> CoolDown {
    CoolDown { started: now.clone(), seconds: AFTER_FAILURE, own: true }
}

/// The pause after a refresh that brought a token of no use: without it each call would send the next one.
pub(super) fn after_useless_token(
    rotated: &ConnectionRecord,
    demand: &Demand,
    now: &Instant,
) -> Option<CoolDown> {
    let pause = || CoolDown { started: now.clone(), seconds: AFTER_USELESS_TOKEN, own: false };
    useless_lifetime(rotated, demand).map(|_| pause())
}

/// True for an error that the same request would bring again until a person, or their administrator, has acted.
pub(super) fn is_final_for_now(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InteractionRequired { .. } | ErrorKind::ConsentRequired)
}

fn useless_lifetime(record: &ConnectionRecord, demand: &Demand) -> Option<i64> {
    demand.token(record)?.lifetime.filter(|lifetime| *lifetime <= USELESS)
}

/// Seconds that are left of a time that began at `since`.
fn left_of(seconds: i64, since: &Instant, now: &Instant) -> Option<i64> {
    // A clock that went backwards must not make a pause last for years: it is over.
    let left = seconds - now.age_since(since)?;
    (left > 0).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::OauthError;
    use crate::store::tests::record;

    #[test]
    fn what_nobody_consented_to_is_an_administrators_affair_where_nobody_logs_in() {
        let error = OauthError {
            error: "invalid_grant".to_owned(),
            suberror: Some("consent_required".to_owned()),
            error_codes: vec![65001],
            ..OauthError::default()
        };
        let since = Instant { wall: Timestamp::from_unix(0), boot: None };
        let refusal = Refusal { since, error, claims: None, scopes: None };
        let person = record("microsoft/work");
        let application = ConnectionRecord { application: true, ..person.clone() };
        assert_eq!(refused(&person, &refusal).code(), "consent_required");
        let said = refused(&application, &refusal);
        assert_eq!((said.code(), said.server().unwrap().error_codes[0]), ("admin_consent_required", 65001));
        assert!(
            said.help().contains("`tokenkeep admin-consent microsoft --connection work`"),
            "{}",
            said.help()
        );
    }
}
