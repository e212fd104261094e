//! The argument of the room, step by step, against the scripted authorization server. The store is one in
//! memory that can be made to change, or to fail, between two calls.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use authorization_server::{
    Action, AuthorizationServer, Endpoint, Fault, LiveOptions, Rotation, Running, ServerOptions,
};

use super::*;
use crate::clock::{BootTime, Instant, Timestamp};
use crate::error::LoginReason;
use crate::protocol::ClientAuthentication;
use crate::scope::ScopeSet;
use crate::store::{
    AccessTokenRecord, Account, ConnectionStatus, CoolDown, MemoryStore, RecordClient, RecordServer,
    RegistrationRecord, StoreLock,
};
use crate::transport::Limits;

/// A clock that stands until it is told to go on.
struct Standing(Mutex<i64>);

impl Clock for Standing {
    fn now(&self) -> Instant {
        let seconds = *self.0.lock().unwrap();
        let boot = BootTime { id: "boot".to_owned(), seconds };
        Instant { wall: Timestamp::from_unix(1_000_000 + seconds), boot: Some(boot) }
    }
}

/// Runs a piece of test between two calls of the store.
#[derive(Default)]
struct Meddling {
    inner: MemoryStore,
    gets: AtomicU32,
    puts: AtomicU32,
    /// Before the get of that number: puts that record in place.
    replace_before_get: Mutex<Option<(u32, ConnectionRecord)>>,
    /// From the put of that number on: the disk is full.
    full_from_put: AtomicU32,
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

    fn lock(&self, key: &ConnectionKey, wait: Duration) -> Result<StoreLock> {
        self.inner.lock(key, wait)
    }

    fn registration(&self, provider: &crate::names::ProviderName) -> Result<Option<RegistrationRecord>> {
        self.inner.registration(provider)
    }

    fn put_registration(&self, record: &RegistrationRecord) -> Result<()> {
        self.inner.put_registration(record)
    }

    fn delete_registration(&self, provider: &crate::names::ProviderName) -> Result<bool> {
        self.inner.delete_registration(provider)
    }
}

struct Stage {
    server: Running,
    store: Arc<Meddling>,
    clock: Arc<Standing>,
    refresher: Refresher,
    key: ConnectionKey,
}

impl Stage {
    /// A server with `rotation`, and one connection whose token lives for an hour.
    async fn new(rotation: Rotation) -> Self {
        let plain = ServerOptions::plain();
        let live = LiveOptions { rotation, ..plain.live };
        let server = AuthorizationServer::start(ServerOptions { live, ..plain }).unwrap();
        let store = Arc::new(Meddling::default());
        let clock = Arc::new(Standing(Mutex::new(0)));
        let transport = Arc::new(Transport::new(true));
        let dyn_store: Arc<dyn TokenStore> = store.clone();
        let refresher = Refresher::new(dyn_store, transport, clock.clone(), Duration::from_millis(200));
        let key = ConnectionKey::new("acme".parse().unwrap(), Default::default());
        let stage = Stage { server, store, clock, refresher, key };
        let (access_token, refresh_token) = stage.log_in().await;
        stage.put(&stage.record(&access_token, Some(&refresh_token)));
        stage
    }

