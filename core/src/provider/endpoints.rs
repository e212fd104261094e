//! Where the endpoints are: filled in from the provider's definition, or read from the metadata of an
//! issuer (RFC 8414, OpenID Connect Discovery).

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::authority::{Authority, Tenant};
use super::definition::ProviderDefinition;
use super::endpoint_template::{EndpointTemplate, filled_url};
use super::values::{Values, fill};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{
    AuthorizationServerMetadata, ExpectedTenant, parse_metadata, parse_tenant, well_known_urls,
};
use crate::transport::{Limits, Transport, content_type};

/// The endpoints of one authorization server.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// RFC 6749 3.1.
    pub authorization: Option<Url>,
    /// RFC 6749 3.2.
    pub token: Url,
    /// Where a refresh goes, when that is not the token endpoint.
    pub refresh: Option<Url>,
    /// RFC 8628 3.1.
    pub device_authorization: Option<Url>,
    /// Where a device code is redeemed, when that is not the token endpoint.
    pub device_token: Option<Url>,
    /// RFC 7009; the client id may be left open in it ([`Endpoints::revocation_of`]).
    pub revocation: Option<Url>,
    /// RFC 7591 3.
    pub registration: Option<Url>,
    /// RFC 9126 2.
    pub pushed_authorization: Option<Url>,
    /// RFC 9126 5: true when an authorization request that was not pushed is refused.
    pub pushed_authorization_required: bool,
    /// True when a client id may be the address of its metadata document.
    pub client_metadata_documents: bool,
    /// What `iss` must be; may hold `{tenantid}`.
    pub issuer: Option<String>,
    /// What the `tid` of an id_token must be, where the authority decides that.
    pub tenant: Option<ExpectedTenant>,
    /// RFC 9207: true when an authorization response without `iss` is refused.
    pub authorization_response_iss: bool,
    /// RFC 8414 `scopes_supported`.
    pub scopes_supported: Option<Vec<String>>,
    /// RFC 8414 `grant_types_supported`.
    pub grant_types: Option<Vec<String>>,
    /// RFC 8414 `token_endpoint_auth_methods_supported`.
    pub authentication_methods: Option<Vec<String>>,
    /// RFC 8414 `token_endpoint_auth_signing_alg_values_supported`.
    pub assertion_algorithms: Option<Vec<String>>,
    /// RFC 9449 5.1 `dpop_signing_alg_values_supported`.
    pub dpop_algorithms: Option<Vec<String>>,
    /// Whether the server does S256 (RFC 7636 4.2); `None` when nobody says.
    pub s256: Option<bool>,
}

impl Endpoints {
    /// Refuses a server for a person's login that does no S256 (RFC 7636 7.2: `plain` protects nothing, so it is never
    /// fallen back to); where `promised` is wanted, also one that does not say.
    ///
    /// # Errors
    /// `unsupported`.
    pub fn check_s256(&self, promised: bool) -> Result<()> {
        if self.s256 == Some(true) || (self.s256.is_none() && !promised) {
            return Ok(());
        }
        let issuer = self.issuer.as_deref().unwrap_or("the server");
        Err(Error::new(ErrorKind::Unsupported, format!("{issuer} supports no S256 code challenge")).with_help(
            "the server's metadata must list S256 in code_challenge_methods_supported (RFC 8414 2); tell whoever runs it",
        ))
    }

    /// The issuer as an authorization response spells it (RFC 9207); a template is no spelling.
    pub fn exact_issuer(&self) -> Option<&str> {
        self.issuer.as_deref().filter(|issuer| !issuer.contains('{'))
    }

    /// The same once the server has said values of the customer.
    ///
    /// # Errors
    /// Those of [`from_definition`].
    pub fn with_values(
        &self,
        definition: &ProviderDefinition,
        authority: Option<&Authority>,
        values: &Values,
    ) -> Result<Endpoints> {
        if definition.discovery {
            return Ok(self.clone());
        }
        Ok(Endpoints { tenant: self.tenant.clone(), ..from_definition(definition, authority, values)? })
    }

    /// Where a token of this client is revoked: GitHub names the client in the path.
    pub fn revocation_of(&self, client_id: &str) -> Option<String> {
        let client_id: String = byte_serialize(client_id.as_bytes()).collect();
        // As the braces of `{client_id}` stand in a URL.
        self.revocation.as_ref().map(|url| url.as_str().replace("%7Bclient_id%7D", &client_id))
    }
}

/// The endpoints of a provider whose file names them, with the authority and the values of a customer filled in.
///
/// # Errors
/// `config_invalid` when there is no token endpoint, or one does not become a URL.
pub fn from_definition(
    definition: &ProviderDefinition,
    authority: Option<&Authority>,
    values: &Values,
) -> Result<Endpoints> {
    let cloud = authority.map(|authority| authority.cloud.as_str()).unwrap_or_default();
    let tenant = authority.map(|authority| authority.tenant.to_string()).unwrap_or_default();
    let filled = |template: &EndpointTemplate| fill(definition, &template.fill(cloud, &tenant), values);
    let url = |template: &Option<EndpointTemplate>| -> Result<Option<Url>> {
        template.as_ref().map(|template| parse(&filled(template))).transpose()
    };
    let endpoints = &definition.endpoints;
    let token = url(&endpoints.token)?.ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("{} has no token endpoint", definition.name))
    })?;
    Ok(Endpoints {
        authorization: url(&endpoints.authorization)?,
        token,
        refresh: url(&endpoints.refresh)?,
        device_authorization: url(&endpoints.device_authorization)?,
        device_token: url(&definition.device.token_endpoint)?,
        revocation: url(&endpoints.revocation)?,
        registration: None,
        pushed_authorization: url(&endpoints.pushed_authorization)?,
        pushed_authorization_required: false,
        client_metadata_documents: false,
        issuer: endpoints.issuer.as_ref().map(filled),
        tenant: authority.and_then(Authority::expected_tenant),
        authorization_response_iss: endpoints.authorization_response_iss,
        scopes_supported: None,
        grant_types: None,
        authentication_methods: None,
        assertion_algorithms: None,
        dpop_algorithms: None,
        s256: None,
    })
}

