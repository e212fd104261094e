//! What the command line cannot show: a program's own interaction, and callers that give up.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::json;
use tokenkeep::{
    DeviceAuthorization, Error, Flow, Interaction, LoginOptions, ProviderName, TokenOptions, Url,
};
use tokenkeep_behaviour::{Stage, block_on, is_closed, person, until};
use tokio::time::timeout;

fn acme() -> ProviderName {
    "acme".parse().unwrap()
}

/// A program that notes what it is told, and does with the URL what the test says.
struct Program<F> {
    told: Mutex<Vec<String>>,
    with_url: F,
}

impl<F: Fn(&Url) -> tokenkeep::Result<()> + Send + Sync> Program<F> {
    fn new(with_url: F) -> Arc<Self> {
        Arc::new(Program { told: Mutex::default(), with_url })
    }

    fn note(&self, told: String) {
        self.told.lock().unwrap().push(told);
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl<F: Fn(&Url) -> tokenkeep::Result<()> + Send + Sync> Interaction for Program<F> {
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        assert!(!reason.is_empty());
        self.note(format!("flow {}", flow.as_str()));
    }

    fn open_url(&self, authorization_url: &Url) -> tokenkeep::Result<()> {
        self.note("open".to_owned());
        (self.with_url)(authorization_url)
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> tokenkeep::Result<()> {
        self.note(format!("device {} of 9, {} s", device.user_code.len(), device.expires_in));
        (self.with_url)(&device.verification_uri_complete.as_ref().unwrap().parse().unwrap())
    }

    fn response_refused(&self, reason: &str) {
        assert!(!reason.is_empty());
        self.note("refused".to_owned());
    }
}

#[test]
fn cancelled_caller_keeps_the_rotated_token() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 1000, "when": "after"}));
    block_on(async {
        let broker = stage.broker();
        let (name, options) = (acme(), TokenOptions::default());
        let given_up = timeout(Duration::from_millis(400), broker.token(&name, &options)).await;
        assert!(given_up.is_err(), "the answer came too soon to give up");
        broker.close().await;
        let token = broker.cached_token(&name, &options).unwrap().expect("the store has the new token");
        assert_eq!(token.secret.expose(), stage.access_token(&[]));
    });
    assert_eq!(stage.refreshes().len(), 1);
    // The refresh token that came with it was not lost either.
    assert_eq!(stage.resource(&stage.access_token(&["--force-refresh"])), 200);
    assert_eq!(stage.server.journal().reuse_count(), 0);
}

#[test]
fn what_other_processes_do_is_noticed_at_once() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let (broker, name, options) = (stage.broker(), acme(), TokenOptions::default());
    let asked = || broker.cached_token(&name, &options).map(|token| token.expect("it is fresh").secret);
    // Each change follows right upon a call that found the record in memory.
    for _ in 0..3 {
        let before = asked().unwrap();
        let refreshed = stage.access_token(&["--force-refresh"]);
        let found = asked().unwrap();
        assert!(found != before && found.expose() == refreshed, "a refresh");

        stage.login(&[]).ok();
        let found = asked().unwrap();
        assert!(found.expose() != refreshed && found.expose() == stage.access_token(&[]), "a login");

        stage.home.run(["logout", "acme"]).ok();
        assert_eq!(asked().unwrap_err().code(), "not_connected", "a logout");
        stage.login(&[]).ok();
        assert_eq!(asked().unwrap().expose(), stage.access_token(&[]));
        asked().unwrap();
    }

    // A token that was handed out without a word on scopes is not handed out for more than it grants.
    let more = TokenOptions { scopes: Some("read admin".parse().unwrap()), ..options.clone() };
    let granted = TokenOptions { scopes: Some("read".parse().unwrap()), ..options.clone() };
    for _ in 0..3 {
        asked().unwrap();
        assert_eq!(broker.cached_token(&name, &more).unwrap_err().code(), "scope_not_granted");
        assert!(broker.cached_token(&name, &granted).unwrap().is_some());
    }

    // A whole store that is moved away takes its files along; that is seen a moment later.
    asked().unwrap();
    let away = stage.home.path().join("away");
    std::fs::rename(stage.home.store(), &away).unwrap();
    until(|| asked().is_err());
    std::fs::rename(&away, stage.home.store()).unwrap();
    asked().unwrap();
}

#[test]
fn a_thousand_callers_of_one_process_make_one_refresh() {
    let stage = Stage::acme();
    stage.login_expired(&[]);
    stage.at_refresh(1, &json!({"type": "delay", "milliseconds": 300}));
    block_on(async {
        let broker = stage.broker();
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let broker = broker.clone();
                tokio::spawn(async move { broker.token(&acme(), &TokenOptions::default()).await })
            })
            .collect();
        let mut tokens = Vec::new();
        for caller in callers {
            tokens.push(caller.await.unwrap().unwrap().secret);
        }
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        broker.close().await;
    });
    assert_eq!(stage.refreshes().len(), 1);
}

