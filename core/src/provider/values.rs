//! Values of one customer: what they may look like, who says them, and what they fill.
//!
//! | form | what is taken | its spelling | where it stands |
//! |---|---|---|---|
//! | `label` | letters, digits, hyphens | lower case | as it is |
//! | `host` | a host name or an address, a port | lower case | as it is |
//! | `https_url` | https, a host, a port, a path | as a browser has it, without a slash at the end | whole at the beginning of an endpoint, else its host |
//! | `text` | a line | without blanks at its ends | encoded, as one segment of a path |
//!
//! | said by | when | checked |
//! |---|---|---|
//! | the person (`--value`) | before the login | by form and by what is allowed; `config_invalid` |
//! | the connection's earlier login | before the login | the same; one that no longer fits counts as not there |
//! | the provider's file (`default`) | before the login | when the file is read |
//! | the redirect, the token response | during the login | the same; `provider_rejected`, and nothing is kept |
//!
//! A value may decide which host a token goes to, so none is taken as it comes: each is brought into the one spelling of
//! its form, or refused. Neither a person's slip nor a server's answer gets a `/`, an `@` or another dot into a label.
//!
//! May not enter: how a server's answer is read (`protocol`), and where values are kept (`store`).

use std::collections::BTreeMap;

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::definition::ProviderDefinition;
use super::dialect::{ValueDefinition, ValueForm, ValueSource};
use crate::error::{Error, ErrorKind, Result};
use crate::hosts::AllowedHosts;

/// Values by name, each in the spelling of its form.
pub type Values = BTreeMap<String, String>;

/// No value is longer, whatever it is.
const MAX_VALUE: usize = 255;

/// The values that a login at `definition` begins with: those that were `named` for it, else `earlier` ones, else the
/// defaults.
///
/// # Errors
/// `config_invalid` for a value that the provider does not have, that is not of its form, or that nobody named.
pub fn asked(definition: &ProviderDefinition, named: &Values, earlier: Option<&Values>) -> Result<Values> {
    let provider = &definition.display_name;
    if let Some(unknown) = named.keys().find(|name| !definition.values.contains_key(*name)) {
        let asked = definition.values.iter().filter(|(_, value)| value.from.is_none());
        let known = asked.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        return Err(invalid(format!("{provider} has no value {unknown:?}; it has {known}")));
    }
    let mut values = Values::new();
    for (name, value) in &definition.values {
        let accept = |text: &String| value.accept(text);
        let found = match (named.get(name), value.from) {
            (Some(_), Some(_)) => {
                let message = format!("the value {name} of {provider} is learnt from the server");
                return Err(invalid(message).with_help(format!("leave out --value {name}=")));
            }
            (None, Some(_)) => value.default.clone(),
            (Some(text), None) => {
                let refused =
                    |expected| invalid(format!("the value {name} of {provider} must be {expected}"));
                Some(accept(text).map_err(refused)?)
            }
            // A kept one that the definition of today does not take is nobody's choice any more.
            (None, None) => earlier
                .and_then(|earlier| earlier.get(name))
                .and_then(|text| accept(text).ok())
                .or_else(|| value.default.clone()),
        };
        match found {
            Some(found) => drop(values.insert(name.clone(), found)),
            None if value.from.is_some() => {}
            None => return Err(missing(definition, name, value)),
        }
    }
    Ok(values)
}

/// The names, at the server, of what is learnt from `source`.
pub fn names_at(definition: &ProviderDefinition, source: ValueSource) -> Vec<&str> {
    learnt_from(definition, source).map(|(_, at_server, _)| at_server).collect()
}

/// What is learnt from an answer of the server; `find` reads a member or a parameter of it.
///
/// # Errors
/// `provider_rejected` for one that is not of its form: what a program would build on it is not safe to guess.
pub fn learnt(
    definition: &ProviderDefinition,
    source: ValueSource,
    mut find: impl FnMut(&str) -> Option<String>,
) -> Result<Values> {
    let mut values = Values::new();
    for (name, at_server, value) in learnt_from(definition, source) {
        let Some(text) = find(at_server) else { continue };
        let refused = |expected| {
            let message = format!("the server's {at_server} must be {expected}: nothing was kept");
            Error::new(ErrorKind::ProviderRejected, message)
                .with_help("log in again; if it stays so, correct [values] in the provider's file")
        };
        values.insert(name.to_owned(), value.accept(&text).map_err(refused)?);
    }
    Ok(values)
}

