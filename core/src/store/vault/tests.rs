//! A vault's folder: what is in it, and what happens when it is not what was written.

use std::fs;

use super::*;
use crate::store::tests::{connection_key, record, registration, rotated};

const SOON: Duration = Duration::from_secs(5);

struct Home {
    folder: tempfile::TempDir,
    vault: Vault,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::new(folder.path().to_owned(), &VaultKey::from_slice(&[3; 32]).unwrap());
        Home { folder, vault }
    }

    fn put(&self, name: &str) {
        self.try_put(name).unwrap();
    }

    fn try_put(&self, name: &str) -> Result<()> {
        let lock = self.vault.lock(&connection_key(name), SOON)?;
        self.vault.put(&lock, &record(name))
    }

    fn file(&self, name: &str) -> PathBuf {
        let id = self.vault.id::<ConnectionRecord>(name);
        self.folder.path().join("records").join(format!("{id}.sealed"))
    }

    fn get(&self, name: &str) -> Result<Option<ConnectionRecord>> {
        self.vault.get(&connection_key(name))
    }

    fn generation(&self, name: &str) -> u64 {
        let dir = PrivateDir::open(self.folder.path(), Folder::Records).unwrap().unwrap();
        let id = self.vault.id::<ConnectionRecord>(name);
        self.vault.open_in::<ConnectionRecord>(&dir, &id).unwrap().unwrap().unwrap().generation
    }

    fn records(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("records")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn put_registration(&self) {
        let record = registration("github");
        let lock = self.vault.lock_registration(&record.key(), SOON).unwrap();
        self.vault.put_registration(&lock, &record).unwrap();
    }
}

