//! The trait's words, held against every store.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::store::key::VaultKey;
use crate::store::vault::Vault;
use crate::store::{MemoryStore, TokenStore};

const SOON: Duration = Duration::from_secs(5);

fn in_every_store(check: impl Fn(&dyn TokenStore)) {
    check(&MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    check(&Vault::new(folder.path().join("home"), &VaultKey::generate().unwrap()));
}

#[test]
fn what_was_put_is_got() {
    in_every_store(|store| {
        let key = connection_key("github/work");
        assert!(store.get(&key).unwrap().is_none());
        let lock = store.lock(&key, SOON).unwrap();
        for token in ["one", "two"] {
            store.put(&lock, &rotated("github/work", token)).unwrap();
            assert_eq!(store.get(&key).unwrap(), Some(rotated("github/work", token)));
        }
        assert!(store.get(&connection_key("github/home")).unwrap().is_none());
        assert!(store.delete(&lock).unwrap());
        assert!(store.get(&key).unwrap().is_none());
        assert!(!store.delete(&lock).unwrap());
    });
}

#[test]
fn a_lock_is_good_for_its_own_connection() {
    in_every_store(|store| {
        let lock = store.lock(&connection_key("github/work"), SOON).unwrap();
        let error = store.put(&lock, &record("github/home")).unwrap_err();
        assert_eq!(error.code(), "internal");
        assert!(store.get(&connection_key("github/home")).unwrap().is_none());
    });
}

#[test]
fn a_list_is_in_the_order_of_names() {
    in_every_store(|store| {
        assert!(store.list().unwrap().is_empty());
        for name in ["microsoft/b", "github/default", "microsoft/a"] {
            store.put(&store.lock(&connection_key(name), SOON).unwrap(), &record(name)).unwrap();
        }
        let list = store.list().unwrap().into_iter().map(|record| record.unwrap().key.to_string());
        assert_eq!(list.collect::<Vec<_>>(), ["github", "microsoft/a", "microsoft/b"]);
    });
}

#[test]
fn a_stamp_differs_with_each_write_and_goes_with_the_record() {
    in_every_store(|store| {
        assert!(store.stamps().unwrap().is_empty());
        let lock = store.lock(&connection_key("github/work"), SOON).unwrap();
        let mut before = None;
        for token in ["one", "two", "three"] {
            store.put(&lock, &rotated("github/work", token)).unwrap();
            let stamps = store.stamps().unwrap();
            assert_eq!(store.stamps().unwrap(), stamps);
            let (id, stamp) = stamps.first_key_value().unwrap();
            assert_eq!(store.get_by_id(id).unwrap(), Some(rotated("github/work", token)));
            assert_ne!(before.replace((id.clone(), *stamp)), Some((id.clone(), *stamp)));
        }
        store
            .put(&store.lock(&connection_key("github/home"), SOON).unwrap(), &record("github/home"))
            .unwrap();
        put_registration(store, &registration("github"));
        assert_eq!(store.stamps().unwrap().len(), 2);
        store.delete(&lock).unwrap();
        let (id, _) = before.unwrap();
        assert!(!store.stamps().unwrap().contains_key(&id));
        assert_eq!(store.get_by_id(&id).unwrap(), None);
    });
}

#[test]
fn a_second_lock_waits_and_gives_up() {
    in_every_store(|store| {
        let key = connection_key("github/work");
        let held = store.lock(&key, SOON).unwrap();
        for wait in [Duration::ZERO, Duration::from_millis(60)] {
            let started = Instant::now();
            let error = store.lock(&key, wait).unwrap_err();
            assert_eq!(error.code(), "lock_timeout");
            assert!(error.message().contains("github/work"), "{error}");
            assert!((wait..SOON).contains(&started.elapsed()), "{:?}", started.elapsed());
        }
        // another connection waits for nobody
        store.lock(&connection_key("github/home"), Duration::ZERO).unwrap();
        drop(held);
        // those who gave up keep nobody waiting
        store.lock(&key, SOON).unwrap();
    });
}

#[test]
fn a_freed_lock_wakes_who_waits_for_it() {
    in_every_store(|store| {
        let key = connection_key("github/work");
        let held = store.lock(&key, SOON).unwrap();
        let ready = Barrier::new(2);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                ready.wait();
                let lock = store.lock(&key, Duration::from_secs(60)).unwrap();
                let woken = Instant::now();
                drop(lock);
                woken
            });
            ready.wait();
            thread::sleep(Duration::from_millis(50));
            let freed = Instant::now();
            drop(held);
            let woken = waiter.join().unwrap();
            assert!(woken.duration_since(freed) < Duration::from_millis(500));
        });
    });
}

