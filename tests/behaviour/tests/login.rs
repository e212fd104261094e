//! A person logs in with the browser, by pasting, or does not finish.

use std::time::Duration;

use authorization_server::{AuthenticationMethod, Endpoint, Person};
use tokenkeep_behaviour::{CLIENT_ID, Stage, fails, is_closed, person};

#[test]
fn login_with_the_browser() {
    // Microsoft: the answer comes in a form.
    let stage = Stage::microsoft();
    let run = stage.login(&[]).ok();
    assert!(run.stdout.is_empty() && run.stderr.contains("Logged in to Microsoft as person@example.com"));

    let entries = stage.server.journal().entries();
    let asked = entries.iter().find(|entry| entry.endpoint == Endpoint::Authorize).unwrap();
    assert_eq!(asked.path, "/common/oauth2/v2.0/authorize");
    for (name, value) in [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("client_info", "1"),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
        ("scope", "https://graph.microsoft.com/User.Read openid profile offline_access"),
    ] {
        assert_eq!(asked.parameters[name], value);
    }
    let redirect_uri = &asked.parameters["redirect_uri"];
    assert!(redirect_uri.starts_with("http://localhost:") && redirect_uri.ends_with("/callback"));
    assert!(!asked.parameters.contains_key("resource"));

    let [redeemed] = &stage.asked("authorization_code")[..] else { panic!("{entries:#?}") };
    assert_eq!(redeemed.path, "/common/oauth2/v2.0/token");
    assert_eq!(redeemed.client_authentication, Some(AuthenticationMethod::None));
    assert_eq!(redeemed.parameters["client_info"], "1");
    assert_eq!(&redeemed.parameters["redirect_uri"], redirect_uri);
    for absent in ["client_secret", "resource"] {
        assert!(!redeemed.parameters.contains_key(absent), "{absent}");
    }
    assert!(!redeemed.origin, "Entra takes whoever sends an Origin for a web page");
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);

    // Any other server: the answer comes in the address.
    let stage = Stage::oidc();
    stage.login(&[]).ok();
    let entries = stage.server.journal().entries();
    let asked = entries.iter().find(|entry| entry.endpoint == Endpoint::Authorize).unwrap();
    assert!(!asked.parameters.contains_key("response_mode"));
    assert!(asked.parameters["redirect_uri"].starts_with("http://127.0.0.1:"));
    assert_eq!(asked.parameters["scope"], "openid offline_access");
    // OIDC Core 11: offline_access is granted when consent is asked for.
    assert_eq!(asked.parameters["prompt"], "consent");
    assert_eq!(stage.resource(&stage.access_token(&[])), 200);
}

#[test]
fn form_post_was_asked_and_a_query_is_taken() {
    let stage = Stage::microsoft();
    let login = stage.begin_login(&[]);
    let mut url = login.url.clone();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(login.url.query_pairs().filter(|(name, _)| name != "response_mode"));
    let page = person::visit(&url);
    login.finish().ok();
    // The last page has a clean address, and nothing of the answer in it.
    assert_eq!((page.status, page.url.query()), (200, None));
    assert!(page.text().contains("You are logged in to Microsoft"));
    assert!(!page.text().contains("code-") && !page.text().contains("<script"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
}

#[test]
fn login_by_pasting_the_redirect_url() {
    let stage = Stage::microsoft();
    let mut login = stage.begin_login(&["--paste"]);
    // A form post cannot be pasted.
    assert!(login.url.query_pairs().all(|(name, _)| name != "response_mode"));
    let pasted = person::redirected(&login.url);
    login.running.write_stdin("this is not an address\n");
    login.running.stderr_line(|line| line.contains("Still waiting"));
    let foreign = pasted.as_str().replace("state=", "state=x");
    login.running.write_stdin(&format!("{foreign}\n"));
    login.running.stderr_line(|line| line.contains("Still waiting"));
    assert!(stage.asked("authorization_code").is_empty(), "a foreign answer is not redeemed");
    login.running.write_stdin(&format!("  {pasted}  \n"));
    login.finish().ok();
    assert_eq!(stage.field("status", &[]), "connected");

    // Nobody pastes anything.
    let run = stage.begin_login(&["--paste", "--json", "--connection", "other"]).finish();
    fails(&run, "unsupported");
}

#[test]
fn login_denied() {
    let stage = Stage::microsoft();
    stage.change(|live| live.person = Person::Form);
    let denier = format!("{} --deny", person::browser());
    let failure = fails(&stage.login(&["--json", "--browser", &denier]), "access_denied");
    assert!(failure.message().contains("access_denied"), "{failure:?}");
    assert_eq!(failure.member("server")["error"], "access_denied");
    assert!(stage.asked("authorization_code").is_empty() && stage.records().is_empty());
    // The same person has another thought.
    stage.login(&[]).ok();
}

#[test]
fn login_timed_out() {
    let stage = Stage::microsoft();
    let login = stage.begin_login(&["--json", "--timeout", "1"]);
    let port = login.port();
    assert_ne!(person::get(&login.redirect("")).status, 200, "the redirect is listened to");
    let run = login.finish();
    assert!(run.took >= Duration::from_secs(1) && run.took < Duration::from_secs(5), "{run:#?}");
    assert!(fails(&run, "login_timed_out").help().contains("--timeout"));
    assert!(is_closed(port));
    assert!(stage.records().is_empty());
}

// On Windows a key on a terminal is the only signal: `scripts/test-windows.sh` presses it.
#[cfg(unix)]
#[test]
fn login_cancelled_by_ctrl_c() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let before = stage.records();
    let login = stage.begin_login(&["--json"]);
    let port = login.port();
    let pressed = std::time::Instant::now();
    login.running.signal("INT");
    let run = login.finish();
    assert!(is_closed(port) && pressed.elapsed() < Duration::from_secs(1), "{:?}", pressed.elapsed());
    fails(&run, "login_cancelled");
    assert_eq!(stage.records(), before, "the store is as it was");
}
