//! Scopes: a set of case-sensitive words (RFC 6749 3.3), and what it means for one set to cover another.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A set of scopes. The order in which they were first named is kept, because people read it. Clones share
/// the words: every token that is handed out carries a set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ScopeSet(Arc<Vec<String>>);

impl ScopeSet {
    /// Splits a wire string at `separator` (a space by RFC 6749; some providers use a comma). A server
    /// may say what it likes: words that are no scopes are dropped.
    pub fn from_wire(text: &str, separator: char) -> Self {
        let mut set = ScopeSet::default();
        for word in text.split(|c: char| c == separator || c.is_whitespace()) {
            if is_scope(word) {
                set.add(word);
            }
        }
        set
    }

    /// These words, of which each must be a scope.
    fn of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, Error> {
        let mut set = ScopeSet::default();
        for word in words {
            if !is_scope(word) {
                return Err(Error::new(ErrorKind::ConfigInvalid, format!("{word:?} is not a scope"))
                    .with_help(
                        "a scope is printable ASCII without spaces, quotes and backslashes (RFC 6749 3.3)",
                    ));
            }
            set.add(word);
        }
        Ok(set)
    }

    /// The scopes joined as they are sent.
    pub fn to_wire(&self, separator: char) -> String {
        self.0.join(&separator.to_string())
    }

    /// The scopes in the order they were named.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when `scope` is one of them, to the letter.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| own == scope)
    }

    /// These and `others`, each once.
    pub fn union(&self, others: &ScopeSet) -> ScopeSet {
        let mut all = self.clone();
        for scope in others.iter() {
            all.add(scope);
        }
        all
    }

    /// Those that are `meant`.
    pub(crate) fn filter(&self, meant: impl Fn(&str) -> bool) -> ScopeSet {
        ScopeSet(Arc::new(self.iter().filter(|scope| meant(scope)).map(str::to_owned).collect()))
    }

    /// These less `others`, to the letter.
    pub fn without(&self, others: &ScopeSet) -> ScopeSet {
        let rest = self.iter().filter(|scope| !others.contains(scope));
        ScopeSet(Arc::new(rest.map(str::to_owned).collect()))
    }

    /// Those of `wanted` that this set does not grant, as `equivalence` sees it. Empty means that all are
    /// covered; a scope that the server never names in an answer counts as granted, and so does all that was
    /// consented to at a resource (`.default`), when anything was.
    pub fn missing(&self, wanted: &ScopeSet, equivalence: &ScopeEquivalence) -> ScopeSet {
        let own: BTreeSet<String> = self.iter().map(|scope| equivalence.canonical(scope)).collect();
        let own_resources = equivalence.resources(self);
        let missing = wanted.iter().filter(|scope| {
            !equivalence.about_the_person(scope)
                && !own.contains(&equivalence.canonical(scope))
                && !equivalence
                    .resource_of_default(scope)
                    .is_some_and(|resource| own_resources.contains(&resource))
        });
        ScopeSet(Arc::new(missing.map(str::to_owned).collect()))
    }

    /// Adds a scope unless it is there.
    pub(crate) fn add(&mut self, scope: &str) {
        if !self.contains(scope) {
            Arc::make_mut(&mut self.0).push(scope.to_owned());
        }
    }
}

/// When two spellings of a scope mean the same to a provider. The default is RFC 6749: to the letter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeEquivalence {
    /// A prefix that may be left out: `https://graph.microsoft.com/` for Microsoft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_resource: Option<String>,
    /// Resources by their other names, an application's GUID or another of its URIs, each with the one that compares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource_aliases: BTreeMap<String, String>,
    /// True when upper and lower case mean the same.
    #[serde(default)]
    pub case_insensitive: bool,
    /// Scopes that the server honours without ever naming them in a response (`offline_access`).
    #[serde(default)]
    pub never_echoed: Vec<String>,
}

impl ScopeEquivalence {
    /// The resources that `scopes` are for, at a provider whose scopes name them (`https://host/Permission`);
    /// empty at any other. Scopes about the person alone are for none.
    pub fn resources(&self, scopes: &ScopeSet) -> BTreeSet<String> {
        scopes.iter().filter_map(|scope| self.resource(scope)).collect()
    }

    /// The resource that `scope` is for, in the one spelling that compares: `https://graph.microsoft.com` for
    /// `Mail.Read`. `None` for a scope about the person, and at a provider whose scopes name no resource.
    pub(crate) fn resource(&self, scope: &str) -> Option<String> {
        let default = self.default_resource.as_deref()?;
        if self.about_the_person(scope) {
            return None;
        }
        // What stands before the last slash, be it a URI or the GUID of an application.
        let resource = scope.rsplit_once('/').map_or(default, |(resource, _)| resource);
        let resource = resource.trim_end_matches('/').to_ascii_lowercase();
        Some(self.resource_aliases.get(&resource).cloned().unwrap_or(resource))
    }

    /// True for a scope that is for no resource and that no answer need name: `openid`, `offline_access`.
    pub(crate) fn about_the_person(&self, scope: &str) -> bool {
        self.never_echoed.iter().any(|silent| self.folded(silent) == self.folded(scope))
    }

