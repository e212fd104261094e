//! Which endpoint a path means, in either dialect and below an issuer path.

use crate::options::{Dialect, ServerOptions};
use crate::request::Endpoint;
use crate::resource_indicators::is_resource_path;

/// What the paths of Microsoft Graph begin with.
pub(crate) const GRAPH_ROOT: &str = "/v1.0/";

/// The resource that wants its token in a way of its own.
pub(crate) const API: &str = "/api";

/// What the paths of one customer's own endpoints begin with; the customer's label follows.
pub(crate) const CUSTOMERS: &str = "/c/";

/// Where the metadata of protected resources are (RFC 9728, section 3.1), before the resource's path.
pub(crate) const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// Where they are when only the challenge leads there.
pub(crate) const RESOURCE_METADATA_ELSEWHERE: &str = "/metadata";

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// `/_control/NAME`: the test speaks, not the client. Not journaled, never at fault.
    Control(&'p str),
    /// An endpoint; the Entra dialect has a tenant in the path, the plain one may have a customer's label.
    Endpoint(Endpoint, Option<&'p str>),
}

/// Finds the endpoint.
pub(crate) fn route<'p>(options: &ServerOptions, path: &'p str) -> Route<'p> {
    if let Some(name) = path.strip_prefix("/_control/") {
        return Route::Control(name);
    }
    if options.dialect == Dialect::Plain {
        if let Some(customer) = metadata(&options.issuer_path, path) {
            return Route::Endpoint(Endpoint::Metadata, customer);
        }
        if let Some(endpoint) = protected_resource(path) {
            return Route::Endpoint(endpoint, None);
        }
    }
    let Some(path) = path.strip_prefix(options.issuer_path.as_str()) else {
        return Route::Endpoint(Endpoint::Unknown, None);
    };
    let (path, customer) = match options.dialect {
        Dialect::Plain => of_customer(path),
        Dialect::Entra => (path, None),
    };
    let endpoint = match (options.dialect, path) {
        (_, "/resource") => Endpoint::Resource,
        (_, path) if path.starts_with(GRAPH_ROOT) => Endpoint::Resource,
        (Dialect::Plain, "/authorize") => Endpoint::Authorize,
        (Dialect::Plain, "/token") => Endpoint::Token,
        (Dialect::Plain, "/device_authorization") => Endpoint::Device,
        (Dialect::Plain, "/device") | (Dialect::Entra, "/devicelogin") => Endpoint::DevicePage,
        (Dialect::Plain, "/revoke") => Endpoint::Revoke,
        (Dialect::Plain, "/jwks") => Endpoint::Jwks,
        (Dialect::Plain, API) => Endpoint::Resource,
        (Dialect::Plain, "/par") => Endpoint::Par,
        (Dialect::Plain, "/register") => Endpoint::Register,
        (Dialect::Plain, path) if path.starts_with("/register/") => Endpoint::Register,
        (Dialect::Plain, _) => Endpoint::Unknown,
        (Dialect::Entra, path) => return entra(path),
    };
    Route::Endpoint(endpoint, customer)
}

/// `/c/LABEL/...`: the endpoint's own path, and the label.
fn of_customer(path: &str) -> (&str, Option<&str>) {
    let label = path.strip_prefix(CUSTOMERS).and_then(|rest| rest.split_once('/')).map(|(label, _)| label);
    match label {
        Some(label) => (&path[CUSTOMERS.len() + label.len()..], Some(label)),
        None => (path, None),
    }
}

/// A resource at its own origin has nothing to do with the issuer's path.
fn protected_resource(path: &str) -> Option<Endpoint> {
    let metadata = [RESOURCE_METADATA, RESOURCE_METADATA_ELSEWHERE];
    let of_metadata = |path: &str| path.is_empty() || is_resource_path(path);
    if metadata.into_iter().filter_map(|place| path.strip_prefix(place)).any(of_metadata) {
        return Some(Endpoint::ResourceMetadata);
    }
    is_resource_path(path).then_some(Endpoint::Resource)
}

/// The places where clients look for metadata: RFC 8414, section 3 puts the well-known part before the issuer's
/// path, OpenID Connect Discovery, section 4 after it, and either document may be asked for in either place. Gives the
/// customer whose issuer it is.
fn metadata<'p>(issuer_path: &str, path: &'p str) -> Option<Option<&'p str>> {
    let known = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    let issuer =
        known.into_iter().find_map(|known| path.strip_prefix(known).or_else(|| path.strip_suffix(known)))?;
    match issuer.strip_prefix(issuer_path)? {
        "" => Some(None),
        customer => customer
            .strip_prefix(CUSTOMERS)
            .filter(|label| !label.is_empty() && !label.contains('/'))
            .map(Some),
    }
}

