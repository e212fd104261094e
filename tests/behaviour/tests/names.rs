//! `scenarios.md` and the tests name the same scenarios; the other languages are held to its first part.

use std::collections::BTreeSet;
use std::fs;

use tokenkeep_test_support::root;

/// Files whose tests are about this repository, and no scenarios.
const NO_SCENARIOS: [&str; 7] = [
    "documentation.rs",
    "examples.rs",
    "links.rs",
    "microsoft_page.rs",
    "names.rs",
    "providers_page.rs",
    "reliability.rs",
];

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

/// The tests of another language: what stands between `before` and `after` on a line of its files.
fn tested_in(language: &str, before: &str, after: char) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("tests/behaviour").join(language)).unwrap().flatten() {
        if entry.path().is_file() {
            let source = fs::read_to_string(entry.path()).unwrap();
            let found = source.lines().filter_map(|line| line.split_once(before)?.1.split_once(after));
            for (name, _) in found {
                assert!(names.insert(name.to_owned()), "{language}: {name} is tested twice");
            }
        }
    }
    names
}

#[test]
fn every_language_has_the_scenarios_that_all_share() {
    let document = fs::read_to_string(root().join("tests/behaviour/scenarios.md")).unwrap();
    let shared = document.split_once("\n## In every language\n").unwrap().1.split_once("\n## ").unwrap().0;
    let shared: BTreeSet<_> = listed(shared).into_iter().collect();
    assert!(shared.len() > 50, "{shared:#?}");
    let languages =
        [("python", "def test_", '('), ("node", "test('", '\''), ("swift/Scenarios", "@Test func ", '(')];
    for (language, before, after) in languages {
        let tests = tested_in(language, before, after);
        let missing: Vec<_> = tests.symmetric_difference(&shared).collect();
        assert!(missing.is_empty(), "{language}: on one side only: {missing:#?}");
    }
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
