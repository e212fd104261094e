//! Talking to the person: the URL, the device code, the redirect URL that is pasted, and secrets typed in.
//!
//! The authorization URL, the verification address and the user code each stand on a line of their own,
//! so that a person can select them and a script can find them. May not enter: standard output.

use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tokenkeep::{
    DeviceAuthorization, Environment, ErrorKind, Flow, Interaction, Result, Secret, Url, open_browser,
};

use crate::exit::Failure;
use crate::output::{printable, say, say_bold};

/// A secret is at most this long; more is some other file.
const SECRET_LIMIT: u64 = 64 << 10;
/// A code that needs more than this fits no terminal.
const QR_COLUMNS: usize = 78;
const SIGINT: u8 = 2;

/// How the person gets to the URL.
pub enum Browser {
    /// `$BROWSER`, or the system's.
    Default,
    /// The one that was named.
    Command(String),
    /// By hand.
    None,
}

/// The person at the terminal.
pub struct Terminal {
    browser: Browser,
    paste: bool,
    spinner: Mutex<ProgressBar>,
}

impl Terminal {
    pub fn new(browser: Browser, paste: bool) -> Self {
        Terminal { browser, paste, spinner: Mutex::new(ProgressBar::hidden()) }
    }

    /// The waiting is over.
    pub fn done(&self) {
        self.spinner().finish_and_clear();
    }

    /// A spinner, while a person is waited for. It hides itself where standard error is no terminal.
    fn wait_for(&self, what: &'static str) {
        let spinner = ProgressBar::new_spinner().with_message(what);
        spinner.enable_steady_tick(Duration::from_millis(120));
        *self.spinner() = spinner;
    }

    fn spinner(&self) -> std::sync::MutexGuard<'_, ProgressBar> {
        self.spinner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interaction for Terminal {
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        let way = match flow {
            Flow::AuthorizationCode => "the browser",
            Flow::DeviceCode => "a device code",
            Flow::ClientCredentials => "the client's own credentials",
        };
        say(format_args!("Logging in with {way}: {reason}"));
    }

    fn open_url(&self, authorization_url: &Url) -> Result<()> {
        say("Open this address in your browser:");
        say("");
        say_bold(authorization_url);
        say("");
        let command = match &self.browser {
            Browser::None => None,
            Browser::Default => Some(None),
            Browser::Command(command) => Some(Some(command.as_str())),
        };
        if let Some(command) = command {
            match open_browser(authorization_url, command, &Environment::process()) {
                Ok(program) => {
                    say(format_args!("It was given to {program}. If no window appears, open it by hand."))
                }
                // Not the end: the address is there to be opened by hand.
                Err(error) => say(format_args!("{}: {}", error.message(), error.help())),
            }
        }
        if !self.paste {
            self.wait_for("Waiting for the browser");
        }
        Ok(())
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> Result<()> {
        // RFC 8628 5.4: a code that somebody else sent is how a grant is stolen.
        say("Go on only if you started this login of tokenkeep yourself, just now.");
        match &device.message {
            Some(message) => say(printable(message)),
            None => say("Open this address on any device, and enter the code:"),
        }
        say("");
        say_bold(printable(&device.verification_uri));
        say("");
        say_bold(printable(&device.user_code));
        say("");
        let complete = device.verification_uri_complete.as_ref();
        if io::stderr().is_terminal()
            && let Some(picture) = qr_code(complete.unwrap_or(&device.verification_uri))
        {
            say(picture);
            if complete.is_some() {
                say("The picture holds the address and the code: check that the code is the one above.");
            }
        }
        self.wait_for("Waiting for the other device");
        Ok(())
    }

    fn read_redirect_url(&self) -> Result<String> {
        say("Paste the address that the browser ended up at, and press Enter:");
        let mut line = String::new();
        match io::stdin().lock().take(SECRET_LIMIT).read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line),
            // Nobody is here: what that means, the core says.
            _ => Nobody.read_redirect_url(),
        }
    }

    fn response_refused(&self, reason: &str) {
        let reason = printable(reason);
        self.spinner().suspend(|| {
            say(format_args!("Something came that is not the answer to this login: {reason}. Still waiting."))
        });
    }
}

