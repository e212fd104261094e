//! How a command says that it failed: a code, an exit code, one line, what to do. Never a secret.

use serde_json::Value;
use tokenkeep_test_support::{Run, root};

/// What a test puts into bodies that must not be seen anywhere: a failure is searched for it.
const CANARY: &str = "canary";

/// What every token, code and device code of the scripted server begins with.
const SECRETS: [&str; 4] = ["access-", "refresh-", "code-", "device-"];

/// An error as `--json` shows it.
#[derive(Debug)]
pub struct Failure(Value);

impl Failure {
    /// A member as text; empty when it is absent.
    pub fn text(&self, member: &str) -> &str {
        self.0[member].as_str().unwrap_or_default()
    }

    /// What happened.
    pub fn message(&self) -> &str {
        self.text("message")
    }

    /// What to do.
    pub fn help(&self) -> &str {
        self.text("help")
    }

    /// Any member.
    pub fn member(&self, name: &str) -> &Value {
        &self.0[name]
    }
}

/// The failure of `run`, which was asked for JSON and must have failed with `code`, as the table of all
/// languages has it.
#[track_caller]
pub fn fails(run: &Run, code: &str) -> Failure {
    let table =
        std::fs::read_to_string(root().join("tests/vectors/errors.json")).expect("the table is there");
    let table: Value = serde_json::from_str(&table).expect("the table is JSON");
    let rows = table["errors"].as_array().expect("the table has rows");
    let row =
        rows.iter().find(|row| row["code"] == code).unwrap_or_else(|| panic!("{code} is not in the table"));
    assert_eq!(run.error_code(), code, "{run:#?}");
    assert_eq!(Value::from(run.code), row["exit_code"], "{run:#?}");
    assert_eq!(run.stdout, "", "a command that failed prints no data: {run:#?}");

    let line = run.stderr.lines().last().unwrap_or_default();
    let mut report: Value = serde_json::from_str(line).expect("error_code has read it");
    let failure = Failure(report["error"].take());
    assert_eq!(failure.0["retryable"], row["retryable"], "{run:#?}");
    assert!(!failure.message().is_empty() && !failure.message().contains('\n'), "{run:#?}");
    assert!(failure.message().chars().count() <= 500 && !failure.help().is_empty(), "{run:#?}");
    assert!(!run.stderr.contains(CANARY), "{run:#?}");
    for secret in SECRETS {
        let told = [failure.message(), failure.help()].map(|text| text.replace("device-code", "")).concat();
        assert!(!told.contains(secret), "{secret}: {run:#?}");
    }
    failure
}
