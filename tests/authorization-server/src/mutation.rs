//! A good answer made bad: members set, removed or renamed, in the JSON and in the claims of its id_token; headers
//! replaced.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::signing_key::SigningKey;

/// Changes to a good answer. Order in the body: rename, remove, set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mutation {
    /// Members that get another name, such as `verification_uri` to `verification_url`.
    pub rename: BTreeMap<String, String>,
    /// Members that go.
    pub remove: Vec<String>,
    /// Members that get this value.
    pub set: Map<String, Value>,
    /// Changes to the id_token, which is signed again.
    pub id_token: Option<IdTokenMutation>,
    /// Headers that get this value, such as another `Content-Type` or `Date`.
    pub headers: Vec<(String, String)>,
}

/// Changes to the claims of an id_token (OpenID Connect Core, section 2), and to its signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdTokenMutation {
    /// Claims that go.
    pub remove: Vec<String>,
    /// Claims that get this value.
    pub set: Map<String, Value>,
    /// What becomes of the signature.
    pub signature: Signature,
}

/// The signature of a changed id_token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Valid for the changed claims.
    #[default]
    Valid,
    /// Of other bytes.
    Broken,
    /// Absent, though `alg` promises one.
    Empty,
    /// Absent, with `alg` `none` (RFC 7518, section 3.6).
    None,
}

impl Mutation {
    /// Changes the body of an answer. One that is no object stays as it is.
    pub(crate) fn apply(&self, body: &mut Value, key: &SigningKey) -> io::Result<()> {
        let Some(members) = body.as_object_mut() else { return Ok(()) };
        if let (Some(change), Some(Value::String(token))) = (&self.id_token, members.get_mut("id_token")) {
            *token = change.apply(token, key)?;
        }
        for (from, to) in &self.rename {
            if let Some(value) = members.remove(from) {
                members.insert(to.clone(), value);
            }
        }
        change(members, &self.remove, &self.set);
        Ok(())
    }
}

impl IdTokenMutation {
    fn apply(&self, token: &str, key: &SigningKey) -> io::Result<String> {
        let mut claims = SigningKey::claims(token).unwrap_or_default();
        change(&mut claims, &self.remove, &self.set);
        let claims = Value::Object(claims);
        match self.signature {
            Signature::Valid => key.sign(&claims),
            Signature::Broken => key.sign_badly(&claims),
            Signature::Empty => key
                .sign(&claims)
                .map(|token| token.rsplit_once('.').map_or(String::new(), |(text, _)| format!("{text}."))),
            Signature::None => Ok(SigningKey::unsigned(&claims)),
        }
    }
}

fn change(members: &mut Map<String, Value>, remove: &[String], set: &Map<String, Value>) {
    members.retain(|name, _| !remove.contains(name));
    members.extend(set.clone());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_renamed_removed_and_set() {
        let key = SigningKey::generate().unwrap();
        let mutation: Mutation = serde_json::from_value(json!({
            "rename": {"verification_uri": "verification_url", "absent": "x"},
            "remove": ["interval"],
            "set": {"expires_in": "3600", "unknown": [1, 2]},
        }))
        .unwrap();
        let mut body = json!({"verification_uri": "u", "interval": 5, "expires_in": 900});
        mutation.apply(&mut body, &key).unwrap();
        assert_eq!(body, json!({"verification_url": "u", "expires_in": "3600", "unknown": [1, 2]}));
    }

    #[test]
    fn an_id_token_is_signed_again_or_badly_or_not() {
        let key = SigningKey::generate().unwrap();
        let good = key.sign(&json!({"iss": "a", "nonce": "n", "sub": "s"})).unwrap();
        for (signature, verifies) in [("valid", true), ("broken", false), ("empty", false), ("none", false)] {
            let mutation: Mutation = serde_json::from_value(json!({
                "id_token": {"set": {"iss": "b"}, "remove": ["nonce"], "signature": signature},
            }))
            .unwrap();
            let mut body = json!({"id_token": good});
            mutation.apply(&mut body, &key).unwrap();
            let token = body["id_token"].as_str().unwrap();
            let claims = Value::Object(SigningKey::claims(token).unwrap());
            assert_eq!(
                (claims, key.verifies(token)),
                (json!({"iss": "b", "sub": "s"}), verifies),
                "{signature}"
            );
        }
    }
}
