//! Authorization code with PKCE (RFC 6749 4.1, RFC 7636), on a loopback redirect (RFC 8252), with one whose address
//! the person pastes, or with one that somebody else receives.
//!
//! In this order, because each step protects the next:
//! 1. The redirect is bound, and stays bound: its port is in the request.
//! 2. State, nonce and code verifier are made, 256 random bits each, for this request alone.
//! 3. The person is sent to the authorization URL. It holds none of them but the state and the nonce, and
//!    the verifier's hash; and where the server takes the request beforehand, a reference to it alone
//!    (`pushed_request`).
//! 4. What comes back is judged: no parameter twice, this state, this issuer (RFC 9207).
//! 5. The code is redeemed, once, with the verifier and the very redirect URI of the request.
//! 6. The browser is told how it ended when that is known.
//!
//! May not enter: what becomes of the grant.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::interaction::Interaction;
use super::loopback::{Arrival, Listening, Loopback};
use super::page::Page;
use super::{FlowRequest, Granted, ask, pushed_request, send_token_request};
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{
    AuthorizationRequest, AuthorizationResponse, CodeVerifier, ExpectedResponse, Grant, ResponseMode,
    ResponseRejection, parse_authorization_response,
};
use crate::provider::{RedirectDefinition, ValueSource, values};
use crate::secret::{Secret, random_bytes, random_text};

/// How the answer gets back to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// The browser is on this machine: it is opened, and comes to the loopback redirect.
    Browser,
    /// The browser is elsewhere: the person pastes the address that it ended up at.
    Paste,
}

/// One authorization request and all that its answer is checked against. The verifier never leaves it.
pub struct AuthorizationAttempt {
    url: Url,
    redirect_uri: String,
    // `None` for a server that takes no challenge.
    code_verifier: Option<CodeVerifier>,
    state: Secret,
    nonce: Option<String>,
    issuer: Option<String>,
    iss_required: bool,
    further: Vec<String>,
}

