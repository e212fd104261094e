//! Microsoft's error codes, for people: what one means, who must act, what they must do. `aadsts.toml` is the table.
//!
//! A code chooses what is said of an error and nothing else: [`advised`] gives back the error with its help, and the
//! kind that `error`, `suberror` and `claims` gave it. `core/tests/architecture.rs` keeps the numbers out of every
//! other file.
//!
//! May not enter: whatever a program does.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, ServerError};
use crate::login_command::LoginCommand;

/// What stands before a code in a text.
const PREFIX: &str = "AADSTS";
/// How a command ends that takes a client secret.
const SECRET_OPTION: &str = " --client-secret-stdin";
/// Whose login the table's commands are.
const PROVIDER: &str = "microsoft";

/// What one code means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Microsoft's short name of it.
    pub name: String,
    /// Who must act.
    pub who: Who,
    /// What happened, in a sentence.
    pub meaning: String,
    /// What they must do, in a sentence.
    pub remedy: String,
    /// What to type, where a command is part of it.
    pub command: Option<String>,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The person whose account it is.
    User,
    /// Whoever registered the app or wrote the program.
    Developer,
    /// Whoever runs the tenant.
    Administrator,
    /// Microsoft's own service.
    Service,
    /// It is part of a login that goes well.
    Nobody,
}

impl Who {
    /// The stable name, `administrator` for one.
    pub fn as_str(self) -> &'static str {
        match self {
            Who::User => "user",
            Who::Developer => "developer",
            Who::Administrator => "administrator",
            Who::Service => "service",
            Who::Nobody => "nobody",
        }
    }

    fn must_act(self) -> &'static str {
        match self {
            Who::User => "the user must act",
            Who::Developer => "the developer of the app must act",
            Who::Administrator => "an administrator of the tenant must act",
            Who::Service => "Microsoft's service must recover",
            Who::Nobody => "nobody has to act",
        }
    }
}

impl Row {
    /// What is said of an error that carries this code: who must act, what they must do, and what to type. `flow` is
    /// the one that has just failed; `login_is_due` says that nothing goes on without a login.
    fn help(&self, login: &LoginCommand, flow: Option<&str>, login_is_due: bool) -> String {
        let advice = format!("{}: {}", self.who.must_act(), self.remedy);
        let own_login = format!("tokenkeep login {PROVIDER}");
        match self.command.as_deref().map(|command| (command, command.strip_prefix(&own_login))) {
            Some((_, Some(options))) => format!("{advice}\n`{}`", with_options(login, options, flow)),
            // The stored client is for people; an application keeps its secret with its own connection.
            Some((command, None))
                if command.ends_with(SECRET_OPTION)
                    && login.value("--flow") == Some("client-credentials") =>
            {
                format!("{advice}\n`{login}{SECRET_OPTION}`")
            }
            Some((command, None)) => {
                let command = command.replace(&format!(" {PROVIDER}"), &format!(" {}", login.provider()));
                let then = if login_is_due { format!(", then `{login}`") } else { String::new() };
                format!("{advice}\n`{command}`{then}")
            }
            None if login_is_due => format!("{advice}\nthen log in again: `{login}`"),
            None => advice,
        }
    }
}

/// The login with the options of a row. A flow is named to get by where another one failed: the very one that has
/// just failed is not, and none is where nobody logs in.
fn with_options(login: &LoginCommand, options: &str, flow: Option<&str>) -> LoginCommand {
    const NOBODY: &str = "client-credentials";
    let nobody = flow == Some(NOBODY) || login.value("--flow") == Some(NOBODY);
    let words: Vec<&str> = options.split_whitespace().collect();
    words.chunks_exact(2).fold(login.clone(), |login, option| match *option {
        ["--flow", named] if nobody || Some(named) == flow => login,
        [name, value] => login.with(name, value),
        _ => login,
    })
}

