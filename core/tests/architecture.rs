//! The shape of the core, proved from its source: arrows point down, each door has one keeper, files
//! stay rooms, and what is public is explained.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by rank. A file may name lower ranks and its own room; never a higher rank, never a sibling.
const RANKS: [&[&str]; 7] = [
    &["clock", "environment", "error", "hosts", "login_command", "names", "scope", "secret"],
    &["protocol", "transport"],
    &["dpop", "provider", "store"],
    &["flow", "refresh"],
    &["broker"],
    // Converts for the Azure SDK.
    &["azure"],
    // Looks at every reader of foreign bytes, and is in no program.
    &["fuzz"],
];

/// Crates that only one room may name.
const DOORS: [(&str, &str); 10] = [
    ("reqwest", "transport.rs"),
    ("rustls_platform_verifier", "transport.rs"),
    ("oauth2", "protocol/"),
    ("keyring_core", "store/keychain.rs"),
    ("dbus_secret_service_keyring_store", "store/keychain.rs"),
    ("secrecy", "secret.rs"),
    ("chacha20poly1305", "store/"),
    ("hyper", "flow/"),
    ("pki_types", "protocol/client_key.rs"),
    ("azure_core", "azure.rs"),
];

struct SourceFile {
    path: PathBuf,
    /// Relative to `core/src`, with `/`.
    name: String,
    text: String,
}

impl SourceFile {
    fn is_test(&self) -> bool {
        self.name.contains("/tests/") || self.name.ends_with("/tests.rs")
    }
}

fn sources() -> Vec<SourceFile> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                let text = fs::read_to_string(&path).unwrap();
                found.push(SourceFile { path, name, text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn room(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

fn rank(room: &str) -> Option<usize> {
    RANKS.iter().position(|rooms| rooms.contains(&room))
}

/// The code without comments: a doc link upward is a reader's arrow, not the compiler's.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

/// The rooms that a line names by `crate::room`, also within `use crate::{a::X, b::Y}`.
fn named_rooms(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        assert!(!rest.starts_with('{'), "import one room a line, so that arrows can be read: {line}");
        rooms.push(&rest[..end]);
    }
    rooms
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| file.name != "lib.rs") {
        let own_room = room(&file.name);
        let own =
            rank(own_room).unwrap_or_else(|| panic!("{} is in no room: give it a rank here", file.name));
        for (number, line) in code(&file.text) {
            for named in named_rooms(line) {
                let Some(other) = rank(named) else { continue };
                // Values may use each other; they are one rank and one idea.
                if named != own_room && (other > own || (other == own && own > 0)) {
                    wrong.push(format!("{}:{number} names {named}", file.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows upward or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn each_door_has_one_keeper() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (number, line) in code(&file.text) {
            for (door, keeper) in DOORS {
                if line.contains(&format!("{door}::")) && !file.name.starts_with(keeper) {
                    wrong.push(format!("{}:{number} names {door}, whose door is {keeper}", file.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Microsoft changes its numbers: they choose what is said of an error, and nothing that is done. The wire reads them,
/// `aadsts` and `explain` look them up for people, and none is written into a program.
#[test]
fn no_number_of_microsofts_steers_anything() {
    const READERS: [&str; 4] =
        ["broker/explain.rs", "error.rs", "protocol/aadsts.rs", "protocol/oauth_error.rs"];
    let table: HashMap<String, toml::Value> =
        toml::from_str(include_str!("../src/protocol/aadsts.toml")).unwrap();
    assert!(table.len() > 100);
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let program = file.text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code(program) {
            let place = format!("{}:{number}", file.name);
            let reads = ["error_codes", "AADSTS", "aadsts::find"].iter().any(|name| line.contains(name));
            if reads && !READERS.contains(&file.name.as_str()) {
                wrong.push(format!("{place} looks at the numbers"));
            }
            let plain = line.replace('_', "");
            let words = plain.split(|c: char| !c.is_ascii_alphanumeric());
            let written = words.filter(|word| table.contains_key(*word));
            wrong.extend(written.map(|code| format!("{place} names {code}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_rooms() {
    for file in sources() {
        let lines = file.text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it", file.path.display());
        let is_test = file.name.contains("/tests") || file.name.ends_with("tests.rs");
        assert!(
            is_test || file.text.starts_with("//!"),
            "{} does not say what it holds",
            file.path.display()
        );
    }
}

#[test]
fn a_fifth_of_the_core_is_explained() {
    let (mut documented, mut all) = (0, 0);
    // Tests explain by their names.
    for file in sources().iter().filter(|file| !file.is_test()) {
        let text = file.text.split("#[cfg(test)]").next().unwrap();
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        documented += lines().filter(|line| line.starts_with("///") || line.starts_with("//!")).count();
        all += lines().count();
    }
    assert!(documented * 5 >= all, "{documented} of {all} lines are documentation: less than a fifth");
}
