//! Every reason to say no, in one table: the error code of the RFC, Entra's number, the sentence.

use crate::oauth_error::OAuthError;
use crate::options::Dialect;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    AccessDenied,
    AssertionAudience,
    AssertionExpired,
    AssertionMalformed,
    AssertionOfOtherClient,
    AssertionReplayed,
    AssertionSignature,
    AuthenticationMethod,
    AuthorizationPending,
    ChallengeInvalid,
    ChallengeMissing,
    ClientDocumentInvalid,
    ClientMetadataInvalid,
    CodeExpired,
    CodeOfOtherClient,
    CodeOfOtherTenant,
    CodeUnknown,
    CodeUsedTwice,
    ConsentMissing,
    DeviceCodeExpired,
    DeviceCodeUnknown,
    DeviceDeclined,
    GrantTypeUnregistered,
    GrantTypeUnsupported,
    InternalError,
    InvalidTarget,
    LoginRequired,
    MethodNotPost,
    NonceWanted,
    NotAForm,
    OriginHeader,
    ParameterMissing(&'static str),
    ParameterRepeated,
    ProofInvalid,
    ProofMissing,
    ProofOfOtherKey,
    ProofReplayed,
    PublicClientAsItself,
    QueryInUri,
    RedirectUriInvalid,
    RedirectUriMismatch,
    RedirectUriRefused,
    RefreshTokenOfOtherClient,
    RefreshTokenOfOtherTenant,
    RefreshTokenReplayed,
    RefreshTokenRevoked,
    RefreshTokenUnknown,
    RegistrationTokenInvalid,
    RequestNotPushed,
    RequestUriInvalid,
    ResourceParameter,
    ResponseModeUnsupported,
    ResponseTypeUnsupported,
    ScopeEmptyForCode,
    ScopeExceedsGrant,
    ScopeInvalid,
    ScopeNotDefault,
    ScopesOfTwoResources,
    SecretExpired,
    SecretFromPublicClient,
    SecretMissing,
    SecretWrong,
    SlowDown,
    /// With the claims that an authorization must ask for.
    StepUp(String),
    TenantMalformed,
    TenantMissing,
    TenantOfPeople,
    TenantUnknown,
    TenantWithoutMetadata,
    UnknownClient,
    VerifierMalformed,
    VerifierMismatch,
}

/// The error codes of RFC 6749, sections 4.1.2.1 and 5.2.
const REQUEST: &str = "invalid_request";
const CLIENT: &str = "invalid_client";
const GRANT: &str = "invalid_grant";
const SCOPE: &str = "invalid_scope";
/// That of RFC 9449, section 5.
const PROOF: &str = "invalid_dpop_proof";

