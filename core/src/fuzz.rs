//! What strangers write, and what must hold whatever they write: one function for each reader of foreign
//! bytes. `fuzz/` feeds them for hours; `cargo test` runs each over its corpus.
//!
//! Each takes bytes, calls the reader, and asserts more than that it returns: what is accepted has its form,
//! what is written back reads as the same, and what is said of an answer does not depend on the secrets in it.
//!
//! This room stands above all others and none may name it. It is in no program: only tests and fuzzers
//! compile it.

// An assertion that does not hold ends the run with its input; so does what cannot be had.
#![allow(clippy::expect_used, clippy::panic)]

mod shown;

use std::collections::BTreeSet;

use url::{Url, form_urlencoded};

use self::shown::{assert_clean, assert_one_line, assert_secrets_do_not_show};
use crate::flow::registered_redirect_uri;
use crate::protocol::{
    AuthorizationResponse, AuthorizationServerMetadata, Challenge, Client, ClientAuthentication, DevicePoll,
    ExpectedResponse, Grant, ResponseRejection, TokenDialect, TokenEndpointError, TokenRequest,
    TokenResponse, TokenType, classify_device_poll, parse_authorization_response,
    parse_device_authorization_response, parse_metadata, parse_token_response, well_known_urls,
};
use crate::provider::{Authority, ProviderDefinition, endpoints};
use crate::secret::Secret;
use crate::transport::is_loopback;

pub use crate::store::fuzz::vault_record;

/// A reader's name, which is that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 7] = [
    ("callback", callback),
    ("token_response", token_response),
    ("www_authenticate", www_authenticate),
    ("metadata", metadata),
    ("provider_file", provider_file),
    ("vault_record", vault_record),
    ("device_response", device_response),
];

/// The query or the form that comes to the redirect URI (RFC 6749 4.1.2, RFC 9207 2.4).
pub fn callback(data: &[u8]) {
    const STATE: &str = "state-1";
    const ISSUER: &str = "https://as.example";
    // As the loopback listener reads a form post; a query is ASCII already.
    let text = String::from_utf8_lossy(data);
    let (state, another) = (Secret::new(STATE), Secret::new("state-2"));
    let strict = ExpectedResponse { state: &state, issuer: Some(ISSUER), iss_required: true, further: &[] };
    let lax = ExpectedResponse { state: &state, issuer: None, iss_required: false, further: &[] };
    let outcome = parse_authorization_response(&text, &lax);

    let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let values = |name: &str| -> Vec<&str> {
        pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    };
    match &outcome {
        Ok(AuthorizationResponse::Code { code, .. }) => {
            assert_eq!((values("state"), values("code")), (vec![STATE], vec![code.expose()]));
            assert!(is_printable(code.expose()));
        }
        Ok(AuthorizationResponse::Error(error)) => {
            assert_eq!(values("state"), [STATE]);
            let texts = [Some(&error.error), error.description.as_ref(), error.uri.as_ref()];
            texts.into_iter().flatten().chain(&error.suberror).for_each(|text| assert_clean(text));
        }
        Err(_) => {}
    }
    // No answer is that of two logins, and a server that always names itself is held to it.
    if outcome.is_ok() {
        let others = ExpectedResponse { state: &another, ..lax };
        let refused = parse_authorization_response(&text, &others);
        assert_eq!(refused, Err(ResponseRejection::StateMismatch));
    }
    match parse_authorization_response(&text, &strict) {
        Err(ResponseRejection::IssuerMissing | ResponseRejection::IssuerMismatch) => {}
        held => assert!(held == outcome && (held.is_err() || values("iss") == [ISSUER])),
    }
    // The order of parameters means nothing.
    let mut turned = form_urlencoded::Serializer::new(String::new());
    turned.extend_pairs(pairs.iter().rev());
    assert_eq!(parse_authorization_response(&turned.finish(), &lax), outcome);
    // Every code that RFC 6749 A.11 knows arrives as it was sent, and no other.
    let mut sent = form_urlencoded::Serializer::new(String::new());
    sent.append_pair("code", &text).append_pair("state", STATE);
    let arrived = parse_authorization_response(&sent.finish(), &lax);
    let good = !text.is_empty() && is_printable(&text) && text.len() <= 16 * 1024;
    assert_eq!(
        arrived == Ok(AuthorizationResponse::Code { code: Secret::new(text), further: Default::default() }),
        good
    );
}