/// The values that `source` says: the name here, the name there, and the definition.
fn learnt_from(
    definition: &ProviderDefinition,
    source: ValueSource,
) -> impl Iterator<Item = (&str, &str, &ValueDefinition)> {
    let own = definition.values.iter().filter(move |(_, value)| value.from == Some(source));
    own.map(|(name, value)| (name.as_str(), value.member.as_deref().unwrap_or(name), value))
}

/// The hosts of the provider's API for this customer. One whose value is not known is left out.
pub fn api_hosts(definition: &ProviderDefinition, values: &Values) -> Vec<String> {
    let filled = definition.api.hosts.iter().map(|host| fill(definition, host, values));
    filled.filter(|host| !host.contains('{') && AllowedHosts::parse([host]).is_ok()).collect()
}

/// `text` with the values that are known in the place of their names. An https URL at its beginning stands whole, and
/// elsewhere for its host.
pub fn fill(definition: &ProviderDefinition, text: &str, values: &Values) -> String {
    let mut filled = text.to_owned();
    for (name, value) in values {
        let Some(form) = definition.values.get(name).map(|value| value.form) else { continue };
        let place = format!("{{{name}}}");
        if form == ValueForm::HttpsUrl && filled.starts_with(&place) && filled != place {
            filled = filled.replacen(&place, value, 1);
        }
        filled = filled.replace(&place, &form.in_place(value));
    }
    filled
}

impl ValueDefinition {
    /// `text` in the spelling of its form; else what was expected, to go after "must be".
    pub(super) fn accept(&self, text: &str) -> Result<String, String> {
        let expected = || match self.allowed.as_slice() {
            [] => self.form.expected().to_owned(),
            allowed => format!("one of {}", allowed.join(", ")),
        };
        let value = self.form.spelt(text).ok_or_else(expected)?;
        let is_allowed = match self.form {
            _ if self.allowed.is_empty() => true,
            ValueForm::Label | ValueForm::Text => self.allowed.contains(&value),
            ValueForm::Host | ValueForm::HttpsUrl => is_at(&self.allowed, &self.form.in_place(&value)),
        };
        if is_allowed { Ok(value) } else { Err(expected()) }
    }
}

impl ValueForm {
    /// What it looks like, in words.
    pub(super) fn expected(self) -> &'static str {
        match self {
            ValueForm::Label => "one label of a host name: letters, digits and hyphens, and no dot",
            ValueForm::Host => "a host name, with a port if need be: login.example or login.example:8443",
            ValueForm::HttpsUrl => "an https URL without query and fragment",
            ValueForm::Text => "a line of at most 255 characters",
        }
    }

    /// The one spelling of `text`; `None` when it is not of this form.
    fn spelt(self, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_VALUE || text.chars().any(char::is_control) {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        match self {
            ValueForm::Label => {
                let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                let label = word && text.len() <= 63 && !text.starts_with('-') && !text.ends_with('-');
                label.then_some(lower)
            }
            ValueForm::Host => {
                let url = Url::parse(&format!("https://{lower}")).ok()?;
                (host_and_port(&url)? == lower && url.path() == "/").then_some(lower)
            }
            ValueForm::HttpsUrl => {
                let url = Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
                let bare = url.query().is_none() && url.fragment().is_none();
                let plain = bare && url.username().is_empty() && url.password().is_none();
                plain.then(|| url.as_str().trim_end_matches('/').to_owned())
            }
            ValueForm::Text => Some(text.to_owned()),
        }
    }

    /// The value as it stands in a longer text: nothing in it ends a host, a segment or a path.
    fn in_place(self, value: &str) -> String {
        match self {
            ValueForm::Label | ValueForm::Host => value.to_owned(),
            ValueForm::HttpsUrl => {
                Url::parse(value).ok().and_then(|url| host_and_port(&url)).unwrap_or_default()
            }
            // One segment of a path, whatever is in it; a dot is a way up in a path.
            ValueForm::Text if value.bytes().all(|byte| byte == b'.') => value.replace('.', "%2E%2E%2E"),
            ValueForm::Text => byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20"),
        }
    }
}