    /// True when both are spellings of one scope.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        self.canonical(one) == self.canonical(other)
    }

    /// The resource whose consented scopes `scope` stands for: `https://host/.default` (Microsoft).
    pub(crate) fn resource_of_default(&self, scope: &str) -> Option<String> {
        (permission(scope) == ".default").then(|| self.resource(scope)).flatten()
    }

    /// What an application asks for to be given `scopes`: at a provider whose scopes name resources, all that was
    /// consented to at theirs, for nothing narrower is taken there (RFC 6749 4.4.2; Microsoft's `.default`).
    pub(crate) fn of_application(&self, scopes: &ScopeSet) -> ScopeSet {
        let Some(default_resource) = &self.default_resource else { return scopes.clone() };
        let mut asked = ScopeSet::default();
        for scope in scopes.iter().filter(|scope| !self.about_the_person(scope)) {
            let resource = scope.rfind('/').map_or(default_resource.as_str(), |slash| &scope[..=slash]);
            asked.add(&format!("{resource}.default"));
        }
        asked
    }

    /// The one spelling of `scope` that compares.
    fn canonical(&self, scope: &str) -> String {
        match self.resource(scope) {
            Some(resource) => format!("{resource}/{}", self.folded(permission(scope))),
            None => self.folded(scope).into_owned(),
        }
    }

    fn folded<'a>(&self, scope: &'a str) -> Cow<'a, str> {
        if self.case_insensitive { Cow::Owned(scope.to_ascii_lowercase()) } else { Cow::Borrowed(scope) }
    }
}

/// What `scope` names at its resource.
fn permission(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(_, permission)| permission)
}

/// Sets are equal when their members are: order is only for reading.
impl PartialEq for ScopeSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|scope| other.contains(scope))
    }
}

impl Eq for ScopeSet {}

/// What a person types: words separated by commas or spaces.
impl FromStr for ScopeSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        ScopeSet::of(text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()))
    }
}

impl TryFrom<Vec<String>> for ScopeSet {
    type Error = Error;

    fn try_from(words: Vec<String>) -> Result<Self, Error> {
        ScopeSet::of(words.iter().map(String::as_str))
    }
}

impl From<ScopeSet> for Vec<String> {
    fn from(set: ScopeSet) -> Vec<String> {
        Arc::unwrap_or_clone(set.0)
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_wire(' '))
    }
}

/// RFC 6749 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_is_separated_by_commas_or_spaces_and_holds_each_once() {
        assert_eq!(set("a, b  c,a").to_wire(' '), "a b c");
        assert!(set("").is_empty());
        assert_eq!(ScopeSet::from_wire("repo,gist", ',').len(), 2);
        assert!("a\"b".parse::<ScopeSet>().is_err());
        assert!("\u{e9}".parse::<ScopeSet>().is_err());
    }

    #[test]
    fn by_default_scopes_are_compared_to_the_letter() {
        let strict = ScopeEquivalence::default();
        assert!(set("a b").missing(&set("b a"), &strict).is_empty());
        assert_eq!(set("a b").missing(&set("A c"), &strict), set("A c"));
    }

    #[test]
    fn a_provider_may_know_several_spellings() {
        let graph = "00000003-0000-0000-c000-000000000000";
        let entra = ScopeEquivalence {
            default_resource: Some("https://graph.microsoft.com/".to_owned()),
            resource_aliases: [(graph.to_owned(), "https://graph.microsoft.com".to_owned())].into(),
            case_insensitive: true,
            never_echoed: vec!["offline_access".to_owned()],
        };
        let granted = set("openid https://graph.microsoft.com/Mail.Read");
        assert!(granted.missing(&set("mail.read offline_access"), &entra).is_empty());
        assert_eq!(granted.missing(&set("Mail.Send"), &entra), set("Mail.Send"));
        let resources = |text: &str| entra.resources(&set(text)).into_iter().collect::<Vec<_>>();
        assert_eq!(
            resources("Mail.Read https://Graph.microsoft.com/.default offline_access"),
            ["https://graph.microsoft.com"]
        );
        assert_eq!(resources("api://app/read User.Read"), ["api://app", "https://graph.microsoft.com"]);
        // an application by its GUID, and by another of its names
        let exchange = "00000002-0000-0ff1-ce00-000000000000";
        assert_eq!(resources(&format!("{exchange}/.default")), [exchange]);
        assert_eq!(resources(&format!("{graph}/User.Read User.Read")), ["https://graph.microsoft.com"]);
        assert!(entra.same(&format!("{graph}/user.read"), "User.Read"));
        assert_eq!(entra.resource("Offline_Access"), None);
        assert!(
            ScopeEquivalence::default().resources(&set("https://a.example/x https://b.example/y")).is_empty()
        );
        // all that was consented to, where anything was
        assert!(granted.missing(&set("https://graph.microsoft.com/.default .default"), &entra).is_empty());
        let elsewhere = set("https://outlook.office.com/.default");
        assert_eq!(granted.missing(&elsewhere, &entra), elsewhere);
        assert_eq!(set("openid").missing(&elsewhere, &entra), elsewhere);
        let strict = ScopeEquivalence::default();
        assert_eq!(granted.missing(&elsewhere, &strict), elsewhere);
        assert!(set("https://Graph.microsoft.com/Mail.Read").missing(&set("Mail.Read"), &entra).is_empty());
        // another resource with the same permission name is another scope
        let other = set("https://outlook.office.com/Mail.Read");
        assert_eq!(granted.missing(&other, &entra), other);
    }
}
