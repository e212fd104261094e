//! `token`: a fresh access token, from the store when it is fresh there, else refreshed.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::{Broker, Kept};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, ConnectionName, ProviderName};
use crate::protocol::claims;
use crate::provider::ProviderDefinition;
use crate::refresh::{Demand, Freshness, Wanted, freshness, not_connected, not_connected_to};
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::store::{AccessTokenRecord, ConnectionRecord};

/// What is wanted of a token.
#[derive(Debug, Clone, Default)]
pub struct TokenOptions {
    /// Which connection.
    pub connection: ConnectionName,
    /// Scopes that the token must hold, of one resource: at a provider that tells resources apart (Microsoft) they say
    /// which one the token is for. Absent: the resource that the login was for, whatever it grants there.
    pub scopes: Option<ScopeSet>,
    /// The protected resource that the token must be for; that of another connection is `not_connected`.
    pub resource: Option<String>,
    /// The token is refreshed first when it is good for less than this. A server may give tokens that
    /// live shorter; then the newest is handed out.
    pub min_lifetime: Duration,
    /// Refresh even when the token looks fresh, because a server would not have it.
    pub force_refresh: bool,
    /// An access token that a server would not have: any other will do, so that a hundred callers who were refused
    /// the same one make one refresh.
    pub replaces: Option<Secret>,
    /// The JSON of a claims challenge (OIDC Core 5.5; [`Challenge::claims_json`](crate::Challenge)): a token that
    /// was not asked for with it is refreshed first.
    pub claims: Option<String>,
    /// Microsoft: while the server is down, hand out a token that has ended for as long as its resource still takes it
    /// (`ext_expires_in`).
    pub allow_extended: bool,
}

impl TokenOptions {
    fn min_lifetime_seconds(&self) -> i64 {
        i64::try_from(self.min_lifetime.as_secs()).unwrap_or(i64::MAX)
    }

    /// True when `token`, as long as it lives, is what is wanted.
    fn accepts(&self, token: &AccessTokenRecord) -> bool {
        !self.force_refresh
            && self.replaces.as_ref().is_none_or(|refused| *refused != token.secret)
            && (self.claims.is_none() || self.claims == token.claims)
    }

    /// True when `record` is the grant for the resource that is wanted, if one is.
    fn is_for(&self, record: &ConnectionRecord) -> bool {
        self.resource.as_deref().is_none_or(|resource| record.is_for_resource(resource))
    }

    /// The same with its claims in the one form that can be compared: two programs may write one demand in two ways.
    pub(super) fn settled(&self) -> Result<Cow<'_, TokenOptions>> {
        let Some(claims) = &self.claims else { return Ok(Cow::Borrowed(self)) };
        let claims = claims::settled(claims)?;
        Ok(Cow::Owned(TokenOptions { claims: Some(claims), ..self.clone() }))
    }
}

/// An access token, ready for use (RFC 6749 1.4). It is opaque: what a server put into it is for the
/// resource to read. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself.
    pub secret: Secret,
    /// RFC 6749 7.1: `Bearer`; `DPoP` for a token that is bound to a key ([`Broker::dpop_proof`]).
    pub token_type: String,
    /// The header that carries it, where that is not `Authorization`.
    pub header: Option<String>,
    /// What stands before it in the header, where that is not the token's type.
    pub scheme: Option<String>,
    /// When it ends; absent when it does not expire.
    pub expires_at: Option<Timestamp>,
    /// What it grants.
    pub scopes: ScopeSet,
    /// The resource that it is for (RFC 8707), when the server tells resources apart.
    pub resource: Option<String>,
    /// The connection that it is from.
    pub connection: ConnectionKey,
}

impl AccessToken {
    /// The name of the header that carries the token.
    pub fn header_name(&self) -> &str {
        self.header.as_deref().unwrap_or("Authorization")
    }

