//! A client that the server makes when it is asked to (RFC 7591), kept for all connections of its issuer.
//!
//! 1. One that is kept is used while it fits: its redirect URI is this login's, and its secret has not ended.
//! 2. Who makes a new one holds the registration's lock, and looks once more under it: two logins at once register once.
//! 3. It is kept before the person is asked: a login that is given up leaves no client that nobody knows of.
//! 4. One that the server no longer knows is forgotten; the next login makes another.
//!
//! May not enter: which client a login prefers (`login_client`).

use std::sync::Arc;

use super::Broker;
use super::preparation::{Plan, none_if_damaged};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::FlowRequest;
use crate::names::RegistrationKey;
use crate::protocol::{
    ClientMetadata, ClientRegistrationRequest, RegisteredClient, ServerAbilities, parse_client_registration,
};
use crate::provider::{
    ClientRegistration, Credential, Endpoints, Proof, ProviderDefinition, client_registration,
};
use crate::store::{
    ConnectionStatus, DynamicRegistration, LockedRegistration, RegistrationRecord, off_thread,
};
use crate::transport::{Limits, content_type};

/// RFC 6749 5.2: the server does not know the client.
const INVALID_CLIENT: &str = "invalid_client";

/// What a registration must be to serve a login.
pub(super) struct WantedClient<'a> {
    /// Where the answer is received: one that is not registered is refused in the browser, where nobody can help.
    pub(super) redirect_uri: &'a str,
    /// True when the tokens are bound to a key.
    pub(super) dpop: bool,
    /// A secret that ended before is of no use.
    pub(super) now: Timestamp,
}

impl Broker {
    /// The client that the server of `endpoints` registered for this store, now or at an earlier login; `None` where it
    /// registers none. `stored` is what is kept, as far as it was read.
    ///
    /// # Errors
    /// Those of the server's answer (`protocol::client_registration_request`), of the network and of the store.
    pub(super) async fn registered_client(
        &self,
        definition: &ProviderDefinition,
        endpoints: &Endpoints,
        wanted: &WantedClient<'_>,
        stored: Option<RegistrationRecord>,
    ) -> Result<Option<ClientRegistration>> {
        let (Some(_), Some(issuer)) = (&endpoints.registration, &endpoints.issuer) else { return Ok(None) };
        if let Some(found) = stored.as_ref().and_then(|stored| wanted.met_by(stored)) {
            return Ok(Some(found));
        }
        let key = RegistrationKey { provider: definition.name.clone(), issuer: Some(issuer.clone()) };
        let store = &self.kept_async().await?.store;
        let locked = LockedRegistration::take(store, &key, self.0.settings.lock_wait).await?;
        let before = locked.read().await.or_else(none_if_damaged)?;
        if let Some(found) = before.as_ref().and_then(|before| wanted.met_by(before)) {
            return Ok(Some(found));
        }
        if let Some(by_hand) = before.clone().filter(|before| before.dynamic.is_none()) {
            // Stored while this login waited: what was given by hand goes before what a program makes.
            let methods = endpoints.authentication_methods.as_deref();
            let RegistrationRecord { client_id, client_secret, .. } = by_hand;
            return Ok(Some(client_registration::as_stored(client_id, client_secret, methods)));
        }
        let record = self.register(key, endpoints, wanted).await?;
        locked.write(&record).await?;
        if let Some(replaced) = before {
            self.put_away(&replaced, wanted.now).await?;
        }
        // What the server says of it at once counts at the next login: this one has no better client.
        Ok(client_of(&record))
    }

    /// Asks the server for a client (RFC 7591 3). Without an answer nothing is kept: the next login asks again, and a
    /// client that was made meanwhile is one that nobody uses.
    async fn register(
        &self,
        key: RegistrationKey,
        endpoints: &Endpoints,
        wanted: &WantedClient<'_>,
    ) -> Result<RegistrationRecord> {
        let no_endpoint = || Error::new(ErrorKind::Unsupported, "the server registers no clients by program");
        let endpoint = endpoints.registration.as_ref().ok_or_else(no_endpoint)?;
        let abilities = ServerAbilities {
            authentication_methods: endpoints.authentication_methods.as_deref(),
            grant_types: endpoints.grant_types.as_deref(),
            device_authorization: endpoints.device_authorization.is_some(),
        };
        let metadata = ClientMetadata::to_register(wanted.redirect_uri, abilities, wanted.dpop);
        let request = ClientRegistrationRequest { endpoint, metadata: &metadata }.to_http()?;
        let response = self.0.transport.send(request, Limits::ENDPOINT).await.map_err(Error::from)?;
        let status = response.status().as_u16();
        let RegisteredClient {
            client_id,
            client_secret,
            client_secret_expires_at,
            authentication,
            management,
        } = parse_client_registration(&metadata, status, content_type(&response), response.body())?;
        tracing::info!(registration = %key, client_id, "registered a client");
        let (registration_client_uri, registration_access_token) = management.unzip();
        Ok(RegistrationRecord {
            provider: key.provider,
            issuer: key.issuer,
            client_id,
            client_secret,
            stored_at: wanted.now,
            dynamic: Some(DynamicRegistration {
                authentication,
                redirect_uris: vec![wanted.redirect_uri.to_owned()],
                dpop: wanted.dpop,
                client_secret_expires_at,
                registration_client_uri,
                registration_access_token,
            }),
        })
    }