#[test]
fn cancelled_login_frees_the_port_and_keeps_nothing() {
    let stage = Stage::acme();
    stage.login(&[]).ok();
    let before = stage.records();
    let (url_in, url) = mpsc::channel();
    let program = Program::new(move |url: &Url| {
        url_in.send(url.clone()).unwrap();
        Ok(())
    });
    let port = block_on(async {
        let broker = stage.broker();
        let options = LoginOptions { flow: Some(Flow::AuthorizationCode), ..LoginOptions::default() };
        let name = acme();
        let shown = tokio::task::spawn_blocking(move || url.recv().unwrap());
        let url = tokio::select! {
            url = shown => url.unwrap(),
            outcome = broker.login(&name, &options, program) => panic!("{outcome:?}"),
        };
        let (_, redirect_uri) = url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap();
        let port = redirect_uri.parse::<Url>().unwrap().port().unwrap();
        assert!(is_closed(port));
        port
    });
    assert!(is_closed(port));
    assert_eq!(stage.records(), before);
}

#[test]
fn interaction_is_told_what_happens() {
    let stage = Stage::acme();
    let (name, login) = (acme(), LoginOptions::default());
    block_on(async {
        let broker = stage.broker();
        // A browser that brings a stranger's answer first.
        let program =
            Program::new(|url: &Url| {
                let url = url.clone();
                std::thread::spawn(move || {
                    let mut foreign = person::redirected(&url);
                    let pairs: Vec<_> = foreign.query_pairs().into_owned().collect();
                    foreign.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(|(name, value)| {
                        (name.clone(), if name == "state" { "x".into() } else { value })
                    }));
                    assert_eq!(person::get(&foreign).status, 400);
                    person::visit(&url);
                });
                Ok(())
            });
        let options = LoginOptions { flow: Some(Flow::AuthorizationCode), ..login.clone() };
        let connection = broker.login(&name, &options, Arc::clone(&program) as _).await.unwrap();
        assert_eq!((connection.status(), connection.has_refresh_token), ("connected", true));
        assert_eq!(program.told(), ["flow pkce", "open", "refused"]);
        // A program that waits until its browser is closed, which ends at the last page of the login.
        let program = Program::new(|url: &Url| {
            assert_eq!(person::visit(url).status, 200);
            Ok(())
        });
        broker.login(&name, &options, program).await.unwrap();

        stage.change(|live| (live.device_interval, live.device_approve_after) = (1, Some(0)));
        let program = Program::new(|_: &Url| Ok(()));
        let options = LoginOptions { flow: Some(Flow::DeviceCode), ..login.clone() };
        broker.login(&name, &options, Arc::clone(&program) as _).await.unwrap();
        assert_eq!(program.told(), ["flow device-code", "device 9 of 9, 900 s"]);

        // The person closes the window: the program says so, and the login ends with that.
        let program = Program::new(|_: &Url| Err(Error::cancelled("the window was closed")));
        for flow in [Flow::AuthorizationCode, Flow::DeviceCode] {
            let options = LoginOptions { flow: Some(flow), ..login.clone() };
            let error = broker.login(&name, &options, Arc::clone(&program) as _).await.unwrap_err();
            assert_eq!((error.code(), error.message()), ("login_cancelled", "the window was closed"));
        }
    });
}

#[test]
fn begin_and_finish_login() {
    let stage = Stage::oidc();
    block_on(async {
        let broker = stage.broker();
        let name: ProviderName = "oidc".parse().unwrap();
        let options = LoginOptions {
            issuer: Some(stage.server.issuer()),
            client_id: Some("public".to_owned()),
            redirect_uri: Some("http://127.0.0.1:1/callback".to_owned()),
            ..LoginOptions::default()
        };
        let without = LoginOptions { redirect_uri: None, ..options.clone() };
        assert_eq!(broker.begin_login(&name, &without).await.err().unwrap().code(), "config_invalid");

        let (pending, other) = (broker.begin_login(&name, &options).await.unwrap(), options.clone());
        let other = broker.begin_login(&name, &other).await.unwrap();
        let callback = |pending: &tokenkeep::PendingLogin| {
            let url = pending.authorization_url().clone();
            tokio::task::spawn_blocking(move || person::redirected(&url))
        };
        let (answer, foreign) = (callback(&pending).await.unwrap(), callback(&other).await.unwrap());

        // The answer to another login is refused, and this one is still pending.
        for wrong in
            [foreign.as_str(), "http://127.0.0.1:1/callback", "", "http://127.0.0.1:1/callback?code=x"]
        {
            let error = broker.finish_login(&pending, wrong).await.unwrap_err();
            assert_eq!(error.code(), "provider_rejected", "{wrong}");
        }
        assert!(stage.asked("authorization_code").is_empty());
        let connection = broker.finish_login(&pending, answer.as_str()).await.unwrap();
        assert_eq!(connection.account.username.as_deref(), Some("person@example.com"));

        // The same answer a second time: a server that sees a code twice ends the grant (RFC 6749 4.1.2).
        assert!(broker.finish_login(&pending, answer.as_str()).await.is_err());
        assert_eq!(stage.asked("authorization_code").len(), 1, "a code is sent once");
        let token = broker.token(&name, &TokenOptions::default()).await.unwrap();
        let status = tokio::task::spawn_blocking({
            let (url, token) = (format!("{}/resource", stage.server.origin()), token.secret.clone());
            move || person::get_with_token(&url.parse().unwrap(), token.expose()).status
        });
        assert_eq!(status.await.unwrap(), 200);
        // The other one can still be finished.
        broker.finish_login(&other, foreign.as_str()).await.unwrap();
    });
    assert_eq!(stage.field("status", &[]), "connected");
}
