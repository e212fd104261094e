//! `tokenkeep login`: done when the grant is kept, and only then 0.

use std::sync::Arc;
use std::time::Duration;

use tokenkeep::{Connection, ErrorKind, Flow, LoginOptions, TokenOptions};

use super::Session;
use crate::args::{FlowArg, LoginArgs};
use crate::exit::Failure;
use crate::interaction::{Browser, Terminal, read_secret};
use crate::output::{ConnectionView, json, printable, say};

pub fn run(session: &Session, args: &LoginArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let client_secret = if args.client_secret_stdin {
        session.before_a_secret(&key.provider)?;
        Some(read_secret("client secret")?)
    } else {
        None
    };
    let flow = match args.flow {
        Some(FlowArg::Pkce) => Some(Flow::AuthorizationCode),
        Some(FlowArg::DeviceCode) => Some(Flow::DeviceCode),
        // A URL to open by hand is a login of this kind.
        Some(FlowArg::Auto) | None => args.no_browser.then_some(Flow::AuthorizationCode),
    };
    let options = LoginOptions {
        connection: key.connection,
        flow,
        scopes: args.scopes.as_deref().map(str::parse).transpose()?,
        tenant: args.tenant.clone(),
        cloud: args.cloud.clone(),
        issuer: args.issuer.clone(),
        client_id: args.client_id.clone(),
        client_secret,
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
    let login = session.broker.login(&key.provider, &options, Arc::clone(&terminal) as _);
    let outcome = session.wait(login, |connection| {
        terminal.done();
        print(session, &connection)
    });
    terminal.done();
    outcome.map_err(|failure| match failure {
        Failure::Interrupted(_) => Failure::own(
            ErrorKind::LoginCancelled,
            "the login was cancelled",
            "run the login again when you are ready",
        ),
        other => other,
    })
}

fn print(session: &Session, connection: &Connection) -> Result<(), Failure> {
    let key = &connection.key;
    let provider = session
        .broker
        .provider(&key.provider)
        .map_or_else(|_| key.provider.to_string(), |found| found.display_name);
    let account = connection.account.username.as_deref().map(|name| format!(" as {}", printable(name)));
    say(format_args!(
        "Logged in to {provider}{} (connection: {})",
        account.unwrap_or_default(),
        key.connection
    ));
    warn_of_missing_scopes(session, connection);
    if session.json { json(&ConnectionView::from(connection)) } else { Ok(()) }
}

/// A server may grant less than was asked for (RFC 6749 3.3). How scopes compare, the core knows.
fn warn_of_missing_scopes(session: &Session, connection: &Connection) {
    let options = TokenOptions {
        connection: connection.key.connection.clone(),
        scopes: Some(connection.requested_scopes.clone()),
        ..TokenOptions::default()
    };
    if let Err(error) = session.broker.cached_token(&connection.key.provider, &options)
        && *error.kind() == ErrorKind::ScopeNotGranted
    {
        say(format_args!("warning: {error}"));
    }
}
