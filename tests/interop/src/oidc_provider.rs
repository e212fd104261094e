//! oidc-provider, an OpenID-certified server, as a program of its own (`oidc-provider/server.mjs`).

use std::process::{Command, Stdio};

use serde_json::Value;
use tokenkeep_test_support::{Home, Running, Server, run, tool};

use crate::{Certificates, Journal, Leaf, file, person, text};

/// A running oidc-provider.
pub struct OidcProvider {
    server: Server,
}

impl OidcProvider {
    /// Starts it over http, with the options of `server.mjs`.
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        let mut command = Command::new(tool("TOKENKEEP_TEST_NODE"));
        // It warns of what makes it a test server. A start that fails names the command to try by hand.
        command.arg(file("oidc-provider/server.mjs")).args(options).stderr(Stdio::null());
        OidcProvider { server: Server::start(&mut command) }
    }

    /// Starts it over https, showing `leaf`.
    #[track_caller]
    pub fn start_tls(certificates: &Certificates, leaf: Leaf) -> Self {
        let (key, certificate) = certificates.leaf(leaf);
        OidcProvider::start(&["--tls-key", text(&key), "--tls-cert", text(&certificate)])
    }

    /// The issuer.
    pub fn issuer(&self) -> String {
        self.server.issuer()
    }

    /// The arguments of a login with `client_id`.
    pub fn login_as(&self, client_id: &str) -> Vec<String> {
        ["login", "oidc", "--issuer", &self.issuer(), "--client-id", client_id].map(str::to_owned).into()
    }

    /// The arguments of a login with the public client.
    pub fn login(&self) -> Vec<String> {
        self.login_as("native")
    }

    /// Starts a login whose URL is opened by hand.
    pub fn start_login(&self, home: &Home) -> Running {
        person::start_login(home, &self.login())
    }

    /// A whole login of a person who says yes.
    #[track_caller]
    pub fn log_in(&self, home: &Home) {
        person::log_in(home, &self.login());
    }

    /// What happened so far.
    #[track_caller]
    pub fn journal(&self) -> Journal {
        if self.issuer().starts_with("https:") {
            return Journal(self.journal_over_tls());
        }
        Journal(self.server.journal())
    }

    /// What goes wrong next; see `oidc-provider/faults.mjs`.
    #[track_caller]
    pub fn fault(&self, fault: &Value) {
        self.server.control("POST", "/_control/faults", fault);
    }

    // This asks a server that the test itself may have given a wrong certificate.
    #[track_caller]
    fn journal_over_tls(&self) -> Value {
        let script =
            "fetch(process.argv[1]).then((answer) => answer.text()).then((text) => console.log(text))";
        let url = format!("https://127.0.0.1:{}/_control/journal", self.server.port());
        let mut fetch = Command::new(tool("TOKENKEEP_TEST_NODE"));
        fetch.args(["-e", script, &url]).env("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        run(&mut fetch, "").ok().json()
    }
}
