//! The argument of the room, step by step, against the scripted authorization server.

mod stage;

use std::sync::atomic::Ordering;

use authorization_server::{Action, LiveOptions, Rotation};

use super::*;
use crate::error::LoginReason;
use crate::protocol::{Rotation as RefreshRotation, RotationClass};
use crate::secret::Secret;
use crate::store::{ConnectionStatus, CoolDown, RecordServer, RefreshAttempt};
use stage::{Stage, Standing, futures_join, reply, throttle};

#[tokio::test]
async fn a_fresh_token_sends_nothing_and_a_stale_one_is_rotated_once_for_all() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let before = stage.stored();
    assert_eq!(stage.refreshed().await.unwrap(), before);
    assert_eq!(stage.requests(), 0);

    stage.at(3600);
    let all = (0..50).map(|_| stage.refreshed());
    let mut tokens = Vec::new();
    for record in futures_join(all).await {
        tokens.push(record.unwrap().access_tokens[0].secret.clone());
    }
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let after = stage.stored();
    assert_ne!(after.refresh_token, before.refresh_token);
    assert_eq!((after.access_tokens[0].secret.clone(), stage.requests()), (tokens[0].clone(), 1));
    assert_eq!((after.refresh_attempt, after.refreshed_at), (None, Some(stage.clock.now().wall)));
}

#[tokio::test]
async fn a_late_refusal_of_an_old_grant_does_not_end_a_new_one() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let (access_token, refresh_token) = stage.log_in().await;
    let mut newer = stage.record(&access_token, Some(&refresh_token));
    newer.grant_id = "newer".to_owned();
    stage.at(3600);
    stage.server.revoke_all();
    // 1: the read before the lock, 2: under it, 3: after the refusal.
    *stage.store.replace_before_get.lock().unwrap() = Some((3, newer.clone()));
    assert_eq!(stage.refreshed().await.unwrap().grant_id, "newer");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
}

#[tokio::test]
async fn a_refused_grant_is_marked_kept_and_not_asked_for_again() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.server.revoke_all();
    stage.at(3600);
    for _ in 0..3 {
        let error = stage.refreshed().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::GrantEnded });
    }
    assert_eq!(stage.requests(), 1);
    let kept = stage.stored();
    assert!(matches!(kept.status, ConnectionStatus::LoginRequired { .. }));
    assert!(kept.refresh_token.is_some());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more() {
    // Entra takes the old token again; on a strict server the grant was lost with the answer.
    for (rotation, recovers) in
        [(Rotation::KeepOld, true), (Rotation::Grace(30), true), (Rotation::ReuseDetection, false)]
    {
        let stage = Stage::new(rotation).await;
        stage.at(3600);
        stage.fault(Action::DropAfter, 1);
        match stage.refreshed().await {
            Ok(record) => assert!(recovers && record.refresh_attempt.is_none(), "{rotation}"),
            Err(error) => {
                assert!(!recovers, "{rotation}: {error}");
                assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::ResponseLost });
            }
        }
        assert_eq!(stage.requests(), 2, "{rotation}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_a_reason_only_where_it_may_have_used_the_refresh_token_up() {
    let (class, in_grace) = (RotationClass::SingleUse, LoginReason::GrantEnded);
    for (rotation, reason) in [
        (RefreshRotation { class, grace: 0 }, LoginReason::ResponseLost),
        (RefreshRotation { class, grace: 60 }, in_grace),
        (RefreshRotation { class: RotationClass::Reusable, grace: 0 }, LoginReason::GrantEnded),
        (RefreshRotation::default(), LoginReason::ResponseLost),
    ] {
        let stage = Stage::new(Rotation::ReuseDetection).await;
        let record = stage.stored();
        let server = RecordServer { rotation, ..record.server.clone() };
        stage.put(&ConnectionRecord { server, ..record });
        stage.at(3600);
        stage.fault(Action::DropAfter, 1);
        let error = stage.refreshed().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason }, "{rotation:?}");
    }
    // The grace counts from the first request that was lost.
    let at = |seconds| Standing(std::sync::Mutex::new(seconds)).now();
    let lost = RefreshAttempt::after(None, at(0));
    let second = RefreshAttempt::after(Some(&lost), at(30));
    let third = RefreshAttempt::after(Some(&second), at(70));
    assert_eq!((third.count, third.first.clone()), (3, Some(at(0))));
    let grace = RefreshRotation { class, grace: 60 };
    assert!(!second.may_have_used_up(grace, &at(59)) && third.may_have_used_up(grace, &at(70)));
    assert!(!lost.may_have_used_up(grace, &at(70)), "nothing was lost before it");
}

