//! What a protected resource says of itself (RFC 9728, sections 2 and 3), where the options say.

use serde_json::{Map, json};

use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::resource_indicators::RESOURCE_PATH;
use crate::resource_options::{Place, ResourceOptions};
use crate::route::{RESOURCE_METADATA, RESOURCE_METADATA_ELSEWHERE};
use crate::shared::Shared;

/// The document, if this is its place.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let options = shared.live().protected_resource;
    let known = [RESOURCE_METADATA, RESOURCE_METADATA_ELSEWHERE];
    let of = known.into_iter().find_map(|known| request.path.strip_prefix(known)).unwrap_or_default();
    // The root has one document, which is that of the first resource.
    let resource_path = if of.is_empty() { RESOURCE_PATH } else { of };
    if path(options.place, resource_path).as_ref() != Some(&request.path) {
        return Reply::new(404, Content::Empty);
    }
    let origin = shared.origin(request);
    let mut document = Map::new();
    let resource = options.resource.unwrap_or_else(|| format!("{origin}{resource_path}"));
    document.insert("resource".into(), json!(resource));
    let issuers = options.authorization_servers.unwrap_or_else(|| vec![shared.issuer(request, "")]);
    document.insert("authorization_servers".into(), json!(issuers));
    document.insert("bearer_methods_supported".into(), json!(["header"]));
    if let Some(scopes) = options.scopes_supported {
        document.insert("scopes_supported".into(), json!(scopes));
    }
    if options.dpop_bound {
        document.insert("dpop_bound_access_tokens_required".into(), json!(true));
        document.insert("dpop_signing_alg_values_supported".into(), json!(["ES256"]));
    }
    Reply::json(200, document.into())
}

/// `resource_metadata` of the challenge to who asked for this resource.
pub(super) fn named(shared: &Shared, request: &Request, options: &ResourceOptions) -> Option<String> {
    let own = || Some(format!("{}{}", shared.origin(request), path(options.place, &request.path)?));
    options.named.then(|| options.named_url.clone().or_else(own)).flatten()
}

fn path(place: Place, resource_path: &str) -> Option<String> {
    match place {
        Place::Path => Some(format!("{RESOURCE_METADATA}{resource_path}")),
        Place::Root => Some(RESOURCE_METADATA.into()),
        Place::Elsewhere => Some(format!("{RESOURCE_METADATA_ELSEWHERE}{resource_path}")),
        Place::Nowhere => None,
    }
}
