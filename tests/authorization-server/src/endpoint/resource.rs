//! Protected resources (RFC 6750), so that a token can be shown to work, or to be dead: `/resource`, and a corner
//! of Microsoft Graph.

use std::time::Instant;

use serde_json::json;

use super::graph;
use crate::grant::Grant;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::route::GRAPH_ROOT;
use crate::shared::Shared;

/// Why a request was not admitted.
struct Refused {
    error: Option<&'static str>,
    /// The values of `WWW-Authenticate`.
    challenges: Vec<String>,
}

/// Says whose token it is, or what Graph would, or why the token is no good.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let below_issuer = request.path.strip_prefix(shared.options.issuer_path.as_str());
    // Microsoft's client for Python asks for `/v1.0//me`, and is answered.
    let graph_path =
        below_issuer.and_then(|path| path.strip_prefix(GRAPH_ROOT)).map(|path| path.trim_start_matches('/'));
    match (admit(shared, request), graph_path) {
        (Ok(grant), None) => Reply::json(200, json!({"sub": grant.username, "client_id": grant.client_id})),
        (Ok(grant), Some(path)) => graph::answer(shared, request, path, &grant),
        (Err(refused), None) => refused.reply(Content::Empty),
        (Err(refused), Some(_)) => refused.reply(graph::unauthorized(shared, request, refused.error)),
    }
}

/// The grant behind the token, or the challenge (section 3). Tokens are taken from the header only.
fn admit(shared: &Shared, request: &Request) -> Result<Grant, Refused> {
    let Some(token) = request.bearer_token() else {
        // Section 3.1: who showed nothing is told nothing but the scheme.
        return Err(Refused { error: None, challenges: vec!["Bearer realm=\"resource\"".into()] });
    };
    let state = shared.state();
    let Some(grant) = state.resource_access(token, Instant::now()) else {
        let challenge = "Bearer realm=\"resource\", error=\"invalid_token\", \
                         error_description=\"The access token is expired, revoked or unknown\"";
        return Err(Refused { error: Some("invalid_token"), challenges: vec![challenge.into()] });
    };
    match state.unmet_demand(token) {
        None => Ok(grant.clone()),
        Some(demand) => {
            let challenges = demand.challenges(&shared.base(request));
            Err(Refused { error: Some("insufficient_claims"), challenges })
        }
    }
}

impl Refused {
    fn reply(&self, content: Content) -> Reply {
        let mut reply = Reply::new(401, content);
        reply.outcome.error = self.error.map(Into::into);
        self.challenges.iter().fold(reply, |reply, value| reply.with_header("www-authenticate", value))
    }
}
