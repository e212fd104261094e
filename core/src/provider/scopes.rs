//! The scopes of a provider's file: what is asked for, how two compare, the words that stand for several, and what its
//! documentation says of single ones.
//!
//! May not enter: what a login or a lint makes of them (`broker`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::definition::Mistake;
use crate::scope::{ScopeEquivalence, ScopeSet};

/// What is asked for, how scopes are compared, and what is known of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScopesDefinition {
    /// Asked for when the person names none.
    pub default: ScopeSet,
    /// Asked for in every login.
    pub always: ScopeSet,
    /// Asked for in every login at a server whose metadata list it, and at no other unless the person names it.
    pub when_listed: ScopeSet,
    /// What `scope` is called in the authorization request, where that is not its name.
    pub parameter: Option<String>,
    /// What stands between two scopes: a space by RFC 6749 3.3.
    pub separator: char,
    /// The same in answers, where it differs.
    pub response_separator: Option<char>,
    /// See [`ScopeEquivalence`].
    pub default_resource: Option<String>,
    /// See [`ScopeEquivalence`].
    pub resource_aliases: BTreeMap<String, String>,
    /// Resources that have another name in a cloud, each with the one that it has there, by cloud.
    pub clouds: BTreeMap<String, BTreeMap<String, String>>,
    /// See [`ScopeEquivalence`].
    pub case_insensitive: bool,
    /// See [`ScopeEquivalence`].
    pub never_echoed: Vec<String>,
    /// True when consent adds up: what was consented to before need not be named again.
    pub incremental: bool,
    /// Words for a list of scopes, each with the scopes that it stands for.
    pub presets: BTreeMap<String, ScopeSet>,
    /// Scopes, each with those that it includes.
    pub includes: BTreeMap<String, ScopeSet>,
    /// Scopes that only an administrator can consent to.
    pub admin_only: ScopeSet,
}

impl ScopesDefinition {
    /// `scopes` with what its presets stand for in their place.
    pub fn expand(&self, scopes: &ScopeSet) -> ScopeSet {
        let mut expanded = ScopeSet::default();
        for word in scopes.iter() {
            match self.presets.get(word) {
                Some(preset) => preset.iter().for_each(|scope| expanded.add(scope)),
                None => expanded.add(word),
            }
        }
        expanded
    }

    /// The same where resources have the names of `cloud`.
    pub(super) fn in_cloud(mut self, cloud: &str) -> Self {
        let Some(names) = self.clouds.remove(cloud) else { return self };
        let renamed = |text: &str| renamed(text, &names);
        self.default = renamed_set(&self.default, &names);
        self.default_resource = self.default_resource.as_deref().map(renamed);
        self.resource_aliases.values_mut().for_each(|resource| *resource = renamed(resource));
        self.presets.values_mut().for_each(|preset| *preset = renamed_set(preset, &names));
        self
    }

    /// True when `wide` includes `narrow`, in whatever spelling.
    pub fn includes(&self, wide: &str, narrow: &str) -> bool {
        let equivalence = self.equivalence();
        self.includes.iter().any(|(scope, included)| {
            equivalence.same(scope, wide) && included.iter().any(|scope| equivalence.same(scope, narrow))
        })
    }

    /// True when only an administrator can consent to `scope`.
    pub fn is_admin_only(&self, scope: &str) -> bool {
        let equivalence = self.equivalence();
        self.admin_only.iter().any(|known| equivalence.same(known, scope))
    }

    pub(super) fn equivalence(&self) -> ScopeEquivalence {
        ScopeEquivalence {
            default_resource: self.default_resource.clone(),
            resource_aliases: self.resource_aliases.clone(),
            case_insensitive: self.case_insensitive,
            never_echoed: self.never_echoed.clone(),
        }
    }

    /// A word must be told from a scope: whoever asks for `profile` means OpenID Connect's.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        let known = [&self.default, &self.always, &self.admin_only];
        let known = known.into_iter().chain(self.presets.values()).chain(self.includes.values());
        let known = known.flat_map(ScopeSet::iter);
        let known = known.chain(self.never_echoed.iter().chain(self.includes.keys()).map(String::as_str));
        let known: Vec<&str> = known.collect();
        for (preset, scopes) in &self.presets {
            let member = format!("scopes.presets.{preset}");
            if !is_preset_name(preset) {
                return Err(Mistake::expected(member, "lower case letters, digits and hyphens", preset));
            }
            if known.iter().any(|scope| scope.eq_ignore_ascii_case(preset)) {
                return Err(Mistake::new(member, "is also a scope"));
            }
            if scopes.is_empty() {
                return Err(Mistake::new(
                    member,
                    "stands for nothing: expected a list of scopes, found none",
                ));
            }
        }
        Ok(())
    }
}

/// True for a word that may be the name of a preset.
pub fn is_preset_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// A scope, or a resource, by the name that its resource has in a cloud.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let rest = |usual: &String| {
        text.strip_prefix(usual.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = names.iter().find_map(|(usual, there)| Some(format!("{there}{}", rest(usual)?)));
    found.unwrap_or_else(|| text.to_owned())
}

pub(super) fn renamed_set(scopes: &ScopeSet, names: &BTreeMap<String, String>) -> ScopeSet {
    let mut there = ScopeSet::default();
    scopes.iter().for_each(|scope| there.add(&renamed(scope, names)));
    there
}

impl Default for ScopesDefinition {
    fn default() -> Self {
        ScopesDefinition {
            default: ScopeSet::default(),
            always: ScopeSet::default(),
            when_listed: ScopeSet::default(),
            parameter: None,
            separator: ' ',
            response_separator: None,
            default_resource: None,
            resource_aliases: BTreeMap::new(),
            clouds: BTreeMap::new(),
            case_insensitive: false,
            never_echoed: Vec::new(),
            incremental: false,
            presets: BTreeMap::new(),
            includes: BTreeMap::new(),
            admin_only: ScopeSet::default(),
        }
    }
}
