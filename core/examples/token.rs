//! Hands out a fresh access token, and shows what to do with the errors.
//!
//! ```text
//! cargo run --example token -- microsoft
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks")]

use std::process::ExitCode;

use tokenkeep::{Broker, BrokerOptions, ErrorKind, Result, TokenOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match token().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The code is for programs, the message and the help are for people.
            eprintln!("{}: {error}\n{}", error.code(), error.help());
            if let ErrorKind::LoginRequired { reason } = error.kind() {
                eprintln!("a person must act: {}", reason.as_str());
            }
            ExitCode::FAILURE
        }
    }
}

async fn token() -> Result<()> {
    let provider = std::env::args().nth(1).unwrap_or_else(|| "microsoft".to_owned()).parse()?;
    let broker = Broker::open(BrokerOptions::default())?;
    let token = broker.token(&provider, &TokenOptions::default()).await?;
    // `token.authorization_header()` goes into the request; what is printed never shows it.
    println!("{token:?}");
    broker.close().await;
    Ok(())
}
