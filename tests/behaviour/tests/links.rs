//! The documents lead to what exists, and `docs/errors.md` is the table of all languages.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokenkeep_test_support::root;

use crate::documentation::documents;

/// Documents that are not below docs/.
const OTHERS: [&str; 6] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "examples/README.md",
    "tests/behaviour/scenarios.md",
];

/// The targets of a document's links.
fn targets(document: &str) -> Vec<String> {
    let parts = document.split("](").skip(1);
    parts.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// A heading as an anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_anchor(document: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(document).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).any(|known| known == wanted)
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let all = documents().into_iter().chain(OTHERS.map(PathBuf::from));
    let (mut checked, mut broken) = (0, Vec::new());
    for document in all {
        let path = root().join(&document);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            checked += 1;
            if !file.exists() || (!anchor.is_empty() && !has_anchor(&file, anchor)) {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(checked > 10 && broken.is_empty(), "{checked} links, of which lead nowhere: {broken:#?}");
}

#[test]
fn errors_are_documented_as_the_table_has_them() {
    let table = fs::read_to_string(root().join("tests/vectors/errors.json")).unwrap();
    let table: Value = serde_json::from_str(&table).unwrap();
    let mut rows = vec![
        "| Code | Exit code | Who must act | What happened | Passes by itself |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for error in table["errors"].as_array().unwrap() {
        let text = |member: &str| error[member].as_str().unwrap();
        let passes = if error["retryable"] == true { "yes" } else { "" };
        let row = format!(
            "| `{}` | {} | {} | {} | {passes} |",
            text("code"),
            error["exit_code"],
            text("who"),
            text("meaning")
        );
        rows.push(row.replace("|  |", "| |"));
    }
    assert!(rows.len() > 20);
    let document = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let found: Vec<&str> = document.lines().filter(|line| line.starts_with('|')).collect();
    assert!(
        document.contains(&rows.join("\n")),
        "docs/errors.md should hold:\n{}\nnot\n{found:#?}",
        rows.join("\n")
    );
    assert_eq!(found.len(), rows.len(), "one table");
}
