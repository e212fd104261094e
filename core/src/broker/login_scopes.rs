//! Which scopes a login asks for: in all, of the person, and of the token endpoint for the first token.
//!
//! A token is for one resource, and a consent need not be. Where scopes name their resources, those of several are
//! consented to in one authorization request, and the code is redeemed for the first resource's alone; the tokens of
//! the others are refreshes. The first is the resource of the scope that was named first, in whichever login that was.

use crate::provider::ProviderDefinition;
use crate::scope::{ScopeEquivalence, ScopeSet};
use crate::store::ConnectionRecord;

/// The scopes of one login.
#[derive(Clone)]
pub(super) struct LoginScopes {
    /// What the connection is to hold.
    pub(super) requested: ScopeSet,
    /// What the authorization request names: less, where consent adds up and some was given before.
    pub(super) authorization: ScopeSet,
    /// What the redemption of the code names: something, where the authorization request is for several resources.
    pub(super) redemption: Option<ScopeSet>,
    /// The resource that the first token is for, where scopes name theirs.
    pub(super) resource: Option<String>,
    /// What a refresh of the first token may name: the scopes of its resource, and those about the person.
    pub(super) of_resource: ScopeSet,
    /// What was granted before and still is, whatever the answer to this login says.
    pub(super) granted_before: ScopeSet,
}

impl LoginScopes {
    /// A login for `requested`.
    pub(super) fn all(definition: &ProviderDefinition, requested: ScopeSet) -> Self {
        Self::new(definition, requested.clone(), requested, ScopeSet::default())
    }

    /// A login for `requested`, of which `added` is new beside what `earlier` was asked for.
    pub(super) fn more(
        definition: &ProviderDefinition,
        requested: ScopeSet,
        added: &ScopeSet,
        earlier: &ConnectionRecord,
    ) -> Self {
        if !definition.scopes.incremental {
            return Self::all(definition, requested);
        }
        let equivalence = definition.scope_equivalence();
        let consented = consented(earlier, &equivalence);
        let mut authorization = consented.missing(added, &equivalence);
        let resource = first_resource(&requested, &equivalence);
        let names_first = |scopes: &ScopeSet| {
            scopes.iter().any(|scope| resource.is_some() && equivalence.resource(scope) == resource)
        };
        if authorization.is_empty() {
            // Nothing is new: the person is asked for all of it again.
            authorization = requested.clone();
        } else if !names_first(&authorization) {
            // The code is redeemed for the first resource, and for nothing that its request did not name.
            authorization = of(&requested, resource.as_deref(), &equivalence).union(&authorization);
        }
        let always = definition.scopes.always.filter(|scope| requested.contains(scope));
        Self::new(definition, requested, authorization.union(&always), earlier.granted_scopes.clone())
    }

    fn new(
        definition: &ProviderDefinition,
        requested: ScopeSet,
        authorization: ScopeSet,
        granted_before: ScopeSet,
    ) -> Self {
        let equivalence = definition.scope_equivalence();
        let resource = first_resource(&requested, &equivalence);
        let several = equivalence.resources(&authorization).len() > 1;
        LoginScopes {
            redemption: several.then(|| of(&authorization, resource.as_deref(), &equivalence)),
            of_resource: of(&requested, resource.as_deref(), &equivalence),
            requested,
            authorization,
            resource,
            granted_before,
        }
    }

    /// What a refresh of the first token names, when that is not what was asked for: never more than was granted
    /// (RFC 6749 6), and never the scopes of another resource.
    pub(super) fn refresh_scopes(
        &self,
        granted: &ScopeSet,
        equivalence: &ScopeEquivalence,
    ) -> Option<ScopeSet> {
        let missing = granted.union(&self.granted_before).missing(&self.of_resource, equivalence);
        let scopes = self.of_resource.without(&missing);
        (scopes != self.requested).then_some(scopes)
    }
}

/// What `earlier` was asked for together with `added`: in the spelling that was used first.
pub(super) fn together(earlier: &ScopeSet, added: &ScopeSet, equivalence: &ScopeEquivalence) -> ScopeSet {
    let about_the_person = added.filter(|scope| equivalence.about_the_person(scope));
    earlier.union(&earlier.missing(added, equivalence)).union(&about_the_person)
}

/// What the person has consented to in `earlier`: all of what was asked for but what its first token then lacked.
fn consented(earlier: &ConnectionRecord, equivalence: &ScopeEquivalence) -> ScopeSet {
    let requested = &earlier.requested_scopes;
    let first = first_resource(requested, equivalence);
    let asked_for_the_token = of(requested, first.as_deref(), equivalence);
    requested.without(&earlier.granted_scopes.missing(&asked_for_the_token, equivalence))
}

fn first_resource(scopes: &ScopeSet, equivalence: &ScopeEquivalence) -> Option<String> {
    scopes.iter().find_map(|scope| equivalence.resource(scope))
}

/// The scopes of `resource`, and those that are for none.
fn of(scopes: &ScopeSet, resource: Option<&str>, equivalence: &ScopeEquivalence) -> ScopeSet {
    scopes.filter(|scope| equivalence.resource(scope).is_none_or(|own| Some(own.as_str()) == resource))
}
