//! `tokenkeep token`: the bare token and a newline, or what a mail server is told in its place.

use std::time::Duration;

use serde::Serialize;
use tokenkeep::{AccessToken, ErrorKind, Secret, TokenOptions};

use super::Invocation;
use crate::args::TokenArgs;
use crate::exit::Failure;
use crate::output::{data, json, rfc3339, words};

#[derive(Serialize)]
struct TokenView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sasl: Option<&'a str>,
    token_type: &'a str,
    header_name: &'a str,
    expires_at: Option<String>,
    scopes: Vec<&'a str>,
    resource: Option<&'a str>,
    connection: &'a str,
    provider: &'a str,
}

pub fn run(invocation: &Invocation, args: &TokenArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    let options = TokenOptions {
        connection: key.connection,
        scopes: args.scopes.as_deref().map(str::parse).transpose()?,
        resource: args.connection.resource.clone(),
        force_refresh: args.force_refresh,
        claims: args.claims.clone(),
        allow_extended: args.allow_extended,
        ..TokenOptions::default()
    };
    let options = match args.min_lifetime {
        Some(seconds) => TokenOptions { min_lifetime: Duration::from_secs(seconds), ..options },
        None => options,
    };
    // No runtime, no network, no provider file: a token that is fresh costs one small read.
    if let Some(token) = invocation.broker.cached_token(&key.provider, &options)? {
        return print(invocation, args, &token);
    }
    invocation.wait(invocation.broker.token(&key.provider, &options), |token| print(invocation, args, &token))
}

fn print(invocation: &Invocation, args: &TokenArgs, token: &AccessToken) -> Result<(), Failure> {
    let user = || args.user.clone().map_or_else(|| mailbox(invocation, token), Ok);
    let sasl = match args.sasl {
        Some(mechanism) => Some(token.sasl(mechanism, &user()?)?),
        None => None,
    };
    if !invocation.json {
        return data(sasl.as_ref().unwrap_or(&token.secret).expose());
    }
    json(&TokenView {
        access_token: sasl.is_none().then(|| token.secret.expose()),
        sasl: sasl.as_ref().map(Secret::expose),
        token_type: &token.token_type,
        header_name: token.header_name(),
        expires_at: token.expires_at.map(rfc3339),
        scopes: words(&token.scopes),
        resource: token.resource.as_deref(),
        connection: token.connection.connection.as_str(),
        provider: token.connection.provider.as_str(),
    })
}

/// That of the account that logged in.
fn mailbox(invocation: &Invocation, token: &AccessToken) -> Result<String, Failure> {
    let account = invocation.broker.connection(&token.connection)?.account;
    account.username.ok_or_else(|| {
        let message = format!("the login of {} does not say whose mailbox it is", token.connection);
        Failure::own(ErrorKind::ConfigInvalid, message, "name it: --user person@example.com")
    })
}
