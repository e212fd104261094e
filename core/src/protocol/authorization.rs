//! The authorization request and its response: RFC 6749 3.1, 4.1.1, 4.1.2, RFC 7636 4.3, RFC 9207 and
//! OAuth 2.0 Form Post Response Mode.
//!
//! The response comes from a browser, so from anybody: nothing in it is looked at before its `state`
//! proves that it answers this request, and nothing in it is shown before its `iss` does not deny it.
//!
//! May not enter: the listener, and the page that a person sees.

use std::collections::BTreeMap;
use std::fmt;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, Scope};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::dialect::TokenDialect;
use super::form::permitted;
use super::oauth_error::OauthError;
use super::pkce::CodeVerifier;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// A longer code is no code: Entra's have some 1,500 characters.
const MAX_CODE: usize = 16 * 1024;

/// RFC 6749 4.1.1, with the parameters of RFC 7636 4.3 and OIDC Core 3.1.2.1.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// RFC 6749 3.1. Its own query is kept.
    pub endpoint: &'a Url,
    /// RFC 6749 2.2.
    pub client_id: &'a str,
    /// RFC 6749 3.1.2. The token request repeats it byte for byte (4.1.3).
    pub redirect_uri: &'a str,
    /// RFC 6749 3.3. No `scope` parameter when there are none.
    pub scopes: &'a ScopeSet,
    /// A space by RFC 6749 3.3; some providers use a comma.
    pub scope_separator: char,
    /// RFC 6749 10.12.
    pub state: &'a Secret,
    /// RFC 7636 4.2, made by [`CodeVerifier::challenge_as`]. `None` for a server that refuses a request with one.
    pub code_challenge: Option<&'a str>,
    /// OIDC Core 3.1.2.1, when an id_token is wanted.
    pub nonce: Option<&'a str>,
    /// How the response comes back, when the server's default is not wanted.
    pub response_mode: Option<ResponseMode>,
    /// What the server calls the parameters.
    pub dialect: &'a TokenDialect,
    /// What the provider wants besides. Names that this request decides are left out.
    pub extra: &'a [(String, String)],
}

/// OAuth 2.0 Multiple Response Type Encoding Practices 2.1, and Form Post Response Mode 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// The response is the query of a GET.
    Query,
    /// The response is the body of a POST: no code in the browser's history (RFC 9700 4.3.1).
    FormPost,
}

impl ResponseMode {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::FormPost => "form_post",
        }
    }
}

impl AuthorizationRequest<'_> {
    /// The address to open in a browser (RFC 6749 4.1.1). It holds the `state`, which is good for one
    /// response, and no other secret: the browser's history will keep it.
    pub fn url(&self) -> Url {
        let mut endpoint = self.endpoint.clone();
        // RFC 6749 3.1: the endpoint's address has no fragment.
        endpoint.set_fragment(None);
        let client = BasicClient::new(ClientId::new(self.client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(endpoint));
        let state = CsrfToken::new(self.state.expose().to_owned());
        let mut request = client.authorize_url(move || state);
        if !self.scopes.is_empty() {
            // The crate joins with spaces; one joined "scope" keeps the provider's separator.
            request = request.add_scope(Scope::new(self.scopes.to_wire(self.scope_separator)));
        }
        // As text: the crate would parse it, and 4.1.3 wants the same bytes twice.
        request = request.add_extra_param("redirect_uri", self.redirect_uri);
        // As text too: the crate has a challenge only together with its own copy of the verifier.
        if let Some(challenge) = self.code_challenge {
            request = request.add_extra_param("code_challenge", challenge);
            request = request.add_extra_param("code_challenge_method", CodeVerifier::METHOD);
        }
        if let Some(nonce) = self.nonce {
            request = request.add_extra_param("nonce", nonce);
        }
        if let Some(mode) = self.response_mode {
            request = request.add_extra_param("response_mode", mode.as_str());
        }
        for (name, value) in permitted(self.extra) {
            request = request.add_extra_param(name, value);
        }
        self.dialect.renamed(request.url().0)
    }

    /// The parameters alone, decoded, without those that the endpoint's address brings: what is pushed (RFC 9126 2.1).
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut endpoint = self.endpoint.clone();
        endpoint.set_query(None);
        AuthorizationRequest { endpoint: &endpoint, ..*self }.url().query_pairs().into_owned().collect()
    }
}

/// What the response to a certain request must carry.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedResponse<'a> {
    /// The request's `state`.
    pub state: &'a Secret,
    /// The issuer that the request was sent to (RFC 9207 2.4). `None` when it is not known, or when the
    /// provider's issuer is a template: then an `iss` cannot be compared.
    pub issuer: Option<&'a str>,
    /// RFC 9207 3, `authorization_response_iss_parameter_supported`: a response without `iss` is refused.
    pub iss_required: bool,
    /// Parameters beside the standard's that the response to this request may tell something with.
    pub further: &'a [&'a str],
}

