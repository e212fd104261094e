//! What a login asks beside scopes: how the login page behaves, whom it offers, and the claims of the token.
//! Judged before anybody is asked.

use std::collections::BTreeMap;

use super::login::LoginOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, FlowRequest};
use crate::protocol::claims;
use crate::provider::ProviderDefinition;
use crate::scope::ScopeSet;
use crate::store::{Account, ConnectionRecord};

/// OIDC Core 3.1.2.1, with Microsoft's meaning of `select_account`, which is the same.
const PROMPTS: [&str; 4] = ["login", "consent", "select_account", "none"];
/// The longest address of a person (RFC 5321 4.5.3.1): 64 characters, an at sign, 255 characters.
const MAX_HINT: usize = 320;

/// What the requests of a login say beside scopes, and what is remembered of that.
#[derive(Clone)]
pub(super) struct LoginRequest {
    /// The parameters of the authorization request.
    pub(super) parameters: BTreeMap<String, String>,
    /// The claims challenge that the token is asked for with, in the one form that can be compared.
    pub(super) claims: Option<String>,
    /// What the client says that it can do.
    pub(super) capabilities: Vec<String>,
    /// Whose grant is widened: anybody else's is not kept.
    pub(super) account: Option<Account>,
}

impl LoginRequest {
    /// Reads the options; what they leave open comes from the definition and from `earlier`.
    ///
    /// # Errors
    /// `config_invalid` for an option that is not of its form, or that the provider does not have.
    pub(super) fn resolve(
        definition: &ProviderDefinition,
        options: &LoginOptions,
        earlier: Option<&ConnectionRecord>,
        scopes: &ScopeSet,
    ) -> Result<Self> {
        check(definition, options)?;
        let named_claims = options.claims.as_deref().map(claims::settled).transpose()?;
        let claims = named_claims.or_else(|| earlier.and_then(claims_of_refusal));
        let named_capabilities = options.client_capabilities.clone();
        let remembered = || earlier.map(|earlier| earlier.client.capabilities.clone());
        let account = (options.claims.is_some() || options.add_scopes.is_some())
            .then(|| earlier.map(|earlier| earlier.account.clone()))
            .flatten();

        let mut parameters = definition.authorization.parameters.clone();
        if scopes.contains("offline_access") {
            parameters.extend(definition.authorization.offline_access_parameters.clone());
        }
        let mut name = |parameter: &str, value: Option<&str>| {
            if let Some(value) = value {
                parameters.insert(parameter.to_owned(), value.to_owned());
            }
        };
        name("prompt", options.prompt.as_deref());
        name("login_hint", options.login_hint.as_deref());
        name("domain_hint", options.domain_hint.as_deref());
        // Who widens a grant, or meets a challenge to it, is the one who has it: nobody is to choose an account.
        if options.add_scopes.is_some() || claims.is_some() {
            let username = earlier.and_then(|earlier| earlier.account.username.as_deref());
            if options.login_hint.is_none() {
                name("login_hint", username.filter(|username| is_hint(username)));
            }
            if options.prompt.is_none() && username.is_some() {
                parameters.retain(|name, value| !(name == "prompt" && value == "select_account"));
            }
        }
        let capabilities = named_capabilities.or_else(remembered).unwrap_or_default();
        Ok(LoginRequest { parameters, claims, capabilities, account })
    }

    /// The `claims` parameter of every request of this login.
    pub(super) fn claims_parameter(&self) -> Result<Option<String>> {
        claims::merged(self.claims.as_deref(), &self.capabilities)
    }
}

/// A flow without a login page of its own takes nothing that is meant for one, and asks for one token: where scopes
/// name their resource, only an authorization request may name those of several.
///
/// # Errors
/// `config_invalid`, before anybody is asked.
pub(super) fn check_flow(flow: Flow, options: &LoginOptions, request: &FlowRequest) -> Result<()> {
    if flow == Flow::AuthorizationCode {
        return Ok(());
    }
    let named = [
        ("prompt", &options.prompt),
        ("login hint", &options.login_hint),
        ("domain hint", &options.domain_hint),
    ];
    if let Some((name, _)) = named.into_iter().find(|(_, option)| option.is_some()) {
        let message = format!("a {} login cannot send a {name}: it opens no login page", flow.as_str());
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help(format!("leave the {name} out, or log in with --flow pkce")));
    }
    if flow == Flow::ClientCredentials && options.add_scopes.is_some() {
        let message =
            "an application is given what an administrator consented to, and nothing can be added to it";
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("leave out --add-scopes; the permissions are the registration's"));
    }
    let resources = request.definition.scope_equivalence().resources(&request.scopes);
    if resources.len() > 1 {
        let named = resources.into_iter().collect::<Vec<_>>().join(" and ");
        let message =
            format!("a {} login is for one resource, and these scopes are for {named}", flow.as_str());
        return Err(Error::new(ErrorKind::ConfigInvalid, message)
            .with_help("log in with --flow pkce, which can ask for all of them, or name the scopes of one"));
    }
    Ok(())
}

fn check(definition: &ProviderDefinition, options: &LoginOptions) -> Result<()> {
    let invalid = |message: String, help: &str| {
        Err(Error::new(ErrorKind::ConfigInvalid, message).with_help(help.to_owned()))
    };
    if let Some(prompt) = &options.prompt
        && !PROMPTS.contains(&prompt.as_str())
    {
        return invalid(
            format!("{prompt:?} is not a prompt"),
            "it is one of login, consent, select_account, none",
        );
    }
    for (name, hint) in [("login hint", &options.login_hint), ("domain hint", &options.domain_hint)] {
        if hint.as_deref().is_some_and(|hint| !is_hint(hint)) {
            let help =
                "it is a line of at most 320 characters: person@contoso.com, or contoso.com for a domain";
            return invalid(format!("that is no {name}"), help);
        }
    }
    if options.domain_hint.is_some() && definition.authority.is_none() {
        let message = format!("{} has no organizations to hint at", definition.display_name);
        return invalid(message, "leave out --domain-hint");
    }
    let is_word = |word: &&String| {
        (1..=64).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let odd = options.client_capabilities.iter().flatten().find(|word| !is_word(word));
    if let Some(odd) = odd {
        return invalid(
            format!("{odd:?} is not a capability"),
            "it is a word such as cp1, which is the only one so far",
        );
    }
    if options.add_scopes.is_some() && options.scopes.is_some() {
        let message =
            "scopes replace what was asked for, and scopes to add go beside it: only one can be meant";
        return invalid(message.to_owned(), "name either --scopes or --add-scopes");
    }
    Ok(())
}

fn is_hint(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_HINT && !text.chars().any(char::is_control)
}

/// What the server demanded when it last refused a refresh of this connection, else what that had asked for. What
/// is no JSON object is no demand that a request could carry.
fn claims_of_refusal(earlier: &ConnectionRecord) -> Option<String> {
    earlier.refusals().find_map(|refusal| {
        let demanded = refusal.error.claims.as_deref().and_then(|demanded| claims::settled(demanded).ok());
        demanded.or_else(|| refusal.claims.clone())
    })
}
