//! The `claims` parameter: OIDC Core 5.5, with Microsoft's claims challenge and client capabilities.
//!
//! A challenge is a demand of the server's on the next access token, as JSON. What the client says that it can do
//! (`xms_cc`) is a claim of the access token too, and travels in the same parameter.

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind, Result};

/// The claims in the one form that can be compared: two programs may write one demand in two ways.
///
/// # Errors
/// `config_invalid` when they are not a JSON object.
pub fn settled(claims: &str) -> Result<String> {
    members(claims).map(|members| Value::from(members).to_string())
}

/// The value of the `claims` parameter: `challenge` with the client's `capabilities` in it, as
/// `{"access_token":{"xms_cc":{"values":["cp1"]}}}`. `None` when there is neither. What else the challenge wants of
/// the access token stays; a capability that it names itself gives way to those of the client, who alone knows them.
///
/// # Errors
/// `config_invalid` when there are capabilities and the challenge cannot take them: it is not a JSON object, or
/// its `access_token` is something else than one.
pub fn merged(challenge: Option<&str>, capabilities: &[String]) -> Result<Option<String>> {
    if capabilities.is_empty() {
        return Ok(challenge.map(str::to_owned));
    }
    let mut claims = challenge.map(members).transpose()?.unwrap_or_default();
    let access_token = claims.entry("access_token").or_insert(Value::Null);
    // OIDC Core 5.5.1: null asks for nothing in particular.
    if access_token.is_null() {
        *access_token = Value::Object(Map::new());
    }
    let access_token = access_token.as_object_mut().ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, "the claims' access_token is not a JSON object")
            .with_help("give the claims as the challenge has them")
    })?;
    access_token.insert("xms_cc".to_owned(), json!({ "values": capabilities }));
    Ok(Some(Value::from(claims).to_string()))
}

fn members(claims: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(claims).map_err(|_| {
        Error::new(ErrorKind::ConfigInvalid, "the claims are not a JSON object")
            .with_help("give them as JSON; a challenge has them in base64, which `Challenge` decodes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(challenge: Option<&str>, capabilities: &[&str]) -> Result<Option<Value>> {
        let capabilities: Vec<String> = capabilities.iter().map(|word| (*word).to_owned()).collect();
        let merged = merged(challenge, &capabilities)?;
        Ok(merged.map(|claims| serde_json::from_str(&claims).unwrap()))
    }

    #[test]
    fn capabilities_join_the_challenge() {
        let cp1 = json!({"access_token": {"xms_cc": {"values": ["cp1"]}}});
        for nothing_more in [None, Some("{}"), Some(r#"{"access_token":null}"#)] {
            assert_eq!(merge(nothing_more, &["cp1"]).unwrap(), Some(cp1.clone()), "{nothing_more:?}");
        }
        let challenge =
            r#"{"id_token":{"auth_time":null},"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let both = json!({
            "id_token": {"auth_time": null},
            "access_token": {"nbf": {"essential": true, "value": "1"}, "xms_cc": {"values": ["cp1", "x"]}},
        });
        assert_eq!(merge(Some(challenge), &["cp1", "x"]).unwrap(), Some(both));
        let other_client = r#"{"access_token":{"xms_cc":{"values":["cp2"]}}}"#;
        assert_eq!(merge(Some(other_client), &["cp1"]).unwrap(), Some(cp1));
    }

    #[test]
    fn without_capabilities_the_challenge_stays_as_it_is() {
        assert_eq!(merged(None, &[]).unwrap(), None);
        assert_eq!(merged(Some(" {\"b\":1, \"a\":2}"), &[]).unwrap().as_deref(), Some(" {\"b\":1, \"a\":2}"));
    }

    #[test]
    fn what_cannot_take_them_is_refused() {
        for bad in ["", "[]", "cp1", r#"{"access_token":[]}"#, r#"{"access_token":"a"}"#] {
            assert_eq!(merge(Some(bad), &["cp1"]).unwrap_err().code(), "config_invalid", "{bad}");
        }
    }

    #[test]
    fn one_demand_written_in_two_ways_is_one() {
        let other = "{ \"access_token\" : {\"b\":1,\n\"a\":null} }";
        assert_eq!(settled(r#"{"access_token":{"a":null,"b":1}}"#).unwrap(), settled(other).unwrap());
        assert_eq!(settled("[1]").unwrap_err().code(), "config_invalid");
    }
}
