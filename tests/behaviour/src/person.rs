//! The person and the browser, step by step. A scenario that does not care gives the command line the
//! whole person with `--browser`.

use std::future::Future;
use std::io;

use authorization_server::{Answer, Decision, HttpClient, StandInPerson};
use tokenkeep_test_support::program;
use url::Url;

/// A person who says yes, as the value of `--browser` or `BROWSER`.
pub fn browser() -> String {
    program("stand-in-person").to_str().expect("a plain path").to_owned()
}

/// Opens an authorization URL, says yes, and ends where the browser ends.
#[track_caller]
pub fn visit(url: &Url) -> Answer {
    done(async { StandInPerson::new(Decision::Approve, None)?.visit(url).await })
}

/// Opens a verification URI and enters the code; says yes or no.
#[track_caller]
pub fn enter_user_code(verification_uri: &Url, user_code: &str, decision: Decision) -> Answer {
    done(async { StandInPerson::new(decision, None)?.enter_user_code(verification_uri, user_code).await })
}

/// One GET; nothing is followed.
#[track_caller]
pub fn get(url: &Url) -> Answer {
    done(async { HttpClient::new(None)?.get(url).await })
}

/// The same, for a listener that may have gone.
pub fn try_get(url: &Url) -> io::Result<Answer> {
    attempt(async { HttpClient::new(None)?.get(url).await })
}

/// The same with a bearer token in the header.
#[track_caller]
pub fn get_with_token(url: &Url, access_token: &str) -> Answer {
    let header = format!("Bearer {access_token}");
    get_with(url, &[("authorization", header.as_str())])
}

/// The same with these headers.
#[track_caller]
pub fn get_with(url: &Url, headers: &[(&str, &str)]) -> Answer {
    done(async { HttpClient::new(None)?.send(http::Method::GET, url, headers, Vec::new()).await })
}

/// One POST of a form; nothing is followed.
#[track_caller]
pub fn post(url: &Url, form: &[(&str, &str)]) -> Answer {
    done(async { HttpClient::new(None)?.post_form(url, form).await })
}

/// Says yes at the authorization URL, and takes the address that the server sends the browser to without
/// going there.
#[track_caller]
pub fn redirected(url: &Url) -> Url {
    let answer = get(url);
    let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {}", answer.text()));
    Url::parse(location).expect("a server redirects to a URL")
}

#[track_caller]
fn done(steps: impl Future<Output = io::Result<Answer>>) -> Answer {
    attempt(steps).unwrap_or_else(|error| panic!("the browser got no answer: {error}"))
}

fn attempt(steps: impl Future<Output = io::Result<Answer>>) -> io::Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.and_then(|runtime| runtime.block_on(steps))
}
