//! What an id_token claims (OpenID Connect Core, section 2), in either dialect.

use serde_json::{Value, json};

use crate::entra;
use crate::grant::Grant;
use crate::options::Dialect;

/// How long an id_token is good for, in seconds.
const LIFETIME: u64 = 3600;

/// The claims about the person behind a grant. `nonce` stands only in the id_token of the authorization itself
/// (OpenID Connect Core, section 12.2).
pub(crate) fn claims(
    dialect: Dialect,
    issuer: &str,
    tenant_id: &str,
    grant: &Grant,
    nonce: Option<&str>,
    now: u64,
) -> Value {
    let username = grant.username.as_str();
    let mut claims = json!({
        "iss": issuer,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "name": username.split('@').next(),
        "preferred_username": username,
    });
    match dialect {
        Dialect::Plain => {
            claims["sub"] = json!(username);
            claims["auth_time"] = json!(now);
        }
        Dialect::Entra => {
            claims["sub"] = json!(entra::subject(username, &grant.client_id));
            claims["oid"] = json!(entra::object_id_at(username, &grant.home, tenant_id));
            claims["tid"] = json!(tenant_id);
            claims["nbf"] = json!(now);
            claims["ver"] = json!("2.0");
        }
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entra_claims_name_tenant_and_object() {
        let (client_id, username, home) = ("c".into(), "person@example.com".into(), entra::CONSUMERS.into());
        let grant = Grant { client_id, username, home, ..Grant::default() };
        let claims = claims(Dialect::Entra, "i", entra::CONSUMERS, &grant, Some("n"), 100);
        assert_eq!(claims["tid"], entra::CONSUMERS);
        assert_eq!(claims["oid"], entra::object_id("person@example.com"));
        assert_eq!(
            (&claims["iss"], &claims["aud"], &claims["nonce"]),
            (&json!("i"), &json!("c"), &json!("n"))
        );
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(100), &json!(3700)));
    }
}
