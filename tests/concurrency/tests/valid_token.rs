//! R9: a token that is valid costs nobody a request.

use std::time::Instant;

use tokenkeep_behaviour::Stage;
use tokenkeep_concurrency::Worker;
use tokenkeep_test_support::{report, scaled};

#[test]
fn r9_a_valid_token_sends_nothing() {
    let calls = scaled(100, 1000);
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let before = stage.server.journal().entries().len();
    let mut worker = Worker::start(&stage.home, "acme", 10, None);
    let token = stage.access_token(&[]);
    for _ in 0..calls / 10 {
        assert_eq!(worker.ask("token").tokens(), [token.as_str()]);
    }
    let begun = Instant::now();
    for _ in 0..calls / 10 {
        assert_eq!(stage.access_token(&[]), token);
    }
    let process = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(calls / 10);
    assert_eq!(stage.server.journal().entries().len(), before, "a valid token was asked for");
    report(
        "R9",
        format!(
            "{calls} calls of the library, {} processes: 0 requests, {process:.1} ms a process",
            calls / 10
        ),
    );
}
