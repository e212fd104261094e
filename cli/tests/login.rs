//! From a login to a logout, against a server of a few lines on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::server::{Server, redirect, visit};
use crate::support::{Home, Said, exit_code};

/// Starts a login and reads standard error up to the URL, which stands on a line of its own.
pub fn begin(
    home: &Home,
    server: &Server,
    more: &[&str],
) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let base = ["login", "oidc", "--issuer", &server.issuer, "--client-id", "me", "--scopes", "read,write"];
    let mut arguments: Vec<&str> = base.iter().chain(more).copied().collect();
    if !more.contains(&"--timeout") {
        // A test that fails does so while somebody is watching.
        arguments.extend(["--timeout", "30"]);
    }
    let mut child = home.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let url = url_of(&mut stderr);
    (child, stderr, url)
}

fn url_of(stderr: &mut impl BufRead) -> String {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "no URL in {seen:?}");
        if line.starts_with("http") {
            return line.trim_end().to_owned();
        }
        seen.push_str(&line);
    }
}

pub fn end(child: Child, mut stderr: impl Read) -> Said {
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let mut said = Said::from(child.wait_with_output().unwrap());
    said.stderr = rest;
    said
}

pub fn log_in(home: &Home, server: &Server, more: &[&str]) -> Said {
    let arguments: Vec<&str> = ["--no-browser"].iter().chain(more).copied().collect();
    let (child, stderr, url) = begin(home, server, &arguments);
    visit(&redirect(&url));
    let said = end(child, stderr);
    said.succeeded();
    said
}

#[test]
fn a_login_is_kept_listed_shown_handed_out_and_ended() {
    let (home, server) = (Home::ready(), Server::start());
    let said = log_in(&home, &server, &[]);
    assert!(said.stdout.is_empty(), "{said:?}");
    assert!(said.stderr.contains("Logged in to OpenID Connect (connection: default)"), "{said:?}");

    let token = home.run(&["token", "oidc"]);
    assert_eq!((token.stdout.as_str(), token.stderr.as_str()), ("access-canary-1\n", ""));
    let token = home.run(&["token", "oidc", "--json"]).json();
    assert_eq!(token["access_token"], "access-canary-1");
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["scopes"], serde_json::json!(["read", "write"]));
    assert_eq!((&token["provider"], &token["connection"]), (&"oidc".into(), &"default".into()));
    let expires_at = token["expires_at"].as_str().unwrap();
    assert!(expires_at.len() == 20 && expires_at.ends_with('Z'), "{expires_at}");

    let list = home.run(&["list"]).stdout;
    assert!(list.starts_with("PROVIDER  CONNECTION  STATUS     ACCOUNT  EXPIRES    SCOPES\noidc "), "{list}");
    assert!(list.contains("connected  -        in 59 min  read write"), "{list}");
    let listed = home.run(&["list", "--json"]).json();
    assert_eq!(listed[0]["status"], "connected");
    assert_eq!(listed[0]["has_refresh_token"], true);
    assert_eq!(listed[0]["issuer"], server.issuer.as_str());
    assert_eq!(home.run(&["get", "oidc", "--json"]).json(), listed[0]);
    assert_eq!(home.run(&["get", "oidc", "--field", "status"]).stdout, "connected\n");
    assert_eq!(home.run(&["get", "oidc", "--field", "scopes"]).stdout, "read write\n");
    assert!(
        home.run(&["get", "oidc"])
            .stdout
            .starts_with("provider: oidc\nconnection: default\nstatus: connected\nreason:\n")
    );
    for said in [home.run(&["get", "oidc"]), home.run(&["list", "--json"])] {
        assert!(!said.stdout.contains("canary"), "{said:?}");
    }

    assert_eq!(
        home.run(&["export", "oidc", "--format", "env"]).stdout,
        "OIDC_ACCESS_TOKEN=access-canary-1\n"
    );
    assert_eq!(
        home.run(&["export", "oidc", "--format", "shell"]).stdout,
        "export OIDC_ACCESS_TOKEN='access-canary-1'\n"
    );
    let exported = serde_json::json!({"OIDC_ACCESS_TOKEN": "access-canary-1"});
    assert_eq!(home.run(&["export", "oidc", "--format", "json"]).json(), exported);
    assert_eq!(home.run(&["export", "oidc", "--json"]).json(), exported);

    let said = home.run(&["logout", "oidc", "--json"]);
    assert_eq!(said.json()["logged_out"][0]["revocation"], "revoked");
    assert!(said.stderr.contains("revoked at the server"), "{said:?}");
    assert!(server.dials.journal.lock().unwrap().iter().any(|line| line.starts_with("/revoke ")));
    home.run(&["token", "oidc"]).failed_with("not_connected");
}

