//! The plain dialect over the wire: every MUST that a client could miss.

mod common;

use authorization_server::{IssuerParameter, Person, Rotation, ServerOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{CHALLENGE, DEVICE_CODE, REDIRECT, Tester, refused};
use serde_json::{Value, json};

/// The secret of the confidential clients.
const SECRET: &str = "s3cret:with%special+chars &=";

#[tokio::test]
async fn a_login_gives_tokens_that_work() {
    let tester = Tester::plain();
    let answer = tester.authorize(&[]).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let sent = Tester::redirected(&answer);
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!(sent[1].1, "a+b c");
    assert_eq!(sent[2].1, tester.server.issuer());

    let answer = tester.redeem(&sent[0].1, &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "openid offline_access User.Read");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(tokens["id_token"].is_string());
    assert_eq!(tester.resource(&tokens["access_token"]).await, 200);

    tester.server.expire_access_tokens();
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401);
    let refreshed = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_eq!(tester.resource(&refreshed["access_token"]).await, 200);
    tester.server.revoke_all();
    assert_eq!(tester.resource(&refreshed["access_token"]).await, 401);
    assert_eq!(
        refused(&tester.refresh(&refreshed["refresh_token"], &[]).await),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn what_a_code_is_bound_to() {
    let tester = Tester::plain();
    let code = tester.code().await;
    let invalid_grant = (400, "invalid_grant".to_owned());
    for changes in [
        ("code_verifier", CHALLENGE),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost:8401/callback"),
        ("redirect_uri", "http://LOCALHOST:8400/callback"),
        ("code", "code-guessed"),
    ] {
        assert_eq!(refused(&tester.redeem(&code, &[changes]).await), invalid_grant, "{changes:?}");
    }
    assert_eq!(
        refused(&tester.redeem(&code, &[("redirect_uri", "")]).await),
        (400, "invalid_request".into())
    );
    assert_eq!(
        refused(&tester.redeem(&code, &[("client_id", "stranger")]).await),
        (401, "invalid_client".into())
    );

    let other = [("client_id", "confidential-post"), ("client_secret", SECRET)];
    assert_eq!(refused(&tester.redeem(&code, &other).await), invalid_grant);

    let tokens = tester.redeem(&code, &[]).await.json();
    assert_eq!(refused(&tester.redeem(&code, &[]).await), invalid_grant);
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401, "a replayed code ends its grant");
    assert_eq!(tester.server.journal().revoked_count(), 1);

    tester.change(|options| options.code_lifetime = 0);
    let late = tester.code().await;
    assert_eq!(refused(&tester.redeem(&late, &[]).await), invalid_grant);
}

#[tokio::test]
async fn an_authorization_request_is_checked() {
    let tester = Tester::plain();
    // In doubt about the client or its URI, nothing is sent there.
    for changes in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost:8400/other"),
        ("redirect_uri", ""),
    ] {
        let answer = tester.authorize(&[changes]).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{changes:?}");
    }
    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let sent = Tester::redirected(&tester.authorize(&[changes]).await);
        assert_eq!(sent[0], ("error".into(), error.into()), "{changes:?}");
        assert!(sent.iter().any(|(name, value)| name == "iss" && *value == tester.server.issuer()));
    }
    for redirect_uri in ["http://127.0.0.1:1/callback", "http://[::1]:2/", "http://localhost:3"] {
        assert_eq!(tester.authorize(&[("redirect_uri", redirect_uri)]).await.status, 302, "{redirect_uri}");
    }
}

