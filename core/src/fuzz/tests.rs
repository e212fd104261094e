//! The corpora of `fuzz/`, each file through its reader: as it is, cut, and with each of its bytes altered.

use std::fs;
use std::path::Path;

use super::*;

/// The files of a target's corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_reader_has_a_corpus_a_fuzzer_and_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for (target, read) in TARGETS {
        let files = corpus(target);
        assert!(files.len() >= 5, "{target} has a corpus of {} files", files.len());
        for (path, bytes) in files {
            // A failed assertion says what does not hold; this says of which file.
            std::panic::catch_unwind(|| read(&bytes)).unwrap_or_else(|_| panic!("{path}"));
        }
        let fuzzer = fs::read_to_string(root.join("fuzz_targets").join(format!("{target}.rs"))).unwrap();
        assert!(fuzzer.contains(&format!("tokenkeep::fuzz::{target}(data)")), "{target}");
    }
    let folders = fs::read_dir(root.join("corpus")).unwrap().count();
    assert_eq!(folders, TARGETS.len(), "a corpus that no reader reads");
}

#[test]
fn every_reader_holds_for_what_is_damaged() {
    for (target, read) in TARGETS {
        for (path, bytes) in corpus(target) {
            // Long files are altered at every so many bytes: this is the short form of fuzzing.
            let step = bytes.len().div_ceil(36).max(1);
            for at in (0..bytes.len()).step_by(step) {
                for damaged in damages(&bytes, at) {
                    let held = std::panic::catch_unwind(|| read(&damaged));
                    held.unwrap_or_else(|_| {
                        panic!("{path}, damaged: {:?}", String::from_utf8_lossy(&damaged))
                    });
                }
            }
        }
    }
}

/// Cut at that byte; a bit of it turned; a quote, a line break or nothing in its place.
fn damages(bytes: &[u8], at: usize) -> [Vec<u8>; 5] {
    let with = |byte: &[u8]| [&bytes[..at], byte, &bytes[at + 1..]].concat();
    [bytes[..at].to_vec(), with(&[bytes[at] ^ (1 << (at % 8))]), with(b"\""), with(b"\n"), with(b"")]
}
