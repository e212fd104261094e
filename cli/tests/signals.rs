//! What ends a command from without, on Unix. Ctrl-C on Windows is the affair of `scripts/test-windows.sh`.

#![cfg(unix)]

use std::process::Child;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::login::{begin, end, log_in};
use crate::server::{Server, redirect};
use crate::support::{Home, Said};

fn send(signal: &str, child: &Child) {
    let status = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_signal_cancels_a_login_and_closes_its_port() {
    let (home, server) = (Home::ready(), Server::start());
    for signal in ["-INT", "-TERM"] {
        let (child, stderr, url) = begin(&home, &server, &["--no-browser"]);
        // The URL is printed first and waited for second.
        std::thread::sleep(Duration::from_millis(100));
        send(signal, &child);
        end(child, stderr).failed_with("login_cancelled");
        let address = redirect(&url);
        let host = address.strip_prefix("http://").unwrap().split('/').next().unwrap();
        assert!(std::net::TcpStream::connect(host).is_err(), "{host}");
    }
    assert_eq!(home.run(&["list", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn a_refresh_under_way_is_written_down_before_a_signal_ends_it() {
    let (home, server) = (Home::ready(), Server::start());
    log_in(&home, &server, &[]);
    for (signal, code, number) in [("-INT", 130, 2), ("-TERM", 143, 3)] {
        server.dials.delay.store(1000, Ordering::SeqCst);
        let sent = server.dials.journal.lock().unwrap().len();
        let child = home.command(&["token", "oidc", "--force-refresh"]).spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(10);
        while server.dials.journal.lock().unwrap().len() == sent && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        send(signal, &child);
        let said = Said::from(child.wait_with_output().unwrap());
        assert!(said.code == code && said.stdout.is_empty(), "{said:?}");
        // the token that came after the signal, with no further request
        server.dials.delay.store(0, Ordering::SeqCst);
        assert_eq!(home.run(&["token", "oidc"]).stdout, format!("access-canary-{number}\n"));
        assert_eq!(server.dials.tokens.load(Ordering::SeqCst), number);
    }
}
