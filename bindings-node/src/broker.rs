//! The calls of a broker. One that waits is a promise, and takes the `Call` that it is given up by.
//!
//! May not enter: what a call means. `core/src/broker` says so.

use std::ops::Deref;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::Value;
use tokenkeep::PendingLogin;
use tokenkeep_bindings::{Changes, Life, Lives, Opening, close_all as close_every_broker};

use crate::call::Call;
use crate::interaction::Conversation;
use crate::types::{Answer, answer, read, token_text};

/// A broker, as JavaScript holds it.
pub struct Broker(Lives);

impl Broker {
    fn here(&self) -> tokenkeep::Broker {
        self.life().broker().clone()
    }

    /// The same without a clone, for as long as a look.
    pub fn life(&self) -> impl Deref<Target = Arc<Life>> {
        self.0.here()
    }
}

/// A broker.
#[napi(ts_args_type = "opening: unknown", ts_return_type = "ExternalObject<Broker> | Failure")]
pub fn open(opening: Value) -> Result<Answer<External<Broker>>> {
    let opened = read::<Opening>(opening)?.options().and_then(tokenkeep::Broker::open);
    Ok(answer(Some(opened.map(|broker| External::new(Broker(Lives::begin(broker)))))))
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

/// A stream of changes, as JavaScript holds it.
#[napi]
pub fn connection_changes(broker: &External<Broker>) -> External<Changes> {
    External::new(Changes::begin(broker.life().broker()))
}

/// Its next change.
#[napi(ts_return_type = "Promise<unknown>")]
pub fn next_change<'env>(
    env: &'env Env,
    call: &External<Call>,
    changes: &External<Changes>,
) -> Result<Object<'env>> {
    call.promise(env, changes.next())
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
