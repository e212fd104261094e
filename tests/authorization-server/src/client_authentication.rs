//! Who asks, and can it prove it (RFC 6749, sections 2.3 and 3.2.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use crate::client_assertion::{self, Expected};
use crate::options::Dialect;
use crate::random;
use crate::refusal::Refusal;
use crate::registered_client::{AuthenticationMethod, RegisteredClient};
use crate::request::Request;

/// What a request says about its client, not yet believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) id: String,
    pub(crate) method: AuthenticationMethod,
    /// The secret, or the assertion.
    proof: Option<String>,
    /// What is wrong with the way it was presented.
    problem: Option<Refusal>,
}

/// Who it is, and how that is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authenticated {
    pub(crate) client: RegisteredClient,
    /// The `jti` of its assertion.
    pub(crate) assertion_id: Option<String>,
}

/// Reads the client id, the method and the proof; `None` when there is no client id.
pub(crate) fn presented(request: &Request) -> Option<Presented> {
    let (posted_id, posted_secret) = (request.parameter("client_id"), request.parameter("client_secret"));
    if let Some(assertion) = request.parameter("client_assertion") {
        let other = request.has_authorization() || posted_secret.is_some();
        let typed = request.parameter("client_assertion_type") == Some(client_assertion::TYPE);
        let problem = match (typed, other) {
            (false, _) => Some(Refusal::AssertionMalformed),
            (true, true) => Some(Refusal::AuthenticationMethod),
            (true, false) => None,
        };
        // The client id is optional beside an assertion (RFC 7521, section 4.2).
        let id = posted_id.map(Into::into).or_else(|| client_assertion::subject(assertion))?;
        let (method, proof) = (AuthenticationMethod::PrivateKeyJwt, Some(assertion.into()));
        return Some(Presented { id, method, proof, problem });
    }
    if let Some((id, secret)) = request.authorization().and_then(basic) {
        // "The client MUST NOT use more than one authentication method in each request" (section 2.3).
        let twice = posted_secret.is_some() || posted_id.is_some_and(|posted| posted != id);
        let problem = match &secret {
            _ if twice => Some(Refusal::AuthenticationMethod),
            None => Some(Refusal::SecretWrong),
            Some(_) => None,
        };
        return Some(Presented {
            id,
            method: AuthenticationMethod::ClientSecretBasic,
            proof: secret,
            problem,
        });
    }
    let method = match posted_secret {
        Some(_) => AuthenticationMethod::ClientSecretPost,
        None => AuthenticationMethod::None,
    };
    Some(Presented { id: posted_id?.into(), method, proof: posted_secret.map(Into::into), problem: None })
}

/// Checks the proof of the client that `find` knows by its id.
pub(crate) fn authenticate(
    find: impl FnOnce(&str) -> Result<RegisteredClient, Refusal>,
    request: &Request,
    expected: &Expected<'_>,
) -> Result<Authenticated, Refusal> {
    let presented = presented(request).ok_or(Refusal::ParameterMissing("client_id"))?;
    let client = find(&presented.id)?;
    if let Some(problem) = presented.problem {
        return Err(problem);
    }
    let confidential = client.is_confidential();
    let assertion_id = match presented.proof {
        Some(_) if !confidential => return Err(Refusal::SecretFromPublicClient),
        None if confidential => return Err(Refusal::SecretMissing),
        Some(assertion) if presented.method == AuthenticationMethod::PrivateKeyJwt => {
            Some(client_assertion::verify(&client, &assertion, expected)?)
        }
        Some(secret) if client.secret.as_ref() != Some(&secret) => return Err(Refusal::SecretWrong),
        Some(_) if expected.secrets_expired || has_expired(&client, expected.now) => {
            return Err(Refusal::SecretExpired);
        }
        _ => None,
    };
    if !client.methods.contains(&presented.method) {
        return Err(Refusal::AuthenticationMethod);
    }
    Ok(Authenticated { client, assertion_id })
}

#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
fn has_expired(client: &RegisteredClient, now: f64) -> bool {
    client.secret_expires_at.is_some_and(|at| now >= at as f64)
}