/// The answer to a token request: a line with the status and the content type, and the body.
pub fn token_response(data: &[u8]) {
    let (status, content_type, body) = answer(data);
    match parse_token_response(status, content_type, body, ' ', &TokenDialect::default(), TokenType::Bearer) {
        Ok(response) => {
            assert!((200..300).contains(&status));
            check_token_response(&response);
        }
        Err(error) => check_endpoint_error(status, &error),
    }
    check_quoted_secret(&String::from_utf8_lossy(body));
    let read = |body: &[u8]| {
        format!(
            "{:?}",
            parse_token_response(
                status,
                content_type,
                body,
                ' ',
                &TokenDialect::default(),
                TokenType::Bearer
            )
        )
    };
    assert_secrets_do_not_show(content_type, body, read);
}

/// The answers of a device authorization endpoint and to a poll, in the form of [`token_response`].
pub fn device_response(data: &[u8]) {
    let (status, content_type, body) = answer(data);
    match parse_device_authorization_response(status, content_type, body) {
        Ok(answer) => {
            check_token(&answer.device_code);
            assert!(is_printable(&answer.user_code) && (1..=64).contains(&answer.user_code.len()));
            assert_eq!(answer.user_code.trim(), answer.user_code);
            for address in [Some(&answer.verification_uri), answer.verification_uri_complete.as_ref()] {
                let Some(address) = address else { continue };
                let url = Url::parse(address).expect("an address for a browser is a URL");
                assert!(matches!(url.scheme(), "http" | "https") && url.username().is_empty());
                assert!(address.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            assert!((1..=86_400).contains(&answer.expires_in) && (1..=300).contains(&answer.interval));
            answer.message.iter().for_each(|message| assert_one_line(message));
        }
        Err(error) => check_endpoint_error(status, &error),
    }
    let granted =
        parse_token_response(status, content_type, body, ' ', &TokenDialect::default(), TokenType::Bearer)
            .is_ok();
    match classify_device_poll(status, content_type, body, ' ', &TokenDialect::default(), TokenType::Bearer) {
        DevicePoll::Granted(response) => check_token_response(&response),
        DevicePoll::SlowDown { interval } => {
            assert!(!granted && interval.is_none_or(|seconds| (1..=300).contains(&seconds)));
        }
        DevicePoll::Failed(error) => {
            assert!(!granted);
            check_endpoint_error(status, &error);
        }
        DevicePoll::Pending | DevicePoll::Denied(_) | DevicePoll::Expired(_) => assert!(!granted),
    }
    let read = |body: &[u8]| {
        let poll = classify_device_poll(
            status,
            content_type,
            body,
            ' ',
            &TokenDialect::default(),
            TokenType::Bearer,
        );
        format!("{:?} {poll:?}", parse_device_authorization_response(status, content_type, body))
    };
    assert_secrets_do_not_show(content_type, body, read);
}

/// `WWW-Authenticate` of a response, a header a line.
pub fn www_authenticate(data: &[u8]) {
    let headers: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let challenges = Challenge::parse_all(&headers);
    // No header changes what another one says.
    let mut alone: Vec<_> = headers.iter().flat_map(|header| Challenge::parse_all([header])).collect();
    alone.truncate(challenges.len());
    assert!(challenges == alone && challenges.len() <= 16);
    for challenge in challenges {
        assert!(!challenge.scheme.is_empty() && challenge.scheme == challenge.scheme.to_ascii_lowercase());
        let texts = [&challenge.realm, &challenge.error, &challenge.error_description, &challenge.error_uri];
        texts.into_iter().flatten().for_each(|text| assert_clean(text));
        let names: BTreeSet<&str> = challenge.others.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.len() == challenge.others.len() && !names.contains("error"));
        let written = written(&challenge);
        // Quotes that were not there before may make it too long.
        if written.len() <= 16 * 1024 {
            assert_eq!(Challenge::parse_all([&written]), std::slice::from_ref(&challenge), "{written}");
        }
        if let Some(json) = challenge.claims_json() {
            let object: serde_json::Map<_, _> = serde_json::from_str(&json).expect("claims are an object");
            assert!(object.len() <= json.len());
        }
    }
}

/// A challenge as RFC 9110 11.6.1 writes it, with every value quoted.
fn written(challenge: &Challenge) -> String {
    let scope = challenge.scope.as_ref().map(|scope| scope.to_wire(' '));
    let known = [
        ("realm", challenge.realm.as_deref()),
        ("error", challenge.error.as_deref()),
        ("error_description", challenge.error_description.as_deref()),
        ("error_uri", challenge.error_uri.as_deref()),
        ("scope", scope.as_deref()),
        ("claims", challenge.claims.as_deref()),
        ("resource_metadata", challenge.resource_metadata.as_ref().map(Url::as_str)),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let others = challenge.others.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let quoted = known
        .chain(others)
        .map(|(name, value)| format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{} {}", challenge.scheme, quoted.collect::<Vec<_>>().join(", ")).trim_end().to_owned()
}

/// A metadata document: a line with the issuer that it was asked of, and the document.
pub fn metadata(data: &[u8]) {
    let (line, document) = first_line(data);
    let Ok(issuer) = std::str::from_utf8(line) else { return };
    if let Ok(url) = Url::parse(issuer)
        && matches!(url.scheme(), "http" | "https")
    {
        let urls = well_known_urls(&url);
        assert!(urls.iter().all(|own| own.origin() == url.origin() && own.path().contains("/.well-known/")));
    }
    match parse_metadata(issuer, document) {
        Ok(found) => {
            assert!(found.issuer == issuer || found.issuer.contains("{tenantid}"));
            let endpoints = [
                &found.authorization_endpoint,
                &found.device_authorization_endpoint,
                &found.revocation_endpoint,
            ];
            for url in endpoints.into_iter().flatten().chain([&found.token_endpoint]) {
                assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
                assert!(url.fragment().is_none());
            }
            // A document speaks for one issuer alone (RFC 8414 3.3).
            let other = "https://other.example";
            assert!(issuer == other || parse_metadata(other, document).is_err());
            assert_eq!(parse_metadata(issuer, document_of(&found).as_bytes()), Ok(found));
        }
        Err(error) => {
            assert_one_line(error.message());
            assert!(error.message().len() <= issuer.len() + 1200);
        }
    }
}

/// The members of a document that are read, as RFC 8414 2 writes them.
fn document_of(found: &AuthorizationServerMetadata) -> String {
    serde_json::json!({
        "issuer": found.issuer,
        "authorization_endpoint": found.authorization_endpoint,
        "token_endpoint": found.token_endpoint,
        "device_authorization_endpoint": found.device_authorization_endpoint,
        "revocation_endpoint": found.revocation_endpoint,
        "scopes_supported": found.scopes_supported,
        "code_challenge_methods_supported": found.code_challenge_methods_supported,
        "response_modes_supported": found.response_modes_supported,
        "token_endpoint_auth_methods_supported": found.token_endpoint_auth_methods_supported,
        "grant_types_supported": found.grant_types_supported,
        "authorization_response_iss_parameter_supported":
            found.authorization_response_iss_parameter_supported,
    })
    .to_string()
}

/// A provider's file, as somebody may hand it on.
pub fn provider_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let definition = match ProviderDefinition::parse("p.toml", text) {
        Ok(definition) => definition,
        Err(error) => {
            assert_one_line(error.message());
            assert!(error.code() == "config_invalid" && error.message().starts_with("p.toml"));
            return;
        }
    };
    assert_one_line(&definition.display_name);
    // A shell reads it: `tokenkeep export`.
    let variable = &definition.access_token_variable;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    assert!(!variable.is_empty() && variable.bytes().all(word) && !variable.starts_with(char::is_numeric));
    // The listener compares the path to the letter with what a browser asks for.
    let redirect = Url::parse(&registered_redirect_uri(&definition.redirect)).expect("a redirect URI");
    assert!(redirect.fragment().is_none());
    if definition.redirect.loopback {
        assert_eq!(redirect.path(), definition.redirect.path);
        assert!(is_loopback(&redirect) && redirect.query().is_none());
    } else {
        assert_eq!(redirect.scheme(), "https");
    }
    // Wherever an endpoint leads, a token only goes there over TLS or stays on this machine.
    let values = crate::provider::values::asked(&definition, &Default::default(), None).unwrap_or_default();
    let clouds = definition.authority.iter().flat_map(|authority| authority.clouds.keys()).map(Some);
    for cloud in clouds.chain([None]) {
        let authority = definition
            .authority
            .as_ref()
            .map(|authority| Authority::resolve(authority, Some("common"), cloud.map(String::as_str)));
        let Ok(authority) = authority.transpose() else { continue };
        let Ok(found) = endpoints::from_definition(&definition, authority.as_ref(), &values) else {
            continue;
        };
        let optional = [found.authorization, found.device_authorization, found.revocation];
        for url in optional.into_iter().flatten().chain([found.token]) {
            assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)), "{url}");
            assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        }
    }
}

