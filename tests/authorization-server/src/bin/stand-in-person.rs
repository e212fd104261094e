//! `stand-in-person`: opens an authorization URL, or a device's verification URI, as a browser and a person would.
//! Set as `BROWSER` it completes a login by itself.
//!
//! Writes the last status to standard error; exits 0 only if it is 200. `SSL_CERT_FILE` names the authorities that
//! https is checked against, `HTTPS_PROXY` the way to every https host but localhost.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use authorization_server::{Decision, StandInPerson};
use clap::Parser;
use tokio::runtime;
use url::Url;

/// Plays the browser and the person in front of it.
#[derive(Parser)]
#[command(name = "stand-in-person")]
struct Arguments {
    /// Say no instead of yes.
    #[arg(long)]
    deny: bool,
    /// The URL is a verification URI, where USER_CODE is entered.
    #[arg(long, requires = "user_code")]
    device: bool,
    /// The authorization URL, or with --device the verification URI.
    url: Url,
    /// The code that the device shows.
    #[arg(requires = "device")]
    user_code: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let status = runtime.and_then(|runtime| runtime.block_on(play(&arguments)));
    let (text, code) = match status {
        Ok(200) => ("200".into(), ExitCode::SUCCESS),
        Ok(status) => (status.to_string(), ExitCode::FAILURE),
        Err(error) => (error.to_string(), ExitCode::FAILURE),
    };
    // Nobody may be reading; the exit code says it as well.
    writeln!(io::stderr().lock(), "stand-in-person: {text}").unwrap_or_default();
    code
}

async fn play(arguments: &Arguments) -> io::Result<u16> {
    let decision = if arguments.deny { Decision::Deny } else { Decision::Approve };
    let authorities = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let proxy = std::env::var("HTTPS_PROXY").ok();
    let proxy = proxy.map(|proxy| Url::parse(&proxy)).transpose().map_err(io::Error::other)?;
    let person = StandInPerson::new(decision, authorities.as_deref())?.through(proxy);
    let page = match &arguments.user_code {
        Some(user_code) => person.enter_user_code(&arguments.url, user_code).await?,
        None => person.visit(&arguments.url).await?,
    };
    Ok(page.status)
}