    /// The value of that header (RFC 6750 2.1, RFC 9449 7.1).
    pub fn authorization_header(&self) -> Secret {
        match self.scheme.as_deref().unwrap_or(&self.token_type) {
            "" => self.secret.clone(),
            scheme => Secret::new(format!("{scheme} {}", self.secret.expose())),
        }
    }

    /// The token itself, for whoever makes an `Authorization: Bearer` of it without asking (RFC 6750 2.1): a client of
    /// somebody else's, a mail server.
    ///
    /// # Errors
    /// `unsupported` for a token that is bound to a key, and for one that goes into another header.
    pub fn bearer(&self) -> Result<&Secret> {
        let scheme = self.scheme.as_deref().unwrap_or(&self.token_type);
        if scheme.eq_ignore_ascii_case("bearer") && self.header_name().eq_ignore_ascii_case("authorization") {
            return Ok(&self.secret);
        }
        let message = format!("the token of {} cannot be sent as a bearer token", self.connection);
        Err(Error::new(ErrorKind::Unsupported, message).with_help(
            "it is bound to a key (DPoP), or its API wants it in a header of its own: send the request by an adapter that \
             knows how (httpx, requests, fetch, URLRequest), or make its headers from header_name, \
             authorization_header and dpop_proof",
        ))
    }
}

impl Broker {
    /// The connection's access token, when it can be handed out as it is: no lock, no network, no
    /// runtime. `None` when a refresh is needed or welcome: then ask [`Broker::token`].
    ///
    /// Cheap enough to be called for every request that is sent: a microsecond, however many connections there
    /// are. A logout, a login or a refresh by another process counts from the next call on.
    ///
    /// # Errors
    /// - `not_connected`: nobody has logged in; `unknown_provider` when there is no such provider either.
    /// - `scope_not_granted`: the grant does not hold the scopes in `options`.
    /// - `store_locked`, `store_unavailable`, `store_corrupt`: the store cannot be opened or read.
    pub fn cached_token(
        &self,
        provider: &ProviderName,
        options: &TokenOptions,
    ) -> Result<Option<AccessToken>> {
        let key = ConnectionKey::new(provider.clone(), options.connection.clone());
        let Some(kept) = self.kept_if_any()? else { return Err(self.no_token_of(&key, options)) };
        Ok(self.fresh_token(kept, &key, &*options.settled()?)?.ok())
    }

    /// The token, when it can be handed out as it is; else the record and what is wanted of it, for whoever goes on.
    fn fresh_token(
        &self,
        kept: &Kept,
        key: &ConnectionKey,
        options: &TokenOptions,
    ) -> Result<Result<AccessToken, (ConnectionRecord, Demand)>> {
        let (now, named) = (self.0.clock.now(), options.scopes.as_ref());
        let hand_out_fresh = |record: &ConnectionRecord, place: usize| {
            let token = record.access_tokens.get(place).filter(|token| options.accepts(token))?;
            if !options.is_for(record) {
                return None;
            }
            let fresh = freshness(token, &now, options.min_lifetime_seconds()) == Freshness::Fresh;
            fresh.then(|| hand_out(record, token))
        };
        if let Some(token) = kept.recent.find(key, &now, named, hand_out_fresh) {
            return Ok(Ok(token));
        }
        let Some((record, watch)) = kept.store.get_watched(key)? else {
            kept.recent.forget(key);
            return Err(self.no_token_of(key, options));
        };
        if !options.is_for(&record) {
            return Err(self.no_token_of(key, options));
        }
        let demand = self.demand(&record, options)?;
        let covering = demand.token(&record).is_some_and(|token| demand.covers(token));
        if let Some(place) = demand.place(&record).filter(|_| covering)
            && let Some(token) = hand_out_fresh(&record, place)
        {
            kept.recent.keep(record, watch, &now, named.map(|scopes| (scopes, place)));
            return Ok(Ok(token));
        }
        kept.recent.forget(key);
        Ok(Err((record, demand)))
    }

