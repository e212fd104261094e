//! `connections` and `connection`: what is kept, without its secrets.

use std::collections::BTreeMap;

use super::Broker;
use crate::clock::Timestamp;
use crate::error::{Error, LoginReason, Result};
use crate::names::{ConnectionKey, ProviderName};
use crate::refresh::credential_warning;
use crate::scope::{ScopeEquivalence, ScopeSet};
use crate::store::{AccessTokenRecord, Account, ConnectionRecord, ConnectionStatus};

/// One connection, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its provider and its name.
    pub key: ConnectionKey,
    /// Why a login is required; absent while the grant works.
    pub login_required: Option<LoginReason>,
    /// Whose grant it is.
    pub account: Account,
    /// What was asked for.
    pub requested_scopes: ScopeSet,
    /// What was granted.
    pub granted_scopes: ScopeSet,
    /// What was asked for and not granted (RFC 6749 3.3), as the provider compares scopes.
    pub missing_scopes: ScopeSet,
    /// When the access token at hand ends; absent when it does not expire.
    pub expires_at: Option<Timestamp>,
    /// The access tokens at hand, one for each resource; the first is that of a call that names no scopes.
    pub access_tokens: Vec<HeldToken>,
    /// True for app-only access: the grant is the client's own, and nobody logs in.
    pub application: bool,
    /// When the client secret or certificate that the client proves itself with ends, where that is known.
    pub credential_expires_at: Option<Timestamp>,
    /// What the client said that it can do ([`LoginOptions::client_capabilities`](super::LoginOptions)).
    pub client_capabilities: Vec<String>,
    /// True when the access token can be replaced without the person.
    pub has_refresh_token: bool,
    /// The client that it was made with.
    pub client_id: String,
    /// The issuer, when it is known.
    pub issuer: Option<String>,
    /// The protected resource that it is for (RFC 8707).
    pub resource: Option<String>,
    /// What differs from customer to customer, as it was said at the login or learnt from the server.
    pub values: BTreeMap<String, String>,
    /// The hosts of the provider's API, to the letter.
    pub api_hosts: Vec<String>,
    /// True when its tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// Microsoft's tenant, as it was asked for.
    pub tenant: Option<String>,
    /// When the person logged in.
    pub logged_in_at: Timestamp,
    /// When it was last refreshed.
    pub refreshed_at: Option<Timestamp>,
}

impl Connection {
    /// `connected` or `login_required`.
    pub fn status(&self) -> &'static str {
        if self.login_required.is_some() { "login_required" } else { "connected" }
    }

    /// One line for people when the client's secret or certificate ends within a month of `now`, or has ended.
    pub fn credential_warning(&self, now: Timestamp) -> Option<String> {
        credential_warning(&self.key, self.credential_expires_at, now)
    }
}

/// What a connection holds for one resource, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldToken {
    /// The resource, at a provider that tells resources apart.
    pub resource: Option<String>,
    /// What it grants.
    pub scopes: ScopeSet,
    /// When it ends; absent when it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// All connections of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Those that can be read, sorted by name.
    pub connections: Vec<Connection>,
    /// One error for each file that cannot. They are kept.
    pub damaged: Vec<Error>,
}

impl Broker {
    /// All connections. Blocks for as long as the files take to read; no network.
    ///
    /// # Errors
    /// Those of the store as a whole: `store_locked`, `store_unavailable`. A single damaged file is listed
    /// in [`Connections::damaged`], and hides none of the others.
    pub fn connections(&self) -> Result<Connections> {
        let mut all = Connections { connections: Vec::new(), damaged: Vec::new() };
        let Some(kept) = self.kept_if_any()? else { return Ok(all) };
        let mut describe = self.describer();
        for record in kept.store.list()? {
            match record {
                Ok(record) => all.connections.push(describe(&record)),
                Err(error) => all.damaged.push(error),
            }
        }
        all.connections.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// One connection. No network.
    ///
    /// # Errors
    /// `not_connected`, `unknown_provider`, `store_corrupt`, and those of the store as a whole.
    pub fn connection(&self, key: &ConnectionKey) -> Result<Connection> {
        self.record(key).map(|record| self.describe(&record))
    }

    pub(super) fn describe(&self, record: &ConnectionRecord) -> Connection {
        describe(record, &self.scope_equivalence(&place_of(record)))
    }

    /// Describes one record after the other. A definition is read once, however many connections its provider has.
    pub(super) fn describer(&self) -> impl FnMut(&ConnectionRecord) -> Connection {
        let mut equivalences = BTreeMap::new();
        move |record| {
            let equivalence = equivalences
                .entry(place_of(record))
                .or_insert_with_key(|place| self.scope_equivalence(place));
            describe(record, equivalence)
        }
    }

    /// A definition that is gone or broken compares to the letter.
    fn scope_equivalence(&self, (provider, cloud): &Place) -> ScopeEquivalence {
        let definition =
            self.0.catalog.find(provider).map(|entry| entry.definition.in_cloud(cloud.as_deref()));
        definition.map(|definition| definition.scope_equivalence()).unwrap_or_default()
    }
}

/// What decides how a record's scopes compare: its provider, and the cloud there.
type Place = (ProviderName, Option<String>);

fn place_of(record: &ConnectionRecord) -> Place {
    (record.key.provider.clone(), record.server.cloud.clone())
}

fn describe(record: &ConnectionRecord, equivalence: &ScopeEquivalence) -> Connection {
    let token = record.access_tokens.first();
    Connection {
        key: record.key.clone(),
        login_required: match record.status {
            ConnectionStatus::Connected => None,
            ConnectionStatus::LoginRequired { reason, .. } => Some(reason),
        },
        account: record.account.clone(),
        missing_scopes: missing_scopes(record, equivalence),
        requested_scopes: record.requested_scopes.clone(),
        granted_scopes: record.granted_scopes.clone(),
        expires_at: token.and_then(AccessTokenRecord::expires_at),
        access_tokens: record
            .access_tokens
            .iter()
            .map(|token| HeldToken {
                resource: token.resource.clone(),
                scopes: token.scopes.clone(),
                expires_at: token.expires_at(),
            })
            .collect(),
        application: record.application,
        credential_expires_at: record.client.credential_expires_at,
        client_capabilities: record.client.capabilities.clone(),
        has_refresh_token: record.refresh_token.is_some(),
        client_id: record.client.client_id.clone(),
        issuer: record.server.issuer.clone(),
        resource: record.server.resource.clone(),
        values: record.values.clone(),
        api_hosts: record.api.hosts.clone(),
        dpop: record.dpop_key.is_some(),
        tenant: record.server.tenant.clone(),
        logged_in_at: record.logged_in_at,
        refreshed_at: record.refreshed_at,
    }
}

/// What was asked for and not granted. Of a resource that no token was asked for yet, nothing is known.
fn missing_scopes(record: &ConnectionRecord, equivalence: &ScopeEquivalence) -> ScopeSet {
    let known = equivalence.resources(&record.granted_scopes);
    let asked = record
        .requested_scopes
        .filter(|scope| equivalence.resource(scope).is_none_or(|resource| known.contains(&resource)));
    record.granted_scopes.missing(&asked, equivalence)
}