/// The same error, its help the explanation of the code that the server gave it, if that is known. `login` is the
/// command that logs this connection in; `flow` the one that has just failed, if one has.
pub fn advised(error: Error, login: &LoginCommand, flow: Option<&str>) -> Error {
    // Where nobody logs in the rows, which speak to a person who does, do not fit.
    if *error.kind() == ErrorKind::AdminConsentRequired {
        return error;
    }
    let Some(row) = error.server().and_then(explained) else { return error };
    let login_is_due = matches!(
        error.kind(),
        ErrorKind::LoginRequired { .. } | ErrorKind::InteractionRequired { .. } | ErrorKind::ConsentRequired
    );
    let help = row.help(login, flow, login_is_due);
    error.with_help(help)
}

/// The same where no connection is known.
pub(super) fn advised_in_general(error: Error) -> Error {
    advised(error, &LoginCommand::to(PROVIDER), None)
}

/// The first known code of an error: of `error_codes`, else of the description.
fn explained(server: &ServerError) -> Option<&'static Row> {
    let described = server.description.as_deref().map(codes_in).unwrap_or_default();
    server.error_codes.iter().chain(&described).find_map(|code| find(*code))
}

/// The table, read when somebody first asks. Were it broken, an error would still be one, with a plainer help: a test
/// holds it whole.
static TABLE: LazyLock<HashMap<String, Row>> =
    LazyLock::new(|| toml::from_str(include_str!("aadsts.toml")).unwrap_or_default());

/// What `code` means, if that is known.
pub fn find(code: u64) -> Option<&'static Row> {
    TABLE.get(&code.to_string())
}

/// Every code of the table.
#[cfg(test)]
pub(super) fn codes() -> impl Iterator<Item = u64> {
    TABLE.keys().filter_map(|code| code.parse().ok())
}

/// `AADSTS65001`: what a code is searched for by.
pub fn written(code: u64) -> String {
    format!("{PREFIX}{code}")
}

/// The codes that `text` names, each once, in their order: a list of codes, with or without their prefix, or a whole
/// error. In an error a bare number may be anything: it counts in `error_codes` alone.
pub fn codes_in(text: &str) -> Vec<u64> {
    let text = text.to_ascii_uppercase();
    let mut found: Vec<(usize, u64)> = match listed(&text) {
        Some(codes) => codes.into_iter().enumerate().collect(),
        None => prefixed(&text).chain(members(&text)).collect(),
    };
    found.sort_by_key(|(at, _)| *at);
    let mut codes = Vec::new();
    for (_, code) in found {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// The codes of a text that holds nothing else.
fn listed(text: &str) -> Option<Vec<u64>> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    words.map(|word| word.strip_prefix(PREFIX).unwrap_or(word).parse().ok()).collect()
}

/// Where each prefix stands, and the code behind it.
fn prefixed(text: &str) -> impl Iterator<Item = (usize, u64)> {
    text.match_indices(PREFIX).filter_map(|(at, _)| Some((at, leading_number(&text[at + PREFIX.len()..])?)))
}

/// Where each `error_codes` stands, and the codes of its value: a list, or a single number.
fn members(text: &str) -> impl Iterator<Item = (usize, u64)> {
    const MEMBER: &str = "ERROR_CODES";
    text.match_indices(MEMBER).flat_map(|(at, _)| {
        // A pasted string may hold JSON whose quotes are escaped.
        let between = |c: char| c.is_whitespace() || "\\\"':=".contains(c);
        let value = text[at + MEMBER.len()..].trim_start_matches(between);
        let codes: Vec<u64> = match value.strip_prefix('[').and_then(|list| list.split(']').next()) {
            Some(list) => list.split(|c: char| !c.is_ascii_digit()).filter_map(leading_number).collect(),
            None => leading_number(value).into_iter().collect(),
        };
        codes.into_iter().map(move |code| (at, code))
    })
}

fn leading_number(text: &str) -> Option<u64> {
    text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())].parse().ok()
}

#[cfg(test)]
mod tests;
