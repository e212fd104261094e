//! oidc-provider, an OpenID-certified server, as a program of its own (`oidc-provider/server.mjs`).

use std::collections::HashSet;
use std::process::{Command, Stdio};

use serde_json::Value;
use tokenkeep_test_support::{Home, Running, Server, run, tool};

use crate::{Certificates, Journal, Leaf, file, person, text};

/// A running oidc-provider.
pub struct OidcProvider {
    server: Server,
}

/// What the userinfo endpoint answered.
#[derive(Debug)]
pub struct Userinfo {
    /// The status.
    pub status: u64,
    /// RFC 9449 9: what the next proof must hold.
    pub nonce: Option<String>,
    /// The claims, or the error.
    pub claims: Value,
}

impl OidcProvider {
    /// Starts it over http, with the options of `server.mjs`.
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        OidcProvider { server: Server::start(&mut command(options)) }
    }

    /// Starts it over http; it fetches from https origins of the test's CA.
    #[track_caller]
    pub fn start_trusting(certificates: &Certificates) -> Self {
        let mut command = command(&[]);
        OidcProvider { server: Server::start(command.env("NODE_EXTRA_CA_CERTS", certificates.ca())) }
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

    /// The address of its userinfo endpoint (OIDC Core 5.3).
    pub fn userinfo_url(&self) -> String {
        format!("{}/me", self.issuer())
    }

    /// Asks the userinfo endpoint, with these headers.
    #[track_caller]
    pub fn userinfo(&self, headers: &Value) -> Userinfo {
        const ASK: &str = "
            const headers = JSON.parse(fs.readFileSync(0));
            const answer = await fetch(process.argv[1], { headers });
            const nonce = answer.headers.get('dpop-nonce');
            console.log(JSON.stringify({ status: answer.status, nonce, claims: await answer.json() }));";
        let mut ask = Command::new(tool("TOKENKEEP_TEST_NODE"));
        ask.args([
            "--input-type=module",
            "-e",
            &format!("import fs from 'node:fs';{ASK}"),
            &self.userinfo_url(),
        ]);
        let answer = run(&mut ask, &headers.to_string()).ok().json();
        Userinfo {
            status: answer["status"].as_u64().unwrap_or(0),
            nonce: answer["nonce"].as_str().map(str::to_owned),
            claims: answer["claims"].clone(),
        }
    }

    /// Refreshes ten times by the command line: each refresh sends the token that the one before was answered with,
    /// and no other.
    #[track_caller]
    pub fn ten_refreshes(&self, home: &Home, token: &[&str]) {
        let arguments = || token.iter().copied().chain(["--force-refresh"]);
        let tokens: HashSet<String> = (0..10).map(|_| home.run(arguments()).ok().stdout).collect();
        assert_eq!(tokens.len(), 10, "a token came twice");
        let journal = self.journal();
        assert_eq!((journal.grants("refresh_token"), journal.refresh_token_reuse()), (10, 0), "{journal:?}");
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

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(tool("TOKENKEEP_TEST_NODE"));
    // It warns of what makes it a test server. A start that fails names the command to try by hand.
    command.arg(file("oidc-provider/server.mjs")).args(options).stderr(Stdio::null());
    command
}
