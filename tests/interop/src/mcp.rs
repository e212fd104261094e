//! The published conformance suite for clients of the Model Context Protocol (`mcp/`), one scenario at a time: it plays
//! the server, the authorization server and the person, and judges `mcp-client`.

use std::process::Command;

use serde_json::Value;
use tokenkeep_test_support::{files_below, program, run, tool};

use crate::file;

/// The revision of the protocol.
pub const REVISION: &str = "2026-07-28";

/// What became of one scenario.
#[derive(Debug)]
pub struct Verdict {
    /// The suite's exit code.
    pub code: i32,
    checks: Vec<Value>,
    /// How the client ended: `done`, or what stopped it.
    pub ended: String,
    /// What the client said, for whoever wonders.
    pub said: String,
}

impl Verdict {
    /// The checks that a client must not have, in a line each: failures and warnings.
    pub fn complaints(&self) -> Vec<String> {
        let bad = |check: &&Value| check["status"] == "FAILURE" || check["status"] == "WARNING";
        let line = |check: &Value| {
            let (id, why) = (&check["id"], check.get("errorMessage").unwrap_or(&check["description"]));
            format!("{}: {}", id.as_str().unwrap_or_default(), why.as_str().unwrap_or_default())
        };
        self.checks.iter().filter(bad).map(line).collect()
    }

    /// How many checks went well.
    pub fn successes(&self) -> usize {
        self.checks.iter().filter(|check| check["status"] == "SUCCESS").count()
    }
}

/// The scenarios that the revision requires of a client, by the suite's own list.
#[track_caller]
pub fn required_of_clients() -> Vec<String> {
    let listed = run(suite().args(["list", "--requirements", REVISION]), "").ok().stdout;
    let of_clients = listed.lines().skip_while(|line| !line.starts_with("Client scenarios")).skip(1);
    let names = of_clients.map_while(|line| line.trim().strip_prefix("- "));
    names.map(str::to_owned).collect()
}

/// Runs one scenario as `revision` has it, and none of its failures is expected.
#[track_caller]
pub fn run_scenario(scenario: &str, revision: &str) -> Verdict {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut suite = suite();
    suite.arg("client").arg("--command").arg(program("mcp-client")).args(["--scenario", scenario]);
    // Extensions belong to no revision: they run as in this one.
    suite.args(["--spec-version", revision, "--force"]);
    suite.arg("--expected-failures").arg(expected_failures()).arg("--output-dir").arg(folder.path());
    let ended = run(&mut suite, "");
    let read = |name: &str| {
        let written = files_below(folder.path()).into_iter().find(|(path, _)| path.ends_with(name));
        let (_, content) = written.unwrap_or_else(|| panic!("{scenario}: no {name}: {ended:#?}"));
        String::from_utf8(content).expect("the suite writes text")
    };
    let stdout = read("stdout.txt");
    Verdict {
        code: ended.code,
        checks: serde_json::from_str(&read("checks.json")).expect("the suite writes JSON"),
        ended: stdout.lines().last().unwrap_or_default().to_owned(),
        said: stdout + &read("stderr.txt"),
    }
}

/// The list of what may fail.
pub fn expected_failures() -> std::path::PathBuf {
    file("mcp/expected-failures.yml")
}

fn suite() -> Command {
    let mut suite = Command::new(tool("TOKENKEEP_TEST_NODE_MCP"));
    suite.arg(file("mcp/node_modules/@modelcontextprotocol/conformance/dist/index.js"));
    suite
}
