//! How long a program waits for a token that is fresh: the call that an agent makes for every request.
//!
//! `make bench` makes the stores, and names them in HOT_TOKEN_STORES, as a PATH does. Each has the connection
//! `account-00000@contoso.example` of `microsoft`, and as many others as it likes.

#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;

use tokenkeep::{Broker, BrokerOptions, Environment, KeySource, ProviderName, TokenOptions};

fn main() {
    divan::main();
}

fn stores() -> Vec<String> {
    let stores = std::env::var_os("HOT_TOKEN_STORES").expect("HOT_TOKEN_STORES is not set: run `make bench`");
    std::env::split_paths(&stores).map(|path| path.to_str().expect("a plain path").to_owned()).collect()
}

fn broker(store: &str) -> Broker {
    let options = BrokerOptions {
        home: Some(PathBuf::from(store)),
        key_source: Some(KeySource::File),
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    };
    Broker::open(options).expect("a broker")
}

fn first() -> (ProviderName, TokenOptions) {
    let connection = "account-00000@contoso.example".parse().unwrap();
    ("microsoft".parse().unwrap(), TokenOptions { connection, ..TokenOptions::default() })
}

#[divan::bench(args = stores(), sample_count = 1000)]
fn cached_token(bencher: divan::Bencher<'_, '_>, store: &str) {
    let (broker, (provider, options)) = (broker(store), first());
    bencher.bench_local(|| broker.cached_token(&provider, &options).unwrap().expect("it is fresh"));
}

#[divan::bench(args = stores(), sample_count = 1000)]
fn cached_token_with_scopes(bencher: divan::Bencher<'_, '_>, store: &str) {
    let (broker, (provider, options)) = (broker(store), first());
    let options = TokenOptions { scopes: Some("User.Read".parse().unwrap()), ..options };
    bencher.bench_local(|| broker.cached_token(&provider, &options).unwrap().expect("it is fresh"));
}
