//! A request as the endpoints see it: path, parameters, the few headers that matter. Read whole before anything
//! is decided. And the names of the endpoints.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, ORIGIN, USER_AGENT};
use hyper::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;

use crate::resource_options::Scheme;

/// The header of proofs of possession (RFC 9449, section 4.1).
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Far more than any request of the protocol needs.
const MAX_BODY_BYTES: usize = 1 << 20;

/// An endpoint, as the journal and the faults name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// In a fault: every endpoint. The journal never says it.
    Any,
    /// The authorization endpoint (RFC 6749, section 3.1).
    Authorize,
    /// Where an administrator consents, in the Entra dialect.
    AdminConsent,
    /// The token endpoint (RFC 6749, section 3.2).
    Token,
    /// The device authorization endpoint (RFC 8628, section 3.1).
    Device,
    /// Where a person enters a user code (RFC 8628, section 3.3).
    DevicePage,
    /// The revocation endpoint (RFC 7009).
    Revoke,
    /// The pushed authorization request endpoint (RFC 9126).
    Par,
    /// The registration endpoint (RFC 7591), and what a client manages of itself there (RFC 7592).
    Register,
    /// Authorization server metadata (RFC 8414), OpenID Connect Discovery, Entra's instance discovery.
    Metadata,
    /// The keys of the id_tokens (RFC 7517).
    Jwks,
    /// A protected resource (RFC 6750).
    Resource,
    /// What a protected resource says of itself (RFC 9728).
    ResourceMetadata,
    /// Nothing that the server knows.
    Unknown,
}

/// One request, read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path as sent, without the query.
    pub(crate) path: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    /// Reads the body. An error means that the sender went away or sent too much: nobody is left to answer.
    pub(crate) async fn read(
        request: hyper::Request<Incoming>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await?.to_bytes().to_vec();
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let mut request = Self {
            method: parts.method,
            path: parts.uri.path().into(),
            query,
            form: Vec::new(),
            headers: parts.headers,
            body,
        };
        if request.is_form() {
            request.form = pairs(&request.body);
        }
        Ok(request)
    }

    /// Is the body `application/x-www-form-urlencoded`, as RFC 6749, section 4.1.3 wants it?
    pub(crate) fn is_form(&self) -> bool {
        self.is_of("application/x-www-form-urlencoded")
    }

    /// Is the body JSON, as RFC 7591, section 3.1 wants it?
    pub(crate) fn is_json(&self) -> bool {
        self.is_of("application/json")
    }

    fn is_of(&self, wanted: &str) -> bool {
        let media_type = self.header(&CONTENT_TYPE).unwrap_or_default();
        media_type.split(';').next().is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(wanted))
    }

    /// The parameters where the method puts them: the body of a POST, the query of anything else.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        if self.method == Method::POST { &self.form } else { &self.query }
    }

    /// The same request with other parameters.
    pub(crate) fn with_parameters(&self, parameters: Vec<(String, String)>) -> Self {
        Self { query: parameters.clone(), form: parameters, ..self.clone() }
    }

    /// A parameter's value. One without a value counts as not sent (RFC 6749, section 3.1).
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Is there a query, whatever the method?
    pub(crate) fn has_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// The resources asked for (RFC 8707, section 2), in order.
    pub(crate) fn resources(&self) -> Vec<String> {
        let named = self.parameters().iter().filter(|(name, value)| name == "resource" && !value.is_empty());
        named.map(|(_, value)| value.clone()).collect()
    }

    /// The first parameter that is there twice, which section 3.1 forbids; RFC 8707 allows it for `resource`.
    pub(crate) fn repeated_parameter(&self) -> Option<&str> {
        let parameters = self.parameters();
        let names = parameters.iter().enumerate().map(|(at, (name, _))| (at, name));
        names
            .filter(|(_, name)| *name != "resource")
            .find(|(at, name)| parameters[..*at].iter().any(|(other, _)| other == *name))
            .map(|(_, name)| name.as_str())
    }

    /// The scopes asked for, in order.
    pub(crate) fn scope(&self) -> Vec<String> {
        self.parameter("scope")
            .unwrap_or_default()
            .split(' ')
            .filter(|s| !s.is_empty())
            .map(Into::into)
            .collect()
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every value of a header that can be read.
    pub(crate) fn header_values(&self, name: &HeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header(&AUTHORIZATION)
    }

    /// Is there such a header, readable or not?
    pub(crate) fn has_authorization(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }

    /// The access token in `Authorization`, and the scheme that it came by (RFC 6750, section 2.1).
    pub(crate) fn access_token(&self) -> Option<(Scheme, &str)> {
        let (scheme, token) = self.authorization()?.split_once(' ')?;
        let known = [Scheme::Bearer, Scheme::Dpop];
        let scheme = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(scheme))?;
        Some((scheme, token)).filter(|(_, token)| !token.is_empty())
    }

    /// The token that stands in this header, behind this scheme.
    pub(crate) fn token_in(&self, header: &str, scheme: &str) -> Option<&str> {
        let value = self.headers.get(header)?.to_str().ok()?;
        let token = if scheme.is_empty() { value } else { value.strip_prefix(scheme)?.strip_prefix(' ')? };
        Some(token).filter(|token| !token.is_empty())
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.header(&USER_AGENT)
    }

    pub(crate) fn has_origin(&self) -> bool {
        self.headers.contains_key(ORIGIN)
    }

    pub(crate) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    #[cfg(test)]
    pub(crate) fn form(path: &str, form: &[(&str, &str)]) -> Self {
        let form = form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { method: Method::POST, path: path.into(), form, ..Self::default() }
    }

    #[cfg(test)]
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_was_not_sent() {
        let request = Request::form("/token", &[("code", ""), ("scope", " a  b ")]);
        assert_eq!(request.parameter("code"), None);
        assert_eq!(request.parameter("state"), None);
        assert_eq!(request.scope(), ["a", "b"]);
    }

    #[test]
    fn a_repeated_parameter_is_seen() {
        assert_eq!(Request::form("/", &[("a", "1"), ("b", "1"), ("a", "1")]).repeated_parameter(), Some("a"));
        assert_eq!(Request::form("/", &[("a", "1"), ("b", "1")]).repeated_parameter(), None);
    }

    #[test]
    fn the_media_type_may_have_a_charset() {
        for (value, yes) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=utf-8", true),
            ("application/json", false),
        ] {
            assert_eq!(Request::form("/", &[]).with_header(CONTENT_TYPE, value).is_form(), yes, "{value}");
        }
    }
}
