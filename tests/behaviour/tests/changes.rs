//! Who shows connections is told what becomes of them, whoever does it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokenkeep::{ChangeKind, Connection, ConnectionChange, Error};
use tokenkeep_behaviour::{Stage, block_on};
use tokio::task::block_in_place;
use tokio::time::timeout;

use ChangeKind::{Appeared, Changed, Disappeared};

/// The promise.
const WITHIN: Duration = Duration::from_secs(1);

/// A stream that is read as fast as it comes.
struct Told(mpsc::Receiver<Result<ConnectionChange, Error>>);

impl Told {
    /// The next change, which is that one, in time.
    #[track_caller]
    fn next(&self, kind: ChangeKind, name: &str) -> Connection {
        let change = self.0.recv_timeout(WITHIN).expect("it is told in time").expect("the store is there");
        assert_eq!((change.kind, change.connection.key.to_string()), (kind, name.to_owned()));
        change.connection
    }
}

#[test]
fn connection_changes_are_told() {
    let stage = Stage::acme();
    block_on(async {
        // Another process does everything; the store is yet to be made.
        let mut changes = stage.broker().connection_changes();
        let (tell, told) = mpsc::channel();
        let stream = tokio::spawn(async move { while tell.send(changes.next().await).is_ok() {} });
        let last = block_in_place(|| {
            let told = Told(told);
            stage.login(&[]).ok();
            assert_eq!(told.next(Appeared, "acme").status(), "connected");
            stage.login(&["--connection", "work"]).ok();
            told.next(Appeared, "acme/work");
            stage.access_token(&["--force-refresh"]);
            assert!(told.next(Changed, "acme").refreshed_at.is_some());
            stage.login(&[]).ok();
            assert_eq!(told.next(Changed, "acme").refreshed_at, None);
            stage.server.revoke_all();
            assert_ne!(stage.token(&["--force-refresh"]).code, 0);
            let last = told.next(Changed, "acme");
            assert_eq!(last.status(), "login_required");
            stage.home.run(["logout", "acme"]).ok();
            assert_eq!(told.next(Disappeared, "acme"), last);
            stage.login(&[]).ok();
            told.next(Appeared, "acme")
        });
        stream.abort();
        assert!(stream.await.unwrap_err().is_cancelled());

        // A stream begins with what is there; who waits for more in vain gives up at once, and may go on.
        let mut changes = stage.broker().connection_changes();
        assert_eq!(changes.next().await.unwrap(), ConnectionChange { kind: Appeared, connection: last });
        let work = changes.next().await.unwrap();
        assert_eq!((work.kind, work.connection.key.to_string()), (Appeared, "acme/work".to_owned()));
        let begun = Instant::now();
        assert!(timeout(WITHIN / 2, changes.next()).await.is_err(), "nothing has changed");
        assert!(begun.elapsed() < WITHIN, "{:?}", begun.elapsed());
        block_in_place(|| stage.home.run(["logout", "acme", "--connection", "work"]).ok());
        let gone = changes.next().await.unwrap();
        assert_eq!(gone, ConnectionChange { kind: Disappeared, ..work });
    });
}

// It has no end but a signal, and on Windows a key on a terminal is the only one.
#[cfg(unix)]
#[test]
fn list_watch_prints_a_line_for_each_change() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let mut lines = stage.home.start(["list", "--watch"]);
    let mut json = stage.home.start(["list", "--watch", "--json"]);
    let mut next = || {
        let line = lines.stdout_line(WITHIN);
        let change: serde_json::Value = serde_json::from_str(&json.stdout_line(WITHIN)).unwrap();
        (line.split_whitespace().take(4).collect::<Vec<_>>().join(" "), change)
    };
    let list = || stage.home.run(["list", "--json"]).ok().json();

    let (line, change) = next();
    assert_eq!(line, "appeared acme default connected");
    assert_eq!((&change["kind"], &change["connection"]), (&"appeared".into(), &list()[0]));
    stage.access_token(&["--force-refresh"]);
    let (line, change) = next();
    assert_eq!(line, "changed acme default connected");
    assert_eq!((&change["kind"], &change["connection"]), (&"changed".into(), &list()[0]));
    stage.home.run(["logout", "acme"]).ok();
    let (line, change) = next();
    assert_eq!(line, "disappeared acme default connected");
    assert_eq!(change["kind"], "disappeared");

    for watch in [lines, json] {
        watch.signal("INT");
        let ended = watch.finish();
        assert_eq!((ended.code, ended.stdout.lines().count()), (130, 3), "{ended:#?}");
    }
}
