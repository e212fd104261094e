//! The client assertion: a JWT with which a client proves that it holds a private key (RFC 7523 2.2 and 3, OIDC Core 9
//! `private_key_jwt`).
//!
//! One of a certificate's key is as Entra wants it: the certificate is named, and the audience is the token endpoint. One
//! of a key alone is for the issuer (RFC 7523 3 item 3 as draft-ietf-oauth-rfc7523bis 4 has it): a token endpoint that
//! another server names could else be handed an assertion for this one.
//!
//! May not enter: a clock and a source of randomness (both are arguments), and the reading of PEM (`client_key`).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::json;

use super::client_key::ClientKey;
use super::jws;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::secret::Secret;

/// RFC 7523 2.2: the only value of `client_assertion_type` for a JWT.
pub(super) const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds that an assertion is good for: long enough for clocks that differ, short enough to be worth little.
const LIFETIME: i64 = 600;

/// What an assertion is made of.
#[derive(Debug, Clone, Copy)]
pub struct ClientAssertion<'a> {
    /// A private key in PEM, with its certificate or alone.
    pub key: &'a Secret,
    /// RFC 6749 2.2.
    pub client_id: &'a str,
    /// RFC 6749 3.2.
    pub endpoint: &'a str,
    /// RFC 8414 2, where it is known.
    pub issuer: Option<&'a str>,
    /// RFC 8414 2 `token_endpoint_auth_signing_alg_values_supported`, where it is known.
    pub accepted: Option<&'a [String]>,
    /// `iat`.
    pub now: Timestamp,
    /// `jti`: random, because a server may refuse an assertion that it has seen (RFC 7523 3, item 7).
    pub jti: [u8; 16],
}

impl ClientAssertion<'_> {
    /// The assertion that the client is who it says.
    ///
    /// # Errors
    /// Those of [`ClientKey::read`]; `internal` when it cannot be signed.
    pub fn to_jwt(self) -> Result<Secret> {
        let key = ClientKey::read(self.key)?;
        let algorithm = key.algorithm(self.accepted);
        let mut header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
        let mut audience = self.issuer.unwrap_or(self.endpoint);
        if let Some(certificate) = &key.certificate {
            header["x5t#S256"] = BASE64_URL_SAFE_NO_PAD.encode(certificate.thumbprint).into();
            audience = self.endpoint;
        }
        let claims = json!({
            "aud": audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": BASE64_URL_SAFE_NO_PAD.encode(self.jti),
            "nbf": self.now.as_unix(),
            "iat": self.now.as_unix(),
            "exp": self.now.plus(LIFETIME).as_unix(),
        });
        jws::compact(&header, &claims, |message| key.sign(algorithm, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_key::tests::{der, pem};
    use ring::digest::{SHA256, digest};
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    };
    use serde_json::Value;

    const ENDPOINT: &str = "https://login.example/contoso.com/oauth2/v2.0/token";
    const ISSUER: &str = "https://login.example";

    fn assertion<'a>(key: &'a Secret, client_id: &'a str) -> ClientAssertion<'a> {
        let now = Timestamp::from_unix(1_800_000_000);
        ClientAssertion {
            key,
            client_id,
            endpoint: ENDPOINT,
            issuer: Some(ISSUER),
            accepted: None,
            now,
            jti: [7; 16],
        }
    }

    /// Header and claims of what the key in the certificate `name` signed.
    fn verified(jwt: &Secret, name: &str, algorithm: &'static dyn VerificationAlgorithm) -> (Value, Value) {
        let (signed, signature) = jwt.expose().rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let decoded = |part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let json = |part| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        let der = der(name);
        let public_key = super::super::der::Certificate::read(&der).unwrap().public_key;
        let public_key = UnparsedPublicKey::new(algorithm, public_key);
        assert_eq!(public_key.verify(signed.as_bytes(), &decoded(signature)), Ok(()));
        let other = signed.replacen('e', "f", 1);
        assert!(public_key.verify(other.as_bytes(), &decoded(signature)).is_err());
        (json(header), json(claims))
    }

    #[test]
    fn an_assertion_of_a_certificate_is_what_entra_wants() {
        let pem = pem(&["rsa.crt", "rsa.key"]);
        let jwt = assertion(&pem, "app").to_jwt().unwrap();
        let (header, claims) = verified(&jwt, "rsa", &RSA_PSS_2048_8192_SHA256);
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &der("rsa")));
        assert_eq!(header, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let expected = json!({
            "aud": ENDPOINT, "iss": "app", "sub": "app", "jti": "BwcHBwcHBwcHBwcHBwcHBw",
            "nbf": 1_800_000_000, "iat": 1_800_000_000, "exp": 1_800_000_600,
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn an_assertion_of_a_key_alone_is_for_the_issuer() {
        let (rsa, ec, pss) = ("rsa", "ec", ["PS256".to_owned()]);
        for (key, name, accepted, told, verifier) in [
            (
                "rsa.key",
                rsa,
                None,
                "RS256",
                &RSA_PKCS1_2048_8192_SHA256 as &'static dyn VerificationAlgorithm,
            ),
            ("rsa_pkcs1.key", rsa, Some(&pss[..]), "PS256", &RSA_PSS_2048_8192_SHA256),
            ("ec.key", ec, None, "ES256", &ECDSA_P256_SHA256_FIXED),
            ("ec_sec1.key", ec, None, "ES256", &ECDSA_P256_SHA256_FIXED),
        ] {
            let pem = pem(&[key]);
            let jwt = ClientAssertion { accepted, ..assertion(&pem, "app") }.to_jwt().unwrap();
            let (header, claims) = verified(&jwt, name, verifier);
            assert_eq!(header, json!({"alg": told, "typ": "JWT"}), "{key}");
            assert_eq!(claims["aud"], ISSUER);
            let jwt = ClientAssertion { accepted, issuer: None, ..assertion(&pem, "app") }.to_jwt().unwrap();
            assert_eq!(verified(&jwt, name, verifier).1["aud"], ENDPOINT, "{key}");
        }
    }
}
