//! Clients that registered themselves (RFC 7591): what they may ask for, and what is kept of them. Who is asked, and how
//! the answer is written, is the endpoint's business.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::features::RegistrationOptions;
use crate::jws::PublicKey;
use crate::redirect_uri::may_be_registered;
use crate::refusal::Refusal;
use crate::registered_client::{AuthenticationMethod, RegisteredClient};

/// The grant types that can be registered for.
const GRANT_TYPES: [&str; 4] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
];

/// A client that registered itself.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// What was registered, as the server has it.
    pub(crate) metadata: Map<String, Value>,
    pub(crate) client: RegisteredClient,
    /// In seconds since 1970.
    pub(crate) issued_at: u64,
    pub(crate) access_token: String,
}

/// All of them, by client id.
#[derive(Debug, Default)]
pub(crate) struct Registrations(HashMap<String, Registration>);

impl Registrations {
    pub(crate) fn keep(&mut self, registration: Registration) {
        self.0.insert(registration.client.id.clone(), registration);
    }

    /// The registration that this token manages (RFC 7592, section 2); none when either is wrong.
    pub(crate) fn managed(&self, client_id: &str, access_token: Option<&str>) -> Option<&Registration> {
        self.0.get(client_id).filter(|found| access_token == Some(found.access_token.as_str()))
    }

    pub(crate) fn client(&self, id: &str) -> Option<RegisteredClient> {
        self.0.get(id).map(|found| found.client.clone())
    }

    /// Says whether there was one.
    pub(crate) fn forget(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }

    /// The ids, sorted.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.0.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }
}

/// The metadata as they are registered: what was asked for, the defaults of RFC 7591, section 2, and what the server
/// thinks better.
pub(crate) fn accepted(
    mut asked: Map<String, Value>,
    options: &RegistrationOptions,
) -> Result<Map<String, Value>, Refusal> {
    let mut or = |name: &str, default: Value| asked.entry(name).or_insert(default).clone();
    let grant_types = texts(&or("grant_types", json!(["authorization_code"])))?;
    let response_types = texts(&or("response_types", json!(["code"])))?;
    or("application_type", json!("web"));
    or("token_endpoint_auth_method", json!("client_secret_basic"));
    let by_code = grant_types.iter().any(|grant| grant == "authorization_code");
    let known = grant_types.iter().all(|grant| GRANT_TYPES.contains(&grant.as_str()));
    // Section 2.1: the two lists have to agree.
    if !known || (by_code && response_types != ["code"]) {
        return Err(Refusal::ClientMetadataInvalid);
    }
    let redirect_uris = asked.get("redirect_uris").map(texts).transpose()?.unwrap_or_default();
    let none = by_code && redirect_uris.is_empty();
    if none || !redirect_uris.iter().all(|redirect_uri| may_be_registered(redirect_uri)) {
        return Err(Refusal::RedirectUriRefused);
    }
    if let Some(method) = options.auth_method {
        asked.insert("token_endpoint_auth_method".into(), json!(method));
    }
    if let Some(redirect_uris) = &options.redirect_uris {
        asked.insert("redirect_uris".into(), json!(redirect_uris));
    }
    Ok(asked)
}

/// The client that such metadata describe; it needs a secret if it authenticates by one.
pub(crate) fn client(
    id: &str,
    metadata: &Map<String, Value>,
    secret: impl FnOnce() -> String,
) -> Result<RegisteredClient, Refusal> {
    let invalid = || Refusal::ClientMetadataInvalid;
    let member = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let method = serde_json::from_value(member("token_endpoint_auth_method")).map_err(|_| invalid())?;
    let client = match method {
        AuthenticationMethod::None => RegisteredClient::public(id),
        AuthenticationMethod::PrivateKeyJwt => {
            let jwk = member("jwks")["keys"][0].as_object().and_then(PublicKey::from_jwk);
            RegisteredClient::public(id).with_key(jwk.ok_or_else(invalid)?)
        }
        method => RegisteredClient::confidential(id, &secret(), &[method]),
    };
    Ok(RegisteredClient {
        redirect_uris: Some(texts(&member("redirect_uris")).unwrap_or_default()),
        dpop_bound: member("dpop_bound_access_tokens") == true,
        native: member("application_type") == "native",
        grant_types: Some(texts(&member("grant_types"))?),
        ..client
    })
}

fn texts(list: &Value) -> Result<Vec<String>, Refusal> {
    serde_json::from_value(list.clone()).map_err(|_| Refusal::ClientMetadataInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(asked: Value, options: &RegistrationOptions) -> Result<RegisteredClient, Refusal> {
        let Value::Object(asked) = asked else { unreachable!("metadata are an object") };
        accepted(asked, options).and_then(|metadata| client("c", &metadata, || "s".into()))
    }

    #[test]
    fn what_is_asked_for_and_what_is_missing() {
        let options = RegistrationOptions::default();
        let uris = json!(["http://127.0.0.1/callback"]);
        let client = registered(json!({"redirect_uris": uris}), &options).unwrap();
        assert_eq!(client.methods, [AuthenticationMethod::ClientSecretBasic], "the default");
        assert_eq!((client.secret.as_deref(), client.native), (Some("s"), false));
        for (asked, refusal) in [
            (json!({}), Refusal::RedirectUriRefused),
            (json!({"redirect_uris": []}), Refusal::RedirectUriRefused),
            (json!({"redirect_uris": ["http://evil.example"]}), Refusal::RedirectUriRefused),
            (json!({"redirect_uris": "http://127.0.0.1"}), Refusal::ClientMetadataInvalid),
            (json!({"redirect_uris": uris, "grant_types": ["password"]}), Refusal::ClientMetadataInvalid),
            (json!({"redirect_uris": uris, "response_types": ["token"]}), Refusal::ClientMetadataInvalid),
            (
                json!({"redirect_uris": uris, "token_endpoint_auth_method": "tls_client_auth"}),
                Refusal::ClientMetadataInvalid,
            ),
            (
                json!({"redirect_uris": uris, "token_endpoint_auth_method": "private_key_jwt"}),
                Refusal::ClientMetadataInvalid,
            ),
        ] {
            assert_eq!(registered(asked.clone(), &options), Err(refusal), "{asked}");
        }
        let by_device = json!({"grant_types": [GRANT_TYPES[3]], "token_endpoint_auth_method": "none"});
        assert_eq!(registered(by_device, &options).unwrap().redirect_uris, Some(Vec::new()));
    }

    #[test]
    fn the_server_may_know_better() {
        let options = RegistrationOptions {
            auth_method: Some(AuthenticationMethod::ClientSecretPost),
            redirect_uris: Some(Vec::new()),
            ..RegistrationOptions::default()
        };
        let asked =
            json!({"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"});
        let client = registered(asked, &options).unwrap();
        assert_eq!((client.secret.as_deref(), client.redirect_uris), (Some("s"), Some(Vec::new())));
    }
}
