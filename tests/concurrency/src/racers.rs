//! The processes of a race, of several kinds, and how they are told to go.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use tokenkeep_test_support::{Home, has_swift, program, root, spawn, tool};

use crate::{Call, Calls};

/// A kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A program that uses the library in Rust and lives on.
    Library,
    /// The same in Python: threads and tasks.
    Python,
    /// The same in Node: promises.
    Node,
    /// The same in Swift: tasks.
    Swift,
    /// The command line: each thread is a process of its own, started for each call.
    CommandLine,
}

impl Kind {
    /// A worker of this kind, without its arguments.
    fn worker(self) -> Command {
        let workers = root().join("tests/concurrency/workers");
        let with_script = |interpreter: &str, script: &str| {
            let mut command = Command::new(tool(interpreter));
            command.arg(workers.join(script));
            command
        };
        match self {
            Kind::Library => Command::new(program("token-worker")),
            Kind::Python => with_script("TOKENKEEP_TEST_PYTHON", "token_worker.py"),
            Kind::Node => with_script("TOKENKEEP_TEST_NODE", "token-worker.mjs"),
            Kind::Swift => {
                let mut command = Command::new(root().join("scripts/swift.sh"));
                command.arg(root().join("target/swift/workers/release/token-worker"));
                command
            }
            Kind::CommandLine => panic!("a command line does not live on"),
        }
    }
}

impl Kind {
    /// Swift; on a machine that has none, and for which `make setup` has said so, the library takes its place.
    pub fn swift_if_there() -> Self {
        if has_swift() { Kind::Swift } else { Kind::Library }
    }
}

/// The processes of a race, over one store.
pub struct Racers<'a> {
    home: &'a Home,
    provider: String,
    threads: usize,
    workers: Vec<Worker>,
    command_lines: usize,
}

impl<'a> Racers<'a> {
    /// Starts as many processes of each kind, with `threads` callers each, and waits until they are ready.
    #[track_caller]
    pub fn start(home: &'a Home, provider: &str, kinds: &[(Kind, usize)], threads: usize) -> Self {
        let (mut workers, mut command_lines) = (Vec::new(), 0);
        for (kind, count) in kinds {
            match kind {
                Kind::CommandLine => command_lines += count,
                // All are started before the first one is waited for: an interpreter takes its time.
                kind => {
                    workers.extend((0..*count).map(|_| Worker::spawn(*kind, home, provider, threads, None)))
                }
            }
        }
        for worker in &mut workers {
            worker.until_ready();
        }
        Racers { home, provider: provider.to_owned(), threads, workers, command_lines }
    }

    /// All callers ask at once; what they got.
    #[track_caller]
    pub fn go(&mut self) -> Calls {
        for worker in &mut self.workers {
            worker.tell("token");
        }
        let (home, provider) = (self.home, self.provider.as_str());
        let mut calls = std::thread::scope(|scope| {
            let count = self.command_lines * self.threads;
            let callers: Vec<_> = (0..count).map(|_| scope.spawn(|| ask(home, provider))).collect();
            callers.into_iter().map(|caller| caller.join().expect("a call that ends")).collect::<Vec<_>>()
        });
        for worker in &mut self.workers {
            calls.extend(worker.answer().0);
        }
        Calls(calls)
    }
}

impl Racers<'_> {
    /// Each process that lives on does what `line` says for its number, all at once; what they got, in that order.
    #[track_caller]
    pub fn each(&mut self, line: impl Fn(usize) -> String) -> Vec<Calls> {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            worker.tell(&line(number));
        }
        self.workers.iter_mut().map(Worker::answer).collect()
    }
}

/// One call of the command line. What it costs to start the process is part of the wait.
fn ask(home: &Home, provider: &str) -> Call {
    let begun = Instant::now();
    let mut command = home.command(["token", provider, "--json"]);
    let asked = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = asked.wait_with_output().expect("the command line can be listened to");
    let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    let said: serde_json::Value =
        serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    Call {
        token: said["access_token"].as_str().map(str::to_owned),
        expires_at: None,
        error: said["error"]["code"].as_str().map(str::to_owned),
        milliseconds,
    }
}

/// A worker that lives on. Killed when it is dropped.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts one in Rust and waits until it is ready. `lock_wait` is in milliseconds.
    #[track_caller]
    pub fn start(home: &Home, provider: &str, threads: usize, lock_wait: Option<u64>) -> Self {
        let mut worker = Worker::spawn(Kind::Library, home, provider, threads, lock_wait);
        worker.until_ready();
        worker
    }

    #[track_caller]
    fn spawn(kind: Kind, home: &Home, provider: &str, threads: usize, lock_wait: Option<u64>) -> Self {
        // The environment of the command line, with another program in it.
        let command_line = home.command(["token"]);
        let mut command = kind.worker();
        command.arg(provider).arg(threads.to_string()).env_clear().current_dir(home.path());
        command.args(lock_wait.map(|wait| wait.to_string()));
        command.envs(command_line.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Worker { child, stdin, stdout }
    }

    #[track_caller]
    fn until_ready(&mut self) {
        assert_eq!(self.line(), "ready\n");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, wherever it is.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of our own can be killed");
    }

    /// Tells it what to do, and does not wait.
    #[track_caller]
    pub fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("the worker listens");
    }

    /// What its threads got.
    #[track_caller]
    pub fn answer(&mut self) -> Calls {
        let line = self.line();
        Calls(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
    }

    /// Tells it what to do and waits.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> Calls {
        self.tell(line);
        self.answer()
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the worker can be listened to");
        line
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Gone already when the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
