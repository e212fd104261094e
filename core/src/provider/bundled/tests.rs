//! Each bundled definition, with its values filled in by examples.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use url::Url;

use super::*;
use crate::provider::ProviderDefinition;
use crate::provider::dialect::ValueForm;

/// Endpoints at a host that shares its last two labels neither with the provider's API nor with its documentation.
const ELSEWHERE: [(&str, &str); 2] =
    [("azure-devops", "microsoftonline.com"), ("microsoft", "microsoftonline.com")];

fn all() -> impl Iterator<Item = ProviderDefinition> {
    BUNDLED.iter().map(|(name, text)| {
        let definition = ProviderDefinition::parse(name, text).unwrap();
        assert_eq!(definition.name.as_str(), *name);
        definition
    })
}

/// `template` as it is for an example of a customer.
fn filled(definition: &ProviderDefinition, template: &str) -> String {
    let mut filled = template.replace("{client_id}", "c1").replace("{tenant}", "common");
    if let Some(authority) = &definition.authority {
        filled = filled.replace("{cloud}", authority.clouds[&authority.default_cloud].as_str());
    }
    for (name, value) in &definition.values {
        let example = match value.form {
            ValueForm::Label | ValueForm::Text => "example",
            ValueForm::Host => "customer.example",
            ValueForm::HttpsUrl => "https://customer.example",
        };
        let example = value.default.as_deref().unwrap_or(example);
        let place = format!("{{{name}}}");
        let rest = filled.strip_prefix(&place).filter(|rest| !rest.is_empty());
        filled = match rest {
            Some(rest) => format!("{example}{}", rest.replace(&place, example)),
            None => filled.replace(&place, example.trim_start_matches("https://")),
        };
    }
    filled
}

/// The last two labels of a host.
fn domain(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    labels[labels.len().saturating_sub(2)..].join(".")
}

#[test]
fn the_list_is_the_folder_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.collect();
    assert!(BUNDLED.is_sorted_by_key(|(name, _)| name), "a search relies on the order");
    assert_eq!(BUNDLED.iter().map(|(name, _)| format!("{name}.toml")).collect::<BTreeSet<_>>(), files);
    assert_eq!(text_of("github"), Some(include_str!("../../../providers/github.toml")));
    assert_eq!(text_of("nobody"), None);
}

#[test]
fn an_endpoint_is_https_and_at_a_host_of_the_provider() {
    for definition in all() {
        let name = definition.name.as_str();
        let documentation =
            definition.documentation.as_deref().unwrap_or_else(|| panic!("{name}: no documentation"));
        let documentation = Url::parse(documentation).unwrap();
        assert_eq!(documentation.scheme(), "https", "{name}");
        let mut own: BTreeSet<String> =
            definition.api.hosts.iter().map(|host| domain(&filled(&definition, host))).collect();
        own.insert(domain(documentation.host_str().unwrap()));
        own.extend(ELSEWHERE.iter().filter(|(of, _)| *of == name).map(|(_, domain)| (*domain).to_owned()));
        for (member, endpoint) in definition.endpoints.named() {
            let url = Url::parse(&filled(&definition, endpoint.as_str()).replace("{tenantid}", "t")).unwrap();
            let host = url.host_str().unwrap().to_owned();
            assert!(
                url.scheme() == "https" && url.port().is_none() && url.query().is_none(),
                "{name} {member}: {url}"
            );
            assert!(own.contains(&domain(&host)), "{name} {member}: {host} is at none of {own:?}");
        }
    }
}

#[test]
fn a_host_of_an_api_is_a_host_to_the_letter() {
    for definition in all() {
        let name = definition.name.as_str();
        for host in &definition.api.hosts {
            let filled = filled(&definition, host);
            let url = Url::parse(&format!("https://{filled}/")).unwrap();
            assert_eq!(url.host_str(), Some(filled.as_str()), "{name}: {host}");
            assert!(filled.contains('.') && !filled.contains('*'), "{name}: {host}");
        }
        // Whoever has none has no API of its own: the server says what its tokens are for.
        assert_eq!(definition.api.hosts.is_empty(), ["mcp", "oidc"].contains(&name), "{name}");
    }
}

#[test]
fn a_value_is_explained_and_used() {
    for definition in all() {
        let name = definition.name.as_str();
        let templates: Vec<&str> =
            definition.endpoints.named().map(|(_, endpoint)| endpoint.as_str()).collect();
        let templates = [templates, definition.api.hosts.iter().map(String::as_str).collect()].concat();
        for (value, of_file) in &definition.values {
            assert!(of_file.description.len() > 5, "{name}: {value}");
            let place = format!("{{{value}}}");
            let used = templates.iter().any(|template| template.contains(&place));
            // QuickBooks has it in the path of a request.
            assert!(used || name == "quickbooks", "{name}: {value} is not used");
        }
        for template in templates {
            let left = filled(&definition, template).replace("{tenantid}", "");
            assert!(!left.contains(['{', '}']), "{name}: {template} has a placeholder that is no value");
        }
    }
}

#[test]
fn a_person_can_follow_the_steps() {
    for definition in all() {
        let name = definition.name.as_str();
        let steps = &definition.client.registration_steps;
        assert!(steps.contains("{redirect_uri}"), "{name}");
        let login = ["login", "client set"].map(|verb| format!("tokenkeep {verb} {name} "));
        let resource = "tokenkeep login --resource ".to_owned();
        assert!(steps.contains("--client-id"), "{name}");
        assert!(login.iter().chain([&resource]).any(|command| steps.contains(command)), "{name}:\n{steps}");
        // One that is refused without a secret says how a secret is given.
        assert!(!definition.client.secret_required || steps.contains("--client-secret-stdin"), "{name}");
        for (value, of_file) in &definition.values {
            let asked =
                of_file.from.is_none() && of_file.default.is_none() && !definition.client.secret_required;
            assert!(!asked || steps.contains(&format!("--value {value}=")), "{name}: {value}");
        }
    }
}
