//! Which client logs in: a client id, perhaps a secret, and where both were found.
//!
//! Precedence: the option, `TOKENKEEP_<PROVIDER>_CLIENT_ID`, the variables that other tools use, the
//! stored registration, the provider's own. The error lists what was tried.

use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Client, ClientAuthentication};
use crate::secret::Secret;

use super::definition::ProviderDefinition;

/// A client id and perhaps a secret, from one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// RFC 6749 2.2.
    pub client_id: String,
    /// RFC 6749 2.3.1.
    pub client_secret: Option<Secret>,
}

/// The client that logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRegistration {
    /// Its id and secret.
    pub credentials: ClientCredentials,
    /// How it authenticates at the token endpoint.
    pub authentication: ClientAuthentication,
}

impl ClientRegistration {
    /// The client as a token request wants it.
    pub fn as_client(&self) -> Client<'_> {
        Client {
            client_id: &self.credentials.client_id,
            authentication: self.authentication,
            client_secret: self.credentials.client_secret.as_ref(),
        }
    }
}

/// Where a client may come from, beside the provider's own definition.
#[derive(Debug, Default)]
pub struct ClientSources<'a> {
    /// `--client-id`.
    pub client_id: Option<&'a str>,
    /// `--client-secret-stdin`.
    pub client_secret: Option<&'a Secret>,
    /// What `tokenkeep client set` stored.
    pub stored: Option<ClientCredentials>,
    /// RFC 8414 `token_endpoint_auth_methods_supported`, when there is metadata.
    pub authentication_methods: Option<&'a [String]>,
}

/// Finds the client for `definition`. `redirect_uri` is what a new registration must name.
///
/// # Errors
/// - `registration_missing`: no client id, or no secret where the provider insists; the message lists what
///   was tried, the help is the provider's own steps.
/// - `config_invalid`: a secret for a provider whose clients are public (RFC 8252 8.5).
pub fn resolve(
    definition: &ProviderDefinition,
    sources: ClientSources<'_>,
    environment: &Environment,
    redirect_uri: &str,
) -> Result<ClientRegistration> {
    let variable = format!("TOKENKEEP_{}_CLIENT_ID", definition.name.as_variable());
    let secret_variable = format!("TOKENKEEP_{}_CLIENT_SECRET", definition.name.as_variable());
    let mut tried = vec!["--client-id".to_owned(), variable.clone()];
    tried.extend(definition.client.environment.iter().cloned());
    tried.push("the stored registration".to_owned());

    let from_option = || sources.client_id.map(str::to_owned);
    let from_variables = || {
        std::iter::once(&variable)
            .chain(&definition.client.environment)
            .find_map(|name| environment.get(name))
    };
    let stored = sources.stored.as_ref();
    let client_id = from_option()
        .or_else(from_variables)
        .or_else(|| stored.map(|stored| stored.client_id.clone()))
        .or_else(|| definition.client.id.clone());
    let Some(client_id) = client_id.filter(|id| !id.trim().is_empty()) else {
        let message = format!("no client id for {}: tried {}", definition.display_name, tried.join(", "));
        return Err(registration_missing(definition, message, redirect_uri));
    };

    // A stored secret belongs to the stored client id and to no other.
    let stored_secret =
        stored.filter(|stored| stored.client_id == client_id).and_then(|stored| stored.client_secret.clone());
    let client_secret = sources
        .client_secret
        .cloned()
        .or_else(|| environment.get(&secret_variable).map(Secret::new))
        .or(stored_secret);
    if client_secret.is_none() && definition.client.secret_required {
        let message = format!(
            "{} wants a client secret: tried --client-secret-stdin, {secret_variable}, the stored registration",
            definition.display_name
        );
        return Err(registration_missing(definition, message, redirect_uri));
    }

    let authentication = match (&client_secret, definition.client.authentication) {
        (None, _) => ClientAuthentication::None,
        (Some(_), Some(ClientAuthentication::None)) => {
            let message =
                format!("{} logs in as a public client and takes no client secret", definition.display_name);
            return Err(Error::new(ErrorKind::ConfigInvalid, message)
                .with_help("leave the secret out; it can be removed with `tokenkeep client remove`"));
        }
        (Some(_), Some(authentication)) => authentication,
        (Some(_), None) => by_metadata(sources.authentication_methods),
    };
    Ok(ClientRegistration { credentials: ClientCredentials { client_id, client_secret }, authentication })
}