#[tokio::test]
async fn the_marker_is_there_before_the_request_and_survives_what_loses_the_answer() {
    let stage = Stage::new(Rotation::KeepOld).await;
    stage.at(3600);
    stage.fault(Action::DropAfter, 2);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "network");
    assert_eq!(stage.stored().refresh_attempt.unwrap().count, 2);
    // Whoever comes next finds it, and finds out.
    assert!(stage.refreshed().await.unwrap().refresh_attempt.is_none());

    // Without a place to write the marker nothing is sent.
    stage.at(7200);
    let sent = stage.requests();
    stage.store.full_from_put.store(1, Ordering::SeqCst);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "store_unavailable");
    assert_eq!(stage.requests(), sent);
}

#[tokio::test]
async fn a_pause_is_kept_by_all_and_a_working_token_is_served_meanwhile() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3590);
    stage.fault(throttle(7), 1);
    let served = stage.refreshed().await.unwrap();
    assert_eq!(served.cool_down, Some(CoolDown { started: stage.clock.now(), seconds: 8, own: false }));
    assert_eq!(stage.refreshed().await.unwrap().access_tokens, served.access_tokens);
    assert_eq!(stage.requests(), 1);

    stage.at(3600);
    stage.refreshed().await.unwrap();
    assert_eq!(stage.requests(), 2);

    stage.at(7200);
    stage.fault(throttle(7), 1);
    let retry_at = Some(stage.clock.now().wall.plus(8));
    for _ in 0..2 {
        assert_eq!(*stage.refreshed().await.unwrap_err().kind(), ErrorKind::Throttled { retry_at });
    }
    assert_eq!(stage.requests(), 3);
}

#[tokio::test]
async fn what_only_the_person_can_change_is_asked_once_a_minute() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let refusal = reply(400, r#"{"error":"invalid_grant","suberror":"consent_required"}"#);
    for (at, requests) in [(3600, 1), (3600, 1), (3659, 1), (3660, 2), (3719, 2), (3720, 3)] {
        stage.at(at);
        if at % 60 == 0 {
            stage.fault(refusal.clone(), 1);
        }
        assert_eq!(stage.refreshed().await.unwrap_err().code(), "consent_required", "{at}");
        assert_eq!(stage.requests(), requests, "{at}");
        stage.server.clear_faults();
    }
    stage.at(3780);
    assert_eq!(stage.refreshed().await.unwrap().refusal, None);
}

#[tokio::test]
async fn tokens_that_end_at_once_are_asked_for_twice_a_minute() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.server.set_options(LiveOptions { access_token_lifetime: 0, ..stage.server.options() });
    for (at, requests) in [(3600, 1), (3600, 1), (3629, 1), (3630, 2), (3659, 2), (3660, 3)] {
        stage.at(at);
        let outcome = stage.refreshed().await;
        let sent = stage.requests();
        assert_eq!(sent, requests, "{at}");
        if let Err(error) = outcome {
            let retry_at = Some(stage.clock.now().wall.plus(30 - at % 30));
            assert_eq!(*error.kind(), ErrorKind::Throttled { retry_at }, "{at}");
        }
    }
}

#[tokio::test]
async fn trouble_at_the_server_ends_no_login_and_is_not_stirred() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    for (at, body) in [(3590, "{\"error\":\"server_error\"}"), (3600, "<html>captive portal</html>")] {
        stage.at(at);
        stage.fault(reply(503, body), 1);
        let before = stage.requests();
        match stage.refreshed().await {
            Ok(record) => assert!(at < 3600 && record.cool_down.is_some()),
            Err(error) => assert!(at == 3600 && error.code() == "network", "{error}"),
        }
        // While the token works, the failure is not repeated call after call.
        if at < 3600 {
            stage.refreshed().await.unwrap();
        }
        assert_eq!(stage.requests(), before + 1);
        assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    }
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_refused_is_a_configuration_and_no_end_of_a_grant() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3600);
    stage.fault(reply(401, "{\"error\":\"invalid_client\"}"), 1);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "provider_rejected");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_holder_that_is_stuck_costs_a_bounded_wait_and_a_working_token_is_served() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let stuck = stage.store.inner.lock(&stage.key, Duration::ZERO).unwrap();
    stage.at(3590);
    stage.refreshed().await.unwrap();
    stage.at(3600);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "lock_timeout");
    drop(stuck);
    stage.refreshed().await.unwrap();
}

