//! What IMAP, POP and SMTP want in place of a header: a SASL response with the token in it.

use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};

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
    /// `config_invalid` for a user name that does not fit into it; those of [`AccessToken::bearer`].
    pub fn sasl(&self, mechanism: SaslMechanism, user: &str) -> Result<Secret> {
        mechanism.initial_response(user, self.bearer()?)
    }
}

impl SaslMechanism {
    fn initial_response(self, user: &str, token: &Secret) -> Result<Secret> {
        // Control-A separates the fields, and a line break would end the command.
        if user.is_empty() || user.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("{user:?} is no user of a mail server"),
            )
            .with_help("give the address of the mailbox, for instance person@example.com"));
        }
        let first = match self {
            SaslMechanism::Xoauth2 => format!("user={user}"),
            // RFC 5801 4: `=` and `,` have a meaning in the header that the name stands in.
            SaslMechanism::Oauthbearer => format!("n,a={},", user.replace('=', "=3D").replace(',', "=2C")),
        };
        let response = Secret::new(format!("{first}\x01auth=Bearer {}\x01\x01", token.expose()));
        Ok(Secret::new(BASE64_STANDARD.encode(response.expose())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{ConnectionKey, ConnectionName};
    use crate::scope::ScopeSet;

    fn token(secret: &str) -> AccessToken {
        AccessToken {
            header: None,
            scheme: None,
            secret: Secret::new(secret),
            token_type: "Bearer".to_owned(),
            expires_at: None,
            scopes: ScopeSet::default(),
            resource: None,
            connection: ConnectionKey::new("microsoft".parse().unwrap(), ConnectionName::default()),
        }
    }

    fn response(secret: &str, mechanism: &str, user: &str) -> Result<Secret> {
        token(secret).sasl(mechanism.parse()?, user)
    }

    #[test]
    fn what_is_no_bearer_token_is_not_told_as_one() {
        let carried = |token_type: &str, header: Option<&str>, scheme: Option<&str>| AccessToken {
            token_type: token_type.to_owned(),
            header: header.map(str::to_owned),
            scheme: scheme.map(str::to_owned),
            ..token("secret")
        };
        for (token, header, value) in [
            (carried("Bearer", None, None), "Authorization", "Bearer secret"),
            (carried("Bearer", Some("authorization"), Some("bearer")), "authorization", "bearer secret"),
        ] {
            assert_eq!((token.header_name(), token.authorization_header().expose()), (header, value));
            assert_eq!(token.bearer().unwrap().expose(), "secret");
        }
        for (token, header, value) in [
            (carried("DPoP", None, None), "Authorization", "DPoP secret"),
            (carried("Bearer", None, Some("token")), "Authorization", "token secret"),
            (carried("Bearer", Some("X-Acme-Token"), Some("")), "X-Acme-Token", "secret"),
            (carried("Bearer", Some("X-Acme-Token"), None), "X-Acme-Token", "Bearer secret"),
        ] {
            assert_eq!((token.header_name(), token.authorization_header().expose()), (header, value));
            for refused in [token.bearer().map(drop), token.sasl(SaslMechanism::Xoauth2, "me").map(drop)] {
                assert_eq!(refused.unwrap_err().code(), "unsupported", "{value}");
            }
        }
    }

    fn decoded(token: &str, mechanism: &str, user: &str) -> String {
        let encoded = response(token, mechanism, user).unwrap();
        String::from_utf8(BASE64_STANDARD.decode(encoded.expose()).unwrap()).unwrap()
    }

    #[test]
    fn xoauth2_is_as_microsoft_and_google_document_it() {
        for (user, token, expected) in [
            (
                "test@contoso.onmicrosoft.com",
                "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
                "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVy\
                 IEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==",
            ),
            (
                "someuser@example.com",
                "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
                "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52\
                 YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
            ),
        ] {
            assert_eq!(response(token, "xoauth2", user).unwrap().expose(), expected);
        }
    }

    #[test]
    fn oauthbearer_is_that_of_rfc_7628_4_1_without_host_and_port() {
        let example = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVy\
                       IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
        let example = String::from_utf8(BASE64_STANDARD.decode(example).unwrap()).unwrap();
        // Either may be left out (3.1).
        let expected = example.replace("\x01host=server.example.com\x01port=143", "");
        let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
        assert_eq!(decoded(token, "oauthbearer", "user@example.com"), expected);
        assert_eq!(decoded("t", "oauthbearer", "a=b,c"), "n,a=a=3Db=2Cc,\x01auth=Bearer t\x01\x01");
    }

    #[test]
    fn a_user_that_would_end_the_field_is_refused() {
        for user in ["", "a\x01auth=Bearer other", "a\r\nb", "a\0"] {
            for mechanism in ["xoauth2", "oauthbearer"] {
                assert_eq!(response("t", mechanism, user).unwrap_err().code(), "config_invalid", "{user:?}");
            }
        }
        assert_eq!(response("t", "plain", "me").unwrap_err().code(), "config_invalid");
    }
}