    /// The connection's access token, refreshed first where that is needed.
    ///
    /// However many tasks, programs and languages ask at once, one refresh is sent (RFC 6749 6). While the
    /// token at hand still works, no trouble of the network or the server is an error.
    ///
    /// Cancel-safe: dropping the future never loses a refresh token. Must run within a tokio runtime
    /// that lives on until [`Broker::close`] has returned.
    ///
    /// # Errors
    /// Those of [`Broker::cached_token`], and, once the token at hand is of no more use:
    /// - `login_required`: the server no longer accepts the grant, or there is no refresh token. The record
    ///   stays, so that the login can be repeated as it was.
    /// - `interaction_required`, `consent_required`: the server wants the person; the grant lives on.
    /// - `network`, `throttled`, `lock_timeout`: it may pass; `retryable` is true.
    /// - `provider_rejected`: the server refused the client or the request.
    pub async fn token(&self, provider: &ProviderName, options: &TokenOptions) -> Result<AccessToken> {
        let key = ConnectionKey::new(provider.clone(), options.connection.clone());
        let Some(kept) = self.kept_if_any_async().await? else { return Err(self.no_token_of(&key, options)) };
        let options = &*options.settled()?;
        let (record, demand) = match self.fresh_token(kept, &key, options)? {
            Ok(token) => return Ok(token),
            Err(stale) => stale,
        };
        if let Some(token) = demand.token(&record).filter(|token| demand.accepts(token)) {
            let judged = freshness(token, &self.0.clock.now(), demand.min_lifetime);
            if judged == Freshness::RefreshWelcome {
                // The token at hand is good: nobody waits, and a failure changes nothing.
                let replaces = Some(token.secret.clone());
                kept.refresher.refresh_in_background(&key, &Demand { replaces, ..demand.clone() });
            }
            if judged.is_servable() {
                return Ok(hand_out(&record, token));
            }
        }
        let refreshed = kept.refresher.refreshed(&key, &demand).await?;
        // Somebody may have logged in to another resource meanwhile.
        let token = demand.token(&refreshed).filter(|_| options.is_for(&refreshed));
        let token = token.ok_or_else(|| self.no_token_of(&key, options))?;
        self.check_granted(&refreshed, &token.scopes, options)?;
        let expires_at = ends_at(token, options, self.0.clock.now().wall);
        Ok(AccessToken { expires_at, ..hand_out(&refreshed, token) })
    }

    /// Waits until the refreshes under way are written down. A program that ends calls it last: what it
    /// leaves half done is found by the next one, which must then ask the server what became of it.
    pub async fn close(&self) {
        if let Some(kept) = self.0.kept.get() {
            kept.refresher.settle().await;
            kept.recent.clear();
        }
    }

    pub(super) fn record(&self, key: &ConnectionKey) -> Result<ConnectionRecord> {
        let record = match self.kept_if_any()? {
            Some(kept) => kept.store.get(key)?,
            None => None,
        };
        record.ok_or_else(|| self.no_such_connection(key))
    }

    /// A name that no provider has is a slip of the hand, not a login that is missing.
    pub(super) fn no_such_connection(&self, key: &ConnectionKey) -> Error {
        self.0.catalog.find(&key.provider).err().unwrap_or_else(|| not_connected(key))
    }

    /// The same for the resource that a token was wanted for.
    fn no_token_of(&self, key: &ConnectionKey, options: &TokenOptions) -> Error {
        let resource = options.resource.as_deref();
        self.0.catalog.find(&key.provider).err().unwrap_or_else(|| not_connected_to(key, resource))
    }

