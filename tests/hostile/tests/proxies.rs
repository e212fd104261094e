//! N4: a proxy is asked for a tunnel and for nothing else, where the environment names one; and never for what is
//! on this machine.

use authorization_server::Proxy;
use tokenkeep_behaviour::fails;
use tokenkeep_hostile::{Named, Scene};
use tokenkeep_test_support::{report, run};

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_sees_nothing_else() {
    let Named { mut scene, names, certificates: _kept } = Named::new(1);
    let (host, port) = (Named::HOST, scene.endpoint.port());
    let start = || Proxy::start(move |_| Ok(port)).unwrap();
    let spellings = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    for variable in spellings {
        let proxy = start();
        scene
            .stage
            .change_environment(|home| home.with(variable, proxy.url_with_password("canary-password")));
        scene.login(variable);
        scene.refresh(variable, &[]).finish().ok();
        let asked = proxy.asked();
        assert_eq!(asked.len(), 2, "{variable}: the code and the refresh: {asked:?}");
        for one in asked {
            assert!(one.head.starts_with(&format!("CONNECT {host}:{port} HTTP/1.1\r\n")), "{}", one.head);
            assert!(
                one.head.to_ascii_lowercase().contains("\r\nproxy-authorization: basic "),
                "{}",
                one.head
            );
            // TLS from its first byte on, and nothing of the request in the clear.
            assert_eq!(one.tunnelled.first(), Some(&22));
            let seen = String::from_utf8_lossy(&one.tunnelled).into_owned() + &one.head;
            for secret in ["grant_type", "refresh_token", "code_verifier", "/token"] {
                assert!(!seen.contains(secret), "{secret}");
            }
        }
        scene.stage.change_environment(|home| home.without(variable));
    }

    let proxy = start();
    // NO_PROXY: the name is asked for, here and now, and the proxy is not.
    scene.stage.change_environment(|home| home.with("HTTPS_PROXY", proxy.url()).with("NO_PROXY", host));
    let command = scene.stage.home.command(["token", "acme", "--connection", "HTTPS_PROXY"]);
    run(&mut names.command(&command), "").ok();
    assert!(proxy.asked().is_empty());
    scene.stage.change_environment(|home| home.without("NO_PROXY"));

    // A proxy that does not do it: `network`, without its password.
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 6\r\n\r\ncanary",
        "HTTP/1.1 502 canary\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n<html>canary</html>",
        "canary",
        "",
    ];
    for refusal in refusals {
        let refusing = Proxy::start(|_| Err(refusal.to_owned())).unwrap();
        scene.stage.change_environment(|home| home.with("HTTPS_PROXY", refusing.url_with_password("canary")));
        let failure = fails(&scene.refresh("https_proxy", &["--json"]).finish(), "network");
        assert!(failure.message().contains(host), "{refusal}: {failure:?}");
        let asked = refusing.asked();
        assert!(asked.iter().all(|one| one.head.starts_with("CONNECT ")) && !asked.is_empty(), "{refusal}");
    }
    scene.stage.change_environment(|home| home.with("HTTPS_PROXY", proxy.url()));
    scene.refresh("https_proxy", &[]).finish().ok();
    report(
        "N4",
        format!(
            "{} spellings of HTTPS_PROXY and NO_PROXY respected, CONNECT and TLS alone; {} refusals of a proxy are network",
            spellings.len(),
            refusals.len()
        ),
    );
}

#[test]
fn no_proxy_sees_what_is_for_this_machine() {
    let proxy = Proxy::start(|_| Ok(1)).unwrap();
    for host in ["http://127.0.0.1", "http://localhost"] {
        let scene = Scene::of(host, |home| {
            let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
            variables.into_iter().fold(home, |home, variable| home.with(variable, proxy.url()))
        });
        scene.login("a");
        scene.refresh("a", &[]).finish().ok();
        assert_eq!(scene.stage.refreshes().len(), 1);
    }
    let asked = proxy.asked();
    assert!(asked.is_empty(), "{asked:?}");
    report("N4", "plain http to this machine: no proxy is asked, 2 of 2");
}
