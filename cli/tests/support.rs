//! What the tests of the command line share: a home of their own, the binary without the machine's
//! environment, and what it said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A store's folder and the environment of one test.
pub struct Home(TempDir);

impl Home {
    /// Nothing there yet, and no choice made.
    pub fn empty() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    /// A store whose key is in a file.
    pub fn ready() -> Self {
        let home = Home::empty();
        assert_eq!(home.run(&["init", "--key", "file"]).code, 0);
        home
    }

    pub fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command, with nothing of the machine's environment that it could take for its own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenkeep"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.0.path());
        // Without it Windows has no network and no random numbers.
        command.envs(std::env::var_os("SystemRoot").map(|folder| ("SystemRoot", folder)));
        command.env("TOKENKEEP_HOME", self.store()).env("TOKENKEEP_INSECURE_LOOPBACK", "1");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().unwrap())
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A command that does not read leaves the pipe closed: not this helper's affair.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Said::from(child.wait_with_output().unwrap())
    }

    /// Every byte of every file in the store.
    pub fn everything_kept(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut folders = vec![self.store()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    bytes.extend(std::fs::read(path).unwrap());
                }
            }
        }
        bytes
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The output as JSON; it must be one line.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The error as `--json` gives it: the last line of standard error.
    #[track_caller]
    pub fn json_error(&self) -> serde_json::Value {
        let line: serde_json::Value = serde_json::from_str(self.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(line["error"]["exit_code"], self.code, "{self:?}");
        line["error"].clone()
    }

    /// Ended with that kind of error, said in an `error:` and a `hint:` line, and with no data.
    #[track_caller]
    pub fn failed_with(&self, code: &str) -> &Self {
        assert_eq!(self.code, exit_code(code), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        assert_eq!(self.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{self:?}");
        assert_eq!(self.stderr.lines().filter(|line| line.starts_with("hint: ")).count(), 1, "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    #[track_caller]
    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// All kinds of errors, from the table of all languages.
pub fn kinds() -> Vec<(String, i32)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/errors.json");
    let table: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let row = |kind: &serde_json::Value| {
        let exit_code = i32::try_from(kind["exit_code"].as_i64().unwrap()).unwrap();
        (kind["code"].as_str().unwrap().to_owned(), exit_code)
    };
    table["errors"].as_array().unwrap().iter().map(row).collect()
}

#[track_caller]
pub fn exit_code(code: &str) -> i32 {
    if code == "usage" {
        return 2;
    }
    kinds().into_iter().find(|(known, _)| known == code).unwrap().1
}