#[tokio::test]
async fn the_person_and_the_issuer_parameter() {
    let tester = Tester::plain();
    tester.change(|options| options.person = Person::Deny);
    assert_eq!(Tester::redirected(&tester.authorize(&[]).await)[0].1, "access_denied");
    tester.change(|options| options.person = Person::Form);
    let form = tester.authorize(&[]).await;
    assert_eq!(form.status, 200);
    assert!(form.text().contains("public asks for: openid"), "{}", form.text());

    tester.change(|options| options.person = Person::Approve);
    let issuer = tester.server.issuer();
    for (value, sent, announced) in [
        (IssuerParameter::On, Some(issuer.as_str()), true),
        (IssuerParameter::Off, None, false),
        (IssuerParameter::Wrong, Some("https://wrong.example"), true),
    ] {
        tester.change(|options| options.issuer_parameter = value);
        let parameters = Tester::redirected(&tester.authorize(&[]).await);
        assert_eq!(parameters.iter().find(|(name, _)| name == "iss").map(|(_, iss)| iss.as_str()), sent);
        let metadata = tester.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], announced);
    }
}

#[tokio::test]
async fn the_four_rotations() {
    let tester = Tester::plain();
    let status = async |token: &Value| tester.refresh(token, &[]).await.status;

    tester.change(|options| options.rotation = Rotation::None);
    let tokens = tester.login().await;
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.json()["refresh_token"], Value::Null);
    assert_eq!(status(&tokens["refresh_token"]).await, 200);

    tester.change(|options| options.rotation = Rotation::KeepOld);
    let new = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_ne!(new["refresh_token"], tokens["refresh_token"]);
    assert_eq!((status(&tokens["refresh_token"]).await, status(&new["refresh_token"]).await), (200, 200));
    assert_eq!(tester.server.journal().reuse_count(), 1);

    tester.change(|options| options.rotation = Rotation::Grace(60));
    let tokens = tester.login().await;
    let first = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.json(), first);
    assert_eq!(status(&first["refresh_token"]).await, 200);
    assert_eq!((tester.server.journal().reuse_count(), tester.server.journal().revoked_count()), (2, 0));

    tester.change(|options| options.rotation = Rotation::ReuseDetection);
    let tokens = tester.login().await;
    let new = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_eq!((status(&tokens["refresh_token"]).await, status(&new["refresh_token"]).await), (400, 400));
    assert_eq!((tester.server.journal().reuse_count(), tester.server.journal().revoked_count()), (3, 1));
    assert_eq!(tester.server.journal().grants()["refresh_token"], 9);
}

#[tokio::test]
async fn a_refresh_stays_within_its_grant() {
    let tester = Tester::plain();
    let tokens = tester.login().await;
    let wide = tester.refresh(&tokens["refresh_token"], &[("scope", "openid Mail.Read")]).await;
    assert_eq!(refused(&wide), (400, "invalid_scope".into()));
    // What was refused has not used the token up.
    let narrow = tester.refresh(&tokens["refresh_token"], &[("scope", "User.Read")]).await.json();
    assert_eq!((&narrow["scope"], &narrow["id_token"]), (&json!("User.Read"), &Value::Null));
    let again = tester.refresh(&narrow["refresh_token"], &[]).await.json();
    assert_eq!(again["scope"], "openid offline_access User.Read");
}

#[tokio::test]
async fn revocation_takes_the_whole_grant() {
    let tester = Tester::plain();
    let tokens = tester.login().await;
    let revoke =
        async |token: &str| tester.post("/revoke", &[("client_id", "public"), ("token", token)]).await.status;
    assert_eq!(revoke("unknown").await, 200);
    assert_eq!(revoke(tokens["access_token"].as_str().unwrap()).await, 200);
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401);
    let tokens = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_eq!(revoke(tokens["refresh_token"].as_str().unwrap()).await, 200);
    assert_eq!(tester.resource(&tokens["access_token"]).await, 401);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 400);
}

