//! What the server says of itself: authorization server metadata (RFC 8414), OpenID Connect Discovery, Entra's
//! instance discovery, and the keys.

use serde_json::{Map, Value, json};
use url::Url;

use super::DEVICE_CODE_GRANT;
use crate::entra;
use crate::features::{Dpop, PushedRequests};
use crate::live_options::IssuerParameter;
use crate::options::Dialect;
use crate::refusal::Refusal;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// The document that this path stands for.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    if shared.dialect() == Dialect::Plain {
        let metadata = shared.live().metadata;
        if metadata.absent.contains(&request.path) {
            return Ok(Reply::new(404, Content::Empty));
        }
        let mut document = plain(shared, request, tenant);
        document.retain(|name, _| !metadata.remove.contains(name));
        document.extend(metadata.set);
        return Ok(Reply::json(200, Value::Object(document)));
    }
    shared.check_tenant(tenant).map_err(|refusal| match refusal {
        Refusal::TenantUnknown => Refusal::TenantWithoutMetadata,
        other => other,
    })?;
    if request.path.ends_with("/discovery/instance") {
        return Ok(instance(shared, request));
    }
    Ok(Reply::json(200, entra(shared, request, tenant)))
}

/// The keys of the id_tokens (RFC 7517, section 5). Entra says for each key whose issuer may use it.
pub(super) fn jwks(shared: &Shared, request: &Request) -> Reply {
    let mut key = shared.key.jwk();
    if shared.is_entra() {
        key.insert("issuer".into(), json!(shared.issuer(request, entra::TENANT_TEMPLATE)));
    }
    Reply::json(200, json!({"keys": [key]}))
}

fn plain(shared: &Shared, request: &Request, customer: &str) -> Map<String, Value> {
    let base = shared.authority(request, customer);
    let live = shared.live();
    let announces_iss = live.issuer_parameter != IssuerParameter::Off;
    let mut document = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "device_authorization_endpoint": format!("{base}/device_authorization"),
        "revocation_endpoint": format!("{base}/revoke"),
        "jwks_uri": format!("{base}/jwks"),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials", DEVICE_CODE_GRANT
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "none", "client_secret_post", "client_secret_basic", "private_key_jwt"
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "RS256"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": announces_iss,
    });
    if live.client_documents.enabled {
        document["client_id_metadata_document_supported"] = json!(true);
    }
    if live.pushed_requests.mode != PushedRequests::Off {
        document["pushed_authorization_request_endpoint"] = json!(format!("{base}/par"));
        let required = live.pushed_requests.mode == PushedRequests::Required;
        document["require_pushed_authorization_requests"] = json!(required);
    }
    if live.dpop.mode != Dpop::Off {
        document["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    }
    if live.registration.enabled {
        document["registration_endpoint"] = json!(format!("{base}/register"));
    }
    let Value::Object(document) = document else { return Map::new() };
    document
}

/// As Entra's document is: no word of PKCE, and an issuer that is a template at `common`.
fn entra(shared: &Shared, request: &Request, tenant: &str) -> Value {
    let authority = format!("{}/{tenant}", shared.base(request));
    json!({
        "token_endpoint": format!("{authority}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{authority}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": shared.issuer(request, &entra::issuer_tenant(tenant)),
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{authority}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{authority}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid"
        ],
        "tenant_region_scope": null,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    })
}

/// Is the authority that the client names one that this cloud knows, and where is its metadata?
fn instance(shared: &Shared, request: &Request) -> Reply {
    let endpoint = request.parameter("authorization_endpoint").and_then(|url| Url::parse(url).ok());
    let (Some(endpoint), Ok(own)) = (endpoint, Url::parse(&shared.base(request))) else {
        return Reply::json(400, json!({"error": "invalid_request", "error_codes": [900_144]}));
    };
    if endpoint.origin() != own.origin() {
        let text = "AADSTS50049: Unknown or invalid instance.";
        return Reply::json(400, json!({"error": "invalid_instance", "error_description": text}));
    }
    let tenant = endpoint.path().strip_prefix(own.path().trim_end_matches('/')).unwrap_or_default();
    let tenant = tenant.split('/').nth(1).unwrap_or("common");
    let host = own[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    Reply::json(
        200,
        json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", shared.base(request)),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }),
    )
}
