//! django-oauth-toolkit, a second code base, as a program of its own (`django/server.py`).

use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokenkeep_test_support::{Home, Running, Server, tool};

use crate::{Journal, file, person};

/// A running django-oauth-toolkit.
pub struct Django {
    server: Server,
    // Its database. Dropped after the server: a process that is killed tidies up nothing.
    _folder: TempDir,
}

impl Django {
    /// Starts it. A refresh token that was used gives the same pair again for `grace` seconds.
    #[track_caller]
    pub fn start(grace: u32) -> Self {
        Django::start_with(grace, 3600)
    }

    /// The same with access tokens that live for so many seconds.
    #[track_caller]
    pub fn start_with(grace: u32, access_token_lifetime: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new(tool("TOKENKEEP_TEST_PYTHON_DJANGO"));
        command.arg(file("django/server.py")).args(["--refresh-grace", &grace.to_string()]);
        command.args(["--access-token-ttl", &access_token_lifetime.to_string()]);
        // It logs every refusal. A start that fails names the command to try by hand.
        command.env("TMPDIR", folder.path()).stderr(Stdio::null());
        Django { server: Server::start(&mut command), _folder: folder }
    }

    /// The issuer; it has a path.
    pub fn issuer(&self) -> String {
        self.server.issuer()
    }

    /// The arguments of a login with `client_id`.
    pub fn login_as(&self, client_id: &str) -> Vec<String> {
        let issuer = self.issuer();
        ["login", "oidc", "--issuer", &issuer, "--client-id", client_id, "--scopes", "openid read"]
            .map(str::to_owned)
            .into()
    }

    /// Starts a login whose URL is opened by hand.
    pub fn start_login(&self, home: &Home) -> Running {
        person::start_login(home, &self.login_as("native"))
    }

    /// A whole login of a person who says yes.
    #[track_caller]
    pub fn log_in(&self, home: &Home) {
        person::log_in(home, &self.login_as("native"));
    }

    /// What happened so far.
    #[track_caller]
    pub fn journal(&self) -> Journal {
        Journal(self.server.journal())
    }
}
