//! A provider that sends nobody to this machine: the person pastes the address that they ended up at, and nothing is
//! listened on.

use std::sync::{Arc, Mutex};

use tokenkeep::{Broker, BrokerOptions, Environment, Error, Flow, Interaction, KeySource, LoginOptions, Url};

use crate::stand_in::StandIn;
use crate::vector::Exchange;

/// Follows the address by hand, and pastes first what is no answer.
struct Person {
    server: Arc<StandIn>,
    seen: Mutex<Option<Url>>,
    pasted: Mutex<u32>,
    told: Mutex<Vec<String>>,
}

impl Interaction for Person {
    fn flow_chosen(&self, _: Flow, reason: &str) {
        self.told.lock().unwrap().push(reason.to_owned());
    }

    fn open_url(&self, authorization_url: &Url) -> Result<(), Error> {
        let challenge = authorization_url.query_pairs().find(|(name, _)| name == "code_challenge");
        self.server.expect_verifier_of(&challenge.unwrap().1);
        *self.seen.lock().unwrap() = Some(authorization_url.clone());
        Ok(())
    }

    fn read_redirect_url(&self) -> Result<String, Error> {
        let mut pasted = self.pasted.lock().unwrap();
        *pasted += 1;
        let url = self.seen.lock().unwrap().clone().unwrap();
        let parameter = |name: &str| url.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned();
        let state = if *pasted == 1 { "another".to_owned() } else { parameter("state") };
        Ok(format!("{}?code=code-1&state={state}\n", parameter("redirect_uri")))
    }

    fn response_refused(&self, reason: &str) {
        self.told.lock().unwrap().push(reason.to_owned());
    }
}

#[tokio::test]
async fn a_redirect_that_nobody_listens_on_is_pasted() {
    let own = "https://app.example/callback";
    for (of_file, of_option) in [(Some(own), None), (None, Some(own)), (None, None)] {
        let server = Arc::new(StandIn::listen().await);
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("provider.toml");
        let uri = of_file.map(|uri| format!("uri = \"{uri}\"\n")).unwrap_or_default();
        let definition = format!(
            "schema = 1\nname = \"acme\"\ndisplay_name = \"Acme\"\naccess_token_variable = \"ACME_TOKEN\"\n[endpoints]\n\
             authorization = \"https://as.example/authorize\"\ntoken = \"https://as.example/token\"\n\
             [redirect]\nloopback = false\n{uri}"
        );
        std::fs::write(&file, server.bend(&definition)).unwrap();
        let broker = Broker::open(BrokerOptions {
            home: Some(home.path().join("store")),
            key_source: Some(KeySource::File),
            insecure_loopback: true,
            environment: Environment::of::<&str, &str>([]),
            ..BrokerOptions::default()
        })
        .unwrap();
        let provider = broker.add_provider(&file).unwrap().name;
        let exchange: Exchange = serde_json::from_value(serde_json::json!({
            "request": {"url": "https://as.example/token", "form": {
                "grant_type": "authorization_code", "code": "code-1", "redirect_uri": own, "client_id": "c1",
                "code_verifier": "{code_verifier}"}},
            "answer": {"body": {"access_token": "at-1"}}
        }))
        .unwrap();
        let person = Arc::new(Person {
            server: Arc::clone(&server),
            seen: Mutex::default(),
            pasted: Mutex::default(),
            told: Mutex::default(),
        });
        let options = LoginOptions {
            client_id: Some("c1".to_owned()),
            redirect_uri: of_option.map(str::to_owned),
            ..LoginOptions::default()
        };
        if of_file.or(of_option).is_none() {
            let error = broker.login(&provider, &options, person).await.unwrap_err();
            assert_eq!(error.code(), "config_invalid");
            assert!(error.help().contains("--redirect-uri"), "{error}");
            continue;
        }
        server.expect(vec![exchange]);
        broker.login(&provider, &options, person.clone()).await.unwrap();
        server.check("pasted");
        let told = person.told.lock().unwrap();
        assert!(told[0].contains("will be pasted"), "{told:?}");
        assert!(told[1].contains("another login"), "{told:?}");
        assert_eq!(*person.pasted.lock().unwrap(), 2);
    }
}
