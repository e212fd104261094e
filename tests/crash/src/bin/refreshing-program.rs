//! A program that keeps a broker open and refreshes: what is killed, and what lives on while the disk is full.
//!
//! ```text
//! refreshing-program PROVIDER loop      refreshes until it fails or is killed
//! refreshing-program PROVIDER commands  does what each line of its input says: `token`, `close`
//! ```
//! It says what came of each on a line of standard error: `token FINGERPRINT`, `error CODE MESSAGE`, `closed`. A token
//! itself is never shown.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use authorization_server::fingerprint;
use tokenkeep::{Broker, BrokerOptions, Error, ProviderName, TokenOptions};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (provider, mode) = (arguments.next().unwrap_or_default(), arguments.next());
    match run(&provider, mode.as_deref() == Some("loop")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error {} {error}", error.code()));
            ExitCode::FAILURE
        }
    }
}

fn run(provider: &str, endless: bool) -> Result<(), Error> {
    let provider: ProviderName = provider.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::cancelled(error.to_string()))?;
    let broker = Broker::open(BrokerOptions::default())?;
    let refresh = || -> Result<(), Error> {
        let options = TokenOptions { force_refresh: true, ..TokenOptions::default() };
        let token = runtime.block_on(broker.token(&provider, &options))?;
        say(&format!("token {}", fingerprint(token.secret.expose())));
        Ok(())
    };
    if endless {
        loop {
            refresh()?;
        }
    }
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match line.as_str() {
            "token" => refresh()?,
            _ => {
                runtime.block_on(broker.close());
                say("closed");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One call, so that a line is whole or not there.
fn say(line: &str) {
    // Whoever listened is gone: then nobody misses it.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
