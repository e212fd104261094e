//! N1: a name that leads nowhere. The command asks a name server of the test's own, in a mount namespace of its
//! own; no question leaves this machine. One that says nothing is in `absence`.

use std::time::Duration;

use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{Named, Says, failed_plainly};
use tokenkeep_test_support::report;

#[test]
fn a_name_that_leads_nowhere_is_said_at_once() {
    let named = Named::new(2);
    // While the name leads here, all is well.
    named.login("valid");
    let token = named.tokenkeep(&["token", "acme", "--connection", "valid"]).ok().stdout;
    named.scene.stage.change(|live| live.access_token_lifetime = 0);
    named.login("expired");

    let mut slowest = Duration::ZERO;
    let expired = ["token", "acme", "--connection", "expired"];
    // No such name; a server in trouble; one that refuses.
    for code in [3, 2, 5] {
        named.names.says(Says::Code(code));
        let json = named.tokenkeep(&[&expired[..], &["--json"]].concat());
        let failure = fails(&json, "network");
        assert!(failure.message().contains(Named::HOST), "{code}: {failure:?}");
        let plain = named.tokenkeep(&expired);
        failed_plainly(&plain, "network");
        slowest = slowest.max(json.took).max(plain.took);
        for more in [&[][..], &["--min-lifetime", "7200"]] {
            let served = named.tokenkeep(&[&["token", "acme", "--connection", "valid"], more].concat()).ok();
            assert_eq!(served.stdout, token);
        }
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    named.names.says(Says::Here);
    named.tokenkeep(&expired).ok();
    report(
        "N1",
        format!(
            "no such name, a failing and a refusing name server: network after {:.2} s at most",
            slowest.as_secs_f64()
        ),
    );
}
