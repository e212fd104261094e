//! An API that will not have the token: another one once, and with the claims that it demands.

use serde_json::{Value, json};
use tokenkeep::{Broker, Challenge, ErrorKind, ProviderName, Secret, TokenOptions};
use tokenkeep_behaviour::{Stage, block_on, fails, person};
use url::Url;

/// A request to the API; the challenges of its 401, or none.
fn ask(stage: &Stage, token: &str) -> Option<Vec<String>> {
    let url: Url = format!("{}/v1.0/me", stage.server.origin()).parse().unwrap();
    let answer = person::get_with_token(&url, token);
    match answer.status {
        200 => None,
        401 => Some(vec![answer.header("www-authenticate").unwrap().to_owned()]),
        status => panic!("{status}"),
    }
}

/// What the core makes of a refusal.
fn after_refusal(
    broker: &Broker,
    provider: &str,
    refused: &str,
    challenges: &[String],
) -> tokenkeep::Result<Option<String>> {
    let provider: ProviderName = provider.parse().unwrap();
    let (refused, challenges) = (Secret::new(refused), Challenge::parse_all(challenges));
    let options = TokenOptions::default();
    let token = block_on(broker.token_after_refusal(&provider, &options, &refused, &challenges));
    Ok(token?.map(|token| token.secret.expose().to_owned()))
}

#[test]
fn refused_token_is_replaced_once() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let broker = stage.broker();
    let first = stage.access_token(&[]);
    assert_eq!(ask(&stage, &first), None);
    stage.server.expire_access_tokens();
    let challenges = ask(&stage, &first).unwrap();

    let second = after_refusal(&broker, "acme", &first, &challenges).unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!(ask(&stage, &second), None);
    // Whoever was refused the same one takes what is there.
    assert_eq!(after_refusal(&broker, "acme", &first, &[]).unwrap().as_ref(), Some(&second));
    assert_eq!(stage.access_token(&[]), second);
    assert_eq!(stage.refreshes().len(), 1);
    // An API that refuses every token is not given a new one for each request.
    assert_eq!(after_refusal(&broker, "acme", &second, &challenges).unwrap(), None);
    // Wider scopes are a person's to grant.
    let wider = ["Bearer error=\"insufficient_scope\", scope=\"admin\"".to_owned()];
    assert_eq!(after_refusal(&broker, "acme", &first, &wider).unwrap(), None);
    // A nonce is for a proof, and no proof goes with these.
    let nonce = ["DPoP error=\"use_dpop_nonce\"".to_owned()];
    assert_eq!(after_refusal(&broker, "acme", &second, &nonce).unwrap(), None);
    assert_eq!(stage.refreshes().len(), 1);
    block_on(broker.close());
}

#[test]
fn claims_challenge_is_met_by_one_refresh() {
    let stage = Stage::microsoft();
    stage.login(&[]).ok();
    let broker = stage.broker();
    let claims = json!({"access_token": {"nbf": {"essential": true, "value": "1700000000"}}});
    let challenge = |claims: &Value| {
        stage.fault(json!({"endpoint": "resource", "action": {"type": "challenge", "claims": claims}}));
    };
    challenge(&claims);
    let first = stage.access_token(&[]);
    let challenges = ask(&stage, &first).unwrap();
    let second = after_refusal(&broker, "microsoft", &first, &challenges).unwrap().unwrap();
    assert_eq!(ask(&stage, &second), None);
    let sent = stage.refreshes();
    assert_eq!(sent.len(), 1);
    assert_eq!(serde_json::from_str::<Value>(&sent[0].parameters["claims"]).unwrap(), claims);
    // The same demand, from anybody: it is met.
    assert_eq!(after_refusal(&broker, "microsoft", &first, &challenges).unwrap().as_ref(), Some(&second));
    let in_other_words = serde_json::to_string_pretty(&claims).unwrap();
    assert_eq!(stage.access_token(&["--claims", &in_other_words]), second);
    assert_eq!(stage.access_token(&[]), second);
    assert_eq!(stage.refreshes().len(), 1);

    // Another demand is another question; what only the person can meet is told, with what to log in for.
    let step_up = json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}});
    challenge(&step_up);
    let challenges = ask(&stage, &second).unwrap();
    stage.at_refresh(
        1,
        &json!({"type": "error", "error": "interaction_required", "claims": step_up.to_string()}),
    );
    let error = after_refusal(&broker, "microsoft", &second, &challenges).unwrap_err();
    let ErrorKind::InteractionRequired { claims: Some(told) } = error.kind() else { panic!("{error:?}") };
    assert_eq!(serde_json::from_str::<Value>(told).unwrap(), step_up);
    // It is nobody's trouble but of those who ask for the same.
    assert_eq!(stage.access_token(&[]), second);
    fails(&stage.token(&["--claims", &step_up.to_string(), "--json"]), "interaction_required");
    assert_eq!(stage.refreshes().len(), 2, "the same question is not asked twice");
    fails(&stage.token(&["--claims", "essential", "--json"]), "config_invalid");
    block_on(broker.close());
}