/// Whoever talked to the person is gone: so is what was on their screen.
impl Drop for Terminal {
    fn drop(&mut self) {
        self.done();
    }
}

/// Stands for an input that has ended.
struct Nobody;

impl Interaction for Nobody {}

/// Half-blocks, light on dark: most terminals are dark, and a code must be dark on light.
fn qr_code(address: &str) -> Option<String> {
    let code = QrCode::new(address).ok()?;
    // Four modules of quiet zone on either side.
    (code.width() + 8 <= QR_COLUMNS)
        .then(|| code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// A secret from the first line of standard input; typed without an echo when that is a terminal.
pub fn read_secret(what: &str) -> std::result::Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        return ask_secret(what);
    }
    let mut line = String::new();
    let read = io::stdin().lock().take(SECRET_LIMIT).read_line(&mut line);
    let secret = Secret::new(line.trim_end_matches(['\r', '\n']));
    match read {
        Ok(_) if !secret.is_empty() => Ok(secret),
        Ok(_) => Err(no_secret(what, "its first line is empty")),
        Err(error) => Err(no_secret(what, &error.to_string())),
    }
}

/// All of standard input: a secret that has lines.
pub fn read_text(what: &str) -> std::result::Result<Secret, Failure> {
    let mut text = String::new();
    match io::stdin().lock().take(SECRET_LIMIT).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => Ok(Secret::new(text)),
        Ok(_) => Err(no_secret(what, "it is empty")),
        Err(error) => Err(no_secret(what, &error.to_string())),
    }
}

/// The passphrase of a store, typed twice for a new one.
pub fn ask_passphrase(new: bool) -> std::result::Result<Secret, Failure> {
    let passphrase = ask_secret("passphrase of the store")?;
    if new && ask_secret("same passphrase again")? != passphrase {
        let message = "the two passphrases are not the same";
        return Err(Failure::own(ErrorKind::ConfigInvalid, message, "run the command again"));
    }
    Ok(passphrase)
}

/// True when a person can be asked: they see the question and can type the answer.
pub fn somebody_is_here() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask_secret(what: &str) -> std::result::Result<Secret, Failure> {
    say(format_args!("Type the {what} (nothing is shown), and press Enter:"));
    match rpassword::read_password() {
        Ok(text) if text.is_empty() => Err(no_secret(what, "nothing was typed")),
        Ok(text) => Ok(Secret::new(text)),
        // rpassword reads Ctrl-C as a key, to put the echo back.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Failure::Interrupted(SIGINT)),
        Err(error) => Err(no_secret(what, &error.to_string())),
    }
}

fn no_secret(what: &str, why: &str) -> Failure {
    let help = format!("give the {what} on the first line of standard input");
    Failure::own(ErrorKind::ConfigInvalid, format!("there is no {what} on standard input: {why}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_is_half_as_high_as_wide_with_its_quiet_zone() {
        let picture = qr_code("https://login.example/device?user_code=ABCD-EFGH").unwrap();
        let lines: Vec<&str> = picture.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
        // the quiet zone is light, and light is what is printed
        assert!(lines[0].chars().all(|c| c == '\u{2588}'));
    }

    #[test]
    fn an_address_that_fits_no_terminal_has_no_picture() {
        assert_eq!(qr_code(&format!("https://login.example/{}", "x".repeat(2000))), None);
        assert_eq!(qr_code(&"x".repeat(10_000)), None);
    }

    #[test]
    fn an_input_that_has_ended_is_the_cores_error() {
        assert_eq!(Nobody.read_redirect_url().unwrap_err().code(), "unsupported");
    }
}
