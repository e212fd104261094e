//! `tokenkeep client`: the client id, and perhaps a secret, that a provider is logged in to with.

use serde::Serialize;
use tokenkeep::{ErrorKind, ProviderName, Registration};

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
        invocation.before_a_secret(name)?;
        Some(read_secret("client secret")?)
    } else {
        None
    };
    let stored = invocation.broker.set_registration(name, issuer, client_id, client_secret)?;
    let with = if stored.has_client_secret { "with its secret" } else { "without a secret" };
    say(format_args!("Stored the client {} for {}, {with}.", stored.client_id, whose(name, issuer)));
    if invocation.json { json(&RegistrationView::from(&stored)) } else { Ok(()) }
}

fn show(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let stored = invocation.broker.registration(name, issuer)?.ok_or_else(|| none_stored(name, issuer))?;
    let view = RegistrationView::from(&stored);
    if invocation.json {
        return json(&view);
    }
    let issuer = format!("issuer: {}", view.issuer.map(printable).unwrap_or_default());
    data(&format!(
        "provider: {}\n{}\nclient_id: {}\ndynamic: {}\nhas_client_secret: {}\nstored_at: {}",
        view.provider,
        issuer.trim_end(),
        printable(view.client_id),
        view.dynamic,
        view.has_client_secret,
        view.stored_at
    ))
}

fn remove(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let removal = invocation.broker.remove_registration(name, issuer);
    invocation.wait(removal, |removed| {
        if removed { told_removed(invocation, name, issuer) } else { Err(none_stored(name, issuer)) }
    })
}

fn told_removed(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    say(format_args!("Removed the stored client registration of {}.", whose(name, issuer)));
    #[derive(Serialize)]
    struct Removed<'a> {
        removed: &'a str,
        issuer: Option<&'a str>,
    }
    if invocation.json { json(&Removed { removed: name.as_str(), issuer }) } else { Ok(()) }
}

fn none_stored(name: &ProviderName, issuer: Option<&str>) -> Failure {
    let at = issuer.map(|issuer| format!(" --issuer {issuer}")).unwrap_or_default();
    let help = format!("store one: `tokenkeep client set {name}{at} --client-id ID`");
    let message = format!("no client registration is stored for {}", whose(name, issuer));
    Failure::own(ErrorKind::RegistrationMissing, message, help)
}

fn whose(name: &ProviderName, issuer: Option<&str>) -> String {
    issuer.map_or_else(|| name.to_string(), |issuer| format!("{name} at {issuer}"))
}

impl<'a> From<&'a Registration> for RegistrationView<'a> {
    fn from(stored: &'a Registration) -> Self {
        RegistrationView {
            provider: stored.provider.as_str(),
            issuer: stored.issuer.as_deref(),
            dynamic: stored.dynamic,
            client_id: &stored.client_id,
            has_client_secret: stored.has_client_secret,
            stored_at: rfc3339(stored.stored_at),
        }
    }
}
