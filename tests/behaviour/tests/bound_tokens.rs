//! Tokens that are bound to a key (RFC 9449): the key of one login, its proofs, the nonces that servers want in them, and
//! what comes when a server takes the binding away.

use std::collections::BTreeSet;

use authorization_server::{Answer, Dpop, DpopOptions, Entry, Nonces};
use serde_json::{Value, json};
use tokenkeep::{Challenge, DpopProofOptions, TokenOptions};
use tokenkeep_behaviour::{Stage, fails, person};
use url::Url;

/// Acme, whose server binds tokens to the key of a proof.
fn acme(nonce: Nonces) -> Stage {
    let stage = Stage::acme();
    stage.change(|live| live.dpop = DpopOptions { mode: Dpop::On, nonce });
    stage
}

/// The resource's answer to a token with this proof.
fn resource(stage: &Stage, scheme: &str, token: &str, proof: &str) -> Answer {
    let url = Url::parse(&stage.resource_url()).unwrap();
    person::get_with(&url, &[("authorization", &format!("{scheme} {token}")), ("dpop", proof)])
}

/// What `tokenkeep dpop-proof` prints for a GET.
fn proof(stage: &Stage, url: &str) -> String {
    let arguments = ["dpop-proof", stage.provider, "--method", "GET", "--url", url];
    stage.home.run(arguments).ok().stdout.trim_end().to_owned()
}

fn thumbprints(entries: &[Entry]) -> BTreeSet<String> {
    let seen = |entry: &Entry| entry.proof.clone().expect("a proof").thumbprint.expect("a key");
    entries.iter().map(seen).collect()
}

/// What the requests to the token endpoint said of a nonce.
fn with_nonce(entries: &[Entry]) -> Vec<bool> {
    entries.iter().map(|entry| entry.proof.as_ref().expect("a proof").nonce).collect()
}

#[test]
fn tokens_are_bound_to_a_key() {
    let stage = acme(Nonces::Off);
    stage.login(&["--connection", "plain"]).ok();
    assert!(stage.asked("authorization_code")[0].proof.is_none(), "nobody asked for it");
    let unbound =
        ["dpop-proof", "acme", "--connection", "plain", "--method", "GET", "--url", "https://a.example"];
    let refused = fails(&stage.home.run([&unbound[..], &["--json"]].concat()), "unsupported");
    assert!(refused.help().contains("--dpop"), "{refused:?}");

    // One key from the authorization request to the refresh, and a proof of its own for each.
    stage.login(&["--dpop"]).ok();
    let connection = stage.home.run(["get", "acme", "--json"]).ok().json();
    assert_eq!(connection["dpop"], true);
    let redemption = &stage.asked("authorization_code")[1..];
    let token = stage.access_token(&[]);
    let newer = stage.access_token(&["--force-refresh"]);
    assert_ne!(newer, token);
    let keys = thumbprints(&[redemption, &stage.refreshes()].concat());
    assert_eq!(keys.len(), 1, "{keys:?}");
    let asked = stage.server.journal().entries();
    let authorized = asked.iter().filter_map(|entry| entry.parameters.get("dpop_jkt")).collect::<Vec<_>>();
    assert_eq!(authorized, keys.iter().collect::<Vec<_>>(), "the code was bound to it, too");
    let all: Vec<_> = asked.iter().filter_map(|entry| entry.proof.clone()).collect();
    assert_eq!(all.iter().map(|proof| proof.id.clone()).collect::<BTreeSet<_>>().len(), all.len());

    // The token is of use with a proof for its request, and in no other way.
    assert_eq!(stage.token(&["--json"]).ok().json()["token_type"], "DPoP");
    let url = stage.resource_url();
    assert_eq!(resource(&stage, "DPoP", &newer, &proof(&stage, &format!("{url}?page=2#top"))).status, 200);
    let spent = proof(&stage, &url);
    assert_eq!(resource(&stage, "DPoP", &newer, &spent).status, 200);
    for (scheme, proof) in
        [("DPoP", spent), ("DPoP", proof(&stage, &format!("{url}/other"))), ("Bearer", proof(&stage, &url))]
    {
        assert_eq!(resource(&stage, scheme, &newer, &proof).status, 401, "{scheme} {proof}");
    }
    assert_eq!(stage.resource(&newer), 401, "a stolen token");
    fails(&stage.token(&["--sasl", "xoauth2", "--user", "me@example.com", "--json"]), "unsupported");

    // Each login has a key of its own, and a login again asks for one again.
    stage.login(&[]).ok();
    let again = thumbprints(&stage.asked("authorization_code")[2..]);
    assert!(again.is_disjoint(&keys));
    // It goes by any flow, and a logout needs no proof.
    stage.change(|live| live.device_approve_after = Some(0));
    stage.home.run(["login", "acme", "--flow", "device-code", "--dpop"]).ok();
    assert_eq!(thumbprints(&stage.asked("urn:ietf:params:oauth:grant-type:device_code")).len(), 1);
    let ended = stage.home.run(["logout", "acme", "--json"]).ok().json();
    assert_eq!(ended["logged_out"][0]["revocation"], "revoked");

    // A server that says that it takes other proofs alone is believed before anybody is asked.
    let stage = Stage::oidc();
    let only = json!({"dpop_signing_alg_values_supported": ["RS256"]});
    stage.change(|live| live.metadata.set = only.as_object().cloned().unwrap());
    fails(&stage.login(&["--dpop", "--json"]), "unsupported");
    assert!(stage.asked("authorization_code").is_empty());
    // A resource that takes bound tokens alone need not be told of.
    let stage = Stage::mcp();
    stage.change(|live| {
        live.dpop.mode = Dpop::On;
        live.protected_resource.dpop_bound = true;
    });
    stage.login(&[]).ok();
    assert_eq!(stage.home.run(["list", "--json"]).ok().json()[0]["dpop"], true);
}

