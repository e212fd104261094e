//! The id_token as a statement of who logged in: OIDC Core 1.0 2, 3.1.3.7, 12.2, and Microsoft's
//! `client_info`.
//!
//! It is only ever read from the answer of a token endpoint, over TLS that was verified. OIDC Core
//! 3.1.3.7-6 lets that stand for the signature, so the signature is not checked. From anywhere else an
//! id_token proves nothing, and may not be brought here.
//!
//! May not enter: a clock (the time is an argument), and an id_token that came through the browser.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::text;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, one_line};
use crate::secret::Secret;

/// Seconds by which two clocks may differ (OIDC Core 3.1.3.7-9 leaves "a small amount" open).
const SKEW: i64 = 300;
/// What Entra's metadata says in place of a tenant (OIDC Discovery 3 knows no such thing).
pub(super) const TENANT_TEMPLATE: &str = "{tenantid}";

/// RFC 7515 appendix C is without padding; some servers pad.
pub(super) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// OIDC Core 2 and 5.1, with Microsoft's `tid` and `oid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenClaims {
    /// OIDC Core 2 `iss`.
    pub iss: String,
    /// OIDC Core 2 `sub`: unique and lasting within the issuer.
    pub sub: String,
    /// OIDC Core 2 `aud`.
    pub aud: Vec<String>,
    /// OIDC Core 2 `azp`.
    pub azp: Option<String>,
    /// OIDC Core 2 `exp`.
    pub exp: Timestamp,
    /// OIDC Core 2 `iat`.
    pub iat: Option<Timestamp>,
    /// OIDC Core 2 `nonce`.
    pub nonce: Option<String>,
    /// Microsoft's tenant id.
    pub tid: Option<String>,
    /// Microsoft's id of the person within the tenant.
    pub oid: Option<String>,
    /// OIDC Core 5.1 `preferred_username`, for people.
    pub preferred_username: Option<String>,
    /// OIDC Core 5.1 `email`, for people: not verified, and no name of an account.
    pub email: Option<String>,
    /// OIDC Core 5.1 `name`, for people.
    pub name: Option<String>,
}

/// Why an id_token says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdTokenRejection {
    /// RFC 7519 7.2: not three parts of base64url, not JSON, or without a claim that OIDC Core 2 requires.
    Malformed,
    /// RFC 8725 3.1: `alg` is `none`, or not there, or the signature is empty.
    Unsigned,
    /// OIDC Core 3.1.3.7-2, 12.2: from another issuer.
    Issuer,
    /// OIDC Core 3.1.3.7-3 to 5, 12.2: for another client.
    Audience,
    /// OIDC Core 3.1.3.7-9: expired.
    Expired,
    /// OIDC Core 3.1.3.7-10: issued in the future.
    NotYetIssued,
    /// OIDC Core 3.1.3.7-11: made for another login.
    Nonce,
    /// OIDC Core 12.2: about another person.
    Subject,
    /// Microsoft: about an account of another tenant than the one that was asked.
    Tenant,
}

impl fmt::Display for IdTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdTokenRejection::Malformed => "the id_token is not of its form",
            IdTokenRejection::Unsigned => "the id_token is not signed",
            IdTokenRejection::Issuer => "the id_token is from another issuer",
            IdTokenRejection::Audience => "the id_token is for another client",
            IdTokenRejection::Expired => "the id_token has expired",
            IdTokenRejection::NotYetIssued => "the id_token was issued in the future",
            IdTokenRejection::Nonce => "the id_token was made for another login",
            IdTokenRejection::Subject => "the id_token is about another person",
            IdTokenRejection::Tenant => "the id_token is about an account of another tenant",
        })
    }
}

impl std::error::Error for IdTokenRejection {}

impl From<IdTokenRejection> for Error {
    fn from(rejection: IdTokenRejection) -> Error {
        let error = Error::new(ErrorKind::ProviderRejected, rejection.to_string());
        match rejection {
            IdTokenRejection::Expired | IdTokenRejection::NotYetIssued => {
                error.with_help("check the clock of this machine, then log in again")
            }
            IdTokenRejection::Tenant => error.with_help(
                "log in with an account of the tenant that --tenant names, or name the account's own",
            ),
            _ => error.with_help("log in again; if it stays, check the provider's issuer and the client id"),
        }
    }
}

