//! The authorization endpoint (RFC 6749, sections 3.1 and 4.1.1; RFC 7636, section 4.3; RFC 9207), and the person
//! in front of it.

use std::time::Instant;

use url::Url;

use crate::clock::after;
use crate::consent::Whose;
use crate::entra;
use crate::features::PushedRequests;
use crate::grant::Grant;
use crate::live_options::{IssuerParameter, Person};
use crate::oauth_error::OAuthError;
use crate::page;
use crate::pkce;
use crate::redirect_uri::{self, Unregistered};
use crate::refusal::Refusal;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::resource_indicators::resources;
use crate::shared::Shared;
use crate::state::Code;

/// Who signs in when the request gives no `login_hint`.
pub(super) const DEFAULT_USERNAME: &str = "person@example.com";

/// An issuer that is not this server's.
const WRONG_ISSUER: &str = "https://wrong.example";

/// Answers with a page, a redirect or a form that posts itself. `Err` is an error that must not be sent to the
/// redirect URI, because the client or the URI itself is in doubt (RFC 6749, section 4.1.2.1).
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    if request.repeated_parameter().is_some() {
        return Err(Refusal::ParameterRepeated);
    }
    if shared.is_entra() {
        shared.check_tenant(tenant)?;
    }
    let asked = pushed(shared, request)?;
    let (sent, request) = (request, asked.as_ref().unwrap_or(request));
    let (client_id, redirect) = known_redirect(shared, request)?;
    let checked = match shared.live().pushed_requests.mode {
        PushedRequests::Required if asked.is_none() => Err(Refusal::RequestNotPushed),
        _ => check(shared, request),
    };
    let response = match (checked, decided(shared, sent)) {
        (Ok(_), None) => {
            let scope = request.scope().join(" ");
            return Ok(Reply::html(200, page::consent("authorize", client_id, &scope, sent.parameters())));
        }
        (Ok(asked), Some(true)) => Ok(code(shared, request, tenant, client_id, asked)),
        (Ok(_), Some(false)) => Err(Refusal::AccessDenied),
        (Err(refusal), _) => Err(refusal),
    };
    use_up(shared, sent);
    let response = response.map_err(|refusal| refusal.error(shared.dialect()));
    Ok(respond(shared, request, tenant, &redirect, response))
}

/// A scripted error, sent where the client waits for it. `Err` as for [`answer`].
pub(super) fn refuse(
    shared: &Shared,
    request: &Request,
    tenant: &str,
    error: OAuthError,
) -> Result<Reply, Refusal> {
    let asked = pushed(shared, request)?;
    let asked = asked.as_ref().unwrap_or(request);
    let (_, redirect) = known_redirect(shared, asked)?;
    use_up(shared, request);
    Ok(respond(shared, asked, tenant, &redirect, Err(error)))
}

/// The request as it was pushed, if it was (RFC 9126, section 4). Nothing beside it in the URL counts.
fn pushed(shared: &Shared, request: &Request) -> Result<Option<Request>, Refusal> {
    let Some(request_uri) = request.parameter("request_uri") else { return Ok(None) };
    let client_id = request.parameter("client_id").ok_or(Refusal::ParameterMissing("client_id"))?;
    let parameters = shared.state().pushed_requests.get(request_uri, client_id, Instant::now())?;
    Ok(Some(request.with_parameters(parameters)))
}

/// A pushed request is answered once.
fn use_up(shared: &Shared, request: &Request) {
    if let Some(request_uri) = request.parameter("request_uri") {
        shared.state().pushed_requests.use_up(request_uri);
    }
}

/// The client, and its redirect URI.
pub(super) fn known_redirect<'r>(shared: &Shared, request: &'r Request) -> Result<(&'r str, Url), Refusal> {
    let client_id = request.parameter("client_id").ok_or(Refusal::ParameterMissing("client_id"))?;
    let client = shared.client(client_id)?;
    let redirect_uri = request.parameter("redirect_uri").ok_or(Refusal::ParameterMissing("redirect_uri"))?;
    let unregistered = Unregistered { dialect: shared.dialect(), paths: &shared.options.redirect_paths };
    Ok((client_id, redirect_uri::check(&client, &unregistered, redirect_uri)?))
}

/// What the person decided; `None` until a form comes back.
pub(super) fn decided(shared: &Shared, request: &Request) -> Option<bool> {
    match request.parameter(page::DECISION) {
        Some(page::APPROVE) => Some(true),
        Some(_) => Some(false),
        None => match shared.live().person {
            Person::Approve => Some(true),
            Person::Deny => Some(false),
            Person::Form => None,
        },
    }
}

/// What was asked for beside the scope, and found good.
pub(super) struct Asked {
    code_challenge: String,
    resources: Vec<String>,
}

