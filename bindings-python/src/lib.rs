//! Tokenkeep for Python: convert, call the core, convert back.
//!
//! | file | holds |
//! |---|---|
//! | `broker` | every call, for `Broker` and `AsyncBroker` alike |
//! | `async_broker` | a call under way, for asyncio |
//! | `types` | arguments and results |
//! | `errors` | errors as exceptions |
//! | `interaction` | talking to the person through an object of Python's |
//! | `process` | the runtime, forks, and the end of the process |
//!
//! May not enter: a default, a check, a retry, a clock or a text that another language would need as well. They are the
//! core's.

mod async_broker;
mod broker;
mod errors;
mod interaction;
mod process;
mod types;

use pyo3::prelude::*;

/// The native module of the package `tokenkeep`, which is the only one to import it.
#[pymodule]
mod _native {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::async_broker::Call;
    #[pymodule_export]
    use crate::broker::Broker;
    #[pymodule_export]
    use crate::interaction::Base;
    #[pymodule_export]
    use crate::process::{close_all, forked};
    #[pymodule_export]
    use crate::types::{
        AccessToken, Account, Connection, Connections, DeviceAuthorization, FileState, LogoutOutcome,
        PendingLogin, Provider, Providers, Registration, VaultState,
    };

    /// The command line; the first argument is the program's name. Returns the exit code.
    #[pyfunction]
    fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
        py.detach(|| tokenkeep_cli::main(argv))
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
