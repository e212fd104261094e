//! What the server remembers of grants: codes, refresh tokens, access tokens. The moment of every act is handed
//! in, so that a test can play a minute in no time.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use serde_json::Value;

use crate::claims::Demand;
use crate::client_document::ClientDocuments;
use crate::consent::Consents;
use crate::device::Devices;
use crate::dpop::Seen;
use crate::grant::Grant;
use crate::live_options::Rotation;
use crate::pushed_requests::PushedRequests;
use crate::refusal::Refusal;
use crate::registration::Registrations;
use crate::rotation::{Decision, decide};

/// Which grant; grants are never forgotten.
pub(crate) type GrantId = usize;

/// An authorization code and what it is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: String,
    pub(crate) expires: Instant,
    pub(crate) redeemed: Option<GrantId>,
}

/// A refresh token that may be used, and how.
#[derive(Debug)]
pub(crate) struct PresentedRefreshToken {
    pub(crate) grant: GrantId,
    pub(crate) decision: Decision,
    /// It was used before.
    pub(crate) reuse: bool,
    /// The answer that its first use got.
    pub(crate) answer: Option<Value>,
}

/// Everything remembered.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) devices: Devices,
    pub(crate) consents: Consents,
    pub(crate) registrations: Registrations,
    pub(crate) client_documents: ClientDocuments,
    pub(crate) pushed_requests: PushedRequests,
    /// What came and went in proofs of possession.
    pub(crate) proofs: Seen,
    /// What resources want of a token beside its life.
    pub(crate) demand: Option<Demand>,
    grants: Vec<Grant>,
    codes: HashMap<String, Code>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
    /// Clients' assertions that were used: who made it, its `jti`.
    assertions: HashSet<(String, String)>,
}

struct RefreshToken {
    grant: GrantId,
    used: Option<(Instant, Value)>,
}

/// What an access token is good for.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) grant: GrantId,
    pub(crate) expires: Instant,
    /// The `claims` it was asked for with.
    pub(crate) claims: Option<String>,
    pub(crate) scope: Vec<String>,
    /// The resources that it is for.
    pub(crate) audience: Vec<String>,
    /// The key that it is bound to, by thumbprint (RFC 9449, section 6).
    pub(crate) key: Option<String>,
}

impl State {
    pub(crate) fn grant(&mut self, grant: Grant) -> GrantId {
        self.grants.push(grant);
        self.grants.len() - 1
    }

    pub(crate) fn granted(&self, id: GrantId) -> &Grant {
        &self.grants[id]
    }

    /// From now on its refresh tokens want this key.
    pub(crate) fn bind(&mut self, id: GrantId, key: Option<String>) {
        self.grants[id].key = key;
    }

    pub(crate) fn add_code(&mut self, value: String, code: Code) {
        self.codes.insert(value, code);
    }

    /// Redeems a code once. A second use ends the grant that the first one made (RFC 6749, section 4.1.2); a use
    /// that fails its `check` leaves the code as it is.
    pub(crate) fn redeem(
        &mut self,
        value: &str,
        now: Instant,
        check: impl FnOnce(&Code) -> Result<(), Refusal>,
    ) -> Result<GrantId, Refusal> {
        let code = self.codes.get_mut(value).ok_or(Refusal::CodeUnknown)?;
        if let Some(grant) = code.redeemed {
            self.revoke(grant);
            return Err(Refusal::CodeUsedTwice);
        }
        if now >= code.expires {
            return Err(Refusal::CodeExpired);
        }
        check(code)?;
        let grant = self.grants.len();
        code.redeemed = Some(grant);
        self.grants.push(code.grant.clone());
        Ok(grant)
    }

    pub(crate) fn add_access_token(&mut self, value: String, token: AccessToken) {
        self.access_tokens.insert(value, token);
    }

    pub(crate) fn add_refresh_token(&mut self, value: String, grant: GrantId) {
        self.refresh_tokens.insert(value, RefreshToken { grant, used: None });
    }

    /// Decides about a refresh token, and ends the grant if it is a replay. Nothing is used up yet: the request
    /// may still be refused for its scope.
    pub(crate) fn present(
        &mut self,
        value: &str,
        client_id: &str,
        rotation: Rotation,
        now: Instant,
    ) -> Result<PresentedRefreshToken, Refusal> {
        let token = self.refresh_tokens.get(value).ok_or(Refusal::RefreshTokenUnknown)?;
        let (grant, granted) = (token.grant, &self.grants[token.grant]);
        if granted.client_id != client_id {
            return Err(Refusal::RefreshTokenOfOtherClient);
        }
        if granted.revoked {
            return Err(Refusal::RefreshTokenRevoked);
        }
        let decision = decide(rotation, token.used.as_ref().map(|(when, _)| now.duration_since(*when)));
        let answer = token.used.as_ref().map(|(_, answer)| answer.clone());
        if decision == Decision::Replay {
            self.revoke(grant);
            return Err(Refusal::RefreshTokenReplayed);
        }
        Ok(PresentedRefreshToken { grant, decision, reuse: answer.is_some(), answer })
    }

