//! Which client a login is made with: of the options, the connection's earlier login and the stored registration, the
//! right one for a person's login or for app-only access; else one that needs nobody: a client id metadata document, or a
//! registration that the server makes on request (`dynamic_registration`).
//!
//! Where servers are discovered, nothing that is of one issuer reaches another: a resource names its authorization server
//! itself, so whoever runs it could name any.

use std::sync::Arc;

use super::Broker;
use super::credential;
use super::dynamic_registration::WantedClient;
use super::login::LoginOptions;
use super::preparation::none_if_damaged;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::Flow;
use crate::names::RegistrationKey;
use crate::protocol::{ClientAuthentication, ClientMetadataUrl};
use crate::provider::{
    Authority, ClientRegistration, ClientSources, Credential, Endpoints, Proof, ProviderDefinition,
    StoredClient, client_registration,
};
use crate::store::{ConnectionRecord, RegistrationRecord, off_thread};

/// The client of a login.
pub(super) struct LoginClient {
    /// It, with what it proves itself with.
    pub(super) registration: ClientRegistration,
    /// True when the server made it because it was asked to (RFC 7591).
    pub(super) dynamic: bool,
}

impl LoginOptions {
    /// True for app-only access, which is never chosen unasked.
    pub(super) fn for_application(&self) -> bool {
        self.flow == Some(Flow::ClientCredentials)
    }
}

impl Broker {
    /// The client of this login, with what it proves itself with. One that is made for it is as `wanted`.
    ///
    /// # Errors
    /// `registration_missing`, with all that was tried; `config_invalid`; those of a registration on request.
    pub(super) async fn login_client(
        &self,
        definition: &ProviderDefinition,
        endpoints: &Endpoints,
        wanted: &WantedClient<'_>,
        options: &LoginOptions,
        earlier: Option<&ConnectionRecord>,
    ) -> Result<LoginClient> {
        // A mistake in it is said whether or not this server would be sent it.
        let document = options.client_metadata_url.as_deref().map(ClientMetadataUrl::parse).transpose()?;
        let stored = self.registration_for(definition, endpoints).await?;
        let by_hand = stored.clone().filter(|stored| stored.dynamic.is_none());
        // What a program made is looked for anew: it may have ended, and another document may be named.
        let replaced = |earlier: &ConnectionRecord| {
            earlier.client.dynamic
                || (document.is_some() && ClientMetadataUrl::parse(&earlier.client.client_id).is_ok())
        };
        let lasting = earlier.filter(|earlier| !replaced(earlier));
        let given = options.clone();
        let sources = ClientSources {
            client_id: options.client_id.as_deref(),
            credential: off_thread(move || credential::read(&given)).await?,
            stored: stored_client(lasting, by_hand, options.for_application()),
            authentication_methods: endpoints.authentication_methods.as_deref(),
            without_environment: !trusts_variables(definition, options),
        };
        let (environment, redirect_uri) = (&self.0.settings.environment, wanted.redirect_uri);
        let known =
            sources.credential.is_some() || client_registration::is_named(definition, &sources, environment);
        let dynamic = |registration| LoginClient { registration, dynamic: true };
        let lasting = |registration| LoginClient { registration, dynamic: false };
        let client = if options.for_application() {
            lasting(client_registration::resolve_application(definition, sources, environment)?)
        } else if known {
            lasting(client_registration::resolve(definition, sources, environment, redirect_uri)?)
        } else if let Some(document) = self.document_for(definition, endpoints, document.as_ref())? {
            lasting(document)
        } else if let Some(registered) = self.registered_client(definition, endpoints, wanted, stored).await?
        {
            dynamic(registered)
        } else {
            let missing = client_registration::resolve(definition, sources, environment, redirect_uri);
            return Err(missing.map_or_else(
                |error| why_nothing_else(error, endpoints, document.is_some()),
                |_| Error::new(ErrorKind::Internal, "a client was named and not taken"),
            ));
        };
        let own = client.registration.credential.clone();
        let credential = credential::ending(own, options.credential_expires.as_deref())?;
        Ok(LoginClient { registration: ClientRegistration { credential, ..client.registration }, ..client })
    }

