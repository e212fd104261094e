//! The Entra dialect over the wire: what it adds to a response, and the numbers it refuses with.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Person, RegisteredClient, ServerOptions};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{CHALLENGE, GUID, REDIRECT, Tester, number};
use serde_json::{Value, json};

const HOME: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_response_has_what_entra_adds() {
    let tester = Tester::entra();
    tester.change(|options| options.refresh_in = Some(1800));
    let answer = tester.authorize(&[("login_hint", "adele@contoso.com")]).await;
    let code = &Tester::redirected(&answer)[0].1;
    let tokens = tester.redeem(code, &[("client_info", "1")]).await.json();
    assert_eq!(tokens["scope"], "openid User.Read");
    assert_eq!((&tokens["ext_expires_in"], &tokens["refresh_in"]), (&json!(3600), &json!(1800)));
    for (said, told) in [(7200, 7200), (5, 3600)] {
        tester.change(|options| options.ext_expires_in = Some(said));
        let refreshed = tester.refresh(&tokens["refresh_token"], &[]).await.json();
        assert_eq!(refreshed["ext_expires_in"], told, "never less than expires_in");
    }
    assert!(tokens["access_token"].as_str().unwrap().len() > 1500);

    let claims = decoded(tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap());
    assert_eq!(claims["iss"], tester.server.issuer());
    assert_eq!(claims["iss"], format!("{}/{HOME}/v2.0", tester.server.origin()));
    assert_eq!((&claims["tid"], &claims["ver"], &claims["aud"]), (&json!(HOME), &json!("2.0"), &json!(GUID)));
    assert_eq!((&claims["preferred_username"], &claims["nonce"]), (&json!("adele@contoso.com"), &json!("n")));
    let home = decoded(tokens["client_info"].as_str().unwrap());
    assert_eq!(home, json!({"uid": claims["oid"], "utid": HOME}));

    // The nonce is the first id_token's; the old refresh token stays valid.
    let refreshed = tester.refresh(&tokens["refresh_token"], &[("scope", "openid User.Read")]).await.json();
    let claims = decoded(refreshed["id_token"].as_str().unwrap().split('.').nth(1).unwrap());
    assert_eq!((&claims["nonce"], &refreshed["client_info"]), (&Value::Null, &Value::Null));
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(tester.refresh(&tokens["refresh_token"], &[]).await.status, 200);
}

#[tokio::test]
async fn no_refresh_token_without_offline_access() {
    let tester = Tester::entra();
    let answer = tester.authorize(&[("scope", "openid User.Read")]).await;
    let tokens = tester.redeem(&Tester::redirected(&answer)[0].1, &[]).await.json();
    assert_eq!((tokens["refresh_token"].is_null(), tokens["access_token"].is_string()), (true, true));
}

#[tokio::test]
async fn refusals_have_their_numbers() {
    let tester = Tester::entra();
    let code = tester.code().await;
    let two = "User.Read https://vault.azure.net/user_impersonation";
    for (changes, error, expected) in [
        (("code_verifier", CHALLENGE), "invalid_grant", 501_481),
        (("client_id", "not-a-guid"), "unauthorized_client", 700_016),
        (("client_secret", "x"), "invalid_client", 700_025),
        (("resource", "https://graph.microsoft.com"), "invalid_request", 901_002),
        (("scope", two), "invalid_request", 700_022),
        (("redirect_uri", "http://localhost:1/callback"), "invalid_grant", 50011),
        (("code", ""), "invalid_request", 900_144),
        (("code", "code-guessed"), "invalid_grant", 9_002_313),
        (("grant_type", "password"), "unsupported_grant_type", 70003),
    ] {
        let answer = tester.redeem(&code, &[changes]).await;
        assert_eq!(number(&answer), (error.into(), expected), "{changes:?}");
    }
    let tokens = tester.redeem(&code, &[]).await.json();
    assert_eq!(number(&tester.redeem(&code, &[]).await), ("invalid_grant".into(), 54005));
    let revoked = tester.refresh(&tokens["refresh_token"], &[]).await;
    assert_eq!(number(&revoked), ("invalid_grant".into(), 50173));

    let tokens = tester.login().await;
    let refresh = async |changes| number(&tester.refresh(&tokens["refresh_token"], &[changes]).await);
    assert_eq!(refresh(("scope", "")).await, ("invalid_request".into(), 900_144));
    assert_eq!(refresh(("scope", two)).await, ("invalid_request".into(), 700_022));
    // One refresh token serves any one resource.
    let vault =
        tester.refresh(&tokens["refresh_token"], &[("scope", "https://vault.azure.net/.default")]).await;
    assert_eq!(vault.status, 200);
}

#[tokio::test]
async fn an_origin_header_is_for_browsers() {
    let tester = Tester::entra();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://localhost"),
        ("client-request-id", GUID),
    ];
    let url = tester.url("/common/oauth2/v2.0/token");
    let body = format!("client_id={GUID}&grant_type=refresh_token").into_bytes();
    let answer = tester.http.send(hyper::Method::POST, &url, &headers, body).await.unwrap();
    assert_eq!(number(&answer), ("invalid_request".into(), 9_002_326));
    assert_eq!(answer.json()["correlation_id"], GUID);
    assert!(tester.server.journal().entries()[0].origin);
}