    /// What a call with `options` wants of `record`: of which resource, and how fresh.
    ///
    /// Scopes that the login asked for and did not get, and any that a grant does not reach at a provider whose scopes
    /// name no resource, are `scope_not_granted`: to ask again would bring the same. Others are asked for: consent may
    /// have been given elsewhere, by an administrator for one.
    fn demand(&self, record: &ConnectionRecord, options: &TokenOptions) -> Result<Demand> {
        let mut demand = Demand {
            min_lifetime: options.min_lifetime_seconds(),
            claims: options.claims.clone(),
            allow_extended: options.allow_extended,
            ..Demand::default()
        };
        if let Some(scopes) = &options.scopes {
            let definition = self.definition_of(record)?;
            let equivalence = definition.scope_equivalence();
            let scopes = wanted_scopes(record, scopes, &definition);
            let mut resources = equivalence.resources(&scopes).into_iter();
            let resource = resources.next();
            if let Some(other) = resources.next() {
                return Err(several_resources(&resource.unwrap_or_default(), &other));
            }
            let covered = record
                .access_tokens
                .first()
                .is_some_and(|own| own.scopes.missing(&scopes, &equivalence).is_empty());
            match resource {
                _ if covered => {}
                None => self.check_granted(record, &record.granted_scopes, options)?,
                Some(resource) => {
                    let wanted = Wanted { resource, scopes, equivalence };
                    if wanted.was_withheld(record) {
                        self.check_granted(record, &record.granted_scopes, options)?;
                    }
                    demand.wanted = Some(wanted);
                }
            }
        }
        let at_hand = demand.token(record).map(|token| &token.secret);
        demand.replaces = if options.force_refresh { at_hand } else { options.replaces.as_ref() }.cloned();
        Ok(demand)
    }

    /// The definition that the record's login was made with, as it is today.
    pub(super) fn definition_of(&self, record: &ConnectionRecord) -> Result<ProviderDefinition> {
        let definition = self.0.catalog.find(&record.key.provider)?.definition;
        Ok(definition.in_cloud(record.server.cloud.as_deref()))
    }

    fn check_granted(
        &self,
        record: &ConnectionRecord,
        granted: &ScopeSet,
        options: &TokenOptions,
    ) -> Result<()> {
        let (key, Some(wanted)) = (&record.key, &options.scopes) else { return Ok(()) };
        let definition = self.definition_of(record)?;
        let wanted = wanted_scopes(record, wanted, &definition);
        let missing = granted.missing(&wanted, &definition.scope_equivalence());
        if missing.is_empty() {
            return Ok(());
        }
        let command = format!("log in again for them: `{}`", record.wider_login_command(&missing));
        Err(Error::new(ErrorKind::ScopeNotGranted, format!("{key} was not granted {missing}"))
            .with_help(command))
    }
}

/// The scopes that `named` stands for: its presets replaced by theirs; for an application, all of their resource.
fn wanted_scopes(record: &ConnectionRecord, named: &ScopeSet, definition: &ProviderDefinition) -> ScopeSet {
    let named = definition.expand(named);
    if record.application { definition.scope_equivalence().of_application(&named) } else { named }
}

/// A token is for one resource.
fn several_resources(one: &str, other: &str) -> Error {
    let message = format!("these scopes are for more than one resource: {one} and {other}");
    Error::new(ErrorKind::ConfigInvalid, message)
        .with_help("a token is for one resource: ask for one token with the scopes of each")
}

/// When `token` ends for a caller with `options`: one that has ended is only handed out for its extended life.
fn ends_at(token: &AccessTokenRecord, options: &TokenOptions, now: Timestamp) -> Option<Timestamp> {
    let ends_at = token.expires_at()?;
    let extended = token.extended_lifetime.filter(|_| options.allow_extended && ends_at <= now);
    Some(extended.map_or(ends_at, |lifetime| token.obtained.wall.plus(lifetime)))
}

fn hand_out(record: &ConnectionRecord, token: &AccessTokenRecord) -> AccessToken {
    AccessToken {
        secret: token.secret.clone(),
        token_type: token.token_type.clone(),
        header: record.api.header.clone(),
        scheme: record.api.scheme.clone(),
        expires_at: token.expires_at(),
        scopes: token.scopes.clone(),
        resource: token.resource.clone(),
        connection: record.key.clone(),
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("secret", &self.secret)
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scopes", &self.scopes)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