/// RFC 6749 4.1.2 and 4.1.2.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// The authorization code.
    Code {
        /// It.
        code: Secret,
        /// Those of [`ExpectedResponse::further`] that came with it.
        further: BTreeMap<String, String>,
    },
    /// The server, or the person, said no.
    Error(OauthError),
}

/// Why a response was not accepted. The texts are for the page in the browser: they repeat nothing of
/// what came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseRejection {
    /// RFC 6749 3.1: a parameter came more than once.
    RepeatedParameter,
    /// RFC 6749 10.12: there is no `state`.
    StateMissing,
    /// RFC 6749 10.12: the `state` is that of another request.
    StateMismatch,
    /// RFC 9207 2.4: there is no `iss`, and this server always sends one.
    IssuerMissing,
    /// RFC 9207 2.4: another server answered.
    IssuerMismatch,
    /// RFC 6749 4.1.2: both a code and an error.
    CodeAndError,
    /// RFC 6749 4.1.2: neither a code nor an error.
    Empty,
    /// RFC 6749 appendix A.11: the code holds something else than printable ASCII, or far too much.
    MalformedCode,
}

impl fmt::Display for ResponseRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResponseRejection::RepeatedParameter => "a parameter came more than once",
            ResponseRejection::StateMissing => "the response does not say which login it belongs to",
            ResponseRejection::StateMismatch => "the response belongs to another login",
            ResponseRejection::IssuerMissing => "the response does not say which server it is from",
            ResponseRejection::IssuerMismatch => "the response is from another server",
            ResponseRejection::CodeAndError => "the response is a success and a failure at once",
            ResponseRejection::Empty => "the response carries neither a code nor an error",
            ResponseRejection::MalformedCode => "the code is not of its form",
        })
    }
}

impl std::error::Error for ResponseRejection {}

/// Reads `raw`, the query or the form body of a callback, not yet decoded (RFC 6749 4.1.2, RFC 9207 2.4).
///
/// Repeats are looked for first, then `state`, then `iss`, and only then what the response says: an error
/// of another server, or of another login, is neither acted on nor shown. Parameters that are not known
/// are skipped; one without a value counts as absent (RFC 6749 3.1).
pub fn parse_authorization_response(
    raw: &str,
    expected: &ExpectedResponse<'_>,
) -> Result<AuthorizationResponse, ResponseRejection> {
    let response = Parameters::read(raw, expected.further)?;

    let state = response.state.ok_or(ResponseRejection::StateMissing)?;
    // In constant time: the comparison is the only thing between a guess and an answer.
    if state != *expected.state {
        return Err(ResponseRejection::StateMismatch);
    }

    match (response.iss, expected.issuer) {
        (None, _) if expected.iss_required => return Err(ResponseRejection::IssuerMissing),
        // RFC 9207 2.4: simple string comparison (RFC 3986 6.2.1), nothing normalized.
        (Some(iss), Some(issuer)) if iss != issuer => return Err(ResponseRejection::IssuerMismatch),
        // Nothing to compare with, though the server's metadata promises an issuer: do not guess.
        (Some(_), None) if expected.iss_required => return Err(ResponseRejection::IssuerMismatch),
        _ => {}
    }

    match (response.code, response.error) {
        (Some(_), Some(_)) => Err(ResponseRejection::CodeAndError),
        (None, None) => Err(ResponseRejection::Empty),
        (None, Some(error)) => Ok(AuthorizationResponse::Error(error)),
        (Some(code), None) if is_code(&code) => {
            Ok(AuthorizationResponse::Code { code, further: response.further })
        }
        (Some(_), None) => Err(ResponseRejection::MalformedCode),
    }
}

/// The parameters that mean something here, each at most once and never empty (RFC 6749 3.1): those of
/// RFC 6749 4.1.2 and 4.1.2.1, RFC 9207 2, and what Microsoft adds to an error.
struct Parameters {
    state: Option<Secret>,
    iss: Option<String>,
    code: Option<Secret>,
    error: Option<OauthError>,
    further: BTreeMap<String, String>,
}

