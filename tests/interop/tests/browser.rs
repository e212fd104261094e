//! One login through a real browser: headless Chromium goes through oidc-provider's own pages and ends on
//! ours, of which a picture is left in `target/test-env/last-page.png` for people to look at.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokenkeep_interop::{OidcProvider, file, text};
use tokenkeep_test_support::{Home, root, tool, write_program};

/// A browser's first start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn a_login_in_chromium_ends_on_a_calm_page() {
    let (server, home) = (OidcProvider::start(&[]), Home::new());
    let picture = root().join("target/test-env/last-page.png");
    std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(&picture);

    // The command line shows a browser no stdout: what this one saw comes back through a pipe with a name.
    let (pipe, browser) = (home.path().join("seen"), home.path().join("browser"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!(
        "#!/bin/sh\nexec '{}' '{}' --screenshot '{}' \"$@\" >'{}' 2>&1\n",
        text(&tool("TOKENKEEP_TEST_NODE")),
        text(&file("browser/drive.mjs")),
        text(&picture),
        text(&pipe),
    );
    write_program(&browser, &script);
    let (seen_in, seen) = mpsc::channel();
    std::thread::spawn(move || seen_in.send(std::fs::read_to_string(pipe)));

    let home = home.with("TOKENKEEP_TEST_CHROMIUM", text(&tool("TOKENKEEP_TEST_CHROMIUM")));
    let login = server.login();
    home.run(login.iter().map(String::as_str).chain(["--browser", text(&browser)])).ok();
    let seen = seen.recv_timeout(PATIENCE).expect("the browser ends").unwrap();
    let seen: Value = serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"));

    assert_eq!(seen["title"], "You are logged in to OpenID Connect", "{seen}");
    assert!(seen["text"].as_str().unwrap().contains("You can close this window"), "{seen}");
    assert_eq!(seen["console_errors"], json!([]));
    assert_eq!(seen["external_requests"], json!([]));
    // No code, no state: nothing in the address bar, and so in the history, is worth taking.
    let url = seen["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/callback/done"), "{url}");
    assert_ne!(home.run(["token", "oidc"]).ok().stdout.trim(), "");
    assert!(picture.metadata().unwrap().len() > 1000, "no picture at {}", picture.display());
}