#[test]
fn dpop_nonce_is_answered_once() {
    let stage = acme(Nonces::Once);
    stage.login(&["--dpop"]).ok();
    let redeemed = stage.asked("authorization_code");
    assert_eq!(with_nonce(&redeemed), [false, true]);
    assert_eq!(
        redeemed[0].parameters["code"], redeemed[1].parameters["code"],
        "it was not used by the first"
    );
    assert_eq!(redeemed[0].outcome.error.as_deref(), Some("use_dpop_nonce"));
    // A process of its own knows no nonce, and a program that lives on has the last one.
    stage.access_token(&["--force-refresh"]);
    assert_eq!(with_nonce(&stage.refreshes()), [false, true]);
    assert_eq!(stage.server.journal().reuse_count(), 0);
    let broker = stage.broker();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (acme, forced) =
        ("acme".parse().unwrap(), TokenOptions { force_refresh: true, ..TokenOptions::default() });
    runtime.block_on(broker.token(&acme, &forced)).unwrap();
    let token = runtime.block_on(broker.token(&acme, &forced)).unwrap();
    assert_eq!(with_nonce(&stage.refreshes()[2..]), [false, true, true]);

    // The resource wants one too: the same token goes with another proof.
    let url = stage.resource_url();
    stage.server.forget_nonces();
    let proof = |nonce: Option<&str>| {
        let (method, nonce) = ("GET".to_owned(), nonce.map(str::to_owned));
        let options = DpopProofOptions { method, url: url.clone(), nonce, ..DpopProofOptions::default() };
        broker.dpop_proof(&acme, &options).unwrap()
    };
    let secret = &token.secret;
    let refused = resource(&stage, "DPoP", secret.expose(), proof(None).expose());
    assert_eq!(refused.status, 401);
    let challenges = Challenge::parse_all([refused.header("www-authenticate").unwrap()]);
    let options = TokenOptions::default();
    let after = broker.token_after_refusal(&acme, &options, secret, &challenges);
    assert_eq!(runtime.block_on(after).unwrap().unwrap().secret, *secret);
    assert_eq!(stage.refreshes().len(), 5, "nothing was refreshed for it");
    let nonce = refused.header("dpop-nonce").unwrap();
    let taken = resource(&stage, "DPoP", secret.expose(), proof(Some(nonce)).expose());
    assert_eq!(taken.status, 200);
    runtime.block_on(broker.close());

    // A server whose nonce is never right is asked twice, and ends nothing.
    let headers = [["content-type", "application/json"], ["dpop-nonce", "never"]];
    let body = json!({"error": "use_dpop_nonce"}).to_string();
    let demand = json!({"type": "reply", "status": 400, "headers": headers, "body": body});
    stage.at_refresh(2, &demand);
    let before = stage.refreshes().len();
    fails(&stage.token(&["--force-refresh", "--json"]), "provider_rejected");
    assert_eq!((stage.refreshes().len(), stage.field("status", &[])), (before + 2, "connected".to_owned()));
    stage.access_token(&["--force-refresh"]);
    // Any other answer to a code is the last one.
    stage.at_redemption(1, &json!({"type": "error", "error": "invalid_grant"}));
    let before = stage.asked("authorization_code").len();
    assert!(stage.login(&["--dpop", "--json"]).code >= 10);
    assert_eq!(stage.asked("authorization_code").len(), before + 1);
}

#[test]
fn bearer_in_the_place_of_a_bound_token_is_refused() {
    let stage = acme(Nonces::Off);
    stage.change(|live| live.dpop.mode = Dpop::Ignored);
    let refused = fails(&stage.login(&["--dpop", "--json"]), "provider_rejected");
    assert!(refused.help().contains("DPoP"), "{refused:?}");
    assert_eq!(stage.home.run(["list", "--json"]).ok().json(), json!([]), "nothing was kept");
    assert_eq!(stage.asked("authorization_code").len(), 1);

    stage.change(|live| live.dpop.mode = Dpop::On);
    stage.login(&["--dpop"]).ok();
    let bound = stage.access_token(&[]);
    // The server has rotated all the same: what it gave is what it takes.
    stage.at_refresh(1, &json!({"type": "mutate", "set": {"token_type": "Bearer"}}));
    fails(&stage.token(&["--force-refresh", "--json"]), "provider_rejected");
    assert_eq!(stage.access_token(&[]), bound, "what is bound goes on");
    assert_ne!(stage.access_token(&["--force-refresh"]), bound);
    assert_eq!((stage.refreshes().len(), stage.server.journal().reuse_count()), (2, 0));

    // Nor is a token that wants a proof taken by who has no key.
    let stage = acme(Nonces::Off);
    let odd = json!({"access_token": "a", "token_type": "DPoP", "expires_in": 60}).to_string();
    let headers: Value = json!([["content-type", "application/json"]]);
    stage.at_redemption(1, &json!({"type": "reply", "status": 200, "headers": headers, "body": odd}));
    fails(&stage.login(&["--json"]), "provider_rejected");
}
