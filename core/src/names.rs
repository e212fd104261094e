//! Names that people type: of a provider and of a connection. Checked once, here: whoever holds one of
//! these types need not ask again whether it fits a file name, a variable or a terminal. Clones share the text: every
//! token that is handed out carries both names.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, ErrorKind};

/// A provider's name: lower case letters, digits and single hyphens, 1 to 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(Arc<str>);

/// A connection's name, which tells two accounts of one provider apart: letters, digits and `._@+-`,
/// 1 to 128 characters, so that an e-mail address will do. `default` when none is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionName(Arc<str>);

/// What names one connection in a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionKey {
    /// The provider that the grant is from.
    pub provider: ProviderName,
    /// The connection's own name.
    pub connection: ConnectionName,
}

impl ProviderName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the middle of an environment variable: upper case, `_` for `-`.
    pub fn as_variable(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl ConnectionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConnectionName {
    /// The name of the connection for a protected resource (RFC 8707) when nobody gives it one: its host, with port and
    /// path where it has them, for instance `mcp.example-mcp` for `https://mcp.example/mcp`.
    ///
    /// # Errors
    /// `config_invalid` for what is no address, and for one that is too long for a name.
    pub fn of_resource(resource: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::new(ErrorKind::ConfigInvalid, format!("{resource:?} is not the address of a resource"))
                .with_help("for instance https://mcp.example/mcp; a long one wants a name: --connection NAME")
        };
        let url = Url::parse(resource).map_err(|_| invalid())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let port = url.port().map(|port| format!("-{port}")).unwrap_or_default();
        let rest = [Some(url.path()), url.query()].into_iter().flatten().collect::<Vec<_>>().join("-");
        let text = format!("{host}{port}-{}", rest.trim_matches('/'));
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._@+".contains(c) { c } else { '-' };
        text.chars().map(plain).collect::<String>().trim_matches('-').parse().map_err(|_| invalid())
    }
}

impl Default for ConnectionName {
    fn default() -> Self {
        static DEFAULT: LazyLock<Arc<str>> = LazyLock::new(|| "default".into());
        ConnectionName(Arc::clone(&DEFAULT))
    }
}

impl ConnectionKey {
    /// The key of `connection` at `provider`.
    pub fn new(provider: ProviderName, connection: ConnectionName) -> Self {
        ConnectionKey { provider, connection }
    }
}

/// Names a stored client registration: the provider's, or where its servers are discovered that of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationKey {
    /// The provider.
    pub provider: ProviderName,
    /// The issuer, to the letter.
    pub issuer: Option<String>,
}

impl fmt::Display for RegistrationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "{} at {issuer}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

impl FromStr for ProviderName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let charset = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let hyphens = text.starts_with('-') || text.ends_with('-') || text.contains("--");
        if text.is_empty() || text.len() > 40 || !charset || hyphens {
            return Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a provider name"))
                .with_help("a provider name is 1 to 40 lower case letters, digits and single hyphens"));
        }
        Ok(ProviderName(text.into()))
    }
}

impl FromStr for ConnectionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let charset = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
        // A leading hyphen would read as an option on a command line.
        if text.is_empty() || text.len() > 128 || !charset || text.starts_with('-') {
            return Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a connection name"))
                .with_help("a connection name is 1 to 128 letters, digits and . _ @ + -, for instance me@example.com"));
        }
        Ok(ConnectionName(text.into()))
    }
}

impl TryFrom<String> for ProviderName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for ConnectionName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ProviderName> for String {
    fn from(name: ProviderName) -> String {
        name.as_str().to_owned()
    }
}

impl From<ConnectionName> for String {
    fn from(name: ConnectionName) -> String {
        name.as_str().to_owned()
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `microsoft`, or `microsoft/work` when the connection is not the default one.
impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.connection == ConnectionName::default() {
            write!(f, "{}", self.provider)
        } else {
            write!(f, "{}/{}", self.provider, self.connection)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_good_and_bad() {
        for good in ["microsoft", "github-app", "x"] {
            assert!(good.parse::<ProviderName>().is_ok(), "{good}");
        }
        for bad in ["", "Microsoft", "a b", "-a", "a-", "a--b", "../x", "é", &"a".repeat(41)] {
            assert!(bad.parse::<ProviderName>().is_err(), "{bad}");
        }
        for good in ["default", "me@example.com", "a.b+c_d-E9"] {
            assert!(good.parse::<ConnectionName>().is_ok(), "{good}");
        }
        for bad in ["", "a/b", "-x", "a b", "a\n", &"a".repeat(129)] {
            assert!(bad.parse::<ConnectionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_default_connection_goes_by_its_provider() {
        let provider: ProviderName = "github-app".parse().unwrap();
        assert_eq!(provider.as_variable(), "GITHUB_APP");
        assert_eq!(ConnectionKey::new(provider.clone(), ConnectionName::default()).to_string(), "github-app");
        let work = ConnectionKey::new(provider, "work".parse().unwrap());
        assert_eq!(work.to_string(), "github-app/work");
    }
}