impl Refusal {
    /// The table: error, Entra's error where it differs, Entra's number (0: it has none), the sentence.
    fn row(&self) -> (&'static str, Option<&'static str>, u32, &'static str) {
        match self {
            Self::AccessDenied => ("access_denied", None, 65004, "The person declined to consent."),
            Self::AssertionAudience => {
                (CLIENT, None, 700_023, "The audience of the assertion is not this token endpoint.")
            }
            Self::AssertionExpired => (CLIENT, None, 700_024, "The assertion is not within its time."),
            Self::AssertionMalformed => (CLIENT, None, 50027, "The assertion is no JWT that can be used."),
            Self::AssertionOfOtherClient => {
                (CLIENT, None, 700_021, "The assertion is not about the client that sent it.")
            }
            Self::AssertionReplayed => (CLIENT, None, 50027, "The assertion was used before."),
            Self::AssertionSignature => {
                (CLIENT, None, 700_027, "The assertion is not signed with a key of this client.")
            }
            Self::AuthenticationMethod => (CLIENT, None, 7_000_218, "Not the method this client registered."),
            Self::AuthorizationPending => {
                ("authorization_pending", None, 70016, "The person has not finished.")
            }
            Self::ChallengeInvalid => (REQUEST, None, 50147, "The code_challenge is not one of S256."),
            Self::ChallengeMissing => (REQUEST, None, 9_002_325, "Proof Key for Code Exchange is required."),
            Self::ClientDocumentInvalid => {
                (CLIENT, None, 0, "The client's document is not one of this client.")
            }
            Self::ClientMetadataInvalid => (
                "invalid_client_metadata",
                None,
                0,
                "A member of the client's metadata is not one to register.",
            ),
            Self::CodeExpired => (GRANT, None, 70008, "The authorization code has expired."),
            Self::CodeOfOtherClient => (GRANT, None, 70000, "The code was issued to another client."),
            Self::CodeOfOtherTenant => (GRANT, None, 700_005, "The code was issued at another tenant."),
            Self::CodeUnknown => (GRANT, None, 9_002_313, "The authorization code is malformed or invalid."),
            Self::CodeUsedTwice => (GRANT, None, 54005, "The authorization code was already redeemed."),
            Self::ConsentMissing => {
                (GRANT, None, 65001, "Nobody has consented to use the application with these scopes.")
            }
            Self::DeviceCodeExpired => ("expired_token", None, 70020, "The device code has expired."),
            Self::DeviceCodeUnknown => {
                (GRANT, Some("bad_verification_code"), 7_000_014, "The device code is not recognised.")
            }
            Self::DeviceDeclined => {
                ("access_denied", Some("authorization_declined"), 65004, "The person declined the device.")
            }
            Self::GrantTypeUnregistered => {
                ("unauthorized_client", None, 0, "The client did not register for this grant type.")
            }
            Self::GrantTypeUnsupported => {
                ("unsupported_grant_type", None, 70003, "The grant type is not supported.")
            }
            Self::InternalError => ("server_error", None, 90006, "The server could not sign."),
            Self::InvalidTarget => {
                ("invalid_target", None, 500_011, "The resource is not known, or not that of the grant.")
            }
            Self::LoginRequired => ("login_required", None, 50058, "Nobody is signed in to answer silently."),
            Self::MethodNotPost => (REQUEST, None, 900_561, "The endpoint only accepts POST."),
            Self::NonceWanted => {
                ("use_dpop_nonce", None, 0, "The proof must carry the nonce of this answer.")
            }
            Self::NotAForm => (REQUEST, None, 9_002_313, "The body is not form-encoded."),
            Self::OriginHeader => {
                (REQUEST, None, 9_002_326, "Cross-origin redemption is for single-page applications only.")
            }
            Self::ParameterMissing(_) => (REQUEST, None, 900_144, "The request must contain a parameter: "),
            Self::ParameterRepeated => (REQUEST, None, 90023, "A parameter is included more than once."),
            Self::ProofInvalid => (PROOF, None, 0, "The proof of possession is not one of this request."),
            Self::ProofMissing => (PROOF, None, 0, "A proof of possession is wanted."),
            Self::ProofOfOtherKey => (GRANT, None, 0, "The grant is bound to another key."),
            Self::ProofReplayed => (PROOF, None, 0, "The proof of possession was used before."),
            Self::PublicClientAsItself => (
                "unauthorized_client",
                Some(CLIENT),
                7_000_218,
                "Only a client with a secret asks for itself.",
            ),
            Self::QueryInUri => (REQUEST, None, 9_002_313, "Parameters belong in the body, not in the URI."),
            Self::RedirectUriInvalid => {
                (REQUEST, None, 50011, "The redirect URI is not one of the client's.")
            }
            Self::RedirectUriMismatch => {
                (GRANT, None, 50011, "The redirect URI is not that of the authorization request.")
            }
            Self::RedirectUriRefused => {
                ("invalid_redirect_uri", None, 0, "A redirect URI is missing, or not one to register.")
            }
            Self::RefreshTokenOfOtherClient => (GRANT, None, 70000, "The refresh token is another client's."),
            Self::RefreshTokenOfOtherTenant => {
                (GRANT, None, 7_000_012, "The grant was obtained for a different tenant.")
            }
            Self::RefreshTokenReplayed => {
                (GRANT, None, 70000, "The refresh token was used before; the grant ends.")
            }
            Self::RefreshTokenRevoked => {
                (GRANT, None, 50173, "The grant was revoked; a new sign-in is needed.")
            }
            Self::RefreshTokenUnknown => {
                (GRANT, None, 9_002_313, "The refresh token is malformed or invalid.")
            }
            Self::RegistrationTokenInvalid => {
                ("invalid_token", None, 0, "The token does not open this registration.")
            }
            Self::RequestNotPushed => (REQUEST, None, 0, "The request must be pushed first."),
            Self::RequestUriInvalid => (
                "invalid_request_uri",
                None,
                0,
                "The request_uri is unknown, used, expired or another client's.",
            ),
            Self::ResourceParameter => (REQUEST, None, 901_002, "The parameter 'resource' is not supported."),
            Self::ResponseModeUnsupported => (REQUEST, None, 70007, "The response_mode is not supported."),
            Self::ResponseTypeUnsupported => {
                ("unsupported_response_type", None, 70005, "The response_type is not supported.")
            }
            Self::ScopeEmptyForCode => {
                (REQUEST, None, 28003, "The scope may not be empty for a code of several resources.")
            }
            Self::ScopeExceedsGrant => (SCOPE, None, 65001, "The scope exceeds what was granted."),
            Self::ScopeInvalid => (SCOPE, None, 70011, "The scope is not valid; .default stands alone."),
            Self::ScopeNotDefault => {
                (SCOPE, None, 1_002_012, "A client asks for itself with one scope, RESOURCE/.default.")
            }
            Self::ScopesOfTwoResources => {
                (REQUEST, None, 700_022, "The scope contains more than one resource.")
            }
            Self::SecretExpired => (CLIENT, None, 7_000_222, "The client secret has expired."),
            Self::SecretFromPublicClient => {
                (CLIENT, None, 700_025, "The client is public, so no secret should be presented.")
            }
            Self::SecretMissing => (CLIENT, None, 7_000_218, "The request must contain a client secret."),
            Self::SecretWrong => (CLIENT, None, 7_000_215, "The client secret is not valid."),
            Self::SlowDown => ("slow_down", None, 0, "Polling too often; five seconds are added."),
            Self::StepUp(_) => {
                ("interaction_required", None, 50076, "The resource wants multi-factor authentication.")
            }
            Self::TenantMalformed => (REQUEST, None, 900_023, "The tenant is neither an id nor a domain."),
            Self::TenantMissing => (REQUEST, None, 50059, "No tenant is named."),
            Self::TenantOfPeople => {
                (REQUEST, None, 9_001_023, "The grant type wants /organizations or the path of a tenant.")
            }
            Self::TenantUnknown => (REQUEST, None, 90002, "The tenant is not known."),
            Self::TenantWithoutMetadata => ("invalid_tenant", None, 90002, "The tenant is not known."),
            Self::UnknownClient => {
                (CLIENT, Some("unauthorized_client"), 700_016, "The client is not known here.")
            }
            Self::VerifierMalformed => {
                (REQUEST, None, 50147, "The code_verifier has the wrong size or characters.")
            }
            Self::VerifierMismatch => {
                (GRANT, None, 501_481, "The code_verifier does not match the code_challenge.")
            }
        }
    }

