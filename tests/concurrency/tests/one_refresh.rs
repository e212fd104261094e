//! R1 and R2: all callers of all processes meet one expired token, again and again, and the server is asked once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authorization_server::{Rotation, ServerOptions};
use tokenkeep_behaviour::Stage;
use tokenkeep_concurrency::{Calls, Kind, Racers};
use tokenkeep_interop::{Django, OidcProvider};
use tokenkeep_test_support::{Home, report, scaled, seconds_since_1970};

/// How long a token lives, in seconds: longer than a round, or there would be two expiries in it.
pub const LIFETIME: u32 = 3;

/// What a race has shown.
struct Race {
    calls: Calls,
    /// The server was asked by one process alone, for comparison.
    round_trip: f64,
    expiries: u64,
}

/// Waits until tokens that end `at` have ended. Time is the event.
pub fn until_expired(at: i64) {
    let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(at).unwrap());
    if let Ok(left) = end.duration_since(SystemTime::now()) {
        std::thread::sleep(left);
    }
}

/// Lets `processes` with four callers each meet as many expiries of the one token in `home`.
fn race(home: &Home, provider: &str, processes: &[(Kind, usize)], expiries: u64) -> Race {
    const THREADS: usize = 4;
    let forced = home.run(["token", provider, "--force-refresh"]).ok();
    let mut racers = Racers::start(home, provider, processes, THREADS);
    let mut race = Race { calls: Calls::default(), round_trip: forced.took.as_secs_f64() * 1000.0, expiries };
    let expires_at = home.run(["get", provider, "--json"]).ok().json()["expires_at"].clone();
    let mut expires_at = seconds_since_1970(expires_at.as_str().expect("the token ends"));
    for expiry in 1..=expiries {
        until_expired(expires_at);
        let calls = racers.go();
        assert_eq!(calls.errors(), [""; 0], "expiry {expiry}");
        assert_eq!(calls.tokens().len(), 1, "expiry {expiry}: all get the same token");
        expires_at = calls.expires_at().expect("a worker tells when the token ends");
        race.calls.0.extend(calls.0);
    }
    race
}

impl Race {
    /// What everybody was promised, in one line. `refreshes`: what the server counted during the race.
    fn judge(&self, case: &str, server: &str, processes: &[(Kind, usize)], refreshes: u64, reuse: u64) {
        let (ok, all) = (self.calls.ok(), self.calls.0.len());
        let count: usize = processes.iter().map(|(_, count)| count).sum();
        report(
            case,
            format!(
                "{server}: {count} processes x 4 threads x {} expiries: {refreshes} refreshes, {reuse} reuse, \
                 {ok} of {all} calls ok, p99 wait {:.0} ms (a refresh alone {:.0} ms)",
                self.expiries,
                self.calls.p99(),
                self.round_trip
            ),
        );
        assert_eq!((refreshes, reuse, ok), (self.expiries, 0, count * 4 * self.expiries as usize));
        // Whoever waits for somebody else's refresh waits little longer than for their own. In the short run
        // other tests share the processors.
        let most = self.round_trip + scaled(2000.0, 200.0);
        assert!(self.calls.p99() <= most, "p99 {} ms, more than {most} ms", self.calls.p99());
    }
}

#[test]
fn r1_one_refresh_for_each_expiry_at_oidc_provider() {
    let swift = Kind::swift_if_there();
    let processes = scaled(
        [(Kind::Python, 2), (Kind::Node, 2), (Kind::CommandLine, 2), (swift, 2)],
        [(Kind::Python, 10), (Kind::Node, 8), (Kind::CommandLine, 8), (swift, 6)],
    );
    let server = OidcProvider::start(&["--access-token-ttl", &LIFETIME.to_string()]);
    let home = Home::new();
    server.log_in(&home);
    let race = race(&home, "oidc", &processes, scaled(3, 20));
    let journal = server.journal();
    // One more: the forced refresh of the comparison.
    let refreshes = journal.grants("refresh_token") - 1;
    race.judge("R1", "oidc-provider", &processes, refreshes, journal.refresh_token_reuse());
}

#[test]
fn r2_one_refresh_for_each_expiry_at_django() {
    let processes =
        scaled([(Kind::Library, 2), (Kind::CommandLine, 1)], [(Kind::Library, 6), (Kind::CommandLine, 2)]);
    let server = Django::start_with(0, LIFETIME);
    let home = Home::new();
    server.log_in(&home);
    let race = race(&home, "oidc", &processes, scaled(2, 10));
    let journal = server.journal();
    let refreshes = journal.grants("refresh_token") - 1;
    race.judge("R2", "django-oauth-toolkit", &processes, refreshes, journal.refresh_token_reuse());
}

#[test]
fn r2_one_refresh_for_each_expiry_in_each_way_to_rotate() {
    let processes =
        scaled([(Kind::Library, 2), (Kind::CommandLine, 1)], [(Kind::Library, 6), (Kind::CommandLine, 2)]);
    for rotation in [Rotation::None, Rotation::KeepOld, Rotation::ReuseDetection, Rotation::Grace(30)] {
        let options = ServerOptions::plain();
        let live = authorization_server::LiveOptions {
            rotation,
            access_token_lifetime: u64::from(LIFETIME),
            ..options.live.clone()
        };
        let stage = Stage::new("acme", ServerOptions { live, ..options }, &[]);
        stage.home.add_provider(&stage.acme_definition());
        stage.login(&[]).ok();
        let race = race(&stage.home, "acme", &processes, scaled(1, 5));
        let refreshes = stage.refreshes().len() as u64 - 1;
        let reuse = stage.server.journal().reuse_count() as u64;
        race.judge("R2", &format!("scripted server, {rotation}"), &processes, refreshes, reuse);
    }
}
