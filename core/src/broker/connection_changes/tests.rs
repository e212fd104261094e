//! What a look finds, look by look, in a store that others write; the stream over it at its own pace.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;
use crate::broker::BrokerOptions;
use crate::clock::Timestamp;
use crate::environment::Environment;
use crate::error::{ErrorKind, LoginReason};
use crate::store::tests::{connection_key, record, rotated};
use crate::store::{ConnectionRecord, ConnectionStatus, KeySource, RefreshAttempt};

use ChangeKind::{Appeared, Changed, Disappeared};

/// A store, what was seen of it, and another program that writes it.
struct Stage {
    folder: TempDir,
    broker: Broker,
    others: Broker,
    seen: Seen,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let home = Some(folder.path().join("home"));
            let environment = Environment::of::<&str, &str>([]);
            let key_source = Some(KeySource::File);
            Broker::open(BrokerOptions { home, key_source, environment, ..BrokerOptions::default() }).unwrap()
        };
        Stage { broker: open(), others: open(), seen: Seen::new(), folder }
    }

    fn put(&self, record: &ConnectionRecord) {
        let store = &self.others.kept().unwrap().store;
        store.put(&store.lock(&record.key, Duration::from_secs(5)).unwrap(), record).unwrap();
    }

    fn delete(&self, name: &str) {
        let store = &self.others.kept().unwrap().store;
        assert!(store.delete(&store.lock(&connection_key(name), Duration::from_secs(5)).unwrap()).unwrap());
    }

    fn records(&self) -> PathBuf {
        self.folder.path().join("home/records")
    }

    /// The file of the one record that there is.
    fn file(&self) -> PathBuf {
        let stamps = self.others.kept().unwrap().store.stamps().unwrap();
        assert_eq!(stamps.len(), 1);
        self.records().join(format!("{}.sealed", stamps.first_key_value().unwrap().0))
    }

    /// What the next look finds.
    fn told(&mut self) -> Vec<(ChangeKind, Connection)> {
        let now = look(&self.broker, &self.seen).unwrap();
        let found = changes(&self.seen, &now);
        self.seen = now;
        found.into_iter().map(|change| (change.kind, change.connection)).collect()
    }

    /// The same by name, without a look at what changed.
    fn told_names(&mut self) -> Vec<(ChangeKind, String)> {
        self.told().into_iter().map(|(kind, connection)| (kind, connection.key.to_string())).collect()
    }

    fn connection(&self, record: &ConnectionRecord) -> Connection {
        self.broker.describe(record)
    }
}

#[test]
fn what_differs_for_those_who_look_is_told_and_nothing_else() {
    let mut stage = Stage::new();
    let first = record("github/work");
    stage.put(&first);
    stage.put(&record("acme/default"));
    assert_eq!(
        stage.told(),
        [(Appeared, stage.connection(&record("acme/default"))), (Appeared, stage.connection(&first))]
    );
    assert_eq!(stage.told(), []);

    // A refresh: its marker says nothing to anybody, what it brings does.
    let at = Timestamp::from_unix(1_790_000_100);
    let sent = RefreshAttempt { started: first.access_tokens[0].obtained.clone(), count: 1, first: None };
    stage.put(&ConnectionRecord { refresh_attempt: Some(sent), ..first.clone() });
    assert_eq!(stage.told(), []);
    let refreshed = ConnectionRecord { refreshed_at: Some(at), ..rotated("github/work", "newer") };
    stage.put(&refreshed);
    assert_eq!(stage.told(), [(Changed, stage.connection(&refreshed))]);

    let reason = LoginReason::GrantEnded;
    let refused =
        ConnectionRecord { status: ConnectionStatus::LoginRequired { reason, since: at }, ..refreshed };
    stage.put(&refused);
    let told = stage.told();
    assert_eq!(told, [(Changed, stage.connection(&refused))]);
    assert_eq!(told[0].1.status(), "login_required");

    stage.delete("github/work");
    assert_eq!(stage.told(), [(Disappeared, stage.connection(&refused))]);
    assert_eq!(stage.told(), []);
}

#[test]
fn a_store_that_is_yet_to_be_made_has_no_connections() {
    let mut stage = Stage::new();
    assert_eq!(stage.told(), []);
    assert!(!stage.folder.path().join("home").exists(), "to look is not to make");
    stage.others.initialize().unwrap();
    assert_eq!(stage.told(), []);
    stage.put(&record("github/work"));
    assert_eq!(stage.told_names(), [(Appeared, "github/work".to_owned())]);
    std::fs::remove_dir_all(stage.folder.path().join("home")).unwrap();
    assert_eq!(stage.told_names(), [(Disappeared, "github/work".to_owned())]);
}

