//! The loopback redirect: whoever else comes to it, only the person's answer counts, and once.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use tokenkeep_behaviour::{Stage, fails, person};
use tokenkeep_test_support::{report, request};

#[test]
fn two_logins_at_once() {
    let stage = Stage::microsoft();
    let logins = ["a", "b"].map(|name| stage.begin_login(&["--connection", name]));
    assert_ne!(logins[0].port(), logins[1].port());
    assert_ne!(logins[0].parameter("state"), logins[1].parameter("state"));
    assert_ne!(logins[0].parameter("code_challenge"), logins[1].parameter("code_challenge"));
    // The answer to one is nothing to the other.
    let crossed = logins[1].redirect(&format!("code=x&state={}", logins[0].parameter("state")));
    assert_eq!(person::get(&crossed).status, 400);
    for login in logins.into_iter().rev() {
        person::visit(&login.url);
        login.finish().ok();
    }
    let tokens = ["a", "b"].map(|name| stage.access_token(&["--connection", name]));
    assert_ne!(tokens[0], tokens[1]);
    report("F3", "two logins at once: both kept, the answer to one is nothing to the other");
}

#[test]
fn answer_that_comes_twice_is_redeemed_once() {
    let stage = Stage::acme();
    let login = stage.begin_login(&[]);
    let answer = person::redirected(&login.url);
    // Whoever only looks whether there is something takes nothing.
    let target = format!("{}?{}", answer.path(), answer.query().unwrap());
    assert_eq!(request(login.port(), "HEAD", &target, "").0, 405);
    // A browser that fetches ahead, and the person's own click.
    let pages: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| person::try_get(&answer))).collect();
        threads.into_iter().filter_map(|thread| Some(thread.join().unwrap().ok()?.status)).collect()
    });
    login.finish().ok();
    assert!(!pages.is_empty() && pages.iter().all(|status| *status == 303), "{pages:?}");
    assert_eq!(stage.asked("authorization_code").len(), 1);
    assert_eq!(stage.resource(&stage.access_token(&[])), 200, "a second use would have ended the grant");
    report("F5", "HEAD and four GETs of the answer at once: the code is used once");
}

#[test]
fn stray_connections_do_not_stop_the_login() {
    let stage = Stage::acme();
    let login = stage.begin_login(&[]);
    let connect = || TcpStream::connect(("127.0.0.1", login.port())).unwrap();
    let idle: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    for nonsense in
        ["\0\0\0\0\r\n\r\n".to_owned(), "GET / HTTP/1.1\r\n".to_owned() + &"a: b\r\n".repeat(200_000)]
    {
        // It is answered, or closed on: nobody minds which.
        let _ = connect().write_all(nonsense.as_bytes());
    }
    for (host, status) in [("evil.example", 403), ("localhost", 403), ("localhost:1", 403)] {
        let mut stream = connect();
        write!(stream, "GET /callback?code=x HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
    person::visit(&login.url);
    login.finish().ok();
    drop(idle);
}

#[test]
fn redirect_uri_is_fixed_and_its_port_may_be_busy() {
    let stage = Stage::microsoft();
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let redirect_uri = format!("http://localhost:{}/callback", held.local_addr().unwrap().port());
    let fixed = ["--redirect-uri", redirect_uri.as_str(), "--json"];
    let failure = fails(&stage.login(&fixed), "config_invalid");
    assert!(failure.message().contains("port") && failure.help().contains("--redirect-uri"), "{failure:?}");
    assert!(stage.server.journal().entries().is_empty());
    drop(held);
    stage.login(&fixed).ok();
    assert_eq!(stage.asked("authorization_code")[0].parameters["redirect_uri"], redirect_uri);
    // Only this machine can be the place that the answer is received at.
    for wrong in
        ["https://localhost/callback", "http://192.0.2.1:80/callback", "http://localhost:1/?x=1", "x"]
    {
        fails(&stage.login(&["--redirect-uri", wrong, "--json"]), "config_invalid");
    }
}
