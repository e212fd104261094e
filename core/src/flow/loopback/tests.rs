use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::protocol::{ExpectedResponse, parse_authorization_response};
use crate::secret::Secret;

struct Running {
    port: u16,
    listening: Listening,
}

async fn listen(host: RedirectHost) -> Running {
    let redirect = RedirectDefinition { host, ..RedirectDefinition::default() };
    let loopback = Loopback::bind(&redirect).await.unwrap();
    let port = loopback.port;
    let state = Secret::new("the-state");
    let listening = loopback.listen(Box::new(move |parameters| {
        parse_authorization_response(
            parameters,
            &ExpectedResponse { state: &state, issuer: None, iss_required: false, further: &[] },
        )
    }));
    Running { port, listening }
}

/// Sends `request` as it is and reads to the end.
async fn raw(port: u16, request: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

async fn get(port: u16, target: &str) -> String {
    raw(port, format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).await
}

async fn post(port: u16, content_type: &str, origin: &str, body: &str) -> String {
    let length = body.len();
    raw(
        port,
        format!(
            "POST /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

fn status(response: &str) -> &str {
    response.split(' ').nth(1).unwrap_or_default()
}

async fn answer(listening: &mut Listening) -> AuthorizationResponse {
    loop {
        if let Arrival::Answer(answer) = listening.arrival().await.unwrap() {
            return answer;
        }
    }
}

fn is_code(answer: &AuthorizationResponse, expected: &str) -> bool {
    matches!(answer, AuthorizationResponse::Code { code, .. } if *code == Secret::new(expected))
}

#[tokio::test]
async fn stray_requests_are_answered_and_the_flow_waits_on() {
    let Running { port, mut listening } = listen(RedirectHost::Ipv4).await;
    let request = |method: &str, target: &str, headers: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n")
    };
    let cases = [
        (request("GET", "/favicon.ico", ""), "404"),
        (request("GET", "/", ""), "404"),
        (request("GET", "/callback/done", ""), "404"),
        (request("GET", "/callback", ""), "400"),
        (request("GET", "/callback?code=evil&state=other", ""), "400"),
        (request("GET", "/callback?code=evil", ""), "400"),
        (request("GET", "/callback?code=a&code=b&state=the-state", ""), "400"),
        (request("GET", "/callback?code=a&state=the-state&state=the-state", ""), "400"),
        (request("GET", "/callback?code=x&state=the-state", "Origin: https://evil.example\r\n"), "403"),
        (request("OPTIONS", "/callback", "Access-Control-Request-Private-Network: true\r\n"), "403"),
        (request("HEAD", "/callback?code=x&state=the-state", ""), "405"),
        (request("PUT", "/callback?code=x&state=the-state", ""), "405"),
        ("GET /callback?code=x&state=the-state HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), "403"),
        (
            format!("GET /callback?code=x&state=the-state HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
            "403",
        ),
        ("GET /callback?code=x&state=the-state HTTP/1.1\r\n\r\n".to_owned(), "403"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
    ];
    for (request, expected) in cases {
        let response = raw(port, request.clone()).await;
        assert_eq!(status(&response), expected, "{request}");
        assert!(!response.contains("Access-Control-Allow"), "{response}");
    }
    let json = post(port, "application/json", "null", "{}").await;
    assert_eq!(status(&json), "415");

    assert_eq!(status(&get(port, "/callback?code=good&state=the-state").await), "303");
    assert!(is_code(&answer(&mut listening).await, "good"));
}

#[tokio::test]
async fn a_query_answer_leaves_a_clean_address_and_a_page_that_says_nothing() {
    let Running { port, mut listening } = listen(RedirectHost::Ipv4).await;
    let redirected =
        get(port, "/callback?code=canary-code&state=the-state&redirect=https%3A%2F%2Fevil.example").await;
    assert_eq!(status(&redirected), "303");
    assert!(redirected.to_lowercase().contains("location: /callback/done\r\n"), "{redirected}");
    assert!(is_code(&answer(&mut listening).await, "canary-code"));

    let farewell = tokio::spawn(async move { get(port, "/callback/done").await });
    listening.finish(Page::LoggedIn("A <b>provider</b>".to_owned())).await;
    let page = farewell.await.unwrap();
    assert_eq!(status(&page), "200");
    for expected in
        ["no-store", "default-src 'none'", "no-referrer", "nosniff", "A &lt;b&gt;provider&lt;/b&gt;"]
    {
        assert!(page.contains(expected), "{expected} is missing: {page}");
    }
    for unwelcome in ["canary", "the-state", "evil.example", "<script", "http://", "https://", "<b>"] {
        assert!(!page.contains(unwelcome), "{unwelcome}: {page}");
    }
}

#[tokio::test]
async fn a_form_post_is_read_whatever_its_spelling_and_its_page_tells_the_outcome() {
    for content_type in
        ["application/x-www-form-urlencoded", "Application/X-WWW-Form-URLEncoded; charset=UTF-8"]
    {
        let Running { port, mut listening } = listen(RedirectHost::Ipv4).await;
        let page =
            tokio::spawn(async move { post(port, content_type, "null", "state=the-state&code=a%2Bb").await });
        assert!(is_code(&answer(&mut listening).await, "a+b"));
        listening.finish(Page::Failed).await;
        let page = page.await.unwrap();
        assert!(page.contains("The login did not succeed"), "{page}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_twice_counts_once() {
    let Running { port, mut listening } = listen(RedirectHost::Ipv4).await;
    for code in ["first", "second"] {
        assert_eq!(status(&get(port, &format!("/callback?code={code}&state=the-state")).await), "303");
    }
    assert!(is_code(&answer(&mut listening).await, "first"));
    assert!(tokio::time::timeout(Duration::from_millis(200), listening.arrival()).await.is_err());
}

#[tokio::test]
async fn the_port_is_closed_at_the_end_and_when_the_login_is_given_up() {
    for finished in [true, false] {
        let Running { port, mut listening } = listen(RedirectHost::Localhost).await;
        assert!(StdStream::connect(("127.0.0.1", port)).is_ok());
        if finished {
            get(port, "/callback?code=good&state=the-state").await;
            answer(&mut listening).await;
            let browser = tokio::spawn(async move { get(port, "/callback/done").await });
            listening.finish(Page::Failed).await;
            browser.await.unwrap();
        } else {
            drop(listening);
        }
        let until = Instant::now() + Duration::from_secs(1);
        while StdStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < until, "the port is still open");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn idle_connections_large_headers_and_floods_do_not_keep_the_answer_out() {
    let Running { port, mut listening } = listen(RedirectHost::Ipv4).await;
    let idle: Vec<_> = (0..100).map(|_| StdStream::connect(("127.0.0.1", port)).unwrap()).collect();

    let mut flood = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head =
        format!("GET /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Large: {}", "a".repeat(1 << 20));
    // The server hangs up in the middle of it, which the write may or may not notice.
    let _ = flood.write_all(head.as_bytes()).await;

    let port_of_scanner = port;
    let scanner = tokio::spawn(async move {
        for number in 0..1000 {
            let response = get(port_of_scanner, &format!("/callback?code={number}&state=guess")).await;
            assert_eq!(status(&response), "400");
        }
    });
    let reader = tokio::spawn(async move { answer(&mut listening).await });
    scanner.await.unwrap();
    assert_eq!(status(&get(port, "/callback?code=good&state=the-state").await), "303");
    assert!(is_code(&reader.await.unwrap(), "good"));
    drop(idle);
}

#[tokio::test]
async fn only_loopback_addresses_are_bound_and_localhost_is_both() {
    let redirect = RedirectDefinition { host: RedirectHost::Localhost, ..RedirectDefinition::default() };
    let loopback = Loopback::bind(&redirect).await.unwrap();
    let addresses: Vec<_> =
        loopback.listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == loopback.port));
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    assert_eq!(addresses.len(), if has_ipv6 { 2 } else { 1 });
    assert_eq!(loopback.redirect_uri(), format!("http://localhost:{}/callback", loopback.port));
}

#[tokio::test]
async fn a_busy_fixed_port_is_one_clear_line() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let redirect = RedirectDefinition { port: Some(port), ..RedirectDefinition::default() };
    let error = Loopback::bind(&redirect).await.err().unwrap();
    assert_eq!(error.code(), "config_invalid");
    assert!(error.message().contains(&port.to_string()), "{error}");
    assert!(error.help().contains("--redirect-uri"));
}

#[tokio::test]
async fn the_judge_is_asked_with_the_raw_parameters() {
    let loopback = Loopback::bind(&RedirectDefinition::default()).await.unwrap();
    let (port, seen) = (loopback.port, Arc::new(std::sync::Mutex::new(Vec::new())));
    let record = Arc::clone(&seen);
    let _listening = loopback.listen(Box::new(move |parameters| {
        record.lock().unwrap().push(parameters.to_owned());
        let state = Secret::new("x");
        parse_authorization_response(
            parameters,
            &ExpectedResponse { state: &state, issuer: None, iss_required: false, further: &[] },
        )
    }));
    get(port, "/callback?a=%20b&a=c").await;
    assert_eq!(*seen.lock().unwrap(), ["a=%20b&a=c"]);
}
