//! What a program asks for again and again: the token at hand. To read the question anew, and to make a string of the
//! same token anew, would cost more than to look whether it still is the one.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::*;
use napi_derive::napi;
use tokenkeep::{AccessToken, ProviderName, Secret, TokenOptions};
use tokenkeep_bindings::{Request, Scopes};

use crate::broker::Broker;
use crate::types::{Answer, answer, of_panic, token_text};

/// A question, and what it was answered last.
pub struct Asked {
    provider: ProviderName,
    options: TokenOptions,
    last: RefCell<Option<Secret>>,
}

/// The question for the token of `provider`.
#[napi(ts_return_type = "ExternalObject<Asked> | Failure")]
pub fn asked(
    provider: String,
    connection: Option<String>,
    scopes: Option<String>,
    resource: Option<String>,
    min_lifetime: Option<f64>,
) -> Answer<External<Asked>> {
    let scopes = scopes.map(Scopes::Text);
    let min_lifetime = min_lifetime.map(Into::into);
    let request = Request { provider, connection, scopes, resource, min_lifetime, ..Request::default() };
    let read = || {
        let (provider, options) = (request.provider()?, request.token_options()?);
        Ok(External::new(Asked { provider, options, last: RefCell::default() }))
    };
    answer(Some(read()))
}

/// The token at hand: true when it is the one of the last answer; null when a refresh is needed or welcome.
#[napi(ts_return_type = "true | string | Failure | null")]
pub fn token_at_hand(broker: &External<Broker>, asked: &External<Asked>) -> Answer<Either<bool, String>> {
    let look = || {
        let life = broker.life();
        // Taken, so that an answer without a token leaves none behind.
        let last = asked.last.take();
        let token = life.broker().cached_token(&asked.provider, &asked.options)?;
        Ok(token.map(|token| asked.told(&token, last)))
    };
    answer(catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(of_panic).transpose())
}

impl Asked {
    fn told(&self, token: &AccessToken, last: Option<Secret>) -> Either<bool, String> {
        let is_the_last = last.is_some_and(|last| last.is_clone_of(&token.secret));
        self.last.replace(Some(token.secret.clone()));
        if is_the_last { Either::A(true) } else { Either::B(token_text(token)) }
    }
}
