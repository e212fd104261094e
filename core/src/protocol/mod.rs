//! The wire: every OAuth message as a value, built or read.
//!
//! Value in, value out. May not enter: a clock (the time is an argument), the network (a request is an
//! `http::Request<Vec<u8>>`, an answer is a status, a content type and bytes), the store, randomness
//! (random bytes are an argument; but for a key and the salt of a signature, which the library draws by itself). Only this room names the `oauth2` crate, and only for requests: its
//! response parsing keeps raw bodies in its errors.
//!
//! | Standard | Sections | File |
//! |---|---|---|
//! | RFC 6749 | 2.3.1 client authentication | [`client_auth`] |
//! | RFC 6749 | 3.1, 4.1.1, 4.1.2 authorization request and response | [`authorization`] |
//! | RFC 6749 | 4.1.3, 4.4, 5.1, 5.2, 6 token request and response | [`token_endpoint`] |
//! | RFC 6749 | 4.1.2.1, 5.2 errors, with Microsoft's members | [`oauth_error`], [`endpoint_error`] |
//! | none: Microsoft's numbers | what they mean to a person | [`aadsts`] |
//! | RFC 6749 | appendix B form bodies, and answers that should have been JSON | `form`, `body` |
//! | none: providers' own ways | what differs at the token endpoint and in revocation | [`dialect`], `spoken` |
//! | RFC 6750, RFC 9110, RFC 9728 | 3, 11.6.1, 5.1 what an API says when it refuses | [`challenge`] |
//! | Microsoft | admin consent | [`admin_consent`] |
//! | RFC 7009 | revocation | [`revocation`] |
//! | RFC 7515 | 7.1 what is signed | `jws` |
//! | RFC 7523 | 2.2, 3 a private key as the client's proof | [`client_assertion`], [`client_key`], `der` |
//! | RFC 7591, RFC 7592 | 2, 3; 2.3 a client that registers itself | [`client_metadata`], [`client_registration_request`] |
//! | RFC 7636 | PKCE | [`pkce`] |
//! | RFC 8414, OIDC Discovery 1.0 | authorization server metadata | [`metadata`] |
//! | RFC 8628 | device authorization | [`device`] |
//! | RFC 8707, RFC 9728 | 2, 2 and 3 the name of a protected resource, and its metadata | [`protected_resource`] |
//! | RFC 9126 | 2, 4 pushed authorization requests | [`pushed_authorization`] |
//! | RFC 9207 | `iss` in the authorization response | [`authorization`] |
//! | RFC 9449 | DPoP: the key, the proof, the nonce | [`dpop`] |
//! | OIDC Core 1.0 | 2, 3.1.3.7, 12.2 the id_token as a statement of who logged in | [`id_token`] |
//! | OIDC Core 1.0 | 5.5 claims that are asked for, with Microsoft's capabilities | [`claims`] |
//!
//! A reader of an answer is lenient where a server's habit does no harm (a string for a number, a form
//! for JSON, unknown members) and strict where it does (repeats, an odd token type, bytes that do not
//! belong into a header). No error holds any part of a body but the members that RFC 6749 5.2 means for
//! people, shortened, on one line, with whatever looks like a token taken out.

pub mod aadsts;
pub mod admin_consent;
pub mod authorization;
mod body;
pub mod challenge;
pub mod claims;
pub mod client_assertion;
pub mod client_auth;
pub mod client_key;
pub mod client_metadata;
pub mod client_registration_request;
mod der;
pub mod device;
pub mod dialect;
pub mod dpop;
pub mod endpoint_error;
mod form;
pub mod id_token;
mod jws;
pub mod metadata;
pub mod oauth_error;
pub mod pkce;
pub mod protected_resource;
pub mod pushed_authorization;
pub mod revocation;
mod spoken;
pub mod token_endpoint;

