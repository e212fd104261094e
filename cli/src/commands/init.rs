//! `tokenkeep init`: makes the store, and says where its key is.

use std::path::Path;

use serde::Serialize;
use tokenkeep::{KeySource, KeyState};

use super::Invocation;
use crate::exit::Failure;
use crate::output::{json, say, say_bold};

#[derive(Serialize)]
struct InitView<'a> {
    home: &'a Path,
    key_source: Option<&'static str>,
    made: bool,
}

pub fn run(invocation: &Invocation) -> Result<(), Failure> {
    let made = matches!(invocation.broker.inspect().key, KeyState::NoVault);
    let state = invocation.broker.initialize()?;
    let home = state.home.display();
    say(if made {
        format!("Made the store at {home}.")
    } else {
        format!("The store at {home} is there, and it opens.")
    });
    match state.key_source {
        Some(KeySource::Keychain) => {
            let id = state.id.as_deref().unwrap_or_default();
            say(format_args!("Its key is in the system's keychain, as the item tokenkeep/{id}."));
        }
        Some(KeySource::Passphrase) => {
            say("Its key is your passphrase: it is asked for each time, or taken from TOKENKEEP_PASSPHRASE.");
            say("Nothing opens the store without it.");
        }
        Some(KeySource::File) => {
            say(format_args!("Its key is in a file: {}", state.home.join("vault.key").display()));
            say_bold(
                "WARNING: whoever can read that file can read your tokens; a copy of the folder is enough.",
            );
        }
        _ => {}
    }
    if !invocation.json {
        return Ok(());
    }
    json(&InitView { home: &state.home, key_source: state.key_source.map(KeySource::as_str), made })
}
