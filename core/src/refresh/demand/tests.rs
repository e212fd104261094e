//! Which token a demand means, and what a refresh for it names.

use super::*;
use crate::clock::Timestamp;
use crate::store::tests::record;

const GRAPH: &str = "https://graph.microsoft.com";
const MAIL: &str = "https://outlook.office365.com";

fn set(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

fn wanted(resource: &str, scopes: &str) -> Wanted {
    let equivalence = ScopeEquivalence {
        default_resource: Some(format!("{GRAPH}/")),
        case_insensitive: true,
        never_echoed: ["openid", "offline_access"].map(str::to_owned).to_vec(),
        ..ScopeEquivalence::default()
    };
    Wanted { resource: resource.to_owned(), scopes: set(scopes), equivalence }
}

fn demand(resource: &str, scopes: &str) -> Demand {
    Demand { wanted: Some(wanted(resource, scopes)), ..Demand::default() }
}

/// A login for Graph; `others` are the tokens of further resources, each with what it was asked for.
fn granted(others: &[(&str, &str, &str)]) -> ConnectionRecord {
    let mut record = record("microsoft/default");
    record.requested_scopes = set("User.Read Mail.Read openid offline_access");
    let first = &mut record.access_tokens[0];
    (first.resource, first.scopes) = (Some(GRAPH.to_owned()), set("User.Read Mail.Read openid"));
    for (resource, asked, scopes) in others {
        let other = AccessTokenRecord {
            resource: Some((*resource).to_owned()),
            secret: Secret::new(format!("of {resource}")),
            requested_scopes: Some(set(asked)),
            scopes: set(scopes),
            ..record.access_tokens[0].clone()
        };
        record.access_tokens.push(other);
    }
    let all = record.access_tokens.iter().map(|token| &token.scopes);
    record.granted_scopes = all.fold(ScopeSet::default(), |all, scopes| all.union(scopes));
    record
}

#[test]
fn a_request_names_the_scopes_of_one_resource() {
    let imap = format!("{MAIL}/IMAP.AccessAsUser.All");
    let smtp = format!("{MAIL}/SMTP.Send");
    let with_imap = granted(&[(MAIL, &format!("openid offline_access {imap}"), &imap)]);
    let with_all = granted(&[(MAIL, &format!("openid offline_access {MAIL}/.default"), &imap)]);
    let bare = granted(&[]);
    let own = "openid offline_access";
    let cases = [
        // the record, what is wanted, where the token is, what the request names
        (&bare, None, Some(0), None),
        (&bare, Some((GRAPH, "mail.read".to_owned())), Some(0), None),
        (
            &bare,
            Some((GRAPH, "Mail.Send".to_owned())),
            Some(0),
            Some(format!("{own} User.Read Mail.Read Mail.Send")),
        ),
        (&bare, Some((GRAPH, format!("{GRAPH}/.default"))), Some(0), None),
        (&bare, Some((MAIL, imap.clone())), None, Some(format!("{own} {imap}"))),
        (&bare, Some((MAIL, format!("{MAIL}/.default"))), None, Some(format!("{own} {MAIL}/.default"))),
        (&with_imap, Some((MAIL, imap.clone())), Some(1), Some(format!("{own} {imap}"))),
        (&with_imap, Some((MAIL, smtp.clone())), Some(1), Some(format!("{own} {imap} {smtp}"))),
        // `.default` stands alone
        (&with_all, Some((MAIL, imap.clone())), Some(1), Some(format!("{own} {MAIL}/.default"))),
        (&with_all, Some((MAIL, smtp.clone())), Some(1), Some(format!("{own} {smtp}"))),
    ];
    for (record, wanted, place, named) in cases {
        let demand =
            wanted.as_ref().map_or_else(Demand::default, |(resource, scopes)| demand(resource, scopes));
        let renewal = demand.renewal(record);
        assert_eq!(renewal.place, place, "{wanted:?}");
        assert_eq!(renewal.requested_scopes, named.as_deref().map(set), "{wanted:?}");
        assert_eq!(renewal.wanted_scopes, wanted.as_ref().map(|(_, scopes)| set(scopes)));
        assert_eq!(renewal.resource.as_deref(), Some(wanted.map_or(GRAPH, |(resource, _)| resource)));
    }
}

#[test]
fn what_was_asked_for_in_vain_is_not_asked_for_again() {
    let imap = format!("{MAIL}/IMAP.AccessAsUser.All");
    let smtp = format!("{MAIL}/SMTP.Send");
    let mut record = granted(&[(MAIL, &format!("{imap} {smtp}"), &imap)]);
    record.requested_scopes = record.requested_scopes.union(&set("Mail.Send"));
    for (resource, scopes, withheld) in [
        (GRAPH, "Mail.Send", true),
        (GRAPH, "mail.send User.Read", true),
        (GRAPH, "Mail.Send Files.Read", false),
        (GRAPH, "Files.Read", false),
        (MAIL, smtp.as_str(), true),
        (MAIL, "https://outlook.office365.com/POP.AccessAsUser.All", false),
        ("https://vault.azure.net", "https://vault.azure.net/.default", false),
    ] {
        assert_eq!(wanted(resource, scopes).was_withheld(&record), withheld, "{scopes}");
    }
}

#[test]
fn a_question_wider_than_the_grant_says_nothing_of_it() {
    let imap = format!("{MAIL}/IMAP.AccessAsUser.All");
    let record = granted(&[(MAIL, &imap, &imap)]);
    for (demand, wider) in [
        (Demand::default(), false),
        (demand(GRAPH, "user.read"), false),
        (demand(MAIL, &imap), false),
        (demand(MAIL, &format!("{MAIL}/.default")), false),
        (demand(GRAPH, "Mail.Send"), true),
        (demand("https://vault.azure.net", "https://vault.azure.net/.default"), true),
    ] {
        assert_eq!(demand.is_wider_than(&record), wider, "{demand:?}");
    }
}

#[test]
fn a_record_of_a_time_before_resources_were_told_apart_has_one_for_its_scopes() {
    let mut record = granted(&[]);
    record.access_tokens[0].resource = None;
    assert_eq!(demand(GRAPH, "User.Read").place(&record), Some(0));
    assert_eq!(demand(MAIL, "https://outlook.office365.com/SMTP.Send").place(&record), None);
}

#[test]
fn an_extended_life_is_for_those_who_ask_for_it() {
    let mut record = granted(&[]);
    record.access_tokens[0].extended_lifetime = Some(7200);
    let at = |seconds: i64| Instant { wall: Timestamp::from_unix(1_790_000_000 + seconds), boot: None };
    let allowed = Demand { allow_extended: true, ..Demand::default() };
    let secret = record.access_tokens[0].secret.clone();
    let refused = Demand { replaces: Some(secret), ..allowed.clone() };
    let cases = [(&allowed, 3600, true), (&allowed, 7199, true), (&allowed, 7200, false)];
    for (demand, seconds, usable) in
        cases.into_iter().chain([(&Demand::default(), 3600, false), (&refused, 3600, false)])
    {
        assert_eq!(demand.can_use_extended(&record, &at(seconds)), usable, "{demand:?} {seconds}");
    }
    assert!(!allowed.is_met_by(&record, &at(3600)), "it is refreshed where that is possible");
}
