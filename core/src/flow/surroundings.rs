//! Which flow fits this machine: is there a browser here, and is the person in front of it?
//!
//! `Surroundings::detect` looks, `choose` is pure. May not enter: what the person asked for by name.

use std::path::Path;
use std::str::FromStr;

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};

/// How a person logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Authorization code with PKCE on a loopback redirect (RFC 6749 4.1, RFC 7636, RFC 8252).
    AuthorizationCode,
    /// A code entered on another device (RFC 8628).
    DeviceCode,
    /// Nobody logs in: the client asks in its own name (RFC 6749 4.4). Never chosen unasked.
    ClientCredentials,
}

impl Flow {
    /// The name that people type.
    pub fn as_str(self) -> &'static str {
        match self {
            Flow::AuthorizationCode => "pkce",
            Flow::DeviceCode => "device-code",
            Flow::ClientCredentials => "client-credentials",
        }
    }
}

/// With a hyphen, as on a command line, or with an underscore, as in a program.
impl FromStr for Flow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "pkce" => Ok(Flow::AuthorizationCode),
            "device-code" | "device_code" => Ok(Flow::DeviceCode),
            "client-credentials" | "client_credentials" => Ok(Flow::ClientCredentials),
            _ => Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a flow"))
                .with_help("it is one of pkce, device_code, client_credentials")),
        }
    }
}

/// What was found out about the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// A remote shell: the person's browser is on another machine.
    pub ssh: bool,
    /// A display that a browser can open a window on.
    pub display: bool,
    /// The inside of a container, where no browser is.
    pub container: bool,
    /// Windows Subsystem for Linux: the browser is outside, and loopback reaches in.
    pub wsl: bool,
    /// A browser that was named (`--browser`, `$BROWSER`).
    pub named_browser: bool,
}

impl Surroundings {
    /// Looks around.
    pub fn detect(environment: &Environment, named_browser: bool) -> Self {
        let set = |name: &str| environment.get(name).is_some();
        Surroundings {
            ssh: set("SSH_CONNECTION") || set("SSH_TTY"),
            // macOS and Windows have a desktop wherever a person is logged in.
            display: cfg!(any(target_os = "macos", windows)) || set("DISPLAY") || set("WAYLAND_DISPLAY"),
            container: Path::new("/.dockerenv").exists()
                || Path::new("/run/.containerenv").exists()
                || set("KUBERNETES_SERVICE_HOST"),
            wsl: set("WSL_DISTRO_NAME"),
            named_browser: named_browser || set("BROWSER"),
        }
    }
}

/// Chooses between the flows that the provider has, and says why.
///
/// The browser comes first wherever one can open: it is the flow that phishing cannot borrow (RFC 8628 5.4),
/// and many organizations allow no other. The device code is for machines without one.
///
/// # Errors
/// `unsupported` when the provider has neither.
pub fn choose(
    surroundings: &Surroundings,
    authorization_code: bool,
    device_code: bool,
) -> Result<(Flow, &'static str)> {
    if !device_code && !authorization_code {
        return Err(Error::new(ErrorKind::Unsupported, "the provider has no flow that Tokenkeep knows"));
    }
    if !device_code {
        let reason = match surroundings {
            Surroundings { ssh: true, named_browser: false, .. } => {
                "the provider has no device code flow; where the browser is on another machine, --paste brings \
                 its answer here"
            }
            _ => "the provider has no device code flow",
        };
        return Ok((Flow::AuthorizationCode, reason));
    }
    if !authorization_code {
        return Ok((Flow::DeviceCode, "the provider has only the device code flow"));
    }
    // A browser that somebody named is a browser, wherever this runs.
    let (flow, reason) = match surroundings {
        Surroundings { named_browser: true, .. } => (Flow::AuthorizationCode, "a browser was named"),
        Surroundings { ssh: true, .. } => {
            (Flow::DeviceCode, "this is an SSH session, and your browser is elsewhere")
        }
        Surroundings { wsl: true, .. } => {
            (Flow::AuthorizationCode, "the browser of Windows reaches this machine")
        }
        Surroundings { container: true, display: false, .. } => {
            (Flow::DeviceCode, "this is a container without a display")
        }
        Surroundings { display: true, .. } => (Flow::AuthorizationCode, "there is a display for a browser"),
        _ => (Flow::DeviceCode, "there is no display for a browser"),
    };
    Ok((flow, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_machine_gets_the_flow_that_can_work() {
        use Flow::{AuthorizationCode, DeviceCode};
        let nothing = Surroundings::default();
        let cases = [
            (Surroundings { display: true, ..nothing.clone() }, AuthorizationCode),
            (Surroundings { display: true, ssh: true, ..nothing.clone() }, DeviceCode),
            (Surroundings { container: true, ..nothing.clone() }, DeviceCode),
            (Surroundings { container: true, display: true, ..nothing.clone() }, AuthorizationCode),
            (Surroundings { wsl: true, ..nothing.clone() }, AuthorizationCode),
            (Surroundings { ssh: true, named_browser: true, ..nothing.clone() }, AuthorizationCode),
            (nothing, DeviceCode),
        ];
        for (surroundings, expected) in cases {
            assert_eq!(choose(&surroundings, true, true).unwrap().0, expected, "{surroundings:?}");
            assert_eq!(choose(&surroundings, true, false).unwrap().0, AuthorizationCode);
            assert_eq!(choose(&surroundings, false, true).unwrap().0, DeviceCode);
            assert!(choose(&surroundings, false, false).is_err());
        }
    }

    #[test]
    fn a_flow_goes_by_its_name() {
        for flow in [Flow::AuthorizationCode, Flow::DeviceCode] {
            assert_eq!(flow.as_str().parse(), Ok(flow));
        }
        assert_eq!("device_code".parse(), Ok(Flow::DeviceCode));
        assert_eq!("implicit".parse::<Flow>().unwrap_err().code(), "config_invalid");
    }

    #[test]
    fn the_environment_tells() {
        let environment = Environment::of([("SSH_TTY", "/dev/pts/0"), ("DISPLAY", ":0")]);
        let found = Surroundings::detect(&environment, false);
        assert!(found.ssh && found.display && !found.wsl && !found.named_browser);
    }
}
