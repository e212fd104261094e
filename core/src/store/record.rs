//! What is kept of one connection. What stands here, and in `record/registration.rs`, is a promise.
//!
//! **Upgrade rules.** A record is JSON with a schema tag, sealed by `vault.rs`.
//! 1. A member is never renamed and never changes its meaning under one tag.
//! 2. A new member that may be absent keeps the tag; readers skip members that they do not know.
//! 3. Anything else is a new tag (`.../2`), and this file then reads both and writes the newer.
//! 4. A tag that this version does not know is refused with `store_corrupt` and left untouched.
//! 5. `tests/vectors/record_v1/` holds literal samples of every tag ever released. They are only added to.
//!
//! A record holds all that a refresh needs: the endpoint that issued the grant, the client it was
//! issued to, and the scopes. A grant therefore only ever goes back to where it came from, whatever
//! becomes of the provider's definition later.

mod registration;
mod renewal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use registration::{DynamicRegistration, RegistrationRecord};
pub use renewal::Renewal;

use crate::clock::{Instant, Timestamp};
use crate::error::LoginReason;
use crate::names::ConnectionKey;
use crate::protocol::{
    Client, ClientAuthentication, OauthError, RevocationMethod, Rotation, TokenDialect, TokenResponse,
    is_default,
};
use crate::scope::ScopeSet;
use crate::secret::{Secret, serialize_exposed, serialize_exposed_option};

/// Seconds that a token is taken to live when the server does not say and it can be refreshed.
const ASSUMED_LIFETIME: i64 = 3600;

/// A record that a vault can seal: its schema tag is part of what the seal covers.
pub trait Record: Serialize + for<'de> Deserialize<'de> {
    /// The tag, with the version that this code writes.
    const SCHEMA: &'static str;
}

/// One connection: a named grant of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRecord {
    /// The connection's name. A vault checks it against the file that it was found in.
    pub key: ConnectionKey,
    /// Names the login that this grant came from. A late answer for another grant changes nothing here.
    pub grant_id: String,
    /// Whether the grant still works.
    pub status: ConnectionStatus,
    /// The client that the grant was issued to.
    pub client: RecordClient,
    /// Where the grant came from and goes back to.
    pub server: RecordServer,
    /// True for app-only access (RFC 6749 4.4): the grant is the client's own, asked for anew each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub application: bool,
    /// Whose grant it is, as far as the server told.
    pub account: Account,
    /// What differs from customer to customer, as the person said it or the server did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// How a request to the API carries the token, and where it may go.
    #[serde(default, skip_serializing_if = "is_default")]
    pub api: RecordApi,
    /// The key that the grant's tokens are bound to (RFC 9449): P-256, PKCS#8 in base64.
    #[serde(default, serialize_with = "serialize_exposed_option", skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<Secret>,
    /// What was asked for.
    pub requested_scopes: ScopeSet,
    /// What was granted; RFC 6749 5.1: what was asked for, when the response does not say.
    pub granted_scopes: ScopeSet,
    /// What a refresh names, where the server wants that and granted less than was asked for: RFC 6749 6
    /// forbids to ask for more than was granted. Absent: what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_scopes: Option<ScopeSet>,
    /// RFC 6749 1.5. Absent when the server gave none.
    #[serde(default, serialize_with = "serialize_exposed_option")]
    pub refresh_token: Option<Secret>,
    /// The access tokens at hand, one per resource (RFC 8707); one without a resource for most servers.
    pub access_tokens: Vec<AccessTokenRecord>,
    /// When the person logged in.
    pub logged_in_at: Timestamp,
    /// When the grant was last refreshed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<Timestamp>,
    /// Set, durably, before a refresh request leaves, and gone when its answer is written: whoever
    /// finds it knows that an answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_attempt: Option<RefreshAttempt>,
    /// A pause before the next request; every process keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cool_down: Option<CoolDown>,
    /// What the server refused the last refresh with, when only a person can change its mind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The same of other questions, the newest first: each resource has policies of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_refusals: Vec<Refusal>,
}

impl Record for ConnectionRecord {
    const SCHEMA: &'static str = "tokenkeep/connection/1";
}

