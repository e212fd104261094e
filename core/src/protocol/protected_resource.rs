//! Protected resources: what one says of itself (RFC 9728), and how one is named in a request (RFC 8707).
//!
//! A document is believed only when it names the resource that its address was made from (RFC 9728 3.3): else a host
//! could send the person to a server of its own choice, and the token to another resource than the one that is meant.
//!
//! May not enter: the fetching, and what a challenge adds (`challenge`).

use serde::Deserialize;
use url::Url;

use super::body::read;
use crate::error::{Error, ErrorKind, Result, one_line};
use crate::scope::ScopeSet;

/// A larger document describes no resource that is known.
const MAX_DOCUMENT: usize = 256 * 1024;

/// RFC 9728 3: where the document of a resource is, between its host and its path.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// RFC 9728 2: what is read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResourceMetadata {
    /// `resource`, as the document writes it: the spelling that requests name.
    pub resource: String,
    /// `authorization_servers`: issuers, in the resource's order. Empty when the document names none.
    pub authorization_servers: Vec<String>,
    /// `scopes_supported`. The resource may know more than it lists.
    pub scopes_supported: Option<ScopeSet>,
    /// `dpop_bound_access_tokens_required` (RFC 9449).
    pub dpop_bound_access_tokens_required: bool,
    /// `dpop_signing_alg_values_supported`. Absent: the resource does not say.
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
}

/// The members that are read. The derived reader refuses a repeated one.
#[derive(Deserialize)]
struct Members {
    resource: Option<String>,
    authorization_servers: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    dpop_bound_access_tokens_required: Option<bool>,
    dpop_signing_alg_values_supported: Option<Vec<String>>,
}

/// The address of a resource whose metadata are looked for (RFC 9728 1.2).
///
/// # Errors
/// `config_invalid` for what is no such address. Whether plain http will do is not decided here.
pub fn resource_address(text: &str) -> Result<Url> {
    let url = resource_indicator(text)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    if plain && matches!(url.scheme(), "https" | "http") { Ok(url) } else { Err(not_a_resource(text)) }
}

/// The name of a resource in a request (RFC 8707 2): an absolute URI without a fragment.
///
/// # Errors
/// `config_invalid` for anything else.
pub fn resource_indicator(text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| url.fragment().is_none());
    url.filter(|_| text.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| not_a_resource(text))
}

/// Where the document of `resource` is, in the order to try (RFC 9728 3.1): that of this very resource, and that of its
/// host, where servers put it that are one resource whatever the path.
pub fn resource_metadata_urls(resource: &Url) -> Vec<Url> {
    let path = if resource.path() == "/" { "" } else { resource.path() };
    let mut own = resource.clone();
    own.set_path(&format!("{WELL_KNOWN}{path}"));
    let mut of_host = resource.clone();
    of_host.set_path(WELL_KNOWN);
    of_host.set_query(None);
    if own == of_host { vec![own] } else { vec![own, of_host] }
}

/// Reads the document that was fetched from `address` on behalf of `resource` (RFC 9728 3.2, 3.3).
///
/// It must name the resource to the letter, but for a slash after a bare host. Only the document of a host, at the
/// address that is derived from the host, may name the host instead.
///
/// # Errors
/// `provider_rejected` for any other document.
pub fn parse_resource_metadata(
    resource: &str,
    address: &Url,
    body: &[u8],
) -> Result<ProtectedResourceMetadata> {
    if body.len() > MAX_DOCUMENT {
        return Err(rejected(resource, "it is larger than 256 KiB"));
    }
    let members: Members = read(None, body).map_err(|unreadable| rejected(resource, unreadable.what()))?;
    let named = members.resource.ok_or_else(|| rejected(resource, "it names no resource"))?;
    let speaks_for_its_host = is_of_host(address) && is_host_of(&named, resource);
    if !is_same_resource(&named, resource) && !speaks_for_its_host {
        return Err(rejected(resource, &format!("it is that of another resource, {}", quoted(&named))));
    }
    let authorization_servers = members.authorization_servers.unwrap_or_default();
    Ok(ProtectedResourceMetadata {
        resource: named,
        authorization_servers,
        // What is no scope is dropped (RFC 6749 3.3).
        scopes_supported: members.scopes_supported.map(|list| ScopeSet::from_wire(&list.join(" "), ' ')),
        dpop_bound_access_tokens_required: members.dpop_bound_access_tokens_required.unwrap_or(false),
        dpop_signing_alg_values_supported: members.dpop_signing_alg_values_supported,
    })
}

/// True when both name one resource: to the letter, but for a slash after a bare host (RFC 3986 6.2.3), which people
/// leave out and URL libraries add.
pub fn is_same_resource(one: &str, other: &str) -> bool {
    without_empty_path(one) == without_empty_path(other)
}

