//! Tokens that are bound to a key (RFC 9449).

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use authorization_server::{Answer, Rotation};
use common::proof::{ProofKey, hash};
use common::{REDIRECT, Tester, VERIFIER, challenges, refused};
use hyper::Method;
use serde_json::{Value, json};

const SECRET: &str = "s3cret:with%special+chars &=";

/// A server that binds tokens, and a client with a key.
struct Bound {
    tester: Tester,
    key: ProofKey,
}

impl Bound {
    fn new(options: Value) -> Self {
        let tester = Tester::plain();
        tester.set(json!({"dpop": {"mode": "on"}}));
        tester.set(json!({"dpop": options}));
        Self { tester, key: ProofKey::new() }
    }

    /// A request to the token endpoint with these proofs.
    async fn token(&self, form: &[(&str, &str)], proofs: &[String]) -> Answer {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(proofs.iter().map(|proof| ("dpop", proof.as_str())));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = self.tester.url("/token");
        self.tester.http.send(Method::POST, &url, &headers, body.into_bytes()).await.unwrap()
    }

    fn proof(&self, changes: &Value) -> String {
        self.key.proof("POST", self.tester.url("/token").as_str(), changes)
    }

    async fn redeem(&self, asked: &[(&str, &str)], proofs: &[String]) -> Answer {
        let code = Tester::redirected(&self.tester.authorize(asked).await).remove(0).1;
        self.redeem_code(&code, proofs).await
    }

    async fn redeem_code(&self, code: &str, proofs: &[String]) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "public"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(&form, proofs).await
    }

    async fn refresh(&self, tokens: &Value, proofs: &[String]) -> Answer {
        let token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", "public"), ("refresh_token", token)];
        self.token(&form, proofs).await
    }

    /// GET of a resource with this token and its proof.
    async fn get(&self, path: &str, tokens: &Value, changes: &Value) -> Answer {
        let token = tokens["access_token"].as_str().unwrap();
        let url = self.tester.url(path);
        let mut all = json!({"ath": hash(token)});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let (proof, value) = (self.key.proof("GET", url.as_str(), &all), format!("DPoP {token}"));
        let headers = [("authorization", value.as_str()), ("dpop", proof.as_str())];
        self.tester.http.send(Method::GET, &url, &headers, Vec::new()).await.unwrap()
    }
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_of_the_proof() {
    let bound = Bound::new(json!({}));
    let (tester, none) = (&bound.tester, json!({}));
    let metadata = tester.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]));
    let mcp = String::from(tester.url("/mcp"));
    let tokens = bound.redeem(&[("resource", &mcp)], &[bound.proof(&none)]).await.json();
    assert_eq!(tokens["token_type"], "DPoP");
    for path in ["/mcp", "/resource"] {
        assert_eq!(bound.get(path, &tokens, &none).await.status, 200, "{path}");
        for changes in [
            json!({"ath": null}),
            json!({"ath": hash("other")}),
            json!({"htu": tester.url("/elsewhere").as_str()}),
            json!({"htm": "POST"}),
            json!({"iat": 1_500_000_000}),
        ] {
            let answer = bound.get(path, &tokens, &changes).await;
            assert_eq!(answer.status, 401, "{path} {changes}");
            assert!(challenges(&answer)[0].starts_with("DPoP error=\"invalid_dpop_proof\", "), "{answer:?}");
        }
        let as_bearer = tester.get_with(&tokens["access_token"], path).await;
        assert_eq!(as_bearer.status, 401, "{path}");
        assert!(challenges(&as_bearer)[0].starts_with("Bearer ") && as_bearer.text().is_empty());
    }
    let thief = Bound { tester: Tester::plain(), key: ProofKey::new() };
    let url = tester.url("/mcp");
    let token = tokens["access_token"].as_str().unwrap();
    let (proof, value) =
        (thief.key.proof("GET", url.as_str(), &json!({"ath": hash(token)})), format!("DPoP {token}"));
    let headers = [("authorization", value.as_str()), ("dpop", proof.as_str())];
    assert_eq!(tester.http.send(Method::GET, &url, &headers, Vec::new()).await.unwrap().status, 401);

    // What came without a proof is for whoever bears it, unless the resource wants more.
    let unbound = bound.redeem(&[("resource", &mcp)], &[]).await.json();
    assert_eq!(unbound["token_type"], "Bearer");
    assert_eq!(tester.get_with(&unbound["access_token"], "/mcp").await.status, 200);
    assert_eq!(bound.get("/mcp", &unbound, &none).await.status, 401);
    tester.set(json!({"protected_resource": {"dpop_bound": true, "schemes": ["DPoP"]}}));
    let refused = tester.get_with(&unbound["access_token"], "/mcp").await;
    assert!(challenges(&refused)[0].starts_with("DPoP error=\"invalid_token\", "), "{refused:?}");
    assert_eq!(bound.get("/mcp", &tokens, &none).await.status, 200);
}