#[tokio::test]
async fn a_forced_refresh_replaces_the_token_that_was_seen_and_no_other() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let seen = stage.stored().access_tokens[0].secret.clone();
    let demand = Demand { replaces: Some(seen.clone()), ..Demand::default() };
    let first = stage.refresher.refreshed(&stage.key, &demand).await.unwrap();
    assert_ne!(first.access_tokens[0].secret, seen);
    // Another who saw the same old token takes what the first one got.
    let second = stage.refresher.refreshed(&stage.key, &demand).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(stage.requests(), 1);
}

#[tokio::test]
async fn without_a_refresh_token_the_login_lasts_as_long_as_the_token() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.put(&stage.record("token", None));
    stage.at(3590);
    stage.refreshed().await.unwrap();
    let demand = Demand { replaces: Some(Secret::new("token")), ..Demand::default() };
    assert_eq!(stage.refresher.refreshed(&stage.key, &demand).await.unwrap_err().code(), "login_required");
    assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    stage.at(3600);
    let error = stage.refreshed().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::NoRefreshToken });
    assert!(matches!(stage.stored().status, ConnectionStatus::LoginRequired { .. }));
}

#[tokio::test]
async fn a_caller_that_is_cancelled_loses_nothing() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let before = stage.stored();
    stage.at(3600);
    let delay = serde_json::from_value(serde_json::json!({ "type": "delay", "milliseconds": 300 })).unwrap();
    stage.fault(delay, 1);
    assert!(tokio::time::timeout(Duration::from_millis(50), stage.refreshed()).await.is_err());
    stage.refresher.settle().await;
    assert_ne!(stage.stored().refresh_token, before.refresh_token);
    stage.refreshed().await.unwrap();
    assert_eq!(stage.requests(), 1);
}

#[tokio::test]
async fn no_failure_is_the_callers_while_the_token_works() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    for (body, code) in [
        (r#"{"error":"invalid_client"}"#, "provider_rejected"),
        (r#"{"error":"interaction_required","claims":"{}"}"#, "interaction_required"),
    ] {
        stage.at(3590);
        stage.fault(reply(400, body), 1);
        stage.refreshed().await.unwrap();
        stage.at(3600);
        stage.fault(reply(400, body), 1);
        assert_eq!(stage.refreshed().await.unwrap_err().code(), code);
        assert_eq!(stage.stored().status, ConnectionStatus::Connected);
    }
    // A full disk: nothing can be sent, because the marker cannot be written.
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3590);
    stage.store.full_from_put.store(1, Ordering::SeqCst);
    stage.refreshed().await.unwrap();
    // Whoever has found the token to be of no use hears of it.
    let demand =
        Demand { replaces: Some(stage.stored().access_tokens[0].secret.clone()), ..Demand::default() };
    assert_eq!(stage.refresher.refreshed(&stage.key, &demand).await.unwrap_err().code(), "store_unavailable");
}

#[tokio::test]
async fn a_rotated_token_that_cannot_be_written_is_kept_and_written_later() {
    for at_the_end in [false, true] {
        let stage = Stage::new(Rotation::ReuseDetection).await;
        let before = stage.stored();
        stage.at(3600);
        // The marker can be written, and then the disk is full.
        stage.store.full_from_put.store(2, Ordering::SeqCst);
        let rotated = stage.refreshed().await.unwrap();
        assert_ne!(rotated.refresh_token, before.refresh_token);
        assert_eq!(stage.stored().refresh_token, before.refresh_token);
        assert_eq!(stage.refreshed().await.unwrap(), rotated);

        stage.store.full_from_put.store(0, Ordering::SeqCst);
        if at_the_end {
            stage.refresher.settle().await;
        } else {
            assert_eq!(stage.refreshed().await.unwrap(), rotated);
        }
        assert_eq!(stage.stored(), rotated);
        assert_eq!(stage.requests(), 1);
        stage.at(7200);
        stage.refreshed().await.unwrap();
    }
}

