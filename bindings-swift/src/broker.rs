//! The calls of a broker. One that waits takes the [`Call`] that it is given up by.
//!
//! May not enter: what a call means. `core/src/broker` says so.

use std::sync::Arc;
use std::thread;

use tokenkeep::{Error, PendingLogin, ProviderName, TokenOptions};
use tokenkeep_bindings::{Lives, Opening, Request, close_all as close_every_broker, has_begun, wait};
use tokio::sync::watch;

use crate::call::Call;
use crate::interaction::{Partner, Person};
use crate::types::{AccessToken, Failure, at_once, read, token, written};

/// A broker.
#[derive(uniffi::Object)]
pub struct Broker(Lives);

/// A question for the token at hand: what a program asks again and again is read once.
#[derive(uniffi::Object)]
pub struct Question {
    provider: ProviderName,
    options: TokenOptions,
}

/// The changes of the connections.
#[derive(uniffi::Object)]
pub struct Changes(tokenkeep_bindings::Changes);

/// A login that has begun.
#[derive(uniffi::Object)]
pub struct Pending(Arc<PendingLogin>);

#[uniffi::export]
impl Question {
    /// This one.
    #[uniffi::constructor]
    pub fn read(request: &str) -> Result<Self, Failure> {
        at_once(|| {
            let request: Request = read(request)?;
            Ok(Question { provider: request.provider()?, options: request.token_options()? })
        })
    }
}

#[uniffi::export]
impl Changes {
    /// Waits for the next one; its record.
    pub async fn next(&self, call: Arc<Call>) -> Result<String, Failure> {
        let next = self.0.next();
        call.made(async { written(next.await) }).await
    }
}

#[uniffi::export]
impl Pending {
    /// Where to send the person.
    pub fn authorization_url(&self) -> String {
        self.0.authorization_url().to_string()
    }
}

/// The failure of a login that its person has given up, in a window that is not the core's.
#[uniffi::export]
pub fn login_cancelled(reason: String) -> Result<(), Failure> {
    Err(Error::cancelled(reason).into())
}

/// Waits until what the brokers of the process have under way is written down.
#[uniffi::export]
pub fn close_all() {
    let closed = || {
        let closing = async {
            close_every_broker().await;
            Ok(())
        };
        wait(closing, || Ok::<_, Error>(()))
    };
    if has_begun() {
        // On a thread of its own: at the end of a program the main thread's storage is gone, which the runtime needs.
        // And nobody is left who could be told of a failure.
        drop(thread::spawn(closed).join());
    }
}

impl Broker {
    fn here(&self) -> tokenkeep::Broker {
        self.0.here().broker().clone()
    }
}

#[uniffi::export]
impl Broker {
    /// A broker.
    #[uniffi::constructor]
    pub fn open(opening: &str) -> Result<Self, Failure> {
        at_once(|| Ok(Broker(Lives::begin(tokenkeep::Broker::open(read::<Opening>(opening)?.options()?)?))))
    }

    /// The store's folder.
    pub fn home(&self) -> String {
        self.here().home().to_string_lossy().into_owned()
    }

    /// True once to look into the store blocks for no longer than a file takes to read.
    pub fn is_open(&self) -> bool {
        self.0.here().broker().is_open()
    }

    /// The token at hand; `NotAtHand` when a refresh is needed or welcome.
    pub fn token_at_hand(&self, question: &Question) -> Result<Arc<AccessToken>, Failure> {
        let look = || self.0.here().broker().cached_token(&question.provider, &question.options);
        at_once(look)?.map(token).ok_or(Failure::NotAtHand)
    }

    /// The changes of its connections.
    pub fn connection_changes(&self) -> Arc<Changes> {
        Arc::new(Changes(tokenkeep_bindings::Changes::begin(self.0.here().broker())))
    }

    /// A fresh token.
    pub async fn token(&self, call: Arc<Call>, request: String) -> Result<Arc<AccessToken>, Failure> {
        let asked = tokenkeep_bindings::token(self.here(), read(&request)?);
        call.made(asked).await.map(token)
    }

    /// The token for the one retry after a 401; none when that is of no use.
    pub async fn token_after_refusal(
        &self,
        call: Arc<Call>,
        request: String,
    ) -> Result<Option<Arc<AccessToken>>, Failure> {
        let asked = tokenkeep_bindings::token_after_refusal(self.here(), read(&request)?);
        Ok(call.made(asked).await?.map(token))
    }

    /// A call whose answer is a record.
    pub async fn ask(&self, call: Arc<Call>, verb: String, request: String) -> Result<String, Failure> {
        let verb = read(&serde_json::Value::from(verb).to_string())?;
        let asked = tokenkeep_bindings::ask(self.here(), verb, read(&request)?);
        call.made(async { written(asked.await) }).await
    }

    /// Logs in whoever `person` talks to; without one, the person at the terminal.
    pub async fn login(
        &self,
        call: Arc<Call>,
        request: String,
        person: Option<Arc<dyn Person>>,
        methods: Vec<String>,
    ) -> Result<String, Failure> {
        let (broker, request) = (self.here(), read(&request)?);
        let (lasting, lasts) = watch::channel(());
        let partner = person.map(|person| Partner { person, methods, lasts });
        call.made(async {
            let _lasting = lasting;
            written(tokenkeep_bindings::login(broker, request, partner).await)
        })
        .await
    }

    /// The first half of a login.
    pub async fn begin_login(&self, call: Arc<Call>, request: String) -> Result<Arc<Pending>, Failure> {
        let begun = tokenkeep_bindings::begin_login(self.here(), read(&request)?);
        Ok(Arc::new(Pending(call.made(begun).await?)))
    }

    /// The second half.
    pub async fn finish_login(
        &self,
        call: Arc<Call>,
        pending: Arc<Pending>,
        callback_url: String,
    ) -> Result<String, Failure> {
        let finished = tokenkeep_bindings::finish_login(self.here(), Arc::clone(&pending.0), callback_url);
        call.made(async { written(finished.await) }).await
    }
}