    /// Logs in as a program without a core would, so that this room needs no other.
    async fn log_in(&self) -> (String, String) {
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

    async fn send(&self, request: http::request::Builder, body: String) -> http::Response<Vec<u8>> {
        let request = request.body(body.into_bytes()).unwrap();
        Transport::new(true).send(request, Limits::ENDPOINT).await.unwrap()
    }

    fn record(&self, access_token: &str, refresh_token: Option<&str>) -> ConnectionRecord {
        let scopes: ScopeSet = "read offline_access".parse().unwrap();
        ConnectionRecord {
            key: self.key.clone(),
            grant_id: "grant".to_owned(),
            status: ConnectionStatus::Connected,
            client: RecordClient {
                client_id: "public".to_owned(),
                authentication: ClientAuthentication::None,
                client_secret: None,
            },
            server: RecordServer {
                issuer: None,
                token_endpoint: format!("{}/token", self.server.origin()),
                revocation_endpoint: None,
                tenant: None,
                cloud: None,
                scope_separator: ' ',
                response_scope_separator: None,
                scope_on_refresh: false,
            },
            account: Account::default(),
            requested_scopes: scopes.clone(),
            granted_scopes: scopes.clone(),
            refresh_scopes: None,
            refresh_token: refresh_token.map(Secret::new),
            access_tokens: vec![AccessTokenRecord {
                resource: None,
                secret: Secret::new(access_token),
                token_type: "Bearer".to_owned(),
                scopes,
                obtained: self.clock.now(),
                lifetime: Some(3600),
                refresh_in: None,
            }],
            logged_in_at: self.clock.now().wall,
            refreshed_at: None,
            refresh_attempt: None,
            cool_down: None,
        }
    }

    fn put(&self, record: &ConnectionRecord) {
        let lock = self.store.inner.lock(&self.key, Duration::ZERO).unwrap();
        self.store.inner.put(&lock, record).unwrap();
    }

    fn stored(&self) -> ConnectionRecord {
        self.store.inner.get(&self.key).unwrap().unwrap()
    }

    fn at(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() = seconds;
    }

    fn fault(&self, action: Action, times: u32) {
        self.server.push_fault(Fault::new(Endpoint::Token, action).times(times));
    }

    fn requests(&self) -> usize {
        let entries = self.server.journal().entries();
        entries.iter().filter(|entry| entry.grant_type.as_deref() == Some("refresh_token")).count()
    }

    async fn refreshed(&self) -> Result<ConnectionRecord> {
        self.refresher.refreshed(&self.key, &Demand::default()).await
    }
}

fn reply(status: u16, body: &str) -> Action {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    serde_json::from_value(serde_json::json!({
        "type": "reply", "status": status, "headers": headers, "body": body
    }))
    .unwrap()
}

fn throttle(seconds: u64) -> Action {
    serde_json::from_value(serde_json::json!({ "type": "throttle", "retry_after_seconds": seconds })).unwrap()
}

#[tokio::test]
async fn a_fresh_token_sends_nothing_and_a_stale_one_is_rotated_once_for_all() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let before = stage.stored();
    assert_eq!(stage.refreshed().await.unwrap(), before);
    assert_eq!(stage.requests(), 0);

    stage.at(3600);
    let all = (0..50).map(|_| stage.refreshed());
    let mut tokens = Vec::new();
    for record in futures_join(all).await {
        tokens.push(record.unwrap().access_tokens[0].secret.clone());
    }
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let after = stage.stored();
    assert_ne!(after.refresh_token, before.refresh_token);
    assert_eq!((after.access_tokens[0].secret.clone(), stage.requests()), (tokens[0].clone(), 1));
    assert_eq!((after.refresh_attempt, after.refreshed_at), (None, Some(stage.clock.now().wall)));
}

#[tokio::test]
async fn a_late_refusal_of_an_old_grant_does_not_end_a_new_one() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let (access_token, refresh_token) = stage.log_in().await;
    let mut newer = stage.record(&access_token, Some(&refresh_token));
    newer.grant_id = "newer".to_owned();
    stage.at(3600);
    stage.server.revoke_all();
    // 1: the read before the lock, 2: under it, 3: after the refusal.
    *stage.store.replace_before_get.lock().unwrap() = Some((3, newer.clone()));
    assert_eq!(stage.refreshed().await.unwrap().grant_id, "newer");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
}

#[tokio::test]
async fn a_refused_grant_is_marked_kept_and_not_asked_for_again() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.server.revoke_all();
    stage.at(3600);
    for _ in 0..3 {
        let error = stage.refreshed().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::GrantEnded });
    }
    assert_eq!(stage.requests(), 1);
    let kept = stage.stored();
    assert!(matches!(kept.status, ConnectionStatus::LoginRequired { .. }));
    assert!(kept.refresh_token.is_some());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more() {
    // Entra takes the old token again; on a strict server the grant was lost with the answer.
    for (rotation, recovers) in
        [(Rotation::KeepOld, true), (Rotation::Grace(30), true), (Rotation::ReuseDetection, false)]
    {
        let stage = Stage::new(rotation).await;
        stage.at(3600);
        stage.fault(Action::DropAfter, 1);
        match stage.refreshed().await {
            Ok(record) => assert!(recovers && record.refresh_attempt.is_none(), "{rotation}"),
            Err(error) => {
                assert!(!recovers, "{rotation}: {error}");
                assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::ResponseLost });
            }
        }
        assert_eq!(stage.requests(), 2, "{rotation}");
    }
}

