//! What an authorization server says when it refuses: RFC 6749 4.1.2.1 and 5.2, with the members that
//! Microsoft adds, and what kind of error that is here.
//!
//! The kind is chosen by `error`, `suberror` and `claims` alone. Microsoft's numbers are for people: it
//! changes them, and gives several causes the same one. `error` is compared to the letter (RFC 6749 1.9).
//!
//! A description may quote what was sent, a refresh token for one, and ends up in logs and terminals.
//!
//! May not enter: a text that could carry a token. Every text is cleaned when it is taken in, so that
//! no later place can forget to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::aadsts::advised_in_general;
use super::body::{Unreadable, read, text};
use super::id_token::is_guid;
use crate::error::{Error, ErrorKind, LoginReason, ServerError, one_line};
use crate::secret::Secret;

/// Codes that a server may say in a member called `message`, with blanks or as they are.
const IN_WORDS: [&str; 6] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "invalid_grant",
    "invalid_refresh_token",
    "slow_down",
];
/// A longer run of the characters of base64 is taken for a token. A GUID has 36.
const TOKEN_RUN: usize = 40;
/// What stands in the place of something that was taken out.
const REDACTED: &str = "[redacted]";
/// A shorter piece of a secret is a word like any other.
const MIN_PIECE: usize = 4;
/// What a person reads of a description.
pub(super) const MAX_MESSAGE: usize = 300;
/// What is kept of a description, for a support request.
const MAX_DESCRIPTION: usize = 1000;
/// What is kept of a name, a number in a string, a trace id.
const MAX_WORD: usize = 100;
/// A claims challenge goes back to the server in a URL: a longer one cannot be used anyway.
pub(super) const MAX_CLAIMS: usize = 8 * 1024;

/// RFC 6749 4.1.2.1 and 5.2: an error response, cleaned. A record may keep it, so its members' names are a
/// promise; those that are unknown or absent do no harm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OauthError {
    /// RFC 6749 5.2 `error`.
    pub error: String,
    /// RFC 6749 5.2 `error_description`.
    pub description: Option<String>,
    /// RFC 6749 5.2 `error_uri`.
    pub uri: Option<String>,
    /// Microsoft's finer division of `error`.
    pub suberror: Option<String>,
    /// Microsoft's numbers. For people: nothing branches on them.
    pub error_codes: Vec<u64>,
    /// Microsoft's trace id, which its support asks for.
    pub trace_id: Option<String>,
    /// Microsoft's correlation id, which its support asks for.
    pub correlation_id: Option<String>,
    /// Microsoft's claims challenge: to be sent with the next authorization request, as it is.
    pub claims: Option<String>,
}

/// The members of an error body. All are of any type: an error is worth reading even when it is odd.
#[derive(Deserialize)]
struct Members {
    error: Option<Value>,
    error_description: Option<Value>,
    error_uri: Option<Value>,
    message: Option<Value>,
    suberror: Option<Value>,
    error_codes: Option<Value>,
    trace_id: Option<Value>,
    correlation_id: Option<Value>,
    claims: Option<Value>,
}

impl OauthError {
    /// RFC 6749 4.1.2.1: an error as it comes back through the browser. Every text for people is
    /// cleaned here, and both ways in lead through here. `claims` is for the server, and stays as it is.
    pub(super) fn new(
        error: &str,
        description: Option<String>,
        uri: Option<String>,
        suberror: Option<String>,
        claims: Option<String>,
    ) -> Self {
        let description = description.map(|text| clean(&text, MAX_DESCRIPTION));
        OauthError {
            error: clean(error, MAX_WORD),
            trace_id: description.as_deref().and_then(|text| named_guid(text, "Trace ID: ")),
            correlation_id: description.as_deref().and_then(|text| named_guid(text, "Correlation ID: ")),
            description,
            uri: uri.map(|text| clean(&text, MAX_MESSAGE)),
            suberror: suberror.map(|text| clean(&text, MAX_WORD)),
            claims: claims.filter(|claims| claims.len() <= MAX_CLAIMS),
            ..OauthError::default()
        }
    }

