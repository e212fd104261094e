//! Device authorization, RFC 8628: the request for a pair of codes, its answer, and what one poll of the
//! token endpoint means. The poll itself is a [`super::TokenRequest`].
//!
//! May not enter: the loop, its clock, and the showing of the code.

use http::Request;
use oauth2::{DeviceAuthorizationUrl, Scope, StandardDeviceAuthorizationResponse};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::body::{read, seconds, text};
use super::client_auth::Client;
use super::dialect::TokenDialect;
use super::endpoint_error::{TokenEndpointError, check_accepted, unusable};
use super::form::{capture, captured, oauth2_client, permitted};
use super::oauth_error::OauthError;
use super::spoken::with_parameter_renamed;
use super::token_endpoint::{TokenResponse, TokenType, parse_token_response, token};
use crate::error::{Result, one_line};
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// Seconds that the codes live when the server does not say: RFC 8628 3.2 says it must, Entra's 15
/// minutes are the shortest that are common.
const DEFAULT_EXPIRES_IN: i64 = 900;
/// A day: nobody types a code for longer.
const MAX_EXPIRES_IN: i64 = 24 * 3600;
/// RFC 8628 3.2: "If no value is provided, clients MUST use 5 as the default."
const DEFAULT_INTERVAL: i64 = 5;
/// Five minutes: a server that wants more would keep a finished login waiting for good.
const MAX_INTERVAL: i64 = 300;
/// RFC 8628 6.1 has 8 characters in mind; servers stay below 20.
const MAX_USER_CODE: usize = 64;
/// A message is a sentence or two.
const MAX_MESSAGE: usize = 1000;

/// RFC 8628 3.1.
#[derive(Debug, Clone, Copy)]
pub struct DeviceAuthorizationRequest<'a> {
    /// RFC 8628 3.1, `device_authorization_endpoint` of RFC 8414.
    pub endpoint: &'a Url,
    /// Who asks.
    pub client: Client<'a>,
    /// RFC 6749 3.3. No `scope` parameter when there are none.
    pub scopes: &'a ScopeSet,
    /// A space by RFC 6749 3.3; some providers use a comma.
    pub scope_separator: char,
    /// What `scope` is called, when that is not its name.
    pub scope_parameter: Option<&'a str>,
    /// How the server differs from RFC 6749 in a request of RFC 8628.
    pub dialect: &'a TokenDialect,
    /// What the provider wants besides. Names that this request decides are left out.
    pub extra: &'a [(String, String)],
}

impl DeviceAuthorizationRequest<'_> {
    /// The request as it is sent.
    pub fn to_http(self) -> Result<Request<Vec<u8>>> {
        let endpoint = DeviceAuthorizationUrl::from_url(self.endpoint.clone());
        let client = oauth2_client(&self.client)?.set_device_authorization_url(endpoint);
        let mut request = client.exchange_device_code();
        if !self.scopes.is_empty() {
            // The crate joins with spaces; one joined "scope" keeps the provider's separator.
            request = request.add_scope(Scope::new(self.scopes.to_wire(self.scope_separator)));
        }
        // Before the RFC there were servers that had one endpoint for all, and told the requests apart by this name.
        let response_type = self.extra.iter().filter(|(name, _)| name == "response_type").cloned();
        for (name, value) in permitted(self.extra).chain(response_type) {
            request = request.add_extra_param(name, value);
        }
        let request = captured::<StandardDeviceAuthorizationResponse, _>(request.request(&capture))?;
        self.dialect.spoken(with_parameter_renamed(request, "scope", self.scope_parameter), &self.client)
    }
}

/// RFC 8628 3.2, with Microsoft's `message`.
#[derive(Debug, Clone)]
pub struct DeviceAuthorizationResponse {
    /// RFC 8628 3.2 `device_code`: ours to poll with, never shown (5.2).
    pub device_code: Secret,
    /// RFC 8628 3.2 `user_code`: printable ASCII, to be typed by a person.
    pub user_code: String,
    /// RFC 8628 3.2 `verification_uri`: an address for a browser.
    pub verification_uri: String,
    /// RFC 8628 3.2 `verification_uri_complete`: the same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// RFC 8628 3.2 `expires_in`, in seconds.
    pub expires_in: i64,
    /// RFC 8628 3.2 `interval`: the least number of seconds between two polls.
    pub interval: i64,
    /// Microsoft's instructions to the person, in one line.
    pub message: Option<String>,
}

