//! The end of a client secret or a certificate: known where the user or the certificate told, and said before it comes.
//!
//! May not enter: a decision. A server takes a credential or refuses it; the day that was noted only explains that.

use crate::clock::Timestamp;
use crate::names::ConnectionKey;
use crate::store::{ConnectionRecord, RecordClient};

/// How long before it people want to know.
const IN_GOOD_TIME: i64 = 30 * 86_400;

/// One line on a credential that ends soon or has ended; `None` while there is time, and where its end is not known.
pub(crate) fn credential_warning(
    key: &ConnectionKey,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let expires_at = expires_at.filter(|at| at.seconds_since(now) < IN_GOOD_TIME)?;
    let ends = if expires_at <= now { "ended" } else { "ends" };
    let day = expires_at.date();
    Some(format!(
        "the client secret or certificate of {key} {ends} on {day}: renew it with the provider, then log in with it"
    ))
}

/// What helps when the server refuses a client whose credential has ended.
pub(super) fn help_after_its_end(
    record: &ConnectionRecord,
    client: &RecordClient,
    now: Timestamp,
) -> Option<String> {
    let day = client.credential_expires_at.filter(|at| *at <= now)?.date();
    let (provider, client_id) = (&record.key.provider, &client.client_id);
    let issuer = record.server.issuer.as_ref().filter(|_| client.issuer_bound);
    let issuer = issuer.map(|issuer| format!(" --issuer {issuer}")).unwrap_or_default();
    Some(match client.certificate {
        _ if client.dynamic => {
            let login = record.login_command();
            format!(
                "the client secret that the server gave ended on {day}; a login asks for another: `{login}`"
            )
        }
        Some(_) => {
            let login = record.login_command().with("--credential-file", "FILE");
            format!("the certificate ended on {day}: give the registration a new one, then `{login}`")
        }
        None => format!(
            "the client secret ended on {day}: make a new one in the registration, then \
             `tokenkeep client set {provider}{issuer} --client-id {client_id} --client-secret-stdin`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_before_is_time_to_say_so() {
        let key = ConnectionKey::new("microsoft".parse().unwrap(), "app".parse().unwrap());
        let now = Timestamp::from_unix(1_800_000_000);
        let warning = |left: i64| credential_warning(&key, Some(now.plus(left)), now);
        assert_eq!(credential_warning(&key, None, now), None);
        assert_eq!(warning(30 * 86_400), None);
        let soon = "the client secret or certificate of microsoft/app ends on 2027-02-14: ";
        assert!(warning(30 * 86_400 - 1).unwrap().starts_with(soon));
        assert!(warning(1).unwrap().contains(" ends on 2027-01-15: "));
        assert!(warning(0).unwrap().contains(" ended on 2027-01-15: "));
        assert!(warning(-86_400).unwrap().contains(" ended on 2027-01-14: "));
    }
}