    /// RFC 6749 5.2: the error in a body, if it names one. Some servers write `"error": null`, `""` or
    /// `0` into a success.
    pub(super) fn from_body(content_type: Option<&str>, body: &[u8]) -> Result<Option<Self>, Unreadable> {
        let members: Members = read(content_type, body)?;
        let in_message = text(members.message).and_then(|message| code_in_words(&message));
        // Some servers put an object here, in the manner of their other APIs.
        let (error, description) = match members.error {
            Some(Value::Object(mut object)) => {
                let name =
                    ["error", "code", "status", "type"].into_iter().find_map(|key| match object.get(key) {
                        Some(Value::String(name)) if !name.is_empty() => Some(name.clone()),
                        _ => None,
                    });
                (name.unwrap_or_else(|| "unspecified".to_owned()), text(object.remove("message")))
            }
            Some(Value::Number(number)) if number.as_f64() != Some(0.0) => (number.to_string(), None),
            Some(Value::Bool(true)) | Some(Value::Array(_)) => ("unspecified".to_owned(), None),
            other => match (in_message, text(other)) {
                // Twitch has the status' words where the code belongs, and the code in its message.
                (Some(code), None) => (code.to_owned(), None),
                (Some(code), Some(words)) if words.contains(|c: char| c == ' ' || c.is_ascii_uppercase()) => {
                    (code.to_owned(), Some(words))
                }
                (_, Some(error)) => (error, None),
                (None, None) => return Ok(None),
            },
        };
        let claims = match members.claims {
            Some(claims @ Value::Object(_)) => Some(claims.to_string()),
            other => text(other),
        };
        let word = |member| text(member).map(|text| clean(&text, MAX_WORD));
        let description = text(members.error_description).or(description);
        let said =
            OauthError::new(&error, description, text(members.error_uri), text(members.suberror), claims);
        Ok(Some(OauthError {
            error_codes: numbers(members.error_codes),
            trace_id: word(members.trace_id).or(said.trace_id.clone()),
            correlation_id: word(members.correlation_id).or(said.correlation_id.clone()),
            ..said
        }))
    }

    /// Takes a secret out of every text.
    pub(super) fn remove(&mut self, secret: &Secret) {
        let texts = [
            Some(&mut self.error),
            self.description.as_mut(),
            self.uri.as_mut(),
            self.suberror.as_mut(),
            self.trace_id.as_mut(),
            self.correlation_id.as_mut(),
            self.claims.as_mut(),
        ];
        for text in texts.into_iter().flatten() {
            if text.contains(secret.expose()) {
                *text = text.replace(secret.expose(), REDACTED);
            }
            // Shortening may have cut it in two.
            if let Some(at) = cut_piece(text, secret.expose()) {
                text.truncate(at);
                text.push_str(REDACTED);
            }
        }
    }

    /// What kind of error this is: RFC 6749 4.1.2.1 and 5.2, RFC 8628 3.5, RFC 8707 2, OIDC Core 3.1.2.6.
    ///
    /// Few names end a login. A name that is not known is a refusal that a person must look at,
    /// never a reason to throw a grant away.
    pub fn kind(&self) -> ErrorKind {
        let ended = ErrorKind::LoginRequired { reason: LoginReason::GrantEnded };
        // Microsoft's words for what a person, or their administrator, can put right: the grant lives on.
        let remediable =
            matches!(self.suberror.as_deref(), Some("basic_action" | "additional_action" | "message_only"));
        match self.error.as_str() {
            "access_denied" | "authorization_declined" => ErrorKind::AccessDenied,
            "temporarily_unavailable" | "server_error" => ErrorKind::Network,
            "slow_down" => ErrorKind::Throttled { retry_at: None },
            "invalid_client"
            | "unauthorized_client"
            | "invalid_request"
            | "invalid_scope"
            | "invalid_target"
            | "unsupported_grant_type"
            | "unsupported_response_type"
            | "unsupported_token_type" => ErrorKind::ProviderRejected,
            // A challenge says what the next login must carry; without it that login would fail again.
            _ if self.claims.is_some() => ErrorKind::InteractionRequired { claims: self.claims.clone() },
            "interaction_required" => ErrorKind::InteractionRequired { claims: None },
            // The grant lives on, it only does not reach this far: no reason to end it.
            "consent_required" => ErrorKind::ConsentRequired,
            _ if self.suberror.as_deref() == Some("consent_required") => ErrorKind::ConsentRequired,
            "invalid_grant" if remediable => ErrorKind::InteractionRequired { claims: None },
            "login_required" | "account_selection_required" => ended,
            // GitHub and Slack have names of their own for a refresh token that is no longer good.
            "invalid_grant" | "bad_refresh_token" | "invalid_refresh_token" => ended,
            _ => ErrorKind::ProviderRejected,
        }
    }

