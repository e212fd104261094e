//! A person that Swift talks to: the core's questions as calls of one Swift function, and its answers.
//!
//! The core asks from a thread that may block; Swift answers when a task has ended. Whoever waits for an answer that
//! cannot come any more (the login was given up, or has ended) is told so.
//!
//! May not enter: what is said.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokenkeep::{Error, Result};
use tokio::sync::{oneshot, watch};

use crate::types::read;

/// Somebody in Swift, who has some of the methods.
#[uniffi::export(with_foreign)]
pub trait Person: Send + Sync {
    /// Calls a method with its arguments, each as JSON, and returns before it has ended: `answer` is told.
    fn call(&self, method: String, arguments: Vec<String>, answer: Arc<Answer>);
}

/// What becomes of one call. The first word counts.
#[derive(uniffi::Object)]
pub struct Answer(Mutex<Option<oneshot::Sender<Result<Value>>>>);

#[uniffi::export]
impl Answer {
    /// The method has answered, as JSON.
    pub fn settle(&self, json: &str) {
        self.tell(read(json));
    }

    /// The method has thrown, in words.
    pub fn refuse(&self, message: String) {
        self.tell(Err(Error::cancelled(message)));
    }
}

impl Answer {
    fn tell(&self, outcome: Result<Value>) {
        if let Some(waiting) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The login may have ended meanwhile.
            let _ = waiting.send(outcome);
        }
    }
}

/// The person for the length of a login: somebody who has these `methods`, until the sender of `lasts` is dropped.
pub struct Partner {
    pub person: Arc<dyn Person>,
    pub methods: Vec<String>,
    pub lasts: watch::Receiver<()>,
}

impl tokenkeep_bindings::Person for Partner {
    fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }

    fn call(&self, method: &str, arguments: Vec<Value>) -> Result<Value> {
        let (tell, told) = oneshot::channel();
        let arguments = arguments.iter().map(Value::to_string).collect();
        self.person.call(method.to_owned(), arguments, Arc::new(Answer(Mutex::new(Some(tell)))));
        let mut lasts = self.lasts.clone();
        let answered = async move {
            tokio::select! {
                Ok(outcome) = told => outcome,
                // Nothing is ever sent: this is its end.
                _ = lasts.changed() => Err(Error::cancelled("the login has ended")),
            }
        };
        tokenkeep_bindings::wait(answered, || Ok::<_, Error>(()))
    }
}