#[tokio::test]
async fn a_public_clients_refresh_token_wants_the_same_key() {
    let bound = Bound::new(json!({}));
    bound.tester.change(|options| options.rotation = Rotation::KeepOld);
    let none = json!({});
    let tokens = bound.redeem(&[], &[bound.proof(&none)]).await.json();
    let other = ProofKey::new().proof("POST", bound.tester.url("/token").as_str(), &none);
    for proofs in [&[][..], &[other]] {
        let answer = bound.refresh(&tokens, proofs).await;
        assert_eq!(refused(&answer), (400, "invalid_grant".into()), "{proofs:?}");
    }
    let refreshed = bound.refresh(&tokens, &[bound.proof(&none)]).await.json();
    assert_eq!(refreshed["token_type"], "DPoP");
    assert_eq!(bound.get("/resource", &refreshed, &none).await.status, 200);
    let entries = bound.tester.server.journal().entries();
    let proofs: Vec<_> = entries.iter().filter_map(|entry| entry.proof.as_ref()).collect();
    let thumbprint = Some(bound.key.thumbprint());
    let of_key = proofs.iter().filter(|proof| proof.thumbprint == thumbprint).count();
    assert_eq!((proofs.len(), of_key, proofs[0].token, proofs[3].token), (4, 3, false, true));
    assert_ne!(proofs[0].id, proofs[2].id);
}

#[tokio::test]
async fn a_confidential_clients_refresh_token_is_bound_to_the_client() {
    let bound = Bound::new(json!({}));
    let client = [("client_id", "confidential-post"), ("client_secret", SECRET)];
    let code = Tester::redirected(&bound.tester.authorize(&client[..1]).await).remove(0).1;
    let code = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let tokens = bound.token(&[&client[..], &code].concat(), &[bound.proof(&json!({}))]).await.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let refreshed = bound.token(&[&client[..], &refresh].concat(), &[]).await.json();
    assert_eq!(refreshed["token_type"], "Bearer");
}

