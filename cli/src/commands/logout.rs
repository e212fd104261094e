//! `tokenkeep logout`: says what became of the grant at the server, and that the copy here is gone.

use std::collections::BTreeSet;

use serde::Serialize;
use tokenkeep::{ConnectionKey, ErrorKind, LogoutOutcome, RegistrationRemoval, Result, Revocation};

use super::Invocation;
use super::client::{RemovalView, tell_removed};
use crate::args::LogoutArgs;
use crate::exit::Failure;
use crate::output::{json, printable, say};

#[derive(Serialize)]
struct LogoutView<'a> {
    logged_out: Vec<OutcomeView<'a>>,
    registration_removed: bool,
    registrations: Vec<RemovalView<'a>>,
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
    // Known from the connections, which are gone afterwards; a client is needed until its last grant is revoked.
    let issuers = if args.forget_client { issuers_of(invocation, &keys)? } else { BTreeSet::new() };
    let work = async {
        let mut outcomes = Vec::new();
        for key in &keys {
            outcomes.push(invocation.broker.logout(key).await);
        }
        let mut removed = Vec::new();
        for issuer in &issuers {
            removed.extend(invocation.broker.remove_registration(&key.provider, issuer.as_deref()).await?);
        }
        Ok((outcomes, removed))
    };
    invocation.wait(work, |(outcomes, removed)| finish(invocation, args, &key, (outcomes, removed)))
}

/// Every connection of the provider; the one that was named when there is none, whose error is the answer.
fn all_of(invocation: &Invocation, named: &ConnectionKey) -> Result<Vec<ConnectionKey>> {
    let all = invocation.broker.connections()?.connections.into_iter().map(|connection| connection.key);
    let of_provider: Vec<_> = all.filter(|key| key.provider == named.provider).collect();
    Ok(if of_provider.is_empty() { vec![named.clone()] } else { of_provider })
}

/// Whose registrations these connections may have been made with: of their issuers, where those are discovered.
fn issuers_of(invocation: &Invocation, keys: &[ConnectionKey]) -> Result<BTreeSet<Option<String>>> {
    let mut issuers = BTreeSet::new();
    for key in keys {
        if invocation.broker.provider(&key.provider)?.discovery {
            match invocation.broker.connection(key) {
                Ok(connection) => issuers.extend(connection.issuer.map(Some)),
                // The logout says so.
                Err(error) if matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::StoreCorrupt) => {}
                Err(error) => return Err(error),
            }
        } else {
            issuers.insert(None);
        }
    }
    Ok(issuers)
}

fn finish(
    invocation: &Invocation,
    args: &LogoutArgs,
    key: &ConnectionKey,
    (outcomes, removed): (Vec<Result<LogoutOutcome>>, Vec<RegistrationRemoval>),
) -> Result<(), Failure> {
    let registration_removed = !removed.is_empty();
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
    removed.iter().for_each(tell_removed);
    if args.forget_client && !registration_removed {
        say(format_args!("No client registration was stored for {}.", key.provider));
    }
    if invocation.json && (failed.is_empty() || !done.is_empty()) {
        json(&LogoutView {
            logged_out: done.iter().map(OutcomeView::from).collect(),
            registration_removed,
            registrations: removed.iter().map(RemovalView::from).collect(),
        })?;
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