/// The members that are read. Google's older answers say `url` for `uri`.
#[derive(Deserialize)]
struct Members {
    device_code: Option<Secret>,
    user_code: Option<Value>,
    verification_uri: Option<Value>,
    verification_url: Option<Value>,
    verification_uri_complete: Option<Value>,
    expires_in: Option<Value>,
    interval: Option<Value>,
    message: Option<Value>,
}

/// Reads the answer to a device authorization request (RFC 8628 3.2). What a person will see is checked
/// for what a terminal would not show as it is.
pub fn parse_device_authorization_response(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<DeviceAuthorizationResponse, TokenEndpointError> {
    check_accepted(status, content_type, body)?;
    let members: Members = read(content_type, body).map_err(|unreadable| unusable(status, unreadable))?;
    let malformed = |what| TokenEndpointError::Malformed { what, refresh_token: None };
    let is_shown =
        |code: &String| code.len() <= MAX_USER_CODE && code.bytes().all(|b| (0x20..=0x7e).contains(&b));
    Ok(DeviceAuthorizationResponse {
        device_code: token(members.device_code)
            .map_err(|_| malformed("its device_code is not a code"))?
            .ok_or(malformed("it has no device_code"))?,
        user_code: text(members.user_code)
            .map(|code| code.trim().to_owned())
            .filter(is_shown)
            .ok_or(malformed("it has no user_code that can be shown"))?,
        verification_uri: text(members.verification_uri)
            .or_else(|| text(members.verification_url))
            .and_then(browser_address)
            .ok_or(malformed("it has no verification_uri for a browser"))?,
        verification_uri_complete: text(members.verification_uri_complete).and_then(browser_address),
        expires_in: positive(members.expires_in).unwrap_or(DEFAULT_EXPIRES_IN).min(MAX_EXPIRES_IN),
        interval: interval(members.interval).unwrap_or(DEFAULT_INTERVAL),
        message: text(members.message).map(|text| one_line(&text).chars().take(MAX_MESSAGE).collect()),
    })
}

/// What one poll of the token endpoint says (RFC 8628 3.5).
#[derive(Debug, Clone)]
pub enum DevicePoll {
    /// The person has agreed.
    Granted(Box<TokenResponse>),
    /// `authorization_pending`: poll again after the interval.
    Pending,
    /// `slow_down`: as pending, with 5 seconds added to the interval for this and all later polls.
    SlowDown {
        /// GitHub names the new interval, in seconds.
        interval: Option<i64>,
    },
    /// `access_denied`: the person, or a policy, said no.
    Denied(Box<OauthError>),
    /// `expired_token`: the codes are too old.
    Expired(Box<OauthError>),
    /// Anything else. RFC 8628 3.5: no more polls, unless the error is one of the network.
    Failed(TokenEndpointError),
}

/// Reads one poll's answer (RFC 8628 3.5). Only `error` decides: the status is 400 by the RFC, 200 at
/// GitHub, 428 and 403 at Google.
pub fn classify_device_poll(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    scope_separator: char,
    dialect: &TokenDialect,
    wanted: TokenType,
) -> DevicePoll {
    let error = match parse_token_response(status, content_type, body, scope_separator, dialect, wanted) {
        Ok(response) => return DevicePoll::Granted(Box::new(response)),
        Err(TokenEndpointError::Oauth(error)) => error,
        // Too Many Requests (RFC 6585 4) says the same without OAuth's words.
        Err(TokenEndpointError::NotOauth { status: 429, .. }) => {
            return DevicePoll::SlowDown { interval: None };
        }
        // Precondition Required (RFC 6585 3) is Webex's word for it.
        Err(TokenEndpointError::NotOauth { status: 428, .. }) => return DevicePoll::Pending,
        Err(other) => return DevicePoll::Failed(other),
    };
    match error.error.as_str() {
        "authorization_pending" => DevicePoll::Pending,
        "slow_down" => DevicePoll::SlowDown { interval: named_interval(content_type, body) },
        // The second name is Microsoft's.
        "access_denied" | "authorization_declined" => DevicePoll::Denied(error),
        "expired_token" | "code_expired" => DevicePoll::Expired(error),
        // Microsoft's `bad_verification_code` among them: the code was never good.
        _ => DevicePoll::Failed(TokenEndpointError::Oauth(error)),
    }
}

fn named_interval(content_type: Option<&str>, body: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct SlowDown {
        interval: Option<Value>,
    }
    interval(read::<SlowDown>(content_type, body).ok()?.interval)
}

fn interval(member: Option<Value>) -> Option<i64> {
    positive(member).map(|seconds| seconds.min(MAX_INTERVAL))
}

fn positive(member: Option<Value>) -> Option<i64> {
    seconds(member.as_ref()).ok().flatten().filter(|seconds| *seconds > 0)
}

/// RFC 8628 3.2 and 5.4: an address that opens in a browser and reads as what it is. No blanks, no
/// other scheme, no user name that looks like a host, nothing but ASCII.
fn browser_address(address: String) -> Option<String> {
    let address = address.trim();
    let url = Url::parse(address).ok()?;
    let readable = address.len() <= 2048 && address.bytes().all(|b| b.is_ascii_graphic());
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let plain = url.username().is_empty() && url.password().is_none();
    (readable && web && plain).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ClientAuthentication, form};

    #[test]
    fn the_request_names_the_client_and_the_scopes() {
        let extra = [("audience", "x"), ("scope", "evil")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let authentication = ClientAuthentication::None;
        let request = DeviceAuthorizationRequest {
            endpoint: &Url::parse("https://as.example/device").unwrap(),
            client: Client { client_id: "c1", authentication, client_secret: None, client_assertion: None },
            scopes: &"repo gist".parse().unwrap(),
            scope_separator: ',',
            scope_parameter: None,
            dialect: &TokenDialect::default(),
            extra: &extra,
        };
        let request = request.to_http().unwrap();
        assert_eq!(request.uri(), "https://as.example/device");
        let expected = [("scope", "repo,gist"), ("client_id", "c1"), ("audience", "x")];
        assert_eq!(form::tests::pairs(&request), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/device_poll.json")).unwrap();
        assert!(cases.len() >= 35);
        for case in &cases {
            let name = &case["name"];
            let status = case["status"].as_u64().unwrap() as u16;
            let content_type = case["content_type"].as_str();
            let body = match &case["body"] {
                Value::String(text) => text.clone(),
                json => json.to_string(),
            };
            if let Some(expected) = case.get("authorization") {
                match parse_device_authorization_response(status, content_type, body.as_bytes()) {
                    Ok(answer) => {
                        assert_eq!(answer.device_code.expose(), "canary-device-code", "{name}");
                        let seen = serde_json::json!({
                            "user_code": answer.user_code,
                            "verification_uri": answer.verification_uri,
                            "verification_uri_complete": answer.verification_uri_complete,
                            "expires_in": answer.expires_in,
                            "interval": answer.interval,
                            "message": answer.message,
                        });
                        assert_eq!(&seen, expected, "{name}");
                        assert!(!format!("{answer:?}").contains("canary"), "{name}");
                    }
                    Err(error) => {
                        let seen = error.to_error("the request for a code").to_string();
                        assert_eq!(seen, expected.as_str().unwrap_or_default(), "{name}");
                        assert!(!format!("{error:?}").contains("canary"), "{name}");
                    }
                }
                continue;
            }
            let seen = match classify_device_poll(
                status,
                content_type,
                body.as_bytes(),
                ' ',
                &TokenDialect::default(),
                TokenType::Bearer,
            ) {
                DevicePoll::Granted(_) => "granted".to_owned(),
                DevicePoll::Pending => "pending".to_owned(),
                DevicePoll::SlowDown { interval: None } => "slow_down".to_owned(),
                DevicePoll::SlowDown { interval: Some(seconds) } => format!("slow_down {seconds}"),
                DevicePoll::Denied(_) => "denied".to_owned(),
                DevicePoll::Expired(_) => "expired".to_owned(),
                DevicePoll::Failed(error) => format!("failed {}", error.to_error("the poll").code()),
            };
            assert_eq!(seen, case["poll"], "{name}");
        }
    }
}
