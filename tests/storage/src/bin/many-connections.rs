//! `many-connections HOME COUNT [TOKEN_LENGTH]`: a store at HOME with COUNT connections of `microsoft`, named
//! `account-00000@contoso.example` and so on.
//!
//! Each is a login of its own, to the end, at a scripted server in the Entra dialect that lives as long as this
//! program: so every record is what a login writes, with the id_token's account and tokens of the length that
//! Entra's have, or of TOKEN_LENGTH. The key is in a file. A store that is there already gets more connections.
//!
//! The disk has the last word on how long it takes, with four syncs per login: HOME in `/dev/shm` costs none.

// This is test code: what cannot be had ends it with a clear line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authorization_server::{AuthorizationServer, HttpClient, Running, ServerOptions};
use serde_json::json;
use tokenkeep::{Broker, BrokerOptions, Environment, KeySource, LoginOptions, ProviderName, Url};
use tokenkeep_behaviour::CLIENT_ID;
use tokenkeep_test_support::root;

/// The redirect that nobody listens at: the address is taken from the server's answer.
const REDIRECT: &str = "http://localhost:1/callback";
/// Logins at once: one waits while another computes.
const AT_ONCE: usize = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(home), Some(count)) = (arguments.next(), arguments.next()) else {
        panic!("usage: many-connections HOME COUNT [TOKEN_LENGTH]");
    };
    let count: usize = count.parse().expect("COUNT is a number");
    let token_length = arguments.next().map(|length| length.parse().expect("TOKEN_LENGTH is a number"));

    let server = AuthorizationServer::start(ServerOptions::entra()).expect("a port is free");
    if let Some(length) = token_length {
        give_tokens_of(&server, length);
    }
    let broker = broker(&home, &server);
    let next = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let work = (0..AT_ONCE).map(|_| {
            let (broker, next) = (broker.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let client = HttpClient::new(None).expect("a client");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    log_in(&broker, &client, number).await;
                }
            })
        });
        for logins in work.collect::<Vec<_>>() {
            logins.await.expect("all logins succeed");
        }
    });
}

/// A store at `home` whose `microsoft` is this server.
fn broker(home: &str, server: &Running) -> Broker {
    let broker = Broker::open(BrokerOptions {
        home: Some(home.into()),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    });
    let broker = broker.expect("the options are sound");
    let bundled = std::fs::read_to_string(root().join("core/providers/microsoft.toml"));
    let definition = bundled.expect("the definition is there");
    let definition = definition.replace("https://login.microsoftonline.com", server.origin());
    // An answer in a redirect is read without a browser.
    let definition = definition.replace("response_mode = \"form_post\"", "");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("microsoft.toml");
    std::fs::write(&file, definition).expect("the definition can be written");
    broker.add_provider(&file).expect("the definition is sound");
    broker
}

/// One login, from its URL to the sealed record.
async fn log_in(broker: &Broker, client: &HttpClient, number: usize) {
    let microsoft: ProviderName = "microsoft".parse().expect("a provider's name");
    let options = LoginOptions {
        connection: format!("account-{number:05}@contoso.example").parse().expect("a connection's name"),
        client_id: Some(CLIENT_ID.to_owned()),
        redirect_uri: Some(REDIRECT.to_owned()),
        ..LoginOptions::default()
    };
    let pending = broker.begin_login(&microsoft, &options).await.expect("a login begins");
    let url = Url::parse(pending.authorization_url().as_str()).expect("a URL");
    let answer = client.get(&url).await.expect("the server answers");
    let location = answer.header("location").expect("the server redirects");
    broker.finish_login(&pending, location).await.expect("a login ends well");
}

/// Every access token and refresh token from here on has this length.
fn give_tokens_of(server: &Running, length: usize) {
    let tokens = json!({"access_token": "a".repeat(length), "refresh_token": "r".repeat(length)});
    let action = json!({"type": "mutate", "set": tokens});
    let fault = json!({"endpoint": "token", "times": u32::MAX, "action": action});
    server.push_fault(serde_json::from_value(fault).expect("a fault of the server's form"));
}