#[test]
fn the_connection_is_the_answer_in_json() {
    let (home, server) = (Home::ready(), Server::start());
    let said = log_in(&home, &server, &["--json", "--connection", "work"]);
    assert_eq!(said.json()["connection"], "work");
    assert!(!said.stdout.contains("canary"), "{said:?}");
    home.run(&["token", "oidc"]).failed_with("not_connected");
    home.run(&["logout", "oidc", "--all"]).succeeded();
    assert_eq!(home.run(&["list", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn a_device_code_stands_on_a_line_of_its_own() {
    let (home, server) = (Home::ready(), Server::start());
    let said = home.run(&[
        "login",
        "oidc",
        "--issuer",
        &server.issuer,
        "--client-id",
        "me",
        "--flow",
        "device_code",
    ]);
    said.succeeded();
    let has = |expected: &str| said.stderr.lines().any(|line| line == expected);
    assert!(has("Logging in with a device code: it was asked for"), "{said:?}");
    assert!(has(&format!("{}/activate", server.issuer)) && has("WDJB-MJHT"), "{said:?}");
    // RFC 8628 5.4: who is asking, and that a stranger's code is not to be entered
    assert!(said.stderr.contains("started this login of tokenkeep yourself"), "{said:?}");
    // a picture, a spinner and bold letters are for terminals
    assert!(!said.stderr.contains(['\u{2588}', '\x1b', '\r']), "{said:?}");
    assert_eq!(home.run(&["token", "oidc"]).stdout, "access-canary-1\n");
}

#[cfg(unix)]
#[test]
fn a_browser_gets_the_url_as_one_argument_and_one_that_cannot_start_is_no_error() {
    let (home, server) = (Home::ready(), Server::start());
    let record = home.path().join("record");
    let script = format!("printf '%s\\n' \"$#\" \"$@\" > {0}.new; mv {0}.new {0}", record.display());
    let browser = home.path().join("browser");
    std::fs::write(&browser, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (child, stderr, url) = begin(&home, &server, &["--browser", browser.to_str().unwrap()]);
    let looks = (0..1000).map(|_| std::thread::sleep(Duration::from_millis(10)));
    looks.take_while(|()| !record.exists()).for_each(drop);
    assert_eq!(std::fs::read_to_string(&record).unwrap(), format!("1\n{url}\n"));
    visit(&redirect(&url));
    end(child, stderr).succeeded();

    let (child, stderr, url) = begin(&home, &server, &["--browser", "/nonexistent/browser"]);
    visit(&redirect(&url));
    let said = end(child, stderr);
    said.succeeded();
    assert!(said.stderr.contains("/nonexistent/browser") && said.stderr.contains("by hand"), "{said:?}");
}

#[test]
fn an_address_can_be_pasted() {
    let (home, server) = (Home::ready(), Server::start());
    let (mut child, stderr, url) = begin(&home, &server, &["--paste"]);
    let mut stdin = child.stdin.take().unwrap();
    // Another login's address first: it is refused, and the question is asked again.
    writeln!(stdin, "http://127.0.0.1/callback?code=x&state=another").unwrap();
    writeln!(stdin, "{}", redirect(&url)).unwrap();
    let said = end(child, stderr);
    said.succeeded();
    assert!(said.stderr.contains("not the answer to this login"), "{said:?}");
    assert_eq!(home.run(&["token", "oidc"]).stdout, "access-canary-1\n");

    // nobody to paste anything
    let (mut child, stderr, _) = begin(&home, &server, &["--paste"]);
    drop(child.stdin.take());
    assert_eq!(end(child, stderr).code, exit_code("unsupported"));
}

#[test]
fn fewer_scopes_than_asked_for_is_a_warning() {
    let (home, server) = (Home::ready(), Server::start());
    *server.dials.granted.lock().unwrap() = Some("read".to_owned());
    let said = log_in(&home, &server, &[]);
    assert!(said.stderr.contains("warning: ") && said.stderr.contains("write"), "{said:?}");
    let said = home.run(&["token", "oidc", "--scopes", "write"]);
    said.failed_with("scope_not_granted");
    home.run(&["token", "oidc", "--scopes", "read"]).succeeded();
}

#[test]
fn a_login_ends_with_its_time() {
    let (home, server) = (Home::ready(), Server::start());
    let (child, stderr, _) = begin(&home, &server, &["--no-browser", "--timeout", "1"]);
    let said = end(child, stderr);
    said.failed_with("login_timed_out");
    home.run(&["token", "oidc"]).failed_with("not_connected");
}

#[test]
fn a_grant_that_has_ended_says_so_ever_after() {
    let (home, server) = (Home::ready(), Server::start());
    server.dials.lifetime.store(1, Ordering::SeqCst);
    log_in(&home, &server, &[]);
    *server.dials.refusal.lock().unwrap() = Some("invalid_grant");
    std::thread::sleep(Duration::from_millis(1100));
    let error = home.run(&["token", "oidc", "--json"]).json_error();
    assert_eq!((&error["code"], &error["reason"]), (&"login_required".into(), &"grant_ended".into()));
    assert!(!error.to_string().contains("\\u001b"), "{error}");
    assert_eq!(home.run(&["get", "oidc", "--field", "status"]).stdout, "login_required\n");
    assert_eq!(home.run(&["get", "oidc", "--field", "reason"]).stdout, "grant_ended\n");
    assert_eq!(
        home.run(&["logout", "oidc", "--json"]).json()["logged_out"][0]["revocation"],
        "already_ended"
    );
}

#[test]
fn a_damaged_record_hides_no_other() {
    let (home, server) = (Home::ready(), Server::start());
    log_in(&home, &server, &["--connection", "one"]);
    let records = home.store().join("records");
    let one = std::fs::read_dir(&records).unwrap().next().unwrap().unwrap().path();
    log_in(&home, &server, &["--connection", "two"]);
    std::fs::write(&one, "damaged").unwrap();
    let said = home.run(&["list"]);
    assert_eq!(said.code, exit_code("store_corrupt"), "{said:?}");
    assert!(said.stdout.contains("two") && !said.stdout.contains("one"), "{said:?}");
    assert!(said.stderr.contains(one.file_name().unwrap().to_str().unwrap()), "{said:?}");
    home.run(&["token", "oidc", "--connection", "one"]).failed_with("store_corrupt");
    home.run(&["token", "oidc", "--connection", "two"]).succeeded();
    assert_eq!(home.run(&["doctor"]).code, exit_code("store_corrupt"));
    // and a new login puts it right
    log_in(&home, &server, &["--connection", "one"]);
    home.run(&["list"]).succeeded();
}

#[test]
fn nothing_that_is_said_or_kept_holds_a_secret() {
    let (home, server) = (Home::ready(), Server::start());
    let login = log_in(&home, &server, &["-vvv"]);
    let refresh = home.run(&["token", "oidc", "--force-refresh", "-vvv"]);
    let logout = home.run(&["logout", "oidc", "-vvv"]);
    log_in(&home, &server, &[]);
    for said in [&login, &refresh, &logout] {
        assert!(!said.stderr.contains("canary"), "{said:?}");
    }
    assert!(refresh.stderr.contains("tokenkeep"), "there is a log: {refresh:?}");
    for other in ["hyper", "reqwest", "rustls"] {
        assert!(!refresh.stderr.contains(&format!(" {other}")), "{refresh:?}");
    }
    assert!(!home.everything_kept().windows(6).any(|window| window == b"canary"));
}
