//! Whether an access token opens a protected resource, whichever it is. How a refusal is written down is the
//! resource's business.

use std::time::Instant;

use crate::features::Scheme;
use crate::grant::Grant;
use crate::request::Request;
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
    /// It was not asked for with the claims that these challenges demand.
    Demanded(Vec<String>),
}

/// Looks at the token that was `shown`.
pub(super) fn admit(
    shared: &Shared,
    request: &Request,
    shown: Option<(Scheme, &str)>,
) -> Result<Admitted, Denial> {
    let (_, value) = shown.ok_or(Denial::NothingShown)?;
    let state = shared.state();
    let (token, grant) = state.resource_access(value, Instant::now()).ok_or(Denial::Invalid)?;
    match state.unmet_demand(value) {
        None => Ok(Admitted { grant: grant.clone(), token: token.clone() }),
        Some(demand) => Err(Denial::Demanded(demand.challenges(&shared.base(request)))),
    }
}
