//! C3 with a real disk that is full: the answer to a refresh arrives and cannot be written down.
//!
//! The disk is a small tmpfs that is mounted where only this test's programs see it, so nothing has to be taken away
//! again, whatever becomes of the test.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use authorization_server::fingerprint;
use serde_json::json;
use tokenkeep_behaviour::fails;
use tokenkeep_crash::{Bench, Kind, Next, next_caller, restore, snapshot, store_is_sound};
use tokenkeep_test_support::{Run, Running, report};

/// A store on a disk of 64 kB.
struct SmallDisk {
    bench: Bench,
    /// The process that the disk lives as long as.
    holder: Running,
}

impl SmallDisk {
    fn new() -> SmallDisk {
        let bench = Bench::new(Kind::Strict);
        let store = bench.store();
        let script = "cp -a \"$1\" \"$1.ordinary\" && mount -t tmpfs -o size=64k,mode=0700 none \"$1\" \
                      && cp -a \"$1.ordinary/.\" \"$1\" && echo mounted >&2 && exec cat";
        let mut command = Command::new("unshare");
        command.args(user()).args(["--mount", "sh", "-c", script, "sh"]).arg(&store);
        let mut holder = Running::start(&mut command);
        holder.stderr_line(|line| line == "mounted");
        SmallDisk { bench, holder }
    }

    /// The same command, where the disk is.
    fn there(&self, command: &Command) -> Command {
        let mut there = Command::new("nsenter");
        there.arg("--target").arg(self.holder.pid().to_string()).arg("--mount");
        if !user().is_empty() {
            there.args(["--user", "--preserve-credentials"]);
        }
        there.arg("--").arg(command.get_program()).args(command.get_args());
        there.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        there
    }

    fn run(&self, arguments: &[&str]) -> Run {
        tokenkeep_test_support::run(&mut self.there(&self.bench.stage.home.command(arguments)), "")
    }

    fn filler(&self) -> PathBuf {
        // The store as the holder sees it.
        let store = self.bench.store();
        let below_root = store.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.holder.pid())).join(below_root).join("filler")
    }

    /// Not one more byte.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).expect("a file can be made");
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).expect("the filler is there");
    }

    /// The next refresh finds the disk full when its answer comes.
    fn slow_refresh(&self) {
        self.bench.stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 1000, "when": "after"}));
    }

    /// The request has left, so the marker is written; the answer has not come.
    fn fill_before_the_answer(&self) {
        self.bench.stage.until_a_fault_struck();
        self.fill();
    }

    fn reused(&self) -> usize {
        self.bench.stage.server.journal().reuse_count()
    }
}

/// Who is not root becomes it in a space of their own.
fn user() -> &'static [&'static str] {
    let id = Command::new("id").arg("-u").output().expect("id is there");
    if id.stdout == b"0\n" { &[] } else { &["--user", "--map-root-user"] }
}

/// A program that lives on gives the token out, and writes as soon as there is room: with its next call, or when it
/// closes.
#[test]
fn a_program_that_lives_on_writes_later() {
    let started = Instant::now();
    for later in ["token", "close"] {
        let disk = SmallDisk::new();
        let program = disk.bench.program("refreshing-program", &[disk.bench.stage.provider, "commands"]);
        let mut program = Running::start(&mut disk.there(&program));
        let before = disk.run(&["token", disk.bench.stage.provider]).ok().stdout;

        disk.slow_refresh();
        program.write_stdin("token\n");
        disk.fill_before_the_answer();
        let line = program.stderr_line(|line| line.starts_with("token ") || line.starts_with("error "));
        let refreshes = disk.bench.stage.refreshes();
        let given = &refreshes[0].outcome.issued;
        assert_eq!(line, format!("token {}", given["access_token"]), "the token is handed out");
        let stored = disk.run(&["token", disk.bench.stage.provider]).ok().stdout;
        assert_eq!(stored, before, "nothing could be written");

        disk.make_room();
        program.write_stdin(&format!("{later}\n"));
        program.stderr_line(|line| line.starts_with("token ") || line == "closed");
        let token = disk.run(&["token", disk.bench.stage.provider]).ok().stdout;
        assert_eq!(fingerprint(token.trim_end()), given["access_token"], "{later}: written now");
        // Another process goes on with the refresh token that was kept in memory.
        disk.run(&["token", disk.bench.stage.provider, "--force-refresh"]).ok();
        let sent: Vec<_> = disk
            .bench
            .stage
            .refreshes()
            .into_iter()
            .map(|one| one.parameters["refresh_token"].clone())
            .collect();
        assert_eq!(sent[1], given["refresh_token"], "{later}");
        assert_eq!((disk.reused(), sent.len()), (0, 2), "{later}");
    }
    let seconds = started.elapsed().as_secs();
    report(
        "C3",
        format!(
            "disk full when the answer came, program lives on: token handed out 2 of 2, written later 2 of 2, reuses 0 ({seconds} s)"
        ),
    );
}

/// A command that ends has nowhere to keep it: the token is printed, the loss is said, and the next one asks for a login.
#[test]
fn a_command_hands_out_its_token_and_says_what_is_lost() {
    let disk = SmallDisk::new();
    disk.slow_refresh();
    let arguments = ["token", disk.bench.stage.provider, "--force-refresh"];
    let command = Running::start(&mut disk.there(&disk.bench.stage.home.command(arguments)));
    disk.fill_before_the_answer();
    let run = command.finish().ok();
    assert_eq!(disk.bench.stage.resource(run.stdout.trim_end()), 200);
    for told in ["could not be written", "ends with this process"] {
        assert!(run.stderr.contains(told), "{told}: {run:#?}");
    }
    // While the disk is full nothing leaves that could not be written down.
    let arguments = ["token", disk.bench.stage.provider, "--force-refresh", "--json"];
    assert!(fails(&disk.run(&arguments), "store_unavailable").help().contains("disk is full"));
    assert_eq!(disk.reused(), 0);

    disk.make_room();
    let ended = disk.run(&arguments);
    assert_eq!(fails(&ended, "login_required").text("reason"), "response_lost");
    // The store is whole, on that disk as on any other.
    let kept = snapshot(disk.filler().parent().expect("the filler lies in the store"));
    let seen = disk.filler().parent().expect("the filler lies in the store").to_owned();
    let moved = kept.into_iter().map(|(path, content)| {
        let below = path.strip_prefix(&seen).expect("all of it lies in the store").to_owned();
        (disk.bench.store().join(below), content)
    });
    restore(&disk.bench.store(), &moved.collect());
    store_is_sound(&disk.bench);
    disk.bench.stage.login(&[]).ok();
    assert_eq!(next_caller(&disk.bench), Next::Token);
    report(
        "C3",
        "disk full when the answer came, command ends: token printed, loss said, then login_required",
    );
}
