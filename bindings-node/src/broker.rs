//! The calls of a broker. One that waits is a promise, and takes the `Call` that it is given up by.
//!
//! May not enter: what a call means. `core/src/broker` says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::Value;
use tokenkeep::{Challenge, PendingLogin, Secret};

use crate::errors::failure;
use crate::interaction::Conversation;
use crate::types::{
    self, Opening, Request, connection, connections, logout_outcome, provider, providers, registration,
    token_text, vault_state,
};
use crate::{Call, off_thread};

/// A broker, as JavaScript holds it.
pub struct Broker(Arc<tokenkeep::Broker>);

/// What a broker is asked, by the name that it has in JavaScript.
#[napi(string_enum = "camelCase")]
pub enum Method {
    AddProvider,
    Close,
    Connection,
    Connections,
    Initialize,
    Inspect,
    Login,
    Logout,
    Provider,
    Providers,
    Registration,
    RemoveProvider,
    RemoveRegistration,
    SetRegistration,
    Token,
    TokenAfterRefusal,
}

/// A broker.
#[napi(ts_return_type = "ExternalObject<Broker> | Failure")]
pub fn open(opening: Opening) -> Either<External<Broker>, Value> {
    match opening.into_options().and_then(tokenkeep::Broker::open) {
        Ok(broker) => {
            let broker = Arc::new(broker);
            let mut open = open_brokers();
            open.retain(|broker| broker.strong_count() > 0);
            open.push(Arc::downgrade(&broker));
            Either::A(External::new(Broker(broker)))
        }
        Err(error) => Either::B(failure(&error)),
    }
}

/// The brokers of the process that somebody holds.
fn open_brokers() -> MutexGuard<'static, Vec<Weak<tokenkeep::Broker>>> {
    static OPEN: Mutex<Vec<Weak<tokenkeep::Broker>>> = Mutex::new(Vec::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until what these brokers have under way is written down.
#[napi(ts_return_type = "Promise<null>")]
pub fn close_all<'env>(env: &'env Env, call: &External<Call>) -> Result<Object<'env>> {
    let open: Vec<_> = open_brokers().iter().filter_map(Weak::upgrade).collect();
    call.promise(env, async move {
        for broker in open {
            broker.close().await;
        }
        Ok(Null)
    })
}

/// The store's folder.
#[napi]
pub fn home(broker: &External<Broker>) -> String {
    types::path(broker.0.home())
}

/// The token at hand; null when a refresh is needed or welcome. Asked for every request that a program sends: its
/// arguments are few and plain, because each of them costs.
#[napi(catch_unwind, ts_return_type = "string | Failure | null")]
pub fn cached_token(
    broker: &External<Broker>,
    provider: String,
    connection: Option<String>,
    scopes: Option<String>,
    min_lifetime: Option<f64>,
) -> Either3<String, Value, Null> {
    let request =
        Request { provider: Some(provider), connection, scopes, min_lifetime, ..Request::default() };
    let asked = request.provider().and_then(|name| broker.0.cached_token(&name, &request.token_options()?));
    match asked {
        Ok(Some(token)) => Either3::A(token_text(&token)),
        Ok(None) => Either3::C(Null),
        Err(error) => Either3::B(failure(&error)),
    }
}

/// Any call whose answer is a record.
#[napi(ts_return_type = "Promise<unknown>")]
pub fn ask<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    method: Method,
    request: Request,
) -> Result<Object<'env>> {
    call.promise(env, answer(Arc::clone(&broker.0), method, request))
}

async fn answer(
    broker: Arc<tokenkeep::Broker>,
    method: Method,
    request: Request,
) -> tokenkeep::Result<Value> {
    match method {
        Method::Token => {
            let name = request.provider()?;
            let token = broker.token(&name, &request.token_options()?).await?;
            Ok(token_text(&token).into())
        }
        Method::TokenAfterRefusal => {
            let (name, mut request) = (request.provider()?, request);
            let refused = Secret::new(request.refused.take().unwrap_or_default());
            let challenges = Challenge::parse_all(request.www_authenticate.take().unwrap_or_default());
            let options = request.token_options()?;
            let token = broker.token_after_refusal(&name, &options, &refused, &challenges).await?;
            Ok(token.map(|token| token_text(&token)).into())
        }
        Method::Login => {
            let (name, options) = (request.provider()?, request.login_options(false)?);
            let made = broker.login(&name, &options, tokenkeep_cli::terminal(options.paste)).await?;
            Ok(connection(&made))
        }
        Method::Logout => broker.logout(&request.key()?).await.map(|outcome| logout_outcome(&outcome)),
        Method::Close => {
            broker.close().await;
            Ok(Value::Null)
        }
        Method::Connection => off_thread(move || Ok(connection(&broker.connection(&request.key()?)?))).await,
        Method::Connections => off_thread(move || Ok(connections(&broker.connections()?))).await,
        Method::Initialize => off_thread(move || Ok(vault_state(&broker.initialize()?))).await,
        Method::Inspect => off_thread(move || Ok(vault_state(&broker.inspect()))).await,
        Method::Provider => off_thread(move || Ok(provider(&broker.provider(&request.provider()?)?))).await,
        Method::Providers => off_thread(move || Ok(providers(&broker.providers()?))).await,
        Method::AddProvider => {
            let file = request.file.unwrap_or_default();
            off_thread(move || Ok(provider(&broker.add_provider(file.as_ref())?))).await
        }
        Method::RemoveProvider => {
            off_thread(move || Ok(broker.remove_provider(&request.provider()?)?.into())).await
        }
        Method::Registration => {
            off_thread(move || {
                Ok(broker.registration(&request.provider()?)?.as_ref().map(registration).into())
            })
            .await
        }
        Method::SetRegistration => {
            off_thread(move || {
                let (name, id) = (request.provider()?, request.client_id.unwrap_or_default());
                let secret = request.client_secret.map(Secret::new);
                Ok(registration(&broker.set_registration(&name, &id, secret)?))
            })
            .await
        }
        Method::RemoveRegistration => {
            off_thread(move || Ok(broker.remove_registration(&request.provider()?)?.into())).await
        }
    }
}

/// Logs in somebody whom JavaScript talks to.
#[napi(ts_return_type = "Promise<unknown>")]
pub fn login<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    conversation: &External<Arc<Conversation>>,
    request: Request,
) -> Result<Object<'env>> {
    let (broker, conversation) = (Arc::clone(&broker.0), Arc::clone(conversation));
    call.promise(env, async move {
        let (name, options) = (request.provider()?, request.login_options(conversation.has("openUrl"))?);
        let interaction = Arc::clone(&conversation) as _;
        let made = conversation.during(broker.login(&name, &options, interaction)).await?;
        Ok(connection(&made))
    })
}

/// A login that has begun, as JavaScript holds it.
pub struct Pending(Arc<PendingLogin>);

/// The first half of a login.
#[napi(ts_return_type = "Promise<ExternalObject<Pending> | Failure | null>")]
pub fn begin_login<'env>(
    env: &'env Env,
    call: &External<Call>,
    broker: &External<Broker>,
    request: Request,
) -> Result<Object<'env>> {
    let broker = Arc::clone(&broker.0);
    call.promise(env, async move {
        let (name, options) = (request.provider()?, request.login_options(false)?);
        broker.begin_login(&name, &options).await.map(|begun| External::new(Pending(Arc::new(begun))))
    })
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
    let (broker, pending) = (Arc::clone(&broker.0), Arc::clone(&pending.0));
    call.promise(env, async move {
        broker.finish_login(&pending, &callback_url).await.map(|made| connection(&made))
    })
}
