//! How the URL gets to the browser.

use tokenkeep_behaviour::{Stage, UnderWay, person};

#[test]
fn browser_cannot_be_started() {
    let stage = Stage::microsoft();
    // begin_login finds the URL on a line of its own, and is still waiting then.
    let mut login = stage.begin_login(&["--browser", "/nonexistent/browser"]);
    login.running.stderr_line(|line| line.contains("no browser could be started"));
    assert!(!login.running.has_ended());
    person::visit(&login.url);
    login.finish().ok();

    let mut stage = Stage::microsoft();
    stage.home = std::mem::take(&mut stage.home).with("BROWSER", "/nonexistent/a:/nonexistent/b");
    let login = UnderWay::wait(stage.home.start(stage.login_arguments(&["--flow", "pkce"])));
    person::visit(&login.url);
    login.finish().ok();
}

// The core has a test of it without a script.
#[cfg(unix)]
#[test]
fn browser_gets_the_url_as_one_argument() {
    use tokenkeep_test_support::write_program;
    use url::Url;
    let stage = Stage::acme();
    // Everything that a shell would act on, in the address of the provider's own page.
    let nasty = "/authorize?a=$(touch pwned)&b='\\\";touch pwned;'`touch pwned`&c=--flag %0a|x>pwned";
    let definition = stage.acme_definition().replacen("/authorize", nasty, 1);
    stage.home.add_provider(&definition);
    let (browser, record) = (stage.home.path().join("a browser"), stage.home.path().join("record"));
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\nexec '{1}' \"$@\"\n",
        record.display(),
        person::browser()
    );
    write_program(&browser, &script);

    let run = stage.login(&["--browser", browser.to_str().unwrap()]).ok();
    let shown = run.stderr.lines().find(|line| line.starts_with("http")).unwrap();
    let recorded = std::fs::read_to_string(record).unwrap();
    assert_eq!(recorded.lines().collect::<Vec<_>>(), ["1", shown]);
    let pairs: Vec<_> = Url::parse(shown).unwrap().query_pairs().into_owned().collect();
    assert_eq!(pairs[0], ("a".to_owned(), "$(touch pwned)".to_owned()));
    assert!(pairs[1].1.starts_with("'\";touch pwned;'`touch") && pairs.len() > 8, "{pairs:?}");
    assert!(!stage.home.path().join("pwned").exists());
}
