//! The calls of a broker, by the names that they have in every language.
//!
//! May not enter: what a call means. `core/src/broker` says so.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tokenkeep::{AccessToken, Broker, Challenge, Connection, PendingLogin, Result, Secret};

use crate::interaction::{self, Person};
use crate::records;
use crate::request::Request;
use crate::work::off_thread;

/// A call whose answer is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the core's names")]
pub enum Verb {
    AddProvider,
    AdminConsentUrl,
    AllowedHosts,
    CheckScopes,
    ClientMetadataDocument,
    Close,
    Connection,
    Connections,
    DpopProof,
    Explain,
    Initialize,
    Inspect,
    Logout,
    Provider,
    Providers,
    ReadAdminConsent,
    Registration,
    RemoveProvider,
    RemoveRegistration,
    SetRegistration,
}

/// Asks the broker; the answer as a record.
///
/// # Errors
/// Those of the call.
pub async fn ask(broker: Broker, verb: Verb, request: Request) -> Result<Value> {
    let look: fn(&Broker, &Request) -> Result<Value> = match verb {
        Verb::Close => {
            broker.close().await;
            return Ok(Value::Null);
        }
        Verb::Logout => {
            return broker.logout(&request.key()?).await.map(|outcome| records::logout_outcome(&outcome));
        }
        Verb::RemoveRegistration => {
            let (provider, issuer) = (request.provider()?, request.issuer.as_deref());
            let removed = broker.remove_registration(&provider, issuer).await?;
            return Ok(removed.as_ref().map(records::registration_removal).into());
        }
        Verb::AddProvider => |broker, request| {
            broker.add_provider(request.file.as_ref()).map(|added| records::provider(&added))
        },
        Verb::AdminConsentUrl => |broker, request| {
            let options = request.admin_consent_options()?;
            broker
                .admin_consent_url(&request.provider()?, &options)
                .map(|asked| records::admin_consent_request(&asked))
        },
        Verb::AllowedHosts => {
            |broker, request| Ok(broker.allowed_hosts(&request.key()?)?.hosts().collect::<Vec<_>>().into())
        }
        Verb::CheckScopes => |broker, request| {
            let scopes = request.scopes()?.unwrap_or_default();
            broker.check_scopes(&request.provider()?, &scopes).map(|check| records::scope_check(&check))
        },
        Verb::ClientMetadataDocument => {
            |broker, request| broker.client_metadata_document(&request.url).map(Value::from)
        }
        // For one request, and of no use for another: no secret that outlives it.
        Verb::DpopProof => |broker, request| {
            let proof = broker.dpop_proof(&request.provider()?, &request.dpop_proof_options()?)?;
            Ok(Value::from(proof.expose()))
        },
        Verb::Explain => |broker, request| {
            let known = broker.explain(&request.text)?;
            Ok(known.iter().map(records::explanation).collect::<Vec<_>>().into())
        },
        Verb::ReadAdminConsent => |broker, request| {
            broker
                .read_admin_consent(&request.state, &request.callback_url)
                .map(|consent| records::admin_consent(&consent))
        },
        Verb::Connection => {
            |broker, request| broker.connection(&request.key()?).map(|found| records::connection(&found))
        }
        Verb::Connections => |broker, _| broker.connections().map(|all| records::connections(&all)),
        Verb::Initialize => |broker, _| broker.initialize().map(|state| records::vault_state(&state)),
        Verb::Inspect => |broker, _| Ok(records::vault_state(&broker.inspect())),
        Verb::Provider => {
            |broker, request| broker.provider(&request.provider()?).map(|found| records::provider(&found))
        }
        Verb::Providers => |broker, _| broker.providers().map(|all| records::providers(&all)),
        Verb::Registration => |broker, request| {
            let stored = broker.registration(&request.provider()?, request.issuer.as_deref())?;
            Ok(stored.as_ref().map(records::registration).into())
        },
        Verb::RemoveProvider => {
            |broker, request| broker.remove_provider(&request.provider()?).map(Value::from)
        }
        Verb::SetRegistration => |broker, request| {
            let client_id = request.client_id.as_deref().unwrap_or_default();
            let secret = request.client_secret.clone();
            broker
                .set_registration(&request.provider()?, request.issuer.as_deref(), client_id, secret)
                .map(|stored| records::registration(&stored))
        },
    };
    // Files are read, and a keychain may be asked.
    off_thread(move || look(&broker, &request)).await
}

/// A fresh token ([`Broker::token`]).
///
/// # Errors
/// Those of the call.
pub async fn token(broker: Broker, request: Request) -> Result<AccessToken> {
    broker.token(&request.provider()?, &request.token_options()?).await
}

/// The token for the one retry ([`Broker::token_after_refusal`]).
///
/// # Errors
/// Those of the call.
pub async fn token_after_refusal(broker: Broker, request: Request) -> Result<Option<AccessToken>> {
    let refused = request.refused.clone().unwrap_or_else(|| Secret::new(""));
    let challenges = Challenge::parse_all(&request.www_authenticate);
    broker.token_after_refusal(&request.provider()?, &request.token_options()?, &refused, &challenges).await
}

/// Logs in whoever `person` talks to; without one, the person at the terminal.
///
/// # Errors
/// Those of the call; `login_cancelled` when a method of `person` fails.
pub async fn login<P: Person>(broker: Broker, request: Request, person: Option<P>) -> Result<Value> {
    let provider = request.provider()?;
    let options = request.login_options(person.as_ref().is_some_and(|person| person.has("open_url")))?;
    let (interaction, refused) = match person {
        Some(person) => interaction::through(person),
        None => (tokenkeep_cli::terminal(options.paste), interaction::never()),
    };
    let made = tokio::select! {
        biased;
        refusal = refused => Err(refusal),
        made = broker.login(&provider, &options, interaction) => made,
    };
    made.map(|connection| records::connection(&connection))
}

/// The first half of a login ([`Broker::begin_login`]).
///
/// # Errors
/// Those of the call.
pub async fn begin_login(broker: Broker, request: Request) -> Result<Arc<PendingLogin>> {
    broker.begin_login(&request.provider()?, &request.login_options(false)?).await.map(Arc::new)
}

/// The second half ([`Broker::finish_login`]).
///
/// # Errors
/// Those of the call.
pub async fn finish_login(broker: Broker, pending: Arc<PendingLogin>, callback_url: String) -> Result<Value> {
    let made: Connection = broker.finish_login(&pending, &callback_url).await?;
    Ok(records::connection(&made))
}
