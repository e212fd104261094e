//! A client of the Model Context Protocol, written as an agent would be, on the library's public interface alone. The
//! protocol's published suite drives it (`tests/mcp_conformance.rs`): lists the server's tools, calls one, and logs in
//! where the server wants it.
//!
//! ```text
//! mcp-client URL
//! ```
//! From the suite's environment come the protocol's version, and in `MCP_CONFORMANCE_CONTEXT` the client that was
//! registered beforehand. The last line of stdout is `done`, or what it ended with: an error's code, why the answer to a
//! login was refused, or the status of the server's last answer.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test program")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokenkeep::{
    AccessToken, Broker, BrokerOptions, Challenge, ConnectionName, DpopProofOptions, Environment, Flow,
    Interaction, KeySource, LoginOptions, ProviderName, Remedy, Secret, TokenOptions, Url,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedSender};

/// A server that is never content must not keep the person at its login page.
const MOST_LOGINS: usize = 3;
/// The suite's person needs no time to think.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(20);
/// Nobody fetches it: the suite's server knows it by its address.
const CLIENT_METADATA: &str = "https://conformance-test.local/client-metadata.json";

type Http = Client<HttpConnector, Full<Bytes>>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let ended =
        tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(run()));
    let Err(error) = ended else {
        println!("done");
        return ExitCode::SUCCESS;
    };
    match error.downcast_ref::<tokenkeep::Error>() {
        Some(known) => println!("{known}\n{}", known.code()),
        None => println!("{error}"),
    }
    ExitCode::FAILURE
}

async fn run() -> Outcome<()> {
    let server = std::env::args().nth(1).ok_or("usage: mcp-client URL")?;
    let home = tempfile::tempdir()?;
    let broker = Broker::open(BrokerOptions {
        home: Some(home.path().to_owned()),
        key_source: Some(KeySource::File),
        insecure_loopback: true,
        environment: Environment::of::<&str, &str>([]),
        ..BrokerOptions::default()
    })?;
    let context = match std::env::var("MCP_CONFORMANCE_CONTEXT") {
        Ok(context) => serde_json::from_str(&context)?,
        Err(_) => Value::Null,
    };
    let version = std::env::var("MCP_CONFORMANCE_PROTOCOL_VERSION")?;
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let provider = "mcp".parse()?;
    let connection = ConnectionName::of_resource(&server)?;
    let agent = Agent { broker, provider, connection, server, version, context, http };
    agent.call("tools/list", json!({})).await?;
    agent.call("tools/call", json!({"name": "test-tool", "arguments": {}})).await?;
    agent.broker.close().await;
    Ok(())
}

struct Agent {
    broker: Broker,
    provider: ProviderName,
    connection: ConnectionName,
    server: String,
    version: String,
    context: Value,
    http: Http,
}

