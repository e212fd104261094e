//! A person that JavaScript talks to: the core's questions as calls of one JavaScript function, and its answers.
//!
//! The core asks from a thread that may block; JavaScript answers when its promise is settled. Whoever waits for an
//! answer that cannot come any more (the login was given up, the thread has ended) is told so.
//!
//! May not enter: what is said.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use napi::bindgen_prelude::*;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::{Value, json};
use tokenkeep::{DeviceAuthorization, Error, Flow, Interaction, Url};
use tokio::sync::oneshot;

/// A method of the interaction and its arguments. An answer is wanted when it has an id.
#[napi(object, object_from_js = false)]
pub struct Question {
    /// What to answer to.
    pub id: Option<u32>,
    /// `openUrl` for one.
    pub method: String,
    /// Its arguments.
    pub arguments: Value,
}

// Weak: a function that may be called is no reason for a program to stay.
type Ask = ThreadsafeFunction<Question, (), Question, Status, false, true>;

/// One login's talk with JavaScript.
pub struct Conversation {
    methods: Vec<String>,
    /// None once the login has ended: JavaScript's function is let go of, and nobody waits for it.
    live: Mutex<Option<Live>>,
}

struct Live {
    ask: Ask,
    refuse: Option<oneshot::Sender<String>>,
    waiting: HashMap<u32, mpsc::Sender<String>>,
    next: u32,
}

/// A talk with `ask`, which knows these `methods`. What it does not know is done as the core does it.
#[napi(ts_args_type = "ask: (question: Question) => void, methods: string[]")]
pub fn conversation(ask: Ask, methods: Vec<String>) -> External<Arc<Conversation>> {
    let live = Live { ask, refuse: None, waiting: HashMap::new(), next: 0 };
    External::new(Arc::new(Conversation { methods, live: Mutex::new(Some(live)) }))
}

/// The answer to the question `id`.
#[napi]
pub fn answer(conversation: &External<Arc<Conversation>>, id: u32, text: String) {
    if let Some(asked) = conversation.live().as_mut().and_then(|live| live.waiting.remove(&id)) {
        // Who asked may be gone.
        let _ = asked.send(text);
    }
}

/// A method has thrown: that is the end of the login.
#[napi]
pub fn refuse(conversation: &External<Arc<Conversation>>, message: String) {
    if let Some(refuse) = conversation.live().as_mut().and_then(|live| live.refuse.take()) {
        // The login may have ended by itself.
        let _ = refuse.send(message);
    }
}

impl Conversation {
    /// True when JavaScript has this method.
    pub fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }

    /// What comes of `login`, or of a refusal before that.
    pub async fn during<T>(
        self: Arc<Self>,
        login: impl Future<Output = tokenkeep::Result<T>>,
    ) -> tokenkeep::Result<T> {
        let (refuse, refused) = oneshot::channel();
        if let Some(live) = self.live().as_mut() {
            live.refuse = Some(refuse);
        }
        let _end = End(&self);
        tokio::select! {
            biased;
            Ok(message) = refused => Err(Error::cancelled(message)),
            outcome = login => outcome,
        }
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a method whose answer nobody waits for.
    fn tell(&self, method: &str, arguments: Value) {
        if let Some(live) = self.live().as_ref().filter(|_| self.has(method)) {
            live.call(None, method, arguments);
        }
    }

    /// Calls a method and waits for its answer, or for the end of the login.
    fn ask(&self, method: &str, arguments: Value) -> tokenkeep::Result<String> {
        let (answer, answered) = mpsc::channel();
        if let Some(live) = self.live().as_mut() {
            live.next += 1;
            live.waiting.insert(live.next, answer);
            live.call(Some(live.next), method, arguments);
        }
        answered.recv().map_err(|_| Error::cancelled("the login has ended"))
    }
}

impl Live {
    /// Of a JavaScript thread that has ended nothing comes, but the end of its logins.
    fn call(&self, id: Option<u32>, method: &str, arguments: Value) {
        let question = Question { id, method: method.to_owned(), arguments };
        self.ask.call(question, ThreadsafeFunctionCallMode::NonBlocking);
    }
}

struct End<'a>(&'a Conversation);

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.0.live() = None;
    }
}

/// What the core does where JavaScript has no method.
struct Defaults;

impl Interaction for Defaults {}

impl Interaction for Conversation {
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        self.tell("flowChosen", json!([flow.as_str().replace('-', "_"), reason]));
    }

    fn open_url(&self, authorization_url: &Url) -> tokenkeep::Result<()> {
        if !self.has("openUrl") {
            return Defaults.open_url(authorization_url);
        }
        self.ask("openUrl", json!([authorization_url.as_str()])).map(drop)
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> tokenkeep::Result<()> {
        if !self.has("showDeviceAuthorization") {
            return Defaults.show_device_authorization(device);
        }
        let shown = json!({
            "verificationUri": device.verification_uri,
            "userCode": device.user_code,
            "verificationUriComplete": device.verification_uri_complete,
            "message": device.message,
            "expiresIn": device.expires_in,
        });
        self.ask("showDeviceAuthorization", json!([shown])).map(drop)
    }

    fn read_redirect_url(&self) -> tokenkeep::Result<String> {
        if !self.has("readRedirectUrl") {
            return Defaults.read_redirect_url();
        }
        self.ask("readRedirectUrl", json!([]))
    }

    fn response_refused(&self, reason: &str) {
        self.tell("responseRefused", json!([reason]));
    }
}
