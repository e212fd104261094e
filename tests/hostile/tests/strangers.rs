//! F4: whoever else comes to the loopback redirect while a person logs in. Each gets an answer or is hung up on, and
//! the person's own answer still counts; the command does not grow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use tokenkeep_behaviour::{Stage, UnderWay, is_closed, person};
use tokenkeep_test_support::{report, scaled};

/// What a stranger may send, and the status that it gets; 0 where hanging up will do.
fn strange(port: u16, state: &str) -> Vec<(Vec<u8>, u16)> {
    let request = |first: &str, more: &str| {
        format!("{first} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n").into_bytes()
    };
    let form = |body: &str| {
        let length = body.len();
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n");
        [request("POST /callback", &head), body.as_bytes().to_vec()].concat()
    };
    vec![
        (request("GET /favicon.ico", ""), 404),
        (request("GET /", ""), 404),
        (request("GET /callback/done", ""), 404),
        (request("GET /callback?code=canary&state=guess", ""), 400),
        (request("GET /callback?code=canary", ""), 400),
        (request(&format!("GET /callback?code=a&code=b&state={state}"), ""), 400),
        (
            request(&format!("GET /callback?code=canary&state={state}"), "Origin: https://evil.example\r\n"),
            403,
        ),
        (request("OPTIONS /callback", "Access-Control-Request-Private-Network: true\r\n"), 403),
        (request(&format!("HEAD /callback?code=canary&state={state}"), ""), 405),
        (request(&format!("DELETE /callback?code=canary&state={state}"), ""), 405),
        (form("code=canary&state=guess"), 400),
        (
            format!("GET /callback?code=canary&state={state} HTTP/1.1\r\nHost: evil.example\r\n\r\n").into(),
            403,
        ),
        (format!("GET /callback?code=canary&state={state} HTTP/1.0\r\n\r\n").into(), 403),
        // Port scanners: TLS, SSH, RDP, SMB, and nothing in particular.
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".repeat(3), 0),
        (b"SSH-2.0-canary\r\n\r\n".to_vec(), 0),
        (b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x0b\x00\x00\x00\r\n\r\n".to_vec(), 0),
        (b"\x00\x00\x00\x2f\xffSMB\r\n\r\n".to_vec(), 0),
        (b"\0".repeat(1000), 0),
        ([request("GET /callback", "")[..20].to_vec(), b"X: ".to_vec(), vec![b'a'; 1 << 20]].concat(), 0),
        (form(&format!("code=canary&state=guess&filler={}", "a".repeat(1 << 20))), 0),
        (vec![b'a'; 1 << 20], 0),
    ]
}

/// Sends it, and reads what comes until the connection ends: the status, if there was one.
fn send(port: u16, (bytes, status): &(Vec<u8>, u16)) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    // The listener may hang up in the middle of it.
    let _ = stream.write_all(bytes);
    if *status == 0 {
        // There is no more to come, and no sense in waiting for it.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(!answer.contains("canary") && !answer.contains("Access-Control-Allow"), "{answer}");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// The most memory that the command has held, in KiB.
fn peak(login: &UnderWay) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", login.running.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn strangers_do_not_stop_the_login() {
    let stage = Stage::acme();
    let login = stage.begin_login(&[]);
    let (port, state) = (login.port(), login.parameter("state"));
    let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let strange = strange(port, &state);
    for one in &strange {
        let (got, (bytes, status)) = (send(port, one), one);
        assert!(
            *status == 0 || got == *status,
            "{got}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
        );
    }
    let before = peak(&login);
    let (threads, requests) = (8, scaled(500, 10_000));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let strange = &strange;
            scope.spawn(move || {
                for number in 0..requests / threads {
                    send(port, &strange[(thread + number) % strange.len()]);
                }
            });
        }
    });
    let took = begun.elapsed();
    let grown = peak(&login).saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more than before");
    assert!(stage.asked("authorization_code").is_empty(), "nothing was redeemed");

    person::visit(&login.url);
    let run = login.finish().ok();
    assert!(!run.stderr.contains("canary"), "{run:#?}");
    assert!(run.stderr.lines().count() < 30, "the terminal is not filled: {run:#?}");
    assert_eq!(stage.asked("authorization_code").len(), 1);
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
    drop(idle);
    assert!(is_closed(port));
    report(
        "F4",
        format!(
            "{requests} stray requests of {} kinds in {:.1} s and 100 idle connections: the callback counts, once; {grown} KiB more memory",
            strange.len(),
            took.as_secs_f64()
        ),
    );
}

#[test]
fn idle_connections_give_way_to_the_person() {
    let stage = Stage::acme();
    let login = stage.begin_login(&[]);
    // More than the listener holds: who came first and says nothing goes first.
    let idle: Vec<TcpStream> =
        (0..600).map(|_| TcpStream::connect(("127.0.0.1", login.port())).unwrap()).collect();
    let begun = Instant::now();
    assert_eq!(person::visit(&login.url).status, 200);
    login.finish().ok();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    report(
        "F4",
        format!(
            "{} idle connections held open: the callback counts after {:.1} s",
            idle.len(),
            begun.elapsed().as_secs_f64()
        ),
    );
}