impl Parameters {
    fn read(raw: &str, wanted: &[&str]) -> Result<Self, ResponseRejection> {
        const KNOWN: [&str; 9] = [
            "state",
            "iss",
            "code",
            "error",
            "error_description",
            "error_uri",
            "suberror",
            "error_subcode",
            "claims",
        ];
        let mut seen: [Option<String>; KNOWN.len()] = Default::default();
        let mut further = BTreeMap::new();
        // Decoding replaces what is not UTF-8, so it cannot fail; `is_code` refuses what it leaves.
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            let Some(index) = KNOWN.iter().position(|known| *known == name) else {
                if wanted.contains(&&*name) && further.insert(name.into_owned(), value.into_owned()).is_some()
                {
                    return Err(ResponseRejection::RepeatedParameter);
                }
                continue;
            };
            // Counted before empty values are dropped: `code=&code=x` is a repeat too.
            if seen[index].replace(value.into_owned()).is_some() {
                return Err(ResponseRejection::RepeatedParameter);
            }
        }
        let mut seen = seen.map(|value| value.filter(|value| !value.is_empty()));
        let mut take = |name| KNOWN.iter().position(|known| *known == name).and_then(|i| seen[i].take());
        let (description, uri) = (take("error_description"), take("error_uri"));
        let suberror = take("suberror").or(take("error_subcode"));
        let claims = take("claims");
        Ok(Parameters {
            state: take("state").map(Secret::new),
            iss: take("iss"),
            code: take("code").map(Secret::new),
            error: take("error").map(|error| OauthError::new(&error, description, uri, suberror, claims)),
            further,
        })
    }
}

/// RFC 6749 appendix A.11: `code = 1*VSCHAR`.
fn is_code(code: &Secret) -> bool {
    let code = code.expose();
    code.len() <= MAX_CODE && code.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn pairs(value: &Value) -> Vec<(String, String)> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn request_vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/authorization_request.json")).unwrap();
        assert!(cases.len() >= 8);
        for case in &cases {
            let scopes =
                ScopeSet::try_from(serde_json::from_value::<Vec<String>>(case["scopes"].clone()).unwrap());
            let state = Secret::new(case["state"].as_str().unwrap());
            let request = AuthorizationRequest {
                endpoint: &Url::parse(case["endpoint"].as_str().unwrap()).unwrap(),
                client_id: case["client_id"].as_str().unwrap(),
                redirect_uri: case["redirect_uri"].as_str().unwrap(),
                scopes: &scopes.unwrap(),
                scope_separator: case["scope_separator"].as_str().unwrap().chars().next().unwrap(),
                state: &state,
                code_challenge: case["code_challenge"].as_str(),
                nonce: case["nonce"].as_str(),
                response_mode: serde_json::from_value(case["response_mode"].clone()).unwrap(),
                dialect: &serde_json::from_value(case["dialect"].clone()).unwrap_or_default(),
                extra: &pairs(&case["extra"]),
            };
            let url = request.url();
            let (base, query) = url.as_str().split_once('?').unwrap();
            assert_eq!(base, case["url"], "{}", case["name"]);
            let sent: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let mut expected = pairs(&case["parameters"]);
            // The order is the crate's affair, and no server's: sets are compared, repeats counted.
            expected.sort();
            let mut sorted = sent.clone();
            sorted.sort();
            assert_eq!(sorted, expected, "{}", case["name"]);
            assert!(!format!("{request:?}").contains(case["state"].as_str().unwrap()));
        }
    }

    #[test]
    fn response_vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/authorization_response.json")).unwrap();
        assert!(cases.len() >= 30);
        for case in &cases {
            let expected = ExpectedResponse {
                state: &Secret::new(case["state"].as_str().unwrap_or("s1")),
                issuer: case["issuer"].as_str(),
                iss_required: case["iss_required"].as_bool().unwrap_or(false),
                further: &case["further"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>(),
            };
            let outcome = parse_authorization_response(case["raw"].as_str().unwrap(), &expected);
            let name = &case["name"];
            match outcome {
                Ok(AuthorizationResponse::Code { code, further }) => {
                    assert_eq!(code.expose(), case["code"], "{name}");
                    let expected = case["further"].as_object().cloned().unwrap_or_default();
                    assert_eq!(serde_json::to_value(further).unwrap(), Value::Object(expected), "{name}");
                }
                Ok(AuthorizationResponse::Error(error)) => {
                    assert_eq!(error.error, case["error"], "{name}");
                    assert_eq!(error.description.as_deref(), case["description"].as_str(), "{name}");
                }
                Err(rejection) => {
                    assert_eq!(format!("{rejection:?}"), case["rejection"], "{name}");
                    assert!(!rejection.to_string().contains("evil"), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_code_has_an_end() {
        let state = Secret::new("s");
        let expected = ExpectedResponse { state: &state, issuer: None, iss_required: false, further: &[] };
        let raw = format!("state=s&code={}", "a".repeat(MAX_CODE + 1));
        assert_eq!(parse_authorization_response(&raw, &expected), Err(ResponseRejection::MalformedCode));
    }
}
