//! Which endpoint a path means, in either dialect and below an issuer path.

use crate::options::{Dialect, ServerOptions};
use crate::request::Endpoint;

/// What the paths of Microsoft Graph begin with.
pub(crate) const GRAPH_ROOT: &str = "/v1.0/";

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// `/_control/NAME`: the test speaks, not the client. Not journaled, never at fault.
    Control(&'p str),
    /// An endpoint; the Entra dialect has a tenant in the path.
    Endpoint(Endpoint, Option<&'p str>),
}

/// Finds the endpoint.
pub(crate) fn route<'p>(options: &ServerOptions, path: &'p str) -> Route<'p> {
    if let Some(name) = path.strip_prefix("/_control/") {
        return Route::Control(name);
    }
    if is_metadata(&options.issuer_path, path) && options.dialect == Dialect::Plain {
        return Route::Endpoint(Endpoint::Metadata, None);
    }
    let Some(path) = path.strip_prefix(options.issuer_path.as_str()) else {
        return Route::Endpoint(Endpoint::Unknown, None);
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
        (Dialect::Plain, _) => Endpoint::Unknown,
        (Dialect::Entra, path) => return entra(path),
    };
    Route::Endpoint(endpoint, None)
}

/// The places where clients look for metadata: RFC 8414, section 3 puts the well-known part before the issuer's
/// path, OpenID Connect Discovery, section 4 after it, and either document may be asked for in either place.
fn is_metadata(issuer_path: &str, path: &str) -> bool {
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"].into_iter().any(
        |known| {
            path.strip_prefix(known) == Some(issuer_path) || path.strip_prefix(issuer_path) == Some(known)
        },
    )
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
        ] {
            assert_eq!(route(&options, path), Route::Endpoint(endpoint, None), "{path}");
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
