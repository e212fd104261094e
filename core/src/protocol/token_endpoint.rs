//! The token request and its answer: RFC 6749 4.1.3, 4.4.2, 5.1, 5.2, 6, RFC 7636 4.5, RFC 8628 3.4.
//!
//! The answer is read by this file, not by the `oauth2` crate: the crate wants `expires_in` to be an
//! integer and the content type to be JSON, and its error keeps the raw body, token included.
//!
//! May not enter: a retry, and the moment at which a lifetime begins. Callers own both.

use std::borrow::Cow;

use http::Request;
use oauth2::{AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenUrl};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::body::{read, read_member, seconds, text};
use super::client_auth::Client;
use super::dialect::TokenDialect;
use super::endpoint_error::{TokenEndpointError, check_accepted, unusable};
use super::form::{assertion_parameters, capture, captured, form_request, oauth2_client, permitted};
use super::pkce::CodeVerifier;
use crate::error::{Error, ErrorKind, Result};
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// A longer token is an attack or a defect. Entra's largest, with group claims, have some 10 KiB.
const MAX_TOKEN: usize = 128 * 1024;
/// RFC 8628 3.4.
pub(super) const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What is exchanged for an access token.
#[derive(Debug, Clone, Copy)]
pub enum Grant<'a> {
    /// RFC 6749 4.1.3 with RFC 7636 4.5.
    AuthorizationCode {
        /// The code of the authorization response.
        code: &'a Secret,
        /// The authorization request's own, byte for byte.
        redirect_uri: &'a str,
        /// The verifier whose challenge was sent, where one was.
        code_verifier: Option<&'a CodeVerifier>,
        /// Microsoft: the scopes of one resource, where the authorization request named those of several.
        scopes: Option<&'a ScopeSet>,
    },
    /// RFC 6749 6.
    RefreshToken {
        /// The latest refresh token.
        refresh_token: &'a Secret,
        /// The scopes of one resource, for servers that want them; never more than was granted.
        scopes: Option<&'a ScopeSet>,
    },
    /// RFC 8628 3.4: one poll.
    DeviceCode {
        /// The device authorization response's own.
        device_code: &'a Secret,
        /// `grant_type`, when it is not RFC 8628's.
        grant_type: Option<&'a str>,
        /// What the code is called, when it is not `device_code`.
        code_parameter: Option<&'a str>,
    },
    /// RFC 6749 4.4.2: the client's own access.
    ClientCredentials {
        /// What is asked for.
        scopes: &'a ScopeSet,
    },
}

/// RFC 6749 3.2: a request to the token endpoint.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    /// RFC 6749 3.2.
    pub endpoint: &'a Url,
    /// Who asks.
    pub client: Client<'a>,
    /// What is exchanged.
    pub grant: Grant<'a>,
    /// A space by RFC 6749 3.3; some providers use a comma.
    pub scope_separator: char,
    /// How the server differs from RFC 6749.
    pub dialect: &'a TokenDialect,
    /// What the provider wants besides. Names that this request decides are left out.
    pub extra: &'a [(String, String)],
}

