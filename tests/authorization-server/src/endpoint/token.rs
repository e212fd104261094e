//! The token endpoint: a code redeemed (RFC 6749, section 4.1.3), a grant refreshed (section 6), a client that asks for
//! itself (section 4.4), a device polled (RFC 8628, section 3.4).

use std::time::Instant;

use serde_json::json;

use super::possession::proof;
use super::{DEVICE_CODE_GRANT, check_post, client};
use crate::claims;
use crate::consent::Whose;
use crate::entra;
use crate::features::Dpop;
use crate::grant::Grant;
use crate::journal_entry::Outcome;
use crate::live_options::Consent;
use crate::options::Dialect;
use crate::pkce;
use crate::refusal::Refusal;
use crate::registered_client::RegisteredClient;
use crate::reply::Reply;
use crate::request::Request;
use crate::resource_indicators::{audience, resources};
use crate::rotation::Decision;
use crate::shared::Shared;
use crate::state::{Code, GrantId, State};
use crate::token_response::{self, TokenResponse};

/// Answers with tokens.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    check_post(shared, request, tenant)?;
    let client = client(shared, request, tenant)?;
    let grant_type = required(request, "grant_type")?;
    let key = proof(shared, request)?.map(|proof| proof.thumbprint);
    let wanted = client.dpop_bound || shared.live().dpop.mode == Dpop::Required;
    if wanted && key.is_none() {
        return Err(Refusal::ProofMissing);
    }
    let asked = Asked { shared, request, tenant, client: &client, key, now: Instant::now() };
    match grant_type {
        unregistered if !client.may_use(unregistered) => Err(Refusal::GrantTypeUnregistered),
        "authorization_code" => asked.authorization_code(),
        "refresh_token" => asked.refresh_token(),
        "client_credentials" => asked.client_credentials(),
        DEVICE_CODE_GRANT => asked.device_code(),
        // Entra's older name of the same.
        "device_code" if shared.is_entra() => asked.device_code(),
        _ => Err(Refusal::GrantTypeUnsupported),
    }
}

/// A token request by a client that proved who it is.
struct Asked<'a> {
    shared: &'a Shared,
    request: &'a Request,
    tenant: &'a str,
    client: &'a RegisteredClient,
    /// The key that the request proves to have, by thumbprint (RFC 9449).
    key: Option<String>,
    now: Instant,
}

