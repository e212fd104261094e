//! N3 and N8: who does not answer, or does it drop by drop. Half a minute is the most that anybody waits; ten
//! seconds where there is not even a connection.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{AT_MOST, Act, Endpoint, Scene, failed_plainly};
use tokenkeep_test_support::report;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_slow_loris_is_cut_off() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let head = |text: &str| vec![Act::Read, Act::Send(text.as_bytes().to_vec())];
    let json = format!("{ok}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n");
    let drip = |bytes: &str| vec![Act::Drip(bytes.as_bytes().to_vec(), SECOND)];
    let cases: [(&str, Vec<Act>); 9] = [
        ("silence", vec![Act::Read, Act::Silence]),
        ("nothing is read", vec![Act::Silence]),
        ("the first line", [vec![Act::Read], drip("HTTP/1.1 200 canary-canary-canary-canary")].concat()),
        ("a header", [head(ok), drip("X-Canary: canary\r\n")].concat()),
        ("silence in the head", [head(ok), vec![Act::Silence]].concat()),
        ("a body with a length", [head(&json), drip("canary")].concat()),
        ("chunks", [head(&format!("{ok}Transfer-Encoding: chunked\r\n\r\n")), drip("1\r\nc\r\n")].concat()),
        ("silence in the body", [head(&json), head("{")[1..].to_vec(), vec![Act::Silence]].concat()),
        (
            "1xx",
            [vec![Act::Read], vec![Act::Drip(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), SECOND / 50)]]
                .concat(),
        ),
    ];
    let count = cases.len();
    let slowest = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .into_iter()
            .map(|(name, script)| {
                scope.spawn(move || {
                    let scene = Scene::new();
                    let trial = scene.try_answer(name, "network", script);
                    assert!(trial.took >= 29 * SECOND, "{name}: a slow server has its time: {trial:?}");
                    assert!(trial.failure.message().contains("did not answer within"), "{name}: {trial:?}");
                    trial.took
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    });
    report("N8", format!("{count} of {count} cut off, the slowest after {:.1} s", slowest.as_secs_f64()));
}

#[test]
fn a_connection_that_nobody_takes_is_given_up() {
    let mut scene = Scene::new();
    for connection in ["expired", "plain"] {
        scene.login_expired(connection);
    }
    let token = scene.login_valid("valid");
    // The records' token endpoint becomes a hole: its port belongs to a listener whose queue is full.
    let (port, upstream) = (scene.endpoint.port(), scene.stage.server.port());
    scene.endpoint = Endpoint::start(upstream);
    let hole = BlackHole::open(port);

    let (json, plain) = (scene.start("expired", &["--json"]), scene.start("plain", &[]));
    let served = scene.start("valid", &["--min-lifetime", "7200"]).finish().ok();
    assert_eq!(served.stdout.trim_end(), token);
    let (json, plain) = (json.finish(), plain.finish());
    let failure = fails(&json, "network");
    failed_plainly(&plain, "network");
    assert!(failure.message().contains(&format!("127.0.0.1:{port}")), "{failure:?}");
    for run in [&json, &plain, &served] {
        assert!(run.took >= 9 * SECOND && run.took <= AT_MOST / 2, "{run:#?}");
    }
    drop(hole);
    scene.endpoint = Endpoint::at(port, upstream);
    for connection in ["expired", "plain"] {
        scene.start(connection, &[]).finish().ok();
    }
    report("N3", format!("a full queue: given up after {:.1} s, 3 of 3", json.took.as_secs_f64()));
}

/// A port whose listener takes no connection: the queue is full, and the kernel drops what else comes.
struct BlackHole {
    _listener: OwnedFd,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    fn open(port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        set_socket_reuseaddr(&listener, true).unwrap();
        bind(&listener, &address).unwrap();
        listen(&listener, 0).unwrap();
        let mut held = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, SECOND / 2) {
            held.push(stream);
            assert!(held.len() < 64, "this kernel takes connections that nobody accepts");
        }
        BlackHole { _listener: listener, _queue: held }
    }
}
