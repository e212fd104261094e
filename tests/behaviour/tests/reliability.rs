//! `docs/reliability.md` names tests that are there, and has a row for every case that a test reports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tokenkeep_test_support::{files_below, root};

/// The sources of all tests.
fn sources() -> Vec<String> {
    let folders = ["tests", "core/src"].map(|folder| root().join(folder));
    let found = folders.iter().flat_map(|folder| files_below(folder));
    let is_source = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "rs")
            && !path.components().any(|part| part.as_os_str() == "node_modules")
    };
    found.filter(|(path, _)| is_source(path)).map(|(_, text)| String::from_utf8(text).unwrap()).collect()
}

/// The rows of the tables of cases: the cases, and the names of their tests.
fn rows(document: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let is_case = |word: &str| {
        let (letter, number) = word.split_at(1);
        "RCSTNF".contains(letter) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut found = Vec::new();
    for line in document.lines() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, cases, _, tests, ..] = &columns[..] else { continue };
        let cases: Vec<String> = match cases.split_once(" to ") {
            // N14 to N18
            Some((first, last)) if is_case(first) && is_case(last) => {
                let number = |case: &str| case[1..].parse::<u32>().unwrap();
                (number(first)..=number(last)).map(|number| format!("{}{number}", &first[..1])).collect()
            }
            _ => {
                cases.split(", ").filter(|word| word.len() > 1 && is_case(word)).map(str::to_owned).collect()
            }
        };
        if !cases.is_empty() {
            found.push((cases, tests.split('`').skip(1).step_by(2).map(str::to_owned).collect()));
        }
    }
    found
}

#[test]
fn every_case_has_its_row_and_every_row_its_tests() {
    let document = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let (rows, sources) = (rows(&document), sources());
    assert!(rows.len() > 40, "the tables were not found");
    for (cases, tests) in &rows {
        assert!(!tests.is_empty(), "{cases:?} names no test");
        for test in tests {
            let declared = format!("fn {test}()");
            assert!(sources.iter().any(|source| source.contains(&declared)), "{cases:?}: there is no {test}");
        }
    }
    // The first argument of `report` is a case.
    let reported = sources.iter().flat_map(|source| source.split("report(").skip(1)).filter_map(|rest| {
        let (case, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(case.to_owned())
    });
    let listed: BTreeSet<&String> = rows.iter().flat_map(|(cases, _)| cases).collect();
    let reported: BTreeSet<String> = reported.filter(|case| case.len() <= 3).collect();
    assert!(reported.len() > 50, "{reported:?}");
    let missing: Vec<_> = reported.iter().filter(|case| !listed.contains(case)).collect();
    assert!(missing.is_empty(), "cases that a test reports and the document does not have: {missing:?}");
}
