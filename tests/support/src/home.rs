//! A home of its own: an empty folder, a clean environment, and the command line in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{Run, Running, run};
use crate::program;

/// A store in a temporary folder, with a key file, reached by a clean environment.
pub struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    /// An empty home whose store keeps its key in a file and may talk to servers on this machine.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let home = Home { folder, variables: Vec::new() };
        home.with("TOKENKEEP_KEY", "file").with("TOKENKEEP_INSECURE_LOOPBACK", "1")
    }

    /// The same home with one more environment variable.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same home without an environment variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// The folder that holds everything that the test leaves behind.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// Writes a provider's file and adds it as the user's own.
    #[track_caller]
    pub fn add_provider(&self, definition: &str) {
        let file = self.path().join("provider.toml");
        std::fs::write(&file, definition).expect("the provider's file can be written");
        self.run(["providers", "add", file.to_str().expect("a plain path")]).ok();
    }

    /// `tokenkeep` with `arguments`, not started yet.
    pub fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.program(&program("tokenkeep"));
        command.args(arguments);
        command
    }

    /// Another program in the same environment, not started yet.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path());
        // What every program has; the rest is what the test says.
        for name in ["PATH", "SystemRoot"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path()).env("TOKENKEEP_HOME", self.store());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `tokenkeep` with `arguments`.
    pub fn start<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Running {
        Running::start(&mut self.command(arguments))
    }

    /// Runs `tokenkeep` with `arguments` to its end.
    #[track_caller]
    pub fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Run {
        run(&mut self.command(arguments), "")
    }

    /// The same with something on its stdin.
    #[track_caller]
    pub fn run_with_stdin<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
        stdin: &str,
    ) -> Run {
        run(&mut self.command(arguments), stdin)
    }
}

impl Default for Home {
    fn default() -> Self {
        Home::new()
    }
}
