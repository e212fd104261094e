//! The record of a new grant, and whose grant it is.

use url::Url;

use super::Broker;
use super::preparation::Plan;
use crate::error::Result;
use crate::flow::{FlowRequest, Granted};
use crate::protocol::{ExpectedIdToken, check_id_token, parse_client_info, parse_id_token};
use crate::secret::random_text;
use crate::store::{
    AccessTokenRecord, Account, ConnectionRecord, ConnectionStatus, RecordClient, RecordServer,
};

impl Broker {
    /// The record of a new grant. Its `grant_id` tells it from every other login of this connection.
    pub(super) fn record_of(
        &self,
        request: &FlowRequest,
        plan: Plan,
        granted: &Granted,
    ) -> Result<ConnectionRecord> {
        let (response, definition) = (&granted.response, &request.definition);
        let now = self.0.clock.now();
        // RFC 6749 4.4.3: there is nobody, and no refresh token; what a server sends all the same is of no use.
        let application = plan.application;
        let account = if application { Account::default() } else { self.account(request, granted)? };
        let refresh_token = response.refresh_token.clone().filter(|_| !application);
        let granted_scopes = response.scope.clone().unwrap_or_else(|| request.scopes.clone());
        let missing = granted_scopes.missing(&request.scopes, &definition.scope_equivalence());
        let client = &request.client;
        Ok(ConnectionRecord {
            key: plan.key,
            grant_id: random_text()?,
            status: ConnectionStatus::Connected,
            client: RecordClient {
                client_id: client.client_id.clone(),
                authentication: client.authentication,
                client_secret: client.client_secret().cloned(),
                certificate: client.certificate().cloned(),
                credential_expires_at: client
                    .credential
                    .as_ref()
                    .and_then(|credential| credential.expires_at),
                capabilities: Vec::new(),
            },
            server: RecordServer {
                issuer: request.endpoints.issuer.clone(),
                token_endpoint: request.endpoints.token.to_string(),
                revocation_endpoint: request.endpoints.revocation.as_ref().map(Url::to_string),
                tenant: plan.tenant,
                cloud: plan.cloud,
                scope_separator: definition.scopes.separator,
                response_scope_separator: definition.scopes.response_separator,
                scope_on_refresh: definition.token.scope_on_refresh,
            },
            application,
            account,
            requested_scopes: request.scopes.clone(),
            access_tokens: vec![AccessTokenRecord::received(
                response,
                &granted_scopes,
                application || refresh_token.is_some(),
                now.clone(),
            )],
            granted_scopes,
            refresh_scopes: (!missing.is_empty()).then(|| request.scopes.without(&missing)),
            refresh_token,
            logged_in_at: now.wall,
            refreshed_at: None,
            refresh_attempt: None,
            cool_down: None,
            refusal: None,
        })
    }

    /// Whose grant it is, from the id_token (OIDC Core 3.1.3.7) and Microsoft's `client_info`.
    fn account(&self, request: &FlowRequest, granted: &Granted) -> Result<Account> {
        let home_account_id = granted.response.client_info.as_deref().and_then(parse_client_info);
        let home_account_id = home_account_id.map(|home| format!("{}.{}", home.uid, home.utid));
        let Some(id_token) = &granted.response.id_token else {
            return Ok(Account { home_account_id, ..Account::default() });
        };
        let claims = parse_id_token(id_token)?;
        let expected = ExpectedIdToken {
            issuer: request.endpoints.issuer.as_deref(),
            client_id: &request.client.client_id,
            nonce: granted.nonce.as_deref(),
            now: self.0.clock.now().wall,
        };
        check_id_token(&claims, &expected)?;
        Ok(Account {
            username: claims.preferred_username.or(claims.email).or(claims.name),
            subject: Some(claims.sub),
            issuer: Some(claims.iss),
            tenant_id: claims.tid,
            object_id: claims.oid,
            home_account_id,
        })
    }
}
