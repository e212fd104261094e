//! What an API says when it refuses a request: `WWW-Authenticate`, RFC 9110 11.6.1, with the parameters of
//! RFC 6750 3 and RFC 9728 5.1 and Microsoft's `claims`.
//!
//! One header may hold several challenges, and a response several headers. A comma stands between two
//! challenges and between two parameters of one, so a reader that guesses may give a parameter to the wrong
//! challenge. This one does not guess: a header that is not of its form, that says a parameter of one
//! challenge twice, or that is very large, counts as not there. The other headers are read.
//!
//! An API got an access token and may quote it: the texts for people are cleaned here, as those of an
//! authorization server are. May not enter: what is done about a challenge.

use std::fmt;

use base64::Engine as _;
use serde_json::{Map, Value};
use url::Url;

use super::id_token::BASE64URL;
use super::oauth_error::{MAX_CLAIMS, MAX_MESSAGE, OauthError, clean};
use crate::scope::ScopeSet;

/// A larger header is no challenge: servers and proxies stop at 8 or 16 KiB for all headers.
const MAX_HEADER: usize = 16 * 1024;
/// More challenges than there are schemes in use.
const MAX_CHALLENGES: usize = 16;
/// More parameters than any scheme has.
const MAX_PARAMETERS: usize = 32;

/// One challenge: a scheme, and what it says of the request that was refused. Empty values count as absent.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// RFC 9110 11.1, in lower case: `bearer` for one.
    pub scheme: String,
    /// RFC 9110 11.5, for people.
    pub realm: Option<String>,
    /// RFC 6750 3.1.
    pub error: Option<String>,
    /// RFC 6750 3, for developers: one line, shortened, without what looks like a token.
    pub error_description: Option<String>,
    /// RFC 6750 3, for developers.
    pub error_uri: Option<String>,
    /// RFC 6750 3: what the resource wants.
    pub scope: Option<ScopeSet>,
    /// Microsoft's claims challenge as it came; [`Challenge::claims_json`] is what a login sends.
    pub claims: Option<String>,
    /// RFC 9728 5.1. Anybody can write this address: whoever fetches it decides whether to believe it.
    pub resource_metadata: Option<Url>,
    /// All other parameters, names in lower case. The values are for machines: not cleaned, and not in
    /// the `Debug` of a challenge.
    pub others: Vec<(String, String)>,
}

/// What may help against a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// RFC 6750 3.1 `invalid_token`: another access token
    /// ([`TokenOptions::force_refresh`](crate::TokenOptions)).
    FreshToken,
    /// RFC 6750 3.1 `insufficient_scope`: a login with wider scopes.
    WiderLogin {
        /// What the resource wants, if it says so.
        scope: Option<ScopeSet>,
    },
    /// Microsoft's `insufficient_claims`: a login with this `claims` parameter (OIDC Core 5.5).
    Claims(String),
    /// RFC 9449 9 `use_dpop_nonce`: the same token, with a proof that holds the nonce of the `DPoP-Nonce` header.
    Nonce,
}

impl Challenge {
    /// The challenges in the values of all `WWW-Authenticate` headers of a response, in their order.
    ///
    /// ```
    /// use tokenkeep::{Challenge, Remedy};
    ///
    /// let header = r#"Bearer realm="api", error="invalid_token""#;
    /// let challenges = Challenge::parse_all([header]);
    /// assert_eq!(challenges[0].remedy(), Some(Remedy::FreshToken));
    /// ```
    pub fn parse_all<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Vec<Challenge> {
        let mut all = Vec::new();
        for value in values {
            let parsed = Reader::new(value.as_ref()).and_then(Reader::challenges).unwrap_or_default();
            all.extend(parsed);
            if all.len() >= MAX_CHALLENGES {
                break;
            }
        }
        all.truncate(MAX_CHALLENGES);
        all
    }

    /// What may help, when the scheme is one of tokens and the error one that is known. Without an `error`
    /// the resource has only said that it wants a token (RFC 6750 3.1).
    pub fn remedy(&self) -> Option<Remedy> {
        // RFC 9449 7.1 uses RFC 6750's errors.
        if !matches!(self.scheme.as_str(), "bearer" | "dpop") {
            return None;
        }
        match self.error.as_deref()? {
            "invalid_token" => Some(Remedy::FreshToken),
            "insufficient_scope" => Some(Remedy::WiderLogin { scope: self.scope.clone() }),
            "insufficient_claims" => self.claims_json().map(Remedy::Claims),
            "use_dpop_nonce" => Some(Remedy::Nonce),
            _ => None,
        }
    }

