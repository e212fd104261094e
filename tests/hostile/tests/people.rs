//! F1 and F2: a person who goes away, and a person whose browser is elsewhere.
//! `login_timed_out` and `login_cancelled_by_ctrl_c` (tests/behaviour) are the plain forms of F1.

use std::net::TcpListener;
use std::path::PathBuf;

use tokenkeep_behaviour::{Stage, UnderWay, fails, is_closed, person, until};
use tokenkeep_hostile::{Act, Scene};
use tokenkeep_test_support::{files_below, report};

/// What is kept, by path and content. A lock is a file that stays.
fn kept(stage: &Stage) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = files_below(&stage.home.store());
    files.retain(|(path, _)| !path.components().any(|part| part.as_os_str() == "locks"));
    files.sort();
    files
}

#[test]
fn a_login_that_is_given_up_leaves_nothing() {
    let scene = Scene::new();
    scene.stage.login(&["--connection", "before"]).ok();
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let redirect_uri = format!("http://127.0.0.1:{free}/callback");
    let before = kept(&scene.stage);
    let mut ends = 0;
    // Ctrl-C, a polite end, a terminal that was closed, and a kill; while the person is waited for, and while their
    // code is being redeemed.
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        for redeeming in [false, true] {
            scene.endpoint.arrived();
            scene.endpoint.always(vec![Act::Read, Act::Silence]);
            let login = scene.stage.begin_login(&["--json", "--redirect-uri", &redirect_uri]);
            if redeeming {
                assert_eq!(person::get(&person::redirected(&login.url)).status, 303);
                until(|| scene.endpoint.was_asked());
            }
            login.running.signal(signal);
            let run = login.finish();
            if matches!(signal, "INT" | "TERM") {
                fails(&run, "login_cancelled");
            } else {
                assert_eq!((run.code, run.stdout.as_str()), (-1, ""), "{run:#?}");
            }
            assert!(is_closed(free), "{signal}: the port is free");
            assert_eq!(kept(&scene.stage), before, "{signal}: the store is as it was");
            assert_eq!(scene.endpoint.arrived().len(), usize::from(redeeming));
            ends += 1;
        }
    }
    // The same port, and the same store, serve the next login.
    scene.endpoint.behave();
    scene.stage.login(&["--redirect-uri", &redirect_uri]).ok();
    report(
        "F1",
        format!(
            "{ends} of {ends} ends (INT, TERM, HUP, KILL; waiting and redeeming): the port is free, the store as it was"
        ),
    );
}

/// A login that has shown an address, and what it said before that.
fn begun(stage: &Stage, more: &[&str]) -> (UnderWay, String) {
    let mut running = stage.home.start(stage.login_arguments(more));
    let first = running.stderr_line(|line| line.starts_with("Logging in with"));
    (UnderWay::wait(running), first)
}

#[test]
fn a_person_without_a_browser_here_gets_an_address() {
    let with = |variables: &[(&str, &str)]| {
        let mut stage = Stage::acme();
        stage.change(|live| (live.device_interval, live.device_approve_after) = (1, Some(0)));
        stage.home = variables
            .iter()
            .fold(std::mem::take(&mut stage.home), |home, (name, value)| home.with(name, value));
        stage
    };
    let ssh = ("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let display = ("DISPLAY", ":0");

    // In an SSH session, and without a display: the device code.
    for variables in [&[ssh][..], &[ssh, display], &[("SSH_TTY", "/dev/pts/0"), display], &[]] {
        let stage = with(variables);
        let (login, chosen) = begun(&stage, &[]);
        assert!(chosen.starts_with("Logging in with a device code: "), "{variables:?}: {chosen}");
        assert!(login.url.path().starts_with("/device"), "{}", login.url);
        login.finish().ok();
    }

    // A provider that has none: the address, and how to bring the browser's answer back from there.
    let stage = with(&[ssh]);
    let definition = stage.acme_definition();
    let line = definition.lines().find(|line| line.starts_with("device_authorization")).unwrap();
    stage.home.add_provider(&definition.replace(line, ""));
    let (login, chosen) = begun(&stage, &["--no-browser"]);
    assert!(
        login.url.path() == "/authorize" && chosen.starts_with("Logging in with the browser: "),
        "{chosen}"
    );
    drop(login);
    let (login, chosen) = begun(&stage, &[]);
    assert!(chosen.contains("no device code flow") && chosen.contains("--paste"), "{chosen}");
    drop(login);

    // A display, and no browser on it: the address to open by hand, and the device code as the other way.
    let stage = with(&[display, ("BROWSER", "/nonexistent/browser")]);
    let (mut login, _) = begun(&stage, &[]);
    let said = login.running.stderr_line(|line| line.contains("no browser could be started"));
    assert!(said.contains("by hand") && said.contains("--flow device-code"), "{said}");
    person::visit(&login.url);
    login.finish().ok();
    report(
        "F2",
        "SSH and no display (4 of 4): device code; no such flow: the address and --paste; no browser: the address and --flow device-code",
    );
}
