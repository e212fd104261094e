//! Where a token may go, for whoever puts it into requests: the core's answer, asked from JavaScript.
//!
//! May not enter: a URL. Whoever asks has it in parts, as its HTTP client read it.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use crate::types::{Answer, answer};

/// The hosts that a token may be sent to, as JavaScript holds them.
pub struct AllowedHosts(tokenkeep::AllowedHosts);

/// These hosts.
#[napi(ts_return_type = "ExternalObject<AllowedHosts> | Failure")]
pub fn allowed_hosts(hosts: Vec<String>) -> Answer<External<AllowedHosts>> {
    let parsed = tokenkeep::AllowedHosts::parse(hosts);
    answer(Some(parsed.map(|hosts| External::new(AllowedHosts(hosts)))))
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
) -> Answer<Null> {
    answer(Some(hosts.0.require(&scheme, &host, port).map(|()| Null)))
}