    /// The JSON of `claims`: Microsoft writes it in base64, in either alphabet, padded or not; some write
    /// the JSON itself. `None` for anything else than one JSON object.
    pub fn claims_json(&self) -> Option<String> {
        let claims = self.claims.as_deref()?;
        let json = if claims.starts_with('{') {
            claims.to_owned()
        } else {
            let base64url = claims.replace('+', "-").replace('/', "_");
            String::from_utf8(BASE64URL.decode(base64url).ok()?).ok()?
        };
        serde_json::from_str::<Map<String, Value>>(&json).ok()?;
        Some(json)
    }

    /// The scheme and its parameters. `None` when a name comes twice (RFC 9110 11.2): two readers could
    /// pick different ones.
    fn new(scheme: &str, parameters: Vec<(String, String)>) -> Option<Self> {
        let mut parameters = parameters;
        for (at, (name, _)) in parameters.iter().enumerate() {
            if parameters[..at].iter().any(|(earlier, _)| earlier == name) {
                return None;
            }
        }
        parameters.retain(|(_, value)| !value.trim().is_empty());
        let mut take = |name: &str| {
            let at = parameters.iter().position(|(own, _)| own == name)?;
            Some(parameters.remove(at).1)
        };
        let (error, description) = (take("error"), take("error_description"));
        let said = OauthError::new(
            error.as_deref().unwrap_or_default(),
            description,
            take("error_uri"),
            None,
            take("claims").filter(|claims| claims.len() <= MAX_CLAIMS),
        );
        Some(Challenge {
            scheme: scheme.to_ascii_lowercase(),
            realm: take("realm").map(|text| clean(&text, MAX_MESSAGE)),
            error: error.map(|_| said.error),
            error_description: said.description,
            error_uri: said.uri,
            // What is no scope is dropped (RFC 6749 3.3).
            scope: take("scope").map(|text| ScopeSet::from_wire(&text, ' ')).filter(|set| !set.is_empty()),
            claims: said.claims,
            resource_metadata: take("resource_metadata").and_then(|text| address(&text)),
            others: parameters,
        })
    }
}

/// The values may hold what the request sent, so only the texts that are cleaned are shown.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: Vec<_> = self.others.iter().map(|(name, _)| name).collect();
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .field("error", &self.error)
            .field("error_description", &self.error_description)
            .field("others", &others)
            .finish_non_exhaustive()
    }
}

/// RFC 9728 1.2: an absolute address without a fragment, and without a name that looks like a host.
/// Whether plain http will do is not decided here.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && url.has_host()).then_some(url)
}

