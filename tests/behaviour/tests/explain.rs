//! Microsoft's error codes: what is said of them when somebody asks, and when they come.

use authorization_server::Decision;
use serde_json::{Value, json};
use tokenkeep_behaviour::{CLIENT_ID, Failure, Stage, fails, person};
use tokenkeep_test_support::{Home, root};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The codes of the table.
fn codes() -> Vec<String> {
    let table = std::fs::read_to_string(root().join("core/src/protocol/aadsts.toml")).unwrap();
    let code = |line: &str| line.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
    table.lines().filter_map(code).collect()
}

/// What `explain` says of these codes.
fn explained(text: &str) -> Vec<Value> {
    let run = Home::new().run(["explain", "--json", text]).ok();
    serde_json::from_str::<Vec<Value>>(&run.stdout).unwrap()
}

/// The one command at the end of a help.
fn command(failure: &Failure) -> String {
    let commands: Vec<_> = failure.help().lines().last().unwrap().split('`').skip(1).step_by(2).collect();
    assert_eq!(commands.len(), 1, "{failure:?}");
    commands[0].to_owned()
}

#[test]
fn explain_says_who_must_act() {
    let codes = codes();
    assert!(codes.len() >= 146, "{}", codes.len());
    let all = explained(&codes.join(" "));
    assert_eq!(all.len(), codes.len());
    for (code, explanation) in codes.iter().zip(&all) {
        assert_eq!(explanation["code"], format!("AADSTS{code}"));
        let who = explanation["who"].as_str().unwrap();
        assert!(["user", "developer", "administrator", "service", "nobody"].contains(&who), "{explanation}");
        for member in ["name", "meaning", "remedy"] {
            assert!(!explanation[member].as_str().unwrap().is_empty(), "{explanation}");
        }
        let command = &explanation["command"];
        assert!(command.is_null() || command.as_str().unwrap().starts_with("tokenkeep "), "{explanation}");
    }

    // To a person, on a machine where nobody has ever logged in.
    let home = Home::new().without("HOME");
    let said = home.run(["explain", "aadsts65001"]).ok().stdout;
    assert_eq!(explained("65001"), explained("AADSTS65001"));
    let consent = &explained("65001")[0];
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], format!("AADSTS65001 {}", consent["name"].as_str().unwrap()));
    assert_eq!(lines[2], "Who: user");
    assert_eq!(
        [lines[1], lines[3], lines[4].trim()],
        ["meaning", "remedy", "command"].map(|m| consent[m].as_str().unwrap())
    );
    assert!(!home.store().exists(), "a question about a code makes no store");

    // A whole error, as it was pasted: each code once, and no number that is something else.
    let pasted = json!({
        "error": "invalid_grant",
        "error_description": "AADSTS50076: no. Trace ID: 65001 AADSTS53003 AADSTS1",
        "error_codes": [50076], "port": 50173,
    });
    let run = home.run_with_stdin(["explain", "--json"], &pasted.to_string()).ok();
    let found = run.json();
    let found: Vec<_> = found.as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(found, ["AADSTS50076", "AADSTS53003"]);

    for unknown in ["AADSTS4711", "4711"] {
        let failure = fails(&home.run(["explain", "--json", unknown]), "config_invalid");
        assert!(failure.help().contains("https://login.microsoftonline.com/error?code=4711"), "{failure:?}");
    }
    let failure = fails(&home.run(["explain", "--json", "port", "65001"]), "config_invalid");
    assert!(failure.help().contains("AADSTS65001"), "{failure:?}");
}

