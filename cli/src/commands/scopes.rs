//! `tokenkeep scopes`: the words that stand for scopes, and what a list of scopes comes to.

use serde::Serialize;
use tokenkeep::{Provider, ScopeCheck, ScopeSet};

use super::Invocation;
use crate::args::{ScopesArgs, provider};
use crate::exit::Failure;
use crate::output::{data, json, say, table, words};

#[derive(Serialize)]
struct PresetsView<'a> {
    provider: &'a str,
    presets: Vec<PresetView<'a>>,
}

/// A preset, as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct PresetView<'a> {
    name: &'a str,
    scopes: Vec<&'a str>,
}

#[derive(Serialize)]
struct CheckView<'a> {
    scopes: Vec<&'a str>,
    resources: &'a [String],
    findings: Vec<FindingView<'a>>,
}

#[derive(Serialize)]
struct FindingView<'a> {
    kind: &'static str,
    scopes: Vec<&'a str>,
    message: &'a str,
    help: &'a str,
}

pub fn run(invocation: &Invocation, args: &ScopesArgs) -> Result<(), Failure> {
    let name = provider(&args.provider)?;
    if args.list.is_empty() {
        return show_presets(invocation, &invocation.broker.provider(&name)?);
    }
    let scopes: ScopeSet = args.list.join(" ").parse()?;
    show_check(invocation, &invocation.broker.check_scopes(&name, &scopes)?)
}

fn show_presets(invocation: &Invocation, provider: &Provider) -> Result<(), Failure> {
    if invocation.json {
        return json(&PresetsView { provider: provider.name.as_str(), presets: presets(provider) });
    }
    let rows: Vec<_> =
        provider.presets.iter().map(|(name, scopes)| vec![name.clone(), scopes.to_string()]).collect();
    data(&table(&["PRESET", "SCOPES"], &rows))
}

fn show_check(invocation: &Invocation, check: &ScopeCheck) -> Result<(), Failure> {
    if invocation.json {
        let findings = check.findings.iter().map(|finding| FindingView {
            kind: finding.kind.as_str(),
            scopes: words(&finding.scopes),
            message: &finding.message,
            help: &finding.help,
        });
        return json(&CheckView {
            scopes: words(&check.scopes),
            resources: &check.resources,
            findings: findings.collect(),
        });
    }
    for scope in check.scopes.iter() {
        data(scope)?;
    }
    for finding in &check.findings {
        say(format_args!("warning: {}\nhint: {}", finding.message, finding.help));
    }
    Ok(())
}

/// A provider's presets by name.
pub fn presets(provider: &Provider) -> Vec<PresetView<'_>> {
    let named = provider.presets.iter();
    named.map(|(name, scopes)| PresetView { name, scopes: words(scopes) }).collect()
}
