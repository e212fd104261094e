//! The environment variables, behind one value: tests hand in their own, and one grep shows every
//! variable that is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};

/// The environment that a broker was opened in.
#[derive(Clone, Default)]
pub struct Environment(Option<BTreeMap<String, String>>);

impl Environment {
    /// The process's own environment.
    pub fn process() -> Self {
        Environment(None)
    }

    /// Just these variables.
    pub fn of<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        Environment(Some(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// The variable's value. Set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The value as a path, which need not be text. Set to nothing counts as not set.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = match &self.0 {
            Some(variables) => variables.get(name).map(PathBuf::from),
            None => std::env::var_os(name).map(PathBuf::from),
        };
        value.filter(|value| !value.as_os_str().is_empty())
    }

    /// The names of the variables that are set and hold a secret of ours: a program that we start is not to
    /// inherit them.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let names: Vec<String> = match &self.0 {
            Some(variables) => variables.keys().cloned().collect(),
            None => std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
        };
        let is_secret = |name: &String| {
            name == "TOKENKEEP_PASSPHRASE"
                || (name.starts_with("TOKENKEEP_") && name.ends_with("_CLIENT_SECRET"))
        };
        names.into_iter().filter(is_secret).collect()
    }

    /// A switch: `1` and `true` are on, `0` and `false` are off, anything else is a mistake worth saying.
    pub fn switch(&self, name: &str) -> Result<bool> {
        match self.get(name).as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(other) => {
                Err(Error::new(ErrorKind::ConfigInvalid, format!("{name}={other:?} is neither 1 nor 0")))
            }
        }
    }
}

/// The values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}
