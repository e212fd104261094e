//! The person: reads the terminal, and goes through a server's pages (`oidc-provider/human.mjs`).

use std::path::PathBuf;
use std::process::Command;

use tokenkeep_test_support::{Home, Run, Running, run, tool};

use crate::file;

/// A person with a browser that has no window.
#[derive(Debug, Clone, Default)]
pub struct Person {
    denies: bool,
    trusts: Option<PathBuf>,
}

impl Person {
    /// One who says yes to everything.
    pub fn new() -> Self {
        Person::default()
    }

    /// One who says no.
    pub fn who_denies() -> Self {
        Person { denies: true, ..Person::default() }
    }

    /// The same person, whose browser trusts one more CA.
    pub fn trusting(self, ca: PathBuf) -> Self {
        Person { trusts: Some(ca), ..self }
    }

    /// A person who says yes, as the value of `--browser`.
    pub fn as_browser() -> String {
        let (node, script) = (tool("TOKENKEEP_TEST_NODE"), file("oidc-provider/human.mjs"));
        format!("{} {} authorize", node.display(), script.display())
    }

    /// Opens an authorization URL. The last line of stderr is the last page's status and title.
    pub fn authorize(&self, url: &str) -> Run {
        self.walk("authorize", &[url])
    }

    /// Opens a verification URI and enters the code.
    pub fn enter_code(&self, verification_uri: &str, user_code: &str) -> Run {
        self.walk("device", &[verification_uri, user_code])
    }

    fn walk(&self, task: &str, places: &[&str]) -> Run {
        let mut command = Command::new(tool("TOKENKEEP_TEST_NODE"));
        command.arg(file("oidc-provider/human.mjs")).arg(task);
        if self.denies {
            command.arg("--deny");
        }
        if let Some(ca) = &self.trusts {
            command.env("NODE_EXTRA_CA_CERTS", ca);
        }
        run(command.args(places), "")
    }
}

/// Starts a login whose URL is opened by hand.
pub fn start_login(home: &Home, login: &[String]) -> Running {
    home.start(login.iter().map(String::as_str).chain(["--no-browser"]))
}

/// A whole login of a person who says yes.
#[track_caller]
pub fn log_in(home: &Home, login: &[String]) {
    let mut login = start_login(home, login);
    Person::new().authorize(&authorization_url(&mut login)).ok();
    login.finish().ok();
}

/// The address that a login shows. It stands on a line of its own.
#[track_caller]
pub fn authorization_url(login: &mut Running) -> String {
    login.stderr_line(is_address)
}

/// The address and the code that a device login shows, each on a line of its own.
#[track_caller]
pub fn device_authorization(login: &mut Running) -> (String, String) {
    (login.stderr_line(is_address), login.stderr_line(|line| !line.is_empty()))
}

fn is_address(line: &str) -> bool {
    (line.starts_with("http://") || line.starts_with("https://")) && !line.contains(' ')
}
