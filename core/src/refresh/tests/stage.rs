//! The stage of the room's tests: the scripted authorization server, one connection, a clock that stands, and
//! a store in memory that can be made to change, or to fail, between two calls.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use authorization_server::{
    Action, AuthorizationServer, Endpoint, Fault, LiveOptions, Rotation, Running, ServerOptions,
};

use super::super::*;
use crate::clock::{BootTime, Instant, Timestamp};
use crate::names::RegistrationKey;
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::store::{
    AccessTokenRecord, MemoryStore, RecordClient, RecordServer, RegistrationLock, RegistrationRecord, Stamp,
    StoreLock, Watch,
};
use crate::transport::Limits;

/// A clock that stands until it is told to go on.
pub(super) struct Standing(pub(super) Mutex<i64>);

impl Clock for Standing {
    fn now(&self) -> Instant {
        let seconds = *self.0.lock().unwrap();
        let boot = BootTime { id: "boot".into(), seconds };
        Instant { wall: Timestamp::from_unix(1_000_000 + seconds), boot: Some(boot) }
    }
}

/// Runs a piece of test between two calls of the store.
#[derive(Default)]
pub(super) struct Meddling {
    pub(super) inner: MemoryStore,
    pub(super) gets: AtomicU32,
    pub(super) puts: AtomicU32,
    /// Before the get of that number: puts that record in place.
    pub(super) replace_before_get: Mutex<Option<(u32, ConnectionRecord)>>,
    /// From the put of that number on: the disk is full.
    pub(super) full_from_put: AtomicU32,
}

impl TokenStore for Meddling {
    fn get(&self, key: &ConnectionKey) -> Result<Option<ConnectionRecord>> {
        let number = self.gets.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((when, record)) = &*self.replace_before_get.lock().unwrap()
            && *when == number
        {
            // Whoever writes without the lock: a store that was copied back.
            let copy = MemoryStore::new();
            let lock = copy.lock(key, Duration::ZERO).unwrap();
            copy.put(&lock, record).unwrap();
            return copy.get(key);
        }
        self.inner.get(key)
    }

    fn get_watched(&self, key: &ConnectionKey) -> Result<Option<(ConnectionRecord, Watch)>> {
        self.inner.get_watched(key)
    }

    fn put(&self, lock: &StoreLock, record: &ConnectionRecord) -> Result<()> {
        let number = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        let full_from = self.full_from_put.load(Ordering::SeqCst);
        if full_from > 0 && number >= full_from {
            return Err(Error::new(ErrorKind::StoreUnavailable, "no space left on device"));
        }
        self.inner.put(lock, record)
    }

    fn delete(&self, lock: &StoreLock) -> Result<bool> {
        self.inner.delete(lock)
    }

    fn check_writable(&self) -> Result<()> {
        self.inner.check_writable()
    }

    fn list(&self) -> Result<Vec<Result<ConnectionRecord>>> {
        self.inner.list()
    }

    fn stamps(&self) -> Result<BTreeMap<String, Stamp>> {
        self.inner.stamps()
    }

    fn get_by_id(&self, id: &str) -> Result<Option<ConnectionRecord>> {
        self.inner.get_by_id(id)
    }

    fn lock(&self, key: &ConnectionKey, wait: Duration) -> Result<StoreLock> {
        self.inner.lock(key, wait)
    }

    fn registration(&self, key: &RegistrationKey) -> Result<Option<RegistrationRecord>> {
        self.inner.registration(key)
    }

    fn lock_registration(&self, key: &RegistrationKey, wait: Duration) -> Result<RegistrationLock> {
        self.inner.lock_registration(key, wait)
    }

    fn put_registration(&self, lock: &RegistrationLock, record: &RegistrationRecord) -> Result<()> {
        self.inner.put_registration(lock, record)
    }

    fn delete_registration(&self, lock: &RegistrationLock) -> Result<bool> {
        self.inner.delete_registration(lock)
    }
}

pub(super) struct Stage {
    pub(super) server: Running,
    pub(super) store: Arc<Meddling>,
    pub(super) clock: Arc<Standing>,
    pub(super) refresher: Refresher,
    pub(super) key: ConnectionKey,
}

