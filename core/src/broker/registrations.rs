//! Client registrations: the client id (and secret) that a user gave once for a provider, or for one issuer of a provider
//! whose servers are discovered.

use super::Broker;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ProviderName, RegistrationKey};
use crate::provider::endpoints::issuer_url;
use crate::secret::Secret;
use crate::store::RegistrationRecord;

/// A stored client registration, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The provider that it is for.
    pub provider: ProviderName,
    /// The issuer that it is for, at a provider whose servers are discovered.
    pub issuer: Option<String>,
    /// RFC 6749 2.2.
    pub client_id: String,
    /// True when the server made it because it was asked to (RFC 7591).
    pub dynamic: bool,
    /// True when a client secret is stored with it.
    pub has_client_secret: bool,
    /// When it was stored.
    pub stored_at: Timestamp,
}

impl Broker {
    /// Stores the client to log in to `provider` with. It replaces an earlier one; a client that the server made on
    /// request stays at the server, where grants may live by it. A renewed secret also counts for the refreshes of
    /// connections that were made with the same client id.
    ///
    /// # Errors
    /// `config_invalid` for a client id that is none (RFC 6749 A.1), and without an issuer where one is needed;
    /// `unknown_provider`; those of the store.
    pub fn set_registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
        client_id: &str,
        client_secret: Option<Secret>,
    ) -> Result<Registration> {
        let key = self.registration_key(provider, issuer)?;
        let plain = !client_id.is_empty() && client_id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !plain || client_id.trim() != client_id {
            // RFC 6749 A.1: `*VSCHAR`.
            return Err(Error::new(ErrorKind::ConfigInvalid, format!("{client_id:?} is not a client id")));
        }
        let store = &self.kept()?.store;
        let lock = store.lock_registration(&key, self.0.settings.lock_wait)?;
        let record = RegistrationRecord {
            provider: key.provider,
            issuer: key.issuer,
            client_id: client_id.to_owned(),
            client_secret,
            stored_at: self.0.clock.now().wall,
            dynamic: None,
        };
        store.put_registration(&lock, &record)?;
        Ok(Registration::from(&record))
    }

    /// The stored registration for `provider`; where its servers are discovered, that of `issuer`.
    ///
    /// # Errors
    /// `unknown_provider`; `config_invalid` without an issuer where one is needed; those of the store.
    pub fn registration(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
    ) -> Result<Option<Registration>> {
        let key = self.registration_key(provider, issuer)?;
        let Some(kept) = self.kept_if_any()? else { return Ok(None) };
        Ok(kept.store.registration(&key)?.as_ref().map(Registration::from))
    }

    /// What a registration for `provider` is stored under: the issuer belongs to it where each has clients of its own.
    pub(super) fn registration_key(
        &self,
        provider: &ProviderName,
        issuer: Option<&str>,
    ) -> Result<RegistrationKey> {
        let definition = self.0.catalog.find(provider)?.definition;
        let key = |issuer: Option<&str>| RegistrationKey {
            provider: provider.clone(),
            issuer: issuer.map(str::to_owned),
        };
        let invalid = |message: String| Error::new(ErrorKind::ConfigInvalid, message);
        match (definition.discovery, issuer) {
            (false, None) => Ok(key(None)),
            (false, Some(_)) => {
                let message = format!("{} has one registration for all its servers", definition.display_name);
                Err(invalid(message).with_help("leave out --issuer"))
            }
            (true, named) => {
                // One with a customer's values in it is another for each of them.
                let fixed = definition.endpoints.issuer.as_ref();
                let fixed = fixed.filter(|issuer| issuer.placeholders().next().is_none());
                let fixed = fixed.map(|issuer| issuer.as_str());
                let issuer = named.or(fixed).ok_or_else(|| {
                    invalid(format!(
                        "a client of {provider} is registered with one issuer, and none is named"
                    ))
                    .with_help("name it, to the letter: --issuer https://login.example")
                })?;
                issuer_url(&self.0.transport, issuer)?;
                Ok(key(Some(issuer)))
            }
        }
    }
}

impl From<&RegistrationRecord> for Registration {
    fn from(record: &RegistrationRecord) -> Self {
        Registration {
            provider: record.provider.clone(),
            issuer: record.issuer.clone(),
            dynamic: record.dynamic.is_some(),
            client_id: record.client_id.clone(),
            has_client_secret: record.client_secret.is_some(),
            stored_at: record.stored_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerOptions;
    use crate::environment::Environment;
    use crate::store::KeySource;

    fn broker(home: &tempfile::TempDir) -> Broker {
        let options = BrokerOptions {
            home: Some(home.path().join("store")),
            key_source: Some(KeySource::File),
            environment: Environment::of::<&str, &str>([]),
            ..BrokerOptions::default()
        };
        Broker::open(options).unwrap()
    }

    #[test]
    fn an_issuer_is_named_where_each_has_clients_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let broker = broker(&home);
        let set = |provider: &str, issuer| {
            let stored = broker.set_registration(&provider.parse().unwrap(), issuer, "mine", None);
            stored.map(|stored| stored.issuer).map_err(|error| error.code())
        };
        let issuer = "https://login.example/tenant";
        assert_eq!(set("oidc", Some(issuer)), Ok(Some(issuer.to_owned())));
        assert_eq!(set("github", None), Ok(None));
        // Of a customer: the file does not say which.
        assert_eq!(set("okta", Some("https://acme.example")), Ok(Some("https://acme.example".to_owned())));
        for (provider, issuer) in [
            ("oidc", None),
            ("mcp", None),
            ("okta", None),
            ("github", Some(issuer)),
            ("oidc", Some("login.example")),
            ("oidc", Some("http://login.example")),
            ("oidc", Some("https://login.example?x")),
        ] {
            assert_eq!(set(provider, issuer), Err("config_invalid"), "{provider} {issuer:?}");
        }
        let stored = |issuer| broker.registration(&"oidc".parse().unwrap(), Some(issuer)).unwrap();
        assert_eq!(stored(issuer).unwrap().client_id, "mine");
        assert_eq!(stored("https://login.example"), None);
    }

    #[tokio::test]
    async fn one_from_before_issuers_were_told_apart_serves_nobody_and_can_be_removed() {
        let home = tempfile::tempdir().unwrap();
        let broker = broker(&home);
        let oidc: ProviderName = "oidc".parse().unwrap();
        let old = RegistrationRecord {
            provider: oidc.clone(),
            issuer: None,
            client_id: "old".to_owned(),
            client_secret: None,
            stored_at: Timestamp::from_unix(0),
            dynamic: None,
        };
        let store = &broker.kept().unwrap().store;
        let lock = store.lock_registration(&old.key(), std::time::Duration::ZERO).unwrap();
        store.put_registration(&lock, &old).unwrap();
        drop(lock);
        assert_eq!(broker.registration(&oidc, Some("https://login.example")).unwrap(), None);
        assert_eq!(broker.remove_registration(&oidc, None).await.unwrap().unwrap().issuer, None);
        let error = broker.remove_registration(&oidc, None).await.unwrap_err();
        assert_eq!(error.code(), "config_invalid");
    }
}
