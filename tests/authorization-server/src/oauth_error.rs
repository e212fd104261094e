//! An error response and the two ways to write it down (RFC 6749, section 5.2; Entra adds numbers and ids).

use serde_json::{Map, Value, json};

use crate::clock;
use crate::options::Dialect;

/// An error response (RFC 6749, section 5.2) with what Entra adds to one.
#[derive(Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) description: String,
    /// `error_codes`.
    pub(crate) numbers: Vec<u32>,
    pub(crate) suberror: Option<String>,
    /// `error_subcode`, where the error is sent to a redirect URI.
    pub(crate) subcode: Option<String>,
    pub(crate) claims: Option<String>,
}

/// The ids by which Entra's support finds a request.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) trace_id: String,
    /// The client's own `client-request-id` where it sent one.
    pub(crate) correlation_id: String,
    pub(crate) unix_seconds: u64,
}

impl OAuthError {
    /// The sentence for people: plain, or with the AADSTS number in front and the ids behind.
    pub(crate) fn text(&self, dialect: Dialect, trace: &Trace) -> String {
        match (dialect, self.numbers.first()) {
            (Dialect::Plain, _) => self.description.clone(),
            (Dialect::Entra, number) => format!(
                "{}{} Trace ID: {} Correlation ID: {} Timestamp: {}",
                number.map(|number| format!("AADSTS{number}: ")).unwrap_or_default(),
                self.description,
                trace.trace_id,
                trace.correlation_id,
                clock::entra_timestamp(trace.unix_seconds)
            ),
        }
    }

    /// The JSON body.
    pub(crate) fn body(&self, dialect: Dialect, trace: &Trace) -> Value {
        let mut body = Map::new();
        body.insert("error".into(), json!(self.error));
        body.insert("error_description".into(), json!(self.text(dialect, trace)));
        if dialect == Dialect::Entra {
            body.insert("error_codes".into(), json!(self.numbers));
            body.insert("timestamp".into(), json!(clock::entra_timestamp(trace.unix_seconds)));
            body.insert("trace_id".into(), json!(trace.trace_id));
            body.insert("correlation_id".into(), json!(trace.correlation_id));
            if let Some(number) = self.numbers.first() {
                let uri = format!("https://login.microsoftonline.com/error?code={number}");
                body.insert("error_uri".into(), json!(uri));
            }
        }
        for (name, value) in [("suberror", &self.suberror), ("claims", &self.claims)] {
            if let Some(value) = value {
                body.insert(name.into(), json!(value));
            }
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;

    fn trace() -> Trace {
        Trace { trace_id: "t".into(), correlation_id: "c".into(), unix_seconds: 1_601_934_498 }
    }

    #[test]
    fn a_plain_error_has_two_members() {
        let error = Refusal::DeviceDeclined.error(Dialect::Plain);
        let expected =
            json!({"error": "access_denied", "error_description": "The person declined the device."});
        assert_eq!((error.status, error.body(Dialect::Plain, &trace())), (400, expected));
    }

    #[test]
    fn an_entra_error_has_all_its_members() {
        let mut error = Refusal::RefreshTokenRevoked.error(Dialect::Entra);
        error.suberror = Some("bad_token".into());
        error.claims = Some("{}".into());
        let expected = json!({
            "error": "invalid_grant",
            "error_description": "AADSTS50173: The grant was revoked; a new sign-in is needed. \
                Trace ID: t Correlation ID: c Timestamp: 2020-10-05 21:48:18Z",
            "error_codes": [50173],
            "timestamp": "2020-10-05 21:48:18Z",
            "trace_id": "t",
            "correlation_id": "c",
            "error_uri": "https://login.microsoftonline.com/error?code=50173",
            "suberror": "bad_token",
            "claims": "{}",
        });
        assert_eq!(error.body(Dialect::Entra, &trace()), expected);
    }
}
