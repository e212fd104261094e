//! A client for the tests of the server: it sends exactly what it is told, and remembers nothing.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]
#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]

pub mod certificate;
pub mod proof;

use authorization_server::{
    Answer, AuthorizationServer, Dialect, HttpClient, LiveOptions, Running, ServerOptions,
};
use serde_json::Value;
use url::Url;

/// The example of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A client id that Entra takes.
pub const GUID: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// A redirect URI; nobody listens there, because nothing is followed.
pub const REDIRECT: &str = "http://localhost:8400/callback";

pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A running server and a client for it.
pub struct Tester {
    pub server: Running,
    pub http: HttpClient,
    dialect: Dialect,
}

impl Tester {
    pub fn new(options: ServerOptions) -> Self {
        let dialect = options.dialect;
        let server = AuthorizationServer::start(options).unwrap();
        let http = HttpClient::new(server.ca_certificate()).unwrap();
        Self { server, http, dialect }
    }

    pub fn plain() -> Self {
        Self::new(ServerOptions::plain())
    }

    pub fn entra() -> Self {
        Self::new(ServerOptions::entra())
    }

    /// Changes the options of the running server.
    pub fn change(&self, change: impl FnOnce(&mut LiveOptions)) {
        let mut options = self.server.options();
        change(&mut options);
        self.server.set_options(options);
    }

    /// The same in the words of `POST /_control/options`.
    pub fn set(&self, changes: Value) {
        self.server.set_options(self.server.options().changed(changes).unwrap());
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(self.server.origin()).unwrap().join(path).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.http.get(&self.url(path)).await.unwrap()
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.http.post_form(&self.url(path), form).await.unwrap()
    }

    fn endpoint(&self, plain: &str, entra: &str) -> String {
        match self.dialect {
            Dialect::Plain => format!("/{plain}"),
            Dialect::Entra => format!("/common/oauth2/v2.0/{entra}"),
        }
    }

    /// The client of the dialect.
    pub fn client_id(&self) -> &'static str {
        if self.dialect == Dialect::Plain { "public" } else { GUID }
    }

    /// The parameters of a good authorization request.
    pub fn authorization_request(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("client_id", self.client_id()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid offline_access User.Read"),
            ("state", "a+b c"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }

    /// Sends an authorization request; `changes` replace parameters, an empty value takes one out.
    pub async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        let mut url = self.url(&self.endpoint("authorize", "authorize"));
        url.query_pairs_mut().extend_pairs(changed(&self.authorization_request(), changes));
        self.http.get(&url).await.unwrap()
    }

    /// The parameters that a redirect carries.
    pub fn redirected(answer: &Answer) -> Vec<(String, String)> {
        let location = answer.header("location").unwrap();
        Url::parse(location).unwrap().query_pairs().into_owned().collect()
    }

    pub async fn code(&self) -> String {
        let answer = self.authorize(&[]).await;
        Self::redirected(&answer).into_iter().find(|(name, _)| name == "code").unwrap().1
    }

    pub async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let path = self.endpoint("token", "token");
        self.post(&path, form).await
    }

    /// A whole login; `changes` are those of the authorization request.
    pub async fn login_with(&self, changes: &[(&str, &str)]) -> Value {
        let answer = self.authorize(changes).await;
        let code = Self::redirected(&answer).into_iter().find(|(name, _)| name == "code").unwrap().1;
        let answer = self.redeem(&code, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Redeems a code; `changes` as for [`Tester::authorize`].
    pub async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let request = [
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id()),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(&changed(&request, changes)).await
    }

    /// A whole login; gives the token response.
    pub async fn login(&self) -> Value {
        self.login_with(&[]).await
    }

    pub async fn refresh(&self, refresh_token: &Value, changes: &[(&str, &str)]) -> Answer {
        let request = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id()),
            ("refresh_token", refresh_token.as_str().unwrap()),
            ("scope", if self.dialect == Dialect::Entra { "User.Read offline_access" } else { "" }),
        ];
        self.token(&changed(&request, changes)).await
    }

    /// Starts a device authorization.
    pub async fn device(&self) -> Value {
        let path = self.endpoint("device_authorization", "devicecode");
        self.post(&path, &[("client_id", self.client_id()), ("scope", "openid offline_access")]).await.json()
    }

    pub async fn poll(&self, device: &Value) -> Answer {
        let code = device["device_code"].as_str().unwrap();
        self.token(&[("grant_type", DEVICE_CODE), ("client_id", self.client_id()), ("device_code", code)])
            .await
    }

    /// The status of `/resource` with this access token.
    pub async fn resource(&self, access_token: &Value) -> u16 {
        self.get_with(access_token, "/resource").await.status
    }

    /// GET with this access token.
    pub async fn get_with(&self, access_token: &Value, path_or_url: &str) -> Answer {
        let value = format!("Bearer {}", access_token.as_str().unwrap());
        let headers = [("authorization", value.as_str())];
        self.http.send(hyper::Method::GET, &self.url(path_or_url), &headers, Vec::new()).await.unwrap()
    }
}

/// The `error` of an Entra refusal, and its number, which the text begins with.
pub fn number(answer: &Answer) -> (String, u64) {
    let body = answer.json();
    let number = body["error_codes"][0].as_u64().unwrap_or_default();
    let text = body["error_description"].as_str().unwrap_or_default();
    assert!(text.starts_with(&format!("AADSTS{number}: ")) && text.contains(" Trace ID: "), "{body}");
    (body["error"].as_str().unwrap_or_default().to_owned(), number)
}

/// All challenges of an answer.
pub fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

/// An answer's status and `error`.
pub fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn changed<'a>(request: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = request.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes).filter(|(_, value)| !value.is_empty()).copied().collect()
}
