//! How a grant is got: a person, a browser or a second device, and a token response at the end.
//!
//! | file | holds |
//! |---|---|
//! | `surroundings` | which flow fits this machine |
//! | `interaction` | the one callback to the person |
//! | `authorization_code` | authorization code with PKCE |
//! | `pushed_request` | the request on its way to the server before the browser opens |
//! | `loopback`, `page` | the listener for one answer, and the page it ends with |
//! | `browser` | opening the person's browser |
//! | `device_code` | the device code flow |
//! | `client_credentials` | app-only access |
//! | `learning` | what the server's answers say of the customer |
//!
//! Nothing is written down here, and no lock is held while a person is asked. May not enter: how a
//! grant is kept (`refresh`).

pub mod authorization_code;
pub mod browser;
mod client_credentials;
mod device_code;
pub mod interaction;
mod learning;
mod loopback;
mod page;
mod pushed_request;
pub mod surroundings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use authorization_code::{AuthorizationAttempt, Return, registered_redirect_uri};
pub use browser::open_browser;
pub use interaction::{DeviceAuthorization, Interaction};
pub use surroundings::{Flow, Surroundings, choose};

use crate::clock::Clock;
use crate::dpop::{DpopNonces, TokenSender};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{
    DpopKey, Grant, TokenDialect, TokenEndpointError, TokenRequest, TokenResponse, TokenType,
    parse_token_response,
};
use crate::provider::{
    Authority, ClientRegistration, Endpoints, ProviderDefinition, RedirectDefinition, Values,
};
use crate::scope::ScopeSet;
use crate::transport::{Limits, Transport, TransportError, content_type};

/// All that a flow needs to know. Everything in it was resolved before the person is asked.
#[derive(Clone)]
pub struct FlowRequest {
    /// The network.
    pub transport: Arc<Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The provider.
    pub definition: Arc<ProviderDefinition>,
    /// Its endpoints.
    pub endpoints: Endpoints,
    /// The tenant and the cloud that the endpoints are of.
    pub authority: Option<Authority>,
    /// Values of the customer that the endpoints are of.
    pub values: Values,
    /// The client that logs in.
    pub client: ClientRegistration,
    /// How its server differs from RFC 6749.
    pub dialect: TokenDialect,
    /// What is asked for.
    pub scopes: ScopeSet,
    /// What the authorization request names of it.
    pub authorization_scopes: ScopeSet,
    /// What the redemption of the code names, when that is less.
    pub redemption_scopes: Option<ScopeSet>,
    /// What the authorization request says beside.
    pub authorization_parameters: BTreeMap<String, String>,
    /// The `claims` of every request (OIDC Core 5.5).
    pub claims: Option<String>,
    /// The key that the tokens are to be bound to (RFC 9449), made for this login.
    pub dpop_key: Option<Arc<DpopKey>>,
    /// What the servers want in its proofs.
    pub dpop_nonces: Arc<DpopNonces>,
    /// The `resource` of every request (RFC 8707).
    pub resource: Option<String>,
    /// The redirect that is listened on.
    pub redirect: RedirectDefinition,
    /// How to talk to the person.
    pub interaction: Arc<dyn Interaction>,
}

impl FlowRequest {
    /// Runs `flow` to its grant, or to the end of the person's time.
    pub async fn run(&self, flow: Flow, way_back: Return, timeout: Duration) -> Result<Granted> {
        match flow {
            Flow::AuthorizationCode => authorization_code::run(self, way_back, timeout).await,
            Flow::DeviceCode => device_code::run(self, timeout).await,
            Flow::ClientCredentials => client_credentials::run(self, timeout).await,
        }
    }

    fn token_request<'a>(&'a self, grant: Grant<'a>, extra: &'a [(String, String)]) -> TokenRequest<'a> {
        TokenRequest {
            endpoint: &self.endpoints.token,
            client: self.client.as_client(),
            grant,
            scope_separator: self.definition.scopes.separator,
            dialect: &self.dialect,
            extra,
        }
    }

    /// Sends to the token endpoint, with the key's proof.
    fn sender(&self) -> TokenSender<'_> {
        let key = self.dpop_key.as_deref();
        TokenSender { transport: &self.transport, clock: &*self.clock, nonces: &self.dpop_nonces, key }
    }

    fn token_type(&self) -> TokenType {
        if self.dpop_key.is_some() { TokenType::Dpop } else { TokenType::Bearer }
    }

    /// Reads the answer to a token request as the server writes it.
    fn parse(&self, response: &http::Response<Vec<u8>>) -> Result<TokenResponse, TokenEndpointError> {
        let (status, body) = (response.status().as_u16(), response.body());
        let (separator, wanted) = (self.response_scope_separator(), self.token_type());
        parse_token_response(status, content_type(response), body, separator, &self.dialect, wanted)
    }

    fn token_parameters(&self) -> Vec<(String, String)> {
        let mut parameters = self.definition.token.parameters.clone();
        parameters.extend(self.claims_parameter());
        parameters.extend(self.resource_parameter());
        parameters.into_iter().collect()
    }

    fn claims_parameter(&self) -> Option<(String, String)> {
        self.claims.clone().map(|claims| ("claims".to_owned(), claims))
    }

    fn resource_parameter(&self) -> Option<(String, String)> {
        self.resource.clone().map(|resource| ("resource".to_owned(), resource))
    }

    fn response_scope_separator(&self) -> char {
        self.definition.scopes.response_separator.unwrap_or(self.definition.scopes.separator)
    }
}

/// A grant that was got and is not kept yet.
pub struct Granted {
    /// What the token endpoint answered.
    pub response: TokenResponse,
    /// What the id_token's nonce must be.
    pub nonce: Option<String>,
    /// What the server said of the customer.
    pub learnt: Values,
    farewell: Option<loopback::Listening>,
}

impl Granted {
    /// Tells the person's browser how it ended: `kept` names the provider whose grant is now kept.
    pub async fn finish(self, kept: Option<&str>) {
        if let Some(listening) = self.farewell {
            let page = kept.map_or(page::Page::Failed, |provider| page::Page::LoggedIn(provider.to_owned()));
            listening.finish(page).await;
        }
    }
}

/// Sends a token request that must not be sent twice: but for an answer that says that it was not acted upon. The answer
/// that counts comes with what it says of the customer.
async fn send_token_request(request: &FlowRequest, grant: Grant<'_>) -> Result<(TokenResponse, Values)> {
    let extra = request.token_parameters();
    let message = request.token_request(grant, &extra);
    let sent = request.sender().send(Limits::ENDPOINT, || message.to_http()).await;
    let response = sent.map_err(|error| match error {
        TransportError::NotSent(error) => error,
        TransportError::MaybeSent(error) => error
            .with_help("run the login again: the code may have been used, and it is good for one use only"),
    })?;
    let token = request
        .parse(&response)
        .map_err(|error| message.clean(error).to_error("the server did not accept the login"))?;
    Ok((token, request.learnt_from_token_response(&response)?))
}

/// Calls the person's side on a thread of its own: it may block, and a login that is given up does not
/// wait for it.
pub(crate) async fn ask<T: Send + 'static>(
    interaction: &Arc<dyn Interaction>,
    question: impl FnOnce(&dyn Interaction) -> Result<T> + Send + 'static,
) -> Result<T> {
    let interaction = Arc::clone(interaction);
    let (answer_in, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // The receiver is gone when the login was given up: nobody is interested any more.
        let _ = answer_in.send(question(&*interaction));
    });
    let ended = || Error::new(ErrorKind::Internal, "the interaction ended without an answer");
    answer.await.map_err(|_| ended())?
}
