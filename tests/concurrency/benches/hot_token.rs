//! How long a program waits for a token that is fresh: the call that an agent makes for every request.

#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use tokenkeep::{Broker, BrokerOptions, Environment, KeySource, ProviderName, TokenOptions};
use tokenkeep_behaviour::Stage;

fn main() {
    divan::main();
}

#[divan::bench]
fn cached_token(bencher: divan::Bencher<'_, '_>) {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let broker = Broker::open(BrokerOptions {
        home: Some(stage.home.store()),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    });
    let (broker, acme, options) =
        (broker.unwrap(), "acme".parse::<ProviderName>().unwrap(), TokenOptions::default());
    bencher.bench_local(|| broker.cached_token(&acme, &options).unwrap().expect("it is fresh"));
}
