//! A client's assertion (RFC 7523, sections 2.2 and 3) as Entra wants it: signed with RS256 or PS256, its key named by
//! the thumbprint of the registered certificate, made for this token endpoint. Whether it was used before is `state`'s
//! business.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::SignatureVerificationAlgorithm;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::refusal::Refusal;
use crate::registered_client::{ClientCertificate, RegisteredClient};

/// `client_assertion_type`.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the client's clock may be off, in seconds.
const SKEW: f64 = 300.0;

/// What a proof is measured by.
pub(crate) struct Expected<'a> {
    /// The token endpoint, by the name that it was asked by.
    pub(crate) audience: &'a str,
    /// In seconds since 1970.
    pub(crate) now: f64,
    pub(crate) secrets_expired: bool,
}

/// Who the assertion says it is about, unverified.
pub(crate) fn subject(assertion: &str) -> Option<String> {
    let claims: Map<String, Value> = decoded(assertion.split('.').nth(1)?)?;
    claims.get("sub")?.as_str().map(Into::into)
}

/// An assertion as it was read, not yet believed.
struct Assertion<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    expires: f64,
    id: String,
}

/// Checks everything that the assertion says of itself; gives its `jti`.
pub(crate) fn verify(
    client: &RegisteredClient,
    assertion: &str,
    expected: &Expected<'_>,
) -> Result<String, Refusal> {
    let certificate = client.certificate.as_ref().ok_or(Refusal::AssertionSignature)?;
    let read = read(assertion).ok_or(Refusal::AssertionMalformed)?;
    let signed = certificate.signed(read.algorithm, read.signed.as_bytes(), &read.signature);
    if !signed || !names(&read.header, certificate) {
        return Err(Refusal::AssertionSignature);
    }
    let text = |name: &str| read.claims.get(name).and_then(Value::as_str);
    if [text("iss"), text("sub")] != [Some(client.id.as_str()); 2] {
        return Err(Refusal::AssertionOfOtherClient);
    }
    if text("aud") != Some(expected.audience) {
        return Err(Refusal::AssertionAudience);
    }
    let begins = read.claims.get("nbf").and_then(Value::as_f64).unwrap_or_default();
    if expected.now >= read.expires + SKEW || begins > expected.now + SKEW {
        return Err(Refusal::AssertionExpired);
    }
    Ok(read.id)
}

/// Takes a JWT apart that has everything an assertion needs.
fn read(assertion: &str) -> Option<Assertion<'_>> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let (header, claims): (Map<String, Value>, Map<String, Value>) = (decoded(header)?, decoded(claims)?);
    Some(Assertion {
        signed,
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        algorithm: algorithm(&header)?,
        // Whole seconds or not (RFC 7519, section 2, NumericDate).
        expires: claims.get("exp")?.as_f64()?,
        id: claims.get("jti")?.as_str()?.into(),
        header,
        claims,
    })
}

fn algorithm(header: &Map<String, Value>) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    match header.get("alg")?.as_str()? {
        "RS256" => Some(webpki::ring::RSA_PKCS1_2048_8192_SHA256),
        "PS256" => Some(webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY),
        _ => None,
    }
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

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
