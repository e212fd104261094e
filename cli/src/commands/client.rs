//! `tokenkeep client`: the client id, and perhaps a secret, that a provider is logged in to with.

use serde::Serialize;
use tokenkeep::{ErrorKind, ProviderName, Registration};

use super::Invocation;
use crate::args::{ClientAction, ClientArgs, provider};
use crate::exit::Failure;
use crate::interaction::read_secret;
use crate::output::{data, json, rfc3339, say};

#[derive(Serialize)]
struct RegistrationView<'a> {
    provider: &'a str,
    client_id: &'a str,
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
    say(format_args!("Stored the client {} for {name}, {with}.", stored.client_id));
    if invocation.json { json(&RegistrationView::from(&stored)) } else { Ok(()) }
}

fn show(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let stored = invocation.broker.registration(name, issuer)?.ok_or_else(|| none_stored(name))?;
    let view = RegistrationView::from(&stored);
    if invocation.json {
        return json(&view);
    }
    data(&format!(
        "provider: {}\nclient_id: {}\nhas_client_secret: {}\nstored_at: {}",
        view.provider, view.client_id, view.has_client_secret, view.stored_at
    ))
}

fn remove(invocation: &Invocation, name: &ProviderName, issuer: Option<&str>) -> Result<(), Failure> {
    let removal = invocation.broker.remove_registration(name, issuer);
    invocation.wait(
        removal,
        |removed| if removed { told_removed(invocation, name) } else { Err(none_stored(name)) },
    )
}

fn told_removed(invocation: &Invocation, name: &ProviderName) -> Result<(), Failure> {
    say(format_args!("Removed the stored client registration of {name}."));
    #[derive(Serialize)]
    struct Removed<'a> {
        removed: &'a str,
    }
    if invocation.json { json(&Removed { removed: name.as_str() }) } else { Ok(()) }
}

fn none_stored(name: &ProviderName) -> Failure {
    let help = format!("store one: `tokenkeep client set {name} --client-id ID`");
    Failure::own(ErrorKind::RegistrationMissing, format!("no client registration is stored for {name}"), help)
}

impl<'a> From<&'a Registration> for RegistrationView<'a> {
    fn from(stored: &'a Registration) -> Self {
        RegistrationView {
            provider: stored.provider.as_str(),
            client_id: &stored.client_id,
            has_client_secret: stored.has_client_secret,
            stored_at: rfc3339(stored.stored_at),
        }
    }
}