/// Whether a grant still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// It does, as far as anybody knows.
    Connected,
    /// It does not: a person must log in again. The record stays, so that the login can be repeated.
    LoginRequired {
        /// What ended it.
        #[serde(with = "login_reason")]
        reason: LoginReason,
        /// When that was noticed.
        since: Timestamp,
    },
}

/// The client that a grant was issued to (RFC 6749 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordClient {
    /// RFC 6749 2.2.
    pub client_id: String,
    /// How the client authenticates at the token endpoint.
    pub authentication: ClientAuthentication,
    /// RFC 6749 2.3.1, for confidential clients.
    #[serde(default, serialize_with = "serialize_exposed_option", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// A private key in PEM, with its certificate or alone, for clients that prove themselves with one (RFC 7523 2.2).
    #[serde(default, serialize_with = "serialize_exposed_option", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Secret>,
    /// When the secret or the certificate ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires_at: Option<Timestamp>,
    /// What the client said that it can do (Microsoft's `xms_cc`): `cp1` for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// True when the client is of the grant's issuer alone, because the provider's servers are discovered: what is stored
    /// for another one never stands in for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub issuer_bound: bool,
    /// True when the server made it because it was asked to (RFC 7591): a login takes the stored registration instead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dynamic: bool,
}

impl RecordClient {
    /// The client as a request wants it.
    pub fn as_client(&self) -> Client<'_> {
        Client {
            client_id: &self.client_id,
            authentication: self.authentication,
            client_secret: self.client_secret.as_ref(),
            client_assertion: None,
        }
    }
}

/// The authorization server that issued a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordServer {
    /// RFC 8414 `issuer`, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// RFC 6749 3.2.
    pub token_endpoint: String,
    /// RFC 7009, where the server has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Microsoft's tenant, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Microsoft's cloud, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// What stands between two scopes on the wire.
    pub scope_separator: char,
    /// The same in the server's answers, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_scope_separator: Option<char>,
    /// True when a refresh names its scopes (RFC 6749 6 leaves it open; Entra insists).
    pub scope_on_refresh: bool,
    /// Where a refresh goes, when that is not the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_endpoint: Option<String>,
    /// How the server differs from RFC 6749.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dialect: TokenDialect,
    /// How the server is asked to forget a token.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revocation_method: RevocationMethod,
    /// What a refresh does to the refresh token.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotation: Rotation,
    /// The protected resource that the grant is for (RFC 8707), as its metadata spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The same as the person named it, where that is another spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_resource: Option<String>,
    /// RFC 8414 2 `token_endpoint_auth_signing_alg_values_supported`, for a client that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_algorithms: Option<Vec<String>>,
}

impl RecordServer {
    /// The issuer as it is spelt; a template is no spelling.
    pub fn exact_issuer(&self) -> Option<&str> {
        self.issuer.as_deref().filter(|issuer| !issuer.contains('{'))
    }
}

/// How a request to the API carries the token, and where it may go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordApi {
    /// The hosts of the API, to the letter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The header that carries the token; `Authorization` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What stands before the token in it; the token's type when absent, nothing when empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// Whose grant it is. Every member is what the server said, and none is proof of anything but that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// OIDC `sub`: unique and lasting within the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// OIDC `iss` of the id_token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// A name for people: `preferred_username`, else `email`, else `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Microsoft's `tid`: the tenant that signed the person in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Microsoft's `oid`: the person within that tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Microsoft's `uid.utid`: the account itself, whichever tenant it visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_account_id: Option<String>,
}

impl Account {
    /// True when the person is a guest of the tenant that signed them in: their home is another one.
    pub fn is_guest(&self) -> bool {
        let home = self.home_account_id.as_deref().and_then(|home| home.split_once('.'));
        matches!((home, &self.tenant_id), (Some((_, home)), Some(tenant)) if !home.eq_ignore_ascii_case(tenant))
    }
}

