//! What a case works on: a server of one of three kinds, and a store with two connections, of which one is struck and
//! the other must never feel it.

use std::path::{Path, PathBuf};
use std::process::Command;

use authorization_server::{AuthorizationServer, ServerOptions};
use tempfile::TempDir;
use tokenkeep_behaviour::Stage;
use tokenkeep_test_support::{Run, program};

use crate::trace::{Plan, Trace, trace};

/// The connection that nobody touches.
pub const OTHER: &str = "other";

/// How a server treats a refresh token that it has replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Microsoft Entra: it goes on working.
    Entra,
    /// It gives the same answer again for half a minute.
    Grace,
    /// It works once; a second use ends the grant (RFC 9700 4.14.2).
    Strict,
}

impl Kind {
    /// As a report has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Entra => "entra",
            Kind::Grace => "grace:30",
            Kind::Strict => "strict",
        }
    }
}

/// A server, and a store with two connections to it.
pub struct Bench {
    /// The server, the store, the command line.
    pub stage: Stage,
    /// How the server rotates.
    pub kind: Kind,
    /// Holds the one authority that is trusted here, so that a run is not mostly the reading of hundreds.
    authority: TempDir,
}

impl Bench {
    /// Both connections logged in.
    #[track_caller]
    pub fn new(kind: Kind) -> Bench {
        let stage = match kind {
            Kind::Entra => Stage::microsoft(),
            Kind::Grace | Kind::Strict => Stage::acme(),
        };
        if kind == Kind::Grace {
            stage.change(|live| live.rotation = "grace:30".parse().expect("a way to rotate"));
        }
        let bench = Bench::around(stage, kind);
        bench.stage.login(&["--connection", OTHER]).ok();
        bench.stage.login(&[]).ok();
        bench
    }

    /// Nobody has logged in yet, and there is no store.
    #[track_caller]
    pub fn first() -> Bench {
        Bench::around(Stage::oidc(), Kind::Strict)
    }

    fn around(mut stage: Stage, kind: Kind) -> Bench {
        let authority = tempfile::tempdir().expect("a temporary folder can be made");
        let with_tls =
            ServerOptions { tls_directory: Some(authority.path().to_owned()), ..ServerOptions::plain() };
        drop(AuthorizationServer::start(with_tls).expect("a port is free"));
        let certificate = authority.path().join("ca.pem");
        stage.home = std::mem::take(&mut stage.home)
            .with("SSL_CERT_FILE", certificate.to_str().expect("a plain path"));
        Bench { stage, kind, authority }
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.stage.home.store()
    }

    /// Runs the command line under a plan.
    #[track_caller]
    pub fn trace(&self, arguments: &[String], plan: Plan<'_>) -> Trace {
        trace(&self.stage.home.command(arguments), self.authority.path(), &self.store(), plan)
    }

    /// The arguments of a refresh.
    pub fn refresh_arguments(&self) -> Vec<String> {
        ["token", self.stage.provider, "--force-refresh", "--json"].map(str::to_owned).to_vec()
    }

    /// The arguments of a login by browser, with a person who says yes.
    pub fn login_arguments(&self) -> Vec<String> {
        self.stage.login_arguments(&["--json", "--browser", &tokenkeep_behaviour::person::browser()])
    }

    /// `tokenkeep ARGUMENTS`.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.stage.home.run(arguments)
    }

    /// A program of this workspace in the environment of the command line.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let like = self.stage.home.command::<&str>([]);
        let mut command = Command::new(program(name));
        command.args(arguments).env_clear().current_dir(self.stage.home.path());
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// How often the server granted something after its first `before` requests.
    pub fn granted_since(&self, before: usize) -> usize {
        let entries = self.stage.server.journal().entries();
        entries.iter().skip(before).filter(|entry| entry.outcome.granted).count()
    }

    /// How many requests the server has had.
    pub fn requests(&self) -> usize {
        self.stage.server.journal().entries().len()
    }
}

/// A folder and all that is below it.
pub type Snapshot = Vec<(PathBuf, Option<Vec<u8>>)>;

/// The folder as it is, parents first; folders have no content.
#[track_caller]
pub fn snapshot(folder: &Path) -> Snapshot {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        found.push((folder.clone(), None));
        for entry in entries {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                // Gone by now: a temporary file that got its real name.
                if let Ok(content) = std::fs::read(&path) {
                    found.push((path, Some(content)));
                }
            }
        }
    }
    found
}

/// Makes the folder what the snapshot says, private as a store is.
#[track_caller]
pub fn restore(folder: &Path, snapshot: &Snapshot) {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if folder.exists() {
        std::fs::remove_dir_all(folder).expect("the store can be removed");
    }
    for (path, content) in snapshot {
        match content {
            None => std::fs::DirBuilder::new().mode(0o700).create(path).expect("a folder can be made"),
            Some(content) => {
                let mut options = std::fs::OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(path);
                std::io::Write::write_all(&mut file.expect("a file can be made"), content)
                    .expect("there is room");
            }
        }
    }
}
