//! `tokenkeep login`: done when the grant is kept, and only then 0.

use std::sync::Arc;
use std::time::Duration;

use tokenkeep::{Connection, Error, ErrorKind, Flow, LoginOptions};

use super::Invocation;
use crate::args::{FlowArg, LoginArgs};
use crate::exit::Failure;
use crate::interaction::{Browser, Terminal, read_secret, read_text};
use crate::output::{ConnectionView, json, printable, say, warn_of_credential};

pub fn run(invocation: &Invocation, args: &LoginArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let client_secret = if args.client_secret_stdin {
        invocation.before_a_secret(&key.provider)?;
        Some(read_secret("client secret")?)
    } else {
        None
    };
    let certificate = if args.certificate_stdin {
        invocation.before_a_secret(&key.provider)?;
        Some(read_text("certificate")?)
    } else {
        None
    };
    let flow = match args.flow {
        Some(FlowArg::Pkce) => Some(Flow::AuthorizationCode),
        Some(FlowArg::DeviceCode) => Some(Flow::DeviceCode),
        Some(FlowArg::ClientCredentials) => Some(Flow::ClientCredentials),
        // A URL to open by hand is a login of this kind.
        Some(FlowArg::Auto) | None => args.no_browser.then_some(Flow::AuthorizationCode),
    };
    let options = LoginOptions {
        connection: key.connection,
        flow,
        scopes: args.scopes.as_deref().map(str::parse).transpose()?,
        add_scopes: args.add_scopes.as_deref().map(str::parse).transpose()?,
        prompt: args.prompt.clone(),
        login_hint: args.login_hint.clone(),
        domain_hint: args.domain_hint.clone(),
        claims: args.claims.clone(),
        client_capabilities: args.client_capabilities.clone(),
        tenant: args.tenant.clone(),
        cloud: args.cloud.clone(),
        issuer: args.issuer.clone(),
        resource: args.connection.resource.clone(),
        www_authenticate: Vec::new(),
        values: args.values.iter().map(|value| name_and_value(value)).collect::<Result<_, _>>()?,
        client_metadata_url: args.client_metadata_url.clone(),
        dpop: args.dpop.then_some(true),
        client_id: args.client_id.clone(),
        client_secret,
        certificate,
        credential_file: args.credential_file.clone(),
        credential_keychain: args.credential_keychain.clone(),
        credential_expires: args.credential_expires.clone(),
        redirect_uri: args.redirect_uri.clone(),
        paste: args.paste,
        browser_named: args.browser.is_some(),
        timeout: args.timeout.map(Duration::from_secs),
    };
    let browser = match &args.browser {
        Some(command) => Browser::Command(command.clone()),
        None if args.no_browser || args.paste => Browser::None,
        None => Browser::Default,
    };
    let terminal = Arc::new(Terminal::new(browser, args.paste));
    let login = invocation.broker.login(&key.provider, &options, Arc::clone(&terminal) as _);
    let outcome = invocation.wait(login, |connection| {
        terminal.done();
        print(invocation, &connection)
    });
    terminal.done();
    outcome.map_err(|failure| match failure {
        Failure::Interrupted(_) => Error::cancelled("the login was cancelled").into(),
        other => other,
    })
}

/// `subdomain=acme`.
fn name_and_value(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        let help = "write it as NAME=VALUE, for instance --value subdomain=acme";
        Failure::own(ErrorKind::ConfigInvalid, format!("{text:?} is no name with a value"), help.to_owned())
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

fn print(invocation: &Invocation, connection: &Connection) -> Result<(), Failure> {
    let key = &connection.key;
    let provider = invocation
        .broker
        .provider(&key.provider)
        .map_or_else(|_| key.provider.to_string(), |found| found.display_name);
    let account = match &connection.account.username {
        _ if connection.application => {
            Some(format!(" as the application {}", printable(&connection.client_id)))
        }
        name => name.as_deref().map(|name| format!(" as {}", printable(name))),
    };
    say(format_args!(
        "Logged in to {provider}{} (connection: {})",
        account.unwrap_or_default(),
        key.connection
    ));
    if !connection.missing_scopes.is_empty() {
        say(format_args!("warning: not granted: {}", connection.missing_scopes));
    }
    warn_of_credential(connection);
    if invocation.json { json(&ConnectionView::from(connection)) } else { Ok(()) }
}
