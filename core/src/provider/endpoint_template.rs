//! An endpoint as a provider's file names it: a URL in which a cloud, a tenant and values of a customer may be left
//! open.
//!
//! May not enter: what they are filled in with (`authority`, `values`, `endpoints`).

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::transport::is_loopback;

/// An https URL that may hold `{cloud}`, `{tenant}`, `{tenantid}` and names of values. Plain http is for loopback
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

    /// The names in braces, in their order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.0)
    }

    /// The names that decide which host is asked, each with what follows it in the host.
    pub fn placeholders_of_host(&self) -> impl Iterator<Item = (&str, &str)> {
        let authority = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        placeholders(authority).map(move |name| {
            let place = authority.find(&format!("{{{name}}}")).unwrap_or_default();
            (name, authority.get(place + name.len() + 2..).unwrap_or_default())
        })
    }
}

/// The names in braces within `text`.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// The URL of a template that was filled in. Whatever filled it, the host is the one that can be read in it.
pub fn filled_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let same_host = url.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host));
    (is_secure && is_plain && same_host).then_some(url)
}

impl FromStr for EndpointTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = EndpointTemplate(text.to_owned());
        let mut example = template.fill("https://cloud.example", "tenant");
        for name in placeholders(text) {
            let place = format!("{{{name}}}");
            if example.starts_with(&place) {
                example = example.replacen(&place, "https://value.example", 1);
            }
            example = example.replace(&place, "value");
        }
        filled_url(&example).map(|_| template).ok_or_else(|| format!("expected an https URL, found {text:?}"))
    }
}

impl<'de> Deserialize<'de> for EndpointTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
