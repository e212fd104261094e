//! The store through the library: the same code that the command line calls, without a process for each call.

use tokenkeep::{Broker, BrokerOptions, ConnectionKey, Environment, KeySource};
use tokenkeep_behaviour::Stage;

/// A broker in the stage's store, with a key file, which finds nothing in the environment.
pub fn broker_of(stage: &Stage) -> Broker {
    let options = BrokerOptions {
        home: Some(stage.home.store()),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    };
    Broker::open(options).expect("the options are sound")
}

/// The name of a connection.
pub fn key(provider: &str, connection: &str) -> ConnectionKey {
    ConnectionKey::new(provider.parse().expect("a provider's name"), connection.parse().expect("a name"))
}