pub use aadsts::advised;
pub use admin_consent::{AdminConsentResponse, AdminConsentUrl, parse_admin_consent};
pub use authorization::{
    AuthorizationRequest, AuthorizationResponse, ExpectedResponse, ResponseMode, ResponseRejection,
    parse_authorization_response,
};
pub use challenge::{Challenge, Remedy};
pub use client_assertion::ClientAssertion;
pub use client_auth::{Client, ClientAuthentication};
pub use client_key::ClientKey;
pub use client_metadata::{ClientMetadata, ClientMetadataUrl, ServerAbilities};
pub use client_registration_request::{
    ClientDeletion, ClientDeletionRequest, ClientRegistrationRequest, RegisteredClient,
    classify_client_deletion, parse_client_registration,
};
pub use device::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse, DevicePoll, classify_device_poll,
    parse_device_authorization_response,
};
pub use dialect::{
    BodyFormat, CodeChallenge, RevocationMethod, Rotation, RotationClass, TokenDialect, is_default,
};
pub use dpop::{DPOP, DPOP_ALGORITHM, DpopKey, DpopProof, dpop_nonce, is_nonce, wants_dpop_nonce};
pub use endpoint_error::TokenEndpointError;
pub use form::is_protocol_parameter;
pub use id_token::{
    ExpectedIdToken, ExpectedTenant, OriginalIdentity, check_id_token, check_refreshed, is_guid,
    parse_client_info, parse_id_token,
};
pub use metadata::{AuthorizationServerMetadata, parse_metadata, parse_tenant, well_known_urls};
pub use oauth_error::OauthError;
pub use pkce::CodeVerifier;
pub use protected_resource::{
    ProtectedResourceMetadata, is_same_resource, of_target, origin_of, parse_resource_metadata,
    resource_address, resource_indicator, resource_metadata_urls,
};
pub use pushed_authorization::{PushedAuthorizationRequest, parse_pushed_authorization};
pub use revocation::{RevocationOutcome, RevocationRequest, TokenKind, classify_revocation};
pub use token_endpoint::{
    Grant, TokenRequest, TokenResponse, TokenType, further_member, parse_token_response,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::secret::Secret;
    use proptest::prelude::*;

    /// Every reader of the room on one body; what they say, for a look at what it gives away.
    fn read_everything(status: u16, content_type: Option<&str>, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        let dialect = TokenDialect::default();
        let state = Secret::new("s1");
        let expected = ExpectedResponse {
            state: &state,
            issuer: Some("https://as.example"),
            iss_required: true,
            further: &[],
        };
        let document = url::Url::parse("https://mcp.example/.well-known/oauth-protected-resource").unwrap();
        let client = ClientMetadata::to_register("http://127.0.0.1/cb", ServerAbilities::default(), false);
        let token = parse_token_response(status, content_type, body, ' ', &dialect, TokenType::Bearer);
        let bound = parse_token_response(status, content_type, body, ' ', &dialect, TokenType::Dpop);
        let error = token.as_ref().err().map(|error| error.to_error("context"));
        let id_token = parse_id_token(&Secret::new(text.clone())).map(|claims| {
            let now = Timestamp::from_unix(0);
            check_id_token(
                &claims,
                &ExpectedIdToken { issuer: None, tenant: None, client_id: "c1", nonce: None, now },
            )
        });
        format!(
            "{:?}",
            (
                (token, bound, error, parse_device_authorization_response(status, content_type, body)),
                (
                    classify_device_poll(status, content_type, body, ',', &dialect, TokenType::Bearer),
                    classify_revocation(status, body)
                ),
                (parse_authorization_response(&text, &expected), parse_metadata("https://as.example", body)),
                parse_resource_metadata("https://mcp.example/mcp", &document, body),
                (id_token.is_ok(), parse_client_info(&text), parse_admin_consent(&text, &state)),
                (
                    parse_client_registration(&client, status, content_type, body),
                    classify_client_deletion(status, content_type, body),
                    parse_pushed_authorization(status, content_type, body),
                ),
            )
        )
    }

    const CONTENT_TYPES: [Option<&str>; 4] =
        [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("text/html")];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn no_reader_panics_on_bytes(
            status in 0_u16..700,
            content_type in prop::sample::select(&CONTENT_TYPES[..]),
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            read_everything(status, content_type, &body);
        }

        #[test]
        fn no_reader_panics_on_what_looks_right(
            status in prop::sample::select(&[200_u16, 400, 401, 403, 428, 429, 500, 503][..]),
            content_type in prop::sample::select(&CONTENT_TYPES[..]),
            body in concat!(
                "[{<]?(\"?(access_token|error|state|code|iss|expires_in|device_code|aud|client_id|request_uri)\"?[:=]",
                "[\"\\[{%é0-9a-zA-Z.+e-]{0,12}[,&}\"]*){0,5}",
            ),
        ) {
            read_everything(status, content_type, body.as_bytes());
        }

        /// An answer with secrets in it, damaged in one place: whatever is then said of it, the secrets
        /// are not in it.
        #[test]
        fn nothing_that_is_said_holds_a_secret(
            status in prop::sample::select(&[200_u16, 400, 500][..]),
            form in any::<bool>(),
            cut in 0_usize..300,
            damage in prop::option::of((0_usize..300, any::<u8>())),
        ) {
            let (content_type, mut body) = if form {
                let body =
                    "access_token=canary&refresh_token=canary&device_code=canary&id_token=canary&x=1";
                (CONTENT_TYPES[2], body.as_bytes().to_vec())
            } else {
                let body = r#"{"access_token":"canary","refresh_token":"canary",
                    "device_code":"canary","id_token":"canary","expires_in":1,"client_id":"c1",
                    "client_secret":"canary","registration_access_token":"canary",
                    "registration_client_uri":"https://as.example/c1"}"#;
                (CONTENT_TYPES[1], body.as_bytes().to_vec())
            };
            if let Some((at, byte)) = damage
                && let Some(damaged) = body.get_mut(at)
            {
                *damaged = byte;
            }
            body.truncate(body.len().saturating_sub(cut.saturating_sub(100)));
            prop_assert!(!read_everything(status, content_type, &body).contains("canary"));
        }
    }
}
