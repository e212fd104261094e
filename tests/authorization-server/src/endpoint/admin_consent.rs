//! Where an administrator allows a client something for a whole tenant (Entra's `/{tenant}/v2.0/adminconsent`).

use super::authorize::{decided, known_redirect, refused, send};
use crate::consent::Whose;
use crate::entra;
use crate::page;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::shared::Shared;

/// Answers with a page or a redirect. `Err` is an error that must not be sent to the redirect URI.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    if request.repeated_parameter().is_some() {
        return Err(Refusal::ParameterRepeated);
    }
    shared.check_tenant(tenant)?;
    // Whose administrator would it be?
    if ["common", "consumers"].contains(&tenant) {
        return Err(Refusal::TenantMissing);
    }
    let (client_id, redirect) = known_redirect(shared, request)?;
    let scope = request.scope();
    let answer = match decided(shared, request) {
        _ if scope.is_empty() => Err(Refusal::ParameterMissing("scope")),
        None => {
            let page = page::consent("adminconsent", client_id, &scope.join(" "), request.parameters());
            return Ok(Reply::html(200, page));
        }
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::AccessDenied),
    };
    let home = entra::home(tenant, shared.live().home_tenant.as_deref());
    let tenant_id = entra::signed_in_at(tenant, &home);
    if answer.is_ok() {
        shared.state().consents.allow(client_id, Whose::Tenant(tenant_id.clone()), &scope);
    }
    // Entra says so even of a refusal: only `error` tells.
    let mut parameters =
        vec![("admin_consent".to_owned(), "True".to_owned()), ("tenant".to_owned(), tenant_id)];
    let error = answer.err().map(|refusal| refusal.error(shared.dialect()));
    match &error {
        None => parameters.push(("scope".into(), scope.join(" "))),
        Some(error) => parameters.extend(refused(shared, request, error)),
    }
    parameters.extend(request.parameter("state").map(|state| ("state".into(), state.into())));
    let mut reply = send(request, &redirect, false, &parameters);
    reply.outcome.error = error.map(|error| error.error);
    Ok(reply)
}
