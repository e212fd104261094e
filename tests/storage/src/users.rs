//! Users with homes of their own, on one machine.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokenkeep_behaviour::Stage;
use tokenkeep_test_support::program;

use crate::around::as_user;

/// Users whose homes are beside each other, as in `/home`, and a `tokenkeep` that all of them may run.
pub struct Users(TempDir);

impl Users {
    /// Nobody yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        open_up(folder.path(), 0o755);
        // The repository may be in a home that is closed. A process of its own copies: what this one had open for
        // writing could not be started while a child of another test still holds a copy.
        let mut copy = Command::new("install");
        copy.args(["-m", "755"]).arg(program("tokenkeep")).arg(folder.path().join("tokenkeep"));
        assert!(copy.status().expect("install is there").success(), "{copy:?}");
        Users(folder)
    }

    /// The folder of all homes. Everybody may pass through it.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The home of a user, which others may look into, as Debian makes them; made if need be.
    pub fn home(&self, user: u32) -> PathBuf {
        let home = self.path().join(user.to_string());
        if !home.exists() {
            fs::create_dir(&home).expect("a home can be made");
            chown(&home, Some(user), Some(user)).expect("root gives a folder away");
            open_up(&home, 0o755);
        }
        home
    }

    /// The store that a user has when nothing is said.
    pub fn store(&self, user: u32) -> PathBuf {
        self.home(user).join(".local/share/tokenkeep")
    }

    /// `tokenkeep`, as root, with the environment of a user: what `sudo` that keeps `HOME` makes of it.
    pub fn with_sudo<I: AsRef<OsStr>>(
        &self,
        user: u32,
        stage: &Stage,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        // The stage's command has the whole environment of the tests; only where it is differs.
        let stages = stage.home.command(arguments);
        let mut command = Command::new(self.path().join("tokenkeep"));
        command.args(stages.get_args()).env_clear().current_dir(self.path());
        command.envs(stages.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("HOME", self.home(user)).env_remove("TOKENKEEP_HOME");
        command
    }

    /// `tokenkeep` as that user, at home.
    pub fn command<I: AsRef<OsStr>>(
        &self,
        user: u32,
        stage: &Stage,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        as_user(user, &self.with_sudo(user, stage, arguments))
    }
}

impl Default for Users {
    fn default() -> Self {
        Users::new()
    }
}

fn open_up(folder: &Path, mode: u32) {
    fs::set_permissions(folder, Permissions::from_mode(mode)).expect("root sets modes");
}