/// What may be told to the client.
pub(super) fn check(shared: &Shared, request: &Request) -> Result<Asked, Refusal> {
    if request.parameter("response_type") != Some("code") {
        return Err(Refusal::ResponseTypeUnsupported);
    }
    if !matches!(request.parameter("response_mode"), None | Some("query" | "form_post")) {
        return Err(Refusal::ResponseModeUnsupported);
    }
    if shared.is_entra() && request.parameter("resource").is_some() {
        return Err(Refusal::ResourceParameter);
    }
    if shared.is_entra() && request.scope().is_empty() {
        return Err(Refusal::ParameterMissing("scope"));
    }
    // The person comes without cookies (OpenID Connect Core, section 3.1.2.6).
    if request.parameter("prompt") == Some("none") {
        return Err(Refusal::LoginRequired);
    }
    let method = request.parameter("code_challenge_method");
    let code_challenge = pkce::challenge(request.parameter("code_challenge"), method)?;
    Ok(Asked { code_challenge, resources: resources(shared, request)? })
}

/// Makes the code and binds it to everything that redeeming it will be measured by.
fn code(shared: &Shared, request: &Request, tenant: &str, client_id: &str, asked: Asked) -> String {
    let value = shared.random.awkward_token("code");
    let live = shared.live();
    let grant = Grant {
        client_id: client_id.into(),
        username: request.parameter("login_hint").unwrap_or(DEFAULT_USERNAME).into(),
        scope: request.scope(),
        resources: asked.resources,
        tenant: tenant.into(),
        home: entra::home(tenant, live.home_tenant.as_deref()),
        nonce: request.parameter("nonce").map(Into::into),
        claims: request.parameter("claims").map(Into::into),
        code_key: request.parameter("dpop_jkt").map(Into::into),
        ..Grant::default()
    };
    let expires = after(Instant::now(), live.code_lifetime);
    let redirect_uri = request.parameter("redirect_uri").unwrap_or_default().into();
    let mut state = shared.state();
    state.consents.allow(client_id, Whose::Account(grant.username.clone()), &grant.scope);
    let code_challenge = asked.code_challenge;
    let code = Code { grant, redirect_uri, code_challenge, expires, redeemed: None };
    state.add_code(value.clone(), code);
    value
}

/// The authorization response (RFC 6749, sections 4.1.2 and 4.1.2.1), with `iss` on success and error alike
/// (RFC 9207, section 2).
fn respond(
    shared: &Shared,
    request: &Request,
    tenant: &str,
    redirect: &Url,
    response: Result<String, OAuthError>,
) -> Reply {
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| parameters.push((name.into(), value));
    let mut error = None;
    match response {
        Ok(code) => {
            add("code", code);
            if shared.is_entra() {
                add("session_state", shared.random.guid());
            }
        }
        Err(refusal) => {
            parameters.extend(refused(shared, request, &refusal));
            error = Some(refusal.error);
        }
    }
    let mut add = |name: &str, value: String| parameters.push((name.into(), value));
    if let Some(state) = request.parameter("state") {
        add("state", state.into());
    }
    match shared.live().issuer_parameter {
        IssuerParameter::On if shared.is_entra() => add("iss", shared.issuer(request, entra::HOME)),
        IssuerParameter::On => add("iss", shared.issuer(request, tenant)),
        IssuerParameter::Wrong => add("iss", WRONG_ISSUER.into()),
        IssuerParameter::Off => {}
    }
    // A response that cannot be sent as asked is sent in the query.
    let form_post = request.parameter("response_mode") == Some("form_post");
    let mut reply = send(request, redirect, form_post, &parameters);
    reply.outcome.error = error;
    reply
}

/// The parameters of an error (RFC 6749, section 4.1.2.1).
pub(super) fn refused(shared: &Shared, request: &Request, error: &OAuthError) -> Vec<(String, String)> {
    let text = error.text(shared.dialect(), &shared.trace(request));
    let subcode = error.subcode.iter().map(|subcode| ("error_subcode", subcode.clone()));
    let always = [("error", error.error.clone()), ("error_description", text)];
    always.into_iter().chain(subcode).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The response on its way to the client.
pub(super) fn send(
    request: &Request,
    redirect: &Url,
    form_post: bool,
    parameters: &[(String, String)],
) -> Reply {
    if form_post {
        Reply::html(200, page::form_post(redirect.as_str(), parameters))
    } else {
        let mut location = redirect.clone();
        location.query_pairs_mut().extend_pairs(parameters);
        // 303: whatever the method was, the next one is GET, and no form goes along (RFC 9700, section 4.12).
        Reply::new(if request.method == "POST" { 303 } else { 302 }, Content::Empty)
            .with_header("location", location.as_str())
    }
}
