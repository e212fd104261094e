//! A call that waits: its promise, and its end when nobody wants it any more.

use std::future::Future;
use std::sync::OnceLock;

use napi::bindgen_prelude::*;
use napi_derive::napi;
use tokenkeep_bindings::{Started, start};

use crate::types::{Answer, answer};

/// A call that can be given up. It is when JavaScript lets go of it: because of an abort, or because its thread ends.
#[derive(Default)]
pub struct Call(OnceLock<Started>);

/// A call that is yet to be made.
#[napi]
pub fn call() -> External<Call> {
    External::new(Call::default())
}

/// Gives the call up.
#[napi]
pub fn cancel(call: &External<Call>) {
    call.abort();
}

impl Call {
    /// A promise of what comes of `work`, which keeps the event loop alive until then.
    pub fn promise<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        work: impl Future<Output = tokenkeep::Result<T>> + Send + 'static,
    ) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred()?;
        let settle = deferred.clone();
        match start(work, move |outcome| settle.resolve(answering(outcome))) {
            Ok(started) => drop(self.0.set(started)),
            Err(error) => deferred.resolve(answering(Some(Err(error)))),
        }
        Ok(promise)
    }

    fn abort(&self) {
        if let Some(started) = self.0.get() {
            started.abort();
        }
    }
}

/// Makes the answer, on JavaScript's thread.
fn answering<T: Send + 'static>(
    outcome: Option<tokenkeep::Result<T>>,
) -> impl FnOnce(Env) -> Result<Answer<T>> + Send {
    move |_| Ok(answer(outcome))
}

impl Drop for Call {
    fn drop(&mut self) {
        self.abort();
    }
}
