//! For which resources a grant and a token are (RFC 8707): those that a request names, if they are known here. Entra
//! names them in its scopes and has no such parameter.

use url::Url;

use crate::grant::Grant;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::resource_options::Indicators;
use crate::shared::Shared;

/// The path of the protected resource, and what the paths of further ones begin with.
pub(crate) const RESOURCE_PATH: &str = "/mcp";

/// Is this the path of a protected resource of the server's own?
pub(crate) fn is_resource_path(path: &str) -> bool {
    path.strip_prefix(RESOURCE_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The resources of a new grant.
pub(crate) fn resources(shared: &Shared, request: &Request) -> Result<Vec<String>, Refusal> {
    let (resources, mode) = (request.resources(), shared.live().resource_indicators.mode);
    match mode {
        _ if shared.is_entra() => Ok(Vec::new()),
        Indicators::Ignored => Ok(Vec::new()),
        Indicators::Required if resources.is_empty() => Err(Refusal::InvalidTarget),
        _ if resources.iter().all(|resource| is_known(shared, request, resource)) => Ok(resources),
        _ => Err(Refusal::InvalidTarget),
    }
}

/// The audience of a token: what the request names, all of it of the grant, or else whatever the grant is for.
pub(crate) fn audience(shared: &Shared, request: &Request, grant: &Grant) -> Result<Vec<String>, Refusal> {
    let asked = request.resources();
    let ignored = shared.is_entra() || shared.live().resource_indicators.mode == Indicators::Ignored;
    if ignored || asked.is_empty() {
        return Ok(grant.resources.clone());
    }
    let granted = asked.iter().all(|resource| grant.resources.contains(resource));
    if granted { Ok(asked) } else { Err(Refusal::InvalidTarget) }
}

/// An absolute URI without a fragment (section 2) that somebody has told the server of, letter for letter.
fn is_known(shared: &Shared, request: &Request, resource: &str) -> bool {
    let live = shared.live();
    let origin = shared.origin(request);
    let own = resource.strip_prefix(origin.as_ref()).is_some_and(is_resource_path);
    let told = live.resource_indicators.known.iter().chain(&live.protected_resource.resource);
    let known = own || told.into_iter().any(|known| known == resource);
    known && Url::parse(resource).is_ok_and(|url| url.fragment().is_none())
}
