//! N21: a connection that ends where it should not, in good order or with a reset. A refresh token that may have
//! arrived is sent once more, and no third time; a code is never sent twice.

use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{Act, Request, Scene, server_config};
use tokenkeep_interop::{Certificates, Leaf, text};
use tokenkeep_test_support::{report, scaled};

/// A connection's end: after these steps, and how.
fn ends(steps: &[Act]) -> [Vec<Act>; 2] {
    [steps.to_vec(), [steps, &[Act::Reset]].concat()]
}

fn part(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

/// Ends before the server has acted.
fn nothing_done() -> Vec<Vec<Act>> {
    let ok = "HTTP/1.1 200 OK\r\n";
    [
        vec![],
        vec![Act::Read],
        vec![Act::Read, part("H")],
        vec![Act::Read, part(ok)],
        vec![Act::Read, part(&format!("{ok}Content-Length: 60\r\n\r\n"))],
        vec![Act::Read, part(&format!("{ok}Content-Length: 60\r\n\r\n{{\"access_token\":\"canary"))],
        vec![Act::Read, part(&format!("{ok}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"acc\r\n"))],
    ]
    .iter()
    .flat_map(|steps| ends(steps))
    // A reset that comes at once may meet a connection that is not made yet: see below.
    .filter(|script| !matches!(script[..], [Act::Reset]))
    .collect()
}

/// Ends after the server has acted, when so many bytes of its answer have come through.
fn acted(bytes: impl Iterator<Item = usize>) -> Vec<Vec<Act>> {
    bytes.flat_map(|bytes| ends(&[Act::Read, Act::Forward(bytes)])).collect()
}

/// The body of a request: what was asked for.
fn body(request: &Request) -> String {
    request.text().split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// The two sends of a refresh whose first one met `script`: the same refresh token, where both were read.
#[track_caller]
fn two_sends(scene: &Scene, script: &[Act]) {
    let sends = scene.endpoint.arrived();
    assert_eq!(sends.len(), 2, "{script:?}: {sends:?}");
    let bodies: Vec<String> = sends.iter().map(body).filter(|body| !body.is_empty()).collect();
    assert!(bodies.iter().all(|body| body.contains("refresh_token=") && *body == bodies[0]), "{bodies:?}");
}

#[test]
fn a_refresh_that_was_lost_on_the_way_is_sent_once_more() {
    let scene = Scene::new();
    scene.login("a");
    let scripts = nothing_done();
    for script in &scripts {
        scene.endpoint.arrived();
        scene.endpoint.next(script.clone());
        scene.refresh("a", &[]).finish().ok();
        two_sends(&scene, script);
    }
    // Lost each time it is sent: `network`, after the second.
    for script in &scripts[..scaled(4, scripts.len())] {
        scene.login("b");
        scene.endpoint.always(script.clone());
        scene.endpoint.arrived();
        fails(&scene.refresh("b", &["--json"]).finish(), "network");
        assert_eq!(scene.endpoint.arrived().len(), 2, "{script:?}");
        scene.endpoint.behave();
        scene.refresh("b", &[]).finish().ok();
    }
    for script in [vec![Act::Read, Act::Reset], vec![]] {
        scene.try_answer("lost twice", "network", script);
    }
    assert_eq!(scene.stage.server.journal().reuse_count(), 0);
    report(
        "N21",
        format!(
            "{0} of {0} ends before the server acted (close and reset): one more send, no login lost",
            scripts.len()
        ),
    );
}

#[test]
fn a_connection_that_fails_before_anything_is_sent_is_made_once_more() {
    let certificates = Certificates::make();
    let (key, chain) = certificates.leaf(Leaf::Good);
    let ca = certificates.ca();
    let scene = Scene::of("https://localhost", |home| home.with("SSL_CERT_FILE", text(&ca)));
    scene.endpoint.speak_tls(Some(server_config(&key, &chain)));
    scene.login("a");
    let in_the_handshake = ends(&[Act::Tls(None), Act::ReadSome]);
    for script in &in_the_handshake {
        scene.endpoint.arrived();
        scene.endpoint.next(script.clone());
        scene.refresh("a", &[]).finish().ok();
        assert_eq!(scene.endpoint.arrived().len(), 2, "{script:?}");
    }
    assert_eq!(scene.stage.refreshes().len(), in_the_handshake.len());
    // Twice is enough: `network`, and no answer is taken for lost.
    for script in in_the_handshake {
        scene.endpoint.always(script.clone());
        fails(&scene.refresh("a", &["--json"]).finish(), "network");
        assert_eq!(scene.endpoint.arrived().len(), 2, "{script:?}");
        scene.endpoint.behave();
    }
    scene.stage.server.revoke_all();
    let failure = fails(&scene.refresh("a", &["--json"]).finish(), "login_required");
    assert_eq!(failure.text("reason"), "grant_ended");
}

#[test]
fn an_answer_that_was_lost_is_asked_for_once_more() {
    let scripts = acted(scaled(vec![0, 1, 20, 300], (0..320).step_by(4).collect()).into_iter());
    for rotation in ["grace:30", "keep-old"] {
        let scene = Scene::new();
        scene.stage.change(|live| live.rotation = rotation.parse().unwrap());
        scene.login("a");
        for script in &scripts {
            scene.endpoint.arrived();
            scene.endpoint.next(script.clone());
            scene.refresh("a", &[]).finish().ok();
            two_sends(&scene, script);
        }
        assert_eq!(scene.stage.server.journal().revoked_count(), 0, "{rotation}");
    }
    // A strict server takes the second send for a theft: the login has ended, and it is said why.
    let strict = acted(scaled(vec![0, 300], (0..320).step_by(16).collect()).into_iter());
    let scene = Scene::new();
    for script in &strict {
        scene.login("a");
        scene.endpoint.arrived();
        scene.endpoint.next(script.clone());
        let failure = fails(&scene.refresh("a", &["--json"]).finish(), "login_required");
        assert_eq!(failure.text("reason"), "response_lost");
        two_sends(&scene, script);
    }
    report(
        "N21",
        format!(
            "{0} of {0} lost answers recovered with a grace period and on Entra's way; {1} of {1} on a strict server are login_required (response_lost)",
            scripts.len() * 2,
            strict.len()
        ),
    );
}

#[test]
fn a_code_is_sent_once_whatever_becomes_of_it() {
    let scene = Scene::new();
    let mut scripts = nothing_done();
    scripts.extend(acted([0, 20, 300].into_iter()));
    if scaled(true, false) {
        // Every third, and both ways to end among them.
        scripts = scripts.into_iter().step_by(3).collect();
    }
    for script in &scripts {
        scene.endpoint.arrived();
        scene.endpoint.always(script.clone());
        let run = scene.stage.login(&["--json"]);
        scene.endpoint.behave();
        let failure = fails(&run, "network");
        assert!(failure.help().contains("again"), "{failure:?}");
        assert_eq!(scene.endpoint.arrived().len(), 1, "{script:?}: a code is good for one use");
        assert!(scene.stage.records().is_empty(), "{script:?}");
    }
    scene.stage.login(&[]).ok();
    report("N21", format!("{0} of {0} codes sent once, nothing kept", scripts.len()));
}
