//! The calls of a broker. One that waits is a promise, and takes the `Call` that it is given up by.
//!
//! May not enter: what a call means. `core/src/broker` says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::Value;
use tokenkeep::{AccessToken, PendingLogin, TokenOptions, seconds};
use tokenkeep_bindings::{Lives, Opening, close_all as close_every_broker};

use crate::call::Call;
use crate::interaction::Conversation;
use crate::types::{Answer, answer, of_panic, read, token_text};

/// A broker, as JavaScript holds it.
pub struct Broker {
    lives: Lives,
    /// The token that `cached_token` has answered last, which JavaScript still has.
    last: Mutex<Option<AccessToken>>,
}

impl Broker {
    fn here(&self) -> tokenkeep::Broker {
        self.lives.here().broker().clone()
    }

    /// What was found, a token as text; true for the last one once more, as an agent has it with each request.
    fn hand_over(&self, found: tokenkeep::Result<Option<AccessToken>>) -> Answer<Either<String, bool>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two that are equal the newer is kept: it shares its text with the next ones, which is seen at once.
        let (found, error) = found.map_or_else(|error| (None, Some(Err(error))), |found| (found, None));
        let before = std::mem::replace(&mut *last, found);
        let Some(token) = last.as_ref() else { return answer(error) };
        // The name first: to compare the secrets of two accounts would take longer than all else.
        let known = before.is_some_and(|before| before.connection == token.connection && before == *token);
        Either3::A(if known { Either::B(true) } else { Either::A(token_text(token)) })
    }
}

impl From<tokenkeep::Broker> for Broker {
    fn from(broker: tokenkeep::Broker) -> Self {
        Broker { lives: Lives::begin(broker), last: Mutex::default() }
    }
}

/// A broker.
#[napi(ts_args_type = "opening: unknown", ts_return_type = "ExternalObject<Broker> | Failure")]
pub fn open(opening: Value) -> Result<Answer<External<Broker>>> {
    let opened = read::<Opening>(opening)?.options().and_then(tokenkeep::Broker::open);
    Ok(answer(Some(opened.map(|broker| External::new(Broker::from(broker))))))
}

/// The store's folder.
#[napi]
pub fn home(broker: &External<Broker>) -> String {
    broker.here().home().to_string_lossy().into_owned()
}

/// Waits until what the brokers of the process have under way is written down.
#[napi(ts_return_type = "Promise<null>")]
pub fn close_all<'env>(env: &'env Env, call: &External<Call>) -> Result<Object<'env>> {
    call.promise(env, async {
        close_every_broker().await;
        Ok(Null)
    })
}

/// The token at hand; true when it is the one of the call before, null when a refresh is needed or welcome. Asked for
/// every request that a program sends: its arguments are few and plain, because each of them costs.
#[napi(ts_return_type = "string | true | Failure | null")]
pub fn cached_token(
    broker: &External<Broker>,
    provider: String,
    connection: Option<String>,
    scopes: Option<String>,
    min_lifetime: Option<f64>,
) -> Answer<Either<String, bool>> {
    let look = || {
        let options = TokenOptions {
            connection: connection.map(|name| name.parse()).transpose()?.unwrap_or_default(),
            scopes: scopes.map(|scopes| scopes.parse()).transpose()?,
            min_lifetime: min_lifetime
                .map(|least| seconds("min_lifetime", least))
                .transpose()?
                .unwrap_or_default(),
            ..TokenOptions::default()
        };
        broker.lives.here().broker().cached_token(&provider.parse()?, &options)
    };
    broker.hand_over(catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(of_panic))
}

/// A fresh token.
#[napi(
    ts_args_type = "call: ExternalObject<Call>, broker: ExternalObject<Broker>, request: unknown",
    ts_return_type = "Promise<string | Failure | null>"
)]
pub fn token<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    request: Value,
) -> Result<Object<'env>> {
    let asked = tokenkeep_bindings::token(broker.here(), read(request)?);
    call.promise(env, async { asked.await.map(|token| token_text(&token)) })
}

/// The token for the one retry after a 401; null when that is of no use.
#[napi(
    ts_args_type = "call: ExternalObject<Call>, broker: ExternalObject<Broker>, request: unknown",
    ts_return_type = "Promise<string | Failure | null>"
)]
pub fn token_after_refusal<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    request: Value,
) -> Result<Object<'env>> {
    let asked = tokenkeep_bindings::token_after_refusal(broker.here(), read(request)?);
    call.promise(env, async { Ok(asked.await?.map(|token| token_text(&token))) })
}

/// A call whose answer is a record.
#[napi(
    ts_args_type = "call: ExternalObject<Call>, broker: ExternalObject<Broker>, verb: string, request: unknown",
    ts_return_type = "Promise<unknown>"
)]
pub fn ask<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    verb: Value,
    request: Value,
) -> Result<Object<'env>> {
    call.promise(env, tokenkeep_bindings::ask(broker.here(), read(verb)?, read(request)?))
}

/// Logs in whoever the conversation is with.
#[napi(
    ts_args_type = "call: ExternalObject<Call>, broker: ExternalObject<Broker>, request: unknown, conversation: ExternalObject<Conversation>",
    ts_return_type = "Promise<unknown>"
)]
pub fn login<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    request: Value,
    conversation: &External<Arc<Conversation>>,
) -> Result<Object<'env>> {
    let (broker, request, conversation) = (broker.here(), read(request)?, Arc::clone(conversation));
    call.promise(env, async move {
        let _end = conversation.end();
        tokenkeep_bindings::login(broker, request, conversation.person()).await
    })
}

/// A login that has begun, as JavaScript holds it.
pub struct Pending(Arc<PendingLogin>);

/// The first half of a login.
#[napi(
    ts_args_type = "call: ExternalObject<Call>, broker: ExternalObject<Broker>, request: unknown",
    ts_return_type = "Promise<ExternalObject<Pending> | Failure | null>"
)]
pub fn begin_login<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    request: Value,
) -> Result<Object<'env>> {
    let begun = tokenkeep_bindings::begin_login(broker.here(), read(request)?);
    call.promise(env, async { begun.await.map(|pending| External::new(Pending(pending))) })
}

/// Where to send the person.
#[napi]
pub fn authorization_url(pending: &External<Pending>) -> String {
    pending.0.authorization_url().to_string()
}

/// The second half.
#[napi(ts_return_type = "Promise<unknown>")]
pub fn finish_login<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    pending: &External<Pending>,
    callback_url: String,
) -> Result<Object<'env>> {
    let pending = Arc::clone(&pending.0);
    call.promise(env, tokenkeep_bindings::finish_login(broker.here(), pending, callback_url))
}
