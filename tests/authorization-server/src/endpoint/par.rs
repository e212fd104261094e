//! The pushed authorization request endpoint (RFC 9126, section 2): an authorization request from the client itself, which
//! proves who it is, and gets a name for it.

use std::time::Instant;

use serde_json::json;

use super::possession::proof;
use super::{authorize, check_post, client};
use crate::clock::after;
use crate::features::PushedRequests;
use crate::pushed_requests::SCHEME;
use crate::refusal::Refusal;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// Answers with a `request_uri`. What is wrong with the request is said here, and to the client.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    let options = shared.live().pushed_requests;
    if options.mode == PushedRequests::Off {
        return Ok(Reply::new(404, Content::Empty));
    }
    check_post(shared, request, tenant)?;
    let client = client(shared, request, tenant)?;
    // Section 2.1: a request cannot point to another one.
    if request.parameter("request_uri").is_some() {
        return Err(Refusal::RequestUriInvalid);
    }
    authorize::known_redirect(shared, request)?;
    authorize::check(shared, request)?;
    let mut parameters = request.parameters().to_vec();
    // A proof says the key as well as the parameter does (RFC 9449, section 10.1).
    if let Some(proof) = proof(shared, request)? {
        match request.parameter("dpop_jkt") {
            Some(said) if said != proof.thumbprint => return Err(Refusal::ProofInvalid),
            Some(_) => {}
            None => parameters.push(("dpop_jkt".into(), proof.thumbprint)),
        }
    }
    let request_uri = format!("{SCHEME}{}", shared.random.guid());
    let expires = after(Instant::now(), options.lifetime);
    shared.state().pushed_requests.add(request_uri.clone(), client.id, &parameters, expires);
    Ok(Reply::json(options.status, json!({"request_uri": request_uri, "expires_in": options.lifetime})))
}
