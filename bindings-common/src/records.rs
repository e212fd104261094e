//! The core's values as records. Each pattern names every field: a new one does not compile until it is here.
//!
//! May not enter: a secret. An access token is no record; each binding has a class for it that does not show it.

use std::path::Path;

use serde_json::{Value, json};
use tokenkeep::{
    Account, AdminConsent, AdminConsentRequest, Connection, ConnectionChange, Connections, DefinitionOrigin,
    Deletion, DeviceAuthorization, Explanation, FileState, HeldToken, KeyState, LogoutOutcome, Provider,
    ProviderValue, Registration, RegistrationRemoval, Result, Revocation, ScopeCheck, ScopeFinding, ScopeSet,
    VaultState,
};

use crate::errors;

pub(crate) fn connection(connection: &Connection) -> Value {
    let status = connection.status();
    let Connection {
        key,
        login_required,
        account,
        requested_scopes,
        granted_scopes,
        missing_scopes,
        expires_at,
        access_tokens,
        application,
        credential_expires_at,
        client_capabilities,
        has_refresh_token,
        client_id,
        issuer,
        resource,
        values,
        api_hosts,
        dpop,
        tenant,
        logged_in_at,
        refreshed_at,
    } = connection;
    let guest = account.is_guest();
    let Account { subject, issuer: account_issuer, username, tenant_id, object_id, home_account_id } =
        account;
    json!({
        "provider": key.provider,
        "connection": key.connection,
        "status": status,
        "login_required": login_required.map(|reason| reason.as_str()),
        "account": {
            "subject": subject,
            "issuer": account_issuer,
            "username": username,
            "tenant_id": tenant_id,
            "object_id": object_id,
            "home_account_id": home_account_id,
            "guest": guest,
        },
        "requested_scopes": requested_scopes,
        "granted_scopes": granted_scopes,
        "missing_scopes": missing_scopes,
        "expires_at": expires_at,
        "access_tokens": access_tokens.iter().map(held_token).collect::<Vec<_>>(),
        "application": application,
        "credential_expires_at": credential_expires_at,
        "client_capabilities": client_capabilities,
        "has_refresh_token": has_refresh_token,
        "client_id": client_id,
        "issuer": issuer,
        "resource": resource,
        "values": values,
        "api_hosts": api_hosts,
        "dpop": dpop,
        "tenant": tenant,
        "logged_in_at": logged_in_at,
        "refreshed_at": refreshed_at,
    })
}

fn held_token(token: &HeldToken) -> Value {
    let HeldToken { resource, scopes, expires_at } = token;
    json!({ "resource": resource, "scopes": scopes, "expires_at": expires_at })
}

pub(crate) fn connection_change(change: &ConnectionChange) -> Value {
    let ConnectionChange { kind, connection: changed } = change;
    json!({ "kind": kind.as_str(), "connection": connection(changed) })
}

/// Those that can be read, and why the others cannot.
pub(crate) fn connections(all: &Connections) -> Value {
    let Connections { connections, damaged } = all;
    json!({
        "connections": connections.iter().map(connection).collect::<Vec<_>>(),
        "damaged": damaged.iter().map(errors::record).collect::<Vec<_>>(),
    })
}

pub(crate) fn provider(provider: &Provider) -> Value {
    let Provider {
        name,
        display_name,
        access_token_variable,
        endpoints,
        api_hosts,
        values,
        confidence,
        documentation,
        presets,
        discovery,
        origin,
        definition,
    } = provider;
    let preset = |(name, scopes): &(String, ScopeSet)| json!({ "name": name, "scopes": scopes });
    let value = |ProviderValue { name, description, default, learnt }: &ProviderValue| json!({ "name": name, "description": description, "default": default, "learnt": learnt });
    let endpoint = |(name, url): &(String, String)| json!({ "name": name, "url": url });
    let (origin, file) = match origin {
        DefinitionOrigin::Bundled => ("bundled", None),
        DefinitionOrigin::User(file) => ("user", Some(path(file))),
    };
    json!({
        "name": name,
        "display_name": display_name,
        "access_token_variable": access_token_variable,
        "endpoints": endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "api_hosts": api_hosts,
        "values": values.iter().map(value).collect::<Vec<_>>(),
        "confidence": confidence,
        "documentation": documentation,
        "presets": presets.iter().map(preset).collect::<Vec<_>>(),
        "discovery": discovery,
        "origin": origin,
        "file": file,
        "definition": definition,
    })
}

