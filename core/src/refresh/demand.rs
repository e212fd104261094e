//! What a caller wants of a token: which resource it is for, how long it must live, what it must not be. Pure.
//!
//! A grant may reach several resources (Microsoft): one refresh token, and an access token for each. A call that names
//! no scopes means the login's own, which is the first of the record; one that does means the resource that its scopes
//! are for. The record is looked at anew each time, because it may have changed since the caller looked.
//!
//! May not enter: when a request may be sent (`pause`), and what its answer means (`conclusion`).

use super::freshness::{freshness, in_extended_life};
use crate::clock::Instant;
use crate::names::ConnectionKey;
use crate::scope::{ScopeEquivalence, ScopeSet};
use crate::secret::Secret;
use crate::store::{AccessTokenRecord, ConnectionRecord, Renewal};

/// What a caller wants of the token.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    /// Seconds that the token must still be good for.
    pub min_lifetime: i64,
    /// An access token that the caller knows to be of no use: any other will do. So a forced refresh
    /// is not repeated by those who waited for it.
    pub replaces: Option<Secret>,
    /// A claims challenge (OIDC Core 5.5): a token that was not asked for with it will not do.
    pub claims: Option<String>,
    /// Which resource; the login's own when absent.
    pub wanted: Option<Wanted>,
    /// True when a token that has ended will do while the server is down, as long as its resource takes it.
    pub allow_extended: bool,
}

/// Scopes of one resource, at a provider that tells resources apart.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its canonical name.
    pub resource: String,
    /// What the token must grant.
    pub scopes: ScopeSet,
    /// How the provider compares scopes.
    pub equivalence: ScopeEquivalence,
}

/// What tells one question to the server from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    key: ConnectionKey,
    scopes: Option<String>,
    claims: Option<String>,
    allow_extended: bool,
}

impl Demand {
    /// The question that this demand on `key` comes to: those who ask the same share a flight.
    pub fn question(&self, key: &ConnectionKey) -> Question {
        let scopes = self.scopes().map(|scopes| scopes.to_wire(' '));
        let (key, claims) = (key.clone(), self.claims.clone());
        Question { key, scopes, claims, allow_extended: self.allow_extended }
    }

    /// The scopes that the caller named, where they decide what is asked.
    pub fn scopes(&self) -> Option<&ScopeSet> {
        self.wanted.as_ref().map(|wanted| &wanted.scopes)
    }

