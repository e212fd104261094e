//! `tokenkeep client`: the client id, and perhaps a secret, that a provider is logged in to with.

use serde::Serialize;
use tokenkeep::{Deletion, ErrorKind, ProviderName, Registration, RegistrationRemoval};

use super::Invocation;
use crate::args::{ClientAction, ClientArgs, provider};
use crate::exit::Failure;
use crate::interaction::read_secret;
use crate::output::{data, json, printable, rfc3339, say};

#[derive(Serialize)]
struct RegistrationView<'a> {
    provider: &'a str,
    issuer: Option<&'a str>,
    client_id: &'a str,
    dynamic: bool,
    has_client_secret: bool,
    stored_at: String,
}

pub fn run(invocation: &Invocation, args: &ClientArgs) -> Result<(), Failure> {
    match &args.action {
        ClientAction::Set { provider: name, issuer, client_id, client_secret_stdin } => {
            set(invocation, &provider(name)?, issuer.as_deref(), client_id, *client_secret_stdin)
        }
        ClientAction::Show { provider: name, issuer } => {
            show(invocation, &provider(name)?, issuer.as_deref())
        }
        ClientAction::Remove { provider: name, issuer } => {
            remove(invocation, &provider(name)?, issuer.as_deref())
        }
        ClientAction::Document { url } => data(&invocation.broker.client_metadata_document(url)?),
    }
}

fn set(
    invocation: &Invocation,
    name: &ProviderName,
    issuer: Option<&str>,
    client_id: &str,
    with_secret: bool,
) -> Result<(), Failure> {
    let client_secret = if with_secret {
        match invocation.broker.registration(name, issuer) {
            // It is about to be replaced.
            Err(error) if *error.kind() != ErrorKind::StoreCorrupt => return Err(error.into()),
            _ => Some(read_secret("client secret")?),
        }
    } else {
        None
    };
    let stored = invocation.broker.set_registration(name, issuer, client_id, client_secret)?;
    let with = if stored.has_client_secret { "with its secret" } else { "without a secret" };
    let of = whose(name, stored.issuer.as_deref());
    say(format_args!("Stored the client {} for {of}, {with}.", stored.client_id));
    if invocation.json { json(&RegistrationView::from(&stored)) } else { Ok(()) }
}

fn show(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let stored = invocation.broker.registration(name, issuer)?.ok_or_else(|| none_stored(name, issuer))?;
    let view = RegistrationView::from(&stored);
    if invocation.json {
        return json(&view);
    }
    let issuer = view.issuer.map(|issuer| format!("\nissuer: {}", printable(issuer))).unwrap_or_default();
    data(&format!(
        "provider: {}{issuer}\nclient_id: {}\ndynamic: {}\nhas_client_secret: {}\nstored_at: {}",
        view.provider,
        printable(view.client_id),
        view.dynamic,
        view.has_client_secret,
        view.stored_at
    ))
}

fn remove(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let removal = invocation.broker.remove_registration(name, issuer);
    invocation.wait(removal, |removed| match removed {
        Some(removed) => {
            tell_removed(&removed);
            if invocation.json { json(&RemovalView::from(&removed)) } else { Ok(()) }
        }
        None => Err(none_stored(name, issuer)),
    })
}

/// What became of a registration, for people.
pub(super) fn tell_removed(removed: &RegistrationRemoval) {
    let of = whose(&removed.provider, removed.issuer.as_deref());
    let at_server = match &removed.deletion {
        Deletion::NotManaged => String::new(),
        Deletion::Deleted => ", and the server has deleted the client".to_owned(),
        Deletion::Failed { why } => format!("; the server still knows the client: {}", printable(why)),
    };
    say(format_args!("Removed the stored client registration of {of}{at_server}."));
}

/// The same as data.
#[derive(Serialize)]
pub(super) struct RemovalView<'a> {
    removed: &'a str,
    issuer: Option<&'a str>,
    deletion: &'static str,
    why: Option<&'a str>,
}

impl<'a> From<&'a RegistrationRemoval> for RemovalView<'a> {
    fn from(removed: &'a RegistrationRemoval) -> Self {
        let why = match &removed.deletion {
            Deletion::Failed { why } => Some(why.as_str()),
            Deletion::Deleted | Deletion::NotManaged => None,
        };
        RemovalView {
            removed: removed.provider.as_str(),
            issuer: removed.issuer.as_deref(),
            deletion: removed.deletion.as_str(),
            why,
        }
    }
}

fn whose(name: &ProviderName, issuer: Option<&str>) -> String {
    issuer.map_or_else(|| name.to_string(), |issuer| format!("{name} at {}", printable(issuer)))
}

fn none_stored(name: &ProviderName, issuer: Option<&str>) -> Failure {
    let named = issuer.map(|issuer| format!(" --issuer {issuer}")).unwrap_or_default();
    let help = format!("store one: `tokenkeep client set {name}{named} --client-id ID`");
    let message = format!("no client registration is stored for {}", whose(name, issuer));
    Failure::own(ErrorKind::RegistrationMissing, message, help)
}

impl<'a> From<&'a Registration> for RegistrationView<'a> {
    fn from(stored: &'a Registration) -> Self {
        RegistrationView {
            provider: stored.provider.as_str(),
            issuer: stored.issuer.as_deref(),
            client_id: &stored.client_id,
            dynamic: stored.dynamic,
            has_client_secret: stored.has_client_secret,
            stored_at: rfc3339(stored.stored_at),
        }
    }
}