    /// The error for a caller; `context` says in a few words what was refused. The message has the first
    /// sentence of the description; the rest is in [`Error::server`]. The help explains a code that is known.
    pub fn to_error(&self, context: &str) -> Error {
        let mut message = format!("{context}: {}", self.error);
        if let Some(description) = &self.description {
            message.push_str(": ");
            message.push_str(first_sentence(description));
        }
        let error = Error::new(self.kind(), shortened(&message, MAX_MESSAGE)).with_server(self.said());
        advised_in_general(error)
    }

    /// What is kept of it for people and for support requests.
    pub fn said(&self) -> ServerError {
        ServerError {
            error: self.error.clone(),
            description: self.description.as_deref().map(|text| shortened(text, MAX_MESSAGE)),
            suberror: self.suberror.clone(),
            error_codes: self.error_codes.clone(),
            trace_id: self.trace_id.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }
}

/// `error_codes`: numbers, numbers in strings, or one of either without its list.
fn numbers(member: Option<Value>) -> Vec<u64> {
    let list = match member {
        Some(Value::Array(list)) => list,
        Some(single) => vec![single],
        None => Vec::new(),
    };
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    list.iter().filter_map(number).take(10).collect()
}

/// The GUID behind `name`: through the browser Microsoft's ids come in the description alone.
fn named_guid(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next().filter(|word| is_guid(word)).map(str::to_owned)
}

/// Foreign text made fit for an error: one line, without what may be a token, not too long.
pub(super) fn clean(text: &str, max: usize) -> String {
    shortened(&redacted(&one_line(text)), max)
}

/// Takes out every run of 40 or more characters that a token could be made of. An address is such a run
/// only when a part of it is: scopes are addresses, and a person wants to read which one it was.
fn redacted(text: &str) -> String {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "-_+/=.~!*$%".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_token_char) {
        let run = &rest[start..];
        let run = &run[..run.find(|c| !is_token_char(c)).unwrap_or(run.len())];
        out.push_str(&rest[..start]);
        let address = run.starts_with("//") && (out.ends_with("https:") || out.ends_with("http:"));
        let parts = run.split(|c| address && matches!(c, '/' | '.'));
        let longest = parts.map(str::len).max().unwrap_or(0);
        out.push_str(if longest >= TOKEN_RUN { REDACTED } else { run });
        rest = &rest[start + run.len()..];
    }
    out.push_str(rest);
    out
}

/// Where the beginning of `secret` stands at the end of a text that was shortened there.
fn cut_piece(text: &str, secret: &str) -> Option<usize> {
    let kept = text.strip_suffix('…')?;
    let lengths = (MIN_PIECE..secret.len().min(kept.len() + 1)).rev();
    let piece = lengths.filter_map(|length| secret.get(..length)).find(|piece| kept.ends_with(piece))?;
    Some(kept.len() - piece.len())
}

/// Up to the end of the first sentence: the rest of Microsoft's texts is ids and timestamps.
fn first_sentence(text: &str) -> &str {
    let end = text
        .match_indices(['.', '!', '?'])
        .find(|(at, _)| matches!(text.as_bytes().get(at + 1), None | Some(b' ')));
    end.map_or(text, |(at, _)| &text[..at])
}

/// At most `max` characters, the last of them an ellipsis when something is missing.
fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}

