//! A real Secret Service: gnome-keyring on a session bus of its own (`secret-service/run.sh`).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokenkeep_test_support::{run, signal};

use crate::file;

/// Says what the script put into the environment, and stays until the test closes its stdin.
const STAY: &str = r#"printf '{"bus":"%s","keyring":%s}\n' "$DBUS_SESSION_BUS_ADDRESS" "$TOKENKEEP_TEST_KEYRING_PID"
exec cat >/dev/null"#;

/// The script's own limit for its services is 10 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running, unlocked, empty keyring.
pub struct SecretService {
    child: Child,
    bus: String,
    keyring: u32,
}

impl SecretService {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        let mut command = Command::new(file("secret-service/run.sh"));
        command.args(["sh", "-c", STAY]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("run.sh is there");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("run.sh can be listened to");
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no Secret Service: {error}: {line:?}; try {command:?} by hand"));
        let keyring = ready["keyring"].as_u64().and_then(|pid| pid.try_into().ok());
        SecretService {
            child,
            bus: ready["bus"].as_str().expect("run.sh names its bus").to_owned(),
            keyring: keyring.expect("run.sh names its keyring"),
        }
    }

    /// The value of `DBUS_SESSION_BUS_ADDRESS`.
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// Makes it a service that hangs.
    pub fn stop(&self) {
        signal(self.keyring, "STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        signal(self.keyring, "CONT");
    }

    /// Keeps an item in it, as its user would.
    #[track_caller]
    pub fn keep(&self, service: &str, account: &str, secret: &str) {
        let mut command = Command::new("secret-tool");
        command.args(["store", "--label", "test", "service", service, "username", account]);
        run(command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus), secret).ok();
    }

    /// The secrets that Tokenkeep keeps in it.
    #[track_caller]
    pub fn secrets(&self) -> Vec<String> {
        let mut command = Command::new("secret-tool");
        command.args(["search", "--all", "--unlock", "service", "tokenkeep"]);
        let found = run(command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus), "");
        let secret = |line: &str| line.strip_prefix("secret = ").map(str::to_owned);
        found.stdout.lines().filter_map(secret).collect()
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        // Its end is the script's to bring about, which knows what it started.
        drop(self.child.stdin.take());
        let until = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