/// Finds a client by id. Entra without a list of clients knows every GUID, as a public client.
pub(crate) fn find(
    dialect: Dialect,
    clients: &[RegisteredClient],
    id: &str,
) -> Result<RegisteredClient, Refusal> {
    match clients.iter().find(|client| client.id == id) {
        Some(client) => Ok(client.clone()),
        None if dialect == Dialect::Entra && clients.is_empty() && random::is_guid(id) => {
            Ok(RegisteredClient::public(id))
        }
        None => Err(Refusal::UnknownClient),
    }
}

/// `Basic`: id and secret are form-url-encoded before they are joined (section 2.3.1), so that a colon in either
/// cannot move the border. The secret is `None` if it was not encoded.
fn basic(header: &str) -> Option<(String, Option<String>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)))
}

/// Decodes one value. A raw `&` or `=` cannot come out of a form encoder, so it is no value.
fn form_decode(value: &str) -> Option<String> {
    if value.contains(['&', '=']) {
        return None;
    }
    form_urlencoded::parse(format!("v={value}").as_bytes()).next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::AUTHORIZATION;

    use super::*;

    const SECRET: &str = "s3cret:with%special+chars &=";
    const ENCODED: &str = "s3cret%3Awith%25special%2Bchars+%26%3D";

    const EXPECTED: Expected<'static> =
        Expected { endpoint: "", issuer: "", now: 0.0, secrets_expired: false };

    fn by_header(id: &str, secret: &str) -> Request {
        let value = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        Request::form("/token", &[]).with_header(AUTHORIZATION, &value)
    }

    fn by_post(form: &[(&str, &str)]) -> Request {
        Request::form("/token", form)
    }

    #[test]
    fn the_default_clients() {
        let (id, secret) = ("client_id", "client_secret");
        for (request, expected) in [
            (by_post(&[(id, "public")]), Ok("public")),
            (by_post(&[(id, "public"), (secret, "x")]), Err(Refusal::SecretFromPublicClient)),
            (by_post(&[(id, "stranger")]), Err(Refusal::UnknownClient)),
            (by_post(&[]), Err(Refusal::ParameterMissing("client_id"))),
            (by_post(&[(id, "confidential-post"), (secret, SECRET)]), Ok("confidential-post")),
            (by_post(&[(id, "confidential-post"), (secret, "x")]), Err(Refusal::SecretWrong)),
            (by_post(&[(id, "confidential-post")]), Err(Refusal::SecretMissing)),
            (by_post(&[(id, "confidential-basic"), (secret, SECRET)]), Err(Refusal::AuthenticationMethod)),
            (by_header("confidential-basic", ENCODED), Ok("confidential-basic")),
            (by_header("confidential-post", ENCODED), Err(Refusal::AuthenticationMethod)),
            (by_header("confidential-basic", SECRET), Err(Refusal::SecretWrong)),
        ] {
            let clients = RegisteredClient::defaults();
            let answer = authenticate(|id| find(Dialect::Plain, &clients, id), &request, &EXPECTED);
            assert_eq!(answer.map(|found| found.client.id), expected.map(Into::into), "{request:?}");
        }
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        let clients = RegisteredClient::defaults();
        let mut both = by_post(&[("client_secret", SECRET)]);
        both = both
            .with_header(AUTHORIZATION, by_header("confidential-basic", ENCODED).authorization().unwrap());
        let refused = Err(Refusal::AuthenticationMethod);
        assert_eq!(authenticate(|id| find(Dialect::Plain, &clients, id), &both, &EXPECTED), refused);
    }

    #[test]
    fn entra_takes_any_guid_until_it_has_a_list() {
        let guid = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
        assert!(find(Dialect::Entra, &[], guid).is_ok());
        assert_eq!(find(Dialect::Entra, &[], "public"), Err(Refusal::UnknownClient));
        assert_eq!(find(Dialect::Entra, &RegisteredClient::defaults(), guid), Err(Refusal::UnknownClient));
        assert_eq!(find(Dialect::Plain, &[], guid), Err(Refusal::UnknownClient));
    }
}