/// RFC 8414 2: `client_secret_basic` when the metadata does not say.
fn by_metadata(methods: Option<&[String]>) -> ClientAuthentication {
    match methods {
        Some(methods) if methods.iter().any(|method| method == "client_secret_basic") => {
            ClientAuthentication::Basic
        }
        Some(methods) if methods.iter().any(|method| method == "client_secret_post") => {
            ClientAuthentication::Post
        }
        _ => ClientAuthentication::Basic,
    }
}

fn registration_missing(definition: &ProviderDefinition, message: String, redirect_uri: &str) -> Error {
    let steps = definition.client.registration_steps.replace("{redirect_uri}", redirect_uri);
    Error::new(ErrorKind::RegistrationMissing, message).with_help(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(client: &str) -> ProviderDefinition {
        let text = format!(
            "schema = 1\nname = \"acme\"\ndisplay_name = \"Acme\"\naccess_token_variable = \"ACME\"\n\
             [endpoints]\nauthorization = \"https://a.example/a\"\ntoken = \"https://a.example/t\"\n{client}"
        );
        ProviderDefinition::parse("acme.toml", &text).unwrap()
    }

    fn stored(id: &str, secret: Option<&str>) -> Option<ClientCredentials> {
        Some(ClientCredentials { client_id: id.to_owned(), client_secret: secret.map(Secret::new) })
    }

    #[test]
    fn the_first_source_that_knows_wins() {
        let acme = definition("[client]\nid = \"own\"\nenvironment = [\"OTHER_TOOL_ID\"]");
        let all = Environment::of([("TOKENKEEP_ACME_CLIENT_ID", "variable"), ("OTHER_TOOL_ID", "other")]);
        let other = Environment::of([("OTHER_TOOL_ID", "other")]);
        let none = Environment::of::<&str, &str>([]);
        let cases: [(Option<&str>, &Environment, Option<ClientCredentials>, &str); 5] = [
            (Some("option"), &all, stored("stored", None), "option"),
            (None, &all, stored("stored", None), "variable"),
            (None, &other, stored("stored", None), "other"),
            (None, &none, stored("stored", None), "stored"),
            (None, &none, None, "own"),
        ];
        for (client_id, environment, stored, expected) in cases {
            let sources = ClientSources { client_id, stored, ..Default::default() };
            let found = resolve(&acme, sources, environment, "http://127.0.0.1/callback").unwrap();
            assert_eq!(found.credentials.client_id, expected);
        }
    }

    #[test]
    fn a_missing_client_id_shows_what_was_tried_and_what_to_register() {
        let acme = definition("[client]\nregistration_steps = \"enter {redirect_uri}\"");
        let error =
            resolve(&acme, ClientSources::default(), &Environment::of::<&str, &str>([]), "http://x/cb")
                .unwrap_err();
        assert_eq!(error.code(), "registration_missing");
        assert!(error.message().contains("TOKENKEEP_ACME_CLIENT_ID"), "{error}");
        assert_eq!(error.help(), "enter http://x/cb");
    }

    #[test]
    fn a_stored_secret_goes_with_its_own_client_id_only() {
        let acme = definition("");
        let none = Environment::of::<&str, &str>([]);
        let sources =
            ClientSources { client_id: Some("a"), stored: stored("a", Some("s")), ..Default::default() };
        assert_eq!(resolve(&acme, sources, &none, "").unwrap().authentication, ClientAuthentication::Basic);
        let sources =
            ClientSources { client_id: Some("b"), stored: stored("a", Some("s")), ..Default::default() };
        assert_eq!(resolve(&acme, sources, &none, "").unwrap().authentication, ClientAuthentication::None);
    }
}
