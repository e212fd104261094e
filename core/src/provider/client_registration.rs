//! Which client logs in: a client id, perhaps a secret or a private key, and where both were found.
//!
//! Precedence: the option, `TOKENKEEP_<PROVIDER>_CLIENT_ID`, the variables that other tools use, the
//! stored registration, the provider's own. The error lists what was tried.

use crate::clock::Timestamp;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{Client, ClientAuthentication};
use crate::secret::Secret;

use super::definition::ProviderDefinition;

/// What a client proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// RFC 6749 2.3.1.
    Secret(Secret),
    /// A private key in PEM (RFC 7523 2.2), with its certificate or alone, known to be of use.
    Key(Secret),
}

/// A proof, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The proof.
    pub proof: Proof,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
}

/// A client that was kept: a registration, or that of an earlier login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredClient {
    /// RFC 6749 2.2.
    pub client_id: String,
    /// What it proves itself with.
    pub credential: Option<Credential>,
}

/// The client that logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRegistration {
    /// RFC 6749 2.2.
    pub client_id: String,
    /// What it proves itself with.
    pub credential: Option<Credential>,
    /// How it authenticates at the token endpoint.
    pub authentication: ClientAuthentication,
}

impl ClientRegistration {
    /// The client as a token request wants it; with a private key that lacks the assertion, which is made for one request.
    pub fn as_client(&self) -> Client<'_> {
        Client {
            client_id: &self.client_id,
            authentication: self.authentication,
            client_secret: self.client_secret(),
            client_assertion: None,
        }
    }

    /// Its secret, if that is its proof.
    pub fn client_secret(&self) -> Option<&Secret> {
        match &self.credential.as_ref()?.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Key(_) => None,
        }
    }

    /// Its private key, if that is its proof.
    pub fn key(&self) -> Option<&Secret> {
        match &self.credential.as_ref()?.proof {
            Proof::Key(pem) => Some(pem),
            Proof::Secret(_) => None,
        }
    }
}

/// Where a client may come from, beside the provider's own definition.
#[derive(Debug, Default)]
pub struct ClientSources<'a> {
    /// `--client-id`.
    pub client_id: Option<&'a str>,
    /// What the options gave: a secret, or a private key.
    pub credential: Option<Credential>,
    /// What `tokenkeep client set` stored, or the connection was made with.
    pub stored: Option<StoredClient>,
    /// RFC 8414 `token_endpoint_auth_methods_supported`, when there is metadata.
    pub authentication_methods: Option<&'a [String]>,
    /// True where a variable might be of another issuer: none is looked at.
    pub without_environment: bool,
}

/// True when one of the sources names a client.
pub fn is_named(
    definition: &ProviderDefinition,
    sources: &ClientSources<'_>,
    environment: &Environment,
) -> bool {
    client_id(definition, sources, environment).is_ok()
}

/// Finds the client for a person's login at `definition`. `redirect_uri` is what a new registration must name.
///
/// # Errors
/// - `registration_missing`: no client id, or no secret where the provider insists; the message lists what
///   was tried, the help is the provider's own steps.
/// - `config_invalid`: a secret for a provider whose clients are public (RFC 8252 8.5), or a private key.
pub fn resolve(
    definition: &ProviderDefinition,
    sources: ClientSources<'_>,
    environment: &Environment,
    redirect_uri: &str,
) -> Result<ClientRegistration> {
    let steps = || definition.client.registration_steps.replace("{redirect_uri}", redirect_uri);
    let client_id = client_id(definition, &sources, environment)
        .map_err(|message| registration_missing(message, steps()))?;
    if matches!(sources.credential, Some(Credential { proof: Proof::Key(_), .. })) {
        let message = "a certificate or private key is for app-only access, and this is a person's login";
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("add --flow client-credentials, or leave it out"));
    }
    let secret_variable = secret_variable(definition, &sources);
    let public = definition.client.authentication == Some(ClientAuthentication::None);
    let credential = if public && definition.client_credentials.is_some() {
        // What is kept is for app-only access, and not meant for this login.
        sources.credential
    } else {
        credential(&client_id, sources.credential, sources.stored, environment, secret_variable.as_deref())
            .filter(|credential| matches!(credential.proof, Proof::Secret(_)))
    };
    if credential.is_none() && definition.client.secret_required {
        let tried = ["--client-secret-stdin"].into_iter().chain(secret_variable.as_deref());
        let tried = tried.collect::<Vec<_>>().join(", ");
        let name = &definition.display_name;
        let message = format!("{name} wants a client secret: tried {tried}, the stored registration");
        return Err(registration_missing(message, steps()));
    }

    let authentication = match (&credential, definition.client.authentication) {
        (None, _) => ClientAuthentication::None,
        (Some(_), Some(ClientAuthentication::None)) => {
            let message =
                format!("{} logs in as a public client and takes no client secret", definition.display_name);
            let help = match definition.client_credentials {
                Some(_) => "leave the secret out; for app-only access add --flow client-credentials",
                None => "leave the secret out; it can be removed with `tokenkeep client remove`",
            };
            return Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(help));
        }
        (Some(_), Some(authentication)) => authentication,
        (Some(_), None) => by_metadata(sources.authentication_methods),
    };
    Ok(ClientRegistration { client_id, credential, authentication })
}