impl Agent {
    /// One request of JSON-RPC, with as many logins as the server wants and a person would bear.
    async fn call(&self, method: &str, mut params: Value) -> Outcome<()> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": self.version,
            "io.modelcontextprotocol/clientInfo": {"name": "tokenkeep", "version": env!("CARGO_PKG_VERSION")},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut logins = 0;
        loop {
            let (status, headers) = self.send(&body).await?;
            let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
            let challenges: Vec<&str> = challenges.filter_map(|value| value.to_str().ok()).collect();
            let wants_login = match status {
                StatusCode::UNAUTHORIZED => true,
                StatusCode::FORBIDDEN => wants_more(&challenges),
                _ => false,
            };
            if !wants_login || logins == MOST_LOGINS {
                return if status.is_success() { Ok(()) } else { Err(status.as_str().into()) };
            }
            logins += 1;
            self.log_in(challenges).await?;
        }
    }

    /// Sends it with the token at hand, if any; again when the server wants another nonce in the proof (RFC 9449 9).
    async fn send(&self, body: &str) -> Outcome<(StatusCode, HeaderMap)> {
        let token = self.token().await?;
        let (status, headers) = self.post(body, token.as_ref(), None).await?;
        let nonce = headers.get("DPoP-Nonce").and_then(|nonce| nonce.to_str().ok()).map(str::to_owned);
        match (status, &token, nonce) {
            (StatusCode::UNAUTHORIZED, Some(token), Some(nonce)) if token.token_type == "DPoP" => {
                self.post(body, Some(token), Some(nonce)).await
            }
            _ => Ok((status, headers)),
        }
    }

    async fn post(
        &self,
        body: &str,
        token: Option<&AccessToken>,
        nonce: Option<String>,
    ) -> Outcome<(StatusCode, HeaderMap)> {
        let mut request = Request::post(&self.server)
            .header(CONTENT_TYPE, "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", &self.version);
        if let Some(token) = token {
            request = request.header(token.header_name(), token.authorization_header().expose());
        }
        if let Some(token) = token.filter(|token| token.token_type == "DPoP") {
            request = request.header("DPoP", self.proof(token, nonce)?.expose());
        }
        let answer = self.http.request(request.body(body.to_owned().into())?).await?;
        let (head, body) = answer.into_parts();
        body.collect().await?;
        Ok((head.status, head.headers))
    }

    /// The token at hand. None before the first login.
    async fn token(&self) -> Outcome<Option<AccessToken>> {
        let options = TokenOptions {
            connection: self.connection.clone(),
            resource: Some(self.server.clone()),
            ..TokenOptions::default()
        };
        match self.broker.token(&self.provider, &options).await {
            Ok(token) => Ok(Some(token)),
            Err(error) if error.code() == "not_connected" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn proof(&self, token: &AccessToken, nonce: Option<String>) -> Result<Secret, tokenkeep::Error> {
        let options = DpopProofOptions {
            connection: self.connection.clone(),
            method: Method::POST.to_string(),
            url: self.server.clone(),
            access_token: Some(token.secret.clone()),
            nonce,
        };
        self.broker.dpop_proof(&self.provider, &options)
    }

    async fn log_in(&self, challenges: Vec<&str>) -> Outcome<()> {
        let given = |name: &str| self.context[name].as_str().map(str::to_owned);
        let for_application = given("name").is_some_and(|name| name.starts_with("auth/client-credentials-"));
        let options = LoginOptions {
            connection: self.connection.clone(),
            resource: Some(self.server.clone()),
            www_authenticate: challenges.into_iter().map(str::to_owned).collect(),
            client_metadata_url: Some(CLIENT_METADATA.to_owned()),
            client_id: given("client_id"),
            client_secret: given("client_secret").map(Secret::new),
            certificate: given("private_key_pem").map(Secret::new),
            flow: for_application.then_some(Flow::ClientCredentials),
            browser_named: true,
            timeout: Some(LOGIN_TIMEOUT),
            ..LoginOptions::default()
        };
        let (refused, mut refusals) = mpsc::unbounded_channel();
        let browser = Arc::new(Browser { http: self.http.clone(), runtime: Handle::current(), refused });
        tokio::select! {
            made = self.broker.login(&self.provider, &options, browser) => made.map(drop).map_err(Into::into),
            // A person could try again, so the login goes on. This one never does.
            Some(reason) = refusals.recv() => Err(reason.into()),
        }
    }
}

/// RFC 6750 3.1: a wider login may help.
fn wants_more(challenges: &[&str]) -> bool {
    let remedies = Challenge::parse_all(challenges).into_iter().filter_map(|challenge| challenge.remedy());
    remedies.into_iter().any(|remedy| matches!(remedy, Remedy::WiderLogin { .. }))
}

/// A browser that follows redirects; the suite's person says yes to everything.
struct Browser {
    http: Http,
    runtime: Handle,
    refused: UnboundedSender<String>,
}

impl Interaction for Browser {
    fn open_url(&self, authorization_url: &Url) -> Result<(), tokenkeep::Error> {
        let (http, url) = (self.http.clone(), authorization_url.clone());
        // The last page comes when the login has ended: it is not waited for here.
        self.runtime.spawn(async move {
            if let Err(error) = follow(&http, url).await {
                eprintln!("the browser: {error}");
            }
        });
        Ok(())
    }

    fn response_refused(&self, reason: &str) {
        // Nobody listens any more to the second of two.
        let _ = self.refused.send(reason.to_owned());
    }
}

async fn follow(http: &Http, mut url: Url) -> Outcome<()> {
    loop {
        let answer = http.get(url.as_str().parse()?).await?;
        let Some(next) = answer.headers().get(LOCATION) else { return Ok(()) };
        url = url.join(next.to_str()?)?;
    }
}
