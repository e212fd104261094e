//! N14 to N18, and the lifetimes beside T4: bodies that no server should send. Each is a typed error in one line
//! that repeats nothing of it, or is read as what it must mean. None ends a login.

use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{Act, Scene, Trial};
use tokenkeep_test_support::{report, scaled};

/// A token that no server made: what is accepted in spite of its dress hands this out.
const TOKEN: &str = "made-up-token";

/// Meets each of these bodies under 200 and `application/json`, and says how many were refused.
#[track_caller]
fn all_refused(scene: &Scene, cases: &[(&str, &str, Vec<u8>)]) -> String {
    let trials: Vec<Trial> =
        cases.iter().map(|(name, code, body)| scene.try_answer(name, code, Act::json(body))).collect();
    let slowest = trials.iter().map(|trial| trial.took).max().unwrap_or_default();
    format!("{} of {} refused, the slowest in {:.1} s", trials.len(), cases.len(), slowest.as_secs_f64())
}

fn member(name: &str, value: &str) -> Vec<u8> {
    format!("{{\"token_type\":\"Bearer\",\"{name}\":{value},\"expires_in\":3600}}").into_bytes()
}

#[test]
fn what_is_no_text_is_refused() {
    let utf16: Vec<u8> = r#"{"access_token":"canary"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut cases = vec![
        ("bytes", "network", vec![0xff, 0xfe, 0x00, 0x01]),
        ("latin-1 token", "provider_rejected", b"{\"access_token\":\"canary-\xe9\"}".to_vec()),
        ("utf-16", "provider_rejected", utf16.clone()),
        ("utf-16 with its mark", "network", [&[0xff, 0xfe][..], &utf16].concat()),
        ("half a surrogate", "provider_rejected", member("access_token", r#""canary\ud800""#)),
        ("overlong", "provider_rejected", b"{\"access_token\":\"canary\xc0\x80\"}".to_vec()),
    ];
    // Every byte that is no text, in the place of a token's character.
    for byte in (0x80..=0xff_u8).step_by(scaled(60, 8)) {
        cases.push((
            "a byte",
            "provider_rejected",
            [b"{\"access_token\":\"canary", &[byte][..], b"\"}"].concat(),
        ));
    }
    let scene = Scene::new();
    let figure = all_refused(&scene, &cases);
    // What is not read need not be text.
    let body =
        [br#"{"access_token":"made-up-token","expires_in":3600,"x":""#, &[0xe9][..], br#""}"#].concat();
    scene.accepts("latin-1 in an unknown member", TOKEN, Act::json(body));
    report("N14", figure);
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let cases = [
        r#"{"access_token":"canary-a","access_token":"canary-b","token_type":"Bearer"}"#,
        r#"{"access_token":"canary-a","access\u005ftoken":"canary-b","token_type":"Bearer"}"#,
        r#"{"access_token":null,"access_token":"canary-b"}"#,
        r#"{"access_token":"canary-a","refresh_token":"canary-b","refresh_token":"canary-c"}"#,
        r#"{"access_token":"canary-a","expires_in":1,"expires_in":99999}"#,
        r#"{"error":"invalid_grant","error":"canary"}"#,
    ];
    let cases = cases.map(|body| ("repeated", "provider_rejected", body.as_bytes().to_vec()));
    report("N15", all_refused(&Scene::new(), &cases));
}

#[test]
fn what_is_no_number_or_too_deep_is_refused() {
    let scene = Scene::new();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let mut cases: Vec<(&str, &str, Vec<u8>)> = ["NaN", "Infinity", "-Infinity", "1e999", "0x10", "+1", "01"]
        .map(|number| {
            let body = format!("{{\"access_token\":\"canary\",\"expires_in\":{number}}}");
            (number, "provider_rejected", body.into_bytes())
        })
        .into();
    cases.push(("a known member", "provider_rejected", member("access_token", &nested(10_000))));
    cases.push(("another known member", "provider_rejected", member("scope", &nested(10_000))));
    cases.push(("never closed", "provider_rejected", "{\"x\":".repeat(100_000).into_bytes()));
    cases.push(("a list", "network", nested(100_000).into_bytes()));
    let figure = all_refused(&scene, &cases);
    // What is not read may nest as it likes, as far as an answer may be long.
    for depth in [10_000, 400_000] {
        let body = format!("{{\"x\":{},\"access_token\":\"{TOKEN}\",\"expires_in\":3600}}", nested(depth));
        scene.accepts("an unknown member", TOKEN, Act::json(body));
    }
    report("N16", format!("{figure}; unknown members 400,000 deep are skipped"));
}

#[test]
fn an_error_is_one_under_any_status() {
    let cases = [
        r#"{"error":"x"}"#,
        r#"{"error":"x","error_description":"canary-canary-canary-canary-canary-canary-canary"}"#,
        r#"{"error":"invalid_client","access_token":"canary"}"#,
        r#"{"access_token":"canary","token_type":"Bearer","error":"server_is_tired"}"#,
        r#"{}"#,
        r#"{"error":null}"#,
    ];
    let cases = cases.map(|body| ("an error", "provider_rejected", body.as_bytes().to_vec()));
    report("N17", all_refused(&Scene::new(), &cases));
}

#[test]
fn what_could_not_stand_in_a_header_is_no_token() {
    let mut tokens: Vec<(&str, String)> = vec![
        ("empty", String::new()),
        ("blank", "   ".into()),
        ("header injection", r"canary\r\nX-Evil: 1".into()),
        ("line feed", r"canary\nX-Evil: 1".into()),
        ("outside ASCII", r"canary\u00e9".into()),
        ("1 MB", "c".repeat(1_000_000)),
        ("over 128 KiB", "c".repeat(131_073)),
    ];
    let controls = (0..0x20).chain([0x7f, 0x85, 0x2028]).map(|control| format!("canary\\u{control:04x}x"));
    tokens.extend(controls.step_by(scaled(8, 1)).map(|token| ("control", token)));
    let mut cases = Vec::new();
    for (name, token) in tokens {
        cases.push((name, "provider_rejected", member("access_token", &format!("\"{token}\""))));
    }
    // A refresh token is as dangerous in a store as an access token in a header. An empty one is none.
    let body = r#"{"access_token":"canary","refresh_token":"canary\r\nx","expires_in":3600}"#;
    cases.push(("refresh token", "provider_rejected", body.into()));
    report("N18", all_refused(&Scene::new(), &cases));
}

#[test]
fn a_lifetime_is_read_as_far_as_it_can_be() {
    let scene = Scene::new();
    let lifetime =
        |value: &str| Act::json(format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":{value}}}"));
    // How long the token then is good for, at least and at most.
    let hour = (3590, 3600);
    let ten_years = (315_359_990, 315_360_000);
    let cases = [
        ("3600", hour),
        ("\"3600\"", hour),
        ("3600.9", hour),
        ("\" 3600.0 \"", hour),
        ("null", hour),
        ("\"\"", hour),
        ("9007199254740992", ten_years),
        ("18446744073709551616", ten_years),
        ("1e308", ten_years),
        ("\"9007199254740992\"", ten_years),
    ];
    for (value, (at_least, at_most)) in cases {
        scene.login("lifetime");
        scene.endpoint.next(lifetime(value));
        let asked = |more: &[&str]| {
            let run = scene.start("lifetime", more).finish().ok();
            run.stdout.trim_end().to_owned()
        };
        assert_eq!(asked(&["--force-refresh"]), TOKEN, "{value}");
        scene.endpoint.arrived();
        // What is good for long enough is not asked for again.
        assert_eq!(asked(&["--min-lifetime", &at_least.to_string()]), TOKEN, "{value}");
        assert_eq!(scene.endpoint.arrived().len(), 0, "{value}: good for {at_least} s");
        let shown = scene.start("lifetime", &["--json"]).finish().ok().json();
        let expires_at = shown["expires_at"].as_str().unwrap_or_default().to_owned();
        assert!(expires_at.len() == 20 && expires_at.ends_with('Z'), "{value}: {shown}");
        asked(&["--min-lifetime", &(at_most + 1).to_string()]);
        assert_eq!(scene.endpoint.arrived().len(), 1, "{value}: good for no more than {at_most} s");
    }
    // A negative one has passed: the token is handed out once, and the next call waits for another.
    for value in ["-1", "-1e308", "\"-3600\"", "-9223372036854775809"] {
        scene.login("passed");
        scene.endpoint.next(lifetime(value));
        assert_eq!(scene.refresh("passed", &[]).finish().ok().stdout.trim_end(), TOKEN, "{value}");
        scene.endpoint.arrived();
        fails(&scene.start("passed", &["--json"]).finish(), "throttled");
        assert_eq!(scene.endpoint.arrived().len(), 0, "{value}");
    }
    for value in ["true", "[3600]", "{}", "\"soon\"", "\"NaN\"", "\"1e999\""] {
        scene.try_answer(value, "provider_rejected", lifetime(value));
    }
    report(
        "T4",
        "expires_in: 10 spellings read, cut at ten years; 4 negative ones are over; 6 that are no number refused",
    );
}
