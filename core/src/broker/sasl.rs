//! What IMAP, POP and SMTP want in place of a header: a SASL response with the token in it.

use std::str::FromStr;

use super::AccessToken;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// How a mail server is told the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// `XOAUTH2`: Google's and Microsoft's.
    Xoauth2,
    /// `OAUTHBEARER` (RFC 7628).
    Oauthbearer,
}

impl FromStr for SaslMechanism {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "xoauth2" => Ok(SaslMechanism::Xoauth2),
            "oauthbearer" => Ok(SaslMechanism::Oauthbearer),
            _ => Err(Error::new(ErrorKind::ConfigInvalid, format!("{text:?} is not a SASL mechanism"))
                .with_help("it is one of xoauth2, oauthbearer")),
        }
    }
}

impl AccessToken {
    /// The initial response of `mechanism` in base64, as it follows `AUTHENTICATE` or `AUTH`.
    ///
    /// # Errors
    /// `config_invalid` for a user name that does not fit into it.
    pub fn sasl(&self, mechanism: SaslMechanism, user: &str) -> Result<Secret> {
        let _ = (mechanism, user);
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}
