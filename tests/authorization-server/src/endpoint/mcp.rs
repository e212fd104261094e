//! A protected resource in the manner of a server of the Model Context Protocol: it takes tokens that are for it and
//! for nothing else, and its refusals lead to its metadata (RFC 9728, section 5.1).

use serde_json::{Value, json};

use super::admission::{Admitted, Denial, admit};
use super::resource_metadata;
use crate::options::Dialect;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::resource_options::{Indicators, ResourceOptions, Scheme};
use crate::shared::Shared;

/// Why a request was not admitted (RFC 6750, section 3.1).
struct Refused {
    status: u16,
    error: Option<String>,
    /// The schemes of the challenges.
    schemes: Vec<Scheme>,
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
    let refused = |error: Option<String>, schemes: &[Scheme], demanded| {
        let (schemes, scope) = (schemes.to_vec(), first_scope.clone());
        Refused { status: 401, error, schemes, scope, demanded }
    };
    let unauthorized = |error: &str| refused(Some(error.into()), &options.schemes, Vec::new());
    let admitted = admit(shared, request, request.access_token()).map_err(|denial| match denial {
        Denial::NothingShown => refused(None, &options.schemes, Vec::new()),
        Denial::Invalid => unauthorized("invalid_token"),
        Denial::Proof(refusal) => {
            refused(Some(refusal.error(Dialect::Plain).error), &[Scheme::Dpop], Vec::new())
        }
        Denial::Demanded(demanded) => refused(Some("insufficient_claims".into()), &[], demanded),
    })?;
    let unbound = options.dpop_bound && admitted.token.key.is_none();
    if unbound || !is_for(shared, request, options, &admitted.token.audience) {
        return Err(unauthorized("invalid_token"));
    }
    let has = |wanted: &String| admitted.token.scope.contains(wanted);
    if !options.required_scopes.iter().all(has) {
        let scope = Some(options.required_scopes.join(" "));
        let scheme = if admitted.token.key.is_some() { Scheme::Dpop } else { Scheme::Bearer };
        let refused = refused(Some("insufficient_scope".into()), &[scheme], Vec::new());
        return Err(Refused { status: 403, scope, ..refused });
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
        ("error", refused.error.clone()),
        ("scope", refused.scope.clone()),
        ("resource_metadata", resource_metadata::named(shared, request, options)),
    ];
    let told = parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
    let told = told.collect::<Vec<_>>().join(", ");
    let schemes = refused.schemes.iter().map(|scheme| match (scheme, told.as_str()) {
        (Scheme::Bearer, told) => format!("Bearer {told}").trim_end().to_owned(),
        // Section 7.1 of RFC 9449: with the algorithms that a proof may have.
        (Scheme::Dpop, "") => "DPoP algs=\"ES256\"".into(),
        (Scheme::Dpop, told) => format!("DPoP {told}, algs=\"ES256\""),
    });
    let challenges: Vec<String> = schemes.chain(refused.demanded.iter().cloned()).collect();
    let mut reply = Reply::new(refused.status, Content::Empty);
    reply.outcome.error.clone_from(&refused.error);
    challenges.into_iter().fold(reply, |reply, value| reply.with_header("www-authenticate", value))
}
