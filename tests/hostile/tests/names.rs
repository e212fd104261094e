//! N1: a name that leads nowhere. The command asks a name server of the test's own, in a mount namespace of its
//! own; no question leaves this machine.

use std::time::Duration;

use tokenkeep_behaviour::{fails, person};
use tokenkeep_hostile::{NameServer, Says, Scene, failed_plainly, server_config};
use tokenkeep_interop::{Certificates, Leaf, text};
use tokenkeep_test_support::{Run, report, run};

const HOST: &str = "wrong.example";

#[test]
fn a_name_that_leads_nowhere_is_said_at_once() {
    let certificates = Certificates::make();
    let (key, chain) = certificates.leaf(Leaf::WrongHost);
    let scene =
        Scene::of(&format!("https://{HOST}"), |home| home.with("SSL_CERT_FILE", text(&certificates.ca())));
    scene.endpoint.speak_tls(Some(server_config(&key, &chain)));
    let names = NameServer::start(2);
    let tokenkeep = |arguments: &[&str]| run(&mut names.command(&scene.stage.home.command(arguments)), "");

    // While the name leads here, all is well.
    let browser = person::browser();
    let login = |connection: &str| {
        tokenkeep(&["login", "acme", "--connection", connection, "--browser", &browser]).ok()
    };
    login("valid");
    scene.stage.change(|live| live.access_token_lifetime = 0);
    login("expired");
    let token = tokenkeep(&["token", "acme", "--connection", "valid"]).ok().stdout;

    let within = |run: &Run, seconds: u64| assert!(run.took < Duration::from_secs(seconds), "{run:#?}");
    let mut slowest = Duration::ZERO;
    // No such name; a server in trouble; one that refuses; none at all.
    for (says, seconds) in [(Says::Code(3), 2), (Says::Code(2), 2), (Says::Code(5), 2), (Says::Nothing, 15)] {
        names.says(says);
        let served = tokenkeep(&["token", "acme", "--connection", "valid"]).ok();
        assert_eq!(served.stdout, token);
        within(&served, 1);
        let json = tokenkeep(&["token", "acme", "--connection", "expired", "--json"]);
        let failure = fails(&json, "network");
        assert!(failure.message().contains(HOST), "{says:?}: {failure:?}");
        within(&json, seconds);
        if says == Says::Nothing {
            continue;
        }
        slowest = slowest.max(json.took);
        let plain = tokenkeep(&["token", "acme", "--connection", "expired"]);
        failed_plainly(&plain, "network");
        let served = tokenkeep(&["token", "acme", "--connection", "valid", "--min-lifetime", "7200"]).ok();
        assert_eq!(served.stdout, token);
    }
    names.says(Says::Here);
    tokenkeep(&["token", "acme", "--connection", "expired"]).ok();
    report(
        "N1",
        format!(
            "no such name, a failing and a refusing name server: network after {:.2} s at most, a silent one in 10 s",
            slowest.as_secs_f64()
        ),
    );
}
