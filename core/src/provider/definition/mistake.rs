//! A mistake in a provider's file, told with its place: `FILE:LINE: MEMBER: what was expected, what was found`.
//!
//! The file is read twice: by its types, which say what is wrong, and as a plain document, which knows where each member
//! stands. A reader's message names the line and seldom the member; a contradiction of two members names neither. Both are
//! brought into one form here:
//!
//! ```text
//! acme.toml:8: endpoints.token: expected an https URL, found "ftp://login.example/token"
//! acme.toml:12: token.body: expected form or json, found yaml
//! acme.toml: endpoints.token: is missing, and discovery is not on
//! ```
//!
//! May not enter: what a mistake is (`check`, and the types of the members).

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::error::{Error, ErrorKind, one_line};

/// What is wrong with a member.
#[derive(Debug)]
pub struct Mistake {
    /// The member's path: `endpoints.token`.
    member: String,
    /// What was expected, and what was found.
    what: String,
}

impl Mistake {
    /// `what` is wrong with the member at the path `member`.
    pub fn new(member: impl Into<String>, what: impl Into<String>) -> Self {
        Mistake { member: member.into(), what: what.into() }
    }

    /// The member has something else than it should; `expected` is in words, `found` as it stands in the file.
    pub fn expected(member: impl Into<String>, expected: &str, found: &str) -> Self {
        Mistake::new(member, format!("expected {expected}, found {found:?}"))
    }
}

/// The file as it was read, for a look at where things stand.
pub struct Document<'a> {
    file: &'a str,
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// The text of `file`, as far as it is TOML.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Document { file, text, table: DeTable::parse_recoverable(text).0.into_inner() }
    }

    /// A mistake at the line of its member, or of the table that should have it.
    pub fn error(&self, mistake: &Mistake) -> Error {
        self.told(self.place_of(&mistake.member), &mistake.member, &mistake.what)
    }

    /// What the reader of TOML, or of a type, says. Where the text is no TOML there may be no member to name.
    pub fn unreadable(&self, error: &toml::de::Error) -> Error {
        let span = error.span();
        let (missing, mut what) = in_our_words(error.message());
        let member = span.as_ref().map(|span| match missing {
            // A table that lacks something begins where its first member does.
            Some(_) => table_of(&self.table, span).unwrap_or_default(),
            None => member_at(&self.table, span.start),
        });
        let mut member = member.unwrap_or_default();
        let at = |span: Range<usize>| self.text.get(span).map(str::trim).filter(|text| !text.is_empty());
        if let Some(name) = span.clone().and_then(at).filter(|_| what == "duplicate key") {
            what = format!("expected each name once, found {name} twice");
        }
        if let Some(missing) = missing {
            member.push(missing);
        }
        self.told(span.map(|span| span.start), &member.join("."), &what)
    }

    /// The one line, and the help that goes with every mistake.
    fn told(&self, offset: Option<usize>, member: &str, what: &str) -> Error {
        let mut message = self.file.to_owned();
        if let Some(offset) = offset {
            let before = self.text.as_bytes().iter().take(offset);
            message.push_str(&format!(":{}", before.filter(|byte| **byte == b'\n').count() + 1));
        }
        if !member.is_empty() {
            message.push_str(&format!(": {member}"));
        }
        Error::new(ErrorKind::ConfigInvalid, one_line(&format!("{message}: {what}")))
            .with_help("correct the file; `tokenkeep providers show microsoft` prints a working example")
    }

    /// Where the member stands, or the table that should have it; nowhere when that is the file itself.
    fn place_of(&self, member: &str) -> Option<usize> {
        let (mut table, mut place) = (&self.table, None);
        // A name may hold a dot of its own: the longest that fits is it.
        let mut rest = member;
        while !rest.is_empty() {
            let fits = |name: &str| {
                rest.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let Some((name, value)) = table
                .iter()
                .filter(|(name, _)| fits(name.get_ref()))
                .max_by_key(|(name, _)| name.get_ref().len())
            else {
                break;
            };
            place = Some(name.span().start);
            rest = rest.get(name.get_ref().len()..).unwrap_or_default().trim_start_matches('.');
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        place
    }
}

/// The path of the member that the byte at `offset` belongs to.
fn member_at(table: &DeTable<'_>, offset: usize) -> Vec<String> {
    let holds = |span: Range<usize>| span.contains(&offset) || span.start == offset;
    for (name, value) in table {
        let within = match value.get_ref() {
            DeValue::Table(inner) => member_at(inner, offset),
            _ => Vec::new(),
        };
        if !within.is_empty() || holds(name.span()) || holds(value.span()) {
            return std::iter::once(name.get_ref().to_string()).chain(within).collect();
        }
    }
    Vec::new()
}

/// The path of the table that is all of `span`; none for the file itself.
fn table_of(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    table.iter().find_map(|(name, value)| {
        let DeValue::Table(inner) = value.get_ref() else { return None };
        let path = if value.span() == *span { Vec::new() } else { table_of(inner, span)? };
        Some(std::iter::once(name.get_ref().to_string()).chain(path).collect())
    })
}

/// The reader's message in the words of people who write no Rust; and the name of a member that is missing.
fn in_our_words(message: &str) -> (Option<String>, String) {
    let words = |text: &str| text.replace('`', "");
    if let Some(name) = message.strip_prefix("missing field ") {
        return (Some(words(name)), "is missing".to_owned());
    }
    for unknown in ["unknown field ", "unknown variant "] {
        if let Some((found, expected)) = message.strip_prefix(unknown).and_then(|rest| rest.split_once(", "))
        {
            return (None, format!("{}, found {}", words(expected), words(found)));
        }
    }
    let typed = ["invalid type: ", "invalid value: "].iter().find_map(|prefix| message.strip_prefix(prefix));
    if let Some((found, expected)) = typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        return (
            None,
            format!(
                "expected {}, found {}",
                type_in_words(expected),
                words(found).trim_start_matches("string ")
            ),
        );
    }
    (None, message.to_owned())
}

fn type_in_words(name: &str) -> &str {
    match name {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "i64" => "a whole number",
        "a boolean" => "true or false",
        "a character" => "a text of one character",
        "a map" => "a table",
        "a sequence" => "a list",
        "a borrowed string" | "a string" => "a text",
        name if name.starts_with("struct ") => "a table",
        name if name.starts_with("enum ") => "a word",
        name => name,
    }
}