#[tokio::test]
async fn what_could_not_be_written_does_not_come_back_over_a_new_login() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3600);
    stage.store.full_from_put.store(2, Ordering::SeqCst);
    stage.refreshed().await.unwrap();
    stage.store.full_from_put.store(0, Ordering::SeqCst);
    let (access_token, refresh_token) = stage.log_in().await;
    let mut newer = stage.record(&access_token, Some(&refresh_token));
    newer.grant_id = "newer".to_owned();
    stage.put(&newer);
    stage.refresher.settle().await;
    assert_eq!(stage.refreshed().await.unwrap(), newer);
    assert_eq!(stage.stored(), newer);
}

#[tokio::test]
async fn an_answer_from_in_between_may_hide_a_lost_one() {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    stage.at(3600);
    stage.fault(reply(504, "<html>gateway timeout</html>"), 1);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "network");
    assert_eq!(stage.stored().refresh_attempt.unwrap().count, 1);
    stage.server.revoke_all();
    let error = stage.refreshed().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::LoginRequired { reason: LoginReason::ResponseLost });
}

/// What a server says that wants another nonce in the proof (RFC 9449 8).
fn nonce_demand(nonce: &str) -> Action {
    let headers = [["content-type", "application/json"], ["dpop-nonce", nonce]];
    let body = r#"{"error":"use_dpop_nonce"}"#;
    let reply = serde_json::json!({ "type": "reply", "status": 400, "headers": headers, "body": body });
    serde_json::from_value(reply).unwrap()
}

/// The stage's connection, with tokens that are bound to a key.
async fn bound() -> Stage {
    let stage = Stage::new(Rotation::ReuseDetection).await;
    let dpop_key = Some(crate::protocol::DpopKey::generate().unwrap().pkcs8().clone());
    stage.put(&ConnectionRecord { dpop_key, ..stage.stored() });
    stage.at(3600);
    stage
}

const BOUND: &str = r#"{"access_token":"a2","refresh_token":"r2","token_type":"DPoP","expires_in":3600}"#;

#[tokio::test]
async fn a_demand_for_a_nonce_is_no_answer_no_loss_and_no_refusal() {
    let stage = bound().await;
    stage.fault(nonce_demand("one"), 1);
    stage.fault(reply(200, BOUND), 1);
    let refreshed = stage.refreshed().await.unwrap();
    assert_eq!(refreshed.access_tokens[0].token_type, "DPoP");
    assert_eq!(stage.requests(), 2);
    let stored = stage.stored();
    assert_eq!(stored.refresh_token, Some(Secret::new("r2")));
    assert!(stored.refresh_attempt.is_none() && stored.cool_down.is_none() && stored.refusal.is_none());
    assert!(stored.dpop_key.is_some());

    // The answer to the second is lost: one request is, and not two.
    stage.at(7200);
    stage.fault(nonce_demand("two"), 1);
    stage.fault(Action::DropAfter, 2);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "network");
    assert_eq!((stage.requests(), stage.stored().refresh_attempt.unwrap().count), (5, 2));
    // Whoever comes next goes on as usual.
    stage.fault(nonce_demand("three"), 1);
    stage.fault(reply(200, BOUND), 1);
    assert!(stage.refreshed().await.unwrap().refresh_attempt.is_none());
}

#[tokio::test]
async fn a_nonce_that_is_never_right_is_asked_for_once_and_ends_nothing() {
    let stage = bound().await;
    let before = stage.stored();
    stage.fault(nonce_demand("one"), 1);
    stage.fault(nonce_demand("two"), 1);
    assert_eq!(stage.refreshed().await.unwrap_err().code(), "provider_rejected");
    assert_eq!(stage.requests(), 2);
    let stored = stage.stored();
    assert_eq!((&stored.refresh_token, stored.status), (&before.refresh_token, ConnectionStatus::Connected));
    assert!(stored.refresh_attempt.is_none());
}

#[tokio::test]
async fn a_bearer_token_in_the_place_of_a_bound_one_is_refused_and_its_refresh_token_is_kept() {
    // The stage's server knows nothing of proofs, and answers with what anybody can use.
    let stage = bound().await;
    let before = stage.stored();
    let refused = stage.refreshed().await.unwrap_err();
    assert_eq!(refused.code(), "provider_rejected");
    assert!(refused.help().contains("DPoP"), "{}", refused.help());
    let stored = stage.stored();
    assert_eq!(stored.access_tokens, before.access_tokens);
    assert_ne!(stored.refresh_token, before.refresh_token);
    assert!(stored.refresh_attempt.is_none());
    // It is the one that the server takes from here on.
    stage.put(&ConnectionRecord { dpop_key: None, cool_down: None, ..stored });
    stage.refreshed().await.unwrap();
}
