//! A successful token response (RFC 6749, section 5.1) in either dialect. Makes the access token; whether there is
//! a refresh token in it was decided before.

use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::clock::{self, after};
use crate::entra;
use crate::grant::Grant;
use crate::id_token;
use crate::journal_entry::{Outcome, fingerprint};
use crate::live_options::Consent;
use crate::options::Dialect;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::resource_options::Scheme;
use crate::shared::Shared;
use crate::state::{AccessToken, GrantId, State};

/// 32-byte blocks in an access token. Entra's are opaque and some 1,500 characters long; a store that cannot hold
/// one must fail here rather than at a customer's.
const BLOCKS: usize = 1;
const ENTRA_BLOCKS: usize = 36;

/// What to answer with.
pub(crate) struct TokenResponse<'a> {
    pub(crate) grant: GrantId,
    pub(crate) scope: &'a [String],
    /// The resources that the access token is for.
    pub(crate) audience: Vec<String>,
    /// The key that it is bound to, by thumbprint.
    pub(crate) key: Option<&'a str>,
    pub(crate) refresh_token: Option<&'a str>,
    pub(crate) request: &'a Request,
    /// The tenant of the token endpoint that was asked.
    pub(crate) tenant: &'a str,
    /// The first answer of a grant, whose id_token carries the nonce.
    pub(crate) first: bool,
    /// The `claims` of the request, or of the authorization request that it goes back to.
    pub(crate) claims: Option<&'a str>,
    /// `client_info=1` was sent.
    pub(crate) client_info: bool,
}

impl TokenResponse<'_> {
    /// Makes the access token and the body.
    pub(crate) fn build(&self, shared: &Shared, state: &mut State, now: Instant) -> Result<Value, Refusal> {
        let live = shared.live();
        let granted = state.granted(self.grant).clone();
        let scope = match shared.dialect() {
            Dialect::Plain => self.scope.to_vec(),
            Dialect::Entra if live.consent == Consent::Enforced => {
                state.consents.given(&granted, self.tenant).listed(self.scope)
            }
            Dialect::Entra => entra::echoed(self.scope),
        };
        let access_token = shared.random.access_token(if shared.is_entra() { ENTRA_BLOCKS } else { BLOCKS });
        let expires = after(now, live.access_token_lifetime);
        let token = AccessToken {
            grant: self.grant,
            expires,
            claims: self.claims.map(Into::into),
            scope: self.scope.to_vec(),
            audience: self.audience.clone(),
            key: self.key.map(Into::into),
        };
        state.add_access_token(access_token.clone(), token);

        let mut body = Map::new();
        let mut member = |name: &str, value: Value| body.insert(name.into(), value);
        member("token_type", json!(if self.key.is_some() { Scheme::Dpop } else { Scheme::Bearer }));
        // Entra does not say what an application may: that stands in the token itself.
        if !(granted.application && shared.is_entra()) {
            member("scope", json!(scope.join(" ")));
        }
        member("expires_in", json!(live.access_token_lifetime));
        if shared.is_entra() {
            let extended = live.ext_expires_in.unwrap_or_default().max(live.access_token_lifetime);
            member("ext_expires_in", json!(extended));
        }
        if let Some(refresh_in) = live.refresh_in {
            member("refresh_in", json!(refresh_in));
        }
        member("access_token", json!(access_token));
        if let Some(refresh_token) = self.refresh_token {
            member("refresh_token", json!(refresh_token));
        }
        // OpenID Connect Core, section 3.1.2.1: without "openid" the request is none of its business.
        if !granted.application && self.scope.iter().any(|scope| scope == "openid") {
            member("id_token", json!(self.id_token(shared, &granted)?));
        }
        if shared.is_entra() && self.client_info && !granted.application {
            member("client_info", json!(entra::client_info(&granted.username, &granted.home)));
        }
        body.extend(live.token_response.members);
        Ok(Value::Object(body))
    }

    fn id_token(&self, shared: &Shared, granted: &Grant) -> Result<String, Refusal> {
        let (issuer, tenant_id) = match shared.dialect() {
            Dialect::Plain => (shared.issuer(self.request, self.tenant), String::new()),
            Dialect::Entra => {
                let tenant_id = entra::signed_in_at(self.tenant, &granted.home);
                (shared.issuer(self.request, &tenant_id), tenant_id)
            }
        };
        let nonce = granted.nonce.as_deref().filter(|_| self.first);
        let claims =
            id_token::claims(shared.dialect(), &issuer, &tenant_id, granted, nonce, clock::unix_seconds());
        shared.key.sign(&claims).map_err(|_| Refusal::InternalError)
    }
}

/// The body as an answer, and what the journal is to know of it.
pub(crate) fn reply(body: Value, outcome: Outcome) -> Reply {
    let issued = ["access_token", "refresh_token", "id_token"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), fingerprint(body[name].as_str()?))))
        .collect();
    let mut reply = Reply::json(200, body).with_header("pragma", "no-cache");
    reply.outcome = Outcome { granted: true, issued, ..outcome };
    reply
}
