//! `token_after_refusal`: what an API's 401 is answered with, the same in every adapter of every language.

use super::{AccessToken, Broker, TokenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ConnectionKey, ProviderName};
use crate::protocol::{Challenge, Remedy};
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::store::ConnectionRecord;

/// Seconds within which a token that came from a refresh is not bettered by another: an API that refuses every token
/// would otherwise have one refreshed for each request.
const YOUNG: i64 = 30;

impl Broker {
    /// The token to repeat a request with, once, after an API answered 401 to `refused` with `challenges`
    /// (RFC 6750 3, RFC 9110 11.6.1). `None` when a repetition is of no use: the API wants wider scopes, or it refuses
    /// a token that was refreshed just now. The API's answer is then the caller's.
    ///
    /// A token that somebody else has refreshed since is handed out as it is. A claims challenge (Microsoft's
    /// `insufficient_claims`) is sent with the refresh. An API that wants a nonce in the proof (RFC 9449 9) gets the same
    /// token again, with the next [`Broker::dpop_proof`].
    ///
    /// Cancel-safe, and within a tokio runtime, as [`Broker::token`].
    ///
    /// # Errors
    /// Those of [`Broker::token`]: `interaction_required` with the claims when only a person can meet the challenge;
    /// `scope_not_granted` when the resource that the connection is for wants wider scopes: the help has the login.
    pub async fn token_after_refusal(
        &self,
        provider: &ProviderName,
        options: &TokenOptions,
        refused: &Secret,
        challenges: &[Challenge],
    ) -> Result<Option<AccessToken>> {
        let remedies: Vec<Remedy> = challenges.iter().filter_map(Challenge::remedy).collect();
        let claims = remedies.iter().find_map(|remedy| match remedy {
            Remedy::Claims(claims) => Some(claims.clone()),
            _ => None,
        });
        let wider = remedies.iter().find_map(|remedy| match remedy {
            Remedy::WiderLogin { scope } => Some(scope.as_ref()),
            _ => None,
        });
        let key = ConnectionKey::new(provider.clone(), options.connection.clone());
        if let (Some(scope), None) = (wider, &claims) {
            return self.check_wider(&self.record(&key)?, scope).map(|()| None);
        }
        let wants_nonce = remedies.contains(&Remedy::Nonce);
        let replaces = (!wants_nonce).then(|| refused.clone());
        let mut options = TokenOptions { replaces, claims, ..options.clone() };
        let record = self.record(&key)?;
        let at_hand = record.access_tokens.iter().position(|token| token.secret == *refused);
        let at_hand = at_hand.map(|place| (place, &record.access_tokens[place]));
        if let Some((1.., token)) = at_hand {
            // Of another resource than the login's: the one that replaces it must be for that.
            options.scopes.get_or_insert_with(|| token.scopes.clone());
        }
        let options = options.settled()?;
        if wants_nonce && record.dpop_key.is_none() {
            // No proof went with the token, and none can.
            return Ok(None);
        }
        if let Some((_, token)) = at_hand
            && !wants_nonce
            && record.refreshed_at.is_some()
            && (options.claims.is_none() || token.claims == options.claims)
            && self.0.clock.now().age_since(&token.obtained).is_some_and(|age| age < YOUNG)
        {
            return Ok(None);
        }
        self.token(provider, &options).await.map(Some)
    }

    /// A resource whose grant the connection is says in its challenge what a login must ask for (RFC 9728 5.1): the
    /// error is that login. A grant that has it all is refused for another reason, which no login mends.
    fn check_wider(&self, record: &ConnectionRecord, scope: Option<&ScopeSet>) -> Result<()> {
        let (Some(resource), Some(scope)) = (record.named_resource(), scope) else { return Ok(()) };
        let equivalence = self.definition_of(record)?.scope_equivalence();
        let missing = record.granted_scopes.missing(scope, &equivalence);
        if missing.is_empty() {
            return Ok(());
        }
        let command = record.wider_login_command(&missing);
        let message = format!("{resource} wants {missing}, which {} was not granted", record.key);
        Err(Error::new(ErrorKind::ScopeNotGranted, message)
            .with_help(format!("log in again for them: `{command}`")))
    }
}
