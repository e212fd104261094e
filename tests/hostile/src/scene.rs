//! A provider whose token endpoint is one of raw bytes, and the proof of one hostile answer.

use std::cell::{Cell, OnceCell};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tokenkeep_behaviour::{Failure, Stage, fails};
use tokenkeep_test_support::{Home, Run, Running, scaled};

use crate::endpoint::Endpoint;
use crate::script::Act;

/// How long any answer may keep anybody waiting: half a minute, and what a busy machine takes to start programs.
pub const AT_MOST: Duration = Duration::from_secs(32);

/// What an answer holds that nobody may see, and what every token and code of the scripted server begins with.
const UNSPEAKABLE: [&str; 4] = ["canary", "access-", "refresh-", "code-"];

/// Enough for the program and its threads (their stacks are counted before they are used), and little more.
const LITTLE_MEMORY: u32 = 128 << 10;

/// Two connections that are refreshed, one whose token will do.
const REFRESHED: [&str; 2] = ["refreshed", "plain"];
const VALID: &str = "valid";

/// `acme`, with the token endpoint in the hands of the test.
pub struct Scene {
    /// The server behind the endpoint, and the command line.
    pub stage: Stage,
    /// The token endpoint.
    pub endpoint: Endpoint,
    /// KiB of address space that a refresh gets; an answer that is gathered up in memory fails it.
    memory: Option<u32>,
    // The logins that trials share.
    prepared: OnceCell<()>,
    trials: Cell<u32>,
}

/// What came of one hostile answer.
#[derive(Debug)]
pub struct Trial {
    /// The error, as `--json` shows it.
    pub failure: Failure,
    /// How long the slowest of the three took.
    pub took: Duration,
}

impl Scene {
    /// Over plain http.
    #[track_caller]
    pub fn new() -> Self {
        Scene::of("http://127.0.0.1", |home| home)
    }

    /// With this scheme and host in the token endpoint's address.
    #[track_caller]
    pub fn of(origin: &str, home: impl FnOnce(Home) -> Home) -> Self {
        let mut stage = Stage::acme();
        let endpoint = Endpoint::start(stage.server.port());
        let real = format!("token = \"{}/token\"", stage.server.origin());
        let own = format!("token = \"{origin}:{}/token\"", endpoint.port());
        let definition = stage.acme_definition();
        assert!(definition.contains(&real), "{definition}");
        stage.home.add_provider(&definition.replace(&real, &own));
        stage.home = home(std::mem::take(&mut stage.home));
        Scene { stage, endpoint, memory: None, prepared: OnceCell::new(), trials: Cell::new(0) }
    }

    /// The same with so little memory that an answer of more than a few MiB cannot be held.
    pub fn with_little_memory(self) -> Self {
        Scene { memory: Some(LITTLE_MEMORY), ..self }
    }

    /// The same with a first trial that is not one in full.
    pub fn in_brief(self) -> Self {
        self.trials.set(1);
        self
    }

    /// Logs in; the token.
    #[track_caller]
    pub fn login(&self, connection: &str) -> String {
        self.stage.login(&["--connection", connection]).ok();
        self.stage.access_token(&["--connection", connection])
    }

    /// `tokenkeep token` for this connection, started.
    pub fn start(&self, connection: &str, more: &[&str]) -> Running {
        Running::start(&mut self.command(["token", "acme", "--connection", connection].iter().chain(more)))
    }

    /// The same for somebody to whom the token at hand is of no use, as one that has expired is to everybody.
    pub fn refresh(&self, connection: &str, more: &[&str]) -> Running {
        self.start(connection, &[more, &["--force-refresh"]].concat())
    }

    fn command<'a>(&self, arguments: impl Iterator<Item = &'a &'a str>) -> Command {
        let command = self.stage.home.command(arguments);
        let Some(memory) = self.memory else { return command };
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &memory.to_string()]);
        limited.arg(command.get_program()).args(command.get_args()).env_clear();
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.current_dir(self.stage.home.path());
        limited
    }

    /// Meets a refresh with this script, on every connection, and holds what comes of it to everything that is
    /// promised: the error `code` in time, in one line without a secret, as JSON and as text; a token that works
    /// is served meanwhile; and the login is not lost: the next refresh is a good one. In a short run only each
    /// third trial is also met by somebody who reads text, and by somebody whose token works.
    #[track_caller]
    pub fn try_answer(&self, name: &str, code: &str, script: Vec<Act>) -> Trial {
        self.prepare();
        let number = self.trials.replace(self.trials.get() + 1);
        let in_full = scaled(number.is_multiple_of(3), true);
        // A failure is not tried again at once for whoever has a working token: each has a login of its own.
        let token = in_full.then(|| self.login(VALID));
        self.endpoint.behave();
        self.endpoint.always(script);
        let json = self.refresh(REFRESHED[0], &["--json"]);
        let others = token.map(|token| {
            (token, self.refresh(REFRESHED[1], &[]), self.start(VALID, &["--min-lifetime", "7200"]))
        });
        let json = json.finish();
        let mut took = json.took;
        if let Some((token, plain, served)) = others {
            let (plain, served) = (plain.finish(), served.finish().ok());
            assert_eq!(served.stdout.trim_end(), token, "{name}: the token at hand works");
            assert!(!served.stderr.contains("canary"), "{name}: {served:#?}");
            failed_plainly(&plain, code);
            took = took.max(plain.took).max(served.took);
        }
        self.endpoint.behave();

        assert!(took <= AT_MOST, "{name}: {took:?}, {json:#?}");
        let failure = fails(&json, code);
        for connection in if in_full { &REFRESHED[..] } else { &REFRESHED[..1] } {
            let later = self.stage.token(&["--connection", connection, "--force-refresh"]);
            assert_eq!(later.code, 0, "{name}: the login is not lost: {later:#?}\nafter {failure:?}");
        }
        Trial { failure, took }
    }

    fn prepare(&self) {
        self.prepared
            .get_or_init(|| REFRESHED.into_iter().for_each(|connection| drop(self.login(connection))));
    }

    /// Meets a refresh with this script, which holds a token in spite of everything: it is handed out.
    #[track_caller]
    pub fn accepts(&self, name: &str, token: &str, script: Vec<Act>) {
        self.prepare();
        self.endpoint.behave();
        self.endpoint.next(script);
        let run = self.refresh(REFRESHED[0], &[]).finish();
        assert_eq!((run.code, run.stdout.trim_end()), (0, token), "{name}: {run:#?}");
    }
}

impl Default for Scene {
    fn default() -> Self {
        Scene::new()
    }
}

/// `run` was not asked for JSON and failed with `code`: one line says what happened, the rest what to do.
#[track_caller]
pub fn failed_plainly(run: &Run, code: &str) {
    let table = std::fs::read_to_string(tokenkeep_test_support::root().join("tests/vectors/errors.json"));
    let table: Value = serde_json::from_str(&table.expect("the table is there")).expect("the table is JSON");
    let row =
        table["errors"].as_array().and_then(|rows| rows.iter().find(|row| row["code"] == code).cloned());
    assert_eq!(Some(i64::from(run.code)), row.expect("a known code")["exit_code"].as_i64(), "{run:#?}");
    assert_eq!(run.stdout, "", "{run:#?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines.first().is_some_and(|line| line.starts_with("error: ") && line.len() > 10), "{run:#?}");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("hint: ") || line.starts_with("      ")),
        "{run:#?}"
    );
    for word in UNSPEAKABLE {
        assert!(!run.stderr.replace("device-code", "").contains(word), "{word}: {run:#?}");
    }
}
