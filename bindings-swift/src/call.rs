//! A call that waits, and its end when nobody wants it any more.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokenkeep_bindings::{Started, start};
use tokio::sync::oneshot;

use crate::types::Failure;

/// A call that can be given up, also before it is made.
#[derive(Default, uniffi::Object)]
pub struct Call {
    started: OnceLock<Started>,
    given_up: AtomicBool,
}

#[uniffi::export]
impl Call {
    /// A call that is yet to be made.
    #[uniffi::constructor]
    pub fn new() -> Self {
        Call::default()
    }

    /// Gives the call up.
    pub fn cancel(&self) {
        self.given_up.store(true, Ordering::SeqCst);
        self.abort();
    }
}

impl Call {
    /// What comes of `work`, which is done on the runtime's threads: Swift's are for what does not wait.
    pub async fn made<T: Send + 'static>(
        &self,
        work: impl Future<Output = tokenkeep::Result<T>> + Send + 'static,
    ) -> Result<T, Failure> {
        if self.given_up.load(Ordering::SeqCst) {
            return Err(Failure::GivenUp);
        }
        let (tell, told) = oneshot::channel();
        let started = start(work, move |outcome| drop(tell.send(outcome)))?;
        // A call is made once: nothing is there yet.
        drop(self.started.set(started));
        // Looked at again after the work is there to be found: whoever gave the call up meanwhile has missed it.
        if self.given_up.load(Ordering::SeqCst) {
            self.abort();
        }
        match told.await {
            Ok(Some(outcome)) => Ok(outcome?),
            Ok(None) | Err(_) => Err(Failure::GivenUp),
        }
    }

    fn abort(&self) {
        if let Some(started) = self.started.get() {
            started.abort();
        }
    }
}
