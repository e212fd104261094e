//! The registration endpoint (RFC 7591, section 3) and the configuration endpoints of those who registered (RFC 7592,
//! section 2).

use hyper::Method;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::features::RegistrationOptions;
use crate::refusal::Refusal;
use crate::registration::{self, Registration};
use crate::reply::{Content, Reply};
use crate::request::Request;
use crate::resource_options::Scheme;
use crate::shared::Shared;

/// What a client may not say of itself in an update (RFC 7592, section 2.2).
const SERVERS_OWN: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Registers a client, or tells, changes or ends what is registered.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    let options = shared.live().registration;
    let asked = Asked { shared, request, tenant, options: &options };
    let client_id = request.path.rsplit_once("/register/").map(|(_, client_id)| client_id);
    match (&request.method, client_id) {
        _ if !options.enabled || (client_id.is_some() && !options.management) => {
            Ok(Reply::new(404, Content::Empty))
        }
        (&Method::POST, None) => asked.register(),
        (&Method::GET, Some(client_id)) => asked.managed(client_id).map(|found| asked.told(found, 200)),
        (&Method::PUT, Some(client_id)) => asked.update(client_id),
        (&Method::DELETE, Some(client_id)) => asked.delete(client_id),
        (_, None) => Err(Refusal::MethodNotPost),
        (_, Some(_)) => Ok(Reply::new(405, Content::Empty).with_header("allow", "GET, PUT, DELETE")),
    }
}

struct Asked<'a> {
    shared: &'a Shared,
    request: &'a Request,
    tenant: &'a str,
    options: &'a RegistrationOptions,
}

impl Asked<'_> {
    fn register(&self) -> Result<Reply, Refusal> {
        if self.options.initial_access_token.as_deref().is_some_and(|token| self.bearer() != Some(token)) {
            return Err(Refusal::RegistrationTokenInvalid);
        }
        let metadata = registration::accepted(self.members()?, self.options)?;
        let id = format!("client-{}", self.shared.random.guid());
        let registration = self.registration(&id, metadata, None)?;
        Ok(self.told(registration, self.options.status))
    }

    /// All of the metadata again: what is left out is gone (RFC 7592, section 2.2).
    fn update(&self, client_id: &str) -> Result<Reply, Refusal> {
        let known = self.managed(client_id)?;
        let mut members = self.members()?;
        let said = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let other_secret = said("client_secret").is_some_and(|secret| Some(secret) != known.client.secret);
        let not_its_own = SERVERS_OWN.iter().any(|name| members.contains_key(*name));
        if said("client_id").as_deref() != Some(client_id) || other_secret || not_its_own {
            return Err(Refusal::ClientMetadataInvalid);
        }
        members.retain(|name, _| name != "client_id" && name != "client_secret");
        let metadata = registration::accepted(members, self.options)?;
        let updated = self.registration(client_id, metadata, Some(known))?;
        Ok(self.told(updated, 200))
    }

    fn delete(&self, client_id: &str) -> Result<Reply, Refusal> {
        self.managed(client_id)?;
        let mut state = self.shared.state();
        state.registrations.forget(client_id);
        state.revoke_client(client_id);
        Ok(Reply::new(204, Content::Empty))
    }

    /// A registration of these metadata. The secret of before stays while it lives.
    fn registration(
        &self,
        id: &str,
        metadata: Map<String, Value>,
        before: Option<Registration>,
    ) -> Result<Registration, Refusal> {
        let now = clock::unix_seconds();
        let kept = before.as_ref().filter(|before| before.client.secret_expires_at.is_none_or(|at| now < at));
        let (secret, expires) =
            match kept.map(|kept| (kept.client.secret.clone(), kept.client.secret_expires_at)) {
                Some((Some(secret), expires)) => (secret, expires),
                _ => (
                    self.shared.random.awkward_token("secret"),
                    self.options.secret_lifetime.map(|life| now + life),
                ),
            };
        let mut client = registration::client(id, &metadata, || secret)?;
        client.secret_expires_at = expires.filter(|_| client.secret.is_some());
        let issued_at = before.as_ref().map_or(now, |before| before.issued_at);
        let access_token =
            before.map_or_else(|| self.shared.random.access_token(1), |before| before.access_token);
        Ok(Registration { metadata, client, issued_at, access_token })
    }

    /// The registration that the token of this request manages.
    fn managed(&self, client_id: &str) -> Result<Registration, Refusal> {
        let state = self.shared.state();
        let found = state.registrations.managed(client_id, self.bearer()).cloned();
        let mut found = found.ok_or(Refusal::RegistrationTokenInvalid)?;
        if self.options.rotate_access_token {
            found.access_token = self.shared.random.access_token(1);
        }
        Ok(found)
    }

    /// Keeps the registration, and tells all of it (RFC 7591, section 3.2.1; RFC 7592, section 3).
    fn told(&self, registration: Registration, status: u16) -> Reply {
        let client = &registration.client;
        let mut body = registration.metadata.clone();
        body.insert("client_id".into(), json!(client.id));
        body.insert("client_id_issued_at".into(), json!(registration.issued_at));
        if let Some(secret) = &client.secret {
            body.insert("client_secret".into(), json!(secret));
            // 0: it does not expire.
            body.insert(
                "client_secret_expires_at".into(),
                json!(client.secret_expires_at.unwrap_or_default()),
            );
        }
        if self.options.management {
            let authority = self.shared.authority(self.request, self.tenant);
            body.insert(
                "registration_client_uri".into(),
                json!(format!("{authority}/register/{}", client.id)),
            );
            body.insert("registration_access_token".into(), json!(registration.access_token));
        }
        self.shared.state().registrations.keep(registration);
        Reply::json(status, Value::Object(body))
    }

    fn members(&self) -> Result<Map<String, Value>, Refusal> {
        let members = self.request.is_json().then(|| self.request.json());
        match members {
            Some(Ok(Value::Object(members))) => Ok(members),
            _ => Err(Refusal::ClientMetadataInvalid),
        }
    }

    fn bearer(&self) -> Option<&str> {
        self.request.access_token().filter(|(scheme, _)| *scheme == Scheme::Bearer).map(|(_, token)| token)
    }
}