/// What is left of one header. Each method takes what it names from the front, or nothing.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    /// RFC 9110 5.5: no control characters but the tab. What is not UTF-8 is no text of a challenge.
    fn new(value: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let clean = !text.chars().any(|c| c.is_control() && c != '\t');
        (text.len() <= MAX_HEADER && clean).then_some(Reader(text))
    }

    /// RFC 9110 11.6.1, `#challenge`; `None` unless all of it is of that form.
    fn challenges(mut self) -> Option<Vec<Challenge>> {
        let mut challenges = Vec::new();
        self.commas();
        while !self.0.is_empty() {
            let scheme = self.token()?;
            let parameters = if self.blanks() { self.parameters()? } else { Vec::new() };
            challenges.push(Challenge::new(scheme, parameters)?);
            // Before the next scheme there is a comma, which the last parameter may have taken along.
            self.comma_or_end()?;
            self.commas();
        }
        Some(challenges)
    }

    /// What follows a scheme and a blank: a token68, parameters, or nothing.
    fn parameters(&mut self) -> Option<Vec<(String, String)>> {
        // One value in a form of the scheme's own. No scheme that is answered here has one.
        if self.token68() {
            return Some(Vec::new());
        }
        let mut parameters = Vec::new();
        // RFC 9110 5.6.1.2: empty elements of a list are skipped. The reader stays before the comma that
        // ends the challenge until it is seen that a parameter follows.
        let mut ahead = Reader(self.0);
        ahead.commas();
        while let Some(parameter) = ahead.parameter()? {
            parameters.push(parameter);
            self.0 = ahead.0;
            ahead.comma_or_end()?;
            ahead.commas();
            if parameters.len() > MAX_PARAMETERS {
                return None;
            }
        }
        Some(parameters)
    }

    /// RFC 9110 11.2, `auth-param`. `Some(None)`: the next thing is none, but a scheme or the end.
    fn parameter(&mut self) -> Option<Option<(String, String)>> {
        let mut ahead = Reader(self.0);
        let Some(name) = ahead.token() else { return Some(None) };
        ahead.blanks();
        if !ahead.take('=') {
            return Some(None);
        }
        ahead.blanks();
        let value = if ahead.0.starts_with('"') { ahead.quoted()? } else { ahead.token()?.to_owned() };
        *self = ahead;
        Some(Some((name.to_ascii_lowercase(), value)))
    }

    /// RFC 9110 5.6.4.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut rest = self.0.strip_prefix('"')?.chars();
        loop {
            match rest.next()? {
                '"' => break,
                '\\' => text.push(rest.next()?),
                c => text.push(c),
            }
        }
        self.0 = rest.as_str();
        Some(text)
    }

    /// RFC 9110 11.2: true, and taken, when nothing but it stands before the next comma. `a=` is one, and
    /// `a=b` is none.
    fn token68(&mut self) -> bool {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = self.0.trim_start_matches(is_inner);
        let mut after = Reader(rest.trim_start_matches('='));
        let found = rest.len() < self.0.len() && after.comma_or_end().is_some();
        if found {
            *self = after;
        }
        found
    }

    /// RFC 9110 5.6.2.
    fn token(&mut self) -> Option<&'a str> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (end > 0).then_some(token)
    }

    /// RFC 9110 5.6.3; true when there were any.
    fn blanks(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    /// Commas and blanks, any number.
    fn commas(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', ',']);
    }

    /// Blanks, and then a comma, which stays, or the end.
    fn comma_or_end(&mut self) -> Option<()> {
        self.blanks();
        (self.0.is_empty() || self.0.starts_with(',')).then_some(())
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a vector says of a challenge: only what is there.
    fn shown(challenge: &Challenge) -> Value {
        let all = json!({
            "scheme": challenge.scheme,
            "realm": challenge.realm,
            "error": challenge.error,
            "error_description": challenge.error_description,
            "error_uri": challenge.error_uri,
            "scope": challenge.scope,
            "claims": challenge.claims,
            "claims_json": challenge.claims_json(),
            "resource_metadata": challenge.resource_metadata.as_ref().map(Url::as_str),
            "others": if challenge.others.is_empty() { Value::Null } else { json!(challenge.others) },
            "remedy": challenge.remedy().map(|remedy| match remedy {
                Remedy::FreshToken => "fresh_token",
                Remedy::WiderLogin { .. } => "wider_login",
                Remedy::Claims(_) => "claims",
                Remedy::Nonce => "nonce",
            }),
        });
        let Value::Object(members) = all else { unreachable!() };
        members.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    #[test]
    fn vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/challenge.json")).unwrap();
        assert!(cases.len() >= 50);
        for case in &cases {
            let headers: Vec<String> = serde_json::from_value(case["headers"].clone()).unwrap();
            let challenges = Challenge::parse_all(&headers);
            let seen: Vec<_> = challenges.iter().map(shown).collect();
            assert_eq!(json!(seen), case["challenges"], "{}", case["name"]);
            assert!(!format!("{challenges:?}").contains("canary"), "{}", case["name"]);
        }
    }

    #[test]
    fn a_header_has_an_end() {
        let long = format!("Bearer realm=\"{}\"", "a".repeat(MAX_HEADER));
        assert_eq!(Challenge::parse_all([long.as_str(), "Basic"]).len(), 1);
        assert_eq!(Challenge::parse_all(vec!["Basic, Bearer"; 100]).len(), MAX_CHALLENGES);
        assert_eq!(Challenge::parse_all(["Basic, ".repeat(100)]).len(), MAX_CHALLENGES);
        let many = |count| (0..count).fold("Basic ".to_owned(), |all, at| format!("{all}p{at}=1, "));
        assert_eq!(Challenge::parse_all([many(MAX_PARAMETERS)])[0].others.len(), MAX_PARAMETERS);
        assert_eq!(Challenge::parse_all([many(MAX_PARAMETERS + 1)]), []);
        let claims = format!("Bearer claims=\"{}\"", "a".repeat(MAX_CLAIMS + 1));
        assert_eq!(Challenge::parse_all([claims])[0].claims, None);
    }

    #[test]
    fn headers_are_taken_as_the_http_crate_has_them() {
        let mut headers = http::HeaderMap::new();
        headers.append("www-authenticate", "Basic realm=a".parse().unwrap());
        headers.append("www-authenticate", http::HeaderValue::from_bytes(b"Bearer realm=\"\xe9\"").unwrap());
        headers.append("www-authenticate", "Bearer".parse().unwrap());
        let schemes = Challenge::parse_all(headers.get_all("www-authenticate"));
        assert_eq!(schemes.iter().map(|c| c.scheme.as_str()).collect::<Vec<_>>(), ["basic", "bearer"]);
    }
}