    /// What is stored for this login: of this issuer alone, where servers are discovered.
    async fn registration_for(
        &self,
        definition: &ProviderDefinition,
        endpoints: &Endpoints,
    ) -> Result<Option<RegistrationRecord>> {
        let store = Arc::clone(&self.kept_async().await?.store);
        let issuer = endpoints.issuer.clone().filter(|_| definition.discovery);
        let key = RegistrationKey { provider: definition.name.clone(), issuer };
        off_thread(move || store.registration(&key).or_else(none_if_damaged)).await
    }

    /// The client whose id is the address of its document: the caller's, else the definition's. `None` where the server
    /// takes none, which is no error: there may be another way.
    fn document_for(
        &self,
        definition: &ProviderDefinition,
        endpoints: &Endpoints,
        named: Option<&ClientMetadataUrl>,
    ) -> Result<Option<ClientRegistration>> {
        if !endpoints.client_metadata_documents {
            return Ok(None);
        }
        let of_definition = definition.client.metadata_url.as_deref().map(ClientMetadataUrl::parse);
        let url = named.cloned().or(of_definition.transpose()?);
        Ok(url.map(|url| ClientRegistration {
            client_id: url.as_str().to_owned(),
            credential: None,
            authentication: ClientAuthentication::None,
        }))
    }
}

/// Whether environment variables may name the client: where servers are discovered, with an issuer that the user named,
/// and never with one that a resource did.
fn trusts_variables(definition: &ProviderDefinition, options: &LoginOptions) -> bool {
    let named = options.issuer.is_some() || definition.endpoints.issuer.is_some();
    !definition.discovery || (named && !definition.resource_discovery)
}

/// The error of a login without a client, with why none could be had by program.
fn why_nothing_else(error: Error, endpoints: &Endpoints, with_document: bool) -> Error {
    let mut why = vec![error.message().to_owned()];
    if with_document && !endpoints.client_metadata_documents {
        why.push("the server takes no client id metadata documents".to_owned());
    }
    if endpoints.registration.is_none() {
        why.push("the server registers no clients by program".to_owned());
    }
    Error::new(error.kind().clone(), why.join("; ")).with_help(error.help().to_owned())
}

/// The client that a login takes when none is named: the one that the connection was made with, unless the
/// user has stored another one, or a newer credential for the same one, since.
pub(super) fn stored_client(
    earlier: Option<&ConnectionRecord>,
    registration: Option<RegistrationRecord>,
    application: bool,
) -> Option<StoredClient> {
    let own = earlier.map(|earlier| {
        let client = &earlier.client;
        let proof = client.certificate.clone().map(Proof::Key);
        let proof = proof.or_else(|| client.client_secret.clone().map(Proof::Secret));
        let credential = proof
            // A person's login and an application prove themselves in their own ways, also as one client.
            .filter(|_| earlier.application == application)
            .map(|proof| Credential { proof, expires_at: client.credential_expires_at });
        StoredClient { client_id: client.client_id.clone(), credential }
    });
    let newer =
        registration.filter(|stored| earlier.is_none_or(|earlier| stored.stored_at >= earlier.logged_in_at));
    let newer = newer.map(|stored| {
        let proof = stored.client_secret.map(Proof::Secret);
        let credential = proof.map(|proof| Credential { proof, expires_at: None });
        StoredClient { client_id: stored.client_id, credential }
    });
    newer.or(own)
}

/// An application asks one organization for a token: Microsoft's other tenants are for people.
pub(super) fn one_organization(definition: &ProviderDefinition, authority: Option<&Authority>) -> Result<()> {
    let Some(authority) = authority.filter(|authority| !authority.tenant.is_one_organization()) else {
        return Ok(());
    };
    let message = format!("app-only access is for one organization, and the tenant is {}", authority.tenant);
    let help = format!(
        "name the tenant: `tokenkeep login {} --flow client-credentials --tenant contoso.com`",
        definition.name
    );
    Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(help))
}
