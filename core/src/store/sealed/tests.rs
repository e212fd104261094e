//! Every way in which a sealed file can be wrong.

use super::*;
use crate::store::key::VaultKey;
use crate::store::record::{ConnectionRecord, RegistrationRecord};
use crate::store::tests::{record, registration};

const ID: &str = "00112233445566778899aabbccddeeff";
const SCHEMA: &str = "tokenkeep/connection/1";

fn key(byte: u8) -> SealKey {
    VaultKey::from_slice(&[byte; 32]).unwrap().seal_key()
}

fn sealed() -> Vec<u8> {
    seal(&key(1), ID, 5, &[9; NONCE], &record("github/work")).unwrap()
}

fn refusal(file: &[u8]) -> Option<Refusal> {
    open::<ConnectionRecord>(&key(1), ID, file).err()
}

#[test]
fn a_record_comes_back_with_its_generation() {
    let opened: Opened<ConnectionRecord> = open(&key(1), ID, &sealed()).unwrap();
    assert_eq!((opened.generation, opened.record), (5, record("github/work")));
}

#[test]
fn nothing_of_the_record_is_seen_from_outside() {
    let file = sealed();
    for canary in ["refresh-canary", "access-canary", "github", "as.example"] {
        assert!(!file.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary}");
    }
}

#[test]
fn a_file_cut_at_any_length_is_damaged() {
    let file = sealed();
    for length in 0..file.len() {
        assert_eq!(refusal(&file[..length]), Some(Refusal::Damaged), "{length}");
    }
    let mut longer = file;
    longer.push(0);
    assert_eq!(refusal(&longer), Some(Refusal::Damaged));
}

#[test]
fn a_file_with_any_bit_flipped_does_not_open() {
    let file = sealed();
    for bit in 0..file.len() * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(refusal(&flipped).is_some(), "bit {bit}");
    }
}

#[test]
fn a_file_opens_with_its_own_key_and_in_its_own_place() {
    let file = sealed();
    let other_id = ID.replace("00", "01");
    assert_eq!(open::<ConnectionRecord>(&key(2), ID, &file).unwrap_err(), Refusal::Damaged);
    assert_eq!(open::<ConnectionRecord>(&key(1), &other_id, &file).unwrap_err(), Refusal::Damaged);
    assert_eq!(open::<RegistrationRecord>(&key(1), ID, &file).unwrap_err(), Refusal::Damaged);
    let file = seal(&key(1), ID, 1, &[9; NONCE], &registration("github")).unwrap();
    assert_eq!(refusal(&file), Some(Refusal::Damaged));
}

#[test]
fn a_header_is_sealed_too() {
    let file = sealed();
    let generation = MAGIC.len() + 2 + SCHEMA.len() + 1;
    assert_eq!(file[generation..generation + 8], 5_u64.to_be_bytes());
    let mut rolled_back = file;
    rolled_back[generation + 7] = 4;
    assert_eq!(refusal(&rolled_back), Some(Refusal::Damaged));
}

#[test]
fn a_higher_number_is_a_newer_version_and_no_damage() {
    let text = |lines: &str| [lines.as_bytes(), &sealed()[42..]].concat();
    for newer in [
        "tokenkeep/sealed/2\ntokenkeep/connection/1\n",
        "tokenkeep/sealed/11\nwhatever\n",
        "tokenkeep/sealed/1\ntokenkeep/connection/2\n",
    ] {
        assert_eq!(refusal(&text(newer)), Some(Refusal::Newer), "{newer:?}");
    }
    for damaged in [
        "tokenkeep/sealed/0\ntokenkeep/connection/1\n",
        "tokenkeep/sealed/02\ntokenkeep/connection/1\n",
        "tokenkeep/sealed/+2\ntokenkeep/connection/1\n",
        "tokenkeep/sealed/99999999999\ntokenkeep/connection/1\n",
        "tokenkeep/sealed/1\ntokenkeep/registration/2\n",
        "tokenkeep/sealed/1\ntokenkeep/connection/0\n",
        "tokenkeep/sealed/1\n\u{e9}/1\n",
        "\n\n",
    ] {
        assert_eq!(refusal(&text(damaged)), Some(Refusal::Damaged), "{damaged:?}");
    }
}

#[test]
fn a_buffer_for_secrets_does_not_grow() {
    let text = json(&record("github/work")).unwrap();
    assert_eq!(text.capacity(), text.len() + TAG);
}