#[tokio::test]
async fn the_marker_is_there_before_the_request_and_survives_what_loses_the_answer() {
    let stage = Stage::new(Rotation::KeepOld).await;
    stage.at(3600);
    stage.fault(Action::DropAfter, 2);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "network");
    assert_eq!(stage.stored().refresh_attempt.unwrap().count, 2);
    // Whoever comes next finds it, and finds out.
    assert!(stage.refreshed().await.unwrap().refresh_attempt.is_none());

    // Without a place to write the marker nothing is sent.
    stage.at(7200);
    let sent = stage.requests();
    stage.store.full_from_put.store(1, Ordering::SeqCst);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "store_unavailable");
    assert_eq!(stage.requests(), sent);
}

#[tokio::test]
async fn a_pause_is_kept_by_all_and_a_working_token_is_served_meanwhile() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3590);
    stage.fault(throttle(7), 1);
    let served = stage.refreshed().await.unwrap();
    assert_eq!(served.cool_down, Some(CoolDown { started: stage.clock.now(), seconds: 8, own: false }));
    assert_eq!(stage.refreshed().await.unwrap().access_tokens, served.access_tokens);
    assert_eq!(stage.requests(), 1);

    stage.at(3600);
    stage.refreshed().await.unwrap();
    assert_eq!(stage.requests(), 2);

    stage.at(7200);
    stage.fault(throttle(7), 1);
    let retry_at = Some(stage.clock.now().wall.plus(8));
    for _ in 0..2 {
        assert_eq!(*stage.refreshed().await.unwrap_err().kind(), ErrorKind::Throttled { retry_at });
    }
    assert_eq!(stage.requests(), 3);
}

#[tokio::test]
async fn trouble_at_the_server_ends_no_login_and_is_not_stirred() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    for (at, body) in [(3590, "{\"error\":\"server_error\"}"), (3600, "<html>captive portal</html>")] {
        stage.at(at);
        stage.fault(reply(503, body), 1);
        let before = stage.requests();
        match stage.refreshed().await {
            Ok(record) => assert!(at < 3600 && record.cool_down.is_some()),
            Err(error) => assert!(at == 3600 && error.code() == "network", "{error}"),
        }
        // While the token works, the failure is not repeated call after call.
        if at < 3600 {
            stage.refreshed().await.unwrap();
        }
        assert_eq!(stage.requests(), before + 1);
        assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    }
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_refused_is_a_configuration_and_no_end_of_a_grant() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3600);
    stage.fault(reply(401, "{\"error\":\"invalid_client\"}"), 1);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "provider_rejected");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_holder_that_is_stuck_costs_a_bounded_wait_and_a_working_token_is_served() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let stuck = stage.store.inner.lock(&stage.key, Duration::ZERO).unwrap();
    stage.at(3590);
    stage.refreshed().await.unwrap();
    stage.at(3600);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "lock_timeout");
    drop(stuck);
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_forced_refresh_replaces_the_token_that_was_seen_and_no_other() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let seen = stage.stored().access_tokens[0].secret.clone();
    let demand = Demand { replaces: Some(seen.clone()), ..Demand::default() };
    let first = stage.refresher.refreshed(&stage.key, &demand).await.unwrap();
    assert_ne!(first.access_tokens[0].secret, seen);
    // Another who saw the same old token takes what the first one got.
    let second = stage.refresher.refreshed(&stage.key, &demand).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(stage.requests(), 1);
}

#[tokio::test]
async fn without_a_refresh_token_the_login_lasts_as_long_as_the_token() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.put(&stage.record("token", None));
    stage.at(3590);
    stage.refreshed().await.unwrap();
    let demand = Demand { replaces: Some(Secret::new("token")), ..Demand::default() };
    assert_eq!(stage.refresher.refreshed(&stage.key, &demand).await.unwrap_err().code(), "login_required");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    stage.at(3600);
    let error = stage.refreshed().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::NoRefreshToken });
    assert!(matches!(stage.stored().status, ConnectionStatus::LoginRequired { .. }));
}

#[tokio::test]
async fn a_caller_that_is_cancelled_loses_nothing() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let before = stage.stored();
    stage.at(3600);
    let delay = serde_json::from_value(serde_json::json!({ "type": "delay", "milliseconds": 300 })).unwrap();
    stage.fault(delay, 1);
    assert!(tokio::time::timeout(Duration::from_millis(50), stage.refreshed()).await.is_err());
    stage.refresher.settle().await;
    assert_ne!(stage.stored().refresh_token, before.refresh_token);
    stage.refreshed().await.unwrap();
    assert_eq!(stage.requests(), 1);
}

/// All of them, at once, in this task.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
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
