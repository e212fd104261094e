//! Microsoft's admin consent endpoint: the request that an administrator opens, and what they are sent back with.
//! It is no OAuth request (there is no code, and nothing to redeem), but its `state` and its errors are RFC 6749's.
//!
//! The answer comes from a browser, so from anybody: it says how it went, and proves nothing.

use std::fmt;

use url::{Url, form_urlencoded};

use super::id_token::is_guid;
use super::oauth_error::OauthError;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// What an administrator is asked for.
#[derive(Debug, Clone, Copy)]
pub struct AdminConsentUrl<'a> {
    /// The endpoint, with its tenant.
    pub endpoint: &'a Url,
    /// RFC 6749 2.2.
    pub client_id: &'a str,
    /// What to consent to.
    pub scopes: &'a ScopeSet,
    /// Where the administrator is sent afterwards.
    pub redirect_uri: &'a str,
    /// Ties the answer to this request, as RFC 6749 10.12 has it.
    pub state: &'a str,
}

impl AdminConsentUrl<'_> {
    /// The address to open.
    pub fn url(&self) -> Url {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id)
            .append_pair("scope", &self.scopes.to_wire(' '))
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("state", self.state);
        url
    }
}

/// What the administrator was sent back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminConsentResponse {
    /// They consented.
    Granted {
        /// The organization's GUID.
        tenant: Option<String>,
        /// What they consented to.
        scopes: ScopeSet,
    },
    /// They did not, or could not.
    Error(OauthError),
}

/// Why an address is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminConsentRejection {
    /// RFC 6749 3.1: a parameter came more than once.
    RepeatedParameter,
    /// There is no `state`.
    StateMissing,
    /// The `state` is that of another request.
    StateMismatch,
    /// It says neither that consent was given nor that it was not.
    Empty,
}

impl fmt::Display for AdminConsentRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdminConsentRejection::RepeatedParameter => "a parameter came more than once",
            AdminConsentRejection::StateMissing => "it does not say which request it answers",
            AdminConsentRejection::StateMismatch => "it answers another request",
            AdminConsentRejection::Empty => "it says neither that consent was given nor that it was refused",
        })
    }
}

impl std::error::Error for AdminConsentRejection {}

/// Reads `raw`, the query of the address, not yet decoded. `admin_consent=True` stands in a refusal too: `error` decides.
pub fn parse_admin_consent(raw: &str, state: &Secret) -> Result<AdminConsentResponse, AdminConsentRejection> {
    const KNOWN: [&str; 7] =
        ["state", "admin_consent", "tenant", "scope", "error", "error_description", "error_subcode"];
    let mut seen: [Option<String>; KNOWN.len()] = Default::default();
    for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
        let Some(index) = KNOWN.iter().position(|known| *known == name) else { continue };
        // Counted before empty values are dropped, as in an authorization response.
        if seen[index].replace(value.into_owned()).is_some() {
            return Err(AdminConsentRejection::RepeatedParameter);
        }
    }
    let [answers, consent, tenant, scope, error, description, suberror] =
        seen.map(|value| value.filter(|value| !value.is_empty()));
    let answers = answers.map(Secret::new).ok_or(AdminConsentRejection::StateMissing)?;
    if answers != *state {
        return Err(AdminConsentRejection::StateMismatch);
    }
    if let Some(error) = error {
        let error = OauthError::new(&error, description, None, suberror, None);
        return Ok(AdminConsentResponse::Error(error));
    }
    if !consent.is_some_and(|consent| consent.eq_ignore_ascii_case("true")) {
        return Err(AdminConsentRejection::Empty);
    }
    let scopes = ScopeSet::from_wire(&scope.unwrap_or_default(), ' ');
    Ok(AdminConsentResponse::Granted { tenant: tenant.filter(|tenant| is_guid(tenant)), scopes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "fa00d692-e9c7-4460-a743-29f2956fd429";

    fn read(raw: &str) -> Result<AdminConsentResponse, AdminConsentRejection> {
        parse_admin_consent(raw, &Secret::new("s1"))
    }

    #[test]
    fn the_address_says_what_is_asked_for() {
        let endpoint = Url::parse("https://login.example/organizations/v2.0/adminconsent").unwrap();
        let scopes = "https://graph.microsoft.com/Mail.Send User.Read".parse().unwrap();
        let redirect_uri = "http://localhost/callback";
        let asked = AdminConsentUrl {
            endpoint: &endpoint,
            client_id: "c 1",
            scopes: &scopes,
            redirect_uri,
            state: "s&1",
        };
        assert_eq!(
            asked.url().as_str(),
            "https://login.example/organizations/v2.0/adminconsent?client_id=c+1\
             &scope=https%3A%2F%2Fgraph.microsoft.com%2FMail.Send+User.Read\
             &redirect_uri=http%3A%2F%2Flocalhost%2Fcallback&state=s%261"
        );
    }

    #[test]
    fn an_answer_is_a_yes_or_a_no() {
        let granted = format!("admin_consent=True&tenant={TENANT}&scope=a+b&state=s1&more=1&more=2");
        let scopes: ScopeSet = "a b".parse().unwrap();
        assert_eq!(
            read(&granted).unwrap(),
            AdminConsentResponse::Granted { tenant: Some(TENANT.to_owned()), scopes: scopes.clone() }
        );
        let odd_tenant = granted.replace(TENANT, "%1B%5B2J");
        assert_eq!(read(&odd_tenant).unwrap(), AdminConsentResponse::Granted { tenant: None, scopes });
        let refused =
            "admin_consent=True&error=consent_required&error_description=AADSTS65004%3A+no&state=s1";
        let AdminConsentResponse::Error(error) = read(refused).unwrap() else { panic!("{refused}") };
        assert_eq!(
            (error.error.as_str(), error.description.as_deref()),
            ("consent_required", Some("AADSTS65004: no"))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        use AdminConsentRejection::{Empty, RepeatedParameter, StateMismatch, StateMissing};
        for (raw, expected) in [
            ("", StateMissing),
            ("admin_consent=True", StateMissing),
            ("admin_consent=True&state=", StateMissing),
            ("admin_consent=True&state=s2", StateMismatch),
            ("error=access_denied&state=S1", StateMismatch),
            ("admin_consent=True&state=s1&state=s1", RepeatedParameter),
            ("admin_consent=True&state=s1&error=&error=x", RepeatedParameter),
            ("admin_consent=True&state=s1&tenant=a&tenant=b", RepeatedParameter),
            ("state=s1", Empty),
            ("state=s1&admin_consent=False", Empty),
            ("state=s1&code=x", Empty),
        ] {
            assert_eq!(read(raw), Err(expected), "{raw}");
        }
    }
}
