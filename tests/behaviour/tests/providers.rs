//! Providers are data, and the user's own files win.

use tokenkeep_behaviour::{Stage, fails};
use tokenkeep_test_support::{Home, root};

#[test]
fn provider_file_wins_over_bundled() {
    let stage = Stage::microsoft();
    let origin = |stage: &Stage| {
        let all = stage.home.run(["providers", "--json"]).ok().json();
        let of_it = all.as_array().unwrap().iter().filter(|one| one["name"] == "microsoft");
        let [only] = of_it.collect::<Vec<_>>()[..] else { panic!("each name stands once") };
        only["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin(&stage), "user");
    let shown = stage.home.run(["providers", "show", "microsoft"]).ok().stdout;
    assert!(shown.contains(stage.server.origin()), "{shown}");
    stage.login(&[]).ok();
    assert_eq!(stage.asked("authorization_code").len(), 1);

    // Without the file the bundled one is used again; a grant still goes back to where it came from.
    stage.home.run(["providers", "remove", "microsoft"]).ok();
    assert_eq!(origin(&stage), "bundled");
    let bundled = std::fs::read_to_string(root().join("core/providers/microsoft.toml")).unwrap();
    assert_eq!(stage.home.run(["providers", "show", "microsoft"]).ok().stdout.trim(), bundled.trim());
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    fails(&stage.home.run(["providers", "remove", "microsoft", "--json"]), "unknown_provider");
    // Who adds a file is shown where secrets will go.
    let file = stage.home.path().join("provider.toml");
    let run = stage.home.run(["providers", "add", file.to_str().unwrap()]).ok();
    assert!(run.stderr.contains(stage.server.origin()), "{run:#?}");
}

#[test]
fn bundled_providers_are_listed() {
    let home = Home::new();
    let all = home.run(["providers", "--json"]).ok().json();
    let all = all.as_array().unwrap();
    let named: Vec<_> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(named.len() >= 64 && named.is_sorted(), "{named:?}");
    for provider in all {
        let name = provider["name"].as_str().unwrap();
        assert_eq!(provider["origin"], "bundled", "{name}");
        assert!(["high", "medium", "low"].contains(&provider["confidence"].as_str().unwrap()), "{name}");
        assert!(provider["documentation"].as_str().unwrap().starts_with("https://"), "{name}");
        let strings =
            |list: &str| provider[list].as_array().unwrap().iter().all(serde_json::Value::is_string);
        assert!(strings("api_hosts"), "{name}");
    }
    let of = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("linear")["api_hosts"], serde_json::json!(["api.linear.app"]));
    let host = serde_json::json!([{
        "name": "host", "description": "the server: gitlab.com, gitlab.example.com",
        "default": "gitlab.com", "learnt": false,
    }]);
    assert_eq!(of("gitlab")["values"], host);
    assert_eq!(of("wrike")["values"][0]["learnt"], true);

    // For people: one line for each, in columns.
    let listed = home.run(["providers"]).ok().stdout;
    let column = listed.find("CONFIDENCE").unwrap();
    assert_eq!(listed.lines().count(), 1 + named.len());
    for (line, provider) in listed.lines().skip(1).zip(all) {
        assert!(
            line.chars()
                .skip(column)
                .collect::<String>()
                .starts_with(provider["confidence"].as_str().unwrap()),
            "{line}"
        );
    }
    for name in named {
        let bundled = std::fs::read_to_string(root().join(format!("core/providers/{name}.toml"))).unwrap();
        assert_eq!(home.run(["providers", "show", name]).ok().stdout.trim(), bundled.trim(), "{name}");
    }
    // A slip of the fingers is answered with what was meant, and not with all of them.
    let failure = fails(&home.run(["providers", "show", "githb", "--json"]), "unknown_provider");
    assert!(failure.message().contains("did you mean github?"), "{failure:?}");
    assert!(
        !failure.message().contains("microsoft") && failure.help().contains("`tokenkeep providers`"),
        "{failure:?}"
    );
}

#[test]
fn broken_provider_file_names_the_line() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let good = stage.acme_definition();
    let line = 1 + good.lines().position(|line| line.starts_with("token = ")).unwrap();
    let file = stage.home.path().join("broken.toml");
    let kept = stage.home.store().join("providers/acme.toml");
    let last = good.lines().count();
    let changed = |from: &str, to: &str| good.replacen(from, to, 1);
    for (broken, line, said) in [
        (
            changed("token = \"", "token = \"ftp://"),
            line,
            "endpoints.token: expected an https URL, found \"ftp://",
        ),
        (changed("token = \"", "token = http://"), line, ""),
        (changed("token = ", "tokem = "), line, "endpoints.tokem: expected one of authorization, token,"),
        (
            changed("token = \"http", "token = \"http://login.example/\" # \"http"),
            line,
            "endpoints.token: expected an https URL, found \"http://login.example/\"",
        ),
        (changed("token = \"", "token = \"{customer}"), line, "endpoints.token: expected"),
        (changed("token = \"", "token = 1 # \""), line, "endpoints.token: expected a text, found integer 1"),
        (
            format!("{good}[token]\nbody = \"yaml\"\n"),
            last + 2,
            "token.body: expected form or json, found yaml",
        ),
        (
            format!("{good}[authorization]\ncode_challenge = \"none\"\n"),
            last + 2,
            "authorization.code_challenge: is none, and [client] secret_required is not true",
        ),
        (format!("{good}always = []\n"), last + 1, "expected each name once, found always twice"),
        (changed("display_name = \"Acme\"\n", ""), 1, "display_name: is missing"),
        (changed("schema = 1", "schema = 2"), 1, "schema: expected schema = 1, found 2"),
        ("\u{0}".to_owned(), 1, ""),
        (String::new(), 1, "schema: is missing"),
    ] {
        std::fs::write(&file, &broken).unwrap();
        let run = stage.home.run(["providers", "add", file.to_str().unwrap(), "--json"]);
        let failure = fails(&run, "config_invalid");
        let place = |name: &str| format!("{name}:{line}: {said}");
        assert!(failure.message().contains(&place("broken.toml")), "{broken}\n{failure:?}");
        assert!(!failure.help().is_empty());
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), good, "a broken file replaces nothing");

        // One that was broken by hand harms nobody else.
        std::fs::write(&kept, &broken).unwrap();
        let failure = fails(&stage.login(&["--json"]), "config_invalid");
        assert!(failure.message().contains(&place("acme.toml")), "{failure:?}");
        let run = stage.home.run(["providers", "--json"]);
        assert_eq!((run.code, run.error_code().as_str()), (10, "config_invalid"));
        assert!(run.stdout.contains("microsoft") && !run.stdout.contains("acme"), "{run:#?}");
        assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
        std::fs::write(&kept, &good).unwrap();
    }
    fails(&stage.home.run(["providers", "add", "/nonexistent.toml", "--json"]), "config_invalid");
    #[cfg(unix)]
    fails(&stage.home.run(["providers", "add", "/dev/zero", "--json"]), "config_invalid");
    stage.login(&[]).ok();
}
