//! One request from its first byte to its journal entry: route, fault, endpoint, answer.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::sleep;

use crate::claims::Demand;
use crate::control;
use crate::endpoint;
use crate::fault::{Action, When};
use crate::journal_entry::fingerprint;
use crate::mutation::Mutation;
use crate::oauth_error::OAuthError;
use crate::refusal::Refusal;
use crate::reply::{Content, Reply, ReplyBody};
use crate::request::{Endpoint, Request};
use crate::route::{Route, route};
use crate::shared::Shared;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("closed without an answer")
    }
}

impl std::error::Error for Dropped {}

/// Answers one request, in a task of its own: when the client hangs up meanwhile the work goes on, as it does in a
/// real server. A rotation that the client did not wait for has happened all the same.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<Response<ReplyBody>, Dropped> {
    let request = Request::read(request).await.map_err(|_| Dropped)?;
    let reply = tokio::spawn(async move { answer(&shared, &request).await }).await;
    reply.map_err(|_| Dropped)?.map(Reply::into_response)
}

async fn answer(shared: &Shared, request: &Request) -> Result<Reply, Dropped> {
    let (endpoint, tenant) = match route(&shared.options, &request.path) {
        Route::Control(name) => return Ok(control::answer(shared, request, name)),
        Route::Endpoint(endpoint, tenant) => (endpoint, tenant.unwrap_or_default()),
    };
    let mut entry = shared.journal.begin(endpoint, request);
    if let Some(token) = own_token(shared, endpoint, request) {
        entry.parameters.insert("access_token".into(), fingerprint(token));
    }
    let fault = shared.faults().take(endpoint, entry.resource.as_deref(), request);
    entry.fault = fault.as_ref().map(Action::name);
    let struck = Struck { shared, request, endpoint, tenant };
    let (reply, sent) = match fault {
        Some(action) => struck.at_fault(action).await,
        None => (struck.process(), true),
    };
    entry.outcome = reply.outcome.clone();
    entry.outcome.status = sent.then_some(reply.status);
    shared.journal.finish(entry);
    if sent { Ok(reply) } else { Err(Dropped) }
}

/// The token that came along in the header that `/api` wants it in.
fn own_token<'r>(shared: &Shared, endpoint: Endpoint, request: &'r Request) -> Option<&'r str> {
    let api = shared.live().api;
    request.token_in(&api.header, &api.scheme).filter(|_| endpoint == Endpoint::Resource)
}

/// A request on its way through a fault.
struct Struck<'a> {
    shared: &'a Shared,
    request: &'a Request,
    endpoint: Endpoint,
    tenant: &'a str,
}

impl Struck<'_> {
    fn process(&self) -> Reply {
        endpoint::answer(self.shared, self.endpoint, self.tenant, self.request)
    }

    /// The answer, and whether it is sent at all.
    async fn at_fault(&self, action: Action) -> (Reply, bool) {
        let reply = match action {
            Action::DropBefore => return (Reply::new(0, Content::Empty), false),
            Action::DropAfter => return (self.process(), false),
            Action::Delay { milliseconds, when: When::Before } => {
                sleep(Duration::from_millis(milliseconds)).await;
                self.process()
            }
            Action::Delay { milliseconds, when: When::After } => {
                let reply = self.process();
                sleep(Duration::from_millis(milliseconds)).await;
                reply
            }
            Action::Reply { status, headers, body, base64, when } => {
                let bytes =
                    if base64 { STANDARD.decode(body).unwrap_or_default() } else { body.into_bytes() };
                let mut reply = Reply::new(status, Content::Raw(bytes));
                reply.headers = headers;
                if when == When::After {
                    reply.outcome = self.process().outcome;
                }
                reply
            }
            Action::HugeBody { mebibytes } => {
                Reply::new(200, Content::Huge(mebibytes.saturating_mul(1 << 20)))
            }
            Action::SlowBody { interval_milliseconds, body } => {
                let mut reply = match body {
                    Some(body) => Reply::new(200, Content::Raw(body.into_bytes())),
                    None => self.process(),
                };
                reply.content = Content::Slow(reply.bytes(), Duration::from_millis(interval_milliseconds));
                reply
            }
            Action::Redirect { status, location } => {
                Reply::new(status, Content::Empty).with_header("location", location)
            }
            Action::Throttle { retry_after_seconds, as_date, status } => {
                throttle(status, retry_after_seconds, as_date)
            }
            Action::Mutate(mutation) => {
                self.mutate(self.process(), &mutation).unwrap_or_else(|_| self.failed())
            }
            Action::SlowDown { interval } => self.slow_down(interval),
            Action::ExpiredToken => {
                let device_code = self.request.parameter("device_code").unwrap_or_default();
                self.shared.state().devices.expire(device_code);
                self.shared.refuse(Refusal::DeviceCodeExpired, self.request)
            }
            Action::Challenge { claims, beside } => {
                self.shared.state().demand = Some(Demand { claims, beside });
                self.process()
            }
            Action::Error { status, error, description, numbers, suberror, subcode, claims } => {
                let error = OAuthError { status, error, description, numbers, suberror, subcode, claims };
                endpoint::refuse(self.shared, self.endpoint, self.tenant, self.request, error)
            }
        };
        (reply, true)
    }

    /// Only a good answer is changed; a refusal passes as it is.
    fn mutate(&self, mut reply: Reply, mutation: &Mutation) -> io::Result<Reply> {
        if let (200..300, Content::Json(body)) = (reply.status, &mut reply.content) {
            mutation.apply(body, &self.shared.key)?;
            reply.headers.extend(mutation.headers.clone());
        }
        Ok(reply)
    }

    fn slow_down(&self, interval: Option<u64>) -> Reply {
        let device_code = self.request.parameter("device_code").unwrap_or_default();
        self.shared.state().devices.slow_down(device_code, interval, Instant::now());
        let mut reply = self.shared.refuse(Refusal::SlowDown, self.request);
        if let (Some(interval), Content::Json(body)) = (interval, &mut reply.content) {
            body["interval"] = json!(interval);
        }
        reply
    }

    fn failed(&self) -> Reply {
        self.shared.refuse(Refusal::InternalError, self.request)
    }
}

fn throttle(status: u16, retry_after_seconds: Option<u64>, as_date: bool) -> Reply {
    let mut reply = Reply::json(status, json!({"error": "temporarily_unavailable"}));
    reply.outcome.error = Some("temporarily_unavailable".into());
    match retry_after_seconds {
        None => reply,
        Some(seconds) if as_date => {
            let moment = SystemTime::now().checked_add(Duration::from_secs(seconds));
            reply.with_header("retry-after", httpdate::fmt_http_date(moment.unwrap_or_else(SystemTime::now)))
        }
        Some(seconds) => reply.with_header("retry-after", seconds.to_string()),
    }
}