#[test]
fn help_of_an_error_is_its_explanation() {
    let stage = Stage::microsoft();
    let work = ["--connection", "work"];
    // Each as Microsoft sends it: the grant lives on; the grant has ended; the app is to be put right.
    let refusals = [
        ("interaction_required", json!({"error": "invalid_grant", "suberror": "basic_action"}), 50076),
        ("login_required", json!({"error": "invalid_grant"}), 50173),
        ("provider_rejected", json!({"error": "invalid_client"}), 7000222),
    ];
    for (code, mut refusal, number) in refusals {
        stage.login_expired(&work);
        refusal["type"] = json!("error");
        refusal["numbers"] = json!([number]);
        stage.at_refresh(1, &refusal);
        let failure = fails(&stage.token(&["--json", "--connection", "work"]), code);
        let explanation = &explained(&number.to_string())[0];
        assert!(failure.help().contains(explanation["remedy"].as_str().unwrap()), "{failure:?}");
        let own = explanation["command"].as_str().unwrap();
        assert_eq!(command(&failure), own.replace("login microsoft", "login microsoft --connection work"));
        assert_eq!(failure.member("server")["error_codes"], json!([number]));
    }

    // What a support request needs is told with the refusal, and again while it is kept.
    stage.login_expired(&work);
    let refusal =
        json!({"type": "error", "error": "invalid_grant", "suberror": "message_only", "numbers": [53003]});
    stage.at_refresh(1, &refusal);
    let before = stage.refreshes().len();
    let first = fails(&stage.token(&["--json", "--connection", "work"]), "interaction_required");
    let again = fails(&stage.token(&["--json", "--connection", "work"]), "interaction_required");
    assert_eq!(stage.refreshes().len(), before + 1);
    assert_eq!((first.help(), first.member("server")), (again.help(), again.member("server")));
    let [correlation, trace] =
        ["correlation_id", "trace_id"].map(|id| again.member("server")[id].as_str().unwrap());
    let run = stage.token(&["--connection", "work"]);
    let line = format!("for a support request: correlation id {correlation}, trace id {trace}");
    assert!(correlation.len() == 36 && run.stderr.contains(&line), "{run:#?}");

    // A login that failed is not remembered: the command has what it was given.
    stage.at_redemption(1, &json!({"type": "error", "error": "invalid_client", "numbers": [7000218]}));
    let failure = fails(
        &stage.login(&["--json", "--connection", "home", "--scopes", "Mail.Read"]),
        "provider_rejected",
    );
    assert!(failure.help().contains("Authentication -> Allow public client flows"), "{failure:?}");
    let again =
        format!("tokenkeep login microsoft --connection home --client-id {CLIENT_ID} --scopes \"Mail.Read\"");
    assert_eq!(command(&failure), again);
}

#[test]
fn device_code_blocked_suggests_the_browser() {
    // Hints alone: what kind of error it is, `error` and `suberror` say.
    let stage = Stage::microsoft();
    stage.change(|live| live.device_interval = 1);
    let device = ["--json", "--connection", "work", "--flow", "device-code"];
    let with_client =
        format!("tokenkeep login microsoft --connection work --flow FLOW --client-id {CLIENT_ID}");
    let with = |flow: &str| with_client.replace("FLOW", flow);
    let kinds = [
        ("access_denied", "access_denied", 53003),
        ("access_denied", "authorization_declined", 50005),
        ("login_required", "invalid_grant", 53000),
        ("login_required", "invalid_grant", 530_035),
    ];
    for (code, error, number) in kinds {
        let action = json!({"type": "error", "error": error, "numbers": [number]});
        stage.fault(json!({"endpoint": "token", "grant_type": DEVICE_CODE, "action": action}));
        let failure = fails(&stage.home.run(stage.login_arguments(&device)), code);
        assert_eq!(command(&failure), with("pkce"), "{number}");
        assert_eq!(failure.member("server")["error_codes"], json!([number]));
        assert_eq!(
            failure.member("server")["correlation_id"].as_str().map(str::len),
            Some(36),
            "{failure:?}"
        );
    }
    // Before there is a code, too.
    let action = json!({"type": "error", "error": "invalid_grant", "numbers": [53003]});
    stage.fault(json!({"endpoint": "device", "action": action}));
    let failure = fails(&stage.home.run(stage.login_arguments(&device)), "login_required");
    assert_eq!(command(&failure), with("pkce"));

    // The other way round: what the browser met, a device code can do without.
    let browser = ["--json", "--connection", "work", "--flow", "pkce"];
    for number in [50011, 500_113] {
        stage.at_redemption(1, &json!({"type": "error", "error": "invalid_request", "numbers": [number]}));
        let failure = fails(&stage.login(&browser), "provider_rejected");
        assert!(failure.help().contains("http://localhost/callback"), "{failure:?}");
        assert_eq!(command(&failure), with("device-code"), "{number}");
    }
    // What the browser met and a device code would meet as well is tried again as it was.
    stage.at_redemption(1, &json!({"type": "error", "error": "access_denied", "numbers": [53003]}));
    assert_eq!(command(&fails(&stage.login(&browser), "access_denied")), with("pkce"));

    // Nobody but the person said no: there is no way to get by.
    let mut login = stage.begin_login(&["--json", "--flow", "device-code"]);
    let user_code = login.running.stderr_line(|line| line.len() == 9 && line.contains('-'));
    person::enter_user_code(&login.url, &user_code, Decision::Deny);
    let failure = fails(&login.finish(), "access_denied");
    assert!(!failure.help().contains("--flow pkce"), "{failure:?}");
}