#[tokio::test]
async fn redirect_uris_are_localhost_with_a_known_path() {
    let tester = Tester::entra();
    for (redirect_uri, status) in [
        ("http://localhost", 302),
        ("http://localhost:49152/callback", 302),
        ("http://localhost:49152/Callback", 400),
        ("http://127.0.0.1:49152/callback", 400),
        ("http://[::1]:49152/callback", 400),
        ("https://localhost:49152/callback", 400),
    ] {
        let answer = tester.authorize(&[("redirect_uri", redirect_uri)]).await;
        assert_eq!(answer.status, status, "{redirect_uri}");
        assert_eq!(status == 400, answer.text().contains("AADSTS50011"), "{redirect_uri}");
    }
    // A URI without a path comes back with one.
    let answer = tester.authorize(&[("redirect_uri", "http://localhost:49152")]).await;
    assert!(answer.header("location").unwrap().starts_with("http://localhost:49152/?code="));
}

#[tokio::test]
async fn consent_refused_and_tenants_mixed_up() {
    let tester = Tester::entra();
    let code = tester.code().await;
    let form = [("client_id", GUID), ("grant_type", "authorization_code"), ("code", code.as_str())];
    let form = [&form[..], &[("redirect_uri", REDIRECT), ("code_verifier", common::VERIFIER)]].concat();
    let other = tester.post("/consumers/oauth2/v2.0/token", &form).await;
    assert_eq!(number(&other), ("invalid_grant".into(), 700_005));
    let nonsense = tester.post("/nonsense/oauth2/v2.0/token", &form).await;
    assert_eq!(number(&nonsense), ("invalid_request".into(), 900_023));

    let tokens = tester.login().await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [("client_id", GUID), ("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let form = [&form[..], &[("scope", "User.Read")]].concat();
    let personal = tester.post("/consumers/oauth2/v2.0/token", &form).await;
    assert_eq!(number(&personal), ("invalid_grant".into(), 7_000_012));

    tester.change(|options| options.person = Person::Deny);
    let sent = Tester::redirected(&tester.authorize(&[]).await);
    assert_eq!(sent[0].1, "access_denied");
    assert!(sent[1].1.starts_with("AADSTS65004: "), "{sent:?}");
}

#[tokio::test]
async fn a_device_says_its_own_words() {
    let tester = Tester::entra();
    let device = tester.device().await;
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(900), &json!(5)));
    assert!(device["verification_uri_complete"].is_null());
    assert!(device["message"].as_str().unwrap().contains(device["user_code"].as_str().unwrap()));
    // Entra does not mind an early poll.
    for _ in 0..2 {
        assert_eq!(number(&tester.poll(&device).await), ("authorization_pending".into(), 70016));
    }
    assert!(tester.server.deny_device(device["user_code"].as_str().unwrap()));
    assert_eq!(number(&tester.poll(&device).await).0, "authorization_declined");
    let unknown = json!({"device_code": "device-guessed"});
    assert_eq!(number(&tester.poll(&unknown).await), ("bad_verification_code".into(), 7_000_014));
    tester.change(|options| options.device_lifetime = 0);
    let late = tester.device().await;
    assert_eq!(number(&tester.poll(&late).await), ("expired_token".into(), 70020));
}

#[tokio::test]
async fn metadata_of_a_tenant_and_of_common() {
    let tester = Tester::entra();
    let origin = tester.server.origin().to_owned();
    for (tenant, issuer) in [("common", "{tenantid}"), ("organizations", "{tenantid}"), (HOME, HOME)] {
        let metadata = tester.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await.json();
        assert_eq!(metadata["issuer"], format!("{origin}/{issuer}/v2.0"));
        assert_eq!(metadata["token_endpoint"], format!("{origin}/{tenant}/oauth2/v2.0/token"));
        assert!(metadata["code_challenge_methods_supported"].is_null());
    }
    let keys = tester.get("/common/discovery/v2.0/keys").await.json();
    assert_eq!(keys["keys"][0]["issuer"], format!("{origin}/{{tenantid}}/v2.0"));

    let ask = async |authorize: String| {
        let mut url = tester.url("/common/discovery/instance");
        url.query_pairs_mut()
            .append_pair("authorization_endpoint", &authorize)
            .append_pair("api-version", "1.1");
        tester.http.get(&url).await.unwrap()
    };
    let known = ask(format!("{origin}/{HOME}/oauth2/v2.0/authorize")).await.json();
    let discovery = format!("{origin}/{HOME}/v2.0/.well-known/openid-configuration");
    assert_eq!(known["tenant_discovery_endpoint"], discovery);
    assert_eq!(known["metadata"][0]["aliases"][0], format!("localhost:{}", tester.server.port()));
    let unknown = ask("https://login.example/common/oauth2/v2.0/authorize".into()).await;
    assert_eq!((unknown.status, unknown.json()["error"].as_str()), (400, Some("invalid_instance")));
}

#[tokio::test]
async fn a_registered_confidential_client_needs_its_secret() {
    let client: RegisteredClient = format!("{GUID}:pass:word").parse().unwrap();
    let tester = Tester::new(ServerOptions { clients: vec![client], ..ServerOptions::entra() });
    let code = tester.code().await;
    assert_eq!(number(&tester.redeem(&code, &[]).await), ("invalid_client".into(), 7_000_218));
    let wrong = tester.redeem(&code, &[("client_secret", "x")]).await;
    assert_eq!((wrong.status, number(&wrong)), (401, ("invalid_client".into(), 7_000_215)));
    assert_eq!(tester.redeem(&code, &[("client_secret", "pass:word")]).await.status, 200);
}