#[test]
fn what_cannot_be_read_has_not_changed() {
    let mut stage = Stage::new();
    stage.put(&record("github/work"));
    let (file, name) = (stage.file(), "github/work".to_owned());
    let whole = std::fs::read(&file).unwrap();
    // One that was never read is not there, and comes when it can be read.
    std::fs::write(&file, "damaged").unwrap();
    assert_eq!(stage.told_names(), []);
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(stage.told_names(), [(Appeared, name.clone())]);
    // One that was there stays what it was.
    for content in ["damaged".as_bytes(), "damaged".as_bytes(), &whole, &whole, "damaged".as_bytes()] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(stage.told_names(), []);
    }
    stage.put(&ConnectionRecord { granted_scopes: "read write".parse().unwrap(), ..record("github/work") });
    assert_eq!(stage.told_names(), [(Changed, name.clone())]);
    std::fs::write(&file, "damaged").unwrap();
    assert_eq!(stage.told_names(), []);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(stage.told_names(), [(Disappeared, name)]);
}

#[test]
fn a_write_that_leaves_the_stamp_of_the_one_before_is_found() {
    let stage = Stage::new();
    let [one, two] = ["read", "read write"]
        .map(|scopes| ConnectionRecord { granted_scopes: scopes.parse().unwrap(), ..record("github/work") })
        .map(|record| stage.connection(&record));
    let stamps = BTreeMap::from([("id".to_owned(), Stamp::new([1, 2, 3, 4]))]);
    let first = see(&Seen::new(), &stamps, |_| Ok(Some(one.clone())));
    let second = see(&first, &stamps, |_| Ok(Some(two.clone())));
    assert_eq!(changes(&first, &second).front().map(|change| change.kind), Some(Changed));
    // A stamp that has stood from look to look is believed, and costs no read.
    let third = see(&second, &stamps, |id| panic!("{id} was read"));
    assert_eq!(third, second);
    // A newer one is not.
    let stamps = BTreeMap::from([("id".to_owned(), Stamp::new([1, 2, 3, 5]))]);
    let fourth = see(&third, &stamps, |_| Ok(Some(one.clone())));
    assert_eq!(changes(&third, &fourth).len(), 1);
}

#[test]
fn what_a_listing_leaves_out_is_asked_for() {
    let stage = Stage::new();
    let connection = stage.connection(&record("github/work"));
    let stamps = BTreeMap::from([("id".to_owned(), Stamp::new([1, 2, 3, 4]))]);
    let before = see(&Seen::new(), &stamps, |_| Ok(Some(connection.clone())));
    let left_out = see(&before, &BTreeMap::new(), |_| Ok(Some(connection.clone())));
    assert_eq!(changes(&before, &left_out), []);
    let gone = see(&left_out, &BTreeMap::new(), |_| Ok(None));
    assert_eq!(changes(&left_out, &gone).front().map(|change| change.kind), Some(Disappeared));
    assert_eq!(gone, Seen::new());
}

/// A change that comes at all comes within this.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn who_gives_up_waiting_loses_no_change() {
    let stage = Stage::new();
    let names = ["acme/default", "github/home", "github/work"];
    names.map(record).iter().for_each(|record| stage.put(record));
    let mut stream = stage.broker.connection_changes();
    let mut told = Vec::new();
    let mut given_up = 0;
    timeout(SOON, async {
        // A window that always has something else to do: no wait is long enough for a look.
        while told.len() < 6 {
            let change = tokio::select! {
                biased;
                change = stream.next() => change.unwrap(),
                () = std::future::ready(()) => {
                    given_up += 1;
                    yield_now().await;
                    continue;
                }
            };
            told.push((change.kind, change.connection.key));
            if told.len() == 3 {
                names.iter().for_each(|name| stage.delete(name));
            }
        }
    })
    .await
    .unwrap();
    let expected = [Appeared, Disappeared].into_iter();
    let expected = expected.flat_map(|kind| names.map(|name| (kind, connection_key(name))));
    assert_eq!(told, expected.collect::<Vec<_>>());
    assert!(given_up > 0);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_for_a_while_is_an_error_and_no_more() {
    let stage = Stage::new();
    ["github/home", "github/work"].map(record).iter().for_each(|record| stage.put(record));
    let mut stream = stage.broker.connection_changes();
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().kind, Appeared);
    }
    let away = stage.folder.path().join("away");
    std::fs::rename(stage.records(), &away).unwrap();
    std::fs::write(stage.records(), "no folder").unwrap();
    for _ in 0..2 {
        let error = timeout(SOON, stream.next()).await.unwrap().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::StoreUnavailable);
    }
    std::fs::remove_file(stage.records()).unwrap();
    std::fs::rename(&away, stage.records()).unwrap();
    stage.delete("github/home");
    let change = timeout(SOON, stream.next()).await.unwrap().unwrap();
    assert_eq!((change.kind, change.connection.key.to_string()), (Disappeared, "github/home".to_owned()));
}
