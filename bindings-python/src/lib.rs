//! Tokenkeep for Python: convert, call the core, convert back. Nobody sees this module but the Python beside it, which
//! has the names, the documentation and the records.
//!
//! | file | holds |
//! |---|---|
//! | `broker` | a broker's calls |
//! | `asked` | what a program asks for again and again |
//! | `call` | a call under way, waited for or told of |
//! | `types` | arguments and answers |
//! | `errors` | errors as exceptions |
//! | `hosts` | where a token may go |
//! | `interaction` | talking to the person through an object of Python's |
//!
//! May not enter: a default, a check, a retry, a clock or a text that another language would need as well. They are the
//! core's.

mod asked;
mod broker;
mod call;
mod errors;
mod hosts;
mod interaction;
mod types;

use pyo3::prelude::*;

/// The native module of the package `tokenkeep`, which is the only one to import it.
#[pymodule]
mod _native {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::broker::Broker;
    #[pymodule_export]
    use crate::call::{Call, close_all};
    #[pymodule_export]
    use crate::errors::exception;
    #[pymodule_export]
    use crate::hosts::AllowedHosts;
    #[pymodule_export]
    use crate::interaction::default_answer;
    #[pymodule_export]
    use crate::types::{AccessToken, Changes, PendingLogin};

    /// The command line; the first argument is the program's name. Returns the exit code.
    #[pyfunction]
    fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
        py.detach(|| tokenkeep_cli::main(argv))
    }

    /// For `os.register_at_fork(after_in_child=...)`.
    #[pyfunction]
    fn forked() {
        tokenkeep_bindings::forked();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
