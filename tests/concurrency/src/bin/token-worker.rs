//! A process that asks for tokens whenever it is told to: threads that share one broker, as in an agent.
//!
//! ```text
//! token-worker PROVIDER THREADS [LOCK_WAIT_MILLISECONDS]
//! ```
//! It takes the store from the environment, says `ready`, and then answers each line of its stdin with one line
//! of JSON: an array with what each thread's call brought (`Call` of the library). The lines:
//!
//! - `token`: all threads ask at once;
//! - `force [SCOPE]`: the same, and no caller takes the token that is there, be it that of a scope's resource;
//! - `min-lifetime SECONDS`: the same for a token that is good for so long.
//!
//! It ends when its stdin closes. The workers in `workers/` speak the same lines.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test program")]

use std::io::BufRead;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use tokenkeep::{Broker, BrokerOptions, ProviderName, TokenOptions};
use tokenkeep_concurrency::Call;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let provider: ProviderName = arguments[0].parse().expect("a provider's name");
    let threads: usize = arguments[1].parse().expect("a number of threads");
    let lock_wait = arguments.get(2).map(|text| Duration::from_millis(text.parse().expect("milliseconds")));
    let broker = Broker::open(BrokerOptions { lock_wait, ..BrokerOptions::default() }).expect("a broker");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");

    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let options = options(&line.expect("a line"));
        let together = Barrier::new(threads);
        let ask = || {
            together.wait();
            let begun = Instant::now();
            let outcome = runtime.block_on(broker.token(&provider, &options));
            let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
            match outcome {
                Ok(token) => Call {
                    token: Some(token.secret.expose().to_owned()),
                    expires_at: token.expires_at.map(|at| at.as_unix()),
                    error: None,
                    milliseconds,
                },
                Err(error) => {
                    Call { token: None, expires_at: None, error: Some(error.code().to_owned()), milliseconds }
                }
            }
        };
        let calls: Vec<Call> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..threads).map(|_| scope.spawn(ask)).collect();
            callers.into_iter().map(|caller| caller.join().expect("a call that ends")).collect()
        });
        println!("{}", serde_json::to_string(&calls).expect("plain data"));
    }
    runtime.block_on(broker.close());
}

fn options(line: &str) -> TokenOptions {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("token", _) => TokenOptions::default(),
        ("force", "") => TokenOptions { force_refresh: true, ..TokenOptions::default() },
        ("force", scope) => TokenOptions {
            force_refresh: true,
            scopes: Some(scope.parse().expect("a scope")),
            ..TokenOptions::default()
        },
        ("min-lifetime", seconds) => TokenOptions {
            min_lifetime: Duration::from_secs(seconds.parse().expect("seconds")),
            ..TokenOptions::default()
        },
        _ => unreachable!("no such line: {line}"),
    }
}
