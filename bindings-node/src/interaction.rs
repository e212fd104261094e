//! A person that JavaScript talks to: the core's questions as calls of one JavaScript function, and its answers.
//!
//! The core asks from a thread that may block; JavaScript answers when a promise is settled. Whoever waits for an answer
//! that cannot come any more (the login was given up, the JavaScript thread has ended) is told so.
//!
//! May not enter: what is said.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use napi::bindgen_prelude::*;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::Value;
use tokenkeep::Error;
use tokenkeep_bindings::Person;

/// A method of the interaction, and its arguments.
#[napi(object, object_from_js = false)]
pub struct Question {
    /// What to answer to.
    pub id: u32,
    /// `open_url` for one.
    pub method: String,
    /// Each as a record.
    pub arguments: Value,
}

// Weak: a function that may be called is no reason for a program to stay.
type Ask = ThreadsafeFunction<Question, (), Question, Status, false, true>;
type Answer = tokenkeep::Result<Value>;

/// One login's talk with JavaScript.
pub struct Conversation {
    methods: Vec<String>,
    /// None once the login has ended: JavaScript's function is let go of, and nobody waits for it.
    live: Mutex<Option<Live>>,
}

struct Live {
    ask: Ask,
    waiting: HashMap<u32, mpsc::Sender<Answer>>,
    asked: u32,
}

/// A talk with `ask`, which has these `methods`; without it, the one at the terminal.
#[napi(ts_args_type = "ask: ((question: Question) => void) | undefined, methods: string[]")]
pub fn conversation(ask: Option<Ask>, methods: Vec<String>) -> External<Arc<Conversation>> {
    let live = ask.map(|ask| Live { ask, waiting: HashMap::new(), asked: 0 });
    External::new(Arc::new(Conversation { methods, live: Mutex::new(live) }))
}

/// What a method has answered.
#[napi(ts_args_type = "conversation: ExternalObject<Conversation>, id: number, answer: unknown")]
pub fn answer(conversation: &External<Arc<Conversation>>, id: u32, answer: Value) {
    conversation.settle(id, Ok(answer));
}

/// What a method has thrown, in words.
#[napi]
pub fn refuse(conversation: &External<Arc<Conversation>>, id: u32, message: String) {
    conversation.settle(id, Err(Error::cancelled(message)));
}

impl Conversation {
    /// Whom to talk to; nobody but the person at the terminal, when JavaScript gave nobody.
    pub fn person(self: &Arc<Self>) -> Option<impl Person> {
        self.live().is_some().then(|| Partner(Arc::clone(self)))
    }

    /// Drop it when the login has ended.
    pub fn end(self: &Arc<Self>) -> impl Drop + Send + use<> {
        End(Arc::clone(self))
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, id: u32, answer: Answer) {
        if let Some(asked) = self.live().as_mut().and_then(|live| live.waiting.remove(&id)) {
            // Who asked may be gone.
            let _ = asked.send(answer);
        }
    }
}

struct Partner(Arc<Conversation>);

impl Person for Partner {
    fn has(&self, method: &str) -> bool {
        self.0.methods.iter().any(|known| known == method)
    }

    fn call(&self, method: &str, arguments: Vec<Value>) -> Answer {
        let (settle, settled) = mpsc::channel();
        if let Some(live) = self.0.live().as_mut() {
            live.asked += 1;
            live.waiting.insert(live.asked, settle);
            let question =
                Question { id: live.asked, method: method.to_owned(), arguments: arguments.into() };
            // A JavaScript thread that has ended answers nothing; its logins end with it.
            live.ask.call(question, ThreadsafeFunctionCallMode::NonBlocking);
        }
        settled.recv().unwrap_or_else(|_| Err(Error::cancelled("the login has ended")))
    }
}

struct End(Arc<Conversation>);

impl Drop for End {
    fn drop(&mut self) {
        *self.0.live() = None;
    }
}
