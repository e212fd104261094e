//! `tokenkeep providers`: who can be logged in to.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use tokenkeep::{DefinitionOrigin, ErrorKind, Provider, ProviderValue};

use super::Invocation;
use super::scopes::{PresetView, presets};
use crate::args::{ProvidersAction, ProvidersArgs, provider};
use crate::exit::{Failure, exit_code, report};
use crate::output::{data, json, printable, say, table};

#[derive(Serialize)]
struct ProviderView<'a> {
    name: &'a str,
    display_name: &'a str,
    access_token_variable: &'a str,
    origin: &'static str,
    path: Option<&'a Path>,
    confidence: &'a str,
    documentation: Option<&'a str>,
    endpoints: BTreeMap<&'a str, &'a str>,
    api_hosts: &'a [String],
    values: Vec<ValueView<'a>>,
    presets: Vec<PresetView<'a>>,
    discovery: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a str>,
}

/// What differs from customer to customer.
#[derive(Serialize)]
struct ValueView<'a> {
    name: &'a str,
    description: &'a str,
    default: Option<&'a str>,
    learnt: bool,
}

pub fn run(invocation: &Invocation, args: &ProvidersArgs) -> Result<(), Failure> {
    match &args.action {
        None | Some(ProvidersAction::List) => list(invocation),
        Some(ProvidersAction::Show { name }) => show(invocation, name),
        Some(ProvidersAction::Add { file }) => add(invocation, file),
        Some(ProvidersAction::Remove { name }) => remove(invocation, name),
    }
}

fn list(invocation: &Invocation) -> Result<(), Failure> {
    let (mut known, mut broken) = (Vec::new(), Vec::new());
    for found in invocation.broker.providers()? {
        match found {
            Ok(provider) => known.push(provider),
            Err(error) => broken.push(error),
        }
    }
    if invocation.json {
        json(&known.iter().map(ProviderView::from).collect::<Vec<_>>())?;
    } else {
        let row = |provider: &Provider| {
            let origin = match &provider.origin {
                DefinitionOrigin::Bundled => "bundled".to_owned(),
                DefinitionOrigin::User(path) => path.display().to_string(),
            };
            let display_name = printable(&provider.display_name);
            vec![provider.name.to_string(), display_name, provider.confidence.clone(), origin]
        };
        data(&table(
            &["NAME", "DISPLAY NAME", "CONFIDENCE", "ORIGIN"],
            &known.iter().map(row).collect::<Vec<_>>(),
        ))?;
    }
    for error in &broken {
        report(error, invocation.json);
    }
    broken.first().map_or(Ok(()), |first| Err(Failure::Reported(exit_code(first.code()))))
}

fn show(invocation: &Invocation, name: &str) -> Result<(), Failure> {
    let found = invocation.broker.provider(&provider(name)?)?;
    if invocation.json {
        json(&ProviderView { definition: Some(&found.definition), ..ProviderView::from(&found) })
    } else {
        data(found.definition.trim_end())
    }
}

fn add(invocation: &Invocation, file: &Path) -> Result<(), Failure> {
    let added = invocation.broker.add_provider(file)?;
    say(format_args!(
        "Added {} ({}). Codes, tokens and client secrets will go to:",
        added.name,
        printable(&added.display_name)
    ));
    for (name, url) in &added.endpoints {
        say(format_args!("  {}: {}", printable(name), printable(url)));
    }
    if added.discovery {
        say("  and to what the metadata of the issuer names");
    }
    if invocation.json { json(&ProviderView::from(&added)) } else { Ok(()) }
}

fn remove(invocation: &Invocation, name: &str) -> Result<(), Failure> {
    let name = provider(name)?;
    if !invocation.broker.remove_provider(&name)? {
        let message = format!("there is no definition of your own of {name}");
        return Err(Failure::own(
            ErrorKind::UnknownProvider,
            message,
            "`tokenkeep providers` shows where each is from",
        ));
    }
    let bundled = invocation.broker.provider(&name).is_ok();
    say(format_args!(
        "Removed {name}.{}",
        if bundled { " The bundled definition is used again." } else { "" }
    ));
    #[derive(Serialize)]
    struct Removed {
        removed: String,
        bundled: bool,
    }
    if invocation.json { json(&Removed { removed: name.to_string(), bundled }) } else { Ok(()) }
}

impl<'a> From<&'a Provider> for ProviderView<'a> {
    fn from(provider: &'a Provider) -> Self {
        let (origin, path) = match &provider.origin {
            DefinitionOrigin::Bundled => ("bundled", None),
            DefinitionOrigin::User(path) => ("user", Some(path.as_path())),
        };
        ProviderView {
            name: provider.name.as_str(),
            display_name: &provider.display_name,
            access_token_variable: &provider.access_token_variable,
            origin,
            path,
            confidence: &provider.confidence,
            documentation: provider.documentation.as_deref(),
            api_hosts: &provider.api_hosts,
            values: provider.values.iter().map(ValueView::from).collect(),
            endpoints: provider.endpoints.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect(),
            presets: presets(provider),
            discovery: provider.discovery,
            definition: None,
        }
    }
}

impl<'a> From<&'a ProviderValue> for ValueView<'a> {
    fn from(value: &'a ProviderValue) -> Self {
        let ProviderValue { name, description, default, learnt } = value;
        ValueView { name, description, default: default.as_deref(), learnt: *learnt }
    }
}
