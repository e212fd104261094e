//! What the values of a provider's file may be, and where they may stand: a value must not be able to lead a token to a
//! host that its form, or the list of what is allowed, does not let through.
//!
//! | the value | in an endpoint's host | in a host of the API | elsewhere in an endpoint |
//! |---|---|---|---|
//! | a person says it, `text` | no | no | yes, as one segment |
//! | a person says it, any other form | yes | yes | yes |
//! | the token response says it | a label within a domain, or one of `allowed` | yes: the server has the token already | yes |
//! | the redirect says it | the same | the same | yes |
//!
//! What a redirect says comes through a browser, and whoever can send the browser somewhere can say it (RFC 6749 10.12):
//! a code, a client secret or a token must not follow it to a host of its own choice. What an endpoint holds and is
//! learnt only later needs a default, since the login has to begin somewhere.
//!
//! May not enter: what a value may look like (`values`).

use super::super::dialect::{ValueDefinition, ValueForm, ValueSource};
use super::super::endpoint_template::{EndpointTemplate, placeholders};
use super::{Mistake, ProviderDefinition};
use crate::hosts::AllowedHosts;

/// Placeholders with a meaning of their own.
const TAKEN: [&str; 4] = ["cloud", "tenant", "tenantid", "client_id"];

impl ProviderDefinition {
    /// The values themselves: their names, their defaults, what is allowed; then where they stand.
    ///
    /// # Errors
    /// The member that is wrong.
    pub(super) fn check_values(&self) -> Result<(), Mistake> {
        for (name, value) in &self.values {
            let member = |member: &str| format!("values.{name}.{member}");
            let word = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if !word || name.is_empty() || TAKEN.contains(&name.as_str()) {
                let expected = "lower case letters, digits and underscores, and no name with another meaning";
                return Err(Mistake::expected(format!("values.{name}"), expected, name));
            }
            if value.from.is_none() && value.member.is_some() {
                return Err(Mistake::new(
                    member("member"),
                    "says what the value is called there, and from is missing",
                ));
            }
            for allowed in &value.allowed {
                let by_host = matches!(value.form, ValueForm::Host | ValueForm::HttpsUrl);
                let alone = ValueDefinition { allowed: Vec::new(), ..value.clone() };
                let good = if by_host {
                    AllowedHosts::parse([allowed]).is_ok()
                } else {
                    alone.accept(allowed).as_ref() == Ok(allowed)
                };
                if !good {
                    let expected = if by_host {
                        "hosts, each as a.example or *.a.example"
                    } else {
                        value.form.expected()
                    };
                    return Err(Mistake::expected(member("allowed"), expected, allowed));
                }
            }
            if let Some(default) = &value.default
                && let Err(expected) = value.accept(default)
            {
                return Err(Mistake::expected(member("default"), &expected, default));
            }
        }
        self.check_places()
    }

    /// Every name in braces is known, and no value stands where it could lead astray.
    fn check_places(&self) -> Result<(), Mistake> {
        let device = self.device.token_endpoint.as_ref().map(|endpoint| ("device.token_endpoint", endpoint));
        let endpoints =
            self.endpoints.named().map(|(name, endpoint)| (format!("endpoints.{name}"), endpoint));
        for (member, endpoint) in
            endpoints.chain(device.map(|(member, endpoint)| (member.to_owned(), endpoint)))
        {
            self.check_endpoint(&member, endpoint)?;
        }
        for host in &self.api.hosts {
            for name in placeholders(host) {
                let value = self.value_at("api.hosts", name)?;
                let after = host.split_once(&format!("{{{name}}}")).map_or("", |(_, after)| after);
                check_in_host(
                    "api.hosts",
                    name,
                    value,
                    after,
                    value.from == Some(ValueSource::AuthorizationResponse),
                )?;
            }
            let example = placeholders(host)
                .fold(host.clone(), |text, name| text.replace(&format!("{{{name}}}"), "value"));
            if AllowedHosts::parse([&example]).is_err() {
                let expected = "a host, as api.example, *.api.example or {NAME}.api.example";
                return Err(Mistake::expected("api.hosts", expected, host));
            }
        }
        Ok(())
    }

    /// An endpoint: its names are known, known in time, and where they may be.
    fn check_endpoint(&self, member: &str, endpoint: &EndpointTemplate) -> Result<(), Mistake> {
        for name in endpoint.placeholders() {
            let own = match name {
                "cloud" | "tenant" => self.authority.is_some(),
                "tenantid" => member == "endpoints.issuer",
                "client_id" => member == "endpoints.revocation",
                _ => false,
            };
            if own {
                continue;
            }
            let value = self.value_at(member, name)?;
            if value.from.is_some() && value.default.is_none() {
                let what =
                    format!("holds {{{name}}}, which is learnt later: it needs a default in [values.{name}]");
                return Err(Mistake::new(member, what));
            }
        }
        for (name, after) in endpoint.placeholders_of_host() {
            if let Some(value) = self.values.get(name) {
                check_in_host(member, name, value, after, value.from.is_some())?;
            }
        }
        Ok(())
    }

    /// The value that `name` in braces stands for.
    fn value_at(&self, member: &str, name: &str) -> Result<&ValueDefinition, Mistake> {
        self.values.get(name).ok_or_else(|| {
            let known = self.values.keys().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() {
                "no placeholder, since there are no [values]".to_owned()
            } else {
                known
            };
            Mistake::new(member, format!("expected {known}, found {{{name}}}"))
        })
    }
}

/// A value in a host. What a server says (`judged`) must leave the domain to the file, or be one of a list.
fn check_in_host(
    member: &str,
    name: &str,
    value: &ValueDefinition,
    after: &str,
    judged: bool,
) -> Result<(), Mistake> {
    if value.form == ValueForm::Text {
        let what = format!(
            "holds {{{name}}} in its host, and the form of that value is text: expected label or host"
        );
        return Err(Mistake::new(member, what));
    }
    let in_domain = value.form == ValueForm::Label && after.starts_with('.') && after[1..].contains('.');
    if judged && !in_domain && value.allowed.is_empty() {
        let what = format!(
            "holds {{{name}}} in its host, which the server says: expected a label within a domain, or a list in \
             [values.{name}] allowed"
        );
        return Err(Mistake::new(member, what));
    }
    Ok(())
}
