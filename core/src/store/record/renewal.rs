//! What a refresh makes of a record: the token in its place, the refresh token that works from here on, and what
//! the server refuses.
//!
//! May not enter: when a refresh is sent, and what its failure means to a caller.

use super::{AccessTokenRecord, ConnectionRecord, Refusal};
use crate::clock::Instant;
use crate::error::Result;
use crate::login_command::LoginCommand;
use crate::protocol::{OriginalIdentity, TokenResponse, check_refreshed, is_same_resource, parse_id_token};
use crate::scope::ScopeSet;

/// As many resources as one grant is asked for; each token has some KiB.
const MOST_TOKENS: usize = 32;

/// As many refusals as are told again without a request.
const MOST_REFUSALS: usize = 16;

/// What a refresh of a record asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewal {
    /// Where the record keeps the token that the new one replaces, if it has one.
    pub place: Option<usize>,
    /// The resource that the token is for, at a server that tells resources apart.
    pub resource: Option<String>,
    /// The scopes that the request names; absent: those of the login.
    pub requested_scopes: Option<ScopeSet>,
    /// The scopes that the caller named, where they decide what is asked.
    pub wanted_scopes: Option<ScopeSet>,
    /// The claims challenge (OIDC Core 5.5).
    pub claims: Option<String>,
}

impl ConnectionRecord {
    /// What a refresh for the login's own resource names (RFC 6749 6).
    pub fn login_scopes(&self) -> &ScopeSet {
        self.refresh_scopes.as_ref().unwrap_or(&self.requested_scopes)
    }

    /// The protected resource that the grant is for, as the person names it.
    pub fn named_resource(&self) -> Option<&str> {
        self.server.named_resource.as_deref().or(self.server.resource.as_deref())
    }

    /// True when `resource` names the one that the grant is for, be it in its metadata's spelling or the person's.
    pub fn is_for_resource(&self, resource: &str) -> bool {
        let own = [&self.server.resource, &self.server.named_resource];
        own.into_iter().flatten().any(|own| is_same_resource(own, resource))
    }

    /// What to type to log in again and be granted `scopes` besides.
    pub fn wider_login_command(&self, scopes: &ScopeSet) -> LoginCommand {
        LoginCommand::for_resource(&self.key, self.named_resource()).with("--add-scopes", &scopes.to_string())
    }

    /// The login that makes this connection anew.
    pub fn login_command(&self) -> LoginCommand {
        let login = LoginCommand::for_resource(&self.key, self.named_resource());
        if self.application { login.with("--flow", "client-credentials") } else { login }
    }

    /// What the server refused lately, the newest first.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusal.iter().chain(&self.earlier_refusals)
    }

    /// Keeps a refusal; an earlier one of the same question is gone.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.forget_refusal(refusal.scopes.as_ref(), refusal.claims.as_deref());
        self.earlier_refusals.splice(0..0, self.refusal.replace(refusal));
        self.earlier_refusals.truncate(MOST_REFUSALS);
    }

    /// The server has answered this question after all.
    fn forget_refusal(&mut self, scopes: Option<&ScopeSet>, claims: Option<&str>) {
        self.refusal.take_if(|refusal| refusal.answers(scopes, claims));
        self.earlier_refusals.retain(|refusal| !refusal.answers(scopes, claims));
    }

    /// This record with what a refresh brought (RFC 6749 6). A response without a refresh token leaves the old one in
    /// use, and the access tokens of other resources stay as they are.
    ///
    /// # Errors
    /// `provider_rejected` when the id_token in the response is somebody else's (OIDC Core 12.2).
    pub fn rotated(&self, response: &TokenResponse, renewal: &Renewal, now: Instant) -> Result<Self> {
        if let (Some(id_token), Some(subject)) = (&response.id_token, &self.account.subject) {
            let issuer = self.account.issuer.as_deref().unwrap_or_default();
            let tenant_id = self.account.tenant_id.as_deref();
            let original = OriginalIdentity { issuer, subject, tenant_id, client_id: &self.client.client_id };
            check_refreshed(&parse_id_token(id_token)?, &original)?;
        }
        let before = renewal.place.and_then(|place| self.access_tokens.get(place));
        // RFC 6749 5.1: a response that does not say grants what was asked for; so does that of a refresh.
        let granted = response.scope.clone().or_else(|| before.map(|before| before.scopes.clone()));
        let granted = granted.or_else(|| renewal.requested_scopes.clone()).unwrap_or_default();
        let mut rotated = self.clone();
        rotated.refresh_token = response.refresh_token.clone().or_else(|| self.refresh_token.clone());
        let renewable = rotated.refresh_token.is_some() || self.application;
        let received = AccessTokenRecord::received(response, &granted, renewable, now.clone());
        let token = AccessTokenRecord {
            resource: renewal.resource.clone(),
            requested_scopes: renewal.requested_scopes.clone(),
            claims: renewal.claims.clone(),
            ..received
        };
        match renewal.place.and_then(|place| rotated.access_tokens.get_mut(place)) {
            Some(old) => *old = token,
            None => rotated.access_tokens.push(token),
        }
        if rotated.access_tokens.len() > MOST_TOKENS {
            // The first is the login's own; the one after it has been there longest.
            rotated.access_tokens.remove(1);
        }
        let all = rotated.access_tokens.iter().map(|token| &token.scopes);
        rotated.granted_scopes = all.fold(ScopeSet::default(), |all, scopes| all.union(scopes));
        rotated.refreshed_at = Some(now.wall);
        rotated.refresh_attempt = None;
        rotated.cool_down = None;
        rotated.forget_refusal(renewal.wanted_scopes.as_ref(), renewal.claims.as_deref());
        Ok(rotated)
    }
}

#[cfg(test)]
mod tests;
