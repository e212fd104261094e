//! What a refresh, and a refusal, make of a record.

use super::*;
use crate::clock::Timestamp;
use crate::protocol::{OauthError, TokenDialect, TokenType, parse_token_response};
use crate::store::tests::record;

const MAIL: &str = "https://outlook.office365.com";

fn set(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Instant {
    Instant { wall: Timestamp::from_unix(1_790_000_000 + seconds), boot: None }
}

fn response(members: &str) -> TokenResponse {
    let body = format!("{{\"access_token\":\"new\",\"expires_in\":60{members}}}");
    parse_token_response(200, None, body.as_bytes(), ' ', &TokenDialect::default(), TokenType::Bearer)
        .unwrap()
}

/// A record with a token for the login's own resource and one for mail.
fn of_two() -> ConnectionRecord {
    let renewal = Renewal {
        resource: Some(MAIL.to_owned()),
        requested_scopes: Some(set("mail/imap")),
        ..Renewal::default()
    };
    record("microsoft/default").rotated(&response(r#","scope":"mail/imap""#), &renewal, at(0)).unwrap()
}

fn secrets(record: &ConnectionRecord) -> Vec<&str> {
    record.access_tokens.iter().map(|token| token.secret.expose()).collect()
}

#[test]
fn a_token_takes_its_own_place_and_no_other() {
    let two = of_two();
    assert_eq!(secrets(&two), ["access-canary", "new"]);
    assert_eq!(two.access_tokens[1].resource.as_deref(), Some(MAIL));
    assert_eq!(
        (two.granted_scopes.clone(), two.refresh_token.as_ref().unwrap().expose()),
        (set("read mail/imap"), "refresh-canary")
    );

    // The first is refreshed: what it grants may change, and the other stays as it is.
    let renewal = Renewal { place: Some(0), ..Renewal::default() };
    let later =
        two.rotated(&response(r#","scope":"write","refresh_token":"next""#), &renewal, at(9)).unwrap();
    assert_eq!(later.access_tokens[1], two.access_tokens[1]);
    assert_eq!((secrets(&later)[0], &later.granted_scopes), ("new", &set("write mail/imap")));
    assert_eq!(later.refresh_token.unwrap().expose(), "next");

    // RFC 6749 5.1: a response that does not say grants what it granted before, or what was asked for.
    let renewal = Renewal { place: Some(1), resource: Some(MAIL.to_owned()), ..Renewal::default() };
    assert_eq!(
        two.rotated(&response(""), &renewal, at(9)).unwrap().access_tokens[1].scopes,
        set("mail/imap")
    );
    let renewal = Renewal {
        resource: Some("else".to_owned()),
        requested_scopes: Some(set("e/x")),
        ..Renewal::default()
    };
    assert_eq!(two.rotated(&response(""), &renewal, at(9)).unwrap().access_tokens[2].scopes, set("e/x"));
}

#[test]
fn of_very_many_resources_the_one_that_was_asked_for_first_is_forgotten() {
    let mut many = record("microsoft/default");
    for number in 0..MOST_TOKENS {
        let renewal = Renewal { resource: Some(format!("r{number}")), ..Renewal::default() };
        many = many.rotated(&response(""), &renewal, at(0)).unwrap();
    }
    let kept: Vec<_> = many.access_tokens.iter().map(|token| token.resource.as_deref()).collect();
    assert_eq!((kept.len(), kept[0], kept[1]), (MOST_TOKENS, None, Some("r1")));
}

#[test]
fn refusals_are_told_apart_by_what_was_asked() {
    let refusal = |scopes: Option<&str>, error: &str| Refusal {
        since: at(0),
        error: OauthError { error: error.to_owned(), ..OauthError::default() },
        claims: None,
        scopes: scopes.map(set),
    };
    let shown = |record: &ConnectionRecord| -> Vec<String> {
        record.refusals().map(|refusal| refusal.error.error.clone()).collect()
    };
    let mut refused = of_two();
    for (scopes, error) in
        [(Some("mail/imap"), "a"), (None, "b"), (Some("e/x"), "c"), (Some("mail/imap"), "d")]
    {
        refused.refuse(refusal(scopes, error));
    }
    assert_eq!(shown(&refused), ["d", "c", "b"]);
    // What the server grants after all is no longer refused; the others are.
    let renewal = Renewal { place: Some(1), wanted_scopes: Some(set("mail/imap")), ..Renewal::default() };
    let granted = refused.rotated(&response(""), &renewal, at(9)).unwrap();
    assert_eq!(shown(&granted), ["c", "b"]);
    for number in 0..2 * MOST_REFUSALS {
        refused.refuse(refusal(Some(&format!("s{number}")), "n"));
    }
    assert_eq!(refused.refusals().count(), MOST_REFUSALS + 1);
}
