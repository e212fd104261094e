//! How a command ends when it does not end well: the error's two lines or its JSON, and its exit code.
//!
//! A code is a promise like the error's name (`tests/vectors/errors.json` is the table for all languages,
//! and a test holds this one to it). 1 and 2 are the command line's own; from 10 on, one per kind.

use std::io;

use serde::Serialize;
use tokenkeep::{Error, ErrorKind, ServerError};

use crate::output::{printable, rfc3339, say};

/// Each kind of error: its code, its exit code, and what it means.
const KINDS: [(&str, u8, &str); 21] = [
    ("config_invalid", 10, "an option, an environment variable or a file is not of its form"),
    ("unknown_provider", 11, "there is no provider of that name"),
    ("registration_missing", 12, "the provider wants a client id and none is known"),
    ("not_connected", 13, "nobody has logged in to this connection"),
    ("login_required", 14, "the grant has ended; a person must log in again"),
    ("login_cancelled", 15, "the login was stopped before it was finished"),
    ("login_timed_out", 16, "nobody finished the login in time"),
    ("access_denied", 17, "the person, or a policy, said no"),
    ("consent_required", 18, "the person has not consented to what was asked"),
    ("admin_consent_required", 19, "only an administrator can consent to what was asked"),
    ("interaction_required", 20, "the server wants the person in front of a browser"),
    ("scope_not_granted", 21, "the grant does not hold the scopes that were asked for"),
    ("provider_rejected", 22, "the server refused the request: a configuration to put right"),
    ("network", 23, "the server could not be reached, or did not answer as OAuth does"),
    ("throttled", 24, "the server asked for a pause"),
    ("store_locked", 25, "the store's key cannot be had"),
    ("store_unavailable", 26, "the store's folder or files cannot be read or written"),
    ("store_corrupt", 27, "a file of the store is damaged; it is kept"),
    ("lock_timeout", 28, "another process held the connection for too long"),
    ("unsupported", 29, "the provider or this machine cannot do what was asked"),
    ("internal", INTERNAL, "a defect in Tokenkeep"),
];

const OUTPUT: u8 = 1;
/// The command line is not of its form.
pub const USAGE: u8 = 2;
/// sysexits.h: EX_SOFTWARE. A kind that this table does not know yet is a defect as well.
const INTERNAL: u8 = 70;
/// What a shell says of a program that a signal ended.
const SIGNALLED: u8 = 128;
const SIGPIPE: u8 = 13;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The core says so.
    Core(Error),
    /// What only a command line can run into, under one of the core's codes.
    Own { kind: ErrorKind, message: String, help: String },
    /// The command line is not of its form.
    Usage { message: String, help: String },
    /// Standard output does not take what is written to it.
    Output(io::Error),
    /// A signal, by its number.
    Interrupted(u8),
    /// Everything has been said.
    Reported(u8),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

impl Failure {
    pub fn own(kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Own { kind, message: message.into(), help: help.into() }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Core(error) => exit_code(error.code()),
            Failure::Own { kind, .. } => exit_code(kind.code()),
            Failure::Usage { .. } => USAGE,
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => SIGNALLED + SIGPIPE,
            Failure::Output(_) => OUTPUT,
            Failure::Interrupted(signal) => SIGNALLED.saturating_add(*signal),
            Failure::Reported(code) => *code,
        }
    }

    /// Says it on standard error.
    pub fn report(&self, json: bool) {
        let report = match self {
            // Whoever read the output has left: nobody wants to hear of it.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            Failure::Reported(_) => return,
            Failure::Core(error) => return report(error, json),
            Failure::Own { kind, message, help } => Report::new(kind.code(), message, help, kind.retryable()),
            Failure::Usage { message, help } => Report::new("usage", message, help, false),
            Failure::Interrupted(_) => {
                Report::new("interrupted", "interrupted", "nothing is lost: run it again", true)
            }
            Failure::Output(error) => {
                let message = format!("standard output cannot be written to: {error}");
                let help = "make room, or send the output elsewhere";
                return Report { exit_code: OUTPUT, ..Report::new("output", &message, help, true) }
                    .show(json);
            }
        };
        Report { exit_code: self.exit_code(), ..report }.show(json);
    }
}

/// The exit code of an error's kind.
pub fn exit_code(code: &str) -> u8 {
    KINDS.iter().find(|(known, ..)| *known == code).map_or(INTERNAL, |(_, exit_code, _)| *exit_code)
}

/// Says an error on standard error.
pub fn report(error: &Error, json: bool) {
    Report::from(error).show(json);
}

/// An error, as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    code: &'a str,
    message: &'a str,
    help: &'a str,
    retryable: bool,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a str>,
}

