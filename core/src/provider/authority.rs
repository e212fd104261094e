//! Microsoft's authority: which tenant signs the person in, in which cloud.

use std::fmt;
use std::str::FromStr;

use super::definition::AuthorityDefinition;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{ExpectedTenant, is_guid};

/// Who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenant {
    /// Work, school and personal accounts.
    Common,
    /// Work and school accounts of any organization.
    Organizations,
    /// Personal accounts.
    Consumers,
    /// One organization, by its GUID.
    Id(String),
    /// One organization, by a domain of its.
    Domain(String),
}

/// A tenant in a cloud, ready to be filled into the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The origin of the cloud's sign-in service.
    pub cloud: String,
    /// The tenant.
    pub tenant: Tenant,
    /// The GUID of the tenant that all personal accounts are of.
    pub personal_tenant: Option<String>,
}

impl Authority {
    /// The authority of `tenant` in `cloud`; the definition's defaults stand in for what is not named.
    ///
    /// # Errors
    /// `config_invalid` for a cloud that the definition does not have, or a text that is no tenant.
    pub fn resolve(
        definition: &AuthorityDefinition,
        tenant: Option<&str>,
        cloud: Option<&str>,
    ) -> Result<Self> {
        let cloud = cloud.unwrap_or(&definition.default_cloud);
        let Some(origin) = definition.clouds.get(cloud) else {
            let known = definition.clouds.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("there is no cloud {cloud:?}; known are {known}"),
            ));
        };
        let tenant = tenant.unwrap_or(&definition.default_tenant).parse()?;
        let personal_tenant = definition.personal_tenant.as_deref().map(str::to_ascii_lowercase);
        Ok(Authority { cloud: origin.as_str().to_owned(), tenant, personal_tenant })
    }
}

impl Authority {
    /// Whose accounts it signs in. `None`: any; for a domain the tenant's metadata knows.
    pub fn expected_tenant(&self) -> Option<ExpectedTenant> {
        let personal = || self.personal_tenant.clone();
        match &self.tenant {
            Tenant::Common | Tenant::Domain(_) => None,
            Tenant::Organizations => personal().map(ExpectedTenant::AnyBut),
            Tenant::Consumers => personal().map(ExpectedTenant::Only),
            Tenant::Id(id) => Some(ExpectedTenant::Only(id.clone())),
        }
    }

    /// The tenant as far as it can be an organization: whoever signs in at `common` may be of one.
    pub fn organization(&self) -> Option<Tenant> {
        match &self.tenant {
            Tenant::Common => Some(Tenant::Organizations),
            Tenant::Consumers => None,
            Tenant::Id(id) if self.personal_tenant.as_ref() == Some(id) => None,
            organization => Some(organization.clone()),
        }
    }
}

impl Tenant {
    /// True when it is known beforehand whose organization it is.
    pub fn is_one_organization(&self) -> bool {
        matches!(self, Tenant::Id(_) | Tenant::Domain(_))
    }
}

impl FromStr for Tenant {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "common" => return Ok(Tenant::Common),
            "organizations" => return Ok(Tenant::Organizations),
            "consumers" => return Ok(Tenant::Consumers),
            _ => {}
        }
        if is_guid(text) {
            return Ok(Tenant::Id(text.to_ascii_lowercase()));
        }
        // It becomes part of a path: letters, digits, hyphens and dots, and nothing that could leave it.
        let labels = text.split('.').collect::<Vec<_>>();
        let label = |label: &&str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if labels.len() >= 2 && text.len() <= 253 && labels.iter().all(label) {
            return Ok(Tenant::Domain(text.to_ascii_lowercase()));
        }
        Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a tenant"))
            .with_help("a tenant is common, organizations, consumers, a GUID, or a domain such as contoso.onmicrosoft.com"))
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tenant::Common => "common",
            Tenant::Organizations => "organizations",
            Tenant::Consumers => "consumers",
            Tenant::Id(text) | Tenant::Domain(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_good_and_bad() {
        assert_eq!("common".parse::<Tenant>().unwrap(), Tenant::Common);
        let guid = "9188040D-6c67-4c5b-b112-36a304b66dad";
        assert_eq!(guid.parse::<Tenant>().unwrap(), Tenant::Id(guid.to_ascii_lowercase()));
        assert_eq!("Contoso.com".parse::<Tenant>().unwrap().to_string(), "contoso.com");
        for bad in ["", "Common", "contoso", "../x", "a/b.c", "a..b", "-a.com", "a.com?x=1", "contoso.com "] {
            let error = bad.parse::<Tenant>().unwrap_err();
            assert_eq!(error.code(), "config_invalid", "{bad}");
        }
    }
}
