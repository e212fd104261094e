//! Providers that differ from customer to customer, and from the standards.

use authorization_server::Entry;
use serde_json::{Value, json};
use tokenkeep::TokenOptions;
use tokenkeep_behaviour::{Stage, block_on, fails, person};
use url::Url;

/// The file of `acme` with these sections beside the usual ones.
fn with_file(stage: &Stage, more: &str) {
    stage.home.add_provider(&stage.acme_definition().replace("[client]", &format!("{more}\n[client]")));
}

/// What is kept of the login.
fn connection(stage: &Stage) -> Value {
    stage.home.run(["get", "acme", "--json"]).ok().json()
}

/// The paths that were asked for, in their order.
fn paths(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.path.as_str()).collect()
}

#[test]
fn values_fill_the_endpoints_of_a_provider() {
    let stage = Stage::acme();
    let origin = stage.server.origin();
    let own = stage.acme_definition().replace(&format!("\"{origin}"), &format!("\"{origin}/c/{{customer}}"));
    let values = "[values.customer]\ndescription = \"what stands before .acme.example\"\n[api]\n\
                  hosts = [\"{customer}.acme.example\"]\n[client]";
    stage.home.add_provider(&own.replace("[client]", values));

    // Nobody is asked anything before the value is known, and of its form.
    let failure = fails(&stage.login(&["--json"]), "config_invalid");
    let message = "Acme needs the value customer: what stands before .acme.example";
    assert_eq!(failure.message(), message);
    assert!(failure.help().contains("tokenkeep login acme --value customer=VALUE"), "{failure:?}");
    for bad in ["a.b", "a/b", "a@evil.example", "a#", "a?b", "a:1", "", "..", "-a"] {
        let failure =
            fails(&stage.login(&["--json", "--value", &format!("customer={bad}")]), "config_invalid");
        assert!(
            failure.message().contains("the value customer of Acme must be one label"),
            "{bad}: {failure:?}"
        );
    }
    let failure = fails(&stage.login(&["--json", "--value", "shop=one"]), "config_invalid");
    assert!(failure.message().contains("\"shop\"; it has customer"), "{failure:?}");
    assert!(stage.server.journal().entries().is_empty(), "nothing was asked of anybody");

    stage.login(&["--value", "customer=One"]).ok();
    let all = stage.server.journal().entries();
    assert_eq!(paths(&all), ["/c/one/authorize", "/c/one/token"]);
    let kept = connection(&stage);
    assert_eq!(kept["values"], json!({"customer": "one"}));
    assert_eq!(kept["api_hosts"], json!(["one.acme.example"]));

    // It is remembered; another one is another customer, beside the first.
    stage.login(&[]).ok();
    stage.login(&["--connection", "two", "--value", "customer=two"]).ok();
    // What a record says is enough: the file is of no more concern.
    stage.home.run(["providers", "remove", "acme"]).ok();
    stage.access_token(&["--force-refresh"]);
    stage.access_token(&["--force-refresh", "--connection", "two"]);
    stage.home.run(["logout", "acme"]).ok();
    let all = stage.server.journal().entries();
    let tokens: Vec<_> = paths(&all).into_iter().filter(|path| !path.ends_with("/authorize")).collect();
    let expected =
        ["/c/one/token", "/c/one/token", "/c/two/token", "/c/one/token", "/c/two/token", "/c/one/revoke"];
    assert_eq!(tokens, expected);
}

#[test]
fn values_are_learnt_from_the_server() {
    let stage = Stage::acme();
    with_file(
        &stage,
        "[values.instance_url]\nform = \"https_url\"\nfrom = \"token_response\"\nallowed = [\"*.acme.example\"]\n\
         [values.company]\nform = \"text\"\nfrom = \"authorization_response\"\nmember = \"companyId\"\n\
         [api]\nhosts = [\"{instance_url}\"]",
    );
    let says = |address: &str| {
        stage.change(|live| {
            live.token_response.members = json!({"instance_url": address}).as_object().unwrap().clone();
        });
    };
    says("https://One.acme.example/");
    let mut login = stage.begin_login(&["--paste"]);
    let pasted = person::redirected(&login.url);
    login.running.write_stdin(&format!("{pasted}&companyId=9341453\n"));
    login.finish().ok();
    let kept = connection(&stage);
    assert_eq!(kept["values"], json!({"company": "9341453", "instance_url": "https://one.acme.example"}));
    assert_eq!(kept["api_hosts"], json!(["one.acme.example"]));

    // A server that is not itself, or a proxy, sends no token elsewhere: nothing is kept of such an answer.
    for address in [
        "https://one.acme.example.evil.example",
        "https://evil.example/.acme.example",
        "https://evil.example#one.acme.example",
        "https://one.acme.example@evil.example",
        "http://one.acme.example",
        "javascript:alert(1)",
    ] {
        says(address);
        let failure = fails(&stage.login(&["--json"]), "provider_rejected");
        assert!(failure.message().starts_with("the server's instance_url must be"), "{failure:?}");
        assert!(!failure.message().contains("evil"), "{failure:?}");
        assert_eq!(connection(&stage)["values"], kept["values"], "the earlier login stays");
    }
    // What is learnt is nobody's to say.
    let run = stage.login(&["--json", "--value", "instance_url=https://one.acme.example"]);
    let failure = fails(&run, "config_invalid");
    assert!(failure.message().contains("is learnt from the server"), "{failure:?}");
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
}

#[test]
fn a_token_goes_in_the_header_of_its_api() {
    for (header, scheme, sent) in
        [("X-Acme-Token", "", ""), ("Authorization", "Acme-oauthtoken", "Acme-oauthtoken ")]
    {
        let stage = Stage::acme();
        with_file(
            &stage,
            &format!("[api]\nhosts = [\"127.0.0.1\"]\nheader = \"{header}\"\nscheme = \"{scheme}\""),
        );
        stage.change(|live| {
            live.api.header = header.to_ascii_lowercase();
            live.api.scheme = scheme.to_owned();
        });
        stage.login(&[]).ok();
        let shown = stage.token(&["--json"]).ok().json();
        assert_eq!(shown["header_name"], header);
        let token = block_on(async {
            stage.broker().token(&"acme".parse().unwrap(), &TokenOptions::default()).await.unwrap()
        });
        let line = token.authorization_header();
        assert_eq!(line.expose(), format!("{sent}{}", shown["access_token"].as_str().unwrap()));
        let api = Url::parse(&format!("{}/api", stage.server.origin())).unwrap();
        assert_eq!(person::get_with(&api, &[(token.header_name(), line.expose())]).status, 200, "{header}");
        assert_eq!(person::get_with_token(&api, token.secret.expose()).status, 401, "{header}");
        // The record says how, whatever becomes of the file.
        stage.home.run(["providers", "remove", "acme"]).ok();
        assert_eq!(stage.token(&["--json", "--force-refresh"]).ok().json()["header_name"], header);
    }
}