#[tokio::test]
async fn proofs_that_prove_nothing() {
    let bound = Bound::new(json!({}));
    let code = bound.tester.code().await;
    let (key, none) = (&bound.key, json!({}));
    let claims = json!({"jti": "j", "htm": "POST", "htu": bound.tester.url("/token").as_str(), "iat": common::proof::now()});
    let jwk = key.jwk();
    let mut private = jwk.clone();
    private["d"] = json!("AAAA");
    let used = bound.proof(&none);
    let unknown = bound.redeem_code("unknown", std::slice::from_ref(&used)).await;
    assert_eq!(refused(&unknown), (400, "invalid_grant".into()));
    let good = bound.proof(&none);
    for proofs in [
        vec![used],
        vec![good.clone(), bound.proof(&none)],
        vec!["nonsense".into()],
        vec![format!(
            "{}.{}",
            good.rsplit_once('.').unwrap().0,
            bound.proof(&none).rsplit_once('.').unwrap().1
        )],
        vec![bound.proof(&json!({"jti": null}))],
        vec![bound.proof(&json!({"iat": null}))],
        vec![bound.proof(&json!({"iat": common::proof::now() - 301}))],
        vec![bound.proof(&json!({"htm": "post"}))],
        vec![bound.proof(&json!({"htu": format!("{}?x=1", bound.tester.url("/token"))}))],
        vec![bound.proof(&json!({"htu": bound.tester.url("/token/").as_str()}))],
        vec![key.sign(&json!({"typ": "JWT", "alg": "ES256", "jwk": jwk}), &claims)],
        vec![key.sign(&json!({"typ": "dpop+jwt", "alg": "none", "jwk": jwk}), &claims)],
        vec![key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256"}), &claims)],
        vec![key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": private}), &claims)],
        vec![key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": ProofKey::new().jwk()}), &claims)],
    ] {
        let answer = bound.redeem_code(&code, &proofs).await;
        assert_eq!(refused(&answer), (400, "invalid_dpop_proof".into()), "{proofs:?}");
    }
    assert_eq!(bound.redeem_code(&code, &[good]).await.status, 200, "the code is as it was");

    bound.tester.set(json!({"dpop": {"mode": "required"}}));
    assert_eq!(refused(&bound.redeem(&[], &[]).await), (400, "invalid_dpop_proof".into()));
}

#[tokio::test]
async fn a_nonce_is_wanted_and_every_answer_has_one() {
    let bound = Bound::new(json!({"nonce": "once"}));
    let (tester, none) = (&bound.tester, json!({}));
    let nonce = |answer: &Answer| json!({"nonce": answer.header("dpop-nonce").unwrap()});
    let code = tester.code().await;
    let first = bound.redeem_code(&code, &[bound.proof(&none)]).await;
    assert_eq!(refused(&first), (400, "use_dpop_nonce".into()));
    let made_up = bound.redeem_code(&code, &[bound.proof(&json!({"nonce": "made-up"}))]).await;
    assert_eq!(refused(&made_up), (400, "use_dpop_nonce".into()));
    let answer = bound.redeem_code(&code, &[bound.proof(&nonce(&first))]).await;
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let again = bound.refresh(&tokens, &[bound.proof(&nonce(&first))]).await;
    assert_eq!(refused(&again), (400, "use_dpop_nonce".into()), "each is good once");

    let wanted = bound.get("/resource", &tokens, &none).await;
    assert_eq!(
        (wanted.status, challenges(&wanted)),
        (401, vec!["DPoP error=\"use_dpop_nonce\", algs=\"ES256\""])
    );
    assert_eq!(bound.get("/resource", &tokens, &nonce(&wanted)).await.status, 200);

    tester.set(json!({"dpop": {"nonce": "kept"}}));
    let kept = nonce(&bound.refresh(&tokens, &[bound.proof(&none)]).await);
    let refreshed = bound.refresh(&tokens, &[bound.proof(&kept)]).await;
    assert_eq!(
        (refreshed.status, nonce(&refreshed)),
        (200, kept.clone()),
        "what was refused changed nothing"
    );
    assert_eq!(bound.get("/resource", &refreshed.json(), &kept).await.status, 200);
    let url = tester.url("/_control/forget-nonces");
    assert_eq!(tester.http.send(Method::POST, &url, &[], Vec::new()).await.unwrap().status, 204);
    let stale = bound.get("/resource", &refreshed.json(), &kept).await;
    assert_eq!(stale.status, 401);
    assert_eq!(bound.get("/resource", &refreshed.json(), &nonce(&stale)).await.status, 200);
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_was_announced() {
    let bound = Bound::new(json!({}));
    let (thumbprint, none) = (bound.key.thumbprint(), json!({}));
    let asked = [("dpop_jkt", thumbprint.as_str())];
    let other = ProofKey::new().proof("POST", bound.tester.url("/token").as_str(), &none);
    assert_eq!(refused(&bound.redeem(&asked, &[other]).await), (400, "invalid_grant".into()));
    assert_eq!(refused(&bound.redeem(&asked, &[]).await), (400, "invalid_grant".into()));
    assert_eq!(bound.redeem(&asked, &[bound.proof(&none)]).await.status, 200);

    // A pushed request says it by a proof.
    bound.tester.set(json!({"pushed_requests": {"mode": "on"}}));
    let url = bound.tester.url("/par");
    let push = async |proof: &str, jkt: Option<&str>| {
        let mut form = bound.tester.authorization_request();
        form.extend(jkt.map(|jkt| ("dpop_jkt", jkt)));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", proof)];
        bound.tester.http.send(Method::POST, &url, &headers, body.into_bytes()).await.unwrap()
    };
    let proof = || bound.key.proof("POST", url.as_str(), &none);
    assert_eq!(refused(&push(&proof(), Some("other")).await), (400, "invalid_dpop_proof".into()));
    let pushed = push(&proof(), None).await.json();
    let mut url = bound.tester.url("/authorize");
    let pair = [("client_id", "public"), ("request_uri", pushed["request_uri"].as_str().unwrap())];
    url.query_pairs_mut().extend_pairs(pair);
    let sent = bound.tester.http.get(&url).await.unwrap();
    let code = Tester::redirected(&sent).remove(0).1;
    assert_eq!(refused(&bound.redeem_code(&code, &[]).await), (400, "invalid_grant".into()));
    assert_eq!(bound.redeem_code(&code, &[bound.proof(&none)]).await.status, 200);
}

#[tokio::test]
async fn a_server_may_promise_and_not_bind() {
    let bound = Bound::new(json!({"mode": "ignored"}));
    let metadata = bound.tester.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]));
    let asked = [("dpop_jkt", "whatever")];
    let tokens = bound.redeem(&asked, &[bound.proof(&json!({}))]).await.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(bound.tester.resource(&tokens["access_token"]).await, 200);
}