/// Those that can be read, and why the others cannot.
pub(crate) fn providers(all: &[Result<Provider>]) -> Value {
    json!({
        "providers": all.iter().flatten().map(provider).collect::<Vec<_>>(),
        "damaged": all.iter().filter_map(|one| one.as_ref().err()).map(errors::record).collect::<Vec<_>>(),
    })
}

pub(crate) fn explanation(explanation: &Explanation) -> Value {
    let Explanation { code, name, meaning, who, remedy, command } = explanation;
    json!({
        "code": code,
        "name": name,
        "meaning": meaning,
        "who": who,
        "remedy": remedy,
        "command": command,
    })
}

pub(crate) fn scope_check(check: &ScopeCheck) -> Value {
    let ScopeCheck { scopes, resources, findings } = check;
    let finding = |ScopeFinding { kind, scopes, message, help }: &ScopeFinding| json!({ "kind": kind.as_str(), "scopes": scopes, "message": message, "help": help });
    json!({
        "scopes": scopes,
        "resources": resources,
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

pub(crate) fn admin_consent_request(request: &AdminConsentRequest) -> Value {
    let AdminConsentRequest { url, state, redirect_uri } = request;
    json!({ "url": url.as_str(), "state": state, "redirect_uri": redirect_uri })
}

pub(crate) fn admin_consent(consent: &AdminConsent) -> Value {
    let AdminConsent { tenant, scopes } = consent;
    json!({ "tenant": tenant, "scopes": scopes })
}

pub(crate) fn registration(registration: &Registration) -> Value {
    let Registration { provider, issuer, client_id, dynamic, has_client_secret, stored_at } = registration;
    json!({
        "provider": provider,
        "issuer": issuer,
        "client_id": client_id,
        "dynamic": dynamic,
        "has_client_secret": has_client_secret,
        "stored_at": stored_at,
    })
}

pub(crate) fn registration_removal(removal: &RegistrationRemoval) -> Value {
    let RegistrationRemoval { provider, issuer, deletion } = removal;
    let detail = match deletion {
        Deletion::Failed { why } => Some(why.as_str()),
        Deletion::Deleted | Deletion::NotManaged => None,
    };
    json!({ "provider": provider, "issuer": issuer, "deletion": deletion.as_str(), "detail": detail })
}

pub(crate) fn logout_outcome(outcome: &LogoutOutcome) -> Value {
    let LogoutOutcome { key, revocation } = outcome;
    let detail = match revocation {
        Revocation::NotSupported { note } => note.as_deref(),
        Revocation::Failed { why } => Some(why.as_str()),
        Revocation::Revoked | Revocation::AlreadyEnded => None,
    };
    json!({
        "provider": key.provider,
        "connection": key.connection,
        "revocation": revocation.as_str(),
        "detail": detail,
    })
}

pub(crate) fn vault_state(state: &VaultState) -> Value {
    let VaultState { home, files, id, key_source, key, connections, registrations, kept_aside, keychain } =
        state;
    let file = |FileState { path: at, mode, open_to_others }: &FileState| json!({ "path": path(at), "mode": mode, "open_to_others": open_to_others });
    let (key, key_error) = match key {
        KeyState::NoVault => ("no_vault", None),
        KeyState::Found => ("found", None),
        KeyState::Asked => ("asked", None),
        KeyState::Missing(error) => ("missing", Some(errors::record(error))),
    };
    json!({
        "home": path(home),
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "id": id,
        "key_source": key_source.map(|source| source.as_str()),
        "key": key,
        "key_error": key_error,
        "connections": connections,
        "registrations": registrations,
        "kept_aside": kept_aside.iter().map(|file| path(file)).collect::<Vec<_>>(),
        "keychain_error": keychain.as_ref().map(errors::record),
    })
}

pub(crate) fn device_authorization(device: &DeviceAuthorization) -> Value {
    let DeviceAuthorization { verification_uri, user_code, verification_uri_complete, message, expires_in } =
        device;
    json!({
        "verification_uri": verification_uri,
        "user_code": user_code,
        "verification_uri_complete": verification_uri_complete,
        "message": message,
        "expires_in": expires_in,
    })
}

/// A path as text; of one that is none, what can be shown.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
