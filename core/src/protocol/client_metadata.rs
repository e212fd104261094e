//! What a client says of itself: the client metadata of RFC 7591 2, as a registration request sends them and as a client id
//! metadata document publishes them (draft-ietf-oauth-client-id-metadata-document 4).
//!
//! May not enter: the sending, and which of the two a login uses.

use serde::Serialize;
use url::Url;

use super::client_auth::ClientAuthentication;
use super::token_endpoint::DEVICE_CODE_GRANT;
use crate::error::{Error, ErrorKind, Result};

/// The name that a consent page shows.
const CLIENT_NAME: &str = "Tokenkeep";

/// RFC 7591 2, with OpenID Connect Dynamic Client Registration 1.0 2 and RFC 9449 5.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientMetadata<'a> {
    /// Of a document alone: its own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    /// Who asks, on a consent page.
    client_name: &'static str,
    /// Which redirects are allowed, and whether a loopback port is free (RFC 8252 7.3).
    application_type: &'static str,
    /// To the letter, but for the port of a loopback address.
    redirect_uris: Vec<&'a str>,
    /// Never `client_credentials`: it is a person that a registered client acts for.
    grant_types: Vec<&'static str>,
    /// Goes with `authorization_code` (RFC 7591 2.1).
    response_types: [&'static str; 1],
    /// What the server answers counts.
    token_endpoint_auth_method: ClientAuthentication,
    /// RFC 9449 5.2: a server that knows it gives no other tokens then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dpop_bound_access_tokens: bool,
}

/// What of a server's metadata (RFC 8414 2) decides what a client says of itself there.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerAbilities<'a> {
    /// `token_endpoint_auth_methods_supported`.
    pub authentication_methods: Option<&'a [String]>,
    /// `grant_types_supported`.
    pub grant_types: Option<&'a [String]>,
    /// True when there is a device authorization endpoint (RFC 8628).
    pub device_authorization: bool,
}

impl<'a> ClientMetadata<'a> {
    /// A client whose answers are received at `redirect_uri`, at a server with these abilities. It is a public one
    /// (RFC 8252 8.4) unless the server takes only others.
    pub fn to_register(redirect_uri: &'a str, server: ServerAbilities<'_>, dpop: bool) -> Self {
        let named =
            |list: Option<&[String]>, name| list.is_none_or(|list| list.iter().any(|listed| listed == name));
        let refresh = named(server.grant_types, "refresh_token").then_some("refresh_token");
        let device = server.device_authorization && named(server.grant_types, DEVICE_CODE_GRANT);
        let grant_types = ["authorization_code"].into_iter().chain(refresh);
        ClientMetadata {
            client_id: None,
            client_name: CLIENT_NAME,
            application_type: application_type(redirect_uri),
            redirect_uris: vec![redirect_uri],
            grant_types: grant_types.chain(device.then_some(DEVICE_CODE_GRANT)).collect(),
            response_types: ["code"],
            token_endpoint_auth_method: authentication(server.authentication_methods),
            dpop_bound_access_tokens: dpop,
        }
    }

    /// How the client asks to authenticate.
    pub fn authentication(&self) -> ClientAuthentication {
        self.token_endpoint_auth_method
    }

    /// The redirect URIs that it names.
    pub fn redirect_uris(&self) -> &[&'a str] {
        &self.redirect_uris
    }
}

/// OpenID Connect Dynamic Client Registration 1.0 2: a native client's redirects are loopback addresses and schemes of
/// its own.
fn application_type(redirect_uri: &str) -> &'static str {
    if redirect_uri.starts_with("https:") { "web" } else { "native" }
}

/// `none` where the server lists it, or lists nothing that could be used instead.
fn authentication(methods: Option<&[String]>) -> ClientAuthentication {
    use ClientAuthentication::{Basic, None, Post};
    let listed = |method: &ClientAuthentication| {
        methods.is_some_and(|methods| methods.iter().any(|listed| listed == method.as_str()))
    };
    [None, Basic, Post].into_iter().find(listed).unwrap_or(None)
}

/// The address of a client id metadata document, which is the client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMetadataUrl(String);

impl ClientMetadataUrl {
    /// Reads an address, strictly: servers compare it to the letter.
    ///
    /// # Errors
    /// `config_invalid` for what is not https with a path and nothing more, or is not in its shortest spelling.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = |url: &Url| {
            // A parser takes dot segments away, and a default port: what it left alone has neither.
            url.as_str() == text
                && url.scheme() == "https"
                && url.path().len() > 1
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        };
        Url::parse(text).ok().filter(plain).map(|url| ClientMetadataUrl(url.into())).ok_or_else(|| {
            let message = format!("{text:?} cannot be a client id metadata document's address");
            Error::new(ErrorKind::ConfigInvalid, message).with_help(
                "it is https with a path, without query, fragment, user and dot segments, for instance \
                 https://app.example/oauth/client.json",
            )
        })
    }

    /// The client id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document to publish there, of a client on any machine: its redirects name every spelling of loopback, and no
    /// port (RFC 8252 7.3).
    ///
    /// # Errors
    /// `internal`, of a defect alone.
    pub fn document(&self) -> Result<String> {
        let metadata = ClientMetadata {
            client_id: Some(&self.0),
            redirect_uris: vec![
                "http://127.0.0.1/callback",
                "http://[::1]/callback",
                "http://localhost/callback",
            ],
            ..ClientMetadata::to_register("", ServerAbilities::default(), false)
        };
        serde_json::to_string_pretty(&metadata)
            .map_err(|_| Error::new(ErrorKind::Internal, "the client's metadata are no JSON"))
    }
}
