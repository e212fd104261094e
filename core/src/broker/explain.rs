//! `explain`: what the numbers in a server's error mean, who must act, and what to type. And the
//! command that a login which failed is told to try again with.

use super::{Broker, LoginOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::login_command::LoginCommand;
use crate::names::{ConnectionKey, ProviderName};
use crate::protocol::aadsts;
use crate::scope::ScopeSet;

/// What one error code means. For people: nothing branches on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// As it is searched for: `AADSTS65001`.
    pub code: String,
    /// Microsoft's short name of it.
    pub name: String,
    /// What happened, in a sentence.
    pub meaning: String,
    /// Who must act: `user`, `developer`, `administrator`, `service` or `nobody`.
    pub who: String,
    /// What they must do, in a sentence.
    pub remedy: String,
    /// What to type, where a command is part of it. Words in capitals are to be filled in.
    pub command: Option<String>,
}

impl Broker {
    /// As [`explain`], with the other calls.
    ///
    /// # Errors
    /// Those of [`explain`].
    pub fn explain(&self, text: &str) -> Result<Vec<Explanation>> {
        explain(text)
    }
}

/// The codes in `text` that are known, in their order: one code, or a whole error as it was pasted.
///
/// # Errors
/// `config_invalid` when none is; the help says where to look.
pub fn explain(text: &str) -> Result<Vec<Explanation>> {
    let codes = aadsts::codes_in(text);
    let explanations = known(&codes);
    match codes.first() {
        _ if !explanations.is_empty() => Ok(explanations),
        Some(code) => {
            let message = format!("{} is not known here", aadsts::written(*code));
            let address = format!("https://login.microsoftonline.com/error?code={code}");
            Err(Error::new(ErrorKind::ConfigInvalid, message)
                .with_help(format!("Microsoft explains it: {address}")))
        }
        None => Err(Error::new(ErrorKind::ConfigInvalid, "there is no error code in that text")
            .with_help("give a code, such as AADSTS65001, or the whole error as it was shown")),
    }
}

fn known(codes: &[u64]) -> Vec<Explanation> {
    let explanation = |code: &u64| {
        let row = aadsts::find(*code)?;
        Some(Explanation {
            code: aadsts::written(*code),
            name: row.name.clone(),
            meaning: row.meaning.clone(),
            who: row.who.as_str().to_owned(),
            remedy: row.remedy.clone(),
            command: row.command.clone(),
        })
    };
    codes.iter().filter_map(explanation).collect()
}

/// What to type to try this login again. It has what the options name: a login that failed is not remembered.
pub(super) fn login_again(provider: &ProviderName, options: &LoginOptions) -> LoginCommand {
    let key = ConnectionKey::new(provider.clone(), options.connection.clone());
    let list = |scopes: &Option<ScopeSet>| scopes.as_ref().map(ToString::to_string);
    let named = [
        ("--flow", options.flow.map(|flow| flow.as_str().to_owned())),
        ("--tenant", options.tenant.clone()),
        ("--cloud", options.cloud.clone()),
        ("--issuer", options.issuer.clone()),
        ("--client-id", options.client_id.clone()),
        ("--credential-file", options.credential_file.as_ref().map(|file| file.display().to_string())),
        ("--credential-keychain", options.credential_keychain.clone()),
        ("--scopes", list(&options.scopes)),
        ("--add-scopes", list(&options.add_scopes)),
    ];
    let values = options.values.iter().map(|(name, value)| ("--value", Some(format!("{name}={value}"))));
    let named = named.into_iter().chain(values).filter_map(|(option, value)| Some((option, value?)));
    named.fold(LoginCommand::for_resource(&key, options.resource.as_deref()), |login, (option, value)| {
        login.with(option, &value)
    })
}
