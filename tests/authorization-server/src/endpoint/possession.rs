//! The proof of possession that a request carries (RFC 9449), if the server looks for one, and the nonce of its answer.

use crate::clock;
use crate::dpop::{self, Expected, Proof};
use crate::features::Dpop;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::{DPOP, Endpoint, Request};
use crate::shared::Shared;

/// The proof, when there is one and it is good. Every proof is good once.
pub(super) fn proof(shared: &Shared, request: &Request) -> Result<Option<Proof>, Refusal> {
    let options = shared.live().dpop;
    let proofs = request.header_values(&DPOP);
    if matches!(options.mode, Dpop::Off | Dpop::Ignored) {
        return Ok(None);
    }
    let proof = match proofs[..] {
        [] => return Ok(None),
        [proof] => proof,
        // Section 4.3: "not more than one DPoP HTTP request header field".
        _ => return Err(Refusal::ProofInvalid),
    };
    let url = format!("{}{}", shared.origin(request), request.path);
    let now = clock::exact_unix_seconds();
    let proof = dpop::verify(proof, &Expected { method: request.method.as_str(), url: &url, now })?;
    shared.state().proofs.take(&proof, options.nonce)?;
    Ok(Some(proof))
}

/// The answer with the nonce that the next proof is to carry (section 8.2).
pub(super) fn with_nonce(shared: &Shared, endpoint: Endpoint, reply: Reply) -> Reply {
    let options = shared.live().dpop;
    let asked = [Endpoint::Token, Endpoint::Par, Endpoint::Resource].contains(&endpoint);
    if !asked || matches!(options.mode, Dpop::Off | Dpop::Ignored) {
        return reply;
    }
    let nonce = shared.state().proofs.nonce(options.nonce, || shared.random.guid());
    nonce.into_iter().fold(reply, |reply, nonce| reply.with_header("dpop-nonce", nonce))
}
