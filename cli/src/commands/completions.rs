//! `tokenkeep completions`: a script for a shell.

use clap::CommandFactory;
use serde::Serialize;
use tokenkeep::ErrorKind;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Failure;
use crate::output::{data, json};

#[derive(Serialize)]
struct CompletionsView {
    shell: String,
    script: String,
}

pub fn run(args: &CompletionsArgs, as_json: bool) -> Result<(), Failure> {
    // Made in memory: what makes it panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tokenkeep", &mut script);
    let script = String::from_utf8(script).map_err(|_| {
        Failure::own(ErrorKind::Internal, "the completions are not UTF-8", "please report it")
    })?;
    if as_json {
        return json(&CompletionsView { shell: args.shell.to_string(), script });
    }
    data(script.trim_end())
}
