//! How a client finds its way from a resource to the server: metadata of either, wherever they are, and the resource
//! that a token is for.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Endpoint, ServerOptions};
use common::{REDIRECT, Tester, VERIFIER, challenges, refused};
use hyper::Method;
use serde_json::{Value, json};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

fn mcp(tester: &Tester) -> String {
    tester.url("/mcp").into()
}

#[tokio::test]
async fn metadata_say_what_they_are_told_to() {
    let tester = Tester::plain();
    tester.set(json!({"metadata": {
        "set": {"scopes_supported": ["notes"], "token_endpoint_auth_methods_supported": ["none"]},
        "remove": ["code_challenge_methods_supported"],
    }}));
    tester.set(json!({"metadata": {"absent": ["/.well-known/oauth-authorization-server"]}}));
    assert_eq!(tester.get("/.well-known/oauth-authorization-server").await.status, 404);
    let metadata = tester.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["scopes_supported"], json!(["notes"]), "a section keeps what was not named");
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["none"]));
    assert_eq!(metadata.get("code_challenge_methods_supported"), None);
    assert!(tester.server.options().changed(json!({"metadata": {"sett": {}}})).is_err());
    assert!(tester.server.options().changed(json!({"metadatum": {}})).is_err());
}

#[tokio::test]
async fn a_resource_leads_to_its_metadata() {
    let tester = Tester::new(ServerOptions { issuer_path: "/t1".into(), ..ServerOptions::plain() });
    tester.set(json!({"protected_resource": {"scopes_supported": ["notes"], "challenge_scope": "notes"}}));
    let origin = tester.server.origin();
    for (place, path) in [
        ("path", format!("{WELL_KNOWN}/mcp")),
        ("root", WELL_KNOWN.to_owned()),
        ("elsewhere", "/metadata/mcp".to_owned()),
    ] {
        tester.set(json!({"protected_resource": {"place": place}}));
        for method in [Method::GET, Method::POST] {
            let answer = tester.http.send(method, &tester.url("/mcp"), &[], Vec::new()).await.unwrap();
            let challenge = format!("Bearer scope=\"notes\", resource_metadata=\"{origin}{path}\"");
            assert_eq!((answer.status, challenges(&answer)), (401, vec![challenge.as_str()]), "{place}");
        }
        let document = json!({
            "resource": mcp(&tester),
            "authorization_servers": [tester.server.issuer()],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["notes"],
        });
        assert_eq!(tester.get(&path).await.json(), document, "{place}");
        let mut places = vec![format!("{WELL_KNOWN}/mcp"), WELL_KNOWN.to_owned(), "/metadata/mcp".to_owned()];
        places.retain(|other| *other != path);
        for other in places {
            assert_eq!(tester.get(&other).await.status, 404, "{place}: {other}");
        }
    }
    tester.set(json!({"protected_resource": {"place": "nowhere", "schemes": ["DPoP", "Bearer"]}}));
    assert_eq!(
        challenges(&tester.get("/mcp").await),
        ["DPoP scope=\"notes\", algs=\"ES256\"", "Bearer scope=\"notes\""],
        "what is nowhere has no address"
    );
    tester.set(json!({"protected_resource": {"place": "path", "named": false, "challenge_scope": null}}));
    assert_eq!(challenges(&tester.get("/mcp").await), ["DPoP algs=\"ES256\"", "Bearer"]);
    assert_eq!(tester.get(&format!("{WELL_KNOWN}/mcp")).await.status, 200);
}

#[tokio::test]
async fn a_resource_may_say_anything_of_itself() {
    let tester = Tester::plain();
    tester.set(json!({"protected_resource": {
        "named_url": "https://evil.example/metadata",
        "resource": "https://evil.example/mcp",
        "authorization_servers": ["https://evil.example", "https://other.example"],
        "dpop_bound": true,
    }}));
    let told = tester.get("/mcp").await;
    assert_eq!(challenges(&told), ["Bearer resource_metadata=\"https://evil.example/metadata\""]);
    let document = tester.get(&format!("{WELL_KNOWN}/mcp")).await.json();
    assert_eq!(document["resource"], "https://evil.example/mcp");
    assert_eq!(document["authorization_servers"], json!(["https://evil.example", "https://other.example"]));
    assert_eq!(document["dpop_bound_access_tokens_required"], true);
    let seen = tester.server.journal().entries();
    assert_eq!(
        seen.iter().map(|entry| entry.endpoint).collect::<Vec<_>>(),
        [Endpoint::Resource, Endpoint::ResourceMetadata]
    );
}

#[tokio::test]
async fn a_token_is_good_at_its_resource_and_nowhere_else() {
    let tester = Tester::plain();
    let (mcp, notes) = (mcp(&tester), String::from(tester.url("/mcp/notes")));
    let tokens = tester.login_with(&[("resource", &mcp)]).await;
    let told = tester.get_with(&tokens["access_token"], "/mcp").await.json();
    assert_eq!(told["audience"], json!([mcp]));
    let elsewhere = tester.get_with(&tokens["access_token"], "/mcp/notes").await;
    assert_eq!(elsewhere.status, 401);
    assert!(challenges(&elsewhere)[0].starts_with("Bearer error=\"invalid_token\", "), "{elsewhere:?}");

    // Without a resource a token is for none of these.
    let unbound = tester.login().await;
    assert_eq!(tester.get_with(&unbound["access_token"], "/mcp").await.status, 401);
    assert_eq!(tester.resource(&unbound["access_token"]).await, 200);

    // A refresh stays with the grant's, named or not.
    let again = tester.refresh(&tokens["refresh_token"], &[]).await.json();
    assert_eq!(tester.get_with(&again["access_token"], "/mcp").await.status, 200);
    let other = tester.refresh(&again["refresh_token"], &[("resource", &notes)]).await;
    assert_eq!(refused(&other), (400, "invalid_target".into()));
    let named = tester.refresh(&again["refresh_token"], &[("resource", &mcp)]).await;
    assert_eq!(named.status, 200, "a refusal used nothing up");
    let asked: Vec<_> = tester.server.journal().entries();
    let asked: Vec<_> = asked.iter().filter_map(|entry| entry.parameters.get("resource")).collect();
    assert_eq!(asked, [&mcp, &notes, &mcp]);
}

