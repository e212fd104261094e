//! Where a token may go, for whoever puts it into requests: the core's answer, asked from Python.
//!
//! May not enter: a URL. Whoever asks has it in parts, as its HTTP client read it.

use pyo3::prelude::*;

use crate::errors::Failure;
use crate::types::Texts;

/// The hosts that a token may be sent to.
#[pyclass(frozen, eq, module = "tokenkeep")]
#[derive(PartialEq)]
pub struct AllowedHosts(tokenkeep::AllowedHosts);

#[pymethods]
impl AllowedHosts {
    #[new]
    fn new(hosts: Texts) -> Result<Self, Failure> {
        Ok(AllowedHosts(tokenkeep::AllowedHosts::parse(hosts.0)?))
    }

    /// Whether a request with the token may be sent there.
    #[pyo3(signature = (scheme, host, port=None))]
    fn allow(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        self.0.allow(scheme, host, port)
    }

    /// Raises where it may not.
    #[pyo3(signature = (scheme, host, port=None))]
    fn require(&self, scheme: &str, host: &str, port: Option<u16>) -> Result<(), Failure> {
        Ok(self.0.require(scheme, host, port)?)
    }
}