fn entra(path: &str) -> Route<'_> {
    let (tenant, rest) = path.trim_start_matches('/').split_once('/').unwrap_or(("", ""));
    let endpoint = match rest {
        "oauth2/v2.0/authorize" => Endpoint::Authorize,
        "v2.0/adminconsent" => Endpoint::AdminConsent,
        "oauth2/v2.0/token" => Endpoint::Token,
        "oauth2/v2.0/devicecode" => Endpoint::Device,
        "v2.0/.well-known/openid-configuration" | "discovery/instance" => Endpoint::Metadata,
        "discovery/v2.0/keys" => Endpoint::Jwks,
        _ => return Route::Endpoint(Endpoint::Unknown, None),
    };
    Route::Endpoint(endpoint, Some(tenant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_below_an_issuer_path() {
        let options = ServerOptions { issuer_path: "/t1".into(), ..ServerOptions::plain() };
        for (path, endpoint) in [
            ("/t1/token", Endpoint::Token),
            ("/t1/resource", Endpoint::Resource),
            ("/t1/v1.0/me/messages", Endpoint::Resource),
            ("/v1.0/me", Endpoint::Unknown),
            ("/token", Endpoint::Unknown),
            ("/.well-known/oauth-authorization-server/t1", Endpoint::Metadata),
            ("/.well-known/openid-configuration/t1", Endpoint::Metadata),
            ("/t1/.well-known/openid-configuration", Endpoint::Metadata),
            ("/.well-known/openid-configuration", Endpoint::Unknown),
            ("/mcp", Endpoint::Resource),
            ("/mcp/notes", Endpoint::Resource),
            ("/mcpx", Endpoint::Unknown),
            ("/t1/mcp", Endpoint::Unknown),
            ("/.well-known/oauth-protected-resource", Endpoint::ResourceMetadata),
            ("/.well-known/oauth-protected-resource/mcp", Endpoint::ResourceMetadata),
            ("/metadata/mcp/notes", Endpoint::ResourceMetadata),
            ("/.well-known/oauth-protected-resource/t1", Endpoint::Unknown),
        ] {
            assert_eq!(route(&options, path), Route::Endpoint(endpoint, None), "{path}");
        }
    }

    #[test]
    fn customers_have_labels() {
        let options = ServerOptions { issuer_path: "/t1".into(), ..ServerOptions::plain() };
        for (path, endpoint, label) in [
            ("/t1/c/acme/authorize", Endpoint::Authorize, Some("acme")),
            ("/t1/c/acme/token", Endpoint::Token, Some("acme")),
            ("/t1/c/acme/.well-known/openid-configuration", Endpoint::Metadata, Some("acme")),
            ("/.well-known/oauth-authorization-server/t1/c/acme", Endpoint::Metadata, Some("acme")),
            ("/.well-known/oauth-authorization-server/t1/c/", Endpoint::Unknown, None),
            ("/t1/c/acme", Endpoint::Unknown, None),
            ("/c/acme/token", Endpoint::Unknown, None),
        ] {
            assert_eq!(route(&options, path), Route::Endpoint(endpoint, label), "{path}");
        }
    }

    #[test]
    fn entra_paths_have_a_tenant() {
        let options = ServerOptions::entra();
        for (path, endpoint, tenant) in [
            ("/common/oauth2/v2.0/token", Endpoint::Token, Some("common")),
            ("/contoso.com/oauth2/v2.0/devicecode", Endpoint::Device, Some("contoso.com")),
            ("/common/discovery/instance", Endpoint::Metadata, Some("common")),
            ("/devicelogin", Endpoint::DevicePage, None),
            ("/v1.0/me", Endpoint::Resource, None),
            ("/token", Endpoint::Unknown, None),
            ("/common/oauth2/v2.0/revoke", Endpoint::Unknown, None),
        ] {
            assert_eq!(route(&options, path), Route::Endpoint(endpoint, tenant), "{path}");
        }
        assert_eq!(route(&options, "/_control/journal"), Route::Control("journal"));
    }
}