/// RFC 6749 5.1, as it is handed on.
fn check_token_response(response: &TokenResponse) {
    check_token(&response.access_token);
    response.refresh_token.iter().chain(&response.id_token).for_each(check_token);
    assert_eq!(response.token_type, "Bearer");
    assert!(response.expires_in.is_none_or(|seconds| (0..=315_360_000).contains(&seconds)));
    assert!(response.refresh_in.is_none_or(|seconds| (1..=315_360_000).contains(&seconds)));
    if let Some(scope) = &response.scope {
        assert!(!scope.is_empty());
        let again = crate::scope::ScopeSet::from_wire(&scope.to_wire(' '), ' ');
        assert_eq!(&again, scope);
    }
}

/// A token goes into a header or a form as it is.
fn check_token(token: &Secret) {
    let token = token.expose();
    assert!(is_printable(token) && token.trim() == token && (1..=128 * 1024).contains(&token.len()));
    assert!(http::HeaderValue::from_str(&format!("Bearer {token}")).is_ok());
}

/// What is said of an answer that gave no token.
fn check_endpoint_error(status: u16, error: &TokenEndpointError) {
    const ENDED: [&str; 5] = [
        "invalid_grant",
        "bad_refresh_token",
        "invalid_refresh_token",
        "login_required",
        "account_selection_required",
    ];
    let made = error.to_error("the refresh");
    assert_one_line(made.message());
    if let TokenEndpointError::Oauth(oauth) = error {
        let texts = [&oauth.description, &oauth.uri, &oauth.suberror, &oauth.trace_id, &oauth.correlation_id];
        texts.into_iter().flatten().chain([&oauth.error]).for_each(|text| assert_clean(text));
        // A grant ends by a name that says so, and never at the word of a server that fails.
        let ends = made.code() == "login_required";
        assert!(!ends || (status < 500 && ENDED.contains(&oauth.error.as_str())));
    } else {
        assert!(made.code() != "login_required" && made.message().len() < 120);
    }
}

