//! A server, the wire to it, a home, and the command line in it at its most talkative. Every trace that a
//! command leaves is kept; in the end all of them are searched.

use std::collections::BTreeSet;
use std::path::PathBuf;

use authorization_server::{AuthorizationServer, LiveOptions, Running as Server, ServerOptions};
use tempfile::TempDir;
use tokenkeep_test_support::{Home, Run, Running, files_below, program, write_program};

use crate::canaries::holds;
use crate::{Canaries, Tap, Watch};

/// What a command may print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// No secret.
    Clean,
    /// An access token, because that was asked for. Nothing else.
    AccessToken,
}

/// One run, from the first login to the last search.
pub struct Scene {
    /// The server.
    pub server: Server,
    /// The wire to its token, device authorization and revocation endpoints.
    pub tap: Tap,
    /// Where the command line runs.
    pub home: Home,
    /// What was on the wire.
    pub canaries: Canaries,
    // Outside the home: what is written here is what the test saw, not what Tokenkeep left.
    notes: TempDir,
    evidence: Vec<(String, Vec<u8>)>,
    stdin: String,
}

impl Scene {
    /// A scene with a provider `leak`, which asks for `scopes`.
    pub fn new(scopes: &str) -> Self {
        let mut options = ServerOptions::plain();
        options.live = LiveOptions { device_interval: 1, device_approve_after: Some(1), ..options.live };
        let server = AuthorizationServer::start(options).expect("the server starts");
        let canaries = Canaries::default();
        let tap = Tap::start(server.port(), &canaries);
        let home = Home::new().with("TOKENKEEP_LOG", "trace").with("RUST_BACKTRACE", "full");
        let temporary = home.path().join("tmp");
        std::fs::create_dir(&temporary).expect("the home can be written to");
        let home = home.with("TMPDIR", temporary.to_str().expect("a plain path"));
        let (issuer, relay) = (server.issuer(), tap.origin());
        home.add_provider(&format!(
            r#"
schema = 1
name = "leak"
display_name = "Leak"
access_token_variable = "LEAK_TOKEN"
[endpoints]
issuer = "{issuer}"
authorization = "{issuer}/authorize"
authorization_response_iss = true
token = "{relay}/token"
device_authorization = "{relay}/device_authorization"
revocation = "{relay}/revoke"
[client]
authentication = "client_secret_basic"
[scopes]
default = [{scopes}]
"#
        ));
        let notes = tempfile::tempdir().expect("a temporary folder can be made");
        Scene { server, tap, home, canaries, notes, evidence: Vec::new(), stdin: String::new() }
    }

    /// The same scene with one more environment variable.
    pub fn with(self, name: &str, value: &str) -> Self {
        Scene { home: self.home.with(name, value), ..self }
    }

    /// Gives the next command `text` on its stdin.
    pub fn say(&mut self, text: &str) -> &mut Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Runs a command to its end, and keeps what it left.
    #[track_caller]
    pub fn run(&mut self, stdout: Stdout, arguments: &[&str]) -> Run {
        let mut running = self.start(arguments);
        let stdin = std::mem::take(&mut self.stdin);
        if !stdin.is_empty() {
            running.0.write_stdin(&stdin);
        }
        self.finish(stdout, arguments, running)
    }

