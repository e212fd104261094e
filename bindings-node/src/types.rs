//! What goes in and what comes out: JavaScript's objects, and the core's values.
//!
//! Times are seconds since the epoch, durations are seconds, what is absent is null. May not enter: what an option that
//! was left out stands for.

use std::path::Path;
use std::time::Duration;

use napi_derive::napi;
use serde_json::{Value, json};
use tokenkeep::{
    AccessToken, Connection, ConnectionKey, ConnectionName, Connections, DefinitionOrigin, KeyState,
    LogoutOutcome, Provider, ProviderName, Registration, Result, Revocation, ScopeSet, Secret, VaultState,
    seconds,
};

use crate::errors::failure;

/// What a broker is opened with.
#[napi(object, object_to_js = false)]
pub struct Opening {
    pub home: Option<String>,
    pub key_source: Option<String>,
    pub passphrase: Option<String>,
    pub lock_wait: Option<f64>,
    pub insecure_loopback: Option<bool>,
}

/// The arguments and options of a call; each call has its own.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct Request {
    pub provider: Option<String>,
    pub connection: Option<String>,
    pub scopes: Option<String>,
    pub min_lifetime: Option<f64>,
    pub force_refresh: Option<bool>,
    pub replaces: Option<String>,
    pub claims: Option<String>,
    pub refused: Option<String>,
    pub www_authenticate: Option<Vec<String>>,
    pub flow: Option<String>,
    pub tenant: Option<String>,
    pub cloud: Option<String>,
    pub issuer: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub redirect_uri: Option<String>,
    pub paste: Option<bool>,
    pub timeout: Option<f64>,
    pub file: Option<String>,
}

impl Opening {
    pub fn into_options(self) -> Result<tokenkeep::BrokerOptions> {
        Ok(tokenkeep::BrokerOptions {
            home: self.home.map(Into::into),
            key_source: self.key_source.map(|name| name.parse()).transpose()?,
            passphrase: self.passphrase.map(Secret::new),
            lock_wait: duration("lockWait", self.lock_wait)?,
            insecure_loopback: self.insecure_loopback.unwrap_or_default(),
            ..tokenkeep::BrokerOptions::default()
        })
    }
}

impl Request {
    pub fn provider(&self) -> Result<ProviderName> {
        self.provider.as_deref().unwrap_or_default().parse()
    }

    pub fn key(&self) -> Result<ConnectionKey> {
        Ok(ConnectionKey::new(self.provider()?, self.connection()?))
    }

    fn connection(&self) -> Result<ConnectionName> {
        self.connection.as_deref().map_or_else(|| Ok(ConnectionName::default()), str::parse)
    }

    fn scopes(&self) -> Result<Option<ScopeSet>> {
        self.scopes.as_deref().map(str::parse).transpose()
    }

    pub fn token_options(self) -> Result<tokenkeep::TokenOptions> {
        Ok(tokenkeep::TokenOptions {
            connection: self.connection()?,
            scopes: self.scopes()?,
            min_lifetime: duration("minLifetime", self.min_lifetime)?.unwrap_or_default(),
            force_refresh: self.force_refresh.unwrap_or_default(),
            replaces: self.replaces.map(Secret::new),
            claims: self.claims,
        })
    }

    pub fn login_options(self, browser_named: bool) -> Result<tokenkeep::LoginOptions> {
        Ok(tokenkeep::LoginOptions {
            connection: self.connection()?,
            flow: self.flow.as_deref().map(str::parse).transpose()?,
            scopes: self.scopes()?,
            tenant: self.tenant,
            cloud: self.cloud,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret: self.client_secret.map(Secret::new),
            redirect_uri: self.redirect_uri,
            paste: self.paste.unwrap_or_default(),
            browser_named,
            timeout: duration("timeout", self.timeout)?,
        })
    }
}

fn duration(name: &str, value: Option<f64>) -> Result<Option<Duration>> {
    value.map(|value| seconds(name, value)).transpose()
}

/// A token as one text, because each string that is made for JavaScript costs as much as the core's whole look at the
/// store: on a line each the fields that can hold no line break, and last the secret.
pub fn token_text(token: &AccessToken) -> String {
    let AccessToken { secret, token_type, expires_at, scopes, resource, connection } = token;
    let expires_at = expires_at.map(|at| at.as_unix().to_string()).unwrap_or_default();
    let resource = resource.as_deref().unwrap_or_default();
    let ConnectionKey { provider, connection } = connection;
    let secret = secret.expose();
    format!("{provider}\n{connection}\n{token_type}\n{expires_at}\n{scopes}\n{resource}\n{secret}")
}

