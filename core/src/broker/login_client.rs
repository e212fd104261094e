//! Which client a login is made with: of the options, the connection's earlier login and the stored registration, the
//! right one for a person's login or for app-only access.

use super::Broker;
use super::credential;
use super::login::LoginOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, registered_redirect_uri};
use crate::provider::{
    Authority, ClientRegistration, ClientSources, Credential, Endpoints, Proof, ProviderDefinition,
    RedirectDefinition, StoredClient, client_registration,
};
use crate::store::{ConnectionRecord, RegistrationRecord, off_thread};

impl LoginOptions {
    /// True for app-only access, which is never chosen unasked.
    pub(super) fn for_application(&self) -> bool {
        self.flow == Some(Flow::ClientCredentials)
    }
}

impl Broker {
    /// The client of this login, with what it proves itself with.
    pub(super) async fn login_client(
        &self,
        definition: &ProviderDefinition,
        endpoints: &Endpoints,
        redirect: &RedirectDefinition,
        options: &LoginOptions,
        stored: Option<StoredClient>,
    ) -> Result<ClientRegistration> {
        let given = options.clone();
        let sources = ClientSources {
            client_id: options.client_id.as_deref(),
            credential: off_thread(move || credential::read(&given)).await?,
            stored,
            authentication_methods: endpoints.authentication_methods.as_deref(),
        };
        let environment = &self.0.settings.environment;
        let client = if options.for_application() {
            client_registration::resolve_application(definition, sources, environment)?
        } else {
            let to_register = registered_redirect_uri(redirect);
            client_registration::resolve(definition, sources, environment, &to_register)?
        };
        let credential = credential::ending(client.credential, options.credential_expires.as_deref())?;
        Ok(ClientRegistration { credential, ..client })
    }
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
