//! The page that ends a login in the browser: calm, without scripts or remote parts, and without a
//! word of what came in the request (RFC 6749 3.1.2.5).

use http::{Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::protocol::ResponseRejection;

/// What the page tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The grant is kept. Names the provider.
    LoggedIn(String),
    /// The answer came, and the login failed all the same.
    Failed,
    /// What came was not the answer to this login.
    Refused(ResponseRejection),
    /// Nothing is to be had here.
    Nothing(StatusCode),
}

impl Page {
    /// The page as a response that leaves nothing behind in history, caches or referrers.
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let (status, tone, title, text) = match self {
            Page::LoggedIn(provider) => (
                StatusCode::OK,
                "good",
                format!("You are logged in to {provider}"),
                "You can close this window and go back to where you came from.".to_owned(),
            ),
            Page::Failed => (
                StatusCode::OK,
                "bad",
                "The login did not succeed".to_owned(),
                "The program that you came from says why. You can close this window.".to_owned(),
            ),
            Page::Refused(rejection) => (
                StatusCode::BAD_REQUEST,
                "bad",
                "This is not the answer to the login".to_owned(),
                format!("The login is still waiting: {rejection}."),
            ),
            Page::Nothing(status) => (
                *status,
                "bad",
                "There is nothing here".to_owned(),
                "This address only receives the answer to a login that is under way.".to_owned(),
            ),
        };
        let mark = if tone == "good" { "\u{2713}" } else { "\u{2013}" };
        let html = include_str!("loopback.html")
            .replace("{{tone}}", tone)
            .replace("{{mark}}", mark)
            .replace("{{title}}", &escape(&title))
            .replace("{{text}}", &escape(&text));
        let mut response = Response::new(Full::new(Bytes::from(html)));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
        harden(&mut response);
        response
    }
}

/// To a clean address: the code leaves the address bar. 303, so that no request is repeated (RFC 9700 4.12).
pub(super) fn see_other(location: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = header::HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    harden(&mut response);
    response
}

/// No cache keeps it, no script runs, nothing is fetched, nobody frames it, no referrer tells of it.
fn harden(response: &mut Response<Full<Bytes>>) {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
}

/// A provider's display name is data from a file.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