impl Asked<'_> {
    fn authorization_code(&self) -> Result<Reply, Refusal> {
        let value = required(self.request, "code")?;
        // It was in every authorization request, so it must be here (section 4.1.3).
        let redirect_uri = required(self.request, "redirect_uri")?;
        let mut state = self.shared.state();
        let grant = state.redeem(value, self.now, |code| self.check_code(code, redirect_uri))?;
        let asked_scope = self.request.scope();
        // Only Entra lets the token request say which of the scopes this token is for.
        let narrowed = self.shared.is_entra() && !asked_scope.is_empty();
        let scope = if narrowed { asked_scope } else { state.granted(grant).scope.clone() };
        self.check_consent(&state, grant, &scope)?;
        self.first_tokens(&mut state, grant, &scope)
    }

    fn check_code(&self, code: &Code, redirect_uri: &str) -> Result<(), Refusal> {
        if code.grant.client_id != self.client.id {
            return Err(Refusal::CodeOfOtherClient);
        }
        if code.grant.tenant != self.tenant {
            return Err(Refusal::CodeOfOtherTenant);
        }
        // "Their values MUST be identical": no normalisation.
        if code.redirect_uri != redirect_uri {
            return Err(Refusal::RedirectUriMismatch);
        }
        pkce::verify(&code.code_challenge, self.request.parameter("code_verifier"))?;
        audience(self.shared, self.request, &code.grant)?;
        let binding = self.shared.live().dpop.mode;
        let any_key = matches!(binding, Dpop::Off | Dpop::Ignored) || code.grant.code_key.is_none();
        if !any_key && code.grant.code_key != self.key {
            return Err(Refusal::ProofOfOtherKey);
        }
        let scope = self.request.scope();
        match self.shared.dialect() {
            Dialect::Plain => Ok(()),
            Dialect::Entra if scope.is_empty() => {
                entra::check_token_scope(&code.grant.scope).map_err(|_| Refusal::ScopeEmptyForCode)
            }
            Dialect::Entra => entra::check_token_scope(&scope),
        }
    }

    fn device_code(&self) -> Result<Reply, Refusal> {
        let device_code = required(self.request, "device_code")?;
        // Entra never says slow_down by itself.
        let strict = self.shared.dialect() == Dialect::Plain;
        let live = self.shared.live();
        let mut state = self.shared.state();
        let grant = state.devices.poll(device_code, &self.client.id, &live, strict, self.now)?;
        let scope = grant.scope.clone();
        state.consents.allow(&self.client.id, Whose::Account(grant.username.clone()), &scope);
        let grant = state.grant(grant);
        self.first_tokens(&mut state, grant, &scope)
    }

    /// An access token for the client itself, and nothing beside it (section 4.4.3).
    fn client_credentials(&self) -> Result<Reply, Refusal> {
        if !self.client.is_confidential() {
            return Err(Refusal::PublicClientAsItself);
        }
        let scope = self.request.scope();
        if self.shared.is_entra() {
            entra::check_application(self.tenant, &scope)?;
        }
        let (client_id, username) = (self.client.id.clone(), self.client.id.clone());
        let tenant = self.tenant.into();
        let resources = resources(self.shared, self.request)?;
        let mut state = self.shared.state();
        let grant = Grant { client_id, username, tenant, resources, application: true, ..Grant::default() };
        let grant = state.grant(grant);
        let response = self.response(&state, grant, &scope, None, true)?;
        let body = response.build(self.shared, &mut state, self.now)?;
        Ok(token_response::reply(body, Outcome::default()))
    }

    /// The tokens of a new grant. Entra gives a refresh token only for `offline_access`, and nobody gives one to a client
    /// that did not register for its use.
    fn first_tokens(&self, state: &mut State, grant: GrantId, scope: &[String]) -> Result<Reply, Refusal> {
        // Who can prove itself is bound by that already (RFC 9449, section 5).
        if !self.client.is_confidential() {
            state.bind(grant, self.key.clone());
        }
        let granted = state.granted(grant);
        let offline = !self.shared.is_entra() || granted.scope.iter().any(|scope| scope == "offline_access");
        let refreshed = offline && self.client.may_use("refresh_token");
        let refresh_token = refreshed.then(|| self.shared.random.awkward_token("refresh"));
        let authorized_with = granted.claims.clone();
        let mut response = self.response(state, grant, scope, refresh_token.as_deref(), true)?;
        response.claims = response.claims.or(authorized_with.as_deref());
        let body = response.build(self.shared, state, self.now)?;
        if let Some(refresh_token) = refresh_token {
            state.add_refresh_token(refresh_token, grant);
        }
        Ok(token_response::reply(body, Outcome::default()))
    }

    fn refresh_token(&self) -> Result<Reply, Refusal> {
        let value = required(self.request, "refresh_token")?;
        let rotation = self.shared.live().rotation;
        let mut state = self.shared.state();
        let presented = state.present(value, &self.client.id, rotation, self.now)?;
        let bound_to = &state.granted(presented.grant).key;
        if bound_to.is_some() && *bound_to != self.key {
            return Err(Refusal::ProofOfOtherKey);
        }
        let scope = self.refresh_scope(&state, presented.grant)?;
        let (decision, reuse) = (presented.decision, presented.reuse);
        if let (Decision::Repeat, Some(answer)) = (decision, presented.answer) {
            return Ok(token_response::reply(answer, Outcome { reuse, ..Outcome::default() }));
        }
        let rotated = decision != Decision::Keep;
        let refresh_token = rotated.then(|| self.shared.random.awkward_token("refresh"));
        let response = self.response(&state, presented.grant, &scope, refresh_token.as_deref(), false)?;
        let body = response.build(self.shared, &mut state, self.now)?;
        if let Some(refresh_token) = refresh_token {
            state.add_refresh_token(refresh_token, presented.grant);
            state.use_up(value, self.now, &body);
        }
        let reuse = reuse && rotated;
        Ok(token_response::reply(body, Outcome { rotated, reuse, ..Outcome::default() }))
    }

    /// The scope of a refreshed token: "MUST NOT include any scope not originally granted", and all of it when
    /// omitted (section 6). Entra wants it named, and gives any one resource that the client asks for.
    fn refresh_scope(&self, state: &State, grant: GrantId) -> Result<Vec<String>, Refusal> {
        let granted = state.granted(grant);
        let scope = self.request.scope();
        if self.shared.is_entra() {
            let granted_at = entra::signed_in_at(&granted.tenant, &granted.home);
            entra::check_refresh_tenant(&granted_at, self.tenant)?;
            required(self.request, "scope")?;
            entra::check_token_scope(&scope)?;
            self.check_consent(state, grant, &scope)?;
            self.check_step_up(granted, &scope)?;
            return Ok(scope);
        }
        if granted.tenant != self.tenant {
            return Err(Refusal::RefreshTokenOfOtherTenant);
        }
        if !scope.iter().all(|scope| granted.scope.contains(scope)) {
            return Err(Refusal::ScopeExceedsGrant);
        }
        Ok(if scope.is_empty() { granted.scope.clone() } else { scope })
    }

    /// Has somebody allowed these scopes, where that counts?
    fn check_consent(&self, state: &State, grant: GrantId, scope: &[String]) -> Result<(), Refusal> {
        let enforced = self.shared.is_entra() && self.shared.live().consent == Consent::Enforced;
        let covers = || state.consents.given(state.granted(grant), self.tenant).covers(scope);
        if enforced && !covers() { Err(Refusal::ConsentMissing) } else { Ok(()) }
    }

    /// Was the person asked for what this resource wants? No claims of a refresh make up for it.
    fn check_step_up(&self, granted: &Grant, scope: &[String]) -> Result<(), Refusal> {
        let live = self.shared.live();
        match entra::first_resource(scope).and_then(|resource| live.step_up.get(resource)) {
            Some(wanted) if !claims::are_sent(wanted, granted.claims.as_deref()) => {
                Err(Refusal::StepUp(json!(wanted).to_string()))
            }
            _ => Ok(()),
        }
    }

    fn response<'a>(
        &'a self,
        state: &State,
        grant: GrantId,
        scope: &'a [String],
        refresh_token: Option<&'a str>,
        first: bool,
    ) -> Result<TokenResponse<'a>, Refusal> {
        let audience = audience(self.shared, self.request, state.granted(grant))?;
        let (request, tenant) = (self.request, self.tenant);
        let client_info = request.parameter("client_info") == Some("1");
        let claims = request.parameter("claims");
        Ok(TokenResponse {
            grant,
            scope,
            audience,
            key: self.key.as_deref(),
            refresh_token,
            request,
            tenant,
            first,
            claims,
            client_info,
        })
    }
}

fn required<'a>(request: &'a Request, name: &'static str) -> Result<&'a str, Refusal> {
    request.parameter(name).ok_or(Refusal::ParameterMissing(name))
}
