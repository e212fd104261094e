//! `tokenkeep get`: one connection as `name: value` lines, or one field's bare value.

use serde_json::Value;

use super::Invocation;
use crate::args::GetArgs;
use crate::exit::Failure;
use crate::output::{ConnectionView, data, json, printable, warn_of_credential};

/// The fields in the order in which they are shown.
const FIELDS: [&str; 28] = [
    "provider",
    "connection",
    "status",
    "reason",
    "username",
    "subject",
    "tenant_id",
    "object_id",
    "home_account_id",
    "guest",
    "scopes",
    "requested_scopes",
    "missing_scopes",
    "expires_at",
    "resources",
    "has_refresh_token",
    "application",
    "credential_expires_at",
    "client_capabilities",
    "client_id",
    "issuer",
    "resource",
    "values",
    "api_hosts",
    "dpop",
    "tenant",
    "logged_in_at",
    "refreshed_at",
];

pub fn run(invocation: &Invocation, args: &GetArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    if let Some(field) = args.field.as_deref().filter(|field| !FIELDS.contains(field)) {
        let message = format!("a connection has no field {field:?}");
        return Err(Failure::Usage { message, help: format!("the fields are {}", FIELDS.join(", ")) });
    }
    let connection = invocation.broker.connection(&key)?;
    warn_of_credential(&connection);
    let view = ConnectionView::from(&connection);
    let values = serde_json::to_value(&view).unwrap_or_default();
    match (&args.field, invocation.json) {
        (None, true) => json(&view),
        (None, false) => {
            let lines =
                FIELDS.map(|field| format!("{field}: {}", text(value(&values, field))).trim_end().to_owned());
            data(&lines.join("\n"))
        }
        (Some(field), true) => json(value(&values, field)),
        (Some(field), false) => data(&text(value(&values, field))),
    }
}

/// The account's fields stand beside the others here.
fn value<'a>(values: &'a Value, field: &str) -> &'a Value {
    values.get(field).unwrap_or(&values["account"][field])
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        Value::Array(words) => words.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::Object(members) => {
            let pairs = members.iter().map(|(name, value)| format!("{}={}", printable(name), text(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_as_text() {
        let values = serde_json::json!({"scopes": ["a", "b"], "has_refresh_token": true, "reason": null,
            "values": {"region": "eu", "subdomain": "acme"}, "account": {"username": "me\u{1b}[2J"}});
        let shown = ["scopes", "has_refresh_token", "reason", "values", "username"]
            .map(|field| text(value(&values, field)));
        assert_eq!(shown, ["a b", "true", "", "region=eu subdomain=acme", "me\u{fffd}[2J"]);
    }
}
