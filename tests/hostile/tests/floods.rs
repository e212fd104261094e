//! N9 to N11: answers without end, packed answers, and heads without end. The command has 128 MiB of address
//! space: whatever gathers such an answer up, or unpacks it, runs out of it and fails the case.

use std::process::{Command, Stdio};

use tokenkeep_hostile::{Act, Scene, Trial};
use tokenkeep_test_support::{report, scaled};

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// A head, and then something again and again.
fn endless(head: &str, bytes: impl AsRef<[u8]>) -> Vec<Act> {
    vec![Act::Read, Act::Send(head.as_bytes().to_vec()), Act::Endless(bytes.as_ref().to_vec())]
}

#[track_caller]
fn figure(trials: &[Trial]) -> String {
    let slowest = trials.iter().map(|trial| trial.took).max().unwrap_or_default();
    format!(
        "{0} of {0} cut off within 128 MiB, the slowest after {1:.1} s",
        trials.len(),
        slowest.as_secs_f64()
    )
}

#[test]
fn a_body_without_end_is_cut_off() {
    let scene = Scene::new().with_little_memory();
    let letters = "canary-".repeat(10_000);
    let json = format!("{OK}Content-Type: application/json\r\n");
    let cases = [
        ("until it closes", endless(&format!("{json}\r\n{{\"access_token\":\""), &letters)),
        ("HTTP/1.0", endless("HTTP/1.0 200 OK\r\n\r\n{\"access_token\":\"", &letters)),
        (
            "a length of 2^62",
            endless(&format!("{json}Content-Length: 4611686018427387904\r\n\r\n"), &letters),
        ),
        (
            "one chunk of 2^62",
            endless(&format!("{json}Transfer-Encoding: chunked\r\n\r\n4000000000000000\r\n"), &letters),
        ),
        (
            "chunks",
            endless(&format!("{json}Transfer-Encoding: chunked\r\n\r\n"), format!("11170\r\n{letters}\r\n")),
        ),
        ("a page", endless(&format!("{OK}Content-Type: text/html\r\n\r\n<html>"), &letters)),
        ("an error", endless("HTTP/1.1 500 canary\r\n\r\n", &letters)),
        ("a byte more than 1 MiB", Act::json(vec![b' '; (1 << 20) + 1])),
    ];
    let trials: Vec<Trial> = cases
        .into_iter()
        .map(|(name, script)| {
            let trial = scene.try_answer(name, "network", script);
            assert!(trial.failure.message().contains("more than 1048576 bytes"), "{name}: {trial:?}");
            trial
        })
        .collect();
    // A whole MiB is an answer, and is read to its end.
    let last = br#"{"access_token":"made-up-token","expires_in":3600}"#;
    let body = [vec![b' '; (1 << 20) - last.len()], last.to_vec()].concat();
    scene.accepts("1 MiB", "made-up-token", Act::json(body));
    report("N9", format!("{}; 1 MiB is read", figure(&trials)));
}

#[test]
fn a_packed_body_is_never_unpacked() {
    let scene = Scene::new().with_little_memory();
    let gzip = packed(scaled(192, 1024));
    assert!(gzip.len() < 1 << 20 || scaled(false, true), "it is the unpacked size that is too much");
    // RFC 1951 is what lies between the head and the end of RFC 1952.
    let deflate = gzip[10..gzip.len() - 8].to_vec();
    let encodings = [
        ("Content-Encoding: gzip\r\n", &gzip),
        ("Content-Encoding: x-gzip, gzip\r\n", &gzip),
        ("Content-Encoding: deflate\r\n", &deflate),
        ("Content-Encoding: br\r\n", &deflate),
        ("Content-Encoding: zstd\r\n", &gzip),
        ("Content-Type: application/gzip\r\n", &gzip),
    ];
    let mut trials = Vec::new();
    for (header, body) in encodings {
        trials.push(scene.try_answer(header.trim_end(), "network", Act::reply("200 OK", header, body)));
    }
    let chunk = [format!("{:x}\r\n", gzip.len()).as_bytes(), &gzip, b"\r\n0\r\n\r\n"].concat();
    let head = format!("{OK}Transfer-Encoding: gzip, chunked\r\n\r\n");
    scene.endpoint.arrived();
    trials.push(scene.try_answer(
        "a transfer encoding",
        "network",
        Act::answer([head.as_bytes(), &chunk].concat()),
    ));
    // Nothing packed is asked for.
    let asked = scene.endpoint.arrived();
    assert!(!asked.is_empty());
    for request in asked {
        let text = request.text().to_ascii_lowercase();
        assert!(
            !text.contains("accept-encoding:") && !text.contains("\r\nte:"),
            "{}",
            text.split("\r\n\r\n").next().unwrap()
        );
    }
    report("N10", format!("{}, nothing unpacked or asked for", figure(&trials)));
}

/// So many MiB of JSON's beginning and blanks, as gzip packs them.
fn packed(mebibytes: u32) -> Vec<u8> {
    let script = format!(
        "{{ printf '{{\"access_token\":\"canary'; head -c {mebibytes}M /dev/zero | tr '\\0' ' '; }} | gzip -c"
    );
    let run = Command::new("sh").args(["-c", &script]).stderr(Stdio::inherit()).output().unwrap();
    assert!(run.status.success() && run.stdout.starts_with(&[0x1f, 0x8b]));
    run.stdout
}

#[test]
fn a_head_without_end_is_cut_off() {
    let scene = Scene::new().with_little_memory();
    let line = "X-Canary: canary\r\n";
    let large = "c".repeat(10 << 20);
    let cases = [
        ("thousands of headers", Act::answer(format!("{OK}{}\r\n", line.repeat(5000)))),
        ("one of 10 MB", Act::answer(format!("{OK}X: {large}\r\n\r\n"))),
        ("a name of 10 MB", Act::answer(format!("{OK}{large}: x\r\n\r\n"))),
        ("a reason of 10 MB", Act::answer(format!("HTTP/1.1 200 {large}\r\n\r\n"))),
        ("endless headers", endless(OK, line.repeat(5000))),
        ("an endless header", endless(&format!("{OK}X: "), "canary".repeat(10_000))),
        ("an endless first line", endless("HTTP/1.1 200 ", "canary".repeat(10_000))),
        ("endless blanks", endless("", "\r\n".repeat(10_000))),
        (
            "endless trailers",
            endless(&format!("{OK}Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n"), line.repeat(5000)),
        ),
        (
            "an endless extension",
            endless(&format!("{OK}Transfer-Encoding: chunked\r\n\r\n1;"), "canary".repeat(10_000)),
        ),
    ];
    let trials: Vec<Trial> =
        cases.into_iter().map(|(name, script)| scene.try_answer(name, "network", script)).collect();
    report("N11", figure(&trials));
}