/// The origin of a resource, as an issuer is written: without a slash at its end.
pub fn origin_of(resource: &Url) -> String {
    resource.origin().ascii_serialization()
}

/// An error of a server that does not know the resource it was asked for (RFC 8707 2) says which that was.
pub fn of_target(error: Error, resource: Option<&str>) -> Error {
    let unknown = error.server().is_some_and(|said| said.error == "invalid_target");
    match resource.filter(|_| unknown) {
        Some(resource) => error.with_help(format!(
            "the server gives no token for {resource}: check the address of the resource, to the letter, and whether \
             this is the server that it names"
        )),
        None => error,
    }
}

fn without_empty_path(resource: &str) -> &str {
    let bare = resource.strip_suffix('/').filter(|rest| {
        rest.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '?']))
    });
    bare.unwrap_or(resource)
}

fn is_of_host(address: &Url) -> bool {
    address.path() == WELL_KNOWN && address.query().is_none()
}

fn is_host_of(named: &str, resource: &str) -> bool {
    let origin = Url::parse(resource).map(|resource| origin_of(&resource));
    origin.is_ok_and(|origin| without_empty_path(named) == origin)
}

fn not_a_resource(text: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not the address of a resource")).with_help(
        "a resource is named by an absolute address without a fragment, for instance https://mcp.example/mcp",
    )
}

fn rejected(resource: &str, why: &str) -> Error {
    Error::new(ErrorKind::ProviderRejected, format!("the metadata of {resource} cannot be used: {why}"))
        .with_help("check the address of the resource, to the letter; its metadata must name the same (RFC 9728 3.3)")
}

fn quoted(foreign: &str) -> String {
    format!("{:?}", one_line(foreign).chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn vectors() {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protected_resource.json")).unwrap();
        let (well_known, documents) =
            (file["well_known"].as_array().unwrap(), file["documents"].as_array().unwrap());
        assert!(well_known.len() >= 6 && documents.len() >= 25);
        for case in well_known {
            let urls = resource_metadata_urls(&resource_address(case["resource"].as_str().unwrap()).unwrap());
            let urls: Vec<_> = urls.iter().map(Url::as_str).collect();
            assert_eq!(json!(urls), case["urls"], "{}", case["name"]);
        }
        for case in documents {
            let (name, resource) = (&case["name"], case["resource"].as_str().unwrap());
            let urls = resource_metadata_urls(&resource_address(resource).unwrap());
            let address =
                case["address"].as_str().map_or_else(|| urls[0].clone(), |url| url.parse().unwrap());
            let body = case["body"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
            let seen = match parse_resource_metadata(resource, &address, body.as_bytes()) {
                Ok(document) => json!({
                    "resource": document.resource,
                    "servers": document.authorization_servers,
                    "scopes": document.scopes_supported,
                    "dpop": document.dpop_bound_access_tokens_required,
                }),
                Err(error) => {
                    assert_eq!(error.code(), "provider_rejected", "{name}");
                    json!(error.message().split_once("cannot be used: ").unwrap().1)
                }
            };
            assert_eq!(seen, case["outcome"], "{name}");
        }
    }

    #[test]
    fn a_document_has_an_end() {
        let resource = "https://mcp.example";
        let body = format!("{{\"resource\":\"{resource}\",\"x\":\"{}\"}}", "a".repeat(MAX_DOCUMENT));
        let address = &resource_metadata_urls(&resource.parse().unwrap())[0];
        assert!(parse_resource_metadata(resource, address, body.as_bytes()).is_err());
    }

    #[test]
    fn a_resource_is_an_absolute_address_without_a_fragment() {
        for good in ["https://mcp.example", "https://mcp.example/mcp?x=1", "http://127.0.0.1:8080/"] {
            assert!(resource_address(good).is_ok(), "{good}");
        }
        for other in ["urn:example:api", "api://6731de76"] {
            assert!(resource_indicator(other).is_ok(), "{other}");
        }
        for bad in ["", "mcp.example", "https://mcp.example/#x", "https://a b.example", "urn:example:api"] {
            assert_eq!(resource_address(bad).unwrap_err().code(), "config_invalid", "{bad}");
        }
        assert!(resource_address("https://good.example@mcp.example/").is_err());
    }

    #[test]
    fn a_slash_after_a_bare_host_makes_no_other_resource() {
        assert!(is_same_resource("https://mcp.example", "https://mcp.example/"));
        for (one, other) in [
            ("https://mcp.example/mcp", "https://mcp.example/mcp/"),
            ("https://mcp.example/mcp", "https://mcp.example/MCP"),
            ("https://mcp.example/?x=/", "https://mcp.example/?x="),
            ("https://", "https:///"),
        ] {
            assert!(!is_same_resource(one, other), "{one} {other}");
        }
    }
}
