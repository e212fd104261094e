//! The library in a program that logs everything: every event of every crate below it, at trace level, by
//! `tracing` and by `log`.

// This is test code: what fails ends the test with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use authorization_server::{AuthorizationServer, ServerOptions};
use tokenkeep::{
    Broker, BrokerOptions, DeviceAuthorization, Environment, Interaction, KeySource, LoginOptions, Result,
    Secret, TokenOptions, Url,
};
use tokenkeep_leak::{Canaries, Tap};
use tokenkeep_test_support::program;
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps every event and span as text.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Everything {
    fn keep(&self, line: &str) {
        let mut text = self.0.lock().unwrap();
        text.push_str(line);
        text.push('\n');
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields =
            Fields(format!("{} {}", attributes.metadata().target(), attributes.metadata().name()));
        attributes.record(&mut fields);
        self.keep(&fields.0);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.keep(&fields.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(event.metadata().target().to_owned());
        event.record(&mut fields);
        self.keep(&fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.keep(&format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// A person whose browser is the stand-in.
struct Person;

impl Interaction for Person {
    fn open_url(&self, authorization_url: &Url) -> Result<()> {
        let mut browser = Command::new(program("stand-in-person"));
        let mut browser = browser.arg(authorization_url.as_str()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::spawn(move || browser.wait());
        Ok(())
    }

    fn show_device_authorization(&self, _: &DeviceAuthorization) -> Result<()> {
        unreachable!("the login is one with a browser")
    }
}

#[tokio::test]
async fn no_crate_logs_a_secret() {
    let everything = Everything::default();
    tracing::subscriber::set_global_default(everything.clone()).unwrap();
    log::set_boxed_logger(Box::new(everything.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let server = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let canaries = Canaries::default();
    let tap = Tap::start(server.port(), &canaries);
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::open(BrokerOptions {
        home: Some(folder.path().join("store")),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of([("DISPLAY", ":0")]),
        ..BrokerOptions::default()
    })
    .unwrap();
    let (issuer, relay) = (server.issuer(), tap.origin());
    let definition = folder.path().join("leak.toml");
    let text = format!(
        "schema = 1\nname = \"leak\"\ndisplay_name = \"Leak\"\naccess_token_variable = \"LEAK_TOKEN\"\n\
         [endpoints]\nissuer = \"{issuer}\"\nauthorization = \"{issuer}/authorize\"\ntoken = \"{relay}/token\"\n\
         revocation = \"{relay}/revoke\"\n[scopes]\ndefault = [\"openid\", \"offline_access\"]\n"
    );
    std::fs::write(&definition, text).unwrap();
    let provider = broker.add_provider(&definition).unwrap().name;

    let login = LoginOptions {
        client_id: Some("confidential-basic".to_owned()),
        client_secret: Some(Secret::new("s3cret:with%special+chars &=")),
        ..LoginOptions::default()
    };
    let connection = broker.login(&provider, &login, Arc::new(Person)).await.unwrap();
    let forced = TokenOptions { force_refresh: true, ..TokenOptions::default() };
    let first = broker.token(&provider, &forced).await.unwrap();
    // The next answer breaks off, and the one after it quotes what was sent.
    tap.answer_next(|_| "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"access_token\":\"".to_owned());
    tap.answer_next(|asked| {
        let body =
            format!(r#"{{"error":"invalid_request","error_description":"{}"}}"#, asked.form["refresh_token"]);
        format!("HTTP/1.1 400 No\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    let error = broker.token(&provider, &forced).await.unwrap_err();
    let shown = format!("{first:?} {connection:?} {error:?} {error} {:?} {}", error.server(), error.help());
    broker.logout(&connection.key).await.unwrap();
    broker.close().await;

    let logged = everything.0.lock().unwrap().clone();
    for target in ["tokenkeep::transport", "hyper_util", "reqwest"] {
        assert!(logged.contains(target), "{target} logged nothing, or elsewhere: {logged}");
    }
    let kinds = canaries.kinds();
    for kind in ["access_token", "refresh_token", "id_token", "code", "code_verifier", "client_secret"] {
        assert!(kinds.contains(kind), "{kind} was not on the wire");
    }
    assert_eq!(canaries.found_in(shown.as_bytes()), BTreeSet::new(), "{shown}");
    let leaks: Vec<&str> =
        logged.lines().filter(|line| !canaries.found_in(line.as_bytes()).is_empty()).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
