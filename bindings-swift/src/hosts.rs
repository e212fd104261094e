//! Where a token may go, for whoever puts it into requests: the core's answer, asked from Swift.
//!
//! May not enter: a URL. Whoever asks has it in parts, as Foundation read it.

use crate::types::Failure;

/// The hosts that a token may be sent to.
#[derive(uniffi::Object)]
pub struct AllowedHosts(tokenkeep::AllowedHosts);

#[uniffi::export]
impl AllowedHosts {
    /// These hosts.
    #[uniffi::constructor]
    pub fn parse(hosts: Vec<String>) -> Result<Self, Failure> {
        Ok(AllowedHosts(tokenkeep::AllowedHosts::parse(hosts)?))
    }

    /// Whether a request with the token may be sent there.
    pub fn allow(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        self.0.allow(scheme, host, port)
    }

    /// Fails where it may not.
    pub fn require(&self, scheme: &str, host: &str, port: Option<u16>) -> Result<(), Failure> {
        Ok(self.0.require(scheme, host, port)?)
    }
}
