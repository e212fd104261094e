//! N1, N3 and N8: who does not answer, or does it drop by drop. Half a minute is the most that anybody waits; ten
//! seconds where there is not even a connection. All of them wait side by side.

use std::time::{Duration, Instant};

use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{AT_MOST, Act, Named, Says, Scene, failed_plainly};
use tokenkeep_test_support::{Running, report};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn who_does_not_answer_is_given_up() {
    std::thread::scope(|scope| {
        for case in [a_slow_loris, a_connection_that_nobody_takes, a_name_server_that_says_nothing] {
            scope.spawn(case);
        }
    });
}

fn a_slow_loris() {
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
                    let scene = if name == "silence" { Scene::new() } else { Scene::new().in_brief() };
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

fn a_connection_that_nobody_takes() {
    let scene = Scene::new();
    for connection in ["expired", "plain"] {
        scene.login(connection);
    }
    let token = scene.login("valid");
    let (port, plug) = (scene.endpoint.port(), scene.endpoint.plug());
    let (json, plain) = (scene.refresh("expired", &["--json"]), scene.refresh("plain", &[]));
    let served = scene.start("valid", &["--min-lifetime", "7200"]).finish().ok();
    assert_eq!(served.stdout.trim_end(), token);
    let (json, plain) = (json.finish(), plain.finish());
    let failure = fails(&json, "network");
    failed_plainly(&plain, "network");
    assert!(failure.message().contains(&format!("127.0.0.1:{port}")), "{failure:?}");
    for run in [&json, &plain, &served] {
        assert!(run.took >= 9 * SECOND && run.took <= AT_MOST / 2, "{run:#?}");
    }
    drop(plug);
    for connection in ["expired", "plain"] {
        scene.refresh(connection, &[]).finish().ok();
    }
    report("N3", format!("a full queue: given up after {:.1} s, 3 of 3", json.took.as_secs_f64()));
}

fn a_name_server_that_says_nothing() {
    let named = Named::new(3);
    named.login("valid");
    let token = named.tokenkeep(&["token", "acme", "--connection", "valid"]).ok().stdout;
    named.scene.stage.change(|live| live.access_token_lifetime = 0);
    named.login("expired");

    named.names.says(Says::Nothing);
    let begun = Instant::now();
    let command = |arguments: &[&str]| {
        Running::start(&mut named.names.command(&named.scene.stage.home.command(arguments)))
    };
    let waits = command(&["token", "acme", "--connection", "expired", "--json"]);
    let served = command(&["token", "acme", "--connection", "valid", "--min-lifetime", "7200"]);
    // Whoever can use the token at hand asks no name server.
    assert_eq!(command(&["token", "acme", "--connection", "valid"]).finish().ok().stdout, token);
    assert!(begun.elapsed() < 5 * SECOND, "{:?}", begun.elapsed());
    let (waited, served) = (waits.finish(), served.finish().ok());
    assert_eq!(served.stdout, token);
    assert!(fails(&waited, "network").message().contains(Named::HOST), "{waited:#?}");
    assert!(waited.took.max(served.took) <= AT_MOST / 2, "{waited:#?} {served:#?}");
    named.names.says(Says::Here);
    named.tokenkeep(&["token", "acme", "--connection", "expired"]).ok();
    report("N1", format!("a silent name server: given up after {:.1} s", waited.took.as_secs_f64()));
}