    /// The refusal as an error that can be written down.
    pub(crate) fn error(&self, dialect: Dialect) -> OAuthError {
        let (plain, entra, number, text) = self.row();
        let error = if dialect == Dialect::Entra { entra.unwrap_or(plain) } else { plain };
        let description =
            if let Self::ParameterMissing(name) = self { format!("{text}{name}.") } else { text.into() };
        let status = match (error, self) {
            // Section 5.2: 401 may be used for any invalid_client, and must be if Authorization was.
            (CLIENT, _) | (_, Self::RegistrationTokenInvalid) => 401,
            ("server_error", _) => 500,
            (_, Self::MethodNotPost) => 405,
            _ => 400,
        };
        let numbers = if number == 0 { Vec::new() } else { vec![number] };
        let entra = |word: &str| (dialect == Dialect::Entra).then(|| word.to_owned());
        let (suberror, subcode) = match self {
            Self::ConsentMissing => (entra("consent_required"), None),
            Self::StepUp(_) => (entra("basic_action"), None),
            Self::AccessDenied => (None, entra("cancel")),
            _ => (None, None),
        };
        let claims = if let Self::StepUp(claims) = self { Some(claims.clone()) } else { None };
        let error = error.into();
        OAuthError { status, error, description, numbers, suberror, subcode, claims }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entra_has_names_of_its_own() {
        for (refusal, error, status) in [
            (Refusal::DeviceDeclined, "authorization_declined", 400),
            (Refusal::DeviceCodeUnknown, "bad_verification_code", 400),
            (Refusal::UnknownClient, "unauthorized_client", 400),
            (Refusal::SecretFromPublicClient, "invalid_client", 401),
            (Refusal::AuthorizationPending, "authorization_pending", 400),
        ] {
            let written = refusal.error(Dialect::Entra);
            assert_eq!((written.error.as_str(), written.status), (error, status));
        }
    }
}
