//! The core's errors as records.
//!
//! May not enter: a text.

use serde_json::{Value, json};
use tokenkeep::{Error, ErrorKind, ServerError};

/// The error as it crosses into a language: what every error has, and what its kind has besides.
pub fn record(error: &Error) -> Value {
    let mut record = json!({
        "code": error.code(),
        "message": error.message(),
        "help": error.help(),
        "retryable": error.retryable(),
        "server": error.server().map(server),
    });
    match error.kind() {
        ErrorKind::LoginRequired { reason } => record["reason"] = reason.as_str().into(),
        ErrorKind::InteractionRequired { claims } => record["claims"] = json!(claims),
        ErrorKind::Throttled { retry_at } => record["retry_at"] = json!(retry_at),
        _ => {}
    }
    record
}

fn server(server: &ServerError) -> Value {
    let ServerError { error, description, suberror, error_codes, trace_id, correlation_id } = server;
    json!({
        "error": error,
        "description": description,
        "suberror": suberror,
        "error_codes": error_codes,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_same_members_whatever_it_is() {
        let error = "Acme".parse::<tokenkeep::ProviderName>().unwrap_err();
        assert_eq!(
            record(&error),
            json!({
                "code": "config_invalid",
                "message": "\"Acme\" is not a provider name",
                "help": error.help(),
                "retryable": false,
                "server": null,
            })
        );
    }
}
