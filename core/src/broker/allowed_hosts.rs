//! `allowed_hosts`: where a connection's tokens may go when the program that sends them names no host.
//!
//! Asked for each request and never remembered: a login may have given the name to a connection for another resource.

use super::Broker;
use crate::error::Result;
use crate::hosts::AllowedHosts;
use crate::names::ConnectionKey;

impl Broker {
    /// The host of the protected resource that the connection is for; of one that is for none, the hosts of the
    /// provider's API. No network.
    ///
    /// # Errors
    /// - `config_invalid`: neither is known. Then the token goes nowhere before its program has named a host.
    /// - `not_connected`, `unknown_provider`, `store_corrupt`, and those of the store as a whole.
    pub fn allowed_hosts(&self, key: &ConnectionKey) -> Result<AllowedHosts> {
        let record = self.record(key)?;
        match &record.server.resource {
            Some(resource) => AllowedHosts::of_url(resource),
            None => AllowedHosts::parse(&record.api.hosts),
        }
    }
}
