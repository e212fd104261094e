//! The claims that a resource demands of an access token (Microsoft's claims challenge, in the form of OpenID
//! Connect Core, section 5.5), and whether a token was asked for with them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// What a resource demands until the server stops.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) claims: Map<String, Value>,
    /// Challenges that stand before the demand, each in a header of its own.
    pub(crate) beside: Vec<String>,
}

impl Demand {
    /// Was a token asked for with all of the claims? A client may send more, such as its own capabilities.
    pub(crate) fn is_met_by(&self, sent: Option<&str>) -> bool {
        are_sent(&self.claims, sent)
    }

    /// The values of the `WWW-Authenticate` headers.
    pub(crate) fn challenges(&self, base: &str) -> Vec<String> {
        let claims = STANDARD.encode(json!(self.claims).to_string());
        let demanded = format!(
            "Bearer realm=\"\", authorization_uri=\"{base}/authorize\", error=\"insufficient_claims\", \
             claims=\"{claims}\""
        );
        self.beside.iter().cloned().chain([demanded]).collect()
    }
}

/// Are all of these claims in what was sent?
pub(crate) fn are_sent(claims: &Map<String, Value>, sent: Option<&str>) -> bool {
    let sent: Option<Map<String, Value>> = sent.and_then(|sent| serde_json::from_str(sent).ok());
    sent.is_some_and(|sent| all_held(&sent, claims))
}

/// Objects hold each other member by member; anything else must be the same.
fn holds(sent: &Value, demanded: &Value) -> bool {
    match (sent, demanded) {
        (Value::Object(sent), Value::Object(demanded)) => all_held(sent, demanded),
        _ => sent == demanded,
    }
}

fn all_held(sent: &Map<String, Value>, demanded: &Map<String, Value>) -> bool {
    demanded.iter().all(|(name, value)| sent.get(name).is_some_and(|sent| holds(sent, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(claims: Value, beside: &[&str]) -> Demand {
        let Value::Object(claims) = claims else { unreachable!("claims are an object") };
        Demand { claims, beside: beside.iter().map(|value| (*value).into()).collect() }
    }

    #[test]
    fn more_may_be_sent_and_nothing_less() {
        let demand = demand(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}), &[]);
        for (sent, met) in [
            (Some(r#"{"access_token":{"nbf":{"value":"1","essential":true}}}"#), true),
            (
                Some(
                    r#"{"access_token":{"nbf":{"essential":true,"value":"1"},"xms_cc":{"values":["cp1"]}}}"#,
                ),
                true,
            ),
            (Some(r#"{"access_token":{"nbf":{"essential":true,"value":"2"}}}"#), false),
            (Some(r#"{"access_token":{}}"#), false),
            (Some("not JSON"), false),
            (None, false),
        ] {
            assert_eq!(demand.is_met_by(sent), met, "{sent:?}");
        }
    }

    #[test]
    fn the_demand_stands_last() {
        let demand = demand(json!({"a": 1}), &["Basic realm=\"x\""]);
        let challenges = demand.challenges("http://localhost");
        assert_eq!(challenges[0], "Basic realm=\"x\"");
        assert!(
            challenges[1].ends_with(r#"error="insufficient_claims", claims="eyJhIjoxfQ==""#),
            "{challenges:?}"
        );
    }
}
