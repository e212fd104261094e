//! `tokenkeep explain`: what an error code means, who must act, and what to type.

use std::io::{self, IsTerminal, Read};

use serde::Serialize;
use tokenkeep::{ErrorKind, Explanation};

use crate::args::ExplainArgs;
use crate::exit::Failure;
use crate::output::{data, json, say};

/// An error is some lines. Whoever gives a whole log gets the codes of its beginning.
const MAX_TEXT: u64 = 1024 * 1024;

#[derive(Serialize)]
struct ExplanationView<'a> {
    code: &'a str,
    name: &'a str,
    meaning: &'a str,
    who: &'a str,
    remedy: &'a str,
    command: Option<&'a str>,
}

pub fn run(args: &ExplainArgs, as_json: bool) -> Result<(), Failure> {
    let text = if args.text.is_empty() { pasted()? } else { args.text.join(" ") };
    let explanations = tokenkeep::explain(&text)?;
    if as_json {
        return json(&explanations.iter().map(ExplanationView::from).collect::<Vec<_>>());
    }
    data(&explanations.iter().map(paragraph).collect::<Vec<_>>().join("\n\n"))
}

/// What the person pastes, or a pipe brings.
fn pasted() -> Result<String, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let end = if cfg!(windows) { "Ctrl-Z and Enter" } else { "Ctrl-D" };
        say(format_args!("Paste the error, then press {end}."));
    }
    let mut bytes = Vec::new();
    stdin.lock().take(MAX_TEXT).read_to_end(&mut bytes).map_err(|error| {
        let message = format!("standard input cannot be read: {error}");
        Failure::own(ErrorKind::ConfigInvalid, message, "give the code as an argument")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn paragraph(explanation: &Explanation) -> String {
    let Explanation { code, name, meaning, who, remedy, command } = explanation;
    let mut lines = vec![format!("{code} {name}"), meaning.clone(), format!("Who: {who}"), remedy.clone()];
    lines.extend(command.as_ref().map(|command| format!("    {command}")));
    lines.join("\n")
}

impl<'a> From<&'a Explanation> for ExplanationView<'a> {
    fn from(explanation: &'a Explanation) -> Self {
        ExplanationView {
            code: &explanation.code,
            name: &explanation.name,
            meaning: &explanation.meaning,
            who: &explanation.who,
            remedy: &explanation.remedy,
            command: explanation.command.as_deref(),
        }
    }
}
