//! A signed JWT in compact form (RFC 7515 7.1, RFC 7519 3).
//!
//! May not enter: a key, and what the claims say. Who signs brings both.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::Value;

use crate::error::Result;
use crate::secret::Secret;

/// The compact form of `header` and `claims`, with what `sign` makes of the two.
pub(super) fn compact(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<Secret> {
    let mut jwt = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = sign(jwt.as_bytes())?;
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    Ok(Secret::new(jwt))
}
