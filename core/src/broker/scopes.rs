//! `check_scopes`: what is odd about a list of scopes, said before a person is asked for them.

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ProviderName;
use crate::scope::ScopeSet;

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
    /// `.default` stands for all that was consented to, and beside nothing else of its resource.
    DefaultBesideOthers,
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
        }
    }
}

impl Broker {
    /// What a login for `scopes` would ask for, and what is odd about it. No network.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` when the user's own definition is broken.
    pub fn check_scopes(&self, provider: &ProviderName, scopes: &ScopeSet) -> Result<ScopeCheck> {
        let _ = (provider, scopes);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