impl TokenRequest<'_> {
    /// The request as it is sent. Its body holds secrets: it may not be logged.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        let request = match self.grant {
            Grant::AuthorizationCode { code, redirect_uri, code_verifier, scopes } => {
                self.redeem(code, redirect_uri, code_verifier, scopes)
            }
            Grant::RefreshToken { refresh_token, scopes } => self.refresh(refresh_token, scopes),
            // The crate polls in a loop that it does not leave for an error of its HTTP client.
            Grant::DeviceCode { device_code, grant_type, code_parameter } => {
                let parameters = [
                    ("grant_type", grant_type.unwrap_or(DEVICE_CODE_GRANT)),
                    (code_parameter.unwrap_or("device_code"), device_code.expose()),
                ];
                form_request(self.endpoint, &self.client, &parameters, self.extra)
            }
            Grant::ClientCredentials { scopes } => self.ask_for_itself(scopes),
        };
        self.dialect.spoken(request?, &self.client)
    }

    /// The error without what this request carried: a server may quote what it was sent, and a short
    /// token looks like any other word.
    pub fn clean(&self, error: TokenEndpointError) -> TokenEndpointError {
        let secrets = match &self.grant {
            Grant::AuthorizationCode { code, code_verifier, .. } => {
                code_verifier.map(CodeVerifier::secret).into_iter().chain([*code]).collect()
            }
            Grant::RefreshToken { refresh_token, .. } => vec![*refresh_token],
            Grant::DeviceCode { device_code, .. } => vec![*device_code],
            Grant::ClientCredentials { .. } => Vec::new(),
        };
        let credentials = [self.client.client_secret, self.client.client_assertion];
        error.without(secrets.into_iter().chain(credentials.into_iter().flatten()))
    }

    fn redeem(
        &self,
        code: &Secret,
        redirect_uri: &str,
        verifier: Option<&CodeVerifier>,
        scopes: Option<&ScopeSet>,
    ) -> Result<Request<Vec<u8>>> {
        let redirect_uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "the redirect URI is not an absolute URL"))?;
        let client = oauth2_client(&self.client)?.set_token_uri(TokenUrl::from_url(self.endpoint.clone()));
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .set_redirect_uri(Cow::Owned(redirect_uri));
        if let Some(verifier) = verifier {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().expose().to_owned()));
        }
        if let Some(scopes) = scopes {
            request = request.add_extra_param("scope", scopes.to_wire(self.scope_separator));
        }
        for (name, value) in self.further_parameters()? {
            request = request.add_extra_param(name, value);
        }
        captured(request.request(&capture))
    }

    fn ask_for_itself(&self, scopes: &ScopeSet) -> Result<Request<Vec<u8>>> {
        let client = oauth2_client(&self.client)?.set_token_uri(TokenUrl::from_url(self.endpoint.clone()));
        let mut request = client.exchange_client_credentials();
        if !scopes.is_empty() {
            request = request.add_scope(Scope::new(scopes.to_wire(self.scope_separator)));
        }
        for (name, value) in self.further_parameters()? {
            request = request.add_extra_param(name, value);
        }
        captured(request.request(&capture))
    }

    fn further_parameters(&self) -> Result<impl Iterator<Item = (String, String)>> {
        Ok(assertion_parameters(&self.client)?.into_iter().chain(permitted(self.extra)))
    }

    fn refresh(&self, refresh_token: &Secret, scopes: Option<&ScopeSet>) -> Result<Request<Vec<u8>>> {
        let client = oauth2_client(&self.client)?.set_token_uri(TokenUrl::from_url(self.endpoint.clone()));
        let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
        let mut request = client.exchange_refresh_token(&refresh_token);
        if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
            // The crate joins with spaces; one joined "scope" keeps the provider's separator.
            request = request.add_scope(Scope::new(scopes.to_wire(self.scope_separator)));
        }
        for (name, value) in self.further_parameters()? {
            request = request.add_extra_param(name, value);
        }
        captured(request.request(&capture))
    }
}

/// RFC 6749 5.1, with Microsoft's members.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// RFC 6749 5.1 `access_token`: printable ASCII, fit for a header.
    pub access_token: Secret,
    /// RFC 6749 7.1 `token_type`, as it is written in an `Authorization` header: `Bearer` or `DPoP`.
    pub token_type: String,
    /// RFC 6749 5.1 `expires_in`, in seconds. At most ten years.
    pub expires_in: Option<i64>,
    /// True when the server says, in its own way, that the token does not expire.
    pub endless: bool,
    /// Microsoft's `refresh_in`, in seconds: past it, a refresh is welcome though not needed.
    pub refresh_in: Option<i64>,
    /// Microsoft's `ext_expires_in`, in seconds: how long the resource takes the token while the server is down.
    pub ext_expires_in: Option<i64>,
    /// RFC 6749 6. Absent from the answer to a refresh: the old one stays.
    pub refresh_token: Option<Secret>,
    /// RFC 6749 5.1 `scope`. Absent or empty: what was asked for.
    pub scope: Option<ScopeSet>,
    /// OIDC Core 3.1.3.3.
    pub id_token: Option<Secret>,
    /// Microsoft's `client_info`, which names the account.
    pub client_info: Option<String>,
}

/// RFC 6749 7.1: what a token request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 6750: whoever has it can use it.
    #[default]
    Bearer,
    /// RFC 9449: bound to the key that proved itself in the request.
    Dpop,
}

impl TokenType {
    /// As it is written in an `Authorization` header.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenType::Bearer => "Bearer",
            TokenType::Dpop => "DPoP",
        }
    }
}

/// The members of RFC 6749 5.1 that are read. A repeated one is refused by the derived reader.
#[derive(Default, Deserialize)]
struct Members {
    access_token: Option<Secret>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    refresh_in: Option<Value>,
    ext_expires_in: Option<Value>,
    refresh_token: Option<Secret>,
    scope: Option<Value>,
    id_token: Option<Secret>,
    client_info: Option<Value>,
}

