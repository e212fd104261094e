//! The programs of examples/ run as they are: with the packages as they are published, with Microsoft's own clients of
//! Graph, and with the names of Microsoft's hosts, for which the scripted server stands in.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use authorization_server::{Consent, Endpoint};
use tokenkeep_behaviour::{CLIENT_ID, Stage, person};
use tokenkeep_test_support::{Home, has_swift, root, run, tool};

/// Runs an example to its good end; gives what it printed.
#[track_caller]
fn example(mut command: Command) -> String {
    command.env("BROWSER", person::browser()).env("MICROSOFT_OAUTH_CLIENT_ID", CLIENT_ID);
    run(&mut command, "").ok().stdout
}

#[track_caller]
fn list_mail(stage: &Stage) -> String {
    let mut command = stage.home.program(&tool("TOKENKEEP_TEST_PYTHON"));
    command.arg(root().join("examples/python/list_mail.py"));
    example(command)
}

#[track_caller]
fn list_events(stage: &Stage) -> String {
    let module = beside_packages(&stage.home);
    let mut command = stage.home.program(&tool("TOKENKEEP_TEST_NODE"));
    let preload = root().join("tests/behaviour/node/proxied_fetch.mjs");
    command.arg("--import").arg(preload).arg(module);
    example(command)
}

/// The program in Swift, which `make packages` has built.
#[track_caller]
fn who_am_i(stage: &Stage) -> String {
    let mut command = stage.home.program(&root().join("scripts/swift.sh"));
    command.arg(root().join("target/swift/examples/debug/who-am-i"));
    example(command)
}

/// A copy of the example in Node, beside the packages that `npm install` would bring.
fn beside_packages(home: &Home) -> PathBuf {
    let place = home.path().join("node");
    fs::create_dir(&place).unwrap();
    let module = place.join("list-events.mjs");
    fs::copy(root().join("examples/node/list-events.mjs"), &module).unwrap();
    symlink(root().join("tests/node_modules"), place.join("node_modules")).unwrap();
    module
}

/// The last words of the last `count` lines.
fn subjects(printed: &str, count: usize) -> Vec<&str> {
    let lines: Vec<_> = printed.lines().collect();
    lines[lines.len() - count..].iter().map(|line| &line[line.len() - "Message 1".len()..]).collect()
}

/// The host and the status of every request to this endpoint.
fn asked(stage: &Stage, endpoint: Endpoint) -> Vec<(String, Option<u16>)> {
    let entries = stage.server.journal().entries().into_iter().filter(|entry| entry.endpoint == endpoint);
    entries.map(|entry| (entry.host.unwrap_or_default(), entry.outcome.status)).collect()
}

const MAIL: [&str; 5] = ["Message 1", "Message 2", "Message 3", "Message 4", "Message 5"];
const EVENTS: [&str; 3] = ["C Event 1", "C Event 2", "C Event 3"];

#[test]
fn one_login_is_enough_for_the_examples() {
    let stage = Stage::internet();
    let first = list_mail(&stage);
    assert!(first.starts_with("microsoft is not connected\nlog in: "), "{first}");
    assert_eq!(subjects(&first, 5), MAIL);
    // From now on nobody is asked for anything, in no language.
    let again = list_mail(&stage);
    assert_eq!((subjects(&again, 5), again.lines().count()), (MAIL.to_vec(), 5), "{again}");
    let events = list_events(&stage);
    assert_eq!((subjects(&events, 3), events.lines().count()), (EVENTS.to_vec(), 3), "{events}");

    let mut requests = 3;
    if has_swift() {
        assert_eq!(who_am_i(&stage), "person, person@example.com\n");
        requests += 1;
    }

    let host = |name: &str, times| vec![(name.to_owned(), Some(200)); times];
    assert_eq!(asked(&stage, Endpoint::Token), host("login.microsoftonline.com", 1));
    assert_eq!(asked(&stage, Endpoint::Resource), host("graph.microsoft.com", requests));
}

#[test]
fn an_example_asks_for_what_an_earlier_login_lacks() {
    let stage = Stage::internet();
    stage.change(|live| live.consent = Consent::Enforced);
    stage.login(&[]).ok();
    let events = list_events(&stage);
    assert!(events.contains("tokenkeep login microsoft"), "the help of consent_required: {events}");
    assert_eq!(subjects(&events, 3), EVENTS);
    // The login, a refresh in vain, the wider login.
    assert_eq!(asked(&stage, Endpoint::Token).len(), 3);
}

#[test]
fn the_examples_are_well_typed() {
    let home = Home::new();
    let check = |interpreter: &str, arguments: &[&OsStr], module: &Path| {
        let mut command = home.program(&tool(interpreter));
        run(command.args(arguments).arg(module).current_dir(module.parent().unwrap()), "").ok();
    };
    let python = tool("TOKENKEEP_TEST_PYTHON");
    let mail = home.path().join("list_mail.py");
    fs::copy(root().join("examples/python/list_mail.py"), &mail).unwrap();
    // mypy would read msgraph for a minute; pyright does, and would mind that it does not say that it has types.
    fs::write(
        home.path().join("mypy.ini"),
        "[mypy]\nstrict = True\n[mypy-msgraph.*]\nfollow_imports = skip\n",
    )
    .unwrap();
    let settings = r#"{"typeCheckingMode": "strict", "reportMissingTypeStubs": false}"#;
    fs::write(home.path().join("pyrightconfig.json"), settings).unwrap();
    check("TOKENKEEP_TEST_PYTHON", &["-m", "mypy"].map(OsStr::new), &mail);
    let pyright = ["-m", "pyright", "--pythonpath"].map(OsStr::new);
    check("TOKENKEEP_TEST_PYTHON", &[&pyright[..], &[python.as_os_str()]].concat(), &mail);

    let tsc = root().join("bindings-node/node_modules/typescript/bin/tsc");
    let options = "--noEmit --strict --allowJs --checkJs --target es2022 --lib es2022,dom --module nodenext --types node";
    let options: Vec<_> = [tsc.as_os_str()].into_iter().chain(options.split(' ').map(OsStr::new)).collect();
    check("TOKENKEEP_TEST_NODE", &options, &beside_packages(&home));
}
