//! R10: one grant, four resources, eight processes of all languages: the one refresh token is passed from hand to hand.

use std::collections::{BTreeMap, BTreeSet};

use authorization_server::{LiveOptions, Rotation, ServerOptions};
use tokenkeep_behaviour::{CLIENT_ID, Stage};
use tokenkeep_concurrency::{Kind, Racers};
use tokenkeep_test_support::{report, scaled};

const SCOPES: [&str; 4] = [
    "https://graph.microsoft.com/User.Read",
    "https://outlook.office365.com/IMAP.AccessAsUser.All",
    "https://contoso.sharepoint.com/AllSites.Read",
    "https://vault.azure.net/user_impersonation",
];

#[test]
fn r10_one_refresh_token_survives_refreshes_of_four_resources() {
    // Stricter than Entra, which takes an old refresh token again: here the second use of one ends the grant.
    let entra = ServerOptions::entra();
    let live = LiveOptions { rotation: Rotation::ReuseDetection, ..entra.live.clone() };
    let stage = Stage::new("microsoft", ServerOptions { live, ..entra }, &["--client-id", CLIENT_ID]);
    stage.home.add_provider(&stage.microsoft_definition());
    stage.login(&[]).ok();

    let mut racers = Racers::start(&stage.home, "microsoft", &kinds(), 1);
    let (mut rounds, mut waits) = (0, Vec::new());
    while stage.refreshes().len() < scaled(100, 1000) {
        // In every round each process wants another resource than in the last one, and two want the same.
        for (number, calls) in
            racers.each(|number| format!("force {}", SCOPES[(number + rounds) % 4])).iter().enumerate()
        {
            assert_eq!((calls.errors(), calls.ok()), (vec![], 1), "round {rounds}, process {number}");
            waits.push(calls.p99());
        }
        rounds += 1;
    }

    let refreshes = stage.refreshes();
    let sent: BTreeSet<_> = refreshes.iter().map(|refresh| &refresh.parameters["refresh_token"]).collect();
    assert_eq!(sent.len(), refreshes.len(), "none was sent twice");
    assert_eq!(stage.server.journal().reuse_count(), 0);
    let mut by_resource = BTreeMap::from(SCOPES.map(|scope| (scope, 0)));
    for refresh in &refreshes {
        let asked = |scope: &&str| refresh.parameters["scope"].split(' ').any(|word| word == *scope);
        let [scope] = SCOPES.into_iter().filter(asked).collect::<Vec<_>>()[..] else { panic!("{refresh:?}") };
        *by_resource.entry(scope).or_default() += 1;
    }
    assert!(by_resource.values().all(|count| *count >= refreshes.len() / 8), "{by_resource:?}");
    // Each resource has a token of its own at the end, and nobody has to log in.
    let tokens: BTreeSet<_> = SCOPES.iter().map(|scope| stage.access_token(&["--scopes", scope])).collect();
    assert_eq!((tokens.len(), stage.refreshes().len()), (4, refreshes.len()));
    assert_eq!(stage.field("status", &[]), "connected");
    waits.sort_unstable_by(f64::total_cmp);
    report(
        "R10",
        format!(
            "8 processes x {rounds} rounds: {} refreshes, 0 reuse, {} of {} calls ok, p99 wait {:.0} ms",
            refreshes.len(),
            waits.len(),
            waits.len(),
            waits[(waits.len() - 1) * 99 / 100]
        ),
    );
}

/// Eight processes; on Windows the tests have no other languages.
fn kinds() -> Vec<(Kind, usize)> {
    if cfg!(windows) {
        return vec![(Kind::Library, 8)];
    }
    vec![(Kind::Library, 2), (Kind::Python, 2), (Kind::Node, 2), (Kind::swift_if_there(), 2)]
}
