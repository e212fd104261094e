//! What the server was asked and what became of it: all requests, and what can be counted of them.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use crate::journal_entry::Entry;
use crate::request::{Endpoint, Request};

/// All requests so far.
pub struct Journal {
    started: Instant,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    begun: u64,
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Journal {
    pub(crate) fn new(file: Option<&Path>) -> io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(Self { started: Instant::now(), pages: Mutex::new(Pages { file, ..Pages::default() }) })
    }

    /// All entries in the order of arrival. One that is still being answered is not among them.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.pages().entries.clone();
        entries.sort_by_key(|entry| entry.sequence);
        entries
    }

    /// How often tokens were made, by grant type.
    #[must_use]
    pub fn grants(&self) -> BTreeMap<String, usize> {
        let mut grants = BTreeMap::new();
        for entry in self.pages().entries.iter().filter(|entry| entry.outcome.granted) {
            *grants.entry(entry.grant_type.clone().unwrap_or_default()).or_default() += 1;
        }
        grants
    }

    /// How often a refresh gave tokens, by resource.
    #[must_use]
    pub fn refreshes(&self) -> BTreeMap<String, usize> {
        let mut refreshes = BTreeMap::new();
        let pages = self.pages();
        let refreshed = |entry: &&Entry| entry.grant_type.as_deref() == Some("refresh_token");
        for entry in pages.entries.iter().filter(|entry| entry.outcome.granted).filter(refreshed) {
            *refreshes.entry(entry.resource.clone().unwrap_or_default()).or_default() += 1;
        }
        refreshes
    }

    /// How often a refresh token came while another request with the same one was being answered.
    #[must_use]
    pub fn used_at_once(&self) -> usize {
        let mut until: HashMap<String, u64> = HashMap::new();
        let mut overlaps = |entry: &Entry| {
            let token = entry.parameters.get("refresh_token")?;
            let busy = until.entry(token.clone()).or_default();
            let overlaps = entry.milliseconds < *busy;
            *busy = entry.finished_milliseconds.max(*busy);
            Some(overlaps)
        };
        self.entries().iter().filter(|entry| overlaps(entry) == Some(true)).count()
    }

    /// How often a used refresh token came back.
    #[must_use]
    pub fn reuse_count(&self) -> usize {
        self.pages().entries.iter().filter(|entry| entry.outcome.reuse).count()
    }

    /// How often a request ended a grant.
    #[must_use]
    pub fn revoked_count(&self) -> usize {
        self.pages().entries.iter().filter(|entry| entry.outcome.revoked).count()
    }

    /// How many clients registered themselves.
    #[must_use]
    pub fn registrations(&self) -> usize {
        let good = |entry: &&Entry| matches!(entry.outcome.status, Some(200..300)) && entry.method == "POST";
        self.pages().entries.iter().filter(|entry| entry.endpoint == Endpoint::Register).filter(good).count()
    }

    /// The milliseconds between one poll and the next of the same device code.
    #[must_use]
    pub fn poll_gaps(&self) -> Vec<u64> {
        let mut last: HashMap<String, u64> = HashMap::new();
        let entries = self.entries().into_iter();
        entries
            .filter_map(|entry| Some((entry.parameters.get("device_code")?.clone(), entry.milliseconds)))
            .filter_map(|(code, now)| last.insert(code, now).map(|before| now - before))
            .collect()
    }

    /// The journal as one JSON value.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "entries": self.entries(),
            "grants": self.grants(),
            "refreshes": self.refreshes(),
            "used_at_once": self.used_at_once(),
            "reuse_count": self.reuse_count(),
            "revoked_count": self.revoked_count(),
            "registrations": self.registrations(),
            "poll_gaps": self.poll_gaps(),
        })
    }

    /// The entry of a request that has just arrived.
    pub(crate) fn begin(&self, endpoint: Endpoint, request: &Request) -> Entry {
        let sequence = {
            let mut pages = self.pages();
            pages.begun += 1;
            pages.begun
        };
        Entry::new(sequence, self.milliseconds(), endpoint, request)
    }

    /// Writes a finished entry down. A file that cannot be written is no reason to fail the client's request; the
    /// test that reads the file will miss the line.
    pub(crate) fn finish(&self, entry: Entry) {
        let entry = Entry { finished_milliseconds: self.milliseconds(), ..entry };
        let mut pages = self.pages();
        if let (Some(file), Ok(line)) = (&mut pages.file, serde_json::to_string(&entry)) {
            writeln!(file, "{line}").unwrap_or_default();
        }
        pages.entries.push(entry);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal_entry::fingerprint;

    #[test]
    fn no_secret_enters() {
        let journal = Journal::new(None).unwrap();
        let secrets =
            ["code", "code_verifier", "client_secret", "refresh_token", "device_code", "state", "nonce"];
        let mut form: Vec<(&str, &str)> = secrets.iter().map(|name| (*name, "VERY-SECRET")).collect();
        form.push(("scope", "openid"));
        journal.finish(journal.begin(Endpoint::Token, &Request::form("/token", &form)));
        let text = journal.to_json().to_string();
        assert!(!text.contains("VERY-SECRET"), "{text}");
        assert!(text.contains(&fingerprint("VERY-SECRET")) && text.contains("openid"), "{text}");
    }

    #[test]
    fn a_refresh_token_is_used_by_two_at_once() {
        let journal = Journal::new(None).unwrap();
        let request = |token| Request::form("/token", &[("refresh_token", token)]);
        let finish = |token, milliseconds, finished_milliseconds| {
            let entry = Entry { milliseconds, ..journal.begin(Endpoint::Token, &request(token)) };
            journal.pages().entries.push(Entry { finished_milliseconds, ..entry });
            journal.used_at_once()
        };
        assert_eq!(finish("a", 0, 100), 0);
        assert_eq!(finish("b", 50, 60), 0, "another token");
        assert_eq!(finish("a", 100, 120), 0, "the first had been answered");
        assert_eq!(finish("a", 110, 115), 1);
        assert_eq!(finish("a", 118, 119), 2, "the second had not");
    }

    #[test]
    fn gaps_are_counted_per_device_code() {
        let journal = Journal::new(None).unwrap();
        for (code, milliseconds) in [("a", 0), ("b", 10), ("a", 100), ("b", 150), ("a", 350)] {
            let request = Request::form("/token", &[("device_code", code)]);
            journal.finish(Entry { milliseconds, ..journal.begin(Endpoint::Token, &request) });
        }
        assert_eq!(journal.poll_gaps(), [100, 140, 250]);
    }
}
