//! Admin consent: the address to send an administrator to, and what comes back from there.

use url::Url;

use super::Broker;
use super::login_client::stored_client;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::registered_redirect_uri;
use crate::names::{ConnectionKey, ConnectionName, ProviderName, RegistrationKey};
use crate::protocol::{AdminConsentResponse, AdminConsentUrl, OauthError, parse_admin_consent};
use crate::provider::{Authority, ClientSources, ProviderDefinition, client_registration};
use crate::scope::ScopeSet;
use crate::secret::{Secret, random_text};
use crate::store::ConnectionRecord;

/// What is wanted of an administrator. What is left open is taken from the connection, then as in a login.
#[derive(Debug, Clone, Default)]
pub struct AdminConsentOptions {
    /// Whose client, tenant, cloud and scopes count.
    pub connection: ConnectionName,
    /// The organization: a GUID, a domain, or `organizations` for that of whoever signs in.
    pub tenant: Option<String>,
    /// Microsoft: which cloud.
    pub cloud: Option<String>,
    /// RFC 6749 2.2.
    pub client_id: Option<String>,
    /// What to consent to.
    pub scopes: Option<ScopeSet>,
    /// Where the administrator is sent afterwards: one of the registration's.
    pub redirect_uri: Option<String>,
}

/// A consent that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConsentRequest {
    /// Where to send the administrator.
    pub url: Url,
    /// What the answer must carry: it ties the answer to this request.
    pub state: String,
    /// Where they are sent afterwards.
    pub redirect_uri: String,
}

/// A consent that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConsent {
    /// The organization, as the answer has it. Anybody could have written it: it is no proof.
    pub tenant: Option<String>,
    /// What was consented to.
    pub scopes: ScopeSet,
}

impl Broker {
    /// The address that an administrator consents at, for all of their organization. No network.
    ///
    /// # Errors
    /// `unsupported` for a provider that has no such address; `config_invalid` for a tenant that is no organization,
    /// or a redirect URI that is none; `registration_missing`; those of the store.
    pub fn admin_consent_url(
        &self,
        provider: &ProviderName,
        options: &AdminConsentOptions,
    ) -> Result<AdminConsentRequest> {
        let definition = self.0.catalog.find(provider)?.definition;
        let (Some(template), Some(authority)) = (&definition.endpoints.admin_consent, &definition.authority)
        else {
            let message = format!("{} has no address for admin consent", definition.display_name);
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_help("ask the administrator to allow the app in the provider's own console"));
        };
        let (earlier, stored) = match self.kept_if_any()? {
            Some(kept) => {
                let key = ConnectionKey::new(provider.clone(), options.connection.clone());
                let of_provider = RegistrationKey { provider: provider.clone(), issuer: None };
                (kept.store.get(&key)?, kept.store.registration(&of_provider)?)
            }
            None => (None, None),
        };
        let earlier = earlier.as_ref();
        let server = earlier.map(|earlier| &earlier.server);
        let tenant = options.tenant.as_deref().or_else(|| server?.tenant.as_deref());
        let cloud = options.cloud.as_deref().or_else(|| server?.cloud.as_deref());
        let authority = Authority::resolve(authority, tenant, cloud)?;
        let tenant = authority.organization().ok_or_else(|| {
            let message = "personal accounts have no administrator".to_owned();
            Error::new(ErrorKind::ConfigInvalid, message)
                .with_help("name the organization: --tenant with its GUID or domain, or organizations")
        })?;
        let endpoint = Url::parse(&template.fill(&authority.cloud, &tenant.to_string()))
            .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "[endpoints] admin_consent is no URL"))?;

        let redirect_uri = match &options.redirect_uri {
            Some(named) => check_redirect(named)?.to_owned(),
            None => registered_redirect_uri(&definition.redirect),
        };
        let sources = ClientSources {
            client_id: options.client_id.as_deref(),
            stored: stored_client(earlier, stored, false),
            ..ClientSources::default()
        };
        let environment = &self.0.settings.environment;
        let client = client_registration::resolve(&definition, sources, environment, &redirect_uri)?;

        let state = random_text()?;
        let url = AdminConsentUrl {
            endpoint: &endpoint,
            client_id: &client.client_id,
            scopes: &scopes(&definition.clone().in_cloud(cloud), options, earlier)?,
            redirect_uri: &redirect_uri,
            state: &state,
        }
        .url();
        Ok(AdminConsentRequest { url, state, redirect_uri })
    }

    /// Reads the address that the administrator was sent back to.
    ///
    /// # Errors
    /// `provider_rejected` for what is not the answer to the request with this `state`; `access_denied` when the
    /// administrator declined; others as the server said.
    pub fn read_admin_consent(&self, state: &str, callback_url: &str) -> Result<AdminConsent> {
        let query = callback_url.trim().split_once('?').map(|(_, query)| query).unwrap_or_default();
        let query = query.split('#').next().unwrap_or_default();
        let answer = parse_admin_consent(query, &Secret::new(state)).map_err(|rejection| {
            let message = format!("that address is not the answer to this request: {rejection}");
            Error::new(ErrorKind::ProviderRejected, message).with_help(
                "give the whole address that the browser ended up at, and the state of the request",
            )
        })?;
        match answer {
            AdminConsentResponse::Granted { tenant, scopes } => Ok(AdminConsent { tenant, scopes }),
            AdminConsentResponse::Error(error) => Err(refused(&error)),
        }
    }
}

/// What to consent to: the caller's scopes, else what the connection was asked for, else the provider's default; less
/// those about the person, which nobody needs an administrator for.
fn scopes(
    definition: &ProviderDefinition,
    options: &AdminConsentOptions,
    earlier: Option<&ConnectionRecord>,
) -> Result<ScopeSet> {
    let wanted = options.scopes.as_ref().or_else(|| earlier.map(|earlier| &earlier.requested_scopes));
    let wanted = definition.expand(wanted.unwrap_or(&definition.scopes.default));
    let equivalence = definition.scope_equivalence();
    let scopes = wanted.filter(|scope| !equivalence.about_the_person(scope));
    if scopes.is_empty() {
        return Err(Error::new(ErrorKind::ConfigInvalid, format!("nobody need consent to {wanted:?}"))
            .with_help("name what the app needs with --scopes, or https://graph.microsoft.com/.default for all of it"));
    }
    Ok(scopes)
}

/// RFC 6749 3.1.2: an absolute URI without a fragment. The program may receive it at an address of any scheme.
fn check_redirect(text: &str) -> Result<&str> {
    match Url::parse(text) {
        Ok(url) if url.fragment().is_none() => Ok(text),
        _ => Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a redirect URI"))
            .with_help("name one that the app registration has, for instance https://app.example/consented")),
    }
}

/// A refusal. To an administrator Entra says `consent_required` of a consent that they declined, as its older
/// endpoint said `permission_denied`.
fn refused(error: &OauthError) -> Error {
    let said = error.to_error("the administrator did not consent");
    if !["access_denied", "consent_required", "permission_denied"].contains(&error.error.as_str()) {
        return said;
    }
    let declined = Error::new(ErrorKind::AccessDenied, said.message())
        .with_help("an administrator of the organization must open the address again and accept");
    declined.with_server(said.server().cloned().unwrap_or_default())
}