/// Finds the client that asks in its own name (RFC 6749 4.4).
///
/// # Errors
/// - `unsupported`: the provider has no app-only access.
/// - `registration_missing`: no client id or no credential; the message lists what was tried.
pub fn resolve_application(
    definition: &ProviderDefinition,
    sources: ClientSources<'_>,
    environment: &Environment,
) -> Result<ClientRegistration> {
    let own = definition.client_credentials.as_ref().ok_or_else(|| {
        let message = format!("{} has no app-only access", definition.display_name);
        Error::new(ErrorKind::Unsupported, message)
            .with_help("log a person in: leave out --flow client-credentials")
    })?;
    let client_id = client_id(definition, &sources, environment)
        .map_err(|message| registration_missing(message, own.registration_steps.clone()))?;
    let variable = secret_variable(definition, &sources);
    let found = credential(&client_id, sources.credential, sources.stored, environment, variable.as_deref());
    let Some(credential) = found else {
        let message = format!(
            "app-only access wants a client secret, a certificate or a private key: tried --client-secret-stdin, \
             --certificate-stdin, --credential-file, --credential-keychain{}, the stored registration",
            variable.map(|name| format!(", {name}")).unwrap_or_default()
        );
        return Err(registration_missing(message, own.registration_steps.clone()));
    };
    // Every certificate ends, and a key alone does not.
    if own.certificate_required
        && credential.expires_at.is_none()
        && matches!(credential.proof, Proof::Key(_))
    {
        let message = format!("{} wants the certificate beside the private key", definition.display_name);
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("give one PEM text with both: `cat cert.pem key.pem`"));
    }
    let authentication = match credential.proof {
        Proof::Key(_) => ClientAuthentication::PrivateKeyJwt,
        Proof::Secret(_) => own.authentication.unwrap_or_else(|| by_metadata(sources.authentication_methods)),
    };
    Ok(ClientRegistration { client_id, credential: Some(credential), authentication })
}

/// A client that was stored by hand, as it is, at a server that says how clients authenticate.
pub fn as_stored(
    client_id: String,
    client_secret: Option<Secret>,
    authentication_methods: Option<&[String]>,
) -> ClientRegistration {
    let authentication = match client_secret {
        Some(_) => by_metadata(authentication_methods),
        None => ClientAuthentication::None,
    };
    let credential =
        client_secret.map(|secret| Credential { proof: Proof::Secret(secret), expires_at: None });
    ClientRegistration { client_id, credential, authentication }
}

/// The client id of the first source that knows one; else a message with all that were tried.
fn client_id(
    definition: &ProviderDefinition,
    sources: &ClientSources<'_>,
    environment: &Environment,
) -> Result<String, String> {
    let variable = format!("TOKENKEEP_{}_CLIENT_ID", definition.name.as_variable());
    let variables = || {
        let all = std::iter::once(&variable).chain(&definition.client.environment);
        all.filter(|_| !sources.without_environment)
    };
    let client_id = sources
        .client_id
        .map(str::to_owned)
        .or_else(|| variables().find_map(|name| environment.get(name)))
        .or_else(|| sources.stored.as_ref().map(|stored| stored.client_id.clone()))
        .or_else(|| definition.client.id.clone());
    client_id.filter(|id| !id.trim().is_empty()).ok_or_else(|| {
        let tried = ["--client-id"].into_iter().chain(variables().map(String::as_str));
        let tried = tried.collect::<Vec<_>>().join(", ");
        let name = &definition.display_name;
        format!("no client id for {name}: tried {tried}, the stored registration")
    })
}

/// The credential that was given, else the variable's, else the stored one of this very client.
fn credential(
    client_id: &str,
    given: Option<Credential>,
    stored: Option<StoredClient>,
    environment: &Environment,
    secret_variable: Option<&str>,
) -> Option<Credential> {
    let from_variable = || {
        let proof = Proof::Secret(Secret::new(environment.get(secret_variable?)?));
        Some(Credential { proof, expires_at: None })
    };
    // A stored secret belongs to the stored client id and to no other.
    let stored = || stored.filter(|stored| stored.client_id == client_id)?.credential;
    given.or_else(from_variable).or_else(stored)
}