/// An access token and what decides how long it is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenRecord {
    /// The resource that it is for (RFC 8707), when the server tells resources apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// RFC 6749 1.4.
    #[serde(serialize_with = "serialize_exposed")]
    pub secret: Secret,
    /// RFC 6749 7.1, as it is written in an `Authorization` header: `Bearer`.
    pub token_type: String,
    /// What this token grants.
    pub scopes: ScopeSet,
    /// When it was received here. Lifetimes count from then.
    pub obtained: Instant,
    /// RFC 6749 5.1 `expires_in`, in seconds; absent when the token does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<i64>,
    /// Microsoft's `refresh_in`, in seconds: past it, a refresh is welcome though not needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_in: Option<i64>,
    /// Microsoft's `ext_expires_in`, in seconds: how long the resource takes it while the server is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_lifetime: Option<i64>,
    /// What a refresh of this token names, where that is not what the login says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_scopes: Option<ScopeSet>,
    /// The claims challenge that it was asked for with (OIDC Core 5.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
}

impl AccessTokenRecord {
    /// When it ends; absent when it does not expire.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| self.obtained.wall.plus(lifetime))
    }

    /// The token of a response that was received `now` and grants `scopes`. It is `renewable` when there is a
    /// refresh token, be it in this response or an older one that stays in use.
    pub fn received(response: &TokenResponse, scopes: &ScopeSet, renewable: bool, now: Instant) -> Self {
        // RFC 6749 5.1: without `expires_in` nobody knows. A token that can be renewed is renewed in
        // time; one that cannot is handed out for as long as servers take it.
        let assumed = (renewable && !response.endless).then_some(ASSUMED_LIFETIME);
        AccessTokenRecord {
            resource: None,
            secret: response.access_token.clone(),
            token_type: response.token_type.clone(),
            scopes: scopes.clone(),
            obtained: now,
            lifetime: response.expires_in.or(assumed),
            refresh_in: response.refresh_in,
            extended_lifetime: response.ext_expires_in,
            requested_scopes: None,
            claims: None,
        }
    }
}

/// A refresh request that left, or was about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshAttempt {
    /// When the request was about to leave.
    pub started: Instant,
    /// How many requests have left with this refresh token and found no answer, this one included.
    pub count: u32,
    /// When the first of them was about to leave, where this one is not it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Instant>,
}

impl RefreshAttempt {
    /// A request that is about to leave `now`, after those of `lost`.
    pub fn after(lost: Option<&RefreshAttempt>, now: Instant) -> Self {
        RefreshAttempt {
            started: now,
            count: lost.map_or(0, |lost| lost.count).saturating_add(1),
            first: lost.map(|lost| lost.first.as_ref().unwrap_or(&lost.started).clone()),
        }
    }

    /// True when an earlier request, whose answer was lost, may have used the refresh token up.
    pub fn may_have_used_up(&self, rotation: Rotation, now: &Instant) -> bool {
        let age = self.first.as_ref().and_then(|first| now.age_since(first));
        self.count > 1 && rotation.uses_up(age)
    }
}

/// A pause before the next request to the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoolDown {
    /// When it began.
    pub started: Instant,
    /// How long it lasts, in seconds.
    pub seconds: i64,
    /// True when no server asked for it. It spares a server in trouble the calls of those who have a
    /// working token, and binds nobody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// An answer that the same question would bring again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When it came.
    pub since: Instant,
    /// What the server said, cleaned.
    pub error: OauthError,
    /// The claims challenge that was asked with: another question may have another answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// The scopes that were asked for, when they were not those of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
}

impl Refusal {
    /// True when it is the answer to this question.
    pub fn answers(&self, scopes: Option<&ScopeSet>, claims: Option<&str>) -> bool {
        self.scopes.as_ref() == scopes && self.claims.as_deref() == claims
    }
}

/// The reason by its stable name; a name that a newer version wrote reads as the general one.
mod login_reason {
    use super::LoginReason;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        reason: &LoginReason,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(reason.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<LoginReason, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = [LoginReason::NoRefreshToken, LoginReason::ResponseLost];
        Ok(known.into_iter().find(|reason| reason.as_str() == name).unwrap_or(LoginReason::GrantEnded))
    }
}