#[tokio::test]
async fn a_resource_must_be_known_and_the_grants() {
    let tester = Tester::plain();
    let mcp = mcp(&tester);
    tester.set(json!({"resource_indicators": {"known": ["https://api.example"]}}));
    let error = async |resource: &str| {
        Tester::redirected(&tester.authorize(&[("resource", resource)]).await).remove(0)
    };
    let refusal = ("error".to_owned(), "invalid_target".to_owned());
    for resource in ["https://evil.example/", "https://api.example/", "notes", &format!("{mcp}x")] {
        assert_eq!(error(resource).await, refusal, "{resource}");
    }
    assert_eq!(error("https://api.example").await.0, "code");

    let answer = tester.authorize(&[("resource", &mcp)]).await;
    let code = Tester::redirected(&answer).remove(0).1;
    let other = tester.redeem(&code, &[("resource", "https://api.example")]).await;
    assert_eq!(refused(&other), (400, "invalid_target".into()));
    assert_eq!(tester.redeem(&code, &[("resource", &mcp)]).await.status, 200, "the code is as it was");

    let two = [("client_id", "public"), ("resource", mcp.as_str()), ("resource", "https://api.example")];
    assert_eq!(tester.post("/device_authorization", &two).await.status, 200);
    let unknown = [("client_id", "public"), ("resource", "https://evil.example")];
    assert_eq!(
        refused(&tester.post("/device_authorization", &unknown).await),
        (400, "invalid_target".into())
    );

    tester.set(json!({"resource_indicators": {"mode": "required"}}));
    assert_eq!(Tester::redirected(&tester.authorize(&[]).await)[0], refusal);
    tester.set(json!({"resource_indicators": {"mode": "ignored"}}));
    assert_eq!(error("https://evil.example/").await.0, "code");
    let tokens = tester.login().await;
    assert_eq!(tester.get_with(&tokens["access_token"], "/mcp").await.status, 200);
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which() {
    let tester = Tester::plain();
    let mcp = mcp(&tester);
    tester.set(json!({"protected_resource": {"required_scopes": ["notes", "write"]}}));
    let narrow = tester.login_with(&[("resource", &mcp), ("scope", "notes")]).await;
    let answer = tester.get_with(&narrow["access_token"], "/mcp").await;
    let metadata = tester.url(&format!("{WELL_KNOWN}/mcp"));
    let challenge = format!(
        "Bearer error=\"insufficient_scope\", scope=\"notes write\", resource_metadata=\"{metadata}\""
    );
    assert_eq!((answer.status, challenges(&answer)), (403, vec![challenge.as_str()]));
    let wide = tester.login_with(&[("resource", &mcp), ("scope", "write notes")]).await;
    let value = format!("Bearer {}", wide["access_token"].as_str().unwrap());
    let call = br#"{"jsonrpc": "2.0", "id": 7, "method": "tools/list"}"#.to_vec();
    let headers = [("authorization", value.as_str()), ("content-type", "application/json")];
    let answer = tester.http.send(Method::POST, &tester.url("/mcp"), &headers, call).await.unwrap().json();
    assert_eq!((&answer["id"], &answer["result"]["scope"]), (&json!(7), &json!("write notes")));
}

#[tokio::test]
async fn a_customers_endpoints_are_its_own() {
    let tester = Tester::plain();
    let metadata = tester.get("/c/acme/.well-known/openid-configuration").await.json();
    let issuer = format!("{}/c/acme", tester.server.issuer());
    assert_eq!(
        (&metadata["issuer"], &metadata["token_endpoint"]),
        (&json!(issuer), &json!(format!("{issuer}/token")))
    );
    let mut url = tester.url("/c/acme/authorize");
    url.query_pairs_mut().extend_pairs(tester.authorization_request());
    let sent = Tester::redirected(&tester.http.get(&url).await.unwrap());
    assert_eq!(sent[2], ("iss".into(), issuer));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", sent[0].1.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(refused(&tester.post("/c/other/token", &form).await), (400, "invalid_grant".into()));
    let tokens = tester.post("/c/acme/token", &form).await.json();
    let refresh = |token: &Value| {
        [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "public".to_owned()),
            ("refresh_token", token.as_str().unwrap().to_owned()),
        ]
    };
    let form = refresh(&tokens["refresh_token"]);
    let url = tester.url("/token");
    assert_eq!(tester.http.post_form(&url, &form).await.unwrap().status, 400);
    let url = tester.url("/c/acme/token");
    assert_eq!(tester.http.post_form(&url, &form).await.unwrap().status, 200);
}
