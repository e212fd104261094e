//! What a server is told: once, before it listens ([`ServerOptions`]), and at any time after ([`LiveOptions`]).
//!
//! The defaults are those of the dialect: [`ServerOptions::plain`] is strict in the manner of RFC 9700,
//! [`ServerOptions::entra`] does what Entra does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::live_options::{AssertionReplay, IssuerParameter, LiveOptions, Rotation};
use crate::registered_client::RegisteredClient;

/// What is fixed when the server starts.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Which server is played.
    pub dialect: Dialect,
    /// The host in every URL the server gives out.
    pub host: Host,
    /// The port; 0 lets the kernel choose.
    pub port: u16,
    /// A path below which the issuer lives, such as `/t1`; empty for none.
    pub issuer_path: String,
    /// Serve https; a fresh certificate authority writes its `ca.pem` into this directory.
    pub tls_directory: Option<PathBuf>,
    /// Further names that the server has over https. Asked by one of them it speaks of itself by that name.
    pub tls_names: Vec<String>,
    /// Start an HTTP proxy that makes tunnels to this server for `NAME:443` of each of these names, and no other.
    pub proxy: bool,
    /// Who may ask. Empty in the Entra dialect: any GUID, as a public client.
    pub clients: Vec<RegisteredClient>,
    /// The paths a loopback redirect URI may have (RFC 8252, section 7.3 leaves only the port open).
    pub redirect_paths: Vec<String>,
    /// Faults that are loaded before the first request.
    pub script: Vec<Fault>,
    /// A file that gets every journal entry as one line of JSON.
    pub journal: Option<PathBuf>,
    /// What can be changed later.
    pub live: LiveOptions,
}

impl ServerOptions {
    /// A strict server of plain OAuth.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            dialect: Dialect::Plain,
            host: Host::Ipv4,
            port: 0,
            issuer_path: String::new(),
            tls_directory: None,
            tls_names: Vec::new(),
            proxy: false,
            clients: RegisteredClient::defaults(),
            redirect_paths: vec!["/".into(), "/callback".into()],
            script: Vec::new(),
            journal: None,
            live: LiveOptions::default(),
        }
    }

    /// A server that answers as Entra does: every refresh gives a new refresh token and the old one stays
    /// valid, a client's assertion may be used again, there is no `iss` parameter, any GUID is a public client, and the host is `localhost`.
    #[must_use]
    pub fn entra() -> Self {
        let plain = Self::plain();
        let live = LiveOptions {
            rotation: Rotation::KeepOld,
            assertion_replay: AssertionReplay::Accepted,
            issuer_parameter: IssuerParameter::Off,
            ..plain.live
        };
        Self { dialect: Dialect::Entra, host: Host::Localhost, clients: Vec::new(), live, ..plain }
    }
}

/// Which server is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// OAuth 2.0 and OpenID Connect as written.
    Plain,
    /// Microsoft Entra: tenants in the path, AADSTS numbers in the errors.
    Entra,
}

/// The host in the server's URLs. Either way it listens on loopback only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// `localhost`: listens on 127.0.0.1, and on ::1 with the same port where there is IPv6.
    #[serde(rename = "localhost")]
    Localhost,
    /// `127.0.0.1`.
    #[serde(rename = "127.0.0.1")]
    Ipv4,
}

impl Host {
    /// As it stands in a URL.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Localhost => "localhost",
            Self::Ipv4 => "127.0.0.1",
        }
    }
}
