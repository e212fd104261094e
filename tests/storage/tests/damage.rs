//! S1, S2: every length that a file can be cut to, and every bit that can flip in it.
//!
//! Through the library each file is swept whole; through the command line, where every look is a process, all
//! lengths and a sample of the bits, or in a long run all of them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tokenkeep::{Broker, ConnectionKey, Error};
use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::{Run, files_below, report, scaled};

/// A store with one connection that is damaged and one that is not.
struct Scene {
    stage: Stage,
    record: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::acme();
        stage.login(&["--connection", "bad"]).ok();
        let record = stage.records().remove(0).0;
        stage.login(&["--connection", "good"]).ok();
        Scene { stage, record }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.stage.home.store().join(name)
    }

    /// What there is to damage: the record, which vault this is, and its key.
    fn files(&self) -> [PathBuf; 3] {
        [self.record.clone(), self.file("vault.json"), self.file("vault.key")]
    }

    /// A look by a broker that has seen nothing before.
    fn look(&self) -> Result<(), Error> {
        look(&self.stage.broker())
    }
}

/// Reads the record. A token that was just handed out would be handed out again without a read.
fn look(broker: &Broker) -> Result<(), Error> {
    let key = ConnectionKey::new("acme".parse().unwrap(), "bad".parse().unwrap());
    broker.connection(&key).map(|found| assert!(found.has_refresh_token))
}

/// Every way to cut `sound`.
fn cuts(sound: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..sound.len()).map(|length| sound[..length].to_vec())
}

/// Every way to flip a bit of it, or every `step`th.
fn flips(sound: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..sound.len() * 8).step_by(step).map(|bit| {
        let mut flipped = sound.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

/// Writes over what is there. To empty a file first would have ext4 flush it to the disk, some 10,000 times.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

/// A key file, and the file that says which vault this is, end with a newline that an editor may leave out.
fn is_harmless(path: &Path, damage: &[u8], sound: &[u8]) -> bool {
    !path.to_str().unwrap().ends_with(".sealed") && sound.strip_suffix(b"\n") == Some(damage)
}

/// The code that this damage is told with. A bit of the key that flips leaves a key, only not this vault's; the
/// same goes for what the vault is known by.
#[track_caller]
fn check(path: &Path, code: &str, text: &str) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let may_be_locked = !name.ends_with(".sealed");
    assert!(code == "store_corrupt" || (may_be_locked && code == "store_locked"), "{name}: {code}: {text}");
    assert!(text.contains(name), "{name}: {text}");
}

/// Looks at every one of `damages` of the file, by way of the library, and says how many there were.
#[track_caller]
fn sweep(scene: &Scene, path: &Path, damages: impl Iterator<Item = Vec<u8>>, sound: &[u8]) -> usize {
    let before = files_below(&scene.stage.home.store()).len();
    // What is open already has its key: for the record one broker will do, as in a program that goes on.
    let opened = scene.stage.broker();
    look(&opened).unwrap();
    let mut tried = 0;
    for damage in damages {
        overwrite(path, &damage);
        let seen = if path == scene.record { look(&opened) } else { scene.look() };
        if is_harmless(path, &damage, sound) {
            seen.unwrap();
        } else {
            let error = seen.expect_err("damage is noticed");
            check(path, error.code(), error.message());
            assert_eq!(fs::read(path).unwrap(), damage, "a look alters nothing");
            tried += 1;
        }
    }
    overwrite(path, sound);
    look(&opened).unwrap();
    assert_eq!(files_below(&scene.stage.home.store()).len(), before, "a look makes nothing");
    tried
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let scene = Scene::new();
    let [mut cut, mut flipped] = [0, 0];
    for path in scene.files() {
        let sound = fs::read(&path).unwrap();
        cut += sweep(&scene, &path, cuts(&sound), &sound);
        let bits = sweep(&scene, &path, flips(&sound, 1), &sound);
        assert_eq!(bits, sound.len() * 8);
        flipped += bits;
    }
    report("S1", format!("{cut:>6} of {cut} cuts of a record, vault.json and vault.key noticed (library)"));
    report("S2", format!("{flipped:>6} of {flipped} flipped bits of the same noticed (library)"));
}

#[test]
fn the_command_line_says_which_file_and_goes_on_with_the_others() {
    let scene = Scene::new();
    let [mut cut, mut flipped] = [0, 0];
    for path in scene.files() {
        let sound = fs::read(&path).unwrap();
        cut += ask(&scene, &path, cuts(&sound), &sound);
        // No multiple of 8, so that all bits of a byte have their turn.
        flipped += ask(&scene, &path, flips(&sound, scaled(67, 1)), &sound);
    }
    report(
        "S1",
        format!("{cut:>6} of {cut} cuts noticed by a process of its own each, the other connection went on"),
    );
    report("S2", format!("{flipped:>6} of {flipped} flipped bits noticed by a process of its own each"));
}

/// The same by way of the command line, which must not take a damaged store for an empty one either.
#[track_caller]
fn ask(scene: &Scene, path: &Path, damages: impl Iterator<Item = Vec<u8>>, sound: &[u8]) -> usize {
    let Scene { stage, record } = scene;
    let mut tried = 0;
    for (number, damage) in damages.enumerate() {
        if is_harmless(path, &damage, sound) {
            continue;
        }
        overwrite(path, &damage);
        told(path, &stage.token(&["--connection", "bad", "--json"]));
        // The others, at every tenth: they are the same each time.
        if number % 10 == 0 && path == record {
            stage.access_token(&["--connection", "good"]);
            let listed = stage.home.run(["list", "--json"]);
            assert_eq!((listed.json().as_array().unwrap().len(), listed.code), (1, 27), "{listed:#?}");
        } else if number % 10 == 0 {
            told(path, &stage.home.run(["list", "--json"]));
            // No login either: it would be kept under another key.
            told(path, &stage.login(&["--connection", "new", "--json"]));
        }
        assert_eq!(fs::read(path).unwrap(), damage, "a look alters nothing");
        tried += 1;
    }
    overwrite(path, sound);
    stage.access_token(&["--connection", "bad"]);
    tried
}

#[track_caller]
fn told(path: &Path, run: &Run) {
    let code = run.error_code();
    check(path, &code, fails(run, &code).message());
}

#[test]
fn a_login_keeps_each_damaged_file_aside() {
    let scene = Scene::new();
    let sound = fs::read(&scene.record).unwrap();
    // One of each part of the file: its two lines, the generation, the nonce, what is sealed, its tag; and cuts.
    let parts = [0, 21, 43, 53, 100, sound.len() - 1].map(|at| flips(&sound, 8).nth(at).unwrap());
    let cut = [0, 1, 43, sound.len() - 1].map(|length| sound[..length].to_vec());
    let mut damages: Vec<_> = parts.into_iter().chain(cut).collect();
    for damage in &damages {
        fs::write(&scene.record, damage).unwrap();
        scene.stage.login(&["--connection", "bad"]).ok();
        scene.stage.access_token(&["--connection", "bad"]);
    }
    let folder = files_below(scene.record.parent().unwrap());
    let is_aside = |path: &Path| path.to_str().unwrap().contains(".sealed.corrupt-");
    let mut aside: Vec<_> =
        folder.into_iter().filter(|(path, _)| is_aside(path)).map(|(_, kept)| kept).collect();
    aside.sort();
    damages.sort();
    assert!(aside == damages, "{} kept of {}", aside.len(), damages.len());
    report("S1", format!("{:>6} of {} damaged files kept aside as they were", aside.len(), damages.len()));
}
