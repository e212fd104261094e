//! PKCE as the server checks it (RFC 7636): S256 only, required of every client (RFC 9700, section 2.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::refusal::Refusal;

/// Checks the challenge of an authorization request (section 4.3) and gives it back.
pub(crate) fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<String, Refusal> {
    let challenge = challenge.ok_or(Refusal::ChallengeMissing)?;
    // "plain" is also what a request without a method means.
    let is_s256 = method == Some("S256");
    // BASE64URL of 32 bytes: 43 characters, no padding (appendix A).
    let decodes = URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|bytes| bytes.len() == 32);
    if is_s256 && decodes { Ok(challenge.into()) } else { Err(Refusal::ChallengeInvalid) }
}

/// Checks the verifier of a token request against the challenge (section 4.6).
pub(crate) fn verify(challenge: &str, verifier: Option<&str>) -> Result<(), Refusal> {
    let verifier = verifier.ok_or(Refusal::VerifierMismatch)?;
    // 43 to 128 unreserved characters (section 4.1).
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(Refusal::VerifierMalformed);
    }
    let expected = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if expected == challenge { Ok(()) } else { Err(Refusal::VerifierMismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(challenge(Some(CHALLENGE), Some("S256")).as_deref(), Ok(CHALLENGE));
        assert_eq!(verify(CHALLENGE, Some(VERIFIER)), Ok(()));
    }

    #[test]
    fn only_a_whole_s256_challenge_passes() {
        let padded = format!("{CHALLENGE}=");
        for (value, method, refusal) in [
            (None, Some("S256"), Refusal::ChallengeMissing),
            (Some(CHALLENGE), Some("plain"), Refusal::ChallengeInvalid),
            (Some(CHALLENGE), None, Refusal::ChallengeInvalid),
            (Some(CHALLENGE), Some("s256"), Refusal::ChallengeInvalid),
            (Some(&CHALLENGE[1..]), Some("S256"), Refusal::ChallengeInvalid),
            (Some(padded.as_str()), Some("S256"), Refusal::ChallengeInvalid),
        ] {
            assert_eq!(challenge(value, method), Err(refusal), "{value:?} {method:?}");
        }
    }

    #[test]
    fn only_the_right_verifier_passes() {
        let other = VERIFIER.replace('d', "e");
        let spaced = VERIFIER.replace('d', " ");
        for (value, refusal) in [
            (None, Refusal::VerifierMismatch),
            (Some(other.as_str()), Refusal::VerifierMismatch),
            (Some(CHALLENGE), Refusal::VerifierMismatch),
            (Some(&VERIFIER[1..]), Refusal::VerifierMalformed),
            (Some(spaced.as_str()), Refusal::VerifierMalformed),
            (Some("a".repeat(129).as_str()), Refusal::VerifierMalformed),
        ] {
            assert_eq!(verify(CHALLENGE, value), Err(refusal), "{value:?}");
        }
    }
}
