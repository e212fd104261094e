//! A login, a refresh and a logout, compared with a vector.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokenkeep::{
    Broker, BrokerOptions, Connection, ConnectionKey, DeviceAuthorization, Environment, Error, Flow,
    Interaction, KeySource, LoginOptions, ProviderName, Secret, TokenOptions, Url,
};

use crate::root;
use crate::stand_in::StandIn;
use crate::vector::{Authorization, Device, Grant, Login, Vector};

/// Plays the vector at `path`; panics where it differs.
pub async fn play(path: PathBuf) {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let vector: Vector = serde_json::from_str(&fs::read_to_string(&path).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let definition = fs::read_to_string(root().join(&vector.file))
        .unwrap_or_else(|error| panic!("{name}: {}: {error}", vector.file));
    perform(&name, &definition, vector).await;
}

/// Plays a vector with the text of its provider's file.
pub async fn perform(name: &str, definition: &str, vector: Vector) {
    let server = StandIn::listen().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("provider.toml");
    fs::write(&file, server.bend(definition)).unwrap();
    let broker = Broker::open(BrokerOptions {
        home: Some(home.path().join("store")),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    })
    .unwrap();
    let provider = broker.add_provider(&file).unwrap_or_else(|error| panic!("{name}: {error}")).name;
    let stage = Stage { name: format!("{name} ({})", vector.dialect), server, broker, provider };

    let options = LoginOptions {
        client_id: Some(vector.options.client_id),
        client_secret: vector.options.client_secret.map(Secret::new),
        scopes: vector.options.scopes.map(|scopes| scopes.parse().unwrap()),
        values: vector.options.values,
        redirect_uri: Some(
            vector.options.redirect_uri.unwrap_or_else(|| "http://127.0.0.1/callback".to_owned()),
        ),
        ..LoginOptions::default()
    };
    stage.log_in(options, vector.login).await;
    // What a record says is enough from here on.
    assert!(stage.broker.remove_provider(&stage.provider).unwrap());
    if let Some(refresh) = vector.refresh {
        stage.server.expect(refresh.exchanges);
        let outcome = stage.token(true).await;
        stage.server.check(&stage.name);
        stage.compare(outcome, refresh.grant, refresh.error).await;
    }
    if let Some(logout) = vector.logout {
        stage.server.expect(logout.exchanges);
        let outcome = stage.broker.logout(&stage.key()).await.unwrap();
        stage.server.check(&stage.name);
        assert_eq!(outcome.revocation.as_str(), logout.revocation, "{}: {outcome:?}", stage.name);
    }
    stage.broker.close().await;
}

struct Stage {
    name: String,
    server: StandIn,
    broker: Broker,
    provider: ProviderName,
}

impl Stage {
    fn key(&self) -> ConnectionKey {
        ConnectionKey::new(self.provider.clone(), Default::default())
    }

    async fn log_in(&self, options: LoginOptions, login: Login) {
        self.server.expect(login.exchanges);
        let outcome = match (login.authorization, login.device) {
            (Some(authorization), None) => self.by_browser(&options, authorization).await,
            (None, Some(device)) => self.by_device(options, device).await,
            _ => panic!("{}: either a browser or a device", self.name),
        };
        self.server.check(&self.name);
        self.compare(outcome.map(drop), login.grant, login.error).await;
    }

    async fn by_browser(&self, options: &LoginOptions, expected: Authorization) -> Result<Connection, Error> {
        let name = &self.name;
        let pending = self.broker.begin_login(&self.provider, options).await?;
        let url = pending.authorization_url();
        let base = url.as_str().split('?').next().unwrap();
        assert_eq!(self.server.real(base), expected.url, "{name}");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut sent: BTreeMap<String, String> = pairs.iter().cloned().collect();
        assert_eq!(sent.len(), pairs.len(), "{name}: a parameter twice: {pairs:?}");
        let state = sent.get("state").unwrap().clone();
        for (parameter, wanted) in &expected.parameters {
            let made = match (parameter.as_str(), wanted.as_str()) {
                ("state", "{state}") | ("nonce", "{nonce}") => |value: &str| value.len() == 43,
                ("code_challenge", "{S256}") => |value: &str| value.len() == 43,
                ("code_challenge", "{S256-hex}") => |value: &str| value.len() == 64,
                _ => continue,
            };
            if let Some(value) = sent.get_mut(parameter).filter(|value| made(value)) {
                if parameter == "code_challenge" {
                    self.server.expect_verifier_of(value);
                }
                wanted.clone_into(value);
            }
        }
        assert_eq!(sent, expected.parameters, "{name}: the authorization request");
        let mut callback = Url::parse(options.redirect_uri.as_deref().unwrap()).unwrap();
        for (parameter, value) in &expected.callback {
            let value = if value == "{state}" { &state } else { value };
            callback.query_pairs_mut().append_pair(parameter, value);
        }
        self.broker.finish_login(&pending, callback.as_str()).await
    }

    async fn by_device(&self, options: LoginOptions, expected: Device) -> Result<Connection, Error> {
        let person = Arc::new(Person::default());
        let options = LoginOptions { flow: Some(Flow::DeviceCode), redirect_uri: None, ..options };
        let outcome = self.broker.login(&self.provider, &options, person.clone()).await;
        assert_eq!(*person.0.lock().unwrap(), Some(expected), "{}: {outcome:?}", self.name);
        outcome
    }

    async fn token(&self, force_refresh: bool) -> Result<(), Error> {
        let options = TokenOptions { force_refresh, ..TokenOptions::default() };
        self.broker.token(&self.provider, &options).await.map(drop)
    }

    /// What came of it, as `list` and a program's request show it.
    async fn compare(&self, outcome: Result<(), Error>, grant: Option<Grant>, error: Option<String>) {
        let name = &self.name;
        match (outcome, grant, error) {
            (Ok(()), Some(grant), None) => assert_eq!(self.grant().await, grant, "{name}"),
            (Err(error), None, Some(code)) => assert_eq!(error.code(), code, "{name}: {error}"),
            (outcome, ..) => panic!("{name}: {outcome:?}"),
        }
    }

    async fn grant(&self) -> Grant {
        let token = self.broker.token(&self.provider, &TokenOptions::default()).await.unwrap();
        let connection = self.broker.connection(&self.key()).unwrap();
        let obtained = connection.refreshed_at.unwrap_or(connection.logged_in_at);
        Grant {
            header: format!("{}: {}", token.header_name(), token.authorization_header().expose()),
            lifetime: token.expires_at.map(|end| end.as_unix() - obtained.as_unix()),
            scopes: connection.granted_scopes.iter().map(str::to_owned).collect(),
            refreshable: connection.has_refresh_token,
            values: connection.values,
            api_hosts: connection.api_hosts,
        }
    }
}

/// Reads the code and enters it.
#[derive(Default)]
struct Person(Mutex<Option<Device>>);

impl Interaction for Person {
    fn show_device_authorization(&self, device: &DeviceAuthorization) -> Result<(), Error> {
        *self.0.lock().unwrap() = Some(Device {
            user_code: device.user_code.clone(),
            verification_uri: device.verification_uri.clone(),
        });
        Ok(())
    }
}