    /// The record's token for this demand's resource, whether or not it is of use.
    pub fn token<'a>(&self, record: &'a ConnectionRecord) -> Option<&'a AccessTokenRecord> {
        self.place(record).and_then(|place| record.access_tokens.get(place))
    }

    /// True when the record's token is what the caller wants, with no request sent.
    pub fn is_met_by(&self, record: &ConnectionRecord, now: &Instant) -> bool {
        self.token(record).is_some_and(|token| {
            self.accepts(token) && freshness(token, now, self.min_lifetime).is_servable()
        })
    }

    /// True for a token that the caller has a use for, as long as it lives.
    pub fn accepts(&self, token: &AccessTokenRecord) -> bool {
        self.replaces.as_ref() != Some(&token.secret)
            && (self.claims.is_none() || self.claims == token.claims)
            && self.covers(token)
    }

    /// True for a token that grants the scopes that the caller named.
    pub fn covers(&self, token: &AccessTokenRecord) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.missing(&token.scopes).is_empty())
    }

    /// True when the caller can go on with the token at hand: its resource would take it, as most do also after the
    /// grant has ended, and it is not the one that the caller has found to be of no use.
    pub fn can_use(&self, record: &ConnectionRecord, now: &Instant) -> bool {
        self.token(record).is_some_and(|token| self.accepts(token) && freshness(token, now, 0).is_valid())
    }

    /// The same for a token that has ended, while the server is down (Microsoft's `ext_expires_in`).
    pub fn can_use_extended(&self, record: &ConnectionRecord, now: &Instant) -> bool {
        self.allow_extended
            && self.token(record).is_some_and(|token| self.accepts(token) && in_extended_life(token, now))
    }

    /// True when the grant is not known to reach as far as the caller wants. A refusal then says nothing of the grant.
    pub fn is_wider_than(&self, record: &ConnectionRecord) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| !wanted.missing(&record.granted_scopes).is_empty())
    }

    /// What a refresh of `record` asks for.
    pub fn renewal(&self, record: &ConnectionRecord) -> Renewal {
        let place = self.place(record);
        let token = place.and_then(|place| record.access_tokens.get(place));
        let usual = token.and_then(|token| token.requested_scopes.clone());
        let resource = token.and_then(|token| token.resource.clone());
        let claims = self.claims.clone();
        let Some(wanted) = &self.wanted else {
            return Renewal { place, resource, requested_scopes: usual, wanted_scopes: None, claims };
        };
        let login = record.login_scopes();
        let requested_scopes = if token.is_some_and(|token| wanted.missing(&token.scopes).is_empty()) {
            usual
        } else {
            // More of the login's own resource is asked for beside what the login asks for there.
            let known = usual.or_else(|| (place == Some(0)).then(|| login.clone())).unwrap_or_default();
            Some(wanted.beside(&known, login))
        };
        let (resource, wanted_scopes) = (Some(wanted.resource.clone()), Some(wanted.scopes.clone()));
        Renewal { place, resource, requested_scopes, wanted_scopes, claims }
    }

    /// Where the record keeps the token for this demand's resource.
    pub fn place(&self, record: &ConnectionRecord) -> Option<usize> {
        match &self.wanted {
            Some(wanted) => wanted.place(record),
            None => (!record.access_tokens.is_empty()).then_some(0),
        }
    }
}

impl Wanted {
    fn place(&self, record: &ConnectionRecord) -> Option<usize> {
        record.access_tokens.iter().position(|token| self.is_for(token))
    }

    /// True for a token of this resource. Records of a time before resources were told apart do not name theirs.
    fn is_for(&self, token: &AccessTokenRecord) -> bool {
        match &token.resource {
            Some(resource) => *resource == self.resource,
            None => self.equivalence.resources(&token.scopes).contains(&self.resource),
        }
    }

    /// True when all that the token of this resource lacks was asked for with it, and the server withheld it: to ask
    /// again would bring the same.
    pub fn was_withheld(&self, record: &ConnectionRecord) -> bool {
        let Some(place) = self.place(record) else { return false };
        let token = &record.access_tokens[place];
        let own = (place == 0).then_some(&record.requested_scopes);
        let missing = self.missing(&token.scopes);
        let asked = token.requested_scopes.as_ref().into_iter().chain(own);
        asked.into_iter().any(|asked| asked.missing(&missing, &self.equivalence).is_empty())
    }

    /// The scopes that `granted` lacks.
    pub fn missing(&self, granted: &ScopeSet) -> ScopeSet {
        granted.missing(&self.scopes, &self.equivalence)
    }

    /// What a request names to get these as well as what is `known`: the scopes of one resource, and those of the
    /// `login` that are about the person. `.default` stands beside no other scope of its resource (AADSTS70011).
    fn beside(&self, known: &ScopeSet, login: &ScopeSet) -> ScopeSet {
        let of_resource = |scope: &str| self.equivalence.resource(scope).as_ref() == Some(&self.resource);
        let is_default = |scope: &str| self.equivalence.resource_of_default(scope).is_some();
        let known = known.filter(|scope| of_resource(scope) && !is_default(scope));
        let asked = self.scopes.filter(of_resource);
        let alone = asked.iter().any(is_default);
        let asked = if alone { asked.filter(is_default) } else { known.union(&asked) };
        login.filter(|scope| self.equivalence.resource(scope).is_none()).union(&asked)
    }
}

#[cfg(test)]
mod tests;
