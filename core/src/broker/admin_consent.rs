//! Admin consent: the address to send an administrator to, and what comes back from there.

use url::Url;

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionName, ProviderName};
use crate::scope::ScopeSet;

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
    /// `unsupported` for a provider that has no such address; `config_invalid` for a tenant that is no organization;
    /// `registration_missing`; those of the store.
    pub fn admin_consent_url(
        &self,
        provider: &ProviderName,
        options: &AdminConsentOptions,
    ) -> Result<AdminConsentRequest> {
        let _ = (provider, options);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Reads the address that the administrator was sent back to.
    ///
    /// # Errors
    /// `provider_rejected` for what is not the answer to the request with this `state`; `access_denied`,
    /// `admin_consent_required` and others as the server said.
    pub fn read_admin_consent(&self, state: &str, callback_url: &str) -> Result<AdminConsent> {
        let _ = (state, callback_url);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
