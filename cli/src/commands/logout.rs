//! `tokenkeep logout`: says what became of the grant at the server, and that the copy here is gone.

use std::collections::BTreeSet;

use serde::Serialize;
use tokenkeep::{ConnectionKey, ErrorKind, LogoutOutcome, Result, Revocation};

use super::Invocation;
use crate::args::LogoutArgs;
use crate::exit::Failure;
use crate::output::{json, printable, say};

#[derive(Serialize)]
struct LogoutView<'a> {
    logged_out: Vec<OutcomeView<'a>>,
    registration_removed: bool,
}

#[derive(Serialize)]
struct OutcomeView<'a> {
    provider: &'a str,
    connection: &'a str,
    revocation: &'static str,
    note: Option<&'a str>,
    why: Option<&'a str>,
}

pub fn run(invocation: &Invocation, args: &LogoutArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let keys = if args.all { all_of(invocation, &key)? } else { vec![key.clone()] };
    let work = async {
        let issuers = if args.forget_client { issuers_of(invocation, &keys) } else { BTreeSet::new() };
        let mut outcomes = Vec::new();
        for key in &keys {
            outcomes.push(invocation.broker.logout(key).await);
        }
        let mut removed = false;
        for issuer in issuers {
            removed |= invocation.broker.remove_registration(&key.provider, issuer.as_deref()).await?;
        }
        Ok((outcomes, removed))
    };
    invocation.wait(work, |(outcomes, removed)| finish(invocation, args, &key, (outcomes, removed)))
}

/// Where the registrations of these connections are: without an issuer, and at each of theirs.
fn issuers_of(invocation: &Invocation, keys: &[ConnectionKey]) -> BTreeSet<Option<String>> {
    let known = keys.iter().filter_map(|key| invocation.broker.connection(key).ok()?.issuer);
    known.map(Some).chain([None]).collect()
}

/// Every connection of the provider; the one that was named when there is none, whose error is the answer.
fn all_of(invocation: &Invocation, named: &ConnectionKey) -> Result<Vec<ConnectionKey>> {
    let all = invocation.broker.connections()?.connections.into_iter().map(|connection| connection.key);
    let of_provider: Vec<_> = all.filter(|key| key.provider == named.provider).collect();
    Ok(if of_provider.is_empty() { vec![named.clone()] } else { of_provider })
}

fn finish(
    invocation: &Invocation,
    args: &LogoutArgs,
    key: &ConnectionKey,
    (outcomes, registration_removed): (Vec<Result<LogoutOutcome>>, bool),
) -> Result<(), Failure> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => done.push(outcome),
            // A registration can be there without a connection: then this was about the registration.
            Err(error) if registration_removed && *error.kind() == ErrorKind::NotConnected => {
                say(format_args!("{error}."));
            }
            Err(error) => failed.push(error),
        }
    }
    for outcome in &done {
        say(format_args!(
            "Logged out of {}: {}. The copy here is deleted.",
            outcome.key,
            told(&outcome.revocation)
        ));
    }
    if registration_removed {
        say(format_args!("The stored client registration of {} is removed.", key.provider));
    } else if args.forget_client {
        say(format_args!("No client registration was stored for {}.", key.provider));
    }
    if invocation.json && (failed.is_empty() || !done.is_empty()) {
        json(&LogoutView { logged_out: done.iter().map(OutcomeView::from).collect(), registration_removed })?;
    }
    failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}

fn told(revocation: &Revocation) -> String {
    match revocation {
        Revocation::Revoked => "the grant is revoked at the server".to_owned(),
        Revocation::AlreadyEnded => "the grant had ended at the server before".to_owned(),
        Revocation::NotSupported { note: None } => "the server cannot be told to end the grant".to_owned(),
        Revocation::NotSupported { note: Some(note) } => printable(note),
        Revocation::Failed { why } => {
            format!("the grant may still be good at the server: {}", printable(why))
        }
    }
}

impl<'a> From<&'a LogoutOutcome> for OutcomeView<'a> {
    fn from(outcome: &'a LogoutOutcome) -> Self {
        let (note, why) = match &outcome.revocation {
            Revocation::NotSupported { note } => (note.as_deref(), None),
            Revocation::Failed { why } => (None, Some(why.as_str())),
            Revocation::Revoked | Revocation::AlreadyEnded => (None, None),
        };
        OutcomeView {
            provider: outcome.key.provider.as_str(),
            connection: outcome.key.connection.as_str(),
            revocation: outcome.revocation.as_str(),
            note,
            why,
        }
    }
}