/// What stands for a URL in a host: no user, no path.
fn host_and_port(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// True when `host` is one of those that are allowed, each as `a.example` or `*.a.example`.
fn is_at(allowed: &[String], host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("https://{host}")) else { return false };
    let allowed = AllowedHosts::parse(allowed);
    allowed.is_ok_and(|allowed| allowed.allow("https", url.host_str().unwrap_or_default(), url.port()))
}

/// Nobody said it: what it is, and how to say it.
fn missing(definition: &ProviderDefinition, name: &str, value: &ValueDefinition) -> Error {
    let described = if value.description.is_empty() { value.form.expected() } else { &value.description };
    invalid(format!("{} needs the value {name}: {described}", definition.display_name))
        .with_help(format!("name it: `tokenkeep login {} --value {name}=VALUE`", definition.name))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message)
        .with_help("`tokenkeep providers show NAME` prints the provider's file, with its [values]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_what_it_says_and_nothing_else() {
        let good = [
            (ValueForm::Label, "Acme-1", "acme-1"),
            (ValueForm::Host, "Git.Example:8443", "git.example:8443"),
            (ValueForm::Host, "127.0.0.1:1", "127.0.0.1:1"),
            (ValueForm::HttpsUrl, "https://Acme.My.Example/", "https://acme.my.example"),
            (ValueForm::HttpsUrl, "https://jira.example:8443/base/", "https://jira.example:8443/base"),
            (ValueForm::Text, " any text/../@# ", "any text/../@#"),
        ];
        for (form, text, spelt) in good {
            assert_eq!(form.spelt(text).as_deref(), Some(spelt), "{text}");
        }
        let bad = [
            (
                ValueForm::Label,
                &["", " ", "a.b", "a/b", "a@b", "a#b", "a?b", "a:1", "-a", "a-", "a_b", "\u{e9}", "a\nb"][..],
            ),
            (
                ValueForm::Host,
                &[
                    "a/b",
                    "a@b",
                    "a#",
                    "a?b",
                    "a b",
                    "a:x",
                    "a:",
                    "https://a",
                    "\u{e9}.example",
                    "a\\b",
                    "a%2fb",
                ],
            ),
            (
                ValueForm::HttpsUrl,
                &[
                    "http://a.example",
                    "https://",
                    "https://u@a.example",
                    "https://u:p@a.example",
                    "a.example",
                    "https://a.example?x",
                    "https://a.example#x",
                    "javascript:x",
                    "https://a.example/\u{0}",
                ],
            ),
            (ValueForm::Text, &["", "  ", "a\nb", "a\u{7f}"]),
        ];
        for (form, texts) in bad {
            for text in texts {
                assert_eq!(form.spelt(text), None, "{form:?} {text:?}");
            }
        }
        assert_eq!(ValueForm::Label.spelt(&"a".repeat(64)), None);
        assert_eq!(ValueForm::Text.spelt(&"a".repeat(256)), None);
    }

    #[test]
    fn only_what_is_allowed_is_taken() {
        let value = |form, allowed: &[&str]| ValueDefinition {
            form,
            allowed: allowed.iter().map(|text| (*text).to_owned()).collect(),
            ..ValueDefinition::default()
        };
        let region = value(ValueForm::Label, &["eu", "us"]);
        assert_eq!(region.accept("EU").as_deref(), Ok("eu"));
        assert_eq!(region.accept("xx").unwrap_err(), "one of eu, us");
        let accounts = value(ValueForm::HttpsUrl, &["accounts.zoho.com", "*.zoho.eu"]);
        for good in ["https://accounts.zoho.com", "https://accounts.zoho.eu/"] {
            assert!(accounts.accept(good).is_ok(), "{good}");
        }
        for bad in [
            "https://accounts.zoho.com.evil.example",
            "https://evil.example",
            "https://accounts.zoho.com:8443",
            "https://zoho.eu",
        ] {
            assert!(accounts.accept(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_stays_in_its_segment() {
        for text in ["..", ".", "a/../b", "a?b#c", "@host", "%2e%2e"] {
            let filled = format!("https://as.example/x/{}/token", ValueForm::Text.in_place(text));
            let url = Url::parse(&filled).unwrap();
            assert_eq!(url.host_str(), Some("as.example"), "{text}");
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            assert!(matches!(segments[..], ["x", _, "token"]), "{text}: {url}");
            assert!(url.query().or(url.fragment()).is_none(), "{text}");
        }
    }
}
