//! `docs/providers/microsoft.md` says what the program says: its tables of presets, permissions and errors.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tokenkeep_behaviour::Stage;
use tokenkeep_test_support::{Home, root};

fn page() -> String {
    fs::read_to_string(root().join("docs/providers/microsoft.md")).unwrap()
}

/// The rows of the table between the two marks, as cells.
pub fn table(page: &str, name: &str) -> Vec<Vec<String>> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let table = page.split_once(&begin).unwrap().1.split_once(&end).unwrap().0;
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split(" |").map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

/// What stands in code spans.
fn words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_presets_are_those_of_the_command_line() {
    let documented = table(&page(), "presets").into_iter().map(|cells| {
        assert!(cells.len() == 3 && cells[2].len() > 5, "it does not say what for: {cells:?}");
        [words(&cells[0]), words(&cells[1])].concat().join(" ")
    });
    let printed = Stage::microsoft().home.run(["scopes", "microsoft"]).ok().stdout;
    let printed = printed.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(documented.collect::<Vec<_>>(), printed.collect::<Vec<_>>());
}

#[test]
fn each_permission_of_a_preset_is_explained() {
    let page = page();
    let of_presets: BTreeSet<String> = table(&page, "presets")
        .iter()
        .flat_map(|cells| words(&cells[1]))
        .map(|scope| scope.rsplit_once('/').unwrap().1.to_owned())
        .collect();
    let permissions = table(&page, "permissions");
    let explained: Vec<_> = permissions.iter().flat_map(|cells| words(&cells[0])).collect();
    assert_eq!(explained, of_presets.into_iter().collect::<Vec<_>>(), "each once, in order");
    for cells in &permissions {
        assert!(cells[1].len() > 5 && ["no", "managed"].contains(&cells[2].as_str()), "{cells:?}");
    }
    // None is for administrators alone, as the page says; and those that it names are.
    let home = Home::new();
    let for_administrators = |list: &str| {
        let check = home.run(["scopes", "microsoft", list, "--json"]).ok().json();
        let findings = check["findings"].as_array().unwrap().clone();
        findings.into_iter().filter(|finding| finding["kind"] == "admin_consent_needed").collect::<Vec<_>>()
    };
    assert_eq!(for_administrators(&explained.join(" ")), [] as [Value; 0]);
    for named in ["ChannelMessage.Read.All", "Directory.Read.All", "User.Read.All"] {
        assert!(page.contains(&format!("`{named}`")));
        assert_eq!(for_administrators(named).len(), 1, "{named}");
    }
}

#[test]
fn each_error_on_the_page_is_said_as_explain_says_it() {
    let page = page();
    let explain = |code: &str| Home::new().run(["explain", code, "--json"]).ok().json()[0].clone();
    let documented = table(&page, "errors");
    assert!(documented.len() > 25);
    for cells in &documented {
        let [code, meaning, who] = &cells[..] else { panic!("{cells:?}") };
        let known = explain(code);
        assert_eq!([&known["code"], &known["meaning"], &known["who"]], [code, meaning, who]);
    }
    let codes: BTreeSet<&str> = documented.iter().map(|cells| cells[0].as_str()).collect();
    assert_eq!(codes.len(), documented.len(), "a code is there twice");
    // Wherever else one is named, it is one that can be asked about.
    for rest in page.split("AADSTS").skip(1) {
        let number = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        explain(number);
    }
}
