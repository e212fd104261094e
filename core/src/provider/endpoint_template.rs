//! An endpoint as a provider's file names it: a URL in which a cloud and a tenant may be left open.
//!
//! May not enter: what they are filled in with (`authority`, `endpoints`).

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::transport::is_loopback;

/// An https URL that may hold `{cloud}`, `{tenant}` and `{tenantid}`. Plain http is for loopback
/// addresses, and even then [`Transport`](crate::transport::Transport) wants it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointTemplate(String);

impl EndpointTemplate {
    /// The URL with `{cloud}` and `{tenant}` filled in; `{tenantid}` is left for the id_token to fill.
    pub fn fill(&self, cloud: &str, tenant: &str) -> String {
        self.0.replace("{cloud}", cloud.trim_end_matches('/')).replace("{tenant}", tenant)
    }

    /// As it stands in the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when the URL is not whole without an authority.
    pub fn has_placeholders(&self) -> bool {
        self.0.contains("{cloud}") || self.0.contains("{tenant}")
    }
}

impl FromStr for EndpointTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = EndpointTemplate(text.to_owned());
        let example = template.fill("https://cloud.example", "tenant").replace("{tenantid}", "tenant");
        let expected = || format!("expected an https URL, found {text:?}");
        if example.contains(['{', '}']) {
            return Err(format!(
                "{text:?} has a placeholder that is not {{cloud}}, {{tenant}} or {{tenantid}}"
            ));
        }
        let url = Url::parse(&example).map_err(|_| expected())?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !secure || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(expected());
        }
        Ok(template)
    }
}

impl<'de> Deserialize<'de> for EndpointTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
