//! Authorization server metadata: RFC 8414 2 and 3, OIDC Discovery 1.0 3 and 4.
//!
//! A document is believed only when it names the issuer that its address was made from (RFC 8414 3.3):
//! else one server could speak for another.
//!
//! May not enter: the fetching, the cache, and which hosts a provider's endpoints may be on.

use serde::Deserialize;
use url::Url;

use super::body::read;
use super::id_token::{TENANT_TEMPLATE, is_guid};
use super::oauth_error::OauthError;
use crate::error::{Error, ErrorKind, Result, one_line};

/// A larger document describes no server that is known.
const MAX_DOCUMENT: usize = 256 * 1024;

/// RFC 8414 2: what is read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationServerMetadata {
    /// RFC 8414 2 `issuer`, as the document writes it: for Entra's shared tenants with `{tenantid}` in it.
    pub issuer: String,
    /// RFC 6749 3.1. Absent when no grant of the server uses it.
    pub authorization_endpoint: Option<Url>,
    /// RFC 6749 3.2.
    pub token_endpoint: Url,
    /// RFC 8628 4.
    pub device_authorization_endpoint: Option<Url>,
    /// RFC 7009.
    pub revocation_endpoint: Option<Url>,
    /// RFC 7591 3.
    pub registration_endpoint: Option<Url>,
    /// RFC 9126 5.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// RFC 9126 5: true when an authorization request that was not pushed is refused.
    pub require_pushed_authorization_requests: bool,
    /// OAuth Client ID Metadata Document 5: true when a client id may be the address of its document.
    pub client_id_metadata_document_supported: bool,
    /// RFC 8414 2 `scopes_supported`. The server may know more than it lists.
    pub scopes_supported: Option<Vec<String>>,
    /// RFC 8414 2 `code_challenge_methods_supported`. Absent: the server does not say.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// RFC 8414 2 `response_modes_supported`. Absent: `query` and `fragment`.
    pub response_modes_supported: Option<Vec<String>>,
    /// RFC 8414 2 `token_endpoint_auth_methods_supported`. Absent: `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 8414 2 `token_endpoint_auth_signing_alg_values_supported`: of client assertions.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// RFC 9449 5.1. Absent: the server does not say that it does DPoP.
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// RFC 8414 2 `grant_types_supported`. Absent: `authorization_code` and `implicit`.
    pub grant_types_supported: Option<Vec<String>>,
    /// RFC 9207 3.
    pub authorization_response_iss_parameter_supported: bool,
}

impl AuthorizationServerMetadata {
    /// Whether the server does `S256` (RFC 7636 4.2); `None` when it does not say (RFC 8414 2: then it
    /// does no PKCE; many servers that do forget to say so).
    pub fn supports_s256(&self) -> Option<bool> {
        let methods = self.code_challenge_methods_supported.as_ref()?;
        Some(methods.iter().any(|method| method == super::pkce::CodeVerifier::METHOD))
    }
}

