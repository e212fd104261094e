//! A command inside another one that changes what it sees: `setpriv`, `strace`, `faketime`, `unshare`.

use std::path::Path;
use std::process::Command;

/// `command`, run by `wrapper` with the same arguments, environment and folder. The command's environment must
/// have been made from nothing, as a test's home makes it.
pub fn around(wrapper: &[&str], command: &Command) -> Command {
    let (program, arguments) = wrapper.split_first().expect("a wrapper has a name");
    let mut whole = Command::new(program);
    whole.args(arguments).arg(command.get_program()).args(command.get_args()).env_clear();
    whole.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        whole.current_dir(folder);
    }
    whole
}

/// `command` as the user of that number, with no other right. The number needs no entry in /etc/passwd.
pub fn as_user(user: u32, command: &Command) -> Command {
    let (reuid, regid) = (format!("--reuid={user}"), format!("--regid={user}"));
    around(&["setpriv", &reuid, &regid, "--clear-groups", "--"], command)
}

/// `command` and all its threads under `strace`, whose lines go to `log`. `what` is a filter (`trace=openat`) or
/// a fault (`inject=flock:error=ENOLCK`).
pub fn strace(what: &str, log: &Path, command: &Command) -> Command {
    let log = log.to_str().expect("a plain path");
    around(&["strace", "-f", "-qq", "-s", "4096", "-e", what, "-o", log, "--"], command)
}
