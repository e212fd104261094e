//! R11: a grant whose tokens are bound to a key (RFC 9449), at a server that wants a new nonce in each proof: whoever
//! holds the lock answers the demand, and nobody else can use the refresh token in between.

use std::collections::BTreeSet;

use authorization_server::{Dpop, DpopOptions, LiveOptions, Nonces, Rotation, ServerOptions};
use tokenkeep_behaviour::Stage;
use tokenkeep_concurrency::{Kind, Racers};
use tokenkeep_test_support::{report, scaled};

use crate::one_refresh::{LIFETIME, until_expired};

const THREADS: usize = 4;

#[test]
fn r11_a_demand_for_a_nonce_is_met_by_the_holder_of_the_lock() {
    // The second use of a refresh token ends the grant.
    let plain = ServerOptions::plain();
    let live = LiveOptions {
        rotation: Rotation::ReuseDetection,
        dpop: DpopOptions { mode: Dpop::Required, nonce: Nonces::Once },
        access_token_lifetime: LIFETIME.into(),
        ..plain.live.clone()
    };
    let stage = Stage::new("acme", ServerOptions { live, ..plain }, &[]);
    stage.home.add_provider(&stage.acme_definition());
    let mut racers = Racers::start(&stage.home, "acme", &[(Kind::Library, 8)], THREADS);
    stage.login(&["--dpop"]).ok();
    let mut expires_at = racers.go().expires_at().expect("a worker tells when the token ends");

    let (expiries, mut calls) = (scaled(4, 20), 0);
    for expiry in 1..=expiries {
        until_expired(expires_at);
        // Each process has the nonce of its own last refresh, and none of them is good any more.
        stage.server.forget_nonces();
        let before = stage.refreshes().len();
        let got = racers.go();
        assert_eq!((got.errors(), got.tokens().len()), (vec![], 1), "expiry {expiry}");
        calls += got.ok();
        expires_at = got.expires_at().expect("a worker tells when the token ends");
        let refreshes = &stage.refreshes()[before..];
        let granted: Vec<_> = refreshes.iter().map(|refresh| refresh.outcome.granted).collect();
        assert_eq!(granted, [false, true], "expiry {expiry}: one demand, one refresh");
        let sent: BTreeSet<_> =
            refreshes.iter().map(|refresh| &refresh.parameters["refresh_token"]).collect();
        assert_eq!(sent.len(), 1, "the demand is met with the refresh token that it was about");
    }
    assert_eq!(stage.server.journal().reuse_count(), 0);
    assert_eq!((calls, stage.field("status", &[])), (expiries * 8 * THREADS, "connected".to_owned()));
    report(
        "R11",
        format!(
            "8 processes x {THREADS} threads x {expiries} expiries: one demand and one refresh each, 0 reuse, {calls} calls ok"
        ),
    );
}
