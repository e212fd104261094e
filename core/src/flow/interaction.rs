//! The one callback: how a flow talks to the person, whatever the language.
//!
//! The methods are plain calls that may block; flows call them off the runtime's threads, so that a
//! dialog in Python, Node or Swift holds up nobody else. A login that is given up does not wait for a
//! method to return.
//!
//! May not enter: a token, a code, a verifier. What a person sees is an address, a user code, and words.

use url::Url;

use super::browser::open_browser;
use super::surroundings::Flow;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

/// What a person must see and do for the device code flow (RFC 8628 3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// Where to go, on any device.
    pub verification_uri: String,
    /// What to enter there.
    pub user_code: String,
    /// The same address with the code in it, where the server gives one. Fit for a QR code.
    pub verification_uri_complete: Option<String>,
    /// The server's own words, in the person's language (Microsoft).
    pub message: Option<String>,
    /// Seconds until the code is worth nothing.
    pub expires_in: i64,
}

/// How a flow talks to the person.
pub trait Interaction: Send + Sync {
    /// The flow that was chosen, and why.
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        let _ = (flow, reason);
    }

    /// Takes the person to the authorization URL (RFC 6749 3.1, RFC 8252 8.12: in the system's browser,
    /// not in a web view).
    ///
    /// # Errors
    /// An error ends the login. A browser that cannot be started need not be one, when the person can also
    /// copy the URL; for the default, which only opens the system's browser, it is one.
    fn open_url(&self, authorization_url: &Url) -> Result<()> {
        open_browser(authorization_url, None, &Environment::process()).map(drop)
    }

    /// Shows the user code and where to enter it (RFC 8628 3.3). Say which program asks, and that nobody
    /// should go on who has not started it (RFC 8628 5.4).
    ///
    /// # Errors
    /// An error ends the login. The default says that nobody can be shown a code.
    fn show_device_authorization(&self, device: &DeviceAuthorization) -> Result<()> {
        let _ = device;
        Err(Error::new(ErrorKind::Unsupported, "nobody is here to be shown a device code"))
    }

    /// Asks for the address that the browser ended up at. Called only where the person's browser is
    /// elsewhere, and again after an address that was not the answer.
    ///
    /// # Errors
    /// An error ends the login. The default says that nobody can be asked.
    fn read_redirect_url(&self) -> Result<String> {
        Err(Error::new(ErrorKind::Unsupported, "nobody is here to paste the redirect URL"))
    }

    /// Something reached the loopback redirect and was not the answer; the flow goes on waiting.
    fn response_refused(&self, reason: &str) {
        let _ = reason;
    }
}
