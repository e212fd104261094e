//! A protected resource in the manner of a server of the Model Context Protocol: it takes tokens that are for it and
//! for nothing else, and its refusals lead to its metadata (RFC 9728, section 5.1).

use serde_json::{Value, json};

use super::admission::{Admitted, Denial, admit};
use super::resource_metadata;
use crate::features::{Indicators, ResourceOptions};
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// Why a request was not admitted (RFC 6750, section 3.1).
struct Refused {
    status: u16,
    error: Option<&'static str>,
    /// What is told of the scope.
    scope: Option<String>,
    /// Challenges as they stand.
    demanded: Vec<String>,
}

/// Says whose token it is: to a POST in the form of JSON-RPC, as servers of the protocol answer one.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let options = shared.live().protected_resource;
    let admitted = match admitted(shared, request, &options) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(shared, request, &options, &refused),
    };
    let told = json!({
        "sub": admitted.grant.username,
        "client_id": admitted.grant.client_id,
        "scope": admitted.token.scope.join(" "),
        "audience": admitted.token.audience,
    });
    match request.json() {
        Ok(Value::Object(call)) if request.method == "POST" => {
            let id = call.get("id").cloned().unwrap_or_default();
            Reply::json(200, json!({"jsonrpc": "2.0", "id": id, "result": told}))
        }
        _ => Reply::json(200, told),
    }
}

fn admitted(shared: &Shared, request: &Request, options: &ResourceOptions) -> Result<Admitted, Refused> {
    let first_scope = options.challenge_scope.clone();
    let unauthorized = |error, demanded| Refused { status: 401, error, scope: first_scope.clone(), demanded };
    let admitted = admit(shared, request, request.access_token()).map_err(|denial| match denial {
        Denial::NothingShown => unauthorized(None, Vec::new()),
        Denial::Invalid => unauthorized(Some("invalid_token"), Vec::new()),
        Denial::Demanded(demanded) => unauthorized(Some("insufficient_claims"), demanded),
    })?;
    if !is_for(shared, request, options, &admitted.token.audience) {
        return Err(unauthorized(Some("invalid_token"), Vec::new()));
    }
    let has = |wanted: &String| admitted.token.scope.contains(wanted);
    if !options.required_scopes.iter().all(has) {
        let scope = Some(options.required_scopes.join(" "));
        return Err(Refused { status: 403, error: Some("insufficient_scope"), scope, demanded: Vec::new() });
    }
    Ok(admitted)
}

/// Is the token for this resource, by its URL or by the name that it gives itself?
fn is_for(shared: &Shared, request: &Request, options: &ResourceOptions, audience: &[String]) -> bool {
    let own = format!("{}{}", shared.origin(request), request.path);
    let ignored = shared.live().resource_indicators.mode == Indicators::Ignored;
    ignored || audience.iter().any(|one| *one == own || options.resource.as_ref() == Some(one))
}

fn refuse(shared: &Shared, request: &Request, options: &ResourceOptions, refused: &Refused) -> Reply {
    let parameters = [
        ("error", refused.error.map(Into::into)),
        ("scope", refused.scope.clone()),
        ("resource_metadata", resource_metadata::named(shared, request, options)),
    ];
    let told = parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
    let told = told.collect::<Vec<_>>().join(", ");
    let schemes =
        options.schemes.iter().map(|scheme| format!("{} {told}", scheme.as_str()).trim_end().into());
    let challenges: Vec<String> =
        if refused.demanded.is_empty() { schemes.collect() } else { refused.demanded.clone() };
    let mut reply = Reply::new(refused.status, Content::Empty);
    reply.outcome.error = refused.error.map(Into::into);
    challenges.into_iter().fold(reply, |reply, value| reply.with_header("www-authenticate", value))
}
