//! A person that Swift talks to: the core's questions as calls of one Swift function, and its answers.
//!
//! The core asks from a thread that may block; Swift answers when a task has ended. Where an answer is of no use any more
//! (the login was given up, or has ended) its task is cancelled.
//!
//! May not enter: what is said.

use std::sync::Arc;

use serde_json::Value;
use tokenkeep::Error;
use tokio::sync::watch;

use crate::types::read;

/// What a method of the interaction has thrown.
#[derive(Debug, uniffi::Error)]
pub enum Refusal {
    /// An error, in words.
    Thrown {
        /// The words.
        message: String,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Refusal::Thrown { message } = self;
        f.write_str(message)
    }
}

impl std::error::Error for Refusal {}

impl From<uniffi::UnexpectedUniFFICallbackError> for Refusal {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Refusal::Thrown { message: error.reason }
    }
}

/// Somebody in Swift, who has some of the methods.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait Person: Send + Sync {
    /// Calls one of the methods with arguments, a JSON array; its answer as JSON.
    async fn call(&self, method: String, arguments: String) -> Result<String, Refusal>;
}

/// The person for the length of a login.
pub struct Partner {
    person: Arc<dyn Person>,
    methods: Vec<String>,
    /// Closed when the login has ended.
    lasts: watch::Receiver<()>,
}

impl Partner {
    /// Somebody who has these `methods`, until the sender of `lasts` is dropped.
    pub fn new(person: Arc<dyn Person>, methods: Vec<String>, lasts: watch::Receiver<()>) -> Self {
        Partner { person, methods, lasts }
    }
}

impl tokenkeep_bindings::Person for Partner {
    fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }

    fn call(&self, method: &str, arguments: Vec<Value>) -> tokenkeep::Result<Value> {
        let (person, mut lasts, method) = (Arc::clone(&self.person), self.lasts.clone(), method.to_owned());
        let asked = async move {
            tokio::select! {
                answer = person.call(method, Value::from(arguments).to_string()) => {
                    read(&answer.map_err(|refusal| Error::cancelled(refusal.to_string()))?)
                }
                // Nothing is ever sent: this is its end.
                _ = lasts.changed() => Err(Error::cancelled("the login has ended")),
            }
        };
        tokenkeep_bindings::wait(asked, || Ok::<_, Error>(()))
    }
}