/// The same, once the GUID of a tenant that goes by its domain is known: an id_token names its tenant by nothing else.
/// That costs a request to the tenant's metadata for each login with a domain, and says of a domain that is nobody's
/// before the person is asked. Not where the definition names no metadata: then any tenant's accounts will do.
///
/// # Errors
/// Those of [`from_definition`]; `config_invalid` for a domain that no tenant has; `provider_rejected` for metadata
/// of another host; `network`.
pub async fn of_tenant(
    transport: &Transport,
    definition: &ProviderDefinition,
    authority: Option<&Authority>,
    values: &Values,
) -> Result<Endpoints> {
    let endpoints = from_definition(definition, authority, values)?;
    let (Some(Authority { tenant: Tenant::Domain(domain), cloud, .. }), Some(metadata), Some(issuer)) =
        (authority, &definition.endpoints.metadata, &endpoints.issuer)
    else {
        return Ok(endpoints);
    };
    let request = http::Request::get(metadata.fill(cloud, domain))
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "[endpoints] metadata is no URL"))?;
    let response = transport.send(request, Limits::METADATA).await.map_err(Error::from)?;
    let status = response.status().as_u16();
    let tenant = parse_tenant(domain, issuer, status, content_type(&response), response.body())?;
    Ok(Endpoints { tenant: Some(ExpectedTenant::Only(tenant)), ..endpoints })
}

/// The endpoints that `issuer` publishes (RFC 8414 3, OpenID Connect Discovery 4). All well-known forms are
/// tried, in order; the first document that names this very issuer counts.
///
/// # Errors
/// - `config_invalid`: it is not an issuer (RFC 8414 2), or not reachable over https.
/// - `provider_rejected`: no document, or that of another issuer (RFC 8414 3.3).
/// - `network`: it could not be reached.
pub async fn discover(transport: &Transport, issuer: &str) -> Result<Endpoints> {
    let url = issuer_url(transport, issuer)?;
    let mut refused = None;
    for candidate in well_known_urls(&url) {
        let request = http::Request::get(candidate.as_str())
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| not_an_issuer(issuer, "it is no URL"))?;
        // A server that cannot be reached at one address will not be at the next.
        let response = transport.send(request, Limits::METADATA).await.map_err(Error::from)?;
        if response.status() != http::StatusCode::OK {
            continue;
        }
        match parse_metadata(issuer, response.body()) {
            Ok(metadata) => return from_metadata(transport, metadata),
            // Kept, and the other forms tried: a page that is no metadata may answer any address.
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| {
        Error::new(
            ErrorKind::ProviderRejected,
            format!("{issuer} publishes no authorization server metadata"),
        )
        .with_help("check the issuer: it is the `iss` of the server's tokens, to the letter")
    }))
}

/// The address of an issuer (RFC 8414 2).
///
/// # Errors
/// `config_invalid` for what is no issuer, or not reachable over https.
pub fn issuer_url(transport: &Transport, issuer: &str) -> Result<Url> {
    let url = Url::parse(issuer).map_err(|_| not_an_issuer(issuer, "it is no URL"))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(not_an_issuer(issuer, "it has more than a host and a path"));
    }
    transport.check(&url)?;
    Ok(url)
}

fn not_an_issuer(issuer: &str, why: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{issuer:?} is not an issuer: {why}"))
        .with_help("an issuer is an https URL without query and fragment (RFC 8414 2)")
}

fn from_metadata(transport: &Transport, metadata: AuthorizationServerMetadata) -> Result<Endpoints> {
    let s256 = metadata.supports_s256();
    let secure = |endpoint: Option<Url>| -> Result<Option<Url>> {
        endpoint.map(|url| transport.check(&url).map(|()| url)).transpose()
    };
    transport.check(&metadata.token_endpoint)?;
    Ok(Endpoints {
        authorization: secure(metadata.authorization_endpoint)?,
        token: metadata.token_endpoint,
        refresh: None,
        device_token: None,
        device_authorization: secure(metadata.device_authorization_endpoint)?,
        revocation: secure(metadata.revocation_endpoint)?,
        registration: secure(metadata.registration_endpoint)?,
        pushed_authorization: secure(metadata.pushed_authorization_request_endpoint)?,
        pushed_authorization_required: metadata.require_pushed_authorization_requests,
        client_metadata_documents: metadata.client_id_metadata_document_supported,
        issuer: Some(metadata.issuer),
        tenant: None,
        authorization_response_iss: metadata.authorization_response_iss_parameter_supported,
        scopes_supported: metadata.scopes_supported,
        grant_types: metadata.grant_types_supported,
        authentication_methods: metadata.token_endpoint_auth_methods_supported,
        assertion_algorithms: metadata.token_endpoint_auth_signing_alg_values_supported,
        dpop_algorithms: metadata.dpop_signing_alg_values_supported,
        s256,
    })
}

fn parse(text: &str) -> Result<Url> {
    let no_endpoint = || {
        let message = format!("{text:?} is not an https URL that an endpoint can have");
        Error::new(ErrorKind::ConfigInvalid, message)
    };
    filled_url(text).ok_or_else(no_endpoint)
}
