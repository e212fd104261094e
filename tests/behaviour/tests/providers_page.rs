//! `docs/providers/README.md` has one line for each provider, and what can be read in a provider's file is as the file
//! has it.

use std::fs;

use serde_json::Value;
use tokenkeep_test_support::{Home, root};

use crate::microsoft_page::table;

#[test]
fn each_provider_has_its_line() {
    let page = fs::read_to_string(root().join("docs/providers/README.md")).unwrap();
    let documented = table(&page, "providers");
    let home = Home::new();
    let all = home.run(["providers", "--json"]).ok().json();
    let expected: Vec<_> = all.as_array().unwrap().iter().map(|provider| line(&home, provider)).collect();
    let derived: Vec<_> = documented
        .iter()
        .map(|cells| {
            let [name, what, flows, registration, values, refresh, special, confidence] = &cells[..] else {
                panic!("{cells:?}")
            };
            assert!(what.len() > 1 && !special.is_empty(), "{cells:?}");
            [name, flows, registration, values, refresh, confidence].map(String::as_str).join(" | ")
        })
        .collect();
    assert_eq!(derived, expected);
}

/// The cells that the provider's file decides.
fn line(home: &Home, provider: &Value) -> String {
    let name = provider["name"].as_str().unwrap();
    let shown = home.run(["providers", "show", name, "--json"]).ok().json();
    let definition = shown["definition"].as_str().unwrap();
    let says = |line: &str| definition.lines().any(|of_file| of_file == line);
    let endpoint =
        |endpoint: &str| provider["discovery"] == true || !provider["endpoints"][endpoint].is_null();
    let flows = [
        ("browser", endpoint("authorization")),
        ("device", endpoint("device_authorization")),
        ("app-only", says("[client_credentials]")),
    ];
    let flows: Vec<_> = flows.into_iter().filter(|(_, there)| *there).map(|(flow, _)| flow).collect();
    let client = definition.split_once("[client]").map_or("", |(_, rest)| rest.split("\n[").next().unwrap());
    let registration = match () {
        () if says("secret_required = true") => "app and secret",
        () if client.contains("\nauthentication = \"none\"\n") => "app",
        () => "app, secret if it has one",
    };
    let asked = provider["values"].as_array().unwrap().iter().filter(|value| value["learnt"] == false);
    let asked: Vec<_> = asked.map(|value| format!("`{}`", value["name"].as_str().unwrap())).collect();
    let values = if asked.is_empty() { "–".to_owned() } else { asked.join(", ") };
    let refresh = match () {
        () if says("rotation = \"single_use\"") => "replaced",
        () if says("rotation = \"reusable\"") => "stays",
        () => "–",
    };
    let confidence = provider["confidence"].as_str().unwrap();
    [&format!("`{name}`"), &flows.join(", "), registration, &values, refresh, confidence].join(" | ")
}
