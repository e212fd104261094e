//! The command line of Tokenkeep: convert, call the core, convert back. A library, so that the packages of other
//! languages carry the same command line; [`main`] is all of it.
//!
//! | file | holds |
//! |---|---|
//! | `args` | what can be typed |
//! | `commands` | one file per command |
//! | `interaction` | talking to the person |
//! | `output` | what is printed, and where |
//! | `exit` | errors and exit codes |
//!
//! May not enter: a default, a check or a text that another language would need as well. They are the
//! core's.

mod args;
mod commands;
mod exit;
mod interaction;
mod output;

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind as ClapError;
use tokenkeep::{Environment, ErrorKind, Interaction};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{Cli, Global};
use crate::exit::Failure;
use crate::interaction::{Browser, Terminal};

/// Runs the command line `arguments`, of which the first is the program's name, and returns the exit code.
///
/// It takes the process as its own: it writes to standard output and error, sets the log, and listens for Ctrl-C and
/// SIGTERM while it waits. A program in another language has nothing else to do beside it.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    leave_no_core_dump();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (outcome, json) = match Cli::try_parse_from(&arguments) {
        Ok(cli) => (log(&cli.global).and_then(|()| commands::run(&cli)), cli.global.json),
        Err(error) => {
            // What was typed could not be read, and yet it says how the answer is wanted.
            let json = arguments.iter().any(|argument| argument == "--json");
            (answer(&error, json), json)
        }
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            failure.report(json);
            failure.exit_code()
        }
    }
}

/// The person at the terminal, as `tokenkeep login` talks to them: for a library's `login` that was given nobody else
/// to talk to. `paste`: their browser is elsewhere, and they will paste the address that it ends up at.
pub fn terminal(paste: bool) -> Arc<dyn Interaction> {
    Arc::new(Terminal::new(if paste { Browser::None } else { Browser::Default }, paste))
}

/// A dump of this process's memory would hold what the store seals.
fn leave_no_core_dump() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        // It can only be lowered, which everybody may.
        let _ = setrlimit(Resource::Core, limit);
    }
}

/// `--help` and `--version` are answers; the rest is a command line that is not of its form.
fn answer(error: &clap::Error, json: bool) -> Result<(), Failure> {
    let text = error.render().to_string();
    match error.kind() {
        ClapError::DisplayHelp | ClapError::DisplayVersion => output::data(text.trim_end()),
        // Nothing was asked for: the help is the answer to that.
        ClapError::DisplayHelpOnMissingArgumentOrSubcommand if !json => {
            output::say(text.trim_end());
            Err(Failure::Reported(exit::USAGE))
        }
        ClapError::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(Failure::Usage { message: "a command is missing".to_owned(), help: "see --help".to_owned() })
        }
        _ => {
            let (message, help) = text.split_once("\n\n").unwrap_or((&text, ""));
            let message =
                message.trim_start_matches("error: ").split_whitespace().collect::<Vec<_>>().join(" ");
            let help =
                help.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
            Err(Failure::Usage { message, help })
        }
    }
}

/// Sends the core's log to standard error. Of other crates only warnings are shown: they cannot know
/// what is a secret here.
fn log(global: &Global) -> Result<(), Failure> {
    let named = Environment::process().get("TOKENKEEP_LOG");
    let level = match (global.verbose, named.as_deref()) {
        (1, _) => LevelFilter::INFO,
        (2, _) => LevelFilter::DEBUG,
        (3.., _) => LevelFilter::TRACE,
        (0, None) => LevelFilter::WARN,
        (0, Some(name)) => name.parse().map_err(|_| {
            let message = format!("TOKENKEEP_LOG={name:?} is not a level");
            Failure::own(ErrorKind::ConfigInvalid, message, "it is one of error, warn, info, debug, trace")
        })?,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // It would print, and a print to a closed standard error panics.
        .log_internal_errors(false);
    let filter = Targets::new().with_target("tokenkeep", level).with_default(level.min(LevelFilter::WARN));
    // Fails when there is a log already, and there is none.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}
