//! Tokenkeep for Node: convert, call the core, convert back. Nobody sees this module but the TypeScript beside it,
//! which makes classes, dates and exceptions of what is answered here.
//!
//! | file | holds |
//! |---|---|
//! | `broker` | the calls of a broker |
//! | `interaction` | a person that JavaScript talks to |
//! | `types` | options and records |
//! | `errors` | the core's errors as records |
//!
//! A failure is answered, not thrown: what Node-API throws carries no code and no cause. May not enter: a default, a
//! check, a clock or a text. They are the core's.

// `clippy --all-targets` looks at it as a test as well, where the macros export nothing.
#![cfg_attr(test, allow(dead_code))]

mod broker;
mod errors;
mod interaction;
mod types;

use std::future::Future;
use std::sync::OnceLock;

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinError, spawn_blocking};

/// A call waits for the network most of the time: two threads are plenty.
const THREADS: usize = 2;

/// The one runtime of the process, whichever of its JavaScript threads asks first. It never ends: what a worker thread
/// leaves under way when it is terminated goes on.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made =
        Builder::new_multi_thread().worker_threads(THREADS).thread_name("tokenkeep").enable_all().build();
    let made = made.map_err(|error| Error::from_reason(format!("no runtime: {error}")))?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// A call that can be given up. It is when JavaScript lets go of it: because of an abort, or because its thread ends.
#[derive(Default)]
pub struct Call(OnceLock<AbortHandle>);

/// A call that is yet to be made.
#[napi]
pub fn call() -> External<Call> {
    External::new(Call::default())
}

/// Gives the call up.
#[napi]
pub fn cancel(call: &External<Call>) {
    call.cancel();
}

impl Call {
    /// A promise of what comes of `work`, which keeps the event loop alive; null when it was given up.
    fn promise<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        work: impl Future<Output = tokenkeep::Result<T>> + Send + 'static,
    ) -> Result<Object<'env>> {
        let runtime = runtime()?;
        let (deferred, promise) = env.create_deferred()?;
        let task = runtime.spawn(work);
        self.0.get_or_init(|| task.abort_handle());
        runtime.spawn(async move {
            let outcome = match task.await {
                Err(ended) if ended.is_cancelled() => Either3::C(Null),
                Err(ended) => Either3::B(errors::failure(&panicked(ended))),
                Ok(Err(error)) => Either3::B(errors::failure(&error)),
                Ok(Ok(value)) => Either3::A(value),
            };
            deferred.resolve(move |_| Ok(outcome));
        });
        Ok(promise)
    }

    fn cancel(&self) {
        if let Some(abort) = self.0.get() {
            abort.abort();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Work that may block, off the runtime's two threads.
async fn off_thread(
    work: impl FnOnce() -> tokenkeep::Result<Value> + Send + 'static,
) -> tokenkeep::Result<Value> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(panicked(ended)))
}

fn panicked(ended: JoinError) -> tokenkeep::Error {
    match ended.try_into_panic() {
        Ok(payload) => tokenkeep::Error::of_panic(&*payload),
        Err(ended) => tokenkeep::Error::of_panic(&ended.to_string()),
    }
}

/// The command line. `arguments` begins with the program's name; what is returned is the exit code.
#[napi(catch_unwind)]
pub fn main(arguments: Vec<String>) -> u8 {
    tokenkeep_cli::main(arguments.into_iter().map(Into::into))
}
