//! `providers`: who can be logged in to, and the user's own definitions.

use std::path::Path;

use super::Broker;
use crate::error::Result;
use crate::names::ProviderName;
use crate::provider::{CatalogEntry, DefinitionOrigin, ValueDefinition};
use crate::scope::ScopeSet;

/// A provider that can be logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The name that people type.
    pub name: ProviderName,
    /// The name that people read.
    pub display_name: String,
    /// The environment variable that programs expect the access token in.
    pub access_token_variable: String,
    /// Where codes, tokens and client secrets go, as the definition names them: by name and URL, with
    /// `{cloud}` and `{tenant}` not filled in; then the clouds.
    pub endpoints: Vec<(String, String)>,
    /// Names for what people want, each with the scopes that it stands for. A list of scopes may hold them.
    pub presets: Vec<(String, ScopeSet)>,
    /// The hosts of its API, to the letter; `{NAME}` stands for a value.
    pub api_hosts: Vec<String>,
    /// What differs from customer to customer.
    pub values: Vec<ProviderValue>,
    /// How well public documentation bears out the definition: `high`, `medium` or `low`.
    pub confidence: String,
    /// Where the provider's own documentation is.
    pub documentation: Option<String>,
    /// True when the endpoints come from the metadata of the issuer that is named at login.
    pub discovery: bool,
    /// Where its definition is from.
    pub origin: DefinitionOrigin,
    /// Its definition, as the file has it.
    pub definition: String,
}

/// A value that differs from customer to customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderValue {
    /// Its name, in [`LoginOptions::values`](super::LoginOptions) and in a connection's values.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What it is when nobody says.
    pub default: Option<String>,
    /// True when it is learnt from the server, and nobody is asked for it.
    pub learnt: bool,
}

impl Broker {
    /// All providers by name. A definition that is broken is an error in its own place.
    ///
    /// # Errors
    /// `store_unavailable` when the folder of the user's own definitions cannot be read.
    pub fn providers(&self) -> Result<Vec<Result<Provider>>> {
        let names = self.0.catalog.names()?;
        Ok(names.iter().map(|name| self.provider(name)).collect())
    }

    /// One provider.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` when the user's own definition is broken.
    pub fn provider(&self, name: &ProviderName) -> Result<Provider> {
        self.0.catalog.find(name).map(Provider::from)
    }

    /// Checks a provider's file and keeps it as the user's own; it wins over a bundled one. Its endpoints
    /// are where codes, tokens and secrets of that provider will go: show them to the user.
    ///
    /// # Errors
    /// `config_invalid` with the file, the line and what was expected; `store_unavailable`.
    pub fn add_provider(&self, file: &Path) -> Result<Provider> {
        self.0.catalog.add(file).map(Provider::from)
    }

    /// Removes the user's own definition. False when there is none. Connections that were made with it
    /// go on: a record holds all that a refresh needs.
    ///
    /// # Errors
    /// `store_unavailable` when the file cannot be removed.
    pub fn remove_provider(&self, name: &ProviderName) -> Result<bool> {
        self.0.catalog.remove(name)
    }
}

impl From<CatalogEntry> for Provider {
    fn from(entry: CatalogEntry) -> Self {
        let mut endpoints: Vec<(String, String)> = Vec::new();
        for (name, url) in entry.definition.endpoints.named() {
            endpoints.push((name.to_owned(), url.as_str().to_owned()));
        }
        for (name, origin) in entry.definition.authority.iter().flat_map(|authority| &authority.clouds) {
            endpoints.push((name.clone(), origin.as_str().to_owned()));
        }
        let value = |(name, value): (String, ValueDefinition)| ProviderValue {
            name,
            description: value.description,
            default: value.default,
            learnt: value.from.is_some(),
        };
        Provider {
            endpoints,
            api_hosts: entry.definition.api.hosts,
            values: entry.definition.values.into_iter().map(value).collect(),
            confidence: entry.definition.confidence.as_str().to_owned(),
            documentation: entry.definition.documentation,
            presets: entry.definition.scopes.presets.into_iter().collect(),
            discovery: entry.definition.discovery,
            name: entry.definition.name,
            display_name: entry.definition.display_name,
            access_token_variable: entry.definition.access_token_variable,
            origin: entry.origin,
            definition: entry.text,
        }
    }
}