    /// Has the server forget a client that another one has replaced, unless a grant still lives by it.
    async fn put_away(&self, replaced: &RegistrationRecord, now: Timestamp) -> Result<()> {
        let Some(dynamic) = &replaced.dynamic else { return Ok(()) };
        let store = Arc::clone(&self.kept_async().await?.store);
        let (client_id, issuer) = (replaced.client_id.clone(), replaced.issuer.clone());
        let connections = off_thread(move || store.list()).await?;
        let needed = connections.iter().flatten().any(|record| {
            record.status == ConnectionStatus::Connected
                && record.client.client_id == client_id
                && record.server.issuer == issuer
        });
        if !needed || dynamic.has_ended(now) {
            // Whether it worked is in the log: the new client does not depend on it.
            self.delete_at_server(replaced).await;
        }
        Ok(())
    }

    /// The error of a login, once its client is forgotten if the server does not know it any more. Servers drop clients that
    /// they made, when they are not used for a time or restart; an error of the user's own client is the user's to mend.
    pub(super) async fn without_unknown_client(
        &self,
        error: Error,
        request: &FlowRequest,
        plan: &Plan,
    ) -> Error {
        let unknown = error.server().is_some_and(|said| said.error == INVALID_CLIENT);
        if !plan.dynamic_client || !unknown {
            return error;
        }
        let provider = request.definition.name.clone();
        let key = RegistrationKey { provider, issuer: request.endpoints.issuer.clone() };
        match self.forget_client(&key, &request.client.client_id).await {
            Ok(()) => error.with_help(
                "the server no longer knows the client that it registered, which is forgotten: log in again, and it is \
                 asked for another",
            ),
            Err(why) => {
                tracing::warn!(registration = %key, %why, "a client that its server does not know could not be forgotten");
                error
            }
        }
    }

    /// Removes the registration, if it is still of this client. Another login may have put a new one in its place, and the
    /// user one of theirs.
    async fn forget_client(&self, key: &RegistrationKey, client_id: &str) -> Result<()> {
        let store = &self.kept_async().await?.store;
        let locked = LockedRegistration::take(store, key, self.0.settings.lock_wait).await?;
        let stored = locked.read().await?.filter(|stored| stored.dynamic.is_some());
        if stored.is_some_and(|stored| stored.client_id == client_id) {
            locked.delete().await?;
        }
        Ok(())
    }
}

impl WantedClient<'_> {
    /// The client of a registration that fits.
    fn met_by(&self, record: &RegistrationRecord) -> Option<ClientRegistration> {
        let dynamic = record.dynamic.as_ref()?;
        let named = dynamic.redirect_uris.iter().any(|uri| uri == self.redirect_uri);
        // Who is registered for bound tokens gets no others (RFC 9449 5.2).
        if !named || dynamic.has_ended(self.now) || (dynamic.dpop && !self.dpop) {
            return None;
        }
        client_of(record)
    }
}

/// The client of a registration that the server made.
fn client_of(record: &RegistrationRecord) -> Option<ClientRegistration> {
    let dynamic = record.dynamic.as_ref()?;
    let expires_at = dynamic.client_secret_expires_at;
    let proof = record.client_secret.clone().map(Proof::Secret);
    Some(ClientRegistration {
        client_id: record.client_id.clone(),
        credential: proof.map(|proof| Credential { proof, expires_at }),
        authentication: dynamic.authentication,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ClientAuthentication;
    use crate::secret::Secret;

    #[test]
    fn a_registration_serves_while_it_fits_and_has_not_ended() {
        let now = Timestamp::from_unix(1_800_000_000);
        let dynamic = |dpop, ends: Option<i64>| DynamicRegistration {
            authentication: ClientAuthentication::Post,
            redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
            dpop,
            client_secret_expires_at: ends.map(|seconds| now.plus(seconds)),
            registration_client_uri: None,
            registration_access_token: None,
        };
        let serves = |dynamic, redirect_uri, dpop| {
            let record = RegistrationRecord {
                provider: "mcp".parse().unwrap(),
                issuer: Some("https://as.example".to_owned()),
                client_id: "c1".to_owned(),
                client_secret: Some(Secret::new("s")),
                stored_at: now,
                dynamic,
            };
            WantedClient { redirect_uri, dpop, now }.met_by(&record).is_some()
        };
        let own = "http://127.0.0.1/callback";
        for (dynamic, redirect_uri, dpop, expected) in [
            (Some(dynamic(false, None)), own, false, true),
            (Some(dynamic(false, None)), own, true, true),
            (Some(dynamic(true, None)), own, true, true),
            (Some(dynamic(true, None)), own, false, false),
            (Some(dynamic(false, Some(1))), own, false, true),
            (Some(dynamic(false, Some(0))), own, false, false),
            (Some(dynamic(false, None)), "http://127.0.0.1:8400/callback", false, false),
            // What the user gave is chosen elsewhere.
            (None, own, false, false),
        ] {
            let told = format!("{dynamic:?} {redirect_uri} {dpop}");
            assert_eq!(serves(dynamic, redirect_uri, dpop), expected, "{told}");
        }
    }
}
