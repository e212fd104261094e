//! In front of a person: bold letters, a picture of the device code, secrets typed without an echo.

// `script`, which gives a command a terminal, takes other options on other systems.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::server::Server;
use crate::support::{Home, exit_code};

/// A command on a terminal of its own: what it says there, and what is typed.
struct OnTerminal {
    child: Child,
    screen: ChildStdout,
    keys: ChildStdin,
    seen: String,
}

impl OnTerminal {
    fn start(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let quoted = arguments.iter().map(|argument| format!("'{argument}'")).collect::<Vec<_>>().join(" ");
        let mut command = Command::new("script");
        command.args(["-qec", &format!("'{}' {quoted}", env!("CARGO_BIN_EXE_tokenkeep")), "/dev/null"]);
        command.env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("TERM", "xterm"),
            ("TOKENKEEP_INSECURE_LOOPBACK", "1"),
        ]);
        command.env("TOKENKEEP_HOME", home.store()).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (screen, keys) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        OnTerminal { child, screen, keys, seen: String::new() }
    }

    /// Reads until `expected` stands on the screen.
    #[track_caller]
    fn until(&mut self, expected: &str) {
        let (mut bytes, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&bytes).contains(expected) {
            assert_eq!(
                self.screen.read(&mut byte).unwrap(),
                1,
                "no {expected:?} in {:?}",
                String::from_utf8_lossy(&bytes)
            );
            bytes.push(byte[0]);
        }
        self.seen.push_str(&String::from_utf8_lossy(&bytes));
    }

    fn type_in(&mut self, line: &str) {
        // The echo goes off after the question is asked.
        std::thread::sleep(Duration::from_millis(200));
        writeln!(self.keys, "{line}").unwrap();
    }

    /// The exit code, and all that stood on the screen.
    fn end(mut self) -> (i32, String) {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        (self.child.wait().unwrap().code().unwrap(), self.seen)
    }
}

#[test]
fn a_device_code_comes_with_a_picture_and_bold_letters() {
    let (home, server) = (Home::ready(), Server::start());
    let login = ["login", "oidc", "--issuer", &server.issuer, "--client-id", "me", "--flow", "device-code"];
    let (code, screen) = OnTerminal::start(&home, &login, &[]).end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("\x1b[1mWDJB-MJHT\x1b[0m"), "{screen}");
    assert!(screen.contains("\u{2588}\u{2588}") && screen.contains("check that the code"), "{screen}");
    assert!(screen.contains("Waiting for the other device"), "{screen}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (code, screen) = OnTerminal::start(&home, &login, &[(name, value)]).end();
        assert!(
            code == 0 && !screen.contains("\x1b[1m") && screen.contains("\nWDJB-MJHT\r\n"),
            "{name}: {screen}"
        );
    }
}

#[test]
fn a_passphrase_is_typed_unseen_twice_for_a_new_store_and_once_for_an_old_one() {
    let home = Home::empty();
    let mut init = OnTerminal::start(&home, &["init", "--key", "passphrase"], &[]);
    init.until("passphrase of the store");
    init.type_in("passphrase-canary");
    init.until("again");
    init.type_in("passphrase-canary");
    let (code, screen) = init.end();
    assert!(code == 0 && screen.contains("Made the store") && !screen.contains("canary"), "{screen}");

    let mut list = OnTerminal::start(&home, &["list"], &[]);
    list.until("passphrase of the store");
    list.type_in("passphrase-canary");
    let (code, screen) = list.end();
    assert!(code == 0 && screen.contains("no connections yet") && !screen.contains("again"), "{screen}");

    let mut wrong = OnTerminal::start(&home, &["list"], &[]);
    wrong.until("passphrase of the store");
    wrong.type_in("something else");
    let (code, screen) = wrong.end();
    assert!(
        code == exit_code("store_locked") && screen.contains("error: the passphrase is wrong"),
        "{screen}"
    );

    // the variable is taken as it is, and a wrong one is no reason to ask
    let (code, screen) = OnTerminal::start(&home, &["list"], &[("TOKENKEEP_PASSPHRASE", "wrong")]).end();
    assert!(code == exit_code("store_locked") && !screen.contains("Type the"), "{screen}");
}

#[test]
fn two_passphrases_that_differ_make_no_store() {
    let home = Home::empty();
    let mut init = OnTerminal::start(&home, &["init"], &[("TOKENKEEP_KEY", "passphrase")]);
    init.until("passphrase of the store");
    init.type_in("one");
    init.until("again");
    init.type_in("two");
    let (code, screen) = init.end();
    assert!(code == exit_code("config_invalid") && !home.store().exists(), "{screen}");
}

#[test]
fn a_client_secret_is_typed_unseen_and_ctrl_c_leaves_it() {
    let home = Home::ready();
    let set = ["client", "set", "google", "--client-id", "me", "--client-secret-stdin"];
    let mut typed = OnTerminal::start(&home, &set, &[]);
    typed.until("client secret");
    typed.type_in("secret-canary");
    let (code, screen) = typed.end();
    assert!(code == 0 && screen.contains("with its secret") && !screen.contains("canary"), "{screen}");

    let mut left = OnTerminal::start(&home, &set, &[]);
    left.until("client secret");
    left.type_in("\x03");
    assert_eq!(left.end().0, 130);
}
