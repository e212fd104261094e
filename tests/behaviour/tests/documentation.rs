//! The documentation does what it says: each `sh` block of README.md and docs/ runs, in the order of its
//! file, in a home of its own. `tokenkeep` is the real one. Microsoft is a scripted server, and so is the
//! one behind `$ISSUER`; the browser has a person in it; `curl` knows one host, `cargo` one command.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use authorization_server::{AuthorizationServer, Endpoint, RegisteredClient, ServerOptions};
use tokenkeep_behaviour::{CLIENT_ID, Stage, person};
use tokenkeep_test_support::{program, root, run, write_program};

/// curl, as far as the documentation goes: GET, headers, and Microsoft Graph in the person of the
/// server's own resource. An answer that is not 200 fails here.
const CURL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
headers='' url=''
while [ $# -gt 0 ]; do
  case $1 in
    -H) headers+=$2$'\r\n'; shift 2 ;;
    https://graph.microsoft.com/*) url=$1; shift ;;
    *) echo "curl: the documentation's stand-in does not know $1" >&2; exit 2 ;;
  esac
done
[ -n "$url" ]
exec 3<>"/dev/tcp/127.0.0.1/$RESOURCE_PORT"
printf 'GET /resource HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n' "$headers" >&3
read -r _ status _ <&3
cat <&3
[ "$status" = 200 ] || { echo "curl: $status from $url" >&2; exit 22; }
"#;

const CARGO: &str = r#"#!/bin/sh
[ "$*" = "install --path cli" ] || { echo "cargo: not what the documentation says: $*" >&2; exit 2; }
"#;

/// A fenced block and the line that it begins at.
#[derive(Debug)]
struct Block {
    line: usize,
    text: String,
}

/// README.md and all of docs/, by path from the root.
pub fn documents() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap().flatten() {
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The fenced blocks of `language`; those within a list are indented.
fn blocks(document: &str, language: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<(bool, usize)>) = (Vec::new(), None);
    for (number, line) in document.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open) {
            (Some(_), Some(_)) => open = None,
            (Some(info), None) => {
                let wanted = info.split([',', ' ']).next() == Some(language);
                open = Some((wanted, line.len() - line.trim_start().len()));
                if wanted {
                    found.push(Block { line: number + 1, text: String::new() });
                }
            }
            (None, Some((true, indent))) => {
                let block = found.last_mut().unwrap();
                writeln!(block.text, "{}", line.get(indent..).unwrap_or_default()).unwrap();
            }
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    found
}

fn install(folder: &Path, name: &str, script: &str) {
    write_program(&folder.join(name), script);
}

/// Runs the `sh` blocks of one file, one after the other in one shell, as its reader would.
fn run_blocks(document: &Path, blocks: &[Block], acme: &str) {
    let stage = Stage::microsoft();
    stage.change(|live| (live.device_interval, live.device_approve_after) = (1, Some(0)));
    let clients = vec![RegisteredClient::public(CLIENT_ID)];
    let other = AuthorizationServer::start(ServerOptions { clients, ..ServerOptions::plain() }).unwrap();

    let (programs, place) = (stage.home.path().join("bin"), stage.home.path().join("place"));
    fs::create_dir(&programs).unwrap();
    fs::create_dir(&place).unwrap();
    install(&programs, "curl", CURL);
    install(&programs, "cargo", CARGO);
    std::os::unix::fs::symlink(program("tokenkeep"), programs.join("tokenkeep")).unwrap();
    fs::write(place.join("acme.toml"), acme).unwrap();

    let mut script = String::new();
    for block in blocks {
        writeln!(script, "echo '== {}:{}' >&2\n{}", document.display(), block.line, block.text).unwrap();
    }
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &script]).current_dir(&place).env_clear();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", programs.display())).env("HOME", stage.home.path());
    command.env("TOKENKEEP_HOME", stage.home.store()).env("TOKENKEEP_KEY", "file");
    command.env("TOKENKEEP_INSECURE_LOOPBACK", "1").env("BROWSER", person::browser());
    // A reader has given their client id to the store, or to the environment.
    command.env("MICROSOFT_OAUTH_CLIENT_ID", CLIENT_ID).env("CLIENT_ID", CLIENT_ID);
    command.env("ISSUER", other.issuer()).env("RESOURCE_PORT", stage.server.port().to_string());
    let done = run(&mut command, "");
    assert_eq!(done.code, 0, "the last block that is named fails: {done:#?}");

    let entries = stage.server.journal().entries();
    let refused = entries.iter().find(|entry| entry.outcome.status.is_some_and(|status| status >= 400));
    assert!(refused.is_none_or(|entry| entry.outcome.error.as_deref() == Some("authorization_pending")));
    let used = entries.iter().any(|entry| entry.endpoint == Endpoint::Resource);
    assert_eq!(
        used,
        script.contains("curl "),
        "{}: what curl asks for reaches the server",
        document.display()
    );
}

#[test]
fn every_sh_block_runs() {
    let guide = fs::read_to_string(root().join("docs/guides/providers.md")).unwrap();
    let [acme] = &blocks(&guide, "toml")[..] else { panic!("the guide has one provider file") };
    let mut ran = Vec::new();
    std::thread::scope(|scope| {
        for document in documents() {
            let text = fs::read_to_string(root().join(&document)).unwrap();
            let found = blocks(&text, "sh");
            let fences = text.lines().filter(|line| line.trim_start().starts_with("```sh")).count();
            assert_eq!(found.len(), fences, "{}", document.display());
            if !found.is_empty() {
                ran.push(document.display().to_string());
                scope.spawn(move || run_blocks(&document, &found, &acme.text));
            }
        }
    });
    for known in ["README.md", "docs/guides/providers.md", "docs/providers/microsoft.md"] {
        assert!(ran.iter().any(|document| document == known), "{known} has no sh block: {ran:?}");
    }
}

#[test]
fn the_examples_in_rust_run() {
    let stage = Stage::microsoft();
    let example = |name: &str| {
        let mut command = stage.home.program(&program(&format!("examples/{name}")));
        command.env("BROWSER", person::browser()).env("MICROSOFT_OAUTH_CLIENT_ID", CLIENT_ID);
        run(&mut command, "")
    };
    let before = example("token");
    assert_eq!((before.code, before.stderr.contains("not_connected")), (1, true), "{before:#?}");
    assert_eq!(example("login").ok().stdout, "microsoft is connected\n");
    let token = example("token").ok();
    assert!(token.stdout.contains("Secret(redacted)"), "{token:#?}");
}

#[test]
fn blocks_are_found_where_they_are() {
    let document =
        "text\n```sh\na\n\nb\n```\n1. list\n   ```sh\n   c\n   ```\n```toml\nd\n```\n```shell\ne\n```\n";
    let found: Vec<_> = blocks(document, "sh").into_iter().map(|block| (block.line, block.text)).collect();
    assert_eq!(found, [(2, "a\n\nb\n".to_owned()), (8, "c\n".to_owned())]);
    assert_eq!(blocks(document, "toml")[0].text, "d\n");
}
