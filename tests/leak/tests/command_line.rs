//! The command line, in every situation that handles secrets, at its most talkative: neither what it prints
//! nor what it leaves behind nor what others can see of it holds one.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::process::Command;

use serde_json::json;
use tokenkeep_leak::{Answer, Asked, Scene, Stdout};
use tokenkeep_test_support::{request, run};

const OPENID: &str = r#""openid", "offline_access", "read""#;
const PLAIN: &str = r#""offline_access", "read""#;
const CLIENT_SECRET: &str = "s3cret:with%special+chars &=";
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "id_token"];
const REFRESH: [&str; 3] = ["token", "leak", "--force-refresh"];

/// A response that quotes secrets.
type Quote = fn(&str) -> String;

#[test]
fn a_life_of_a_connection_of_a_confidential_client() {
    let mut scene = Scene::new(OPENID);
    scene.say(&format!("{CLIENT_SECRET}\n"));
    scene.log_in(&["--client-id", "confidential-basic", "--client-secret-stdin"]).ok();
    scene.run(Stdout::AccessToken, &["token", "leak"]).ok();
    scene.run(Stdout::AccessToken, &["token", "leak", "--force-refresh", "-vvv"]).ok();
    scene.run(Stdout::AccessToken, &["token", "leak", "--json", "-v"]).ok();
    for format in ["env", "shell", "json"] {
        scene.run(Stdout::AccessToken, &["export", "leak", "--format", format]).ok();
    }
    scene.say(&format!("{CLIENT_SECRET}\n"));
    let set = ["client", "set", "leak", "--client-id", "confidential-basic", "--client-secret-stdin"];
    scene.run(Stdout::Clean, &set).ok();
    for command in [
        &["client", "show", "leak", "--json"][..],
        &["list"],
        &["list", "--json"],
        &["get", "leak"],
        &["get", "leak", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["providers", "show", "leak"],
        &["logout", "leak", "--forget-client", "--json"],
    ] {
        scene.run(Stdout::Clean, command).ok();
    }
    let (argv, _) = scene.browser_was_started_with();
    assert!(argv.contains("code_challenge=") && !argv.contains("code_verifier"), "{argv}");
    scene.assert_nothing_leaked(
        &[&TOKENS[..], &["code", "code_verifier", "client_secret", "basic_credentials"]].concat(),
    );
}

#[test]
fn a_life_of_a_connection_made_on_another_device() {
    let mut scene = Scene::new(OPENID);
    scene.run(Stdout::Clean, &["login", "leak", "--flow", "device-code", "--client-id", "public"]).ok();
    scene.run(Stdout::AccessToken, &REFRESH).ok();
    scene.run(Stdout::Clean, &["logout", "leak"]).ok();
    scene.assert_nothing_leaked(&[&TOKENS[..], &["device_code"]].concat());
}

#[test]
fn a_redirect_url_that_is_pasted() {
    let mut scene = Scene::new(OPENID);
    let arguments = ["login", "leak", "--paste", "--client-id", "public"];
    let (mut login, watch) = scene.start(&arguments);
    let url = login.stderr_line(|line| line.starts_with("http"));
    let redirect = redirect_of(&url);
    // First a wrong one, with the right code in it.
    login.write_stdin(&format!("{}x\n", redirect.replace("state=", "state=x")));
    login.stderr_line(|line| line.contains("not the answer"));
    login.write_stdin(&format!("{redirect}\n"));
    scene.finish(Stdout::Clean, &arguments, (login, watch)).ok();
    scene.assert_nothing_leaked(&[&TOKENS[..], &["code", "code_verifier"]].concat());
}

#[test]
fn what_the_browser_is_shown() {
    let mut scene = Scene::new(OPENID);
    let arguments = ["login", "leak", "--no-browser", "--client-id", "public"];
    let (mut login, watch) = scene.start(&arguments);
    let url = login.stderr_line(|line| line.starts_with("http"));
    let redirect = redirect_of(&url);
    scene.canaries.add("code", &query_of(&redirect, "code"));
    let (port, path) = port_and_path(&redirect);
    // A stranger's answer with the right code, a strange path, and the answer itself.
    for path in [path.replace("state=", "state=x"), path.replace("/callback", "/other"), path] {
        let (_, page) = request(port, "GET", &path, "");
        scene.keep("a page", page.as_bytes());
    }
    let (status, last) = request(port, "GET", "/callback/done", "");
    assert_eq!(status, 200, "{last}");
    scene.keep("the last page", last.as_bytes());
    scene.finish(Stdout::Clean, &arguments, (login, watch)).ok();
    scene.assert_nothing_leaked(&[&TOKENS[..], &["code", "code_verifier"]].concat());
}

#[test]
fn secrets_in_the_environment_stay_with_the_process_that_was_given_them() {
    const PASSPHRASE: &str = "a passphrase that nobody else may know";
    let mut scene = Scene::new(OPENID)
        .with("TOKENKEEP_KEY", "passphrase")
        .with("TOKENKEEP_PASSPHRASE", PASSPHRASE)
        .with("TOKENKEEP_LEAK_CLIENT_SECRET", CLIENT_SECRET);
    scene.log_in(&["--client-id", "confidential-basic"]).ok();
    scene.run(Stdout::AccessToken, &REFRESH).ok();
    let (_, environ) = scene.browser_was_started_with();
    assert!(environ.contains("HOME="), "{environ}");
    for (secret, name) in
        [(PASSPHRASE, "TOKENKEEP_PASSPHRASE"), (CLIENT_SECRET, "TOKENKEEP_LEAK_CLIENT_SECRET")]
    {
        assert!(!environ.contains(secret), "the browser was given {name}");
    }
    let run = scene.run(Stdout::Clean, &["doctor", "--json"]).ok();
    assert!(!run.stdout.contains(PASSPHRASE) && !run.stderr.contains(PASSPHRASE), "{run:#?}");
}

#[test]
fn answers_that_quote_what_they_should_not() {
    let answers: [(&str, Quote); 9] = [
        ("a sign-in page", |secrets| html(200, &format!("<!doctype html><title>{secrets}</title>{secrets}"))),
        ("a failing server", |secrets| response(500, "text/plain", secrets)),
        ("an error with a description", |secrets| {
            let text = format!("The token {secrets} is not of its form.");
            error(
                400,
                &json!({"error": "invalid_request", "error_description": text, "error_uri": text, "trace_id": secrets}),
            )
        }),
        ("an error that is a token", |secrets| {
            error(
                400,
                &json!({"error": secrets, "suberror": secrets, "error_description": [secrets], "correlation_id": secrets}),
            )
        }),
        ("an error object", |secrets| error(400, &json!({"error": {"code": secrets, "message": secrets}}))),
        ("JSON that breaks off", |secrets| {
            response(200, "application/json", &format!(r#"{{"access_token":"{secrets}"#))
        }),
        ("a repeated member", |secrets| {
            let body =
                format!(r#"{{"access_token":"{secrets}","access_token":"{secrets}","token_type":"Bearer"}}"#);
            response(200, "application/json", &body)
        }),
        ("members of the wrong type", |secrets| {
            error(
                200,
                &json!({"access_token": secrets, "token_type": secrets, "expires_in": secrets, "scope": secrets}),
            )
        }),
        ("the end of the grant", |secrets| {
            let text = format!("refresh token {secrets} was used before. The grant is revoked.");
            error(400, &json!({"error": "invalid_grant", "error_description": text}))
        }),
    ];
    let mut scene = Scene::new(OPENID);
    for (what, answer) in answers {
        // Each meets a connection of its own, whose record knows nothing of an earlier failure.
        scene.log_in(&["--client-id", "public"]).ok();
        let secrets = TOKENS.map(|kind| scene.canaries.last(kind)).join(" ");
        scene.tap.answer_next(move |_| answer(&secrets));
        let refused = scene.run(Stdout::Clean, &["token", "leak", "--force-refresh", "--json"]);
        assert!(refused.code >= 10, "{what}: {refused:#?}");
        // Told once more from the record, for people.
        scene.run(Stdout::AccessToken, &REFRESH);
        scene.run(Stdout::Clean, &["get", "leak", "--json"]).ok();
    }
    scene.log_in(&["--client-id", "public"]).ok();
    let secrets = TOKENS.map(|kind| scene.canaries.last(kind)).join(" ");
    scene.tap.answer_next(move |_| {
        error(400, &json!({"error": "unsupported_token_type", "error_description": secrets}))
    });
    scene.run(Stdout::Clean, &["logout", "leak"]).ok();
    scene.assert_nothing_leaked(&TOKENS);
}

#[test]
fn refusals_of_a_login_that_quote_what_was_sent() {
    let mut scene = Scene::new(OPENID);
    let quoting: Answer = Box::new(|asked: &Asked| {
        let sent: Vec<&str> =
            asked.form.values().map(String::as_str).chain([asked.authorization.as_str()]).collect();
        let text = format!("not accepted: {}", sent.join(" "));
        error(400, &json!({"error": "invalid_grant", "error_description": text}))
    });
    scene.tap.answer_next(quoting);
    scene.say(&format!("{CLIENT_SECRET}\n"));
    let refused = scene.log_in(&["--client-id", "confidential-basic", "--client-secret-stdin"]);
    assert!(refused.code >= 10, "{refused:#?}");

    let arguments = ["login", "leak", "--flow", "device-code", "--client-id", "public"];
    scene.tap.answer_next(|_| error(400, &json!({"error": "invalid_scope", "error_description": "x"})));
    assert!(scene.run(Stdout::Clean, &arguments).code >= 10);
    // The device is known, and the poll is refused.
    let device_code = "a-device-code-Zk3Tq8Yw0Lm5Rn7Vb2Xc9Hd4Gs6Jf1Pa";
    let body = json!({"device_code": device_code, "user_code": "ABCD-EFGH", "interval": 1, "expires_in": 60,
        "verification_uri": "http://127.0.0.1/device"});
    scene.tap.answer_next(move |_| error(200, &body));
    scene.tap.answer_next(|asked| {
        let text = format!("device code {} is unknown", asked.form["device_code"]);
        error(400, &json!({"error": "invalid_grant", "error_description": text}))
    });
    assert!(scene.run(Stdout::Clean, &arguments).code >= 10);
    scene.assert_nothing_leaked(&[
        "code",
        "code_verifier",
        "client_secret",
        "basic_credentials",
        "device_code",
    ]);
}

#[test]
fn a_life_of_a_connection_whose_tokens_are_bound_to_a_key() {
    // Every PKCS#8 of a key on P-256 begins so (RFC 5208 5, RFC 5915 3), whatever the key is.
    const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
    let mut scene = Scene::new(PLAIN);
    scene.canaries.add("key", KEY);
    let bound = |number: u32| {
        let access_token = format!("{number}-Zk3Tq8Yw0Lm5Rn7Vb2Xc9Hd4Gs6Jf1Pa");
        let refresh_token = format!("{number}-Fa8Ue3Ti6Ob1Yl5Wq9Sx2Dc7Rv4Mn0Kp");
        json!({"access_token": access_token, "refresh_token": refresh_token, "token_type": "DPoP", "expires_in": 3600})
    };
    let demand = |asked: &Asked| {
        let text = format!("the proof {} lacks the nonce", asked.proof);
        let body = json!({"error": "use_dpop_nonce", "error_description": text});
        error(400, &body).replacen("\r\n", "\r\nDPoP-Nonce: n-1\r\n", 1)
    };
    scene.tap.answer_next(demand);
    scene.tap.answer_next(move |_| error(200, &bound(1)));
    scene.log_in(&["--client-id", "public", "--dpop"]).ok();
    scene.tap.answer_next(demand);
    scene.tap.answer_next(move |_| error(200, &bound(2)));
    scene.run(Stdout::AccessToken, &["token", "leak", "--force-refresh", "-vvv"]).ok();
    // Asked for and refused twice, in words that quote the proof.
    scene.tap.answer_next(demand);
    scene.tap.answer_next(demand);
    scene.run(Stdout::Clean, &["token", "leak", "--force-refresh", "--json"]);
    // What anybody could use in the place of what is bound.
    scene.tap.answer_next(move |_| {
        let mut unbound = bound(3);
        unbound["token_type"] = json!("Bearer");
        error(200, &unbound)
    });
    scene.run(Stdout::Clean, &["token", "leak", "--force-refresh", "--json"]);
    let request = ["--method", "POST", "--url", "https://api.example/a"];
    for more in [&[][..], &["--json"], &["--nonce", "n-2", "-vvv"]] {
        let proof = scene.run(Stdout::Clean, &[&["dpop-proof", "leak"], &request[..], more].concat()).ok();
        assert!(proof.stdout.contains("eyJ"), "{proof:#?}");
    }
    for command in [&["list", "--json"][..], &["get", "leak", "--json"], &["doctor", "--json"]] {
        scene.run(Stdout::Clean, command).ok();
    }
    scene.assert_nothing_leaked(&["access_token", "refresh_token", "code", "code_verifier", "proof"]);
}

#[test]
fn a_refusal_that_quotes_a_short_token() {
    // As Spring Security OAuth does it, whose tokens are GUIDs: what was sent is known to the letter, so its
    // length is no excuse.
    let mut scene = Scene::new(PLAIN);
    let pairs = [
        ("3f1c9be2-77aa-4b0d-8e16-2c4d5a6b7f80", "8b2afc44-1d7e-4c39-9a55-6e0f3d2b7c18"),
        ("Xy7Qp2Lm9Rt4Vw8Zk3Nb6Hc1Jd5Gs0", "Fa8Ue3Ti6Ob1Yl5Wq9Sx2Dc7Rv4Mn0"),
    ];
    for (access_token, refresh_token) in pairs {
        scene.tap.answer_next(move |_| {
            error(
                200,
                &json!({"access_token": access_token, "refresh_token": refresh_token, "token_type": "bearer",
                    "expires_in": 3600}),
            )
        });
        scene.log_in(&["--client-id", "public"]).ok();
        scene.tap.answer_next(|asked| {
            let text = format!("Invalid refresh token: {}", asked.form["refresh_token"]);
            error(400, &json!({"error": "invalid_grant", "error_description": text}))
        });
        let refused = scene.run(Stdout::Clean, &["token", "leak", "--force-refresh", "--json"]);
        assert_eq!(refused.error_code(), "login_required", "{refused:#?}");
    }
    // GitHub's codes have 20 digits.
    let arguments = ["login", "leak", "--no-browser", "--client-id", "public"];
    let (mut login, watch) = scene.start(&arguments);
    let url = login.stderr_line(|line| line.starts_with("http"));
    let (port, _) = port_and_path(&query_of(&url, "redirect_uri"));
    let (state, issuer) = (query_of(&url, "state"), scene.server.issuer());
    scene.tap.answer_next(|asked| {
        let text = format!("The code {} is incorrect or expired.", asked.form["code"]);
        error(200, &json!({"error": "bad_verification_code", "error_description": text}))
    });
    request(port, "GET", &format!("/callback?code=16c7e42f292c6912e771&state={state}&iss={issuer}"), "");
    assert!(scene.finish(Stdout::Clean, &arguments, (login, watch)).code >= 10);
    scene.assert_nothing_leaked(&["access_token", "refresh_token", "code"]);
}

#[test]
fn a_record_that_is_damaged() {
    let mut scene = Scene::new(OPENID);
    scene.log_in(&["--client-id", "public"]).ok();
    let record = scene.record();
    let mut bytes = std::fs::read(&record).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&record, bytes).unwrap();
    for command in
        [&["token", "leak", "--json"][..], &["list"], &["get", "leak"], &["doctor"], &["logout", "leak"]]
    {
        scene.run(Stdout::Clean, command);
    }
    // A folder that cannot be read as a record, and a key that is another's.
    scene.log_in(&["--client-id", "public"]).ok();
    std::fs::write(scene.home.store().join("vault.key"), format!("{}\n", "ab".repeat(32))).unwrap();
    assert!(scene.run(Stdout::Clean, &["token", "leak"]).code >= 10);
    scene.assert_nothing_leaked(&TOKENS);
}

#[test]
fn a_process_that_is_killed_while_it_waits_for_the_answer() {
    let mut scene = Scene::new(OPENID);
    scene.log_in(&["--client-id", "public"]).ok();
    for signal in ["KILL", "ABRT", "INT"] {
        let (asked_in, asked) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        scene.tap.answer_next(move |_| {
            asked_in.send(()).unwrap();
            // Dropped when the process is gone.
            let _ = released.recv();
            String::new()
        });
        let (running, watch) = scene.start(&REFRESH);
        asked.recv().unwrap();
        running.signal(signal);
        drop(release);
        scene.finish(Stdout::Clean, &REFRESH, (running, watch));
    }
    scene.assert_nothing_leaked(&TOKENS);
}

#[test]
fn nothing_is_ever_written_to_a_file_in_the_clear() {
    let mut scene = Scene::new(OPENID);
    // The vault's key is the one secret that belongs into a file, so it is made before.
    scene.run(Stdout::Clean, &["init"]).ok();
    let browser = scene.browser();
    let login = ["login", "leak", "--browser", &browser, "--client-id", "public"];
    for (arguments, prints_token) in [(&login[..], false), (&REFRESH[..], true)] {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("strace");
        command.args(["--follow-forks", "--decode-fds=all", "--string-limit=1000000", "--no-abbrev"]);
        command.args(["--trace=execve,write,writev,pwrite64,pwritev,pwritev2", "--output"]).arg(trace.path());
        let traced = scene.home.command(arguments);
        command.arg(traced.get_program()).args(traced.get_args()).env_clear();
        command.envs(traced.get_envs().filter_map(|(name, value)| Some((name, value?))));
        run(command.current_dir(scene.home.path()), "").ok();
        let trace = std::fs::read_to_string(trace.path()).unwrap();
        let of_tokenkeep: Vec<&str> = trace.lines().filter(|line| !is_exempt(line, prints_token)).collect();
        let stored = scene.home.store().display().to_string();
        assert!(
            of_tokenkeep.iter().any(|line| line.contains("write") && line.contains(&stored)),
            "{of_tokenkeep:#?}"
        );
        scene
            .keep(&format!("what `{}` wrote, and started", arguments[0]), of_tokenkeep.join("\n").as_bytes());
    }
    scene.assert_nothing_leaked(&[&TOKENS[..], &["code", "code_verifier"]].concat());
}

/// What goes to the network, and a token on stdout where it was asked for.
fn is_exempt(line: &str, prints_token: bool) -> bool {
    let to = |what: &str| line.split_once('<').is_some_and(|(_, file)| file.starts_with(what));
    to("TCP:") || to("socket:") || (prints_token && line.contains(" write(1<pipe:"))
}

/// Where the server, and a person who says yes, send the browser.
fn redirect_of(authorization_url: &str) -> String {
    let (port, path) = port_and_path(authorization_url);
    let head = head_of(port, &path);
    let location = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("location:").map(|_| line[9..].trim().to_owned())
    });
    location.unwrap_or_else(|| panic!("no redirect: {head}"))
}

fn head_of(port: u16, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn port_and_path(url: &str) -> (u16, String) {
    let url = url::Url::parse(url).unwrap();
    (url.port().unwrap(), format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

fn query_of(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

fn html(status: u16, body: &str) -> String {
    response(status, "text/html", body)
}

fn error(status: u16, body: &serde_json::Value) -> String {
    response(status, "application/json", &body.to_string())
}

fn response(status: u16, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