impl Stage {
    /// A server with `rotation`, and one connection whose token lives for an hour.
    pub(super) async fn new(rotation: Rotation) -> Self {
        let plain = ServerOptions::plain();
        let live = LiveOptions { rotation, ..plain.live };
        let server = AuthorizationServer::start(ServerOptions { live, ..plain }).unwrap();
        let store = Arc::new(Meddling::default());
        let clock = Arc::new(Standing(Mutex::new(0)));
        let transport = Arc::new(Transport::new(true));
        let dyn_store: Arc<dyn TokenStore> = store.clone();
        let refresher =
            Refresher::new(dyn_store, transport, clock.clone(), Arc::default(), Duration::from_millis(200));
        let key = ConnectionKey::new("acme".parse().unwrap(), Default::default());
        let stage = Stage { server, store, clock, refresher, key };
        let (access_token, refresh_token) = stage.log_in().await;
        stage.put(&stage.record(&access_token, Some(&refresh_token)));
        stage
    }

    /// Logs in as a program without a core would, so that this room needs no other.
    pub(super) async fn log_in(&self) -> (String, String) {
        let origin = self.server.origin();
        let redirect_uri = "http%3A%2F%2F127.0.0.1%3A1%2Fcallback";
        let authorize = http::Request::get(format!(
            "{origin}/authorize?response_type=code&client_id=public&redirect_uri={redirect_uri}&state=s\
             &scope=read%20offline_access&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256"
        ));
        let redirect = self.send(authorize, String::new()).await;
        let location = redirect.headers()["location"].to_str().unwrap();
        let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
        let redeem = http::Request::post(format!("{origin}/token"))
            .header("content-type", "application/x-www-form-urlencoded");
        let form = format!(
            "grant_type=authorization_code&client_id=public&code={code}&redirect_uri={redirect_uri}\
             &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
        let answer: serde_json::Value = serde_json::from_slice(self.send(redeem, form).await.body()).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (text("access_token"), text("refresh_token"))
    }

    pub(super) async fn send(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> http::Response<Vec<u8>> {
        let request = request.body(body.into_bytes()).unwrap();
        Transport::new(true).send(request, Limits::ENDPOINT).await.unwrap()
    }

    pub(super) fn record(&self, access_token: &str, refresh_token: Option<&str>) -> ConnectionRecord {
        let scopes: ScopeSet = "read offline_access".parse().unwrap();
        let like = crate::store::tests::record("acme/default");
        ConnectionRecord {
            client: RecordClient { client_id: "public".to_owned(), ..like.client },
            server: RecordServer { token_endpoint: format!("{}/token", self.server.origin()), ..like.server },
            requested_scopes: scopes.clone(),
            granted_scopes: scopes.clone(),
            refresh_token: refresh_token.map(Secret::new),
            access_tokens: vec![AccessTokenRecord {
                secret: Secret::new(access_token),
                scopes,
                obtained: self.clock.now(),
                ..like.access_tokens[0].clone()
            }],
            logged_in_at: self.clock.now().wall,
            ..like
        }
    }

    pub(super) fn put(&self, record: &ConnectionRecord) {
        let lock = self.store.inner.lock(&self.key, Duration::ZERO).unwrap();
        self.store.inner.put(&lock, record).unwrap();
    }

    pub(super) fn stored(&self) -> ConnectionRecord {
        self.store.inner.get(&self.key).unwrap().unwrap()
    }

    pub(super) fn at(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() = seconds;
    }

    pub(super) fn fault(&self, action: Action, times: u32) {
        self.server.push_fault(Fault::new(Endpoint::Token, action).times(times));
    }

    pub(super) fn requests(&self) -> usize {
        let entries = self.server.journal().entries();
        entries.iter().filter(|entry| entry.grant_type.as_deref() == Some("refresh_token")).count()
    }

    pub(super) async fn refreshed(&self) -> Result<ConnectionRecord> {
        self.refresher.refreshed(&self.key, &Demand::default()).await
    }
}

pub(super) fn reply(status: u16, body: &str) -> Action {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    serde_json::from_value(serde_json::json!({
        "type": "reply", "status": status, "headers": headers, "body": body
    }))
    .unwrap()
}

pub(super) fn throttle(seconds: u64) -> Action {
    serde_json::from_value(serde_json::json!({ "type": "throttle", "retry_after_seconds": seconds })).unwrap()
}

/// All of them, at once, in this task.
pub(super) async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, output) in &mut waiting {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
