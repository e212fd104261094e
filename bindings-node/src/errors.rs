//! The core's errors as records, of which the TypeScript makes exceptions.
//!
//! May not enter: a text of its own.

use serde_json::{Value, json};
use tokenkeep::{Error, ErrorKind, ServerError};

/// What the TypeScript knows as `Failure`. No other answer has `retryable`.
pub fn failure(error: &Error) -> Value {
    let mut failure = json!({
        "code": error.code(),
        "message": error.message(),
        "help": error.help(),
        "retryable": error.retryable(),
    });
    if let Some(server) = error.server() {
        failure["server"] = server_error(server);
    }
    match error.kind() {
        ErrorKind::LoginRequired { reason } => failure["reason"] = reason.as_str().into(),
        ErrorKind::InteractionRequired { claims } => failure["claims"] = json!(claims),
        ErrorKind::Throttled { retry_at } => failure["retryAt"] = json!(retry_at.map(|at| at.as_unix())),
        _ => {}
    }
    failure
}

fn server_error(server: &ServerError) -> Value {
    json!({
        "error": server.error,
        "description": server.description,
        "suberror": server.suberror,
        "errorCodes": server.error_codes,
        "traceId": server.trace_id,
        "correlationId": server.correlation_id,
    })
}
