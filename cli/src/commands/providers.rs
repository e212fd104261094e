//! `tokenkeep providers`: who can be logged in to.

use std::path::Path;

use serde::Serialize;
use tokenkeep::{DefinitionOrigin, ErrorKind, Provider};

use super::Session;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a str>,
}

pub fn run(session: &Session, args: &ProvidersArgs) -> Result<(), Failure> {
    match &args.action {
        None | Some(ProvidersAction::List) => list(session),
        Some(ProvidersAction::Show { name }) => show(session, name),
        Some(ProvidersAction::Add { file }) => add(session, file),
        Some(ProvidersAction::Remove { name }) => remove(session, name),
    }
}

fn list(session: &Session) -> Result<(), Failure> {
    let (mut known, mut broken) = (Vec::new(), Vec::new());
    for found in session.broker.providers()? {
        match found {
            Ok(provider) => known.push(provider),
            Err(error) => broken.push(error),
        }
    }
    if session.json {
        json(&known.iter().map(ProviderView::from).collect::<Vec<_>>())?;
    } else {
        let row = |provider: &Provider| {
            let origin = match &provider.origin {
                DefinitionOrigin::Bundled => "bundled".to_owned(),
                DefinitionOrigin::User(path) => path.display().to_string(),
            };
            vec![provider.name.to_string(), printable(&provider.display_name), origin]
        };
        data(&table(&["NAME", "DISPLAY NAME", "ORIGIN"], &known.iter().map(row).collect::<Vec<_>>()))?;
    }
    for error in &broken {
        report(error, session.json);
    }
    broken.first().map_or(Ok(()), |first| Err(Failure::Reported(exit_code(first.code()))))
}

fn show(session: &Session, name: &str) -> Result<(), Failure> {
    let found = session.broker.provider(&provider(name)?)?;
    if session.json {
        json(&ProviderView { definition: Some(&found.definition), ..ProviderView::from(&found) })
    } else {
        data(found.definition.trim_end())
    }
}

fn add(session: &Session, file: &Path) -> Result<(), Failure> {
    let added = session.broker.add_provider(file)?;
    say(format_args!(
        "Added {} ({}). Codes, tokens and client secrets will go to:",
        added.name,
        printable(&added.display_name)
    ));
    for endpoint in endpoints(&added.definition) {
        say(format_args!("  {}", printable(&endpoint)));
    }
    if session.json { json(&ProviderView::from(&added)) } else { Ok(()) }
}

fn remove(session: &Session, name: &str) -> Result<(), Failure> {
    let name = provider(name)?;
    if !session.broker.remove_provider(&name)? {
        let message = format!("there is no definition of your own of {name}");
        return Err(Failure::own(
            ErrorKind::UnknownProvider,
            message,
            "`tokenkeep providers` shows where each is from",
        ));
    }
    let bundled = session.broker.provider(&name).is_ok();
    say(format_args!(
        "Removed {name}.{}",
        if bundled { " The bundled definition is used again." } else { "" }
    ));
    #[derive(Serialize)]
    struct Removed {
        removed: String,
        bundled: bool,
    }
    if session.json { json(&Removed { removed: name.to_string(), bundled }) } else { Ok(()) }
}

/// Where a definition leads, as it is read and not as it is spelt: TOML has escapes.
fn endpoints(definition: &str) -> Vec<String> {
    let Ok(definition) = definition.parse::<toml::Table>() else { return Vec::new() };
    let clouds = definition.get("authority").and_then(|authority| authority.get("clouds"));
    let mut found = Vec::new();
    for table in [definition.get("endpoints"), clouds].into_iter().flatten().filter_map(toml::Value::as_table)
    {
        found.extend(table.iter().filter_map(|(name, url)| Some(format!("{name}: {}", url.as_str()?))));
    }
    if definition.get("discovery").and_then(toml::Value::as_bool) == Some(true) {
        found.push("what the metadata of the issuer names".to_owned());
    }
    found
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
            definition: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_cannot_hide_behind_an_escape() {
        let definition = "discovery = false\n[endpoints]\ntoken = \"\\u0068ttps://evil.example/t\"\n\
                          [authority.clouds]\nglobal = \"https://cloud.example\"";
        assert_eq!(endpoints(definition), ["token: https://evil.example/t", "global: https://cloud.example"]);
        assert_eq!(endpoints("discovery = true"), ["what the metadata of the issuer names"]);
    }
}