/// What the server said.
#[derive(Debug, Serialize)]
struct Server<'a> {
    error: &'a str,
    description: Option<&'a str>,
    suberror: Option<&'a str>,
    error_codes: &'a [u64],
    trace_id: Option<&'a str>,
    correlation_id: Option<&'a str>,
}

impl<'a> Report<'a> {
    fn new(code: &'a str, message: &'a str, help: &'a str, retryable: bool) -> Self {
        let (server, retry_at, reason, claims) = (None, None, None, None);
        Report {
            code,
            message,
            help,
            retryable,
            exit_code: exit_code(code),
            server,
            retry_at,
            reason,
            claims,
        }
    }

    fn show(&self, json: bool) {
        if json {
            #[derive(Serialize)]
            struct Line<'a> {
                error: &'a Report<'a>,
            }
            return say(serde_json::to_string(&Line { error: self }).unwrap_or_default());
        }
        say(format_args!("error: {}", self.message));
        // Steps to follow are lines: they stand under each other.
        for (number, line) in self.help.lines().enumerate() {
            say(format_args!("{}{line}", if number == 0 { "hint: " } else { "      " })
                .to_string()
                .trim_end());
        }
        if let Some(ids) = self.server.as_ref().and_then(Server::ids) {
            say(format_args!("for a support request: {ids}"));
        }
    }
}

impl<'a> From<&'a Error> for Report<'a> {
    fn from(error: &'a Error) -> Self {
        let mut report = Report::new(error.code(), error.message(), error.help(), error.retryable());
        report.server = error.server().map(Server::from);
        match error.kind() {
            ErrorKind::Throttled { retry_at } => report.retry_at = retry_at.map(rfc3339),
            ErrorKind::LoginRequired { reason } => report.reason = Some(reason.as_str()),
            ErrorKind::InteractionRequired { claims } => report.claims = claims.as_deref(),
            _ => {}
        }
        report
    }
}

impl Server<'_> {
    /// What the server's support asks for.
    fn ids(&self) -> Option<String> {
        let named = [("correlation id", self.correlation_id), ("trace id", self.trace_id)];
        let ids: Vec<_> =
            named.iter().filter_map(|(name, id)| Some(format!("{name} {}", printable((*id)?)))).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    }
}

impl<'a> From<&'a ServerError> for Server<'a> {
    fn from(server: &'a ServerError) -> Self {
        Server {
            error: &server.error,
            description: server.description.as_deref(),
            suberror: server.suberror.as_deref(),
            error_codes: &server.error_codes,
            trace_id: server.trace_id.as_deref(),
            correlation_id: server.correlation_id.as_deref(),
        }
    }
}

/// The end of `tokenkeep --help`.
pub fn after_help() -> String {
    let mut text = String::from(
        "Standard output holds data alone; everything said to a person is on standard error. With --json an\n\
         error is the line {\"error\": {code, message, help, retryable, exit_code, ...}} on standard error.\n\n\
         Exit codes:\n    0  done\n    1  output: standard output cannot be written to\n    \
         2  usage: the command line is not of its form\n",
    );
    for (code, exit_code, meaning) in KINDS {
        text.push_str(&format!("   {exit_code:2}  {code}: {meaning}\n"));
    }
    text.push_str("  130  interrupted; 143 terminated; 141 nobody reads the output any more");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_all_languages() {
        let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/errors.json");
        let vectors: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(vectors).unwrap()).unwrap();
        let vectors: Vec<_> = vectors["errors"].as_array().unwrap().iter().collect();
        assert_eq!(vectors.len(), KINDS.len());
        for (vector, (code, exit_code, meaning)) in vectors.into_iter().zip(KINDS) {
            assert_eq!(vector["code"], code);
            assert_eq!(vector["exit_code"], exit_code, "{code}");
            assert_eq!(vector["meaning"], meaning, "{code}");
        }
    }

    #[test]
    fn each_kind_has_an_exit_code_of_its_own() {
        let mut codes: Vec<u8> = KINDS.iter().map(|(_, exit_code, _)| *exit_code).collect();
        codes.dedup();
        assert!(codes.is_sorted() && codes.len() == KINDS.len());
        assert!(codes.iter().all(|code| (10..=70).contains(code)));
        assert_eq!(exit_code("a code of the future"), INTERNAL);
        assert_eq!(exit_code(ErrorKind::LoginCancelled.code()), 15);
    }

    #[test]
    fn a_reader_that_left_is_told_from_a_full_disk() {
        let failed = |kind: io::ErrorKind| Failure::Output(kind.into()).exit_code();
        assert_eq!(failed(io::ErrorKind::BrokenPipe), 141);
        assert_eq!(failed(io::ErrorKind::StorageFull), 1);
        assert_eq!(Failure::Interrupted(15).exit_code(), 143);
    }
}
