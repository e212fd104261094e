//! The record of a new grant, and whose grant it is.
//!
//! | what the record has | where it is from |
//! |---|---|
//! | the client, with what it proves itself with | the options, the store, the environment or the file |
//! | the endpoints | the file, with the values of this customer in their places, or the server's metadata |
//! | the dialect, the separators, what a refresh does to the refresh token | the file, as it is today |
//! | values and the hosts of the API | the person, the file, the redirect and the token response |
//! | scopes | what was granted; what was asked for, when the server does not say (RFC 6749 5.1) |
//! | the account | the id_token (OIDC Core 3.1.3.7), and Microsoft's `client_info` |
//!
//! Nothing of this is looked up again: a refresh, a revocation and the header of a request are what the record says,
//! whatever becomes of the file, the metadata or the environment. What a server says later does not move a grant to another
//! endpoint or another host: only a new login does.

use url::Url;

use super::Broker;
use super::preparation::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{FlowRequest, Granted};
use crate::protocol::{ExpectedIdToken, check_id_token, parse_client_info, parse_id_token};
use crate::provider::values;
use crate::secret::random_text;
use crate::store::{
    AccessTokenRecord, Account, ConnectionRecord, ConnectionStatus, RecordApi, RecordClient, RecordServer,
};

impl Broker {
    /// The record of a new grant. Its `grant_id` tells it from every other login of this connection.
    pub(super) fn record_of(
        &self,
        request: &FlowRequest,
        plan: Plan,
        granted: &Granted,
    ) -> Result<ConnectionRecord> {
        let request = &*request.knowing(&granted.learnt)?;
        let (response, definition) = (&granted.response, &request.definition);
        let now = self.0.clock.now();
        let application = plan.application;
        // RFC 6749 4.4.3: there is nobody, and no refresh token; what a server sends all the same is of no use.
        let account = if application { Account::default() } else { self.account(request, granted)? };
        let refresh_token = response.refresh_token.clone().filter(|_| !application);
        if let Some(expected) = &plan.request.account {
            check_account(expected, &account)?;
        }
        let granted_scopes = response.scope.clone().unwrap_or_else(|| plan.scopes.of_resource.clone());
        let refresh_scopes = plan.scopes.refresh_scopes(&granted_scopes, &definition.scope_equivalence());
        let renewable = application || refresh_token.is_some();
        let token = AccessTokenRecord {
            resource: plan.scopes.resource.or_else(|| plan.resource.indicator.clone()),
            claims: plan.request.claims,
            ..AccessTokenRecord::received(response, &granted_scopes, renewable, now.clone())
        };
        let client = &request.client;
        Ok(ConnectionRecord {
            key: plan.key,
            grant_id: random_text()?,
            status: ConnectionStatus::Connected,
            client: RecordClient {
                client_id: client.client_id.clone(),
                authentication: client.authentication,
                client_secret: client.client_secret().cloned(),
                certificate: client.key().cloned(),
                credential_expires_at: client.credential.as_ref().and_then(|own| own.expires_at),
                capabilities: plan.request.capabilities,
                issuer_bound: definition.discovery,
                dynamic: plan.dynamic_client,
            },
            server: RecordServer {
                issuer: request.endpoints.issuer.clone(),
                token_endpoint: request.endpoints.token.to_string(),
                revocation_endpoint: request.endpoints.revocation_of(&client.client_id),
                tenant: plan.tenant,
                cloud: plan.cloud,
                scope_separator: definition.scopes.separator,
                response_scope_separator: definition.scopes.response_separator,
                scope_on_refresh: definition.token.scope_on_refresh,
                refresh_endpoint: request.endpoints.refresh.as_ref().map(Url::to_string),
                dialect: request.dialect.clone(),
                revocation_method: definition.revocation.method,
                rotation: definition.rotation(),
                resource: plan.resource.indicator,
                named_resource: plan.resource.named,
                assertion_algorithms: client
                    .key()
                    .and_then(|_| request.endpoints.assertion_algorithms.clone()),
            },
            application,
            account,
            values: request.values.clone(),
            api: RecordApi {
                hosts: values::api_hosts(definition, &request.values),
                header: definition.api.header.clone(),
                scheme: definition.api.scheme.clone(),
            },
            dpop_key: request.dpop_key.as_ref().map(|key| key.pkcs8().clone()),
            requested_scopes: request.scopes.clone(),
            access_tokens: vec![token],
            granted_scopes,
            refresh_scopes,
            refresh_token,
            logged_in_at: now.wall,
            refreshed_at: None,
            refresh_attempt: None,
            cool_down: None,
            refusal: None,
            earlier_refusals: Vec::new(),
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
            tenant: request.endpoints.tenant.as_ref(),
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

/// A wider grant, or one that meets a challenge, is of the account that the connection has: nobody else's is put in
/// its place without a word.
fn check_account(expected: &Account, came: &Account) -> Result<()> {
    // Without an id_token of the earlier login nobody knows whose grant it was.
    if expected.subject.is_none() || is_same(expected, came) {
        return Ok(());
    }
    let name = |account: &Account| {
        account
            .username
            .clone()
            .or_else(|| account.subject.clone())
            .unwrap_or_else(|| "nobody known".to_owned())
    };
    let (expected, came) = (name(expected), name(came));
    let message = format!("the connection is of {expected}, and {came} logged in: nothing was kept");
    let help = format!(
        "log in as {expected}; a login without --add-scopes and --claims replaces the connection, whoever logs in"
    );
    Err(Error::new(ErrorKind::ProviderRejected, message).with_help(help))
}

/// Microsoft's `oid` and `tid` name an account, whichever client asks; elsewhere `iss` and `sub` do (OIDC Core 5.7).
fn is_same(one: &Account, other: &Account) -> bool {
    match (&one.object_id, &one.tenant_id) {
        (Some(_), Some(_)) => one.object_id == other.object_id && one.tenant_id == other.tenant_id,
        _ => one.issuer == other.issuer && one.subject == other.subject,
    }
}
