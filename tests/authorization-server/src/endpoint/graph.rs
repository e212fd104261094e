//! A corner of Microsoft Graph in its JSON: a person, five messages, three events. The paths, the query options and
//! the errors are Graph's, so that its clients can be tried without it. Whoever comes here has been admitted.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::entra;
use crate::grant::Grant;
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::route::GRAPH_ROOT;
use crate::shared::Shared;

/// The messages of a page, when the client does not say `$top`.
const PAGE: usize = 3;
const MESSAGES: usize = 5;
const EVENTS: usize = 3;

const MEDIA_TYPE: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// The answer to a `path` below [`GRAPH_ROOT`].
pub(super) fn answer(shared: &Shared, request: &Request, path: &str, grant: &Grant) -> Reply {
    let id = entra::object_id(&grant.username);
    let (name, items) = match path {
        "me" => return person(shared, request, grant, &id),
        "me/messages" => {
            ("messages", (1..=MESSAGES).map(|number| message(number, &grant.username)).collect())
        }
        "me/events" => ("events", (1..=EVENTS).map(event).collect()),
        "me/calendarView"
            if ["startDateTime", "endDateTime"].map(|it| request.parameter(it)).contains(&None) =>
        {
            let text = "This request requires a time window specified by the query string parameters \
                        StartDateTime and EndDateTime.";
            return error(shared, request, 400, "ErrorInvalidParameter", text);
        }
        "me/calendarView" => ("calendarView", (1..=EVENTS).map(event).collect()),
        _ => return error(shared, request, 404, "ResourceNotFound", "Resource not found for the segment."),
    };
    let (Some(top), Some(skip)) = (count(request, "$top", PAGE), count(request, "$skip", 0)) else {
        return error(shared, request, 400, "BadRequest", "Invalid value for $top or $skip.");
    };
    let context = format!("users('{id}')/{name}");
    page(shared, request, &context, &Page { path, items, top, skip })
}

/// What Graph adds to the challenge of one who is not admitted.
pub(super) fn unauthorized(shared: &Shared, request: &Request, error: Option<&str>) -> Content {
    let text = match error {
        None => "Access token is empty.",
        Some("insufficient_claims") => {
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
             TokenIssuedBeforeRevocationTimestamp"
        }
        Some(_) => "Lifetime validation failed, the token is expired.",
    };
    Content::Json(error_body(shared, request, "InvalidAuthenticationToken", text))
}

fn person(shared: &Shared, request: &Request, grant: &Grant, id: &str) -> Reply {
    let name = grant.username.split('@').next();
    let person = json!({
        "businessPhones": [],
        "displayName": name,
        "givenName": name,
        "id": id,
        "jobTitle": null,
        "mail": grant.username,
        "userPrincipalName": grant.username,
    });
    let mut body = selected(person, request);
    body.insert("@odata.context".into(), json!(context(shared, request, "users/$entity")));
    good(body)
}

struct Page<'a> {
    path: &'a str,
    items: Vec<Value>,
    top: usize,
    skip: usize,
}

fn page(shared: &Shared, request: &Request, context_path: &str, page: &Page<'_>) -> Reply {
    let (until, all) = (page.skip.saturating_add(page.top), page.items.len());
    let items = page.items.iter().skip(page.skip).take(page.top);
    let value: Vec<_> = items.map(|item| selected(item.clone(), request)).collect();
    let mut body = Map::new();
    body.insert("@odata.context".into(), json!(context(shared, request, context_path)));
    body.insert("value".into(), json!(value));
    if page.top > 0 && until < all {
        body.insert("@odata.nextLink".into(), json!(next_link(shared, request, page.path, until)));
    }
    good(body)
}

/// The same request again, further on.
fn next_link(shared: &Shared, request: &Request, path: &str, skip: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(request.parameters().iter().filter(|(name, _)| name != "$skip"));
    query.append_pair("$skip", &skip.to_string());
    format!("{}{GRAPH_ROOT}{path}?{}", shared.base(request), query.finish())
}

/// `$select`: the members that are named, and `id`.
fn selected(item: Value, request: &Request) -> Map<String, Value> {
    let Value::Object(mut item) = item else { return Map::new() };
    if let Some(select) = request.parameter("$select") {
        let named: Vec<&str> = select.split(',').map(str::trim).collect();
        item.retain(|name, _| name == "id" || named.contains(&name.as_str()));
    }
    item
}

/// A query option that is a number; `None` when it is something else.
fn count(request: &Request, name: &str, default: usize) -> Option<usize> {
    request.parameter(name).map_or(Some(default), |value| value.parse().ok())
}

fn message(number: usize, username: &str) -> Value {
    let moment = format!("2026-11-0{number}T08:30:00Z");
    let mailbox = |address: &str| json!({"emailAddress": {"name": address, "address": address}});
    json!({
        "id": format!("AAMkmessage{number}="),
        "receivedDateTime": moment,
        "sentDateTime": moment,
        "hasAttachments": false,
        "subject": format!("Message {number}"),
        "bodyPreview": format!("The text of message {number}."),
        "importance": "normal",
        "isRead": number > 1,
        "body": {"contentType": "text", "content": format!("The text of message {number}.")},
        "from": mailbox("adele@example.com"),
        "toRecipients": [mailbox(username)],
    })
}

fn event(number: usize) -> Value {
    let moment =
        |hour: usize| json!({"dateTime": format!("2026-11-23T{hour:02}:00:00.0000000"), "timeZone": "UTC"});
    json!({
        "id": format!("AAMkevent{number}="),
        "subject": format!("Event {number}"),
        "bodyPreview": "",
        "isAllDay": false,
        "start": moment(8 + number),
        "end": moment(9 + number),
        "location": {"displayName": format!("Room {number}")},
    })
}

fn context(shared: &Shared, request: &Request, path: &str) -> String {
    format!("{}{GRAPH_ROOT}$metadata#{path}", shared.base(request))
}

fn good(body: Map<String, Value>) -> Reply {
    Reply::json(200, body.into()).with_header("content-type", MEDIA_TYPE)
}

fn error(shared: &Shared, request: &Request, status: u16, code: &str, text: &str) -> Reply {
    let mut reply = Reply::json(status, error_body(shared, request, code, text));
    reply.outcome.error = Some(code.into());
    reply
}

fn error_body(shared: &Shared, request: &Request, code: &str, text: &str) -> Value {
    let trace = shared.trace(request);
    let inner = json!({
        "date": clock::entra_timestamp(trace.unix_seconds).replace(' ', "T").trim_end_matches('Z'),
        "request-id": trace.trace_id,
        "client-request-id": trace.correlation_id,
    });
    json!({"error": {"code": code, "message": text, "innerError": inner}})
}
