//! The client assertion: a JWT with which a client proves that it holds a certificate's key (RFC 7523 2.2 and 3, OIDC
//! Core 9 `private_key_jwt`), signed with PS256 (RFC 7518 3.5).
//!
//! May not enter: a clock and a source of randomness (both are arguments), and the reading of PEM (`certificate`).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::json;

use super::certificate::ClientCertificate;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::secret::Secret;

/// RFC 7523 2.2: the only value of `client_assertion_type` for a JWT.
pub(super) const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds that an assertion is good for: long enough for clocks that differ, short enough to be worth little.
const LIFETIME: i64 = 600;

/// The assertion that `client_id` is who it says, for the token endpoint `audience`, signed with the key of `certificate`
/// (PEM, with its key). `jti` is random: a server may refuse
/// an assertion that it has seen (RFC 7523 3, item 7).
///
/// # Errors
/// Those of [`ClientCertificate::read`]; `internal` when it cannot be signed.
pub fn client_assertion(
    certificate: &Secret,
    client_id: &str,
    audience: &str,
    now: Timestamp,
    jti: [u8; 16],
) -> Result<Secret> {
    let certificate = ClientCertificate::read(certificate)?;
    let header = json!({
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(certificate.thumbprint),
    });
    let claims = json!({
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": BASE64_URL_SAFE_NO_PAD.encode(jti),
        "nbf": now.as_unix(),
        "iat": now.as_unix(),
        "exp": now.plus(LIFETIME).as_unix(),
    });
    let mut jwt = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = certificate.sign(jwt.as_bytes())?;
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    Ok(Secret::new(jwt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::certificate::tests::{der, pem};
    use ring::digest::{SHA256, digest};
    use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    #[test]
    fn an_assertion_is_what_the_standards_say() {
        let certificate = pem(&["rsa.crt", "rsa.key"]);
        let now = Timestamp::from_unix(1_800_000_000);
        let endpoint = "https://login.example/contoso.com/oauth2/v2.0/token";
        let assertion = client_assertion(&certificate, "app", endpoint, now, [7; 16]).unwrap();
        let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let decoded = |part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let json = |part| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &der("rsa")));
        assert_eq!(json(header), json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let expected = json!({
            "aud": endpoint, "iss": "app", "sub": "app", "jti": "BwcHBwcHBwcHBwcHBwcHBw",
            "nbf": 1_800_000_000, "iat": 1_800_000_000, "exp": 1_800_000_600,
        });
        assert_eq!(json(claims), expected);

        let der = der("rsa");
        let public_key = super::super::der::Certificate::read(&der).unwrap().public_key;
        let public_key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public_key);
        assert_eq!(public_key.verify(signed.as_bytes(), &decoded(signature)), Ok(()));
        let other = client_assertion(&certificate, "other", endpoint, now, [7; 16]).unwrap();
        let other = other.expose().rsplit_once('.').unwrap().0.to_owned();
        assert!(public_key.verify(other.as_bytes(), &decoded(signature)).is_err());
    }
}
