//! The network as the environment has it: a proxy, a certificate authority of the company's own, none at all. The
//! definition of Microsoft is the bundled one, and so are the names of its hosts.

use tokenkeep_behaviour::{Stage, fails};

/// The hosts that the proxy was asked to reach.
fn tunnels(stage: &Stage) -> Vec<String> {
    let asked = stage.server.proxy().expect("the stage has a proxy").asked();
    asked.iter().filter_map(|asked| asked.target().map(str::to_owned)).collect()
}

#[test]
fn proxies_and_certificates_of_the_environment() {
    let mut stage = Stage::internet();
    stage.login(&[]).ok();
    let token = stage.access_token(&["--force-refresh"]);
    // The person's page, the code, the refresh.
    assert_eq!(tunnels(&stage), ["login.microsoftonline.com:443"; 3]);
    let entries = stage.server.journal().entries();
    assert!(entries.iter().all(|entry| entry.host.as_deref() == Some("login.microsoftonline.com")));
    assert!(stage.field("issuer", &[]).starts_with("https://login.microsoftonline.com/"));

    // An authority that nobody vouches for: the request, with the refresh token in it, does not leave.
    let authority = stage.server.ca_certificate().unwrap().to_str().unwrap().to_owned();
    stage.change_environment(|home| home.without("SSL_CERT_FILE"));
    let failure = fails(&stage.token(&["--force-refresh", "--json"]), "network");
    assert!(failure.message().contains("login.microsoftonline.com"), "{failure:?}");
    assert!(failure.help().contains("SSL_CERT_FILE"), "{failure:?}");
    assert_eq!(stage.server.journal().entries().len(), entries.len());
    stage.change_environment(|home| home.with("SSL_CERT_FILE", authority));

    // An address of this machine that does not look like one. The certificate is not for it, which only who asks
    // directly finds out.
    let issuer = format!("https://[::ffff:127.0.0.1]:{}", stage.server.port());
    let login = ["login", "oidc", "--issuer", &issuer, "--client-id", "c", "--json"];
    let before = tunnels(&stage).len();
    fails(&stage.home.run(login), "network");
    assert_eq!(tunnels(&stage).len(), before + 1);
    stage.change_environment(|home| home.with("NO_PROXY", "::ffff:127.0.0.1"));
    fails(&stage.home.run(login), "network");
    assert_eq!(tunnels(&stage).len(), before + 1);

    // The network is cut: what is at hand is as good as before.
    stage.server = Stage::oidc().server;
    assert_eq!(stage.access_token(&[]), token);
    fails(&stage.token(&["--force-refresh", "--json"]), "network");
}
