//! A protected resource (RFC 6750), so that a token can be shown to work, or to be dead.

use std::time::Instant;

use serde_json::json;

use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::shared::Shared;

/// Says whose token it is, or why it is no good (section 3). Tokens are taken from the header only.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let Some(token) = request.bearer_token() else {
        // Section 3.1: who showed nothing is told nothing but the scheme.
        return Reply::new(401, Content::Empty).with_header("www-authenticate", "Bearer realm=\"resource\"");
    };
    match shared.state().resource_access(token, Instant::now()) {
        Some(grant) => Reply::json(200, json!({"sub": grant.username, "client_id": grant.client_id})),
        None => {
            let challenge = "Bearer realm=\"resource\", error=\"invalid_token\", \
                             error_description=\"The access token is expired, revoked or unknown\"";
            let mut reply = Reply::new(401, Content::Empty).with_header("www-authenticate", challenge);
            reply.outcome.error = Some("invalid_token".into());
            reply
        }
    }
}
