//! The revocation endpoint (RFC 7009). Entra has none.

use super::{check_post, client};
use crate::refusal::Refusal;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// Answers 200 whether or not the token was known (section 2.2): either way it does not work any more.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    check_post(shared, request, tenant)?;
    let client_id = client(shared, request, tenant)?.id;
    let token = request.parameter("token").ok_or(Refusal::ParameterMissing("token"))?;
    let mut reply = Reply::new(200, Content::Empty);
    reply.outcome.revoked = shared.state().revoke_token(token, &client_id);
    Ok(reply)
}