/// Reads the answer to a token request (RFC 6749 5.1 and 5.2).
///
/// Lenient: JSON under any content type; a form in place of JSON; numbers in strings; a missing
/// `token_type` counts as `Bearer`, since servers do forget it; odd `refresh_in` and `ext_expires_in` are
/// only advice and count as absent. Strict: an `error` is one under any status; an `expires_in` that is no
/// number is refused, one of more than ten years cut to that; a token that is empty, larger than 128 KiB or
/// not printable ASCII is refused, for it could not be put into a header unharmed.
pub fn parse_token_response(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    scope_separator: char,
    dialect: &TokenDialect,
    wanted: TokenType,
) -> Result<TokenResponse, TokenEndpointError> {
    check_accepted(status, content_type, body).map_err(|error| standard_code(error, dialect))?;
    let members = match &dialect.answer_at {
        None => read(content_type, body).map(Some),
        Some(name) => read_member::<Members>(content_type, body, name),
    };
    let members = members.map_err(|unreadable| unusable(status, unreadable))?.unwrap_or_default();
    let refresh_token = token(members.refresh_token);
    // Whatever else is wrong with the answer, it was given, and a refresh token in it is the one that works.
    let rotated = refresh_token.clone().unwrap_or(None);
    let malformed = |what| TokenEndpointError::Malformed { what, refresh_token: rotated.clone() };
    // RFC 6749 7.1: the name is compared without case, and an unknown type is not used.
    let named = match &members.token_type {
        None | Some(Value::Null) => "",
        Some(Value::String(name)) => name.as_str(),
        Some(_) => "no name",
    };
    let is_bearer = named.is_empty()
        || named.eq_ignore_ascii_case("Bearer")
        || dialect.bearer_name.as_deref() == Some(named);
    match wanted {
        TokenType::Bearer if is_bearer => {}
        TokenType::Bearer => return Err(malformed("its token_type is not Bearer")),
        TokenType::Dpop if named.eq_ignore_ascii_case("DPoP") => {}
        TokenType::Dpop if is_bearer => return Err(TokenEndpointError::NotBound { refresh_token: rotated }),
        TokenType::Dpop => return Err(malformed("its token_type is not DPoP")),
    }
    let expires_in = seconds(members.expires_in.as_ref())
        .map_err(|_| malformed("its expires_in is not a number of seconds"))?;
    let endless = dialect.zero_is_endless && expires_in == Some(0);
    Ok(TokenResponse {
        access_token: token(members.access_token)
            .map_err(|NotAToken| malformed("its access_token is not a token"))?
            .ok_or_else(|| malformed("it has no access_token"))?,
        token_type: wanted.as_str().to_owned(),
        expires_in: expires_in.or(dialect.lifetime).filter(|_| !endless),
        endless,
        // Advice to refresh at once would be followed for ever.
        refresh_in: seconds(members.refresh_in.as_ref()).unwrap_or(None).filter(|seconds| *seconds > 0),
        ext_expires_in: seconds(members.ext_expires_in.as_ref()).unwrap_or(None),
        refresh_token: refresh_token.map_err(|NotAToken| malformed("its refresh_token is not a token"))?,
        scope: scopes(members.scope, scope_separator),
        id_token: token(members.id_token).map_err(|NotAToken| malformed("its id_token is not a token"))?,
        client_info: text(members.client_info),
    })
}

/// The text of a member beside the standard's, which says something of the customer; `None` when it has none. A number
/// counts as its digits.
pub fn further_member(content_type: Option<&str>, body: &[u8], name: &str) -> Option<String> {
    match read_member::<Value>(content_type, body, name) {
        Ok(Some(Value::Number(number))) => Some(number.to_string()),
        Ok(member) => text(member),
        Err(_) => None,
    }
}

/// The error in RFC 6749's words, where the server has its own for the end of a grant (5.2).
fn standard_code(error: TokenEndpointError, dialect: &TokenDialect) -> TokenEndpointError {
    match error {
        TokenEndpointError::Oauth(mut said) if dialect.invalid_grant_name.as_ref() == Some(&said.error) => {
            let own = std::mem::replace(&mut said.error, "invalid_grant".to_owned());
            said.description.get_or_insert(own);
            TokenEndpointError::Oauth(said)
        }
        other => other,
    }
}

/// What is there in the place of a token could not be put into a header unharmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotAToken;

/// A token that is there and not empty: RFC 6749 appendix A.12 and A.17, `1*VSCHAR`. RFC 6750 2.1 allows
/// less, and real servers send more than it allows.
pub(super) fn token(member: Option<Secret>) -> Result<Option<Secret>, NotAToken> {
    let Some(token) = member.filter(|token| !token.is_empty()) else { return Ok(None) };
    let bytes = token.expose().as_bytes();
    let printable = bytes.iter().all(|b| (0x20..=0x7e).contains(b));
    // Blanks at either end would be lost in a header.
    if !printable || bytes.len() > MAX_TOKEN || bytes.trim_ascii().len() != bytes.len() {
        return Err(NotAToken);
    }
    Ok(Some(token))
}

/// RFC 6749 3.3: a string, or the list that some servers send. An empty one says nothing.
fn scopes(member: Option<Value>, separator: char) -> Option<ScopeSet> {
    let set = match member? {
        Value::String(text) => ScopeSet::from_wire(&text, separator),
        Value::Array(list) => {
            let sets = list.iter().filter_map(Value::as_str).map(|text| ScopeSet::from_wire(text, separator));
            sets.fold(ScopeSet::default(), |all, set| all.union(&set))
        }
        _ => return None,
    };
    Some(set).filter(|set| !set.is_empty())
}

#[cfg(test)]
mod tests;
