//! The command that logs a connection in, as a person would type it. Help texts show it, for this very connection.
//!
//! May not enter: a secret.

use std::fmt;

use crate::names::{ConnectionKey, ConnectionName};

/// What is quoted even when it is one word: whoever reads it may want to add another.
const LISTS: [&str; 2] = ["--scopes", "--add-scopes"];

/// The provider that a resource stands for when none is named.
const OF_RESOURCES: &str = "mcp";

/// `tokenkeep login PROVIDER` and its options, each with a value and each at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCommand {
    provider: String,
    options: Vec<(String, String)>,
}

impl LoginCommand {
    /// The login to the provider of that name.
    pub fn to(provider: &str) -> Self {
        LoginCommand { provider: provider.to_owned(), options: Vec::new() }
    }

    /// The login that makes or replaces the connection.
    pub fn of(key: &ConnectionKey) -> Self {
        let login = LoginCommand::to(key.provider.as_str());
        let named = key.connection != ConnectionName::default();
        if named { login.with("--connection", key.connection.as_str()) } else { login }
    }

    /// The same for a connection that is a protected resource's grant, which may have its name from it.
    pub fn for_resource(key: &ConnectionKey, resource: Option<&str>) -> Self {
        let Some(resource) = resource else { return LoginCommand::of(key) };
        let derived = ConnectionName::of_resource(resource).is_ok_and(|derived| derived == key.connection);
        let login = if derived { LoginCommand::to(key.provider.as_str()) } else { LoginCommand::of(key) };
        login.with("--resource", resource)
    }

    /// The same with this option, which takes the place of one of its name.
    pub fn with(mut self, option: &str, value: &str) -> Self {
        match self.options.iter_mut().find(|(name, _)| name == option) {
            Some((_, old)) => value.clone_into(old),
            None => self.options.push((option.to_owned(), value.to_owned())),
        }
        self
    }

    /// The value of an option that it has.
    pub fn value(&self, option: &str) -> Option<&str> {
        self.options.iter().find(|(name, _)| name == option).map(|(_, value)| value.as_str())
    }

    /// The provider's name.
    pub fn provider(&self) -> &str {
        &self.provider
    }
}

impl fmt::Display for LoginCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tokenkeep login")?;
        if self.provider != OF_RESOURCES || self.value("--resource").is_none() {
            write!(f, " {}", self.provider)?;
        }
        self.options.iter().try_for_each(|(option, value)| {
            let is_word =
                !value.is_empty() && value.chars().all(is_plain) && !LISTS.contains(&option.as_str());
            if is_word {
                write!(f, " {option} {value}")
            } else {
                write!(f, " {option} \"{}\"", escaped(value))
            }
        })
    }
}

/// What means itself to every shell.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.,:/@+=".contains(c)
}

/// Fit to stand between quotes.
fn escaped(value: &str) -> String {
    value.chars().flat_map(|c| "\"\\$`".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_named_once_and_is_one_word() {
        let key: ConnectionKey =
            ConnectionKey::new("acme".parse().unwrap(), "me@work.example".parse().unwrap());
        let login =
            LoginCommand::of(&key).with("--flow", "pkce").with("--scopes", "a").with("--flow", "auto");
        assert_eq!(
            login.to_string(),
            "tokenkeep login acme --connection me@work.example --flow auto --scopes \"a\""
        );
        assert_eq!(
            LoginCommand::to("acme").with("--tenant", "$(a)\"").to_string(),
            "tokenkeep login acme --tenant \"\\$(a)\\\"\""
        );
    }

    #[test]
    fn the_connection_that_needs_no_name_has_none() {
        let key = ConnectionKey::new("acme".parse().unwrap(), ConnectionName::default());
        assert_eq!(LoginCommand::of(&key), LoginCommand::to("acme"));
    }

    #[test]
    fn a_resource_names_its_connection_and_stands_for_its_provider() {
        let resource = "https://mcp.example/mcp?x=$1";
        let derived = ConnectionName::of_resource(resource).unwrap();
        for (provider, connection, expected) in [
            ("mcp", derived.clone(), "tokenkeep login --resource \"https://mcp.example/mcp?x=\\$1\""),
            (
                "mcp",
                "work".parse().unwrap(),
                "tokenkeep login --connection work --resource \"https://mcp.example/mcp?x=\\$1\"",
            ),
            ("oidc", derived, "tokenkeep login oidc --resource \"https://mcp.example/mcp?x=\\$1\""),
        ] {
            let key = ConnectionKey::new(provider.parse().unwrap(), connection);
            assert_eq!(LoginCommand::for_resource(&key, Some(resource)).to_string(), expected);
        }
    }
}
