//! What a call is given: names and options as a language has them, and as the core takes them.
//!
//! May not enter: what an option that was left out stands for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokenkeep::{
    AdminConsentOptions, BrokerOptions, ConnectionKey, ConnectionName, DpopProofOptions, LoginOptions,
    ProviderName, Result, ScopeSet, Secret, TokenOptions, seconds,
};

/// What a broker is opened with ([`BrokerOptions`]).
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the core's names")]
pub struct Opening {
    pub home: Option<String>,
    pub key_source: Option<String>,
    pub passphrase: Option<Secret>,
    pub lock_wait: Option<Seconds>,
    pub insecure_loopback: Option<bool>,
}

impl Opening {
    /// The core's options.
    ///
    /// # Errors
    /// `config_invalid` for what is no key source, and no length of time.
    pub fn options(self) -> Result<BrokerOptions> {
        Ok(BrokerOptions {
            home: self.home.map(Into::into),
            key_source: self.key_source.as_deref().map(str::parse).transpose()?,
            passphrase: self.passphrase,
            lock_wait: duration("lock_wait", self.lock_wait)?,
            insecure_loopback: self.insecure_loopback.unwrap_or_default(),
            ..BrokerOptions::default()
        })
    }
}

/// The arguments of a call; each verb has its own ([`TokenOptions`], [`LoginOptions`]).
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the core's names")]
pub struct Request {
    pub provider: String,
    pub connection: Option<String>,
    pub scopes: Option<Scopes>,
    pub min_lifetime: Option<Seconds>,
    pub force_refresh: Option<bool>,
    pub replaces: Option<Secret>,
    pub claims: Option<String>,
    pub allow_extended: Option<bool>,
    pub refused: Option<Secret>,
    pub www_authenticate: Vec<String>,
    pub flow: Option<String>,
    pub add_scopes: Option<Scopes>,
    pub prompt: Option<String>,
    pub login_hint: Option<String>,
    pub domain_hint: Option<String>,
    pub client_capabilities: Option<Vec<String>>,
    pub tenant: Option<String>,
    pub cloud: Option<String>,
    pub issuer: Option<String>,
    pub resource: Option<String>,
    pub values: BTreeMap<String, String>,
    pub client_metadata_url: Option<String>,
    pub dpop: Option<bool>,
    pub method: String,
    pub url: String,
    pub access_token: Option<Secret>,
    pub nonce: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub certificate: Option<Secret>,
    pub credential_file: Option<String>,
    pub credential_keychain: Option<String>,
    pub credential_expires: Option<String>,
    pub redirect_uri: Option<String>,
    pub paste: Option<bool>,
    pub timeout: Option<Seconds>,
    pub file: String,
    pub text: String,
    pub state: String,
    pub callback_url: String,
}

/// One text, as a person types it, or the words.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Scopes {
    /// Separated by commas or spaces.
    Text(String),
    /// One each.
    Words(Vec<String>),
}

impl Scopes {
    fn set(&self) -> Result<ScopeSet> {
        match self {
            Scopes::Text(text) => text.parse(),
            Scopes::Words(words) => words.clone().try_into(),
        }
    }
}

/// A length of time, which the core judges.
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "Number")]
pub struct Seconds(f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(f64),
    NoNumber(NoNumber),
}

/// What JSON has no number for.
#[derive(Deserialize)]
enum NoNumber {
    #[serde(rename = "inf")]
    Infinite,
    #[serde(rename = "-inf")]
    NegativeInfinite,
    NaN,
}

impl From<f64> for Seconds {
    fn from(number: f64) -> Self {
        Seconds(number)
    }
}

impl From<Number> for Seconds {
    fn from(number: Number) -> Self {
        Seconds(match number {
            Number::Number(number) => number,
            Number::NoNumber(NoNumber::Infinite) => f64::INFINITY,
            Number::NoNumber(NoNumber::NegativeInfinite) => f64::NEG_INFINITY,
            Number::NoNumber(NoNumber::NaN) => f64::NAN,
        })
    }
}

impl Request {
    /// Whose.
    ///
    /// # Errors
    /// `config_invalid` for what is no name.
    pub fn provider(&self) -> Result<ProviderName> {
        self.provider.parse()
    }

    pub(crate) fn key(&self) -> Result<ConnectionKey> {
        Ok(ConnectionKey::new(self.provider()?, self.connection()?))
    }

    fn connection(&self) -> Result<ConnectionName> {
        match (&self.connection, &self.resource) {
            (Some(name), _) => name.parse(),
            (None, Some(resource)) => ConnectionName::of_resource(resource),
            (None, None) => Ok(ConnectionName::default()),
        }
    }

    pub(crate) fn scopes(&self) -> Result<Option<ScopeSet>> {
        self.scopes.as_ref().map(Scopes::set).transpose()
    }