pub fn connection(connection: &Connection) -> Value {
    let Connection { key, account, .. } = connection;
    json!({
        "provider": key.provider.as_str(),
        "connection": key.connection.as_str(),
        "status": connection.status(),
        "loginRequired": connection.login_required.map(|reason| reason.as_str()),
        "account": {
            "subject": account.subject,
            "issuer": account.issuer,
            "username": account.username,
            "tenantId": account.tenant_id,
            "homeAccountId": account.home_account_id,
        },
        "requestedScopes": connection.requested_scopes,
        "grantedScopes": connection.granted_scopes,
        "missingScopes": connection.missing_scopes,
        "expiresAt": connection.expires_at.map(|at| at.as_unix()),
        "hasRefreshToken": connection.has_refresh_token,
        "clientId": connection.client_id,
        "issuer": connection.issuer,
        "tenant": connection.tenant,
        "loggedInAt": connection.logged_in_at.as_unix(),
        "refreshedAt": connection.refreshed_at.map(|at| at.as_unix()),
    })
}

pub fn connections(all: &Connections) -> Value {
    json!({
        "connections": all.connections.iter().map(connection).collect::<Vec<_>>(),
        "damaged": all.damaged.iter().map(failure).collect::<Vec<_>>(),
    })
}

/// Those that can be read, and why the others cannot.
pub fn providers(all: &[Result<Provider>]) -> Value {
    json!({
        "providers": all.iter().filter_map(|one| one.as_ref().ok()).map(provider).collect::<Vec<_>>(),
        "damaged": all.iter().filter_map(|one| one.as_ref().err()).map(failure).collect::<Vec<_>>(),
    })
}

pub fn provider(provider: &Provider) -> Value {
    let endpoint = |(name, url): &(String, String)| json!({ "name": name, "url": url });
    json!({
        "name": provider.name,
        "displayName": provider.display_name,
        "accessTokenVariable": provider.access_token_variable,
        "endpoints": provider.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "discovery": provider.discovery,
        "origin": match &provider.origin {
            DefinitionOrigin::Bundled => "bundled",
            DefinitionOrigin::User(_) => "user",
        },
        "file": match &provider.origin {
            DefinitionOrigin::Bundled => None,
            DefinitionOrigin::User(file) => Some(path(file)),
        },
        "definition": provider.definition,
    })
}

pub fn registration(registration: &Registration) -> Value {
    json!({
        "provider": registration.provider,
        "clientId": registration.client_id,
        "hasClientSecret": registration.has_client_secret,
        "storedAt": registration.stored_at,
    })
}

pub fn logout_outcome(outcome: &LogoutOutcome) -> Value {
    let detail = match &outcome.revocation {
        Revocation::NotSupported { note } => note.as_deref(),
        Revocation::Failed { why } => Some(why.as_str()),
        _ => None,
    };
    json!({
        "provider": outcome.key.provider,
        "connection": outcome.key.connection,
        "revocation": outcome.revocation.as_str(),
        "detail": detail,
    })
}

pub fn vault_state(state: &VaultState) -> Value {
    let (key, key_error) = match &state.key {
        KeyState::NoVault => ("no_vault", None),
        KeyState::Found => ("found", None),
        KeyState::Asked => ("asked", None),
        KeyState::Missing(error) => ("missing", Some(failure(error))),
    };
    let file = |file: &tokenkeep::FileState| json!({ "path": path(&file.path), "mode": file.mode, "openToOthers": file.open_to_others });
    json!({
        "home": path(&state.home),
        "files": state.files.iter().map(file).collect::<Vec<_>>(),
        "id": state.id,
        "keySource": state.key_source.map(|source| source.as_str()),
        "key": key,
        "keyError": key_error,
        "connections": state.connections,
        "registrations": state.registrations,
        "keptAside": state.kept_aside.iter().map(|file| path(file)).collect::<Vec<_>>(),
        "keychainError": state.keychain.as_ref().map(failure),
    })
}

/// JavaScript's strings are text: of a path that is none, what can be shown.
pub fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
