//! `/_control/...`: how a test in another process speaks to the server. The same verbs as `Running` has, over
//! loopback, without authentication: nothing here guards anything.

use std::time::Instant;

use hyper::Method;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value, json};

use crate::consent::Whose;
use crate::entra;
use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// Answers a control request: 204 or JSON, 400 for what cannot be read, 404 for what is not there.
pub(crate) fn answer(shared: &Shared, request: &Request, name: &str) -> Reply {
    let answer = match (&request.method, name) {
        (&Method::GET, "journal") => Ok(journal(shared)),
        (&Method::GET, "faults") => Ok(Reply::json(200, json!(shared.faults().waiting()))),
        (&Method::POST, "faults") => push_faults(shared, request),
        (&Method::DELETE, "faults") => {
            shared.faults().clear();
            Ok(done())
        }
        (&Method::GET, "options") => Ok(Reply::json(200, json!(shared.live()))),
        (&Method::POST, "options") => set_options(shared, request),
        (&Method::POST, "device") => decide_device(shared, request),
        (&Method::GET, "clients") => Ok(Reply::json(200, json!(shared.state().registrations.ids()))),
        (&Method::POST, "forget-client") => forget_client(shared, request),
        (&Method::POST, "client-document") => publish(shared, request),
        (&Method::POST, "consent") => allow(shared, request),
        (&Method::DELETE, "consent") => {
            shared.state().consents.clear();
            Ok(done())
        }
        (&Method::POST, "forget-nonces") => {
            shared.state().proofs.forget_nonces();
            Ok(done())
        }
        (&Method::POST, "expire") => {
            shared.state().expire_access_tokens(Instant::now());
            Ok(done())
        }
        (&Method::POST, "revoke-all") => {
            shared.state().revoke_all();
            Ok(done())
        }
        _ => Ok(Reply::json(404, json!({"error": format!("there is no {} {name}", request.method)}))),
    };
    answer.unwrap_or_else(|error| Reply::json(400, json!({"error": error.to_string()})))
}

/// The journal, and what the proxy was asked to reach, whether or not it did.
fn journal(shared: &Shared) -> Reply {
    let mut journal = shared.journal.to_json();
    let asked = shared.proxy.iter().flat_map(Proxy::asked);
    journal["tunnels"] = asked.filter_map(|asked| asked.target().map(Value::from)).collect();
    Reply::json(200, journal)
}

/// A fault or a list of faults. The list is read whole before any of it counts.
fn push_faults(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let faults = read_script(request.json()?)?;
    let mut queue = shared.faults();
    faults.into_iter().for_each(|fault| queue.push(fault));
    Ok(done())
}

/// Reads a script: one fault, or an array of them.
pub(crate) fn read_script(script: Value) -> serde_json::Result<Vec<Fault>> {
    match script {
        Value::Array(_) => serde_json::from_value(script),
        one => serde_json::from_value(one).map(|fault| vec![fault]),
    }
}

/// The options that are named change, the others stay, within a section as well.
fn set_options(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let options = shared.live().changed(request.json()?)?;
    shared.set_live(options.clone());
    Ok(Reply::json(200, json!(options)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceDecision {
    user_code: String,
    decision: Decision,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Approve,
    Deny,
}

fn decide_device(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let DeviceDecision { user_code, decision } = serde_json::from_value(request.json()?)?;
    let approve = decision == Decision::Approve;
    let found = shared.state().devices.decide(&user_code, approve, Instant::now());
    let missing = || Reply::json(404, json!({"error": "no device waits with this code"}));
    Ok(if found { done() } else { missing() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForgottenClient {
    client_id: String,
}

fn forget_client(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let ForgottenClient { client_id } = serde_json::from_value(request.json()?)?;
    let found = shared.state().registrations.forget(&client_id);
    let missing = || Reply::json(404, json!({"error": "no client registered itself with this id"}));
    Ok(if found { done() } else { missing() })
}

/// A client's document, and where it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    url: String,
    document: Map<String, Value>,
}

fn publish(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let Published { url, document } = serde_json::from_value(request.json()?)?;
    shared.state().client_documents.publish(url, document);
    Ok(done())
}

/// Somebody allows a client some scopes: the account that is named, or an administrator for all of a tenant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    client_id: String,
    scope: String,
    username: Option<String>,
    tenant: Option<String>,
}

fn allow(shared: &Shared, request: &Request) -> serde_json::Result<Reply> {
    let Allowed { client_id, scope, username, tenant } = serde_json::from_value(request.json()?)?;
    let whose = match (username, tenant) {
        (Some(username), None) => Whose::Account(username),
        (None, tenant) => Whose::Tenant(entra::tenant_id(tenant.as_deref().unwrap_or(entra::HOME))),
        (Some(_), Some(_)) => return Err(serde_json::Error::custom("either an account or a tenant")),
    };
    let scope: Vec<String> = scope.split_whitespace().map(Into::into).collect();
    shared.state().consents.allow(&client_id, whose, &scope);
    Ok(done())
}

fn done() -> Reply {
    Reply::new(204, Content::Empty)
}