impl AuthorizationAttempt {
    /// Makes a request with a state, a verifier and a nonce of its own, and takes it to the server first where the server
    /// has a place for that (RFC 9126).
    ///
    /// # Errors
    /// `unsupported` without an authorization endpoint; those of the pushed request.
    pub async fn begin(
        request: &FlowRequest,
        redirect_uri: &str,
        response_mode: Option<ResponseMode>,
    ) -> Result<Self> {
        let endpoint = request.endpoints.authorization.as_ref().ok_or_else(|| {
            let message = format!("{} has no authorization endpoint", request.definition.display_name);
            Error::new(ErrorKind::Unsupported, message).with_help("log in with --flow device-code")
        })?;
        request.transport.check(endpoint)?;
        let code_verifier = CodeVerifier::from_random(random_bytes()?);
        let code_challenge = code_verifier.challenge_as(request.definition.authorization.code_challenge);
        let state = Secret::new(random_text()?);
        // A nonce ties the id_token to this request (OIDC Core 3.1.2.1); without openid there is none.
        let scopes = &request.authorization_scopes;
        let nonce = if scopes.contains("openid") { Some(random_text()?) } else { None };
        let mut extra = request.authorization_parameters.clone();
        extra.extend(request.claims_parameter());
        // RFC 9449 10: a code that is stolen is of no use without the key.
        extra.extend(request.dpop_key.as_ref().map(|key| ("dpop_jkt".to_owned(), key.thumbprint())));
        extra.extend(request.resource_parameter());
        let extra: Vec<_> = extra.into_iter().collect();
        let authorization = AuthorizationRequest {
            endpoint,
            client_id: &request.client.client_id,
            redirect_uri,
            scopes,
            scope_separator: request.definition.scopes.separator,
            state: &state,
            code_challenge: code_challenge.as_deref(),
            nonce: nonce.as_deref(),
            response_mode,
            dialect: &request.dialect,
            extra: &extra,
        };
        let url = match pushed_request::push(request, &authorization).await? {
            Some(reference) => reference,
            None => authorization.url(),
        };
        let further = values::names_at(&request.definition, ValueSource::AuthorizationResponse);
        Ok(AuthorizationAttempt {
            url,
            redirect_uri: redirect_uri.to_owned(),
            code_verifier: code_challenge.map(|_| code_verifier),
            state,
            nonce,
            issuer: request.endpoints.exact_issuer().map(str::to_owned),
            iss_required: request.endpoints.authorization_response_iss,
            further: further.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Where the person is sent.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Is this query string or form the answer to this request?
    pub fn judge(&self, parameters: &str) -> Result<AuthorizationResponse, ResponseRejection> {
        let further: Vec<_> = self.further.iter().map(String::as_str).collect();
        let expected = ExpectedResponse {
            state: &self.state,
            issuer: self.issuer.as_deref(),
            iss_required: self.iss_required,
            further: &further,
        };
        parse_authorization_response(parameters, &expected)
    }

    /// The same for a whole address, as a browser shows it.
    pub fn judge_url(&self, redirect_url: &str) -> Result<AuthorizationResponse, ResponseRejection> {
        let query = redirect_url.trim().split_once('?').map(|(_, query)| query).unwrap_or_default();
        self.judge(query.split('#').next().unwrap_or_default())
    }

    /// Redeems the code. It is sent once: a code that may have been used is worth nothing (RFC 6749 4.1.2).
    pub async fn redeem(&self, request: &FlowRequest, answer: AuthorizationResponse) -> Result<Granted> {
        let (code, further) = match answer {
            AuthorizationResponse::Code { code, further } => (code, further),
            AuthorizationResponse::Error(error) => return Err(error.to_error("the login was refused")),
        };
        let grant = Grant::AuthorizationCode {
            code: &code,
            redirect_uri: &self.redirect_uri,
            code_verifier: self.code_verifier.as_ref(),
            scopes: request.redemption_scopes.as_ref(),
        };
        let mut learnt = request.learnt_from_authorization_response(&further)?;
        let (response, said) = send_token_request(&*request.knowing(&learnt)?, grant).await?;
        learnt.extend(said);
        Ok(Granted { response, nonce: self.nonce.clone(), learnt, farewell: None })
    }
}

/// Runs the flow to the grant. The person has `timeout`; the exchange of the code has its own limits.
pub(super) async fn run(request: &FlowRequest, way_back: Return, timeout: Duration) -> Result<Granted> {
    let redirect = &request.redirect;
    if !redirect.loopback {
        return run_elsewhere(request, timeout).await;
    }
    let loopback = Loopback::bind(redirect).await?;
    let redirect_uri = loopback.redirect_uri().to_owned();
    // A form post cannot be pasted.
    let response_mode =
        request.definition.authorization.response_mode.filter(|_| way_back == Return::Browser);
    let attempt = Arc::new(AuthorizationAttempt::begin(request, &redirect_uri, response_mode).await?);
    let mut listening = loopback.listen({
        let attempt = Arc::clone(&attempt);
        Box::new(move |parameters| attempt.judge(parameters))
    });

    let waited = tokio::time::timeout(timeout, async {
        let asked = async {
            open(&request.interaction, attempt.url()).await?;
            match way_back {
                Return::Browser => std::future::pending().await,
                Return::Paste => paste(&request.interaction, &attempt).await,
            }
        };
        // It may come while the person is still being asked: of a program that waits until its browser is closed,
        // and of a browser that is on this machine after all.
        tokio::select! {
            answer = asked => answer,
            answer = wait(&request.interaction, &mut listening) => answer,
        }
    })
    .await;
    let answer = waited.unwrap_or_else(|_| Err(timed_out(timeout)))?;
    match attempt.redeem(request, answer).await {
        Ok(granted) => Ok(Granted { farewell: Some(listening), ..granted }),
        Err(error) => {
            listening.finish(Page::Failed).await;
            Err(error)
        }
    }
}

/// The same for a provider that sends nobody to this machine: nothing is listened on, and the person pastes.
async fn run_elsewhere(request: &FlowRequest, timeout: Duration) -> Result<Granted> {
    let redirect_uri = request.redirect.uri.as_deref().ok_or_else(|| {
        let message =
            format!("{} takes no redirect to this machine, and none is named", request.definition.display_name);
        Error::new(ErrorKind::ConfigInvalid, message).with_help(
            "register an https address of your own with the provider and name it with --redirect-uri; the address \
             that the browser ends up at is then pasted",
        )
    })?;
    let attempt = AuthorizationAttempt::begin(request, redirect_uri, None).await?;
    let asked = async {
        open(&request.interaction, attempt.url()).await?;
        paste(&request.interaction, &attempt).await
    };
    let answer = tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| Err(timed_out(timeout)))?;
    attempt.redeem(request, answer).await
}

/// The redirect URI to register for this provider, for people: the port is left out where any will do.
pub fn registered_redirect_uri(redirect: &RedirectDefinition) -> String {
    if !redirect.loopback {
        return redirect.uri.clone().unwrap_or_else(|| "https://ADDRESS-OF-YOUR-OWN".to_owned());
    }
    match redirect.port {
        Some(port) => format!("http://{}:{port}{}", redirect.host, redirect.path),
        None => format!("http://{}{}", redirect.host, redirect.path),
    }
}

/// Sends the person to the authorization URL.
async fn open(interaction: &Arc<dyn Interaction>, url: &Url) -> Result<()> {
    let url = url.clone();
    ask(interaction, move |interaction| interaction.open_url(&url)).await
}

/// Waits for the answer. What else comes is told once for each reason: whoever sends it ten thousand times
/// does not fill the person's terminal.
async fn wait(
    interaction: &Arc<dyn Interaction>,
    listening: &mut Listening,
) -> Result<AuthorizationResponse> {
    let mut told = Vec::new();
    loop {
        match listening.arrival().await? {
            Arrival::Answer(answer) => return Ok(answer),
            Arrival::Refused(rejection) if told.contains(&rejection) => {}
            Arrival::Refused(rejection) => {
                told.push(rejection);
                tell_refused(interaction, rejection).await?;
            }
        }
    }
}

async fn paste(
    interaction: &Arc<dyn Interaction>,
    attempt: &AuthorizationAttempt,
) -> Result<AuthorizationResponse> {
    loop {
        let pasted = Secret::new(ask(interaction, |interaction| interaction.read_redirect_url()).await?);
        match attempt.judge_url(pasted.expose()) {
            Ok(answer) => return Ok(answer),
            Err(rejection) => tell_refused(interaction, rejection).await?,
        }
    }
}

/// Says that something came and the login goes on.
async fn tell_refused(interaction: &Arc<dyn Interaction>, rejection: ResponseRejection) -> Result<()> {
    let tell = move |interaction: &dyn Interaction| {
        interaction.response_refused(&rejection.to_string());
        Ok(())
    };
    ask(interaction, tell).await
}

/// Nobody finished the login in time.
pub(super) fn timed_out(timeout: Duration) -> Error {
    Error::new(ErrorKind::LoginTimedOut, format!("nobody finished the login within {} s", timeout.as_secs()))
        .with_help("run the login again; --timeout SECONDS waits longer")
}