/// The variable that a secret may be in; none where variables do not count.
///
/// A variable says nothing of whose secret it is: where servers are discovered it might be another issuer's.
fn secret_variable(definition: &ProviderDefinition, sources: &ClientSources<'_>) -> Option<String> {
    let name = || format!("TOKENKEEP_{}_CLIENT_SECRET", definition.name.as_variable());
    (!sources.without_environment).then(name)
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

fn registration_missing(message: String, steps: String) -> Error {
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

    fn secret(text: &str) -> Credential {
        Credential { proof: Proof::Secret(Secret::new(text)), expires_at: None }
    }

    fn certificate(text: &str) -> Credential {
        Credential { proof: Proof::Key(Secret::new(text)), expires_at: None }
    }

    fn stored(id: &str, credential: Option<Credential>) -> Option<StoredClient> {
        Some(StoredClient { client_id: id.to_owned(), credential })
    }

    #[test]
    fn the_first_source_that_knows_wins() {
        let acme = definition("[client]\nid = \"own\"\nenvironment = [\"OTHER_TOOL_ID\"]");
        let all = Environment::of([("TOKENKEEP_ACME_CLIENT_ID", "variable"), ("OTHER_TOOL_ID", "other")]);
        let other = Environment::of([("OTHER_TOOL_ID", "other")]);
        let none = Environment::of::<&str, &str>([]);
        let cases: [(Option<&str>, &Environment, Option<StoredClient>, &str); 5] = [
            (Some("option"), &all, stored("stored", None), "option"),
            (None, &all, stored("stored", None), "variable"),
            (None, &other, stored("stored", None), "other"),
            (None, &none, stored("stored", None), "stored"),
            (None, &none, None, "own"),
        ];
        for (client_id, environment, stored, expected) in cases {
            let sources = ClientSources { client_id, stored, ..Default::default() };
            let found = resolve(&acme, sources, environment, "http://127.0.0.1/callback").unwrap();
            assert_eq!(found.client_id, expected);
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
        let sources = ClientSources {
            client_id: Some("a"),
            stored: stored("a", Some(secret("s"))),
            ..Default::default()
        };
        assert_eq!(resolve(&acme, sources, &none, "").unwrap().authentication, ClientAuthentication::Basic);
        let sources = ClientSources {
            client_id: Some("b"),
            stored: stored("a", Some(secret("s"))),
            ..Default::default()
        };
        assert_eq!(resolve(&acme, sources, &none, "").unwrap().authentication, ClientAuthentication::None);
    }

    #[test]
    fn an_application_proves_itself_with_what_was_given_then_the_variable_then_what_is_stored() {
        let text = "[client]\nauthentication = \"none\"\n[client_credentials]\nscopes = [\"all\"]";
        let acme = definition(&format!("{text}\nauthentication = \"client_secret_post\""));
        let variable = Environment::of([("TOKENKEEP_ACME_CLIENT_SECRET", "v")]);
        let none = Environment::of::<&str, &str>([]);
        let (post, jwt) = (ClientAuthentication::Post, ClientAuthentication::PrivateKeyJwt);
        let kept = || Some(certificate("kept"));
        for (given, environment, stored_credential, expected, authentication) in [
            (Some(secret("given")), &variable, kept(), secret("given"), post),
            (Some(certificate("given")), &variable, kept(), certificate("given"), jwt),
            (None, &variable, kept(), secret("v"), post),
            (None, &none, kept(), certificate("kept"), jwt),
            (None, &none, Some(secret("kept")), secret("kept"), post),
        ] {
            let sources = ClientSources {
                credential: given,
                stored: stored("a", stored_credential),
                ..Default::default()
            };
            let found = resolve_application(&acme, sources, environment).unwrap();
            assert_eq!(found.credential, Some(expected));
            assert_eq!(found.authentication, authentication);
        }
        // Another client's is not its own.
        let sources =
            ClientSources { client_id: Some("b"), stored: stored("a", kept()), ..Default::default() };
        let error = resolve_application(&acme, sources, &none).unwrap_err();
        assert_eq!(error.code(), "registration_missing");
        assert!(error.message().contains("TOKENKEEP_ACME_CLIENT_SECRET"), "{error}");
        let sources =
            |kept| ClientSources { client_id: Some("a"), stored: stored("a", kept), ..Default::default() };
        let error = resolve_application(&definition(""), sources(kept()), &none).unwrap_err();
        assert_eq!(error.code(), "unsupported");
        // The login of a person as a public client: what is given is a mistake, what is kept is not meant.
        for kept in [certificate("c"), secret("s")] {
            let login = resolve(&acme, sources(Some(kept.clone())), &variable, "").unwrap();
            assert_eq!((login.credential, login.authentication), (None, ClientAuthentication::None));
            let given = ClientSources { credential: Some(kept), ..sources(None) };
            assert_eq!(resolve(&acme, given, &none, "").unwrap_err().code(), "config_invalid");
        }
    }
}
