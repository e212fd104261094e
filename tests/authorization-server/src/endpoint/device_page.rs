//! Where a person enters the code that a device shows (RFC 8628, section 3.3).

use std::time::Instant;

use hyper::Method;

use crate::page;
use crate::reply::Reply;
use crate::request::Request;
use crate::shared::Shared;

/// The form, or what came of it.
pub(super) fn answer(shared: &Shared, request: &Request) -> Reply {
    let user_code = request.parameter("user_code").unwrap_or_default();
    if request.method != Method::POST {
        return Reply::html(200, page::device(user_code));
    }
    let approve = request.parameter(page::DECISION) == Some(page::APPROVE);
    if !shared.state().devices.decide(user_code, approve, Instant::now()) {
        return Reply::html(400, page::message("Device", "No device waits with this code."));
    }
    let text = if approve { "The device is approved." } else { "The device is denied." };
    Reply::html(200, page::message("Device", text))
}