    /// Starts a command, watched.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> (Running, Watch) {
        let running = self.home.start(arguments);
        let watch = Watch::begin(running.pid());
        (running, watch)
    }

    /// Waits for its end, and keeps what it left.
    #[track_caller]
    pub fn finish(&mut self, stdout: Stdout, arguments: &[&str], (running, watch): (Running, Watch)) -> Run {
        let run = running.finish();
        let what = arguments.join(" ");
        for seen in watch.finish() {
            self.keep(&format!("arguments or environment during `{what}`"), &seen);
        }
        self.keep(&format!("stderr of `{what}`"), run.stderr.as_bytes());
        match stdout {
            Stdout::Clean => self.keep(&format!("stdout of `{what}`"), run.stdout.as_bytes()),
            Stdout::AccessToken => {
                let printed = self.canaries.found_in(run.stdout.as_bytes());
                assert!(printed.iter().all(|kind| kind == "access_token"), "`{what}` printed {printed:?}");
            }
        }
        run
    }

    /// Keeps one more trace.
    pub fn keep(&mut self, place: &str, text: &[u8]) {
        self.evidence.push((place.to_owned(), text.to_vec()));
    }

    /// A browser with a person who says yes, as the value of `--browser`. It notes what it was started with.
    pub fn browser(&self) -> String {
        let (browser, notes) = (self.notes.path().join("browser"), self.notes.path());
        let script = format!(
            "#!/bin/sh\ncat /proc/$$/cmdline >'{0}/argv'\ncat /proc/$$/environ >'{0}/environ'\nexec '{1}' \"$@\"\n",
            notes.display(),
            program("stand-in-person").display(),
        );
        write_program(&browser, &script);
        browser.to_str().expect("a plain path").to_owned()
    }

    /// What the last browser was started with: its arguments, and its environment.
    #[track_caller]
    pub fn browser_was_started_with(&self) -> (String, String) {
        let read = |name: &str| {
            let text = std::fs::read(self.notes.path().join(name)).expect("a browser was started");
            String::from_utf8_lossy(&text).into_owned()
        };
        (read("argv"), read("environ"))
    }

    /// Logs in with a browser.
    #[track_caller]
    pub fn log_in(&mut self, arguments: &[&str]) -> Run {
        let browser = self.browser();
        let all = [&["login", "leak", "--browser", &browser], arguments].concat();
        let run = self.run(Stdout::Clean, &all);
        let (argv, environ) = self.browser_was_started_with();
        self.keep("the arguments of the browser", argv.as_bytes());
        self.keep("the environment of the browser", environ.as_bytes());
        run
    }

    /// The sealed file of the only connection.
    #[track_caller]
    pub fn record(&self) -> PathBuf {
        let sealed = |path: &PathBuf| path.parent().is_some_and(|folder| folder.ends_with("records"));
        let records: Vec<_> =
            files_below(&self.home.store()).into_iter().map(|(path, _)| path).filter(sealed).collect();
        assert_eq!(records.len(), 1, "{records:?}");
        records[0].clone()
    }

    /// Searches everything. `expected` are the kinds of secrets that must have been on the wire.
    #[track_caller]
    pub fn assert_nothing_leaked(mut self, expected: &[&str]) {
        let kinds = self.canaries.kinds();
        let missing: BTreeSet<&str> =
            expected.iter().copied().filter(|kind| !kinds.contains(*kind)).collect();
        assert!(missing.is_empty(), "the scene did not bring about: {missing:?}");
        assert_eq!(self.tap.waiting(), 0, "an answer was not asked for");

        let files = files_below(self.home.path());
        assert!(files.iter().any(|(path, _)| path.ends_with("vault.json")), "there is a store");
        let mut key = Vec::new();
        for (path, content) in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            assert!(!name.starts_with("core"), "a core dump: {}", path.display());
            if name == "vault.key" {
                key.clone_from(&content);
            }
            self.evidence.push((path.display().to_string(), content));
        }
        let key = String::from_utf8(key).expect("the key file is text");
        let key = key.trim();

        let mut leaks = Vec::new();
        for (place, text) in &self.evidence {
            let found = self.canaries.found_in(text);
            if !found.is_empty() {
                leaks.push(format!("{found:?} in {place}"));
            }
            if !key.is_empty() && !place.ends_with("vault.key") && holds(text, key.as_bytes()) {
                leaks.push(format!("the vault's key in {place}"));
            }
        }
        leaks.sort();
        leaks.dedup();
        assert!(
            leaks.is_empty(),
            "{} secrets were looked for and found:\n{}",
            self.canaries.count(),
            leaks.join("\n")
        );
    }
}
