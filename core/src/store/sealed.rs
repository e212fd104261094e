//! The format of a sealed file. Pure: a record and a key in, bytes out, and back.
//!
//! What stands here is a promise. **A sealed file, version 1:**
//!
//! | bytes | what |
//! |---|---|
//! | 19 | the line `tokenkeep/sealed/1`, with its newline |
//! | up to 64 | the record's schema tag as a line, `tokenkeep/connection/1` for one |
//! | 8 | the generation, big endian: 1 for a file's first write, one more for each that replaces it |
//! | 24 | the nonce, random for every write |
//! | rest | the record's JSON under XChaCha20-Poly1305, its 16-byte tag last |
//!
//! The cipher's key is the vault's sealing key (`key.rs`). Its associated data is the two lines, the
//! generation, and the record's id, which is the file's name without `.sealed`: so a file put in
//! another's place does not open, and no part of the header can be changed. What this cannot tell is
//! an older file of the same record put back whole, say from a backup: nothing outside the file counts
//! along.
//!
//! **Upgrade rules.** A version or a schema tag with a higher number than is known here was written by
//! a newer Tokenkeep: it is refused and left alone. All else that does not open is damage.
//!
//! May not enter: paths and files (`vault.rs` names them in its errors), and where the key comes from.

use std::io;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::SealKey;
use super::record::Record;
use crate::error::{Error, ErrorKind, Result};

/// The first line, up to its version number.
const MAGIC: &str = "tokenkeep/sealed/";
const VERSION: u32 = 1;
/// Longer lines are no schema tags: damage is found before anything is copied.
const MAX_SCHEMA: usize = 64;
pub(crate) const NONCE: usize = 24;
const TAG: usize = 16;

/// Why a file does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A newer version of Tokenkeep wrote it; it is not for this one to touch.
    Newer,
    /// Cut short, altered, another record's, or sealed with another key: the cipher cannot say which.
    Damaged,
}

/// A record as it was found, with the number of its write.
#[derive(Debug)]
pub(crate) struct Opened<R> {
    /// How many writes this file has seen, this one included.
    pub(crate) generation: u64,
    /// The record.
    pub(crate) record: R,
}

/// The bytes of the sealed file `id`.
pub(crate) fn seal<R: Record>(
    key: &SealKey,
    id: &str,
    generation: u64,
    nonce: &[u8; NONCE],
    record: &R,
) -> Result<Vec<u8>> {
    let mut text = json(record)?;
    let header = header(R::SCHEMA, generation);
    XChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt_in_place(&XNonce::from(*nonce), &associated_data(&header, id), &mut *text)
        .map_err(|_| Error::new(ErrorKind::Internal, "a record is too large to be sealed"))?;
    let mut file = header;
    file.extend_from_slice(nonce);
    file.extend_from_slice(&text);
    Ok(file)
}

/// The record in the sealed file `id`.
pub(crate) fn open<R: Record>(key: &SealKey, id: &str, file: &[u8]) -> Result<Opened<R>, Refusal> {
    let (generation, text) = decrypt(key, id, R::SCHEMA, file)?;
    // Whoever sealed this had the key: JSON that does not fit is a defect of the writer, and no more
    // to be trusted than damage.
    let record = serde_json::from_slice(&text).map_err(|_| Refusal::Damaged)?;
    Ok(Opened { generation, record })
}

/// The generation and the JSON in the sealed file `id`.
fn decrypt(key: &SealKey, id: &str, schema: &str, file: &[u8]) -> Result<(u64, Zeroizing<Vec<u8>>), Refusal> {
    let rest = versioned_line(file, MAGIC, VERSION)?;
    let (family, version) = split_version(schema).ok_or(Refusal::Damaged)?;
    let rest = versioned_line(rest, family, version)?;
    let (generation, rest) = rest.split_first_chunk::<8>().ok_or(Refusal::Damaged)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Refusal::Damaged)?;
    let generation = u64::from_be_bytes(*generation);
    let mut text = Zeroizing::new(sealed.to_vec());
    XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt_in_place(
            &XNonce::from(*nonce),
            &associated_data(&header(schema, generation), id),
            &mut *text,
        )
        .map_err(|_| Refusal::Damaged)?;
    Ok((generation, text))
}

/// What follows the line `<family><version>`, when `bytes` begin with it.
fn versioned_line<'a>(bytes: &'a [u8], family: &str, version: u32) -> Result<&'a [u8], Refusal> {
    let end = bytes.iter().take(MAX_SCHEMA).position(|byte| *byte == b'\n').ok_or(Refusal::Damaged)?;
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| Refusal::Damaged)?;
    match split_version(line) {
        Some((found, number)) if found == family && number == version => Ok(&bytes[end + 1..]),
        Some((found, number)) if found == family && number > version => Err(Refusal::Newer),
        _ => Err(Refusal::Damaged),
    }
}

/// `tokenkeep/connection/` and 1 of `tokenkeep/connection/1`. One number has one spelling.
fn split_version(tag: &str) -> Option<(&str, u32)> {
    let (family, digits) = tag.split_at(tag.rfind('/')? + 1);
    let number = digits.parse::<u32>().ok()?;
    (number.to_string() == digits).then_some((family, number))
}

/// The file's beginning, up to its nonce.
fn header(schema: &str, generation: u64) -> Vec<u8> {
    let mut header = format!("{MAGIC}{VERSION}\n{schema}\n").into_bytes();
    header.extend_from_slice(&generation.to_be_bytes());
    header
}

fn associated_data(header: &[u8], id: &str) -> Vec<u8> {
    // The header's length follows from its newlines, so header and id cannot run together.
    [header, id.as_bytes()].concat()
}

/// The record's JSON, with room for the tag: a buffer that grew would leave copies of the secrets in
/// freed memory, so the length is counted first.
fn json<R: Record>(record: &R) -> Result<Zeroizing<Vec<u8>>> {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // serde_json's error could quote a value; its text stays out.
    let failed = |_| Error::new(ErrorKind::Internal, "a record does not turn into JSON");
    let mut count = Count(0);
    serde_json::to_writer(&mut count, record).map_err(failed)?;
    let mut text = Zeroizing::new(Vec::with_capacity(count.0 + TAG));
    serde_json::to_writer(&mut *text, record).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
