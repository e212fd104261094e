//! T1, T2, T3: a clock that is wrong, one that is set back, and a machine that slept.
//!
//! The wall clock is faked for one process by `faketime`, the time since boot by a time namespace of the kernel.
//! Neither reaches the server, whose clock is right; nobody waits.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokenkeep_behaviour::{Stage, fails, person, until};
use tokenkeep_storage::around;
use tokenkeep_test_support::{Run, program, report, run, scaled};

/// A clock that is off: the wall clock by this (as faketime has it), the one since boot by so many seconds.
#[derive(Clone, Copy)]
struct Clock {
    wall: &'static str,
    boot: u32,
}

const TRUE: Clock = Clock { wall: "+0", boot: 0 };

/// `tokenkeep` with `arguments` under that clock.
#[track_caller]
fn under(stage: &Stage, clock: Clock, arguments: &[&str]) -> Run {
    let mut command = stage.home.command(arguments);
    if clock.wall != "+0" {
        // The monotonic clock of a real machine goes on as if nothing had happened.
        command = around(&["faketime", "--exclude-monotonic", "-f", clock.wall], &command);
    }
    if clock.boot > 0 {
        command = around(&["unshare", "--time", "--boottime", &clock.boot.to_string(), "--"], &command);
    }
    run(&mut command, "")
}

#[track_caller]
fn token(stage: &Stage, clock: Clock) -> String {
    under(stage, clock, &["token", stage.provider]).ok().stdout
}

/// A running program whose wall clock follows a file.
struct Agent {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    fn start(stage: &Stage, offset: &Path) -> Self {
        // The command knows where its library is; it would also fix the offset.
        let asked =
            Command::new("faketime").args(["-f", "+0", "sh", "-c", "printf %s \"$LD_PRELOAD\""]).output();
        let library = String::from_utf8(asked.expect("faketime is there").stdout).unwrap();
        let stages = stage.home.command([""; 0]);
        let mut command = Command::new(program("token-worker"));
        command.args([stage.provider, "1"]).env_clear();
        command.envs(stages.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", offset);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(answers.next().unwrap().unwrap(), "ready");
        Agent { child, answers }
    }