#[tokio::test]
async fn a_token_request_is_checked() {
    let tester = Tester::plain();
    assert_eq!(refused(&tester.get("/token").await), (405, "invalid_request".into()));
    let twice = [("grant_type", "refresh_token"), ("client_id", "public"), ("client_id", "public")];
    assert_eq!(refused(&tester.token(&twice).await), (400, "invalid_request".into()));
    let in_uri = tester.post("/token?client_id=public", &[("grant_type", "refresh_token")]).await;
    assert_eq!(refused(&in_uri), (400, "invalid_request".into()));
    let password = [("grant_type", "password"), ("client_id", "public")];
    assert_eq!(refused(&tester.token(&password).await), (400, "unsupported_grant_type".into()));
    let json = [("content-type", "application/json")];
    let answer =
        tester.http.send(hyper::Method::POST, &tester.url("/token"), &json, b"{}".to_vec()).await.unwrap();
    assert_eq!(refused(&answer), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_confidential_client_authenticates_its_own_way() {
    let tester = Tester::plain();
    let grant = [("grant_type", "refresh_token"), ("refresh_token", "guessed")];
    let by_post = [&grant[..], &[("client_id", "confidential-post"), ("client_secret", SECRET)]].concat();
    assert_eq!(refused(&tester.token(&by_post).await), (400, "invalid_grant".into()));
    // Form-url-encoded, then base64: the order of RFC 6749, section 2.3.1.
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    for (secret, expected) in [(encoded.as_str(), (400, "invalid_grant")), (SECRET, (401, "invalid_client"))]
    {
        let value = format!("Basic {}", STANDARD.encode(format!("confidential-basic:{secret}")));
        let form = [("authorization", value.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let body = b"grant_type=refresh_token&refresh_token=guessed".to_vec();
        let answer = tester.http.send(hyper::Method::POST, &tester.url("/token"), &form, body).await.unwrap();
        assert_eq!(refused(&answer), (expected.0, expected.1.into()));
        assert_eq!(answer.header("www-authenticate").is_some(), answer.status == 401);
    }
}

#[tokio::test]
async fn a_device_is_approved_on_its_page() {
    let tester = Tester::plain();
    tester.change(|options| options.device_interval = 0);
    let device = tester.device().await;
    assert_eq!(refused(&tester.poll(&device).await), (400, "authorization_pending".into()));
    let complete = device["verification_uri_complete"].as_str().unwrap().parse().unwrap();
    assert!(tester.http.get(&complete).await.unwrap().text().contains(device["user_code"].as_str().unwrap()));
    let form = [("user_code", device["user_code"].as_str().unwrap()), ("decision", "approve")];
    assert_eq!(tester.post("/device", &form).await.status, 200);
    assert_eq!(tester.poll(&device).await.status, 200);
    assert_eq!(tester.post("/device", &form).await.status, 400);

    let denied = tester.device().await;
    assert!(tester.server.deny_device(denied["user_code"].as_str().unwrap()));
    assert_eq!(refused(&tester.poll(&denied).await), (400, "access_denied".into()));
    assert_eq!(tester.server.journal().grants()[DEVICE_CODE], 1);
    assert_eq!(tester.server.journal().poll_gaps().len(), 1);
}

#[tokio::test]
async fn metadata_below_an_issuer_path() {
    let tester = Tester::new(ServerOptions { issuer_path: "/t1".into(), ..ServerOptions::plain() });
    let issuer = format!("{}/t1", tester.server.origin());
    for path in [
        "/.well-known/oauth-authorization-server/t1",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
    ] {
        let metadata = tester.get(path).await.json();
        assert_eq!(metadata["issuer"], issuer, "{path}");
        assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"));
    }
    assert_eq!(tester.get("/.well-known/openid-configuration").await.status, 404);
    assert_eq!(tester.get("/t1/jwks").await.json()["keys"][0]["kty"], "EC");
}

#[tokio::test]
async fn form_post_sends_itself() {
    let tester = Tester::plain();
    let answer = tester.authorize(&[("response_mode", "form_post")]).await;
    assert_eq!((answer.status, answer.header("location")), (200, None));
    let page = answer.text();
    assert!(page.contains(&format!("action=\"{REDIRECT}\"")) && page.contains("name=\"code\""), "{page}");
}
