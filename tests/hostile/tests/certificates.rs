//! N4: a server that cannot prove who it is, or speaks TLS of another age, is sent nothing; and it is said what is
//! wrong with it. One whose CA is named in `SSL_CERT_FILE` is trusted.

use tokenkeep_hostile::{Act, Scene, hello_of_tls_1_1, self_signed, server_config};
use tokenkeep_interop::{Certificates, Leaf, text};
use tokenkeep_test_support::report;

#[test]
fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let certificates = Certificates::make();
    let config = |leaf| {
        let (key, chain) = certificates.leaf(leaf);
        server_config(&key, &chain)
    };
    let ca = certificates.ca();
    let scene = Scene::of("https://localhost", |home| home.with("SSL_CERT_FILE", text(&ca)));
    scene.endpoint.speak_tls(Some(config(Leaf::Good)));
    // A CA of one's own works where it is named.
    scene.login("corporate");
    scene.refresh("corporate", &[]).finish().ok();
    assert!(scene.endpoint.arrived().iter().all(|one| one.handshake == Some(true) && !one.bytes.is_empty()));

    // What is wrong, and the word that must be in the message.
    let show = |config| vec![Act::Tls(Some(config))];
    let say = |bytes: Vec<u8>| vec![Act::Tls(None), Act::ReadSome, Act::Send(bytes), Act::Silence];
    let alert = vec![21, 3, 2, 0, 2, 2, 70];
    let cases = [
        ("expired", "expired", show(config(Leaf::Expired))),
        ("another host", "wrong.example", show(config(Leaf::WrongHost))),
        ("self-signed", "UnknownIssuer", show(self_signed(false))),
        ("its own CA", "CaUsedAsEndEntity", show(self_signed(true))),
        ("TLS 1.1", "Tls12", say(hello_of_tls_1_1())),
        ("an alert of TLS 1.1", "ProtocolVersion", say(alert)),
    ];
    let count = cases.len();
    for (name, word, script) in cases {
        scene.endpoint.arrived();
        let trial = scene.try_answer(name, "network", script);
        let (message, help) = (trial.failure.message(), trial.failure.help());
        assert!(message.contains(word) && message.contains("localhost"), "{name}: {trial:?}");
        assert!(
            help.contains(if word.contains("Tls") || word.contains("Protocol") {
                "TLS 1.2"
            } else {
                "SSL_CERT_FILE"
            }),
            "{name}: {trial:?}"
        );
        for one in scene.endpoint.arrived() {
            // Where a secret arrived the handshake had succeeded, with the good certificate.
            let sent = one.text().contains("grant_type");
            assert!(!sent || one.handshake == Some(true), "{name}: {}", one.text());
        }
    }
    report(
        "N4",
        format!(
            "expired, other host, self-signed, TLS 1.1: refused {count} of {count}, nothing sent; a CA in SSL_CERT_FILE works"
        ),
    );
}