/// A server may quote what it was sent, anywhere in a text of any length.
fn check_quoted_secret(around: &str) {
    const SENT: &str = "canary-refresh-1";
    if around.contains("canary") {
        return;
    }
    let endpoint = Url::parse("https://as.example/token").expect("a URL");
    let (sent, authentication) = (Secret::new(SENT), ClientAuthentication::None);
    let request = TokenRequest {
        endpoint: &endpoint,
        client: Client { client_id: "c1", authentication, client_secret: None, client_assertion: None },
        grant: Grant::RefreshToken { refresh_token: &sent, scopes: None },
        scope_separator: ' ',
        dialect: &TokenDialect::default(),
        extra: &[],
    };
    // Somewhat more than is kept of a text: there the secret may be cut.
    let around: String = around.chars().take(1100).collect();
    let text = format!("{around} {SENT}, sorry");
    let body =
        serde_json::json!({"error": text, "error_description": text, "suberror": text, "claims": text});
    let Err(error) = parse_token_response(
        400,
        None,
        body.to_string().as_bytes(),
        ' ',
        &TokenDialect::default(),
        TokenType::Bearer,
    ) else {
        panic!("an error is one");
    };
    let error = request.clean(error);
    let made = error.to_error("the refresh");
    let said = format!("{error:?} {made:?} {:?} {:?}", made.kind(), made.server());
    assert!(!said.contains("canary"), "{said}");
}

/// The status, the content type and the body: `200 application/json`, a line break, and the body.
fn answer(data: &[u8]) -> (u16, Option<&str>, &[u8]) {
    let (line, body) = first_line(data);
    let line = std::str::from_utf8(line).unwrap_or_default();
    let (status, content_type) = line.split_once(' ').unwrap_or((line, ""));
    (status.parse().unwrap_or(200), Some(content_type).filter(|text| !text.is_empty()), body)
}

fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (&data[..end], data.get(end + 1..).unwrap_or_default())
}

/// RFC 6749 appendix A: `VSCHAR`.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

#[cfg(test)]
mod tests;
