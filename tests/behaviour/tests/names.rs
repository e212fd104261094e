//! `scenarios.md` and the tests name the same scenarios. The other languages are held to the same list.

use std::collections::BTreeSet;
use std::fs;

use tokenkeep_test_support::root;

/// Files whose tests are about this repository, and no scenarios.
const NO_SCENARIOS: [&str; 4] = ["documentation.rs", "links.rs", "names.rs", "reliability.rs"];

/// The names in the first column of the lists' tables.
fn listed(document: &str) -> Vec<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once('`').unwrap().0.to_owned()).collect()
}

/// The functions that are tests.
fn tested(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[test]" {
            let function = lines.next().unwrap().trim().strip_prefix("fn ").unwrap();
            names.push(function.split_once('(').unwrap().0.to_owned());
        }
    }
    names
}

#[test]
fn the_list_names_every_scenario_once() {
    let folder = root().join("tests/behaviour");
    let document = fs::read_to_string(folder.join("scenarios.md")).unwrap();
    let listed = listed(&document);
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a name stands twice");
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        assert!(line.split('|').nth(2).unwrap().trim().len() > 20, "it does not say what it proves: {line}");
    }

    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder.join("tests")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".rs") && !NO_SCENARIOS.contains(&name.as_str()) {
            tests.extend(tested(&fs::read_to_string(entry.path()).unwrap()));
        }
    }
    let missing: Vec<_> = tests.symmetric_difference(&unique).collect();
    assert!(missing.is_empty(), "on one side only: {missing:#?}");
}
