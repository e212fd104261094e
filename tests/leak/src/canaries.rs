//! What is looked for. A secret counts as found when any 16 characters of it in a row are: whoever shortens
//! a token, encodes its special characters or breaks it into lines is caught all the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

/// As many characters of a token are a leak; no two texts share them by chance.
const WINDOW: usize = 16;

/// The secrets of one run, by kind. Clones share them.
#[derive(Clone, Default)]
pub struct Canaries(Arc<Mutex<Secrets>>);

#[derive(Default)]
struct Secrets {
    // The text, and its kind.
    kinds: BTreeMap<String, String>,
    // The last one of each kind.
    last: BTreeMap<String, String>,
}

impl Canaries {
    /// Adds a secret.
    pub fn add(&self, kind: &str, secret: &str) {
        if !secret.is_empty() {
            let mut secrets = self.secrets();
            secrets.kinds.insert(secret.to_owned(), kind.to_owned());
            secrets.last.insert(kind.to_owned(), secret.to_owned());
        }
    }

    /// The last secret of a kind.
    #[track_caller]
    pub fn last(&self, kind: &str) -> String {
        self.secrets().last.get(kind).cloned().unwrap_or_else(|| panic!("no {kind} was seen"))
    }

    /// The kinds that were seen.
    pub fn kinds(&self) -> BTreeSet<String> {
        self.secrets().last.keys().cloned().collect()
    }

    /// How many secrets there are.
    pub fn count(&self) -> usize {
        self.secrets().kinds.len()
    }

    /// The kinds of those that `text` holds, in whole or in part.
    pub fn found_in(&self, text: &[u8]) -> BTreeSet<String> {
        let secrets = self.secrets();
        let mut windows: HashMap<&[u8], &str> = HashMap::new();
        let mut found = BTreeSet::new();
        for (secret, kind) in &secrets.kinds {
            if secret.len() < WINDOW && holds(text, secret.as_bytes()) {
                found.insert(kind.clone());
            }
            windows.extend(secret.as_bytes().windows(WINDOW).map(|window| (window, kind.as_str())));
        }
        found.extend(
            text.windows(WINDOW).filter_map(|window| windows.get(window)).map(|kind| (*kind).to_owned()),
        );
        found
    }

    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.0.lock().expect("no test panics while it holds the canaries")
    }
}

/// Whether `needle` is in `text`.
pub(crate) fn holds(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "refresh-Zx81_kfL0a9QwErTy-uI2oP3+/=&%~";

    fn canaries() -> Canaries {
        let canaries = Canaries::default();
        canaries.add("refresh_token", TOKEN);
        canaries.add("code", "16c7e4");
        canaries
    }

    #[test]
    fn a_secret_is_found_in_whole_in_part_and_encoded() {
        for text in [
            TOKEN.to_owned(),
            format!("error: the token {TOKEN:?} is unknown"),
            format!("token={}...", &TOKEN[..24]),
            url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect(),
        ] {
            assert_eq!(
                canaries().found_in(text.as_bytes()),
                BTreeSet::from(["refresh_token".to_owned()]),
                "{text}"
            );
        }
        assert_eq!(canaries().found_in(b"\0code=16c7e4\xff"), BTreeSet::from(["code".to_owned()]));
    }

    #[test]
    fn what_is_no_secret_is_not_found() {
        assert_eq!(canaries().found_in(b"refresh-Zx81_kf and kfL0a9QwErTy-uI"), BTreeSet::new());
        assert_eq!(canaries().found_in(b""), BTreeSet::new());
    }
}
