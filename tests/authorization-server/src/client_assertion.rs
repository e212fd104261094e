//! A client's assertion (RFC 7523, sections 2.2 and 3). One of a certificate's key is as Entra wants it: the key named
//! by the thumbprint of the registered certificate, made for this token endpoint. One of a key alone may be made for the
//! issuer as well (draft-ietf-oauth-rfc7523bis, section 4). Whether it was used before is `state`'s business.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::jws::{self, PublicKey, Rejected};
use crate::refusal::Refusal;
use crate::registered_client::{ClientCertificate, RegisteredClient};

/// `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the client's clock may be off, in seconds.
const SKEW: f64 = 300.0;

/// What a proof is measured by.
pub(crate) struct Expected<'a> {
    /// The token endpoint, by the name that it was asked by.
    pub(crate) endpoint: &'a str,
    /// The issuer, by the same name.
    pub(crate) issuer: &'a str,
    /// In seconds since 1970.
    pub(crate) now: f64,
    pub(crate) secrets_expired: bool,
}

/// Who the assertion says it is about, unverified.
pub(crate) fn subject(assertion: &str) -> Option<String> {
    let (unverified, ..) = jws::read(assertion).ok()?;
    unverified.claims()?.get("sub")?.as_str().map(Into::into)
}

/// Checks everything that the assertion says of itself; gives its `jti`.
pub(crate) fn verify(
    client: &RegisteredClient,
    assertion: &str,
    expected: &Expected<'_>,
) -> Result<String, Refusal> {
    let certificate = client.certificate.as_ref();
    let certified = certificate.and_then(ClientCertificate::key);
    let key: &PublicKey = certified.as_ref().or(client.key.as_ref()).ok_or(Refusal::AssertionSignature)?;
    let verified = jws::verify(assertion, key).map_err(|rejected| match rejected {
        Rejected::Malformed | Rejected::Algorithm => Refusal::AssertionMalformed,
        Rejected::Signature => Refusal::AssertionSignature,
    })?;
    let claims = verified.claims().ok_or(Refusal::AssertionMalformed)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // Whole seconds or not (RFC 7519, section 2, NumericDate).
    let expires = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::AssertionMalformed)?;
    let id = text("jti").ok_or(Refusal::AssertionMalformed)?;
    if certificate.is_some_and(|certificate| !names(&verified.header, certificate)) {
        return Err(Refusal::AssertionSignature);
    }
    if [text("iss"), text("sub")] != [Some(client.id.as_str()); 2] {
        return Err(Refusal::AssertionOfOtherClient);
    }
    let for_issuer = certificate.is_none() && text("aud") == Some(expected.issuer);
    if !for_issuer && text("aud") != Some(expected.endpoint) {
        return Err(Refusal::AssertionAudience);
    }
    let begins = claims.get("nbf").and_then(Value::as_f64).unwrap_or_default();
    if expected.now >= expires + SKEW || begins > expected.now + SKEW {
        return Err(Refusal::AssertionExpired);
    }
    Ok(id.to_owned())
}

/// Does the header name this certificate? By either thumbprint; one that is there must be right.
fn names(header: &Map<String, Value>, certificate: &ClientCertificate) -> bool {
    let thumbprints = [("x5t#S256", certificate.sha256()), ("x5t", certificate.sha1())];
    let mut told = thumbprints.iter().filter(|(name, _)| header.contains_key(*name)).peekable();
    // MSAL for Python pads it.
    let said = |name: &str| header[name].as_str().map(|said| said.trim_end_matches('='));
    told.peek().is_some()
        && told.all(|(name, thumbprint)| said(name) == Some(&URL_SAFE_NO_PAD.encode(thumbprint)))
}
