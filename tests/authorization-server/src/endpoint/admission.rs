//! Whether an access token opens a protected resource, whichever it is. How a refusal is written down is the
//! resource's business.

use std::time::Instant;

use super::possession::proof;
use crate::dpop::token_hash;
use crate::grant::Grant;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::resource_options::Scheme;
use crate::shared::Shared;
use crate::state::AccessToken;

/// Who may come in, and with which token.
pub(super) struct Admitted {
    pub(super) grant: Grant,
    pub(super) token: AccessToken,
}

/// Why somebody may not.
pub(super) enum Denial {
    /// No token came along.
    NothingShown,
    /// It is expired, revoked or unknown.
    Invalid,
    /// The proof of possession that came along, or should have (RFC 9449, section 7).
    Proof(Refusal),
    /// It was not asked for with the claims that these challenges demand.
    Demanded(Vec<String>),
}

/// Looks at the token that was `shown`.
pub(super) fn admit(
    shared: &Shared,
    request: &Request,
    shown: Option<(Scheme, &str)>,
) -> Result<Admitted, Denial> {
    let (scheme, value) = shown.ok_or(Denial::NothingShown)?;
    // Before the state is locked: a proof is remembered in it.
    let proof =
        (scheme == Scheme::Dpop).then(|| proof(shared, request)).transpose().map_err(Denial::Proof)?;
    let state = shared.state();
    let (token, grant) = state.resource_access(value, Instant::now()).ok_or(Denial::Invalid)?;
    match (scheme, &token.key) {
        (Scheme::Bearer, None) => {}
        // A bound token is no bearer's (section 7.2), and one that is not bound cannot be proved.
        (Scheme::Bearer, Some(_)) | (Scheme::Dpop, None) => return Err(Denial::Invalid),
        (Scheme::Dpop, Some(key)) => {
            let proof = proof.flatten().ok_or(Denial::Proof(Refusal::ProofMissing))?;
            if proof.thumbprint != *key || proof.token_hash != Some(token_hash(value)) {
                return Err(Denial::Proof(Refusal::ProofInvalid));
            }
        }
    }
    match state.unmet_demand(value) {
        None => Ok(Admitted { grant: grant.clone(), token: token.clone() }),
        Some(demand) => Err(Denial::Demanded(demand.challenges(&shared.base(request)))),
    }
}
