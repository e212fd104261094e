//! An administrator consents for all of their organization.

use std::collections::BTreeMap;

use authorization_server::Person;
use serde_json::json;
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails, person};
use url::Url;

const TENANT: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";

/// `tokenkeep admin-consent microsoft ... --json`: the address, and its parameters.
#[track_caller]
fn asked(stage: &Stage, more: &[&str]) -> (Url, BTreeMap<String, String>, String) {
    let arguments = ["admin-consent", "microsoft", "--json"].iter().chain(more);
    let shown = stage.home.run(arguments).ok().json();
    let url: Url = shown["url"].as_str().unwrap().parse().unwrap();
    let parameters: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let state = shown["state"].as_str().unwrap().to_owned();
    assert_eq!(
        (&parameters["state"], &parameters["redirect_uri"]),
        (&state, &shown["redirect_uri"].as_str().unwrap().to_owned())
    );
    (url, parameters, state)
}

#[test]
fn admin_consent_url_and_answer() {
    let stage = Stage::microsoft();
    // Before anybody has logged in: what a login would ask for, without what is about the person.
    let failure = fails(&stage.home.run(["admin-consent", "microsoft", "--json"]), "registration_missing");
    assert!(failure.help().contains("http://localhost/callback"), "{failure:?}");
    let (url, parameters, state) = asked(&stage, &["--client-id", CLIENT_ID]);
    assert_eq!(url.path(), "/organizations/v2.0/adminconsent");
    assert_eq!(url.origin().ascii_serialization(), stage.server.origin());
    assert_eq!(parameters["client_id"], CLIENT_ID);
    assert_eq!(parameters["scope"], "https://graph.microsoft.com/User.Read");
    assert_eq!(parameters["redirect_uri"], "http://localhost/callback");
    assert!(state.len() >= 43 && asked(&stage, &["--client-id", CLIENT_ID]).2 != state);
    assert!(stage.server.journal().entries().is_empty(), "nothing is sent");

    // What the connection has; what is named replaces it.
    stage.login(&["--tenant", "contoso.example", "--scopes", "User.Read Mail.Send"]).ok();
    let (url, parameters, _) = asked(&stage, &[]);
    assert_eq!(url.path(), "/contoso.example/v2.0/adminconsent");
    assert_eq!(parameters["scope"], "User.Read Mail.Send");
    let named =
        ["--tenant", TENANT, "--scopes", "teams-read", "--redirect-uri", "https://app.example/consented"];
    let (url, parameters, _) = asked(&stage, &named);
    assert_eq!(url.path(), format!("/{TENANT}/v2.0/adminconsent"));
    assert_eq!(parameters["redirect_uri"], "https://app.example/consented");
    assert!(parameters["scope"].contains("Team.ReadBasic.All"), "{parameters:?}");
    let (url, ..) = asked(&stage, &["--tenant", "common", "--cloud", "china"]);
    assert_eq!(url.host_str(), Some("login.partner.microsoftonline.cn"));
    assert_eq!(url.path(), "/organizations/v2.0/adminconsent");
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    for wrong in [
        ["--tenant", "consumers"],
        ["--tenant", personal],
        ["--tenant", "../common"],
        ["--redirect-uri", "/consented"],
        ["--redirect-uri", "https://app.example/#here"],
        ["--scopes", "openid profile"],
    ] {
        let arguments = ["admin-consent", "microsoft", "--json"].into_iter().chain(wrong);
        fails(&stage.home.run(arguments), "config_invalid");
    }
    fails(&stage.home.run(["admin-consent", "github", "--json"]), "unsupported");
    // For people: the address alone, and beside it what to do with it.
    let run = stage.home.run(["admin-consent", "microsoft"]).ok();
    assert!(run.stdout.starts_with(stage.server.origin()) && run.stdout.lines().count() == 1, "{run:#?}");
    assert!(run.stderr.contains("--state") && run.stderr.contains("--answer"), "{run:#?}");

    let read_address = |state: &str, address: &str| {
        stage.home.run(["admin-consent", "microsoft", "--json", "--state", state, "--answer", address])
    };
    // An administrator says yes, and another one no; the server is Entra's double.
    for (answer, name) in [(Person::Approve, "yes"), (Person::Deny, "no")] {
        stage.change(|live| live.person = answer);
        let (url, _, state) = asked(&stage, &["--tenant", TENANT]);
        let run = read_address(&state, person::redirected(&url).as_str());
        if name == "yes" {
            let consent = run.ok().json();
            assert_eq!(consent["tenant"], TENANT);
            assert_eq!(consent["scopes"], json!(["User.Read", "Mail.Send"]));
        } else {
            assert!(fails(&run, "access_denied").help().contains("administrator"), "{run:#?}");
        }
    }

    let read = |state: &str, query: &str| read_address(state, &format!("http://localhost/callback?{query}"));
    let yes = format!("admin_consent=True&tenant={TENANT}&scope=User.Read+Mail.Send&state={state}");
    let consent = read(&state, &yes).ok().json();
    assert_eq!(consent["tenant"], TENANT);
    assert_eq!(consent["scopes"], json!(["User.Read", "Mail.Send"]));
    // Entra puts `admin_consent=True` into a refusal as well.
    let no = format!(
        "admin_consent=True&tenant={TENANT}&state={state}&error=consent_required&error_description=AADSTS65004%3a+User+declined"
    );
    let failure = fails(&read(&state, &no), "access_denied");
    assert_eq!(failure.member("server")["error"], "consent_required");
    for strange in [
        yes.replace(&state, "another"),
        yes.replace("&state", "&stat"),
        yes.replace("True", "False"),
        format!("{yes}&state={state}"),
        format!("error=access_denied&state=x{state}"),
        String::new(),
    ] {
        fails(&read(&state, &strange), "provider_rejected");
    }
}
