//! `tokenkeep token`: the bare token and a newline.

use std::time::Duration;

use serde::Serialize;
use tokenkeep::{AccessToken, TokenOptions};

use super::Invocation;
use crate::args::TokenArgs;
use crate::exit::Failure;
use crate::output::{data, json, rfc3339, words};

#[derive(Serialize)]
struct TokenView<'a> {
    access_token: &'a str,
    token_type: &'a str,
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
        return print(invocation, &token);
    }
    invocation.wait(invocation.broker.token(&key.provider, &options), |token| print(invocation, &token))
}

fn print(invocation: &Invocation, token: &AccessToken) -> Result<(), Failure> {
    if !invocation.json {
        return data(token.secret.expose());
    }
    json(&TokenView {
        access_token: token.secret.expose(),
        token_type: &token.token_type,
        expires_at: token.expires_at.map(rfc3339),
        scopes: words(&token.scopes),
        resource: token.resource.as_deref(),
        connection: token.connection.connection.as_str(),
        provider: token.connection.provider.as_str(),
    })
}
