//! What goes wrong, when, and how often. The same JSON comes from a script file, from a library call and from
//! `POST /_control/faults`:
//!
//! ```json
//! {"endpoint": "token", "grant_type": "refresh_token", "skip": 1, "times": 2, "action": {"type": "drop_after"}}
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::mutation::Mutation;
use crate::request::Endpoint;

/// A fault: which requests it strikes, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint it waits at.
    #[serde(default = "any_endpoint")]
    pub endpoint: Endpoint,
    /// Only requests with this `grant_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// Only requests for scopes of this resource, as Entra's scopes name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Only requests with exactly this path, such as one of several places for metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// So many such requests pass before it strikes.
    #[serde(default)]
    pub skip: u32,
    /// So many requests it strikes; then it is gone.
    #[serde(default = "once")]
    pub times: u32,
    /// What it does.
    pub action: Action,
}

/// What a fault does to a request. Written with a `type`, in snake case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Waits; the answer itself is good.
    Delay {
        /// For how long.
        milliseconds: u64,
        /// Before or after the request is processed.
        #[serde(default)]
        when: When,
    },
    /// Closes the connection; nothing is processed.
    DropBefore,
    /// Processes the request to the end (a refresh token is rotated), then closes the connection.
    DropAfter,
    /// Answers with exactly this.
    Reply {
        /// The status.
        status: u16,
        /// Header names and values.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body, sent as it stands.
        #[serde(default)]
        body: String,
        /// The body is base64 of bytes that no JSON string can hold.
        #[serde(default)]
        base64: bool,
        /// Instead of processing the request, or after it (a gateway that lost the answer).
        #[serde(default)]
        when: When,
    },
    /// Answers 200 with JSON that does not end before so many MiB; nothing is processed.
    HugeBody {
        /// How much.
        mebibytes: usize,
    },
    /// Sends the body one byte at a time.
    SlowBody {
        /// The pause before each byte.
        interval_milliseconds: u64,
        /// This body, with nothing processed; without it, the good answer.
        #[serde(default)]
        body: Option<String>,
    },
    /// Redirects; nothing is processed.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where to.
        location: String,
    },
    /// Answers that there are too many requests (RFC 6585, section 4); nothing is processed.
    Throttle {
        /// `Retry-After` in seconds; left out when absent.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
        /// Written as an HTTP date instead (RFC 9110, section 10.2.3).
        #[serde(default)]
        as_date: bool,
        /// 429 unless it says otherwise, such as 503.
        #[serde(default = "too_many_requests")]
        status: u16,
    },
    /// Processes the request and changes the JSON of a good answer.
    Mutate(Mutation),
    /// A device poll is told to slow down (RFC 8628, section 3.5).
    SlowDown {
        /// The new interval in seconds, told in the answer as GitHub does; without it five seconds are added.
        #[serde(default)]
        interval: Option<u64>,
    },
    /// A device code ends before its time.
    ExpiredToken,
    /// From now on resources refuse a token that was not asked for with these claims (`insufficient_claims`).
    Challenge {
        /// The claims, as JSON. A client may send more.
        claims: Map<String, Value>,
        /// Challenges that stand before this one, each in a `WWW-Authenticate` header of its own.
        #[serde(default)]
        beside: Vec<String>,
    },
    /// Answers with an OAuth error in the form of the dialect; nothing is processed.
    Error {
        /// The status.
        #[serde(default = "bad_request")]
        status: u16,
        /// `error`.
        error: String,
        /// `error_description`.
        #[serde(default)]
        description: String,
        /// `error_codes`, in the Entra dialect.
        #[serde(default)]
        numbers: Vec<u32>,
        /// `suberror`.
        #[serde(default)]
        suberror: Option<String>,
        /// `error_subcode`, in an answer that goes to a redirect URI.
        #[serde(default)]
        subcode: Option<String>,
        /// `claims`, a claims challenge as JSON in a string.
        #[serde(default)]
        claims: Option<String>,
    },
}

/// On which side of the processing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before it, or instead of it.
    #[default]
    Before,
    /// After it: the server has acted, the client may not know.
    After,
}

impl Fault {
    /// Strikes the next request at this endpoint, once.
    #[must_use]
    pub fn new(endpoint: Endpoint, action: Action) -> Self {
        Self { endpoint, grant_type: None, resource: None, path: None, skip: 0, times: 1, action }
    }

    /// Only requests with this `grant_type`.
    #[must_use]
    pub fn grant_type(self, grant_type: &str) -> Self {
        Self { grant_type: Some(grant_type.into()), ..self }
    }

    /// Only requests for scopes of this resource.
    #[must_use]
    pub fn resource(self, resource: &str) -> Self {
        Self { resource: Some(resource.into()), ..self }
    }

    /// So many pass first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// So many are struck.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

impl Action {
    /// The `type`.
    pub(crate) fn name(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        written["type"].as_str().unwrap_or_default().into()
    }
}

fn any_endpoint() -> Endpoint {
    Endpoint::Any
}

fn once() -> u32 {
    1
}

fn too_many_requests() -> u16 {
    429
}

fn bad_request() -> u16 {
    400
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Result<Fault, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn every_action_is_read_by_its_name() {
        for action in [
            json!({"type": "delay", "milliseconds": 5, "when": "after"}),
            json!({"type": "drop_before"}),
            json!({"type": "drop_after"}),
            json!({"type": "reply", "status": 400}),
            json!({"type": "reply", "status": 403, "headers": [["X-A", "b"]], "body": "{}", "when": "after"}),
            json!({"type": "huge_body", "mebibytes": 2}),
            json!({"type": "slow_body", "interval_milliseconds": 5}),
            json!({"type": "redirect", "status": 307, "location": "http://127.0.0.1/"}),
            json!({"type": "throttle", "retry_after_seconds": 7, "as_date": true}),
            json!({"type": "mutate", "set": {"expires_in": "3600"}}),
            json!({"type": "slow_down", "interval": 9}),
            json!({"type": "expired_token"}),
            json!({"type": "challenge", "claims": {"access_token": {}}, "beside": ["Basic"]}),
            json!({"type": "error", "error": "invalid_grant", "suberror": "bad_token"}),
        ] {
            let fault = read(json!({"action": action})).unwrap();
            assert_eq!(
                (fault.endpoint, fault.times, fault.action.name().as_str()),
                (Endpoint::Any, 1, action["type"].as_str().unwrap())
            );
            assert_eq!(read(serde_json::to_value(&fault).unwrap()).unwrap(), fault);
        }
    }

    #[test]
    fn a_misspelled_script_is_refused() {
        for wrong in [
            json!({"action": {"type": "drop"}}),
            json!({"endpoint": "tokens", "action": {"type": "drop_after"}}),
            json!({"action": {"type": "delay", "milliseconds": 5, "wen": "after"}}),
            json!({"action": {"type": "mutate", "sets": {}}}),
            json!({"action": {"type": "challenge", "claims": "{}"}}),
            json!({"skips": 1, "action": {"type": "drop_after"}}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