/// What is read of a JOSE header (RFC 7515 4.1).
#[derive(Deserialize)]
struct Header {
    alg: Option<Value>,
}

/// What is read of the claims. The derived reader refuses a repeated one (RFC 7519 4).
#[derive(Deserialize)]
struct Members {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    azp: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    nonce: Option<Value>,
    tid: Option<Value>,
    oid: Option<Value>,
    preferred_username: Option<Value>,
    email: Option<Value>,
    name: Option<Value>,
}

/// Reads the claims of an id_token (RFC 7519 7.2 without the signature, see above). Nothing is compared
/// yet: see [`check_id_token`].
pub fn parse_id_token(id_token: &Secret) -> Result<IdTokenClaims, IdTokenRejection> {
    let mut parts = id_token.expose().split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(IdTokenRejection::Malformed);
    };
    let header: Header = part(header).ok_or(IdTokenRejection::Malformed)?;
    let signed = text(header.alg).is_some_and(|alg| !alg.eq_ignore_ascii_case("none"));
    if !signed || signature.is_empty() {
        return Err(IdTokenRejection::Unsigned);
    }
    part::<Members>(claims).and_then(Members::into_claims).ok_or(IdTokenRejection::Malformed)
}

impl Members {
    fn into_claims(self) -> Option<IdTokenClaims> {
        let aud = match self.aud? {
            Value::String(single) => vec![single],
            list => serde_json::from_value(list).ok()?,
        };
        let for_people = |member| text(member).map(|text| one_line(&text));
        Some(IdTokenClaims {
            iss: text(self.iss)?,
            sub: text(self.sub)?,
            aud,
            azp: text(self.azp),
            exp: moment(self.exp.as_ref())?,
            iat: moment(self.iat.as_ref()),
            nonce: text(self.nonce),
            tid: text(self.tid),
            oid: text(self.oid),
            preferred_username: for_people(self.preferred_username),
            email: for_people(self.email),
            name: for_people(self.name),
        })
    }
}

/// Whose accounts a Microsoft authority signs in: what `tid` must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedTenant {
    /// This one's.
    Only(String),
    /// Any but this one's.
    AnyBut(String),
}

impl ExpectedTenant {
    fn admits(&self, tid: Option<&str>) -> bool {
        let Some(tid) = tid.filter(|tid| is_guid(tid)) else { return false };
        match self {
            ExpectedTenant::Only(tenant) => tid.eq_ignore_ascii_case(tenant),
            ExpectedTenant::AnyBut(tenant) => !tid.eq_ignore_ascii_case(tenant),
        }
    }
}

/// What an id_token must say.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// OIDC Core 3.1.3.7-2. `{tenantid}` in it stands for the token's own `tid`, which must then be a
    /// GUID: Entra's metadata of `common` and `organizations` names its issuer so. `None`: not known.
    pub issuer: Option<&'a str>,
    /// What Microsoft's `tid` must be, where the authority decides that.
    pub tenant: Option<&'a ExpectedTenant>,
    /// OIDC Core 3.1.3.7-3.
    pub client_id: &'a str,
    /// OIDC Core 3.1.3.7-11: that of the authorization request, if it had one.
    pub nonce: Option<&'a str>,
    /// The time by the clock of this machine.
    pub now: Timestamp,
}

/// Compares an id_token with the login that it came from (OIDC Core 3.1.3.7, 2 to 5 and 9 to 11).
///
/// An account is then known by `iss` and `sub`, or Microsoft's `tid` and `oid`: never by `email`, `name`
/// or `preferred_username`, which an administrator of any tenant can set.
pub fn check_id_token(
    claims: &IdTokenClaims,
    expected: &ExpectedIdToken<'_>,
) -> Result<(), IdTokenRejection> {
    if expected.issuer.is_some_and(|issuer| !is_issuer(claims, issuer)) {
        return Err(IdTokenRejection::Issuer);
    }
    if expected.tenant.is_some_and(|tenant| !tenant.admits(claims.tid.as_deref())) {
        return Err(IdTokenRejection::Tenant);
    }
    check_audience(claims, expected.client_id)?;
    if claims.exp.plus(SKEW) <= expected.now {
        return Err(IdTokenRejection::Expired);
    }
    if claims.iat.is_some_and(|iat| iat > expected.now.plus(SKEW)) {
        return Err(IdTokenRejection::NotYetIssued);
    }
    if expected.nonce.is_some() && claims.nonce.as_deref() != expected.nonce {
        return Err(IdTokenRejection::Nonce);
    }
    Ok(())
}

