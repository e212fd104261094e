//! Logs in with the person's browser, as a program with a terminal would.
//!
//! ```text
//! cargo run --example login -- microsoft
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks")]

use std::sync::Arc;

use tokenkeep::{
    Broker, BrokerOptions, DeviceAuthorization, Environment, Interaction, LoginOptions, Result, Url,
    open_browser,
};

struct Terminal;

impl Interaction for Terminal {
    fn open_url(&self, authorization_url: &Url) -> Result<()> {
        eprintln!("Opening {authorization_url}");
        open_browser(authorization_url, None, &Environment::process())?;
        Ok(())
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> Result<()> {
        eprintln!("Go to {} and enter {}", device.verification_uri, device.user_code);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let provider = std::env::args().nth(1).unwrap_or_else(|| "microsoft".to_owned()).parse()?;
    let broker = Broker::open(BrokerOptions::default())?;
    let connection = broker.login(&provider, &LoginOptions::default(), Arc::new(Terminal)).await?;
    println!("{} is {}", connection.key, connection.status());
    Ok(())
}
