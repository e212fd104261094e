//! Where a token may go, for whoever puts it into requests: the core's answer, asked from JavaScript.
//!
//! May not enter: a URL. Whoever asks has it in parts, as `fetch` reads it.

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::Value;
use tokenkeep_bindings::error_record;

/// The hosts that a token may be sent to, as JavaScript holds them.
pub struct AllowedHosts(tokenkeep::AllowedHosts);

/// These hosts.
#[napi(ts_return_type = "ExternalObject<AllowedHosts> | Failure")]
pub fn allowed_hosts(hosts: Vec<String>) -> Either<External<AllowedHosts>, Value> {
    match tokenkeep::AllowedHosts::parse(hosts) {
        Ok(hosts) => Either::A(External::new(AllowedHosts(hosts))),
        Err(error) => Either::B(error_record(&error)),
    }
}

/// Whether a request with the token may be sent there.
#[napi]
pub fn allow(hosts: &External<AllowedHosts>, scheme: String, host: String, port: Option<u16>) -> bool {
    hosts.0.allow(&scheme, &host, port)
}

/// Null where it may; why not, where it may not.
#[napi(ts_return_type = "Failure | null")]
pub fn require_allowed(
    hosts: &External<AllowedHosts>,
    scheme: String,
    host: String,
    port: Option<u16>,
) -> Either<Null, Value> {
    match hosts.0.require(&scheme, &host, port) {
        Ok(()) => Either::A(Null),
        Err(error) => Either::B(error_record(&error)),
    }
}