/// What the id_token of the login said.
#[derive(Debug, Clone, Copy)]
pub struct OriginalIdentity<'a> {
    /// OIDC Core 2 `iss`.
    pub issuer: &'a str,
    /// OIDC Core 2 `sub`.
    pub subject: &'a str,
    /// Microsoft's `tid`, if it had one.
    pub tenant_id: Option<&'a str>,
    /// OIDC Core 2 `aud`: the client that logged in.
    pub client_id: &'a str,
}

/// Compares the id_token of a refresh with that of the login: same `iss`, `sub`, `aud` (OIDC Core 12.2), and `tid`.
/// When they differ, the whole answer is for somebody else and none of it may be used.
pub fn check_refreshed(
    claims: &IdTokenClaims,
    original: &OriginalIdentity<'_>,
) -> Result<(), IdTokenRejection> {
    if claims.iss != original.issuer {
        return Err(IdTokenRejection::Issuer);
    }
    if claims.sub != original.subject {
        return Err(IdTokenRejection::Subject);
    }
    // An account is known by `oid` and `tid`: one that moves is another one.
    if original.tenant_id.is_some() && claims.tid.as_deref() != original.tenant_id {
        return Err(IdTokenRejection::Tenant);
    }
    check_audience(claims, original.client_id)
}

/// OIDC Core 3.1.3.7-3 to 5: for this client; and when for others as well, given to this one.
fn check_audience(claims: &IdTokenClaims, client_id: &str) -> Result<(), IdTokenRejection> {
    let authorized = match &claims.azp {
        Some(azp) => azp == client_id,
        None => claims.aud.len() == 1,
    };
    let meant = claims.aud.iter().any(|aud| aud == client_id);
    if meant && authorized { Ok(()) } else { Err(IdTokenRejection::Audience) }
}

/// OIDC Core 3.1.3.7-2: to the letter, or to the letter of the template with the token's own tenant in it.
fn is_issuer(claims: &IdTokenClaims, expected: &str) -> bool {
    if !expected.contains(TENANT_TEMPLATE) {
        return claims.iss == expected;
    }
    // Anything but a GUID could close the path segment and name another issuer.
    claims
        .tid
        .as_deref()
        .is_some_and(|tid| is_guid(tid) && claims.iss == expected.replace(TENANT_TEMPLATE, tid))
}

/// RFC 9562 4: 8-4-4-4-12 hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Microsoft's `client_info`: the account itself, whichever tenant it visits. Its libraries call
/// `uid.utid` the home account id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClientInfo {
    /// The account's id in its home tenant.
    pub uid: String,
    /// The home tenant.
    pub utid: String,
}

/// Reads `client_info`: base64url of JSON. `None` for anything else, since nothing depends on it.
pub fn parse_client_info(client_info: &str) -> Option<ClientInfo> {
    let is_id = |text: &str| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    part::<ClientInfo>(client_info).filter(|account| is_id(&account.uid) && is_id(&account.utid))
}

/// RFC 7515 3.1: one part of a JWT, base64url of a JSON object.
fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let json = BASE64URL.decode(encoded).ok()?;
    // Only an object: a derived reader would take a list of the members in their order, too.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&json).ok()
}

/// RFC 7519 2, NumericDate: seconds, with a fraction or without.
fn moment(member: Option<&Value>) -> Option<Timestamp> {
    let seconds = member?.as_f64().filter(|seconds| seconds.abs() < 1e15)?;
    Some(Timestamp::from_unix(seconds.floor() as i64))
}

#[cfg(test)]
mod tests;
