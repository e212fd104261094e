//! What the tests of the adapters share: the Azure SDK's pipeline, for whose HTTP client the scripted server is
//! Microsoft Graph.

// This is test code: what cannot be had ends the test with a clear line.
#![allow(clippy::expect_used)]

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::policies::Policy;
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Pipeline, Request, Transport, Url};
use tokenkeep::{ConnectionName, TokenkeepCredential};
use tokenkeep_behaviour::Stage;

/// Where every request goes, as far as the SDK knows. It sends no token over http.
pub const GRAPH: &str = "https://graph.microsoft.com/v1.0";

/// All that was granted at Graph.
pub const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

/// The SDK's own HTTP client. Graph is where the scripted server listens.
#[derive(Debug)]
struct GraphHere {
    client: reqwest::Client,
    origin: Url,
}

#[async_trait]
impl HttpClient for GraphHere {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        let mut here = self.origin.join(request.url().path()).expect("a path is a URL's");
        here.set_query(request.url().query());
        *request.url_mut() = here;
        self.client.execute_request(&request).await
    }
}

/// A connection of the stage as the SDK's credential.
pub fn credential(stage: &Stage, connection: Option<&str>) -> Arc<TokenkeepCredential> {
    let provider = stage.provider.parse().expect("a provider's name");
    let Some(connection) = connection else { return TokenkeepCredential::new(stage.broker(), provider) };
    let connection: ConnectionName = connection.parse().expect("a connection's name");
    TokenkeepCredential::with_connection(stage.broker(), provider, connection)
}

/// The pipeline of a client of the SDK: its retries, `policy`, and its HTTP client.
pub fn pipeline(stage: &Stage, policy: impl Policy + 'static) -> Pipeline {
    // Nothing here speaks TLS, and the client wants to know how it would.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("ring has them").with_root_certificates(rustls::RootCertStore::empty());
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls.with_no_client_auth()).no_proxy();
    let origin = Url::parse(stage.server.origin()).expect("the origin is a URL");
    let graph = GraphHere { client: client.build().expect("a client can be made"), origin };
    let transport = Some(Transport::new(Arc::new(graph)));
    let options = ClientOptions { transport, ..ClientOptions::default() };
    Pipeline::new(None, None, options, Vec::new(), vec![Arc::new(policy)], None)
}
