//! N22: HTTP as it should not be written. What can mean one thing only is read; what cannot is `network`, and the
//! same refresh token works later.

use tokenkeep_hostile::{Act, Scene};
use tokenkeep_test_support::report;

const TOKEN: &str = "made-up-token";
const BODY: &str = r#"{"access_token":"made-up-token","token_type":"Bearer","expires_in":3600}"#;

#[test]
fn odd_framing_that_means_one_thing_is_read() {
    let (scene, length) = (Scene::new(), BODY.len());
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{BODY}");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    let bytes: String = BODY.bytes().map(|byte| format!("1\r\n{}\r\n", char::from(byte))).collect();
    let cases = [
        ("HTTP/1.0", whole.replace("1.1", "1.0")),
        ("HTTP/1.0 to its end", format!("HTTP/1.0 200 OK\r\n\r\n{BODY}")),
        (
            "HTTP/1.0 kept alive",
            whole.replace("1.1", "1.0").replace("OK\r\n", "OK\r\nConnection: keep-alive\r\n"),
        ),
        ("to its end", format!("HTTP/1.1 200 OK\r\n\r\n{BODY}")),
        (
            "trailers",
            format!(
                "{chunked}Trailer: X\r\n\r\n{length:X};a=b\r\n{BODY}\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n"
            ),
        ),
        ("a byte in each chunk", format!("{chunked}\r\n{bytes}0\r\n\r\n")),
        ("zeros before a chunk", format!("{chunked}\r\n000000{length:x}\r\n{BODY}\r\n0\r\n\r\n")),
        ("100", format!("HTTP/1.1 100 Continue\r\n\r\n{whole}")),
        (
            "102 and 103",
            format!(
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\nContent-Length: 5\r\n\r\n{whole}"
            ),
        ),
        ("a hundred of them", format!("{}{whole}", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100))),
        ("no reason", whole.replace("200 OK", "200")),
        ("line feeds alone", whole.replace("\r\n", "\n")),
        ("one length, twice", whole.replace("\r\n\r\n", &format!("\r\nContent-Length: {length}\r\n\r\n"))),
        ("more than its length", format!("{whole}canary")),
        ("two answers", format!("{whole}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary")),
    ];
    let count = cases.len();
    for (name, bytes) in cases {
        scene.accepts(name, TOKEN, Act::answer(bytes));
    }
    report("N22", format!("{count} of {count} odd spellings of HTTP read"));
}

#[test]
fn framing_that_could_mean_two_things_is_refused() {
    let (scene, length) = (Scene::new(), BODY.len());
    let ok = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
    let chunked = ok("Transfer-Encoding: chunked");
    let cases = [
        ("two lengths", ok(&format!("Content-Length: {length}\r\nContent-Length: 5")) + BODY),
        ("two lengths in one", ok(&format!("Content-Length: {length}, 5")) + BODY),
        ("a negative length", ok("Content-Length: -1") + BODY),
        ("a signed length", ok(&format!("Content-Length: +{length}")) + BODY),
        ("a length of 2^64", ok("Content-Length: 18446744073709551616") + BODY),
        ("less than its length", ok(&format!("Content-Length: {}", length + 1)) + BODY),
        ("a chunk too large", chunked.clone() + "fffffffffffffffffff\r\n" + BODY),
        ("a chunk without a size", chunked.clone() + "canary\r\n" + BODY),
        ("a chunk that is longer", format!("{chunked}5\r\n{BODY}\r\n0\r\n\r\n")),
        ("chunks without an end", format!("{chunked}{length:x}\r\n{BODY}\r\n")),
        ("chunks after HTTP/1.0", chunked.replace("1.1", "1.0") + "canary"),
        ("a body alone", BODY.to_owned()),
        ("another protocol", "SSH-2.0-canary\r\n".to_owned()),
        ("HTTP/2", "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64".to_owned()),
        ("HTTP/9.9", "HTTP/9.9 200 OK\r\n\r\n".to_owned()),
        ("TLS", "\x15\x03\x03\0\x02\x02\x28".to_owned()),
        ("nothing", String::new()),
        ("1xx and no more", "HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        (
            "another protocol, agreed on",
            "HTTP/1.1 101 Canary\r\nConnection: upgrade\r\nUpgrade: canary\r\n\r\ncanary".to_owned(),
        ),
        ("204", format!("HTTP/1.1 204 No Content\r\nContent-Length: {length}\r\n\r\n{BODY}")),
        ("304", format!("HTTP/1.1 304 Not Modified\r\nContent-Length: {length}\r\n\r\n{BODY}")),
        ("status 099", "HTTP/1.1 099 canary\r\n\r\n".to_owned()),
        ("status 999", "HTTP/1.1 999 canary\r\n\r\n".to_owned()),
        ("a folded header", ok("X: a\r\n canary") + BODY),
        ("a zero byte", ok("X: canary\0") + BODY),
    ];
    let count = cases.len();
    for (name, bytes) in cases {
        scene.try_answer(name, "network", Act::answer(bytes));
    }
    report("N22", format!("{count} of {count} broken spellings of HTTP refused, no login lost"));
}