#[test]
fn a_folder_names_no_provider_and_holds_no_token() {
    let home = Home::new();
    home.put("github/work");
    home.put_registration();
    let mut looked_at = 0;
    for folder in ["records", "registrations", "locks"] {
        for entry in fs::read_dir(home.folder.path().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let seen = [path.to_str().unwrap().as_bytes(), &fs::read(&path).unwrap()].concat();
            for canary in ["canary", "github", "work"] {
                assert!(!seen.windows(canary.len()).any(|window| window == canary.as_bytes()), "{path:?}");
            }
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 4);
}

/// On disk a name is always in full, however it is shown: `github` for the default connection.
#[test]
fn a_file_is_named_by_the_whole_name() {
    let home = Home::new();
    home.put("github/default");
    home.put_registration();
    assert!(home.file("github/default").exists());
    let id = home.vault.ids.id("registration", "github");
    assert!(home.folder.path().join(format!("registrations/{id}.sealed")).exists());
}

#[test]
fn each_write_of_a_connection_has_a_number_of_its_own() {
    let home = Home::new();
    for expected in 1..=3 {
        home.put("github/work");
        assert_eq!(home.generation("github/work"), expected);
    }
    home.put("github/home");
    assert_eq!((home.generation("github/home"), home.generation("github/work")), (1, 3));
    assert_eq!(home.records().len(), 2, "no leftovers: {:?}", home.records());
}

#[test]
fn every_write_has_another_nonce() {
    let home = Home::new();
    home.put("github/work");
    let one = fs::read(home.file("github/work")).unwrap();
    home.put("github/work");
    let two = fs::read(home.file("github/work")).unwrap();
    assert_eq!(one.len(), two.len());
    assert_ne!(one[50..74], two[50..74]);
}

#[test]
fn damage_is_named_and_reading_leaves_it_alone() {
    let home = Home::new();
    home.put("github/work");
    let path = home.file("github/work");
    let good = fs::read(&path).unwrap();
    for bad in [Vec::new(), good[..40].to_vec(), good[1..].to_vec(), vec![0; 3000]] {
        fs::write(&path, &bad).unwrap();
        let error = home.get("github/work").unwrap_err();
        assert_eq!(error.code(), "store_corrupt");
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(home.vault.list().unwrap().len(), 1);
        assert_eq!(fs::read(&path).unwrap(), bad);
        assert_eq!(home.records().len(), 1);
    }
}

#[test]
fn a_write_keeps_a_damaged_file_aside_each_time() {
    let home = Home::new();
    let path = home.file("github/work");
    for damage in ["one", "two", "three"] {
        home.put("github/work");
        fs::write(&path, damage).unwrap();
    }
    home.put("github/work");
    assert_eq!(home.get("github/work").unwrap(), Some(record("github/work")));
    let aside: Vec<_> = home.records().into_iter().filter(|name| name.contains(".sealed.corrupt-")).collect();
    let mut kept: Vec<_> =
        aside.iter().map(|name| fs::read_to_string(path.with_file_name(name)).unwrap()).collect();
    kept.sort();
    assert_eq!(kept, ["one", "three", "two"], "{aside:?}");
    // what is aside is in nobody's way
    assert_eq!(home.vault.list().unwrap().len(), 1);
}

#[test]
fn a_removal_keeps_a_damaged_file_aside() {
    let home = Home::new();
    home.put("github/work");
    fs::write(home.file("github/work"), "damage").unwrap();
    let lock = home.vault.lock(&connection_key("github/work"), SOON).unwrap();
    assert!(home.vault.delete(&lock).unwrap());
    assert!(home.get("github/work").unwrap().is_none());
    assert_eq!(home.records().len(), 1);
    assert!(home.records()[0].contains(".sealed.corrupt-"));
}

#[test]
fn a_newer_versions_file_is_refused_by_all_and_stays() {
    let home = Home::new();
    home.put("github/work");
    let path = home.file("github/work");
    let newer = String::from_utf8_lossy(&fs::read(&path).unwrap()).replace("connection/1", "connection/2");
    fs::write(&path, &newer).unwrap();
    let lock = home.vault.lock(&connection_key("github/work"), SOON).unwrap();
    for error in [
        home.get("github/work").unwrap_err(),
        home.vault.put(&lock, &record("github/work")).unwrap_err(),
        home.vault.delete(&lock).unwrap_err(),
    ] {
        assert_eq!(error.code(), "store_corrupt");
        assert!(error.message().contains("newer version"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), newer.as_bytes());
    assert_eq!(home.records().len(), 1);
}

#[test]
fn files_that_changed_places_do_not_open() {
    let home = Home::new();
    home.put("github/work");
    home.put("github/home");
    let (work, other) = (home.file("github/work"), home.file("github/home"));
    fs::rename(&work, work.with_extension("x")).unwrap();
    fs::rename(&other, &work).unwrap();
    fs::rename(work.with_extension("x"), &other).unwrap();
    for name in ["github/work", "github/home"] {
        assert_eq!(home.get(name).unwrap_err().code(), "store_corrupt");
    }
}

#[test]
fn another_vaults_record_does_not_open() {
    let (home, other) = (Home::new(), Vault::new(PathBuf::new(), &VaultKey::from_slice(&[4; 32]).unwrap()));
    home.put("github/work");
    let id = home.vault.id::<ConnectionRecord>("github/work");
    // the right name, sealed with another key
    let sealed = sealed::seal(&other.seal, &id, 1, &[0; sealed::NONCE], &record("github/work")).unwrap();
    fs::write(home.file("github/work"), sealed).unwrap();
    assert_eq!(home.get("github/work").unwrap_err().code(), "store_corrupt");
    // the right key and name, around another connection's record
    let sealed = sealed::seal(&home.vault.seal, &id, 1, &[0; sealed::NONCE], &record("github/home")).unwrap();
    fs::write(home.file("github/work"), sealed).unwrap();
    assert_eq!(home.get("github/work").unwrap_err().code(), "store_corrupt");
}

#[test]
fn one_damaged_file_hides_no_other_from_a_list() {
    let home = Home::new();
    for name in ["github/a", "github/b", "microsoft/c"] {
        home.put(name);
    }
    fs::write(home.file("github/a"), "damage").unwrap();
    fs::write(home.folder.path().join("records/.x.tmp"), "leftover").unwrap();
    fs::write(home.folder.path().join("records/README"), "not ours").unwrap();
    fs::write(home.folder.path().join("records/notes.sealed"), "not ours").unwrap();
    fs::create_dir(home.folder.path().join("records/00112233445566778899aabbccddeeff.sealed")).unwrap();
    let list = home.vault.list().unwrap();
    let told = |found: &Result<ConnectionRecord>| match found {
        Ok(record) => record.key.to_string(),
        Err(error) => error.code().to_owned(),
    };
    let mut told: Vec<String> = list.iter().map(told).collect();
    told[2..].sort();
    assert_eq!(told, ["github/b", "microsoft/c", "store_corrupt", "store_unavailable"]);
}

/// More than one thread reads it.
#[test]
fn a_large_store_is_listed_whole_and_in_order() {
    let home = Home::new();
    let names: Vec<String> = (0..3 * MIN_SHARE + 1).map(|number| format!("github/n{number:03}")).collect();
    names.iter().rev().for_each(|name| home.put(name));
    fs::write(home.file("github/n100"), "damage").unwrap();
    let list = home.vault.list().unwrap();
    let read: Vec<String> = list.iter().flatten().map(|record| record.key.to_string()).collect();
    assert_eq!(read, names.iter().filter(|name| *name != "github/n100").cloned().collect::<Vec<_>>());
    assert_eq!(list.last().unwrap().as_ref().unwrap_err().code(), "store_corrupt");
    assert_eq!(list.len(), names.len());
}

#[test]
fn a_record_too_large_to_be_read_back_is_not_written() {
    let home = Home::new();
    home.put("github/work");
    let lock = home.vault.lock(&connection_key("github/work"), SOON).unwrap();
    let large = rotated("github/work", &"x".repeat(1024 * 1024));
    assert_eq!(home.vault.put(&lock, &large).unwrap_err().code(), "internal");
    assert_eq!(home.get("github/work").unwrap(), Some(record("github/work")));
}

#[test]
fn a_reader_sees_whole_records_while_others_write() {
    let home = Home::new();
    home.put("github/work");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let lock = home.vault.lock(&connection_key("github/work"), SOON).unwrap();
            for length in 0..60 {
                let record = rotated("github/work", &"x".repeat(length * 100));
                home.vault.put(&lock, &record).unwrap();
            }
        });
        while !writer.is_finished() {
            assert!(home.get("github/work").unwrap().is_some());
        }
    });
}
