//! `check_scopes`: what is odd about a list of scopes, said before a person is asked for them.

use super::Broker;
use crate::error::Result;
use crate::names::ProviderName;
use crate::provider::{ProviderDefinition, is_preset_name};
use crate::scope::ScopeSet;

/// OIDC Core 11: what brings a refresh token, where it is known.
const OFFLINE_ACCESS: &str = "offline_access";

/// What a list of scopes comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeCheck {
    /// The scopes, with the provider's presets in it replaced by what they stand for.
    pub scopes: ScopeSet,
    /// The resources that they are for, at a provider whose scopes name theirs.
    pub resources: Vec<String>,
    /// What is odd. None of it stops a login that the provider would accept.
    pub findings: Vec<ScopeFinding>,
}

/// One odd thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeFinding {
    /// What it is.
    pub kind: ScopeFindingKind,
    /// The scopes that it is about.
    pub scopes: ScopeSet,
    /// What it is, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What can be odd about a list of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeFindingKind {
    /// There would be no refresh token (OIDC Core 11).
    OfflineAccessMissing,
    /// Another one in the list includes it.
    Covered,
    /// A token is for one resource.
    SeveralResources,
    /// Only an administrator can consent to it.
    AdminConsentNeeded,
    /// `.default` stands for all that was consented to, and beside no other scope of a resource.
    DefaultBesideOthers,
    /// It has the form of a preset, and the provider has none of that name.
    UnknownPreset,
}

impl ScopeFindingKind {
    /// The stable name, `covered` for one.
    pub fn as_str(self) -> &'static str {
        match self {
            ScopeFindingKind::OfflineAccessMissing => "offline_access_missing",
            ScopeFindingKind::Covered => "covered",
            ScopeFindingKind::SeveralResources => "several_resources",
            ScopeFindingKind::AdminConsentNeeded => "admin_consent_needed",
            ScopeFindingKind::DefaultBesideOthers => "default_beside_others",
            ScopeFindingKind::UnknownPreset => "unknown_preset",
        }
    }
}

impl Broker {
    /// What a login for `scopes` would ask for, and what is odd about it. No network.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` when the user's own definition is broken.
    pub fn check_scopes(&self, provider: &ProviderName, scopes: &ScopeSet) -> Result<ScopeCheck> {
        let definition = self.0.catalog.find(provider)?.definition;
        let scopes = definition.expand(scopes);
        let resources = definition.scope_equivalence().resources(&scopes);
        let findings = offline_access_missing(&definition, &scopes)
            .into_iter()
            .chain(covered(&definition, &scopes))
            .chain(several_resources(&definition, &scopes))
            .chain(admin_consent_needed(&definition, &scopes))
            .chain(default_beside_others(&definition, &scopes))
            .chain(unknown_presets(&definition, &scopes))
            .collect();
        Ok(ScopeCheck { resources: resources.into_iter().collect(), findings, scopes })
    }
}

/// `.default` beside a scope that names its permission, of whichever resource: Entra takes no such request.
pub(super) fn default_beside_others(
    definition: &ProviderDefinition,
    scopes: &ScopeSet,
) -> Option<ScopeFinding> {
    let equivalence = definition.scope_equivalence();
    let for_a_resource = scopes.filter(|scope| equivalence.resource(scope).is_some());
    let default = for_a_resource.iter().find(|scope| equivalence.resource_of_default(scope).is_some())?;
    (for_a_resource.len() > 1).then(|| ScopeFinding {
        kind: ScopeFindingKind::DefaultBesideOthers,
        message: format!("{default} stands for all that was consented to, and beside no scope of a resource"),
        help: format!("leave out {default}, or all of the others"),
        scopes: for_a_resource.clone(),
    })
}

/// Words with a hyphen, as many presets have and no scope of a provider with presets: a slip of the hand would
/// otherwise be sent as a scope.
fn unknown_presets(definition: &ProviderDefinition, scopes: &ScopeSet) -> Option<ScopeFinding> {
    let unknown = scopes.filter(|scope| scope.contains('-') && is_preset_name(scope));
    let presets = definition.scopes.presets.keys().cloned().collect::<Vec<_>>().join(", ");
    (!presets.is_empty() && !unknown.is_empty()).then(|| ScopeFinding {
        kind: ScopeFindingKind::UnknownPreset,
        message: format!("{} has no preset {unknown}", definition.display_name),
        help: format!("the presets are {presets}"),
        scopes: unknown,
    })
}

/// Where a login adds `offline_access`, other programs that send the list may not.
fn offline_access_missing(definition: &ProviderDefinition, scopes: &ScopeSet) -> Option<ScopeFinding> {
    let equivalence = definition.scope_equivalence();
    let missing = definition.scopes.always.contains(OFFLINE_ACCESS)
        && !scopes.is_empty()
        && !scopes.iter().any(|scope| equivalence.same(scope, OFFLINE_ACCESS));
    missing.then(|| ScopeFinding {
        kind: ScopeFindingKind::OfflineAccessMissing,
        scopes: definition.scopes.always.filter(|scope| scope == OFFLINE_ACCESS),
        message: format!("{OFFLINE_ACCESS} is missing: without it there is no refresh token"),
        help: "a login by Tokenkeep adds it; name it where another program sends the list".to_owned(),
    })
}

/// Each scope that an other one includes, and each that is there in two spellings.
fn covered(definition: &ProviderDefinition, scopes: &ScopeSet) -> Vec<ScopeFinding> {
    let equivalence = definition.scope_equivalence();
    let finding = |wide: &str, narrow: &str, message: String| ScopeFinding {
        kind: ScopeFindingKind::Covered,
        scopes: scopes.filter(|scope| scope == wide || scope == narrow),
        message,
        help: format!("leave out {narrow}"),
    };
    let judged = scopes.iter().enumerate().filter_map(|(at, narrow)| {
        if let Some(first) = scopes.iter().take(at).find(|earlier| equivalence.same(earlier, narrow)) {
            return Some(finding(first, narrow, format!("{first} and {narrow} are one scope")));
        }
        let wide = scopes.iter().find(|wide| definition.scopes.includes(wide, narrow))?;
        Some(finding(wide, narrow, format!("{wide} includes {narrow}")))
    });
    judged.collect()
}

fn several_resources(definition: &ProviderDefinition, scopes: &ScopeSet) -> Option<ScopeFinding> {
    let equivalence = definition.scope_equivalence();
    let resources = equivalence.resources(scopes);
    let named = resources.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
    (resources.len() > 1).then(|| ScopeFinding {
        kind: ScopeFindingKind::SeveralResources,
        scopes: scopes.filter(|scope| equivalence.resource(scope).is_some()),
        message: format!("these scopes are for more than one resource, and a token is for one: {named}"),
        help: "a browser login can consent to all of them, a device code login to those of one; then ask for each \
               token with the scopes of one resource"
            .to_owned(),
    })
}

fn admin_consent_needed(definition: &ProviderDefinition, scopes: &ScopeSet) -> Option<ScopeFinding> {
    let admin_only = scopes.filter(|scope| definition.scopes.is_admin_only(scope));
    (!admin_only.is_empty()).then(|| ScopeFinding {
        kind: ScopeFindingKind::AdminConsentNeeded,
        message: format!("only an administrator can consent to {admin_only}"),
        help: format!(
            "an administrator consents once, for everybody: `tokenkeep admin-consent {} --scopes \"{admin_only}\"`",
            definition.name
        ),
        scopes: admin_only,
    })
}
