//! A command that is run to its end, or watched while it runs. None outlives its test.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than anything that a test waits for; a command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that has ended.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Run {
    /// This run, which must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The code of the error on stderr of a run with `--json`.
    #[track_caller]
    pub fn error_code(&self) -> String {
        let line = self.stderr.lines().last().unwrap_or_default();
        let error: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        error["error"]["code"].as_str().unwrap_or_else(|| panic!("{self:#?}")).to_owned()
    }
}

/// A command that runs, with its output line by line. Killed when dropped.
pub struct Running {
    child: Child,
    started: Instant,
    stderr_lines: mpsc::Receiver<String>,
    stderr_seen: String,
    stdout_lines: mpsc::Receiver<String>,
    stdout_seen: String,
}

impl Running {
    /// Starts `command` with stdin, stdout and stderr in the test's hands.
    pub fn start(command: &mut Command) -> Self {
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let (line_in, stderr_lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line_in.send(line).is_err() {
                    return;
                }
            }
        });
        let (line_in, stdout_lines) = mpsc::channel();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        std::thread::spawn(move || {
            // Each with its end, if it has one.
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
                if line_in.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        let (stderr_seen, stdout_seen) = Default::default();
        Running { child, started: Instant::now(), stderr_lines, stderr_seen, stdout_lines, stdout_seen }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stderr that `wanted` takes.
    #[track_caller]
    pub fn stderr_line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.stderr_lines.recv_timeout(left) {
                Ok(line) => {
                    self.stderr_seen.push_str(&line);
                    self.stderr_seen.push('\n');
                    if wanted(&line) {
                        return line;
                    }
                }
                Err(_) => panic!("that line did not come; stderr was:\n{}", self.stderr_seen),
            }
        }
    }

    /// The next line on stdout, which must come within `patience`.
    #[track_caller]
    pub fn stdout_line(&mut self, patience: Duration) -> String {
        let Ok(line) = self.stdout_lines.recv_timeout(patience) else {
            panic!("no line came; stdout was:\n{}", self.stdout_seen);
        };
        self.stdout_seen.push_str(&line);
        line.trim_end().to_owned()
    }

    /// Writes to the command's stdin.
    pub fn write_stdin(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        stdin.write_all(text.as_bytes()).expect("the command reads its stdin");
        stdin.flush().expect("the command reads its stdin");
    }

    /// Sends a signal by name: `INT`, `TERM`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// True once it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        drop(self.child.stdin.take());
        let until = Instant::now() + PATIENCE;
        let mut stdout = std::mem::take(&mut self.stdout_seen);
        // The end of its output is its own, or the moment before.
        loop {
            match self.stdout_lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => stdout.push_str(&line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("it does not end; stderr was:\n{}", self.stderr_seen)
                }
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        let took = self.started.elapsed();
        let mut stderr = std::mem::take(&mut self.stderr_seen);
        for line in self.stderr_lines.iter() {
            stderr.push_str(&line);
            stderr.push('\n');
        }
        Run { code: status.code().unwrap_or(-1), stdout, stderr, took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `command` to its end, with `stdin` as its input.
#[track_caller]
pub fn run(command: &mut Command, stdin: &str) -> Run {
    let mut running = Running::start(command);
    if !stdin.is_empty() {
        running.write_stdin(stdin);
    }
    running.finish()
}

/// Starts a process.
#[track_caller]
pub fn spawn(command: &mut Command) -> Child {
    /// ERROR_INTERNAL_ERROR: what Wine says when it is too busy to start one. Windows itself does not.
    const BUSY: Option<i32> = if cfg!(windows) { Some(1359) } else { None };
    let mut tries = 0..10;
    loop {
        match command.spawn() {
            Ok(child) => return child,
            Err(error) if BUSY.is_some() && error.raw_os_error() == BUSY && tries.next().is_some() => {
                std::thread::sleep(Duration::from_millis(200));
            }
            Err(error) => panic!("{command:?}: {error}"),
        }
    }
}

/// Sends a signal to a process that the test started.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(sent.expect("kill is there").success(), "process {pid} took no {name}");
}

/// All files below `folder`, with their content.
pub fn files_below(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let content = std::fs::read(&path).unwrap_or_default();
                found.push((path, content));
            }
        }
    }
    found
}
