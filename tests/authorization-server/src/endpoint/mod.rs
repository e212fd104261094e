//! The endpoints: a request in, a reply out. Each answers `Err(Refusal)` for what the protocol refuses; how that is
//! written is the dialect's business.

mod admin_consent;
mod admission;
mod authorize;
mod device_authorization;
mod device_page;
mod graph;
mod mcp;
mod metadata;
mod par;
mod possession;
mod register;
mod resource;
mod resource_metadata;
mod revoke;
mod token;

use hyper::Method;

use crate::client_assertion::Expected;
use crate::client_authentication::{Authenticated, authenticate};
use crate::clock;
use crate::live_options::AssertionReplay;
use crate::oauth_error::OAuthError;
use crate::options::Dialect;
use crate::page;
use crate::refusal::Refusal;
use crate::registered_client::RegisteredClient;
use crate::reply::{Content, Reply};
use crate::request::{Endpoint, Request};
use crate::resource_indicators::is_resource_path;
use crate::shared::Shared;

/// What device polls say in `grant_type` (RFC 8628, section 3.4).
pub(crate) const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers a request at its endpoint. `tenant` is the customer's label in the plain dialect, or empty.
pub(crate) fn answer(shared: &Shared, endpoint: Endpoint, tenant: &str, request: &Request) -> Reply {
    let answer = match endpoint {
        Endpoint::Authorize => authorize::answer(shared, request, tenant),
        Endpoint::AdminConsent => admin_consent::answer(shared, request, tenant),
        Endpoint::Token => token::answer(shared, request, tenant),
        Endpoint::Device => device_authorization::answer(shared, request, tenant),
        Endpoint::DevicePage => Ok(device_page::answer(shared, request)),
        Endpoint::Par => par::answer(shared, request, tenant),
        Endpoint::Register => register::answer(shared, request, tenant),
        Endpoint::Revoke => revoke::answer(shared, request, tenant),
        Endpoint::Metadata => metadata::answer(shared, request, tenant),
        Endpoint::ResourceMetadata => Ok(resource_metadata::answer(shared, request)),
        Endpoint::Jwks => Ok(metadata::jwks(shared, request)),
        Endpoint::Resource if is_resource_path(&request.path) => Ok(mcp::answer(shared, request)),
        Endpoint::Resource => Ok(resource::answer(shared, request)),
        Endpoint::Unknown | Endpoint::Any => Ok(Reply::new(404, Content::Empty)),
    };
    let reply = match answer {
        Ok(reply) => reply,
        // A person looks at these; there is no client to redirect to.
        Err(refusal) if is_for_people(endpoint) => refusal_page(shared, request, refusal),
        Err(refusal) => shared.refuse(refusal, request),
    };
    possession::with_nonce(shared, endpoint, reply)
}

/// Answers with a scripted error, where the endpoint's errors go.
pub(crate) fn refuse(
    shared: &Shared,
    endpoint: Endpoint,
    tenant: &str,
    request: &Request,
    error: OAuthError,
) -> Reply {
    if !is_for_people(endpoint) {
        return shared.error_reply(&error, request);
    }
    let sent = authorize::refuse(shared, request, tenant, error);
    sent.unwrap_or_else(|refusal| refusal_page(shared, request, refusal))
}

fn is_for_people(endpoint: Endpoint) -> bool {
    [Endpoint::Authorize, Endpoint::AdminConsent].contains(&endpoint)
}

fn refusal_page(shared: &Shared, request: &Request, refusal: Refusal) -> Reply {
    let error = refusal.error(shared.dialect());
    let page = page::message("Sign-in failed", &error.text(shared.dialect(), &shared.trace(request)));
    let mut reply = Reply::html(400, page);
    reply.outcome.error = Some(error.error);
    reply
}

/// What every endpoint that a client posts to checks first: a form (RFC 6749, section 3.2), no parameter twice
/// (section 3.1), and what only Entra minds.
fn check_post(shared: &Shared, request: &Request, tenant: &str) -> Result<(), Refusal> {
    if request.method != Method::POST {
        return Err(Refusal::MethodNotPost);
    }
    if !request.is_form() {
        return Err(Refusal::NotAForm);
    }
    if request.repeated_parameter().is_some() {
        return Err(Refusal::ParameterRepeated);
    }
    if shared.dialect() == Dialect::Plain {
        // "The parameters MUST NOT be included in the request URI" (section 2.3.1): URIs end up in logs.
        return if request.has_query() { Err(Refusal::QueryInUri) } else { Ok(()) };
    }
    shared.check_tenant(tenant)?;
    // Only redirect URIs of single-page applications may be redeemed across origins; here there is none.
    if request.has_origin() {
        return Err(Refusal::OriginHeader);
    }
    if request.parameter("resource").is_some() {
        return Err(Refusal::ResourceParameter);
    }
    Ok(())
}

/// The client that asks, once it has proved who it is.
fn client(shared: &Shared, request: &Request, tenant: &str) -> Result<RegisteredClient, Refusal> {
    let (authority, live) = (shared.authority(request, tenant), shared.live());
    let endpoint = match shared.dialect() {
        Dialect::Plain => format!("{authority}/token"),
        Dialect::Entra => format!("{authority}/oauth2/v2.0/token"),
    };
    let issuer = shared.issuer(request, tenant);
    let (now, secrets_expired) = (clock::exact_unix_seconds(), live.secrets_expired);
    let expected = Expected { endpoint: &endpoint, issuer: &issuer, now, secrets_expired };
    let Authenticated { client, assertion_id } = authenticate(|id| shared.client(id), request, &expected)?;
    let replayed =
        assertion_id.is_some_and(|assertion| !shared.state().use_assertion(&client.id, &assertion));
    let refused = replayed && live.assertion_replay == AssertionReplay::Refused;
    if refused { Err(Refusal::AssertionReplayed) } else { Ok(client) }
}