    /// Marks a refresh token as used; `answer` is what a repeat within the grace gets.
    pub(crate) fn use_up(&mut self, value: &str, now: Instant, answer: &Value) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.used.get_or_insert_with(|| (now, answer.clone()));
        }
    }

    /// An access token that is neither expired nor revoked, and its grant.
    pub(crate) fn resource_access(&self, value: &str, now: Instant) -> Option<(&AccessToken, &Grant)> {
        let token = self.access_tokens.get(value).filter(|token| now < token.expires)?;
        Some((token, &self.grants[token.grant])).filter(|(_, grant)| !grant.revoked)
    }

    /// The demand that this access token does not meet.
    pub(crate) fn unmet_demand(&self, value: &str) -> Option<&Demand> {
        let claims = self.access_tokens.get(value).and_then(|token| token.claims.as_deref());
        self.demand.as_ref().filter(|demand| !demand.is_met_by(claims))
    }

    /// RFC 7009, section 2.1: a refresh token takes its grant along, an access token goes alone. Says whether a
    /// grant ended.
    pub(crate) fn revoke_token(&mut self, value: &str, client_id: &str) -> bool {
        if let Some(RefreshToken { grant, .. }) = self.refresh_tokens.get(value) {
            let grant = *grant;
            let own = self.grants[grant].client_id == client_id;
            if own {
                self.revoke(grant);
            }
            return own;
        }
        if self.access_tokens.get(value).is_some_and(|token| self.grants[token.grant].client_id == client_id)
        {
            self.access_tokens.remove(value);
        }
        false
    }

    /// Says whether this is the assertion's first use.
    pub(crate) fn use_assertion(&mut self, client_id: &str, id: &str) -> bool {
        self.assertions.insert((client_id.into(), id.into()))
    }

    /// Every access token is expired from now on.
    pub(crate) fn expire_access_tokens(&mut self, now: Instant) {
        for token in self.access_tokens.values_mut() {
            token.expires = token.expires.min(now);
        }
    }

    /// Every grant ends.
    pub(crate) fn revoke_all(&mut self) {
        for grant in &mut self.grants {
            grant.revoked = true;
        }
    }

    /// Every grant of this client ends.
    pub(crate) fn revoke_client(&mut self, client_id: &str) {
        for grant in self.grants.iter_mut().filter(|grant| grant.client_id == client_id) {
            grant.revoked = true;
        }
    }

    fn revoke(&mut self, grant: GrantId) {
        self.grants[grant].revoked = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::clock::after;

    fn state() -> (State, Instant) {
        let mut state = State::default();
        let grant = state.grant(Grant { client_id: "c".into(), ..Grant::default() });
        state.add_refresh_token("r1".into(), grant);
        state.add_refresh_token("r2".into(), grant);
        let expires = after(Instant::now(), 60);
        let (claims, scope, audience) = (None, Vec::new(), Vec::new());
        state.add_access_token(
            "a1".into(),
            AccessToken { grant, expires, claims, scope, audience, key: None },
        );
        (state, Instant::now())
    }

    #[test]
    fn reuse_detection_ends_the_grant_with_all_its_tokens() {
        let (mut state, now) = state();
        assert_eq!(
            state.present("r1", "c", Rotation::ReuseDetection, now).unwrap().decision,
            Decision::Rotate
        );
        state.use_up("r1", now, &json!({"n": 1}));
        assert!(state.resource_access("a1", now).is_some());
        let replay = state.present("r1", "c", Rotation::ReuseDetection, now).unwrap_err();
        assert_eq!(replay, Refusal::RefreshTokenReplayed);
        let heir = state.present("r2", "c", Rotation::ReuseDetection, now).unwrap_err();
        assert_eq!(heir, Refusal::RefreshTokenRevoked);
        assert!(state.resource_access("a1", now).is_none());
    }

    #[test]
    fn grace_repeats_the_first_answer_counted_from_the_first_use() {
        let (mut state, now) = state();
        state.use_up("r1", now, &json!({"n": 1}));
        let soon = now + Duration::from_secs(9);
        state.use_up("r1", soon, &json!({"n": 2}));
        let again = state.present("r1", "c", Rotation::Grace(10), soon).unwrap();
        assert_eq!(
            (again.decision, again.reuse, again.answer),
            (Decision::Repeat, true, Some(json!({"n": 1})))
        );
        let late = state.present("r1", "c", Rotation::Grace(10), now + Duration::from_secs(11)).unwrap_err();
        assert_eq!(late, Refusal::RefreshTokenReplayed);
    }

    #[test]
    fn a_token_of_another_client_changes_nothing() {
        let (mut state, now) = state();
        state.use_up("r1", now, &json!({}));
        let other = state.present("r1", "d", Rotation::ReuseDetection, now).unwrap_err();
        assert_eq!(other, Refusal::RefreshTokenOfOtherClient);
        assert!(!state.revoke_token("r2", "d"));
        assert!(state.present("r2", "c", Rotation::ReuseDetection, now).is_ok());
    }

    #[test]
    fn a_code_works_once_and_a_second_use_ends_what_it_gave() {
        let (mut state, now) = state();
        let code = Code {
            grant: Grant::default(),
            redirect_uri: String::new(),
            code_challenge: String::new(),
            expires: after(now, 60),
            redeemed: None,
        };
        state.add_code("k".into(), code.clone());
        state.add_code("old".into(), Code { expires: now, ..code });
        assert_eq!(state.redeem("x", now, |_| Ok(())), Err(Refusal::CodeUnknown));
        assert_eq!(state.redeem("old", now, |_| Ok(())), Err(Refusal::CodeExpired));
        assert_eq!(
            state.redeem("k", now, |_| Err(Refusal::VerifierMismatch)),
            Err(Refusal::VerifierMismatch)
        );
        let grant = state.redeem("k", now, |_| Ok(())).unwrap();
        assert!(!state.granted(grant).revoked);
        assert_eq!(state.redeem("k", now, |_| Ok(())), Err(Refusal::CodeUsedTwice));
        assert!(state.granted(grant).revoked);
    }
}