    pub(crate) fn admin_consent_options(&self) -> Result<AdminConsentOptions> {
        Ok(AdminConsentOptions {
            connection: self.connection()?,
            tenant: self.tenant.clone(),
            cloud: self.cloud.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes()?,
            redirect_uri: self.redirect_uri.clone(),
        })
    }

    /// Which token.
    ///
    /// # Errors
    /// `config_invalid` for what is no name, no scope and no length of time.
    pub fn token_options(&self) -> Result<TokenOptions> {
        Ok(TokenOptions {
            connection: self.connection()?,
            scopes: self.scopes()?,
            resource: self.resource.clone(),
            min_lifetime: duration("min_lifetime", self.min_lifetime)?.unwrap_or_default(),
            force_refresh: self.force_refresh.unwrap_or_default(),
            replaces: self.replaces.clone(),
            claims: self.claims.clone(),
            allow_extended: self.allow_extended.unwrap_or_default(),
        })
    }

    pub(crate) fn dpop_proof_options(&self) -> Result<DpopProofOptions> {
        Ok(DpopProofOptions {
            connection: self.connection()?,
            method: self.method.clone(),
            url: self.url.clone(),
            access_token: self.access_token.clone(),
            nonce: self.nonce.clone(),
        })
    }

    /// `browser_named`: the program has a browser of its own to open.
    pub(crate) fn login_options(&self, browser_named: bool) -> Result<LoginOptions> {
        Ok(LoginOptions {
            connection: self.connection()?,
            flow: self.flow.as_deref().map(str::parse).transpose()?,
            scopes: self.scopes()?,
            add_scopes: self.add_scopes.as_ref().map(Scopes::set).transpose()?,
            prompt: self.prompt.clone(),
            login_hint: self.login_hint.clone(),
            domain_hint: self.domain_hint.clone(),
            claims: self.claims.clone(),
            client_capabilities: self.client_capabilities.clone(),
            tenant: self.tenant.clone(),
            cloud: self.cloud.clone(),
            issuer: self.issuer.clone(),
            resource: self.resource.clone(),
            www_authenticate: self.www_authenticate.clone(),
            values: self.values.clone(),
            client_metadata_url: self.client_metadata_url.clone(),
            dpop: self.dpop,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            certificate: self.certificate.clone(),
            credential_file: self.credential_file.as_ref().map(Into::into),
            credential_keychain: self.credential_keychain.clone(),
            credential_expires: self.credential_expires.clone(),
            redirect_uri: self.redirect_uri.clone(),
            paste: self.paste.unwrap_or_default(),
            browser_named,
            timeout: duration("timeout", self.timeout)?,
        })
    }
}

fn duration(name: &str, value: Option<Seconds>) -> Result<Option<Duration>> {
    value.map(|Seconds(value)| seconds(name, value)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request(value: Value) -> Request {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn options_are_the_cores() {
        let options = request(json!({
            "provider": "acme", "connection": "work", "scopes": ["read", "write"], "min_lifetime": 1.5, "replaces": "token",
        }));
        assert_eq!(options.key().unwrap().to_string(), "acme/work");
        let options = options.token_options().unwrap();
        assert_eq!(options.scopes.unwrap().to_wire(' '), "read write");
        assert_eq!((options.min_lifetime, options.force_refresh), (Duration::from_millis(1500), false));
        assert_eq!(options.replaces, Some(Secret::new("token")));
        let login = request(json!({"provider": "acme", "scopes": "read, write", "flow": "device_code"}));
        let login = login.login_options(false).unwrap();
        assert_eq!((login.scopes.unwrap().len(), login.connection), (2, ConnectionName::default()));
    }

    #[test]
    fn what_is_not_of_its_form_is_the_cores_error() {
        for wrong in [
            json!({"provider": "Acme"}),
            json!({"provider": "acme", "connection": "a/b"}),
            json!({"provider": "acme", "scopes": ["a b"]}),
            json!({"provider": "acme", "min_lifetime": -1.0}),
            json!({"provider": "acme", "min_lifetime": 1e300}),
            json!({"provider": "acme", "min_lifetime": "NaN"}),
            json!({"provider": "acme", "min_lifetime": "inf"}),
        ] {
            let request = request(wrong.clone());
            let error = request.key().and_then(|_| request.token_options()).unwrap_err();
            assert_eq!(error.code(), "config_invalid", "{wrong}");
        }
        let opening = |value: Value| serde_json::from_value::<Opening>(value).unwrap().options();
        assert_eq!(opening(json!({"key_source": "cloud"})).unwrap_err().code(), "config_invalid");
        assert_eq!(opening(json!({"lock_wait": 2})).unwrap().lock_wait, Some(Duration::from_secs(2)));
        for wrong in [json!({"provder": "acme"}), json!({"provider": "acme", "min_lifetime": "5"})] {
            assert!(serde_json::from_value::<Request>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