/// The code of RFC 6749 5.2 or RFC 8628 3.5 that a message consists of: `Invalid refresh token`.
fn code_in_words(message: &str) -> Option<&'static str> {
    let code = message.trim().to_ascii_lowercase().replace(' ', "_");
    IN_WORDS.into_iter().find(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::super::aadsts;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vectors() {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/vectors/oauth_error.json")).unwrap();
        assert!(cases.len() >= 30);
        for case in &cases {
            let name = &case["name"];
            let body = case["body"].to_string();
            let Some(error) = OauthError::from_body(None, body.as_bytes()).unwrap() else {
                assert!(case["kind"].is_null(), "{name}");
                continue;
            };
            let made = error.to_error("the refresh was refused");
            assert_eq!(made.code(), case["kind"], "{name}");
            if let ErrorKind::InteractionRequired { claims } = made.kind() {
                assert_eq!(claims.as_deref(), case["claims"].as_str(), "{name}");
            }
            if let Some(message) = case["message"].as_str() {
                assert_eq!(made.message(), message, "{name}");
            }
            if let Some(codes) = case.get("error_codes") {
                assert_eq!(&serde_json::to_value(&error.error_codes).unwrap(), codes, "{name}");
            }
            let shown = format!("{made} {made:?} {error:?} {:?}", made.server());
            assert!(!shown.contains("canary") && !shown.contains('\n'), "{name}: {shown}");
            assert!(made.message().chars().count() <= MAX_MESSAGE, "{name}");
        }
    }

    #[test]
    fn the_ids_are_found_in_the_description_when_they_come_in_no_member() {
        let (trace, correlation) =
            ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000");
        let text = format!("AADSTS65004: No. Trace ID: {trace} Correlation ID: {correlation} Timestamp: x");
        let said = OauthError::new("access_denied", Some(text.clone()), None, None, None).said();
        assert_eq!(
            (said.trace_id.as_deref(), said.correlation_id.as_deref()),
            (Some(trace), Some(correlation))
        );
        // The member counts, and what is no id is none.
        let body = serde_json::json!({"error": "e", "error_description": text, "trace_id": "t1"}).to_string();
        let said = OauthError::from_body(None, body.as_bytes()).unwrap().unwrap().said();
        assert_eq!(
            (said.trace_id.as_deref(), said.correlation_id.as_deref()),
            (Some("t1"), Some(correlation))
        );
        let odd = OauthError::new("e", Some("Trace ID: Correlation ID: x".to_owned()), None, None, None);
        assert_eq!((odd.trace_id, odd.correlation_id), (None, None));
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out() {
        let token = "canary-eyJ0eXAi.".repeat(3);
        assert_eq!(clean(&format!("got '{token}', sorry"), 100), "got '[redacted]', sorry");
        assert_eq!(
            clean("id 11111111-2222-3333-4444-555555555555", 100),
            "id 11111111-2222-3333-4444-555555555555"
        );
        assert_eq!(clean(&"é ".repeat(400), 10).chars().count(), 10);
        let scope = "scope 'https://outlook.office365.com/IMAP.AccessAsUser.All' is not valid";
        assert_eq!(clean(scope, 100), scope);
        assert_eq!(clean(&format!("https://as.example/{}", "a".repeat(40)), 100), "https:[redacted]");
    }

    #[test]
    fn a_secret_goes_wherever_it_is_quoted() {
        // Shortened before anybody knew the secret: its first letters are the last that are kept.
        for before in 0..2 * MAX_DESCRIPTION {
            let text = format!("{} canary-short-token, sorry", "a ".repeat(before / 2));
            let mut error = OauthError::new("invalid_grant", Some(text), None, None, None);
            error.remove(&Secret::new("canary-short-token"));
            assert!(!error.description.as_ref().unwrap().contains("cana"), "{before}: {error:?}");
        }
        let mut error = OauthError::new("e", Some("a".to_owned()), None, None, None);
        error.remove(&Secret::new("é"));
        assert_eq!(error.description.as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn no_number_steers_the_kind(
            error in "invalid_grant|interaction_required|invalid_client|invalid_request|odd",
            suberror in proptest::option::of("consent_required|bad_token|basic_action|message_only"),
            claims in proptest::option::of("c1"),
            unknown in 16_000_u64..=9_999_999,
        ) {
            let plain = OauthError { error, suberror, claims, ..OauthError::default() };
            for number in aadsts::codes().chain([unknown]) {
                let numbered = OauthError {
                    error_codes: vec![number],
                    description: Some(format!("AADSTS{number}: Something happened. Trace ID: x")),
                    ..plain.clone()
                };
                prop_assert_eq!(plain.kind(), numbered.kind());
                let made = numbered.to_error("x");
                prop_assert_eq!(made.kind(), &plain.kind());
            }
        }

        #[test]
        fn cleaning_never_panics_and_keeps_to_its_limit(text in "\\PC*", max in 1_usize..50) {
            prop_assert!(clean(&text, max).chars().count() <= max);
        }
    }
}
