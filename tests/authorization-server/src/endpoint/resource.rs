//! Protected resources (RFC 6750) that take any token of this server, so that one can be shown to work, or to be dead:
//! `/resource`, `/api` with a header of its own, and a corner of Microsoft Graph.

use serde_json::json;

use super::admission::{Denial, admit};
use super::graph;
use crate::options::Dialect;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::resource_options::Scheme;
use crate::route::{API, GRAPH_ROOT};
use crate::shared::Shared;

/// Why a request was not admitted.
struct Refused {
    error: Option<String>,
    /// The values of `WWW-Authenticate`.
    challenges: Vec<String>,
}

/// Says whose token it is, or what Graph would, or why the token is no good.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let below_issuer = request.path.strip_prefix(shared.options.issuer_path.as_str());
    // Microsoft's client for Python asks for `/v1.0//me`, and is answered.
    let graph_path =
        below_issuer.and_then(|path| path.strip_prefix(GRAPH_ROOT)).map(|path| path.trim_start_matches('/'));
    let api = shared.live().api;
    let shown = match below_issuer {
        Some(API) => request.token_in(&api.header, &api.scheme).map(|token| (Scheme::Bearer, token)),
        _ => request.access_token(),
    };
    let admitted = admit(shared, request, shown).map_err(Refused::from);
    match (admitted, graph_path) {
        (Ok(admitted), None) => {
            let grant = admitted.grant;
            Reply::json(200, json!({"sub": grant.username, "client_id": grant.client_id}))
        }
        (Ok(admitted), Some(path)) => graph::answer(shared, request, path, &admitted.grant),
        (Err(refused), None) => refused.reply(Content::Empty),
        (Err(refused), Some(_)) => {
            refused.reply(graph::unauthorized(shared, request, refused.error.as_deref()))
        }
    }
}

impl From<Denial> for Refused {
    /// The challenge (section 3).
    fn from(denial: Denial) -> Self {
        let (error, challenges) = match denial {
            // Section 3.1: who showed nothing is told nothing but the scheme.
            Denial::NothingShown => (None, vec!["Bearer realm=\"resource\"".into()]),
            Denial::Invalid => {
                let challenge = "Bearer realm=\"resource\", error=\"invalid_token\", \
                                 error_description=\"The access token is expired, revoked or unknown\"";
                (Some("invalid_token".into()), vec![challenge.into()])
            }
            Denial::Proof(refusal) => {
                let error = refusal.error(Dialect::Plain).error;
                let challenge = format!("DPoP error=\"{error}\", algs=\"ES256\"");
                (Some(error), vec![challenge])
            }
            Denial::Demanded(challenges) => (Some("insufficient_claims".into()), challenges),
        };
        Self { error, challenges }
    }
}

impl Refused {
    fn reply(&self, content: Content) -> Reply {
        let mut reply = Reply::new(401, content);
        reply.outcome.error.clone_from(&self.error);
        self.challenges.iter().fold(reply, |reply, value| reply.with_header("www-authenticate", value))
    }
}