#[test]
fn one_at_a_time() {
    in_every_store(|store| {
        let key = connection_key("github/work");
        store.put(&store.lock(&key, SOON).unwrap(), &rotated("github/work", "0")).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = store.lock(&key, Duration::from_secs(60)).unwrap();
                        let count = store.get(&key).unwrap().unwrap().refresh_token.unwrap();
                        let count: u32 = count.expose().parse().unwrap();
                        store.put(&lock, &rotated("github/work", &(count + 1).to_string())).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.get(&key).unwrap(), Some(rotated("github/work", "20")));
    });
}

fn put_registration(store: &dyn TokenStore, record: &RegistrationRecord) {
    store.put_registration(&store.lock_registration(&record.key(), SOON).unwrap(), record).unwrap();
}

#[test]
fn registrations() {
    in_every_store(|store| {
        let key = registration("github").key();
        assert!(store.registration(&key).unwrap().is_none());
        put_registration(store, &registration("github"));
        let newer = RegistrationRecord { client_id: "newer".to_owned(), ..registration("github") };
        put_registration(store, &newer);
        assert_eq!(store.registration(&key).unwrap(), Some(newer));
        assert!(store.list().unwrap().is_empty());
        let lock = store.lock_registration(&key, SOON).unwrap();
        assert!(store.delete_registration(&lock).unwrap());
        assert!(!store.delete_registration(&lock).unwrap());
        assert!(store.registration(&key).unwrap().is_none());
    });
}

#[test]
fn each_issuer_has_a_registration_of_its_own() {
    in_every_store(|store| {
        let issuers = [None, Some("https://one.example"), Some("https://one.example/")];
        let of = |issuer: Option<&str>| RegistrationRecord {
            issuer: issuer.map(str::to_owned),
            client_id: format!("of {issuer:?}"),
            ..registration("oidc")
        };
        issuers.into_iter().for_each(|issuer| put_registration(store, &of(issuer)));
        for issuer in issuers {
            assert_eq!(store.registration(&of(issuer).key()).unwrap(), Some(of(issuer)));
        }
        let lock = store.lock_registration(&of(issuers[1]).key(), SOON).unwrap();
        let error = store.put_registration(&lock, &of(issuers[2])).unwrap_err();
        assert_eq!(error.code(), "internal");
        assert!(store.delete_registration(&lock).unwrap());
        assert!(store.registration(&of(issuers[1]).key()).unwrap().is_none());
        assert!(store.registration(&of(issuers[2]).key()).unwrap().is_some());
    });
}

#[test]
fn the_lock_of_a_registration_is_waited_for_and_is_nobody_elses() {
    in_every_store(|store| {
        let key = registration("github").key();
        let held = store.lock_registration(&key, SOON).unwrap();
        let error = store.lock_registration(&key, Duration::from_millis(60)).unwrap_err();
        assert_eq!(error.code(), "lock_timeout");
        assert!(error.message().contains("github"), "{error}");
        let other =
            RegistrationRecord { issuer: Some("https://as.example".to_owned()), ..registration("github") };
        store.lock_registration(&other.key(), Duration::ZERO).unwrap();
        store.lock(&connection_key("github/default"), Duration::ZERO).unwrap();
        drop(held);
        store.lock_registration(&key, SOON).unwrap();
    });
}

#[test]
fn a_renewed_secret_counts_for_its_own_issuer_alone() {
    in_every_store(|store| {
        let (one, other) = ("https://one.example", "https://other.example");
        let renewed = |issuer: Option<&str>| RegistrationRecord {
            issuer: issuer.map(str::to_owned),
            client_secret: Some(Secret::new(format!("renewed at {issuer:?}"))),
            ..registration("oidc")
        };
        let of = |issuer: &str, issuer_bound| {
            let mut record = record("oidc/work");
            record.server.issuer = Some(issuer.to_owned());
            record.client.client_secret = Some(Secret::new("old"));
            record.client.issuer_bound = issuer_bound;
            store.client_of(&record).unwrap().client_secret.unwrap()
        };
        assert_eq!(of(one, true), Secret::new("old"));
        put_registration(store, &renewed(None));
        put_registration(store, &renewed(Some(other)));
        assert_eq!(of(one, true), Secret::new("old"));
        assert_eq!(of(other, true), renewed(Some(other)).client_secret.unwrap());
        // A provider whose file names its server, and a record from before issuers were told apart.
        assert_eq!(of(one, false), renewed(None).client_secret.unwrap());
        put_registration(store, &renewed(Some(one)));
        assert_eq!(of(one, true), renewed(Some(one)).client_secret.unwrap());
    });
}
