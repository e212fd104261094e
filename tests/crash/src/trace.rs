//! A program run call by call: watched, killed on entry to a call, or told that a call failed.
//!
//! Calls are counted over all threads. (strace counts per thread, and the store is written by threads that take turns:
//! its n-th rename is the first of whichever thread comes to it, and some are never struck.) What the program starts is
//! not followed: the browser of a login lives on.
//!
//! May not enter: what a call means for the store.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::call::{Call, Counter, Point};

/// What is done to the program.
#[derive(Debug, Clone, Copy)]
pub enum Plan<'a> {
    /// Nothing.
    Watch,
    /// It is killed on entry to the call at this point; the call does not happen.
    Kill(&'a Point),
    /// This call of that name on the store, counted from 1, fails and does not happen.
    Fail(&'a str, usize, Errno),
}

/// What came of it.
#[derive(Debug)]
pub struct Trace {
    /// The calls, in the order in which they were entered.
    pub calls: Vec<Call>,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// The point of each.
    pub points: Vec<Point>,
    /// The index in `calls` of the one that the plan struck.
    pub struck: Option<usize>,
}

/// Runs `command`, whose store is at `store`, and leaves its output in `folder`, which is its own.
#[track_caller]
pub fn trace(command: &Command, folder: &Path, store: &Path, plan: Plan<'_>) -> Trace {
    let outputs = ["stdout", "stderr"].map(|name| folder.join(name));
    let [stdout, stderr] = outputs
        .each_ref()
        .map(|path| File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    // It stops itself before it becomes the program, so that not one call is missed.
    let mut stopped = Command::new("sh");
    stopped
        .args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    stopped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    stopped.current_dir(command.get_current_dir().unwrap_or(folder));
    stopped.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    #[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
    let child = stopped.spawn().unwrap_or_else(|error| panic!("{stopped:?}: {error}"));
    let pid = Pid::from_raw(child.id().cast_signed());

    let mut tracer = Tracer {
        pid,
        store,
        plan,
        seen: 0,
        struck: None,
        calls: Vec::new(),
        points: Vec::new(),
        counter: Counter::default(),
        under_way: HashMap::new(),
    };
    let code = tracer.run().unwrap_or_else(|error| {
        // It may be waiting, stopped, for somebody who will not come.
        let _ = kill(pid, Signal::SIGKILL);
        panic!("{command:?} cannot be traced ({error}): the crash tests need ptrace of their own children")
    });
    let [stdout, stderr] = outputs
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).expect("its output was kept")).into_owned());
    let Tracer { calls, points, struck, .. } = tracer;
    Trace { calls, points, code, stdout, stderr, struck }
}

struct Tracer<'a> {
    pid: Pid,
    store: &'a Path,
    plan: Plan<'a>,
    /// How many calls of the plan's name have been entered.
    seen: usize,
    struck: Option<usize>,
    calls: Vec<Call>,
    points: Vec<Point>,
    counter: Counter,
    /// The call that each thread is in.
    under_way: HashMap<Pid, usize>,
}

impl Tracer<'_> {
    /// Follows the program to its end; its exit code.
    fn run(&mut self) -> nix::Result<i32> {
        // Threads are followed, processes are not. Whatever happens to the tracer, nothing is left behind.
        let options = Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_EXITKILL;
        waitpid(self.pid, Some(WaitPidFlag::WUNTRACED))?;
        ptrace::seize(self.pid, options)?;
        kill(self.pid, Signal::SIGCONT)?;
        let mut memory = None;
        loop {
            // Only what this thread started or traces: other tests have children too.
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))? {
                WaitStatus::Exited(pid, code) if pid == self.pid => return Ok(code),
                WaitStatus::Signaled(pid, ..) if pid == self.pid => return Ok(-1),
                WaitStatus::PtraceEvent(thread, _, libc::PTRACE_EVENT_EXEC) => {
                    memory = File::open(format!("/proc/{}/mem", self.pid)).ok();
                    go_on(thread, None);
                }
                WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
                WaitStatus::PtraceSyscall(thread) => {
                    if let Some(memory) = &memory {
                        self.at_call(thread, memory)?;
                    }
                    go_on(thread, None);
                }
                WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
                _ => {}
            }
        }
    }

    /// A thread enters a call, or returns from one.
    fn at_call(&mut self, thread: Pid, memory: &File) -> nix::Result<()> {
        let mut registers = match ptrace::getregs(thread) {
            // Killed meanwhile, by the plan or by its own exit.
            Err(Errno::ESRCH) => return Ok(()),
            registers => registers?,
        };
        if let Some(index) = self.under_way.remove(&thread) {
            if let (Plan::Fail(.., errno), true) = (self.plan, self.struck == Some(index)) {
                registers.rax = (-i64::from(errno as i32)).cast_unsigned();
                ptrace::setregs(thread, registers)?;
            }
            self.calls[index].result = Some(registers.rax.cast_signed());
            return Ok(());
        }
        // The program's own start: the call that became it returns.
        if registers.rax.cast_signed() != -i64::from(libc::ENOSYS) {
            return Ok(());
        }
        let call = Call::entered(thread, &registers, memory, self.store);
        let index = self.calls.len();
        self.under_way.insert(thread, index);
        let point = self.counter.point(&call);
        match self.plan {
            Plan::Kill(wanted) if *wanted == point => {
                self.struck = Some(index);
                kill(self.pid, Signal::SIGKILL)?;
            }
            Plan::Fail(name, nth, _) if call.name == name && call.is_below(self.store) => {
                self.seen += 1;
                if self.seen == nth {
                    self.struck = Some(index);
                    // No call has this number: the kernel does nothing.
                    registers.orig_rax = u64::MAX;
                    ptrace::setregs(thread, registers)?;
                }
            }
            _ => {}
        }
        self.calls.push(call);
        self.points.push(point);
        Ok(())
    }
}

/// Lets a thread run to its next stop. One that is gone has no need of it.
fn go_on(thread: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(thread, signal);
}
