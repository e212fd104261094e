//! Frozen samples of everything that was ever written to disk: `tests/vectors/record_v1/`. They are
//! only added to, and never made again: a sample that no longer opens is somebody's lost login.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::store::files::{Folder, PrivateDir};
use crate::store::key::{VaultKey, from_hex, to_hex};
use crate::store::sealed;
use crate::store::vault_file::{KeySource, VaultFile};

/// A record: its JSON, and the file that it was sealed into.
#[derive(Deserialize)]
struct Sample {
    vault_key: String,
    schema: String,
    kind: String,
    name: String,
    id: String,
    generation: u64,
    nonce: String,
    record: Value,
    sealed: String,
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/record_v1")
}

/// The JSON files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let read = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    json.map(read).collect()
}

#[test]
fn every_record_ever_written_opens_and_is_written_the_same_today() {
    let mut schemas = BTreeSet::new();
    for (name, text) in files(&vectors()) {
        let sample: Sample = serde_json::from_slice(&text).unwrap();
        match sample.schema.as_str() {
            "tokenkeep/connection/1" => check::<ConnectionRecord>(&name, &sample),
            "tokenkeep/registration/1" => check::<RegistrationRecord>(&name, &sample),
            other => panic!("{name}: nothing here reads {other}"),
        }
        schemas.insert(sample.schema);
    }
    assert_eq!(schemas.len(), 2, "a schema without a sample");
}

fn check<R: Record + PartialEq + std::fmt::Debug>(name: &str, sample: &Sample) {
    let key = VaultKey::from_slice(&from_hex(&sample.vault_key).unwrap()).unwrap();
    assert_eq!(key.record_ids().id(&sample.kind, &sample.name), sample.id, "{name}: the file's name");
    let file = from_hex(&sample.sealed).unwrap();
    let opened = sealed::open::<R>(&key.seal_key(), &sample.id, &file).unwrap();
    assert_eq!(opened.generation, sample.generation, "{name}");
    let record: R = serde_json::from_value(sample.record.clone()).unwrap();
    assert_eq!(opened.record, record, "{name}: the sealed record is the plain one");
    assert_eq!(serde_json::to_value(&record).unwrap(), sample.record, "{name}: today's JSON");
    let nonce = from_hex(&sample.nonce).unwrap().as_slice().try_into().unwrap();
    let today = sealed::seal(&key.seal_key(), &sample.id, sample.generation, &nonce, &record).unwrap();
    assert_eq!(to_hex(&today), sample.sealed, "{name}: today's file");
}

#[test]
fn the_samples_hold_what_they_are_named_for() {
    let found: BTreeSet<String> = files(&vectors()).into_iter().map(|(name, _)| name).collect();
    for name in [
        "microsoft",
        "minimal",
        "login_required",
        "registration",
        "resources",
        "application",
        "dpop",
        "private_key",
        "registration_of_issuer",
        "registration_dynamic",
        "mcp",
        "dialect",
    ] {
        assert!(found.contains(name), "{name}");
    }
}

/// A vault of every kind, and what opens it.
#[derive(Deserialize)]
struct VaultSample {
    key_source: KeySource,
    #[serde(default)]
    passphrase: Option<String>,
    vault_key: String,
    vault: Value,
}

#[test]
fn every_vault_ever_made_takes_its_key() {
    let mut sources = Vec::new();
    for (name, text) in files(&vectors().join("vault")) {
        let sample: VaultSample = serde_json::from_slice(&text).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let home = PrivateDir::create(folder.path(), Folder::Home).unwrap();
        home.write("vault.json", sample.vault.to_string().as_bytes()).unwrap();
        let file = VaultFile::read(&home).unwrap().unwrap();
        assert_eq!(file.key_source, sample.key_source, "{name}");
        let key = VaultKey::from_slice(&from_hex(&sample.vault_key).unwrap()).unwrap();
        assert!(file.fits(&key), "{name}");
        if let Some(passphrase) = sample.passphrase {
            let derived = file.argon2().unwrap().derive(&Secret::new(passphrase)).unwrap();
            assert_eq!(derived.as_bytes(), key.as_bytes(), "{name}");
        }
        assert_eq!(serde_json::to_value(&file).unwrap(), sample.vault, "{name}: today's JSON");
        sources.push(sample.key_source.as_str());
    }
    sources.sort_unstable();
    assert_eq!(sources, ["file", "keychain", "passphrase"]);
}