    fn token(&mut self) -> String {
        self.child.stdin.as_mut().unwrap().write_all(b"token\n").unwrap();
        let calls: Value = serde_json::from_str(&self.answers.next().unwrap().unwrap()).unwrap();
        calls[0]["token"].as_str().unwrap_or_else(|| panic!("{calls}")).to_owned()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It ends when its stdin closes. Killed, it would leave faketime's shared memory behind.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The fakes are what they are taken for: a test of a clock that nobody moved proves nothing.
#[test]
fn the_clocks_of_these_tests_are_faked() {
    let print = |clock: Clock| {
        let program = "import time; print(int(time.time()), int(time.clock_gettime(time.CLOCK_BOOTTIME)))\n\
                       print(open('/proc/sys/kernel/random/boot_id').read())";
        let mut command = Command::new("python3");
        command.args(["-c", program]).env("PATH", std::env::var_os("PATH").unwrap());
        let command = around(&["unshare", "--time", "--boottime", &clock.boot.to_string(), "--"], &command);
        let out = run(&mut around(&["faketime", "-f", clock.wall], &command), "").ok().stdout;
        out.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let (sound, faked) = (print(TRUE), print(Clock { wall: "-3600", boot: 7200 }));
    let number = |text: &str| text.parse::<i64>().unwrap();
    let apart = |at: usize| number(&faked[at]) - number(&sound[at]);
    assert!((-3600..-3500).contains(&apart(0)), "{sound:?} {faked:?}");
    assert_eq!(sound[2], faked[2], "a namespace of time is no other boot");
}

#[test]
fn a_clock_that_is_years_off_makes_no_storm_and_loses_no_login() {
    let mut figures = Vec::new();
    for wall in ["+1d", "-1d", "+10y", "-10y"] {
        let stage = Stage::acme();
        stage.login(&[]).ok();
        let jumped = Clock { wall, boot: 0 };
        let calls = scaled(20, 100);
        for call in 0..calls {
            let token = token(&stage, if call % 2 == 0 { jumped } else { TRUE });
            assert_eq!(stage.resource(token.trim_end()), 200, "{wall}: what was handed out works");
        }
        let refreshes = stage.refreshes().len();
        assert!(refreshes <= 2, "{wall}: {refreshes} refreshes");
        assert_eq!(stage.server.journal().reuse_count(), 0);
        // The login itself may be made by a clock that is off, and mended later.
        let login = ["login", "acme", "--browser", &person::browser()];
        under(&stage, jumped, &login).ok();
        for call in 0..calls {
            token(&stage, if call % 2 == 0 { TRUE } else { jumped });
        }
        let later = stage.refreshes().len() - refreshes;
        assert!(later <= 2, "{wall}: {later} refreshes");
        stage.access_token(&["--force-refresh"]);
        figures.push(format!("{wall} {refreshes} and {later}"));
    }
    report(
        "T1",
        format!("refreshes of {} calls each: {}; no login lost", scaled(20, 100), figures.join(", ")),
    );
}

#[test]
fn a_clock_set_back_gives_no_token_an_extra_hour() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let first = token(&stage, TRUE);
    // Half an hour later, with the clock set back by an hour: still good.
    assert_eq!(token(&stage, Clock { wall: "-3600", boot: 1800 }), first);
    // An hour and a minute later the wall clock says that it is not even issued. It has ended.
    let second = token(&stage, Clock { wall: "-3600", boot: 3660 });
    assert_ne!(second, first);
    assert_eq!(stage.refreshes().len(), 1);
    // Set right again it has an hour too many, and is believed: early is better than late. Once.
    let third = token(&stage, Clock { wall: "+0", boot: 3660 });
    for clock in [Clock { wall: "+0", boot: 3660 }, Clock { wall: "-3600", boot: 3660 }] {
        assert_eq!(token(&stage, clock), third);
    }
    assert_eq!(stage.refreshes().len(), 2);
    report(
        "T2",
        "clock set back by 1 h: a 1 h token is good after 30 min, refreshed after 61 min, and once more when it is set right",
    );
}

/// The same in a program that goes on running, as an agent does: `token-worker` answers each line with a token.
#[test]
fn a_clock_set_back_under_a_running_program_gives_no_extra_hour_either() {
    let stage = Stage::acme();
    stage.change(|live| live.access_token_lifetime = 4);
    let begun = Instant::now();
    stage.login(&[]).ok();
    let offset = stage.home.path().join("offset");
    fs::write(&offset, "+0").unwrap();
    let mut agent = Agent::start(&stage, &offset);
    let first = agent.token();
    fs::write(&offset, "-3600").unwrap();
    // Each look is a call of its own; the token is good for four seconds by the clock that nobody sets.
    until(|| agent.token() != first);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(stage.refreshes().len(), 1);
    report(
        "T2",
        format!("set back under a running program: a 4 s token was refreshed {took:.1?} after the login"),
    );
}

#[test]
fn a_machine_that_slept_two_hours_knows_that_the_token_ended() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let first = token(&stage, TRUE);
    assert_eq!(token(&stage, Clock { wall: "+0", boot: 1800 }), first, "a short sleep costs nothing");
    let woken = Clock { wall: "+0", boot: 7200 };
    let second = token(&stage, woken);
    assert_ne!(second, first);
    for _ in 0..10 {
        assert_eq!(token(&stage, woken), second);
    }
    assert_eq!(stage.refreshes().len(), 1);
    report(
        "T3",
        "after a sleep of 2 h (time namespace), the wall clock standing still: 1 refresh, then none",
    );
}

/// OIDC Core 3.1.3.7-9 and 10, with the five minutes that two clocks may be apart.
#[test]
fn an_id_token_of_another_time_names_the_clock() {
    let stage = Stage::oidc();
    let issuer = stage.server.issuer();
    let browser = person::browser();
    let login = |wall| {
        let arguments =
            ["login", "oidc", "--issuer", &issuer, "--client-id", "public", "--browser", &browser, "--json"];
        under(&stage, Clock { wall, boot: 0 }, &arguments)
    };
    for wall in ["-240", "+240", "+1800"] {
        login(wall).ok();
    }
    for (wall, why) in
        [("-360", "issued in the future"), ("-1d", "issued in the future"), ("+1d", "has expired")]
    {
        let failure = fails(&login(wall), "provider_rejected");
        assert!(
            failure.message().contains(why) && failure.help().contains("check the clock"),
            "{wall}: {failure:?}"
        );
    }
    report(
        "T1",
        "a login 4 min off, and up to 1 h fast, works; 6 min slow or 1 d fast is refused, naming the clock",
    );
}