/// The members that are read. The derived reader refuses a repeated one.
#[derive(Deserialize)]
struct Members {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    require_pushed_authorization_requests: Option<bool>,
    client_id_metadata_document_supported: Option<bool>,
    scopes_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    response_modes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    dpop_signing_alg_values_supported: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Where the document of `issuer` may be, in the order to try: RFC 8414 3.1, then OIDC Discovery 4 in the
/// form of RFC 8414 5 (the path after the well-known part), then in its own (the path before it). The
/// order is that of the Model Context Protocol's authorization specification.
pub fn well_known_urls(issuer: &Url) -> Vec<Url> {
    // RFC 8414 3.1: a terminating slash is removed first.
    let path = issuer.path().trim_end_matches('/');
    let mut urls: Vec<Url> = Vec::new();
    for candidate in [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ] {
        let mut url = issuer.clone();
        url.set_path(&candidate);
        // RFC 8414 2: an issuer has neither.
        url.set_query(None);
        url.set_fragment(None);
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// Reads a document that was fetched from one of [`well_known_urls`] of `issuer` (RFC 8414 3.2, 3.3).
///
/// The issuers are compared to the letter, trailing slash included: RFC 8414 3.3 says "identical", and the
/// same string is later compared with `iss` (RFC 9207, OIDC Core), where a slash more would be a mismatch.
/// The one exception is Entra's `{tenantid}`, which stands for the tenant of `issuer`.
pub fn parse_metadata(issuer: &str, body: &[u8]) -> Result<AuthorizationServerMetadata> {
    if body.len() > MAX_DOCUMENT {
        return Err(rejected(issuer, "it is larger than 256 KiB"));
    }
    let members: Members = read(None, body).map_err(|unreadable| rejected(issuer, unreadable.what()))?;
    let named = members.issuer.ok_or_else(|| rejected(issuer, "it names no issuer"))?;
    if named != issuer && !is_template_of(&named, issuer) {
        let shown: String = one_line(&named).chars().take(200).collect();
        return Err(rejected(issuer, &format!("it is that of another issuer, {shown:?}")));
    }
    let optional =
        |name, member: Option<String>| member.map(|text| endpoint(issuer, name, &text)).transpose();
    let token_endpoint =
        members.token_endpoint.ok_or_else(|| rejected(issuer, "it names no token_endpoint"))?;
    Ok(AuthorizationServerMetadata {
        authorization_endpoint: optional("authorization_endpoint", members.authorization_endpoint)?,
        token_endpoint: endpoint(issuer, "token_endpoint", &token_endpoint)?,
        device_authorization_endpoint: optional(
            "device_authorization_endpoint",
            members.device_authorization_endpoint,
        )?,
        revocation_endpoint: optional("revocation_endpoint", members.revocation_endpoint)?,
        registration_endpoint: optional("registration_endpoint", members.registration_endpoint)?,
        pushed_authorization_request_endpoint: optional(
            "pushed_authorization_request_endpoint",
            members.pushed_authorization_request_endpoint,
        )?,
        require_pushed_authorization_requests: members.require_pushed_authorization_requests.unwrap_or(false),
        client_id_metadata_document_supported: members.client_id_metadata_document_supported.unwrap_or(false),
        scopes_supported: members.scopes_supported,
        code_challenge_methods_supported: members.code_challenge_methods_supported,
        response_modes_supported: members.response_modes_supported,
        token_endpoint_auth_methods_supported: members.token_endpoint_auth_methods_supported,
        token_endpoint_auth_signing_alg_values_supported: members
            .token_endpoint_auth_signing_alg_values_supported,
        dpop_signing_alg_values_supported: members.dpop_signing_alg_values_supported,
        grant_types_supported: members.grant_types_supported,
        authorization_response_iss_parameter_supported: members
            .authorization_response_iss_parameter_supported
            .unwrap_or(false),
        issuer: named,
    })
}

/// True when `issuer` is `template` with a shared tenant or a tenant's GUID in the place of `{tenantid}`.
fn is_template_of(template: &str, issuer: &str) -> bool {
    let Some((before, after)) = template.split_once(TENANT_TEMPLATE) else { return false };
    let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    // A template that began earlier would leave the host open.
    let in_the_path = Url::parse(before).is_ok_and(|url| url.has_host() && before.ends_with('/'));
    in_the_path
        && tenant.is_some_and(|tenant| matches!(tenant, "common" | "organizations") || is_guid(tenant))
}

/// RFC 6749 3.1 and 3.2: an absolute address without a fragment. Whether plain http will do is not
/// decided here.
fn endpoint(issuer: &str, name: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    url.filter(|url| url.has_host() && url.fragment().is_none())
        .ok_or_else(|| rejected(issuer, &format!("its {name} is not an absolute URL")))
}

fn rejected(issuer: &str, why: &str) -> Error {
    Error::new(ErrorKind::ProviderRejected, format!("the metadata of {issuer} cannot be used: {why}"))
        .with_help("check the issuer of the provider, to the letter: a slash at its end counts")
}

/// The GUID of Entra's tenant `domain`, from the answer to a request for its metadata. `template` is the issuer of any
/// tenant, with `{tenantid}` in it; a document that names another server's is not believed (RFC 8414 3.3).
///
/// # Errors
/// `config_invalid` for a domain that no tenant has; `provider_rejected` for a document that does not say; else as
/// the server said.
pub fn parse_tenant(
    domain: &str,
    template: &str,
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<String> {
    #[derive(Deserialize)]
    struct Issuer {
        issuer: Option<String>,
    }

    let refused = OauthError::from_body(content_type, body).ok().flatten();
    match refused {
        Some(error) if error.error == "invalid_tenant" => {
            let message = format!("there is no tenant {domain} in this cloud");
            return Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(
                "check --tenant: a domain of the organization, its GUID, or organizations; and --cloud",
            ));
        }
        Some(error) => {
            return Err(error.to_error(&format!("the server does not tell the tenant of {domain}")));
        }
        None => {}
    }
    if status != 200 {
        let message =
            format!("the server does not tell the tenant of {domain}: it answered with status {status}");
        return Err(Error::new(ErrorKind::Network, message));
    }
    let named = read::<Issuer>(None, body).ok().and_then(|document| document.issuer);
    let tenant = template.split_once(TENANT_TEMPLATE).and_then(|(before, after)| {
        named.as_deref()?.strip_prefix(before)?.strip_suffix(after).filter(|tenant| is_guid(tenant))
    });
    tenant.map(str::to_ascii_lowercase).ok_or_else(|| rejected(domain, "it names no tenant of this cloud"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn vectors() {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/metadata.json")).unwrap();
        let (well_known, documents) =
            (file["well_known"].as_array().unwrap(), file["documents"].as_array().unwrap());
        assert!(well_known.len() >= 5 && documents.len() >= 20);
        for case in well_known {
            let urls = well_known_urls(&Url::parse(case["issuer"].as_str().unwrap()).unwrap());
            let urls: Vec<_> = urls.iter().map(Url::as_str).collect();
            assert_eq!(serde_json::to_value(urls).unwrap(), case["urls"], "{}", case["name"]);
        }
        for case in documents {
            let name = &case["name"];
            let body = case["body"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
            match parse_metadata(case["issuer"].as_str().unwrap(), body.as_bytes()) {
                Ok(metadata) => {
                    assert_eq!(case["rejected"], Value::Null, "{name}");
                    assert_eq!(
                        serde_json::to_value(metadata.supports_s256()).unwrap(),
                        case["s256"],
                        "{name}"
                    );
                    let iss = metadata.authorization_response_iss_parameter_supported;
                    assert_eq!(iss, case["iss"].as_bool().unwrap_or(false), "{name}");
                    let device = metadata.device_authorization_endpoint.as_ref().map(Url::as_str);
                    assert_eq!(device, case["device"].as_str(), "{name}");
                }
                Err(error) => {
                    let why = error.message().split_once("cannot be used: ").unwrap().1;
                    assert_eq!(why, case["rejected"], "{name}");
                }
            }
        }
    }

    #[test]
    fn a_document_has_an_end() {
        let body = format!("{{\"issuer\":\"https://as.example\",\"x\":\"{}\"}}", "a".repeat(MAX_DOCUMENT));
        assert!(parse_metadata("https://as.example", body.as_bytes()).is_err());
    }

    #[test]
    fn a_tenant_is_named_by_the_issuer_of_its_own_cloud() {
        let template = "https://login.example/{tenantid}/v2.0";
        let tenant = "7F2C2D4E-5c3b-4a1f-9d0e-1b2a3c4d5e6f";
        let read =
            |status, body: String| parse_tenant("contoso.com", template, status, None, body.as_bytes());
        let named = |issuer: &str| read(200, format!(r#"{{"issuer":"{issuer}","more":[1]}}"#));
        let found = named(&format!("https://login.example/{tenant}/v2.0")).unwrap();
        assert_eq!(found, tenant.to_ascii_lowercase());
        for bad in [
            format!("https://evil.example/{tenant}/v2.0"),
            format!("https://login.example/{tenant}/v2.0/"),
            format!("https://login.example/x/{tenant}/v2.0"),
            template.to_owned(),
            "https://login.example/contoso.com/v2.0".to_owned(),
            String::new(),
        ] {
            assert_eq!(named(&bad).unwrap_err().code(), "provider_rejected", "{bad}");
        }
        let unknown =
            read(400, r#"{"error":"invalid_tenant","error_codes":[90002]}"#.to_owned()).unwrap_err();
        assert_eq!(unknown.code(), "config_invalid");
        assert_eq!(read(503, "<html>".to_owned()).unwrap_err().code(), "network");
        assert_eq!(read(200, "<html>".to_owned()).unwrap_err().code(), "provider_rejected");
    }
}
