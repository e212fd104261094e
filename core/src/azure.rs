//! The feature `azure`: a connection as a credential of the Azure SDK for Rust (`azure_core`).
//!
//! Converts, calls, converts. May not enter: a decision about a token or a refusal; those are the broker's.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::headers::{AUTHORIZATION, Headers, WWW_AUTHENTICATE};
use azure_core::http::policies::auth::{Authorizer, BearerTokenAuthorizationPolicy, OnChallenge};
use azure_core::http::{Context, Request};
use azure_core::time::OffsetDateTime;

use crate::broker::{Broker, TokenOptions};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::names::{ConnectionName, ProviderName};
use crate::protocol::Challenge;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// 9999-12-31, the last day that `OffsetDateTime` holds: of a token that does not expire.
const NEVER: Timestamp = Timestamp::from_unix(253_402_300_799);

/// A connection as a `TokenCredential` of `azure_core`: every client of the Azure SDK takes it.
///
/// The scopes that a client asks for must be granted to the connection; `https://host/.default` stands for all that
/// was granted at that host. The SDK keeps a token until five minutes before its end and asks again then.
///
/// An error is of the kind `Credential` and has the [`Error`] as its source. Calls must run within a tokio runtime, as
/// those of the [`Broker`]. `Debug` shows no secret.
///
/// ```
/// use std::sync::Arc;
/// use azure_core::http::{ClientOptions, Pipeline};
/// use tokenkeep::{Broker, BrokerOptions, TokenkeepCredential};
///
/// # fn pipeline(options: ClientOptions) -> Result<Pipeline, tokenkeep::Error> {
/// let broker = Broker::open(BrokerOptions::default())?;
/// let credential = TokenkeepCredential::new(broker, "microsoft".parse()?);
///
/// // A client of the SDK takes `credential.clone()`; a pipeline of your own takes its policy, which also answers the
/// // challenges of an API.
/// let policy = credential.policy(["https://graph.microsoft.com/.default"]);
/// let pipeline = Pipeline::new(None, None, options, Vec::new(), vec![Arc::new(policy)], None);
/// # Ok(pipeline) }
/// ```
#[derive(Clone)]
pub struct TokenkeepCredential {
    broker: Broker,
    provider: ProviderName,
    connection: ConnectionName,
}

impl TokenkeepCredential {
    /// The default connection of `provider`.
    pub fn new(broker: Broker, provider: ProviderName) -> Arc<Self> {
        Self::with_connection(broker, provider, ConnectionName::default())
    }

    /// One of several connections of `provider`.
    pub fn with_connection(broker: Broker, provider: ProviderName, connection: ConnectionName) -> Arc<Self> {
        Arc::new(TokenkeepCredential { broker, provider, connection })
    }

    /// What authorizes the requests of a pipeline with tokens for `scopes`, and repeats one that was answered 401, once,
    /// with the token of [`Broker::token_after_refusal`]. The policies that the clients of the SDK make for themselves
    /// leave a 401 to the caller.
    pub fn policy<S: Into<String>>(
        self: &Arc<Self>,
        scopes: impl IntoIterator<Item = S>,
    ) -> BearerTokenAuthorizationPolicy {
        let credential: Arc<dyn TokenCredential> = self.clone();
        let answers = Arc::new(AfterRefusal(self.clone()));
        BearerTokenAuthorizationPolicy::new(credential, scopes).with_on_challenge(answers)
    }

    fn options(&self) -> TokenOptions {
        TokenOptions { connection: self.connection.clone(), ..TokenOptions::default() }
    }
}

impl fmt::Debug for TokenkeepCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenkeepCredential")
            .field("provider", &self.provider)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenCredential for TokenkeepCredential {
    async fn get_token(
        &self,
        scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let scopes = ScopeSet::try_from(scopes).map_err(credential_error)?;
        let options = TokenOptions { scopes: Some(scopes), ..self.options() };
        let token = self.broker.token(&self.provider, &options).await.map_err(credential_error)?;
        let expires_at = token.expires_at.unwrap_or(NEVER).min(NEVER).as_unix();
        let expires_on = OffsetDateTime::from_unix_timestamp(expires_at)
            .map_err(|error| azure_core::Error::new(ErrorKind::DataConversion, error))?;
        let secret = token.bearer().map_err(credential_error)?;
        Ok(AccessToken::new(secret.expose().to_owned(), expires_on))
    }
}

/// Answers an API's 401.
#[derive(Debug)]
struct AfterRefusal(Arc<TokenkeepCredential>);

#[async_trait]
#[allow(
    elided_lifetimes_in_paths,
    reason = "the trait elides the lifetime of a Context, and its macro tells"
)]
impl OnChallenge for AfterRefusal {
    /// `Ok` makes the SDK repeat the request. When that is of no use it is repeated as it was, because an error here
    /// would take the place of the API's answer.
    async fn on_challenge(
        &self,
        _context: &Context,
        request: &mut Request,
        _authorizer: &dyn Authorizer,
        headers: &Headers,
    ) -> azure_core::Result<()> {
        let credential = &self.0;
        let sent = request.headers().get_optional_str(&AUTHORIZATION);
        let Some(refused) = sent.and_then(|value| value.strip_prefix("Bearer ")).map(Secret::new) else {
            return Ok(());
        };
        // The SDK keeps one header of a name.
        let challenges = Challenge::parse_all(headers.get_optional_str(&WWW_AUTHENTICATE));
        let options = credential.options();
        let answer =
            credential.broker.token_after_refusal(&credential.provider, &options, &refused, &challenges);
        if let Some(token) = answer.await.map_err(credential_error)? {
            token.bearer().map_err(credential_error)?;
            request.insert_header(AUTHORIZATION, token.authorization_header().expose().to_owned());
        }
        Ok(())
    }
}

/// The SDK shows a message and nothing else, so the help is in it.
fn credential_error(error: Error) -> azure_core::Error {
    let message = format!("{error}\n{}", error.help());
    azure_core::Error::with_error(ErrorKind::Credential, error, message)
}
