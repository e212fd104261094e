//! One error for every room and every language.
//!
//! An [`Error`] is data: a [`ErrorKind`] with a stable code, one line that says what happened, one
//! line that says what to do, and what the authorization server said about it. Bindings carry the
//! fields across; they never invent a text.
//!
//! May not enter: a secret, a response body, a query string.

use std::any::Any;
use std::fmt;

use crate::clock::Timestamp;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. The codes are a promise: they are the same in every language and are never
/// given a second meaning (`tests/vectors/errors.json` is the table).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, an environment variable or a file is not of its form.
    ConfigInvalid,
    /// No provider of that name, bundled or the user's own.
    UnknownProvider,
    /// The provider needs a client id and none is known.
    RegistrationMissing,
    /// There is no such connection: nobody has logged in.
    NotConnected,
    /// The grant has ended; a person must log in again.
    LoginRequired {
        /// What ended the grant.
        reason: LoginReason,
    },
    /// The person, or the program, stopped the login.
    LoginCancelled,
    /// Nobody finished the login in time.
    LoginTimedOut,
    /// The person, or a policy, said no (RFC 6749 4.1.2.1 and RFC 8628 3.5, `access_denied`).
    AccessDenied,
    /// The person has not consented to what was asked.
    ConsentRequired,
    /// Only an administrator can consent to what was asked.
    AdminConsentRequired,
    /// The authorization server wants the person in front of a browser, for a policy's sake.
    InteractionRequired {
        /// The claims challenge to send with the next login, as the server gave it.
        claims: Option<String>,
    },
    /// The connection's grant does not hold the scopes that were asked for.
    ScopeNotGranted,
    /// The authorization server refused the request itself: a configuration to put right.
    ProviderRejected,
    /// The authorization server could not be reached, or answered with something else than OAuth.
    Network,
    /// The authorization server asked for a pause.
    Throttled {
        /// When the next request may be sent.
        retry_at: Option<Timestamp>,
    },
    /// The vault key cannot be had: a locked keychain, a missing passphrase, no choice made yet.
    StoreLocked,
    /// The store's folder or files cannot be read or written.
    StoreUnavailable,
    /// A file of the store is damaged. It is kept aside, never overwritten.
    StoreCorrupt,
    /// Another process held the connection's lock for longer than the wait allowed.
    LockTimeout,
    /// The provider or this machine cannot do what was asked.
    Unsupported,
    /// A defect in Tokenkeep.
    Internal,
}

/// What ended a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginReason {
    /// The server answered `invalid_grant`: expired, revoked, or replaced.
    GrantEnded,
    /// The access token has expired and the server gave no refresh token with it.
    NoRefreshToken,
    /// A refresh was sent and its answer never arrived; the server no longer takes the refresh token.
    ResponseLost,
}

impl LoginReason {
    /// The stable name, `grant_ended` for one.
    pub fn as_str(self) -> &'static str {
        match self {
            LoginReason::GrantEnded => "grant_ended",
            LoginReason::NoRefreshToken => "no_refresh_token",
            LoginReason::ResponseLost => "response_lost",
        }
    }
}

impl ErrorKind {
    /// The stable code, `login_required` for one.
    pub fn code(&self) -> &'static str {
        match self {
            ErrorKind::ConfigInvalid => "config_invalid",
            ErrorKind::UnknownProvider => "unknown_provider",
            ErrorKind::RegistrationMissing => "registration_missing",
            ErrorKind::NotConnected => "not_connected",
            ErrorKind::LoginRequired { .. } => "login_required",
            ErrorKind::LoginCancelled => "login_cancelled",
            ErrorKind::LoginTimedOut => "login_timed_out",
            ErrorKind::AccessDenied => "access_denied",
            ErrorKind::ConsentRequired => "consent_required",
            ErrorKind::AdminConsentRequired => "admin_consent_required",
            ErrorKind::InteractionRequired { .. } => "interaction_required",
            ErrorKind::ScopeNotGranted => "scope_not_granted",
            ErrorKind::ProviderRejected => "provider_rejected",
            ErrorKind::Network => "network",
            ErrorKind::Throttled { .. } => "throttled",
            ErrorKind::StoreLocked => "store_locked",
            ErrorKind::StoreUnavailable => "store_unavailable",
            ErrorKind::StoreCorrupt => "store_corrupt",
            ErrorKind::LockTimeout => "lock_timeout",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Internal => "internal",
        }
    }

    /// True when the same call may succeed later with nobody doing anything.
    pub fn retryable(&self) -> bool {
        matches!(self, ErrorKind::Network | ErrorKind::Throttled { .. } | ErrorKind::LockTimeout)
    }

    /// What to do when the place that failed knows nothing better.
    fn default_help(&self) -> &'static str {
        match self {
            ErrorKind::ConfigInvalid => "correct the value that is named above and run the command again",
            ErrorKind::UnknownProvider => {
                "`tokenkeep providers` lists them; `tokenkeep providers add FILE` adds one"
            }
            ErrorKind::RegistrationMissing => {
                "register an application with the provider and give its client id with --client-id"
            }
            ErrorKind::NotConnected => "log in first: `tokenkeep login PROVIDER`",
            ErrorKind::LoginRequired { .. } => "log in again: `tokenkeep login PROVIDER`",
            ErrorKind::LoginCancelled | ErrorKind::LoginTimedOut => "run the login again when you are ready",
            ErrorKind::AccessDenied => "log in again and accept, or ask whoever manages the account",
            ErrorKind::ConsentRequired => "log in again and consent to the permissions that are asked for",
            ErrorKind::AdminConsentRequired => {
                "ask an administrator of the organization to consent to the app"
            }
            ErrorKind::InteractionRequired { .. } => "log in again: `tokenkeep login PROVIDER`",
            ErrorKind::ScopeNotGranted => "log in again and name the scopes with --scopes",
            ErrorKind::ProviderRejected => "check the client id, the redirect URI and the scopes",
            ErrorKind::Network => "check the connection and the proxy settings, then try again",
            ErrorKind::Throttled { .. } => "wait until the time that is named, then try again",
            ErrorKind::StoreLocked => "`tokenkeep doctor` says which key the store wants",
            ErrorKind::StoreUnavailable => "`tokenkeep doctor` says which file and why",
            ErrorKind::StoreCorrupt => {
                "the damaged file was kept aside; log in again to replace the connection"
            }
            ErrorKind::LockTimeout => "another process is refreshing this connection; try again",
            ErrorKind::Unsupported => "choose another way to log in with --flow",
            ErrorKind::Internal => "this is a defect in Tokenkeep; please report it with the line above",
        }
    }
}

/// What the authorization server said, kept for people and for support requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// RFC 6749 5.2 `error`.
    pub error: String,
    /// RFC 6749 5.2 `error_description`, one line, shortened.
    pub description: Option<String>,
    /// Microsoft's finer division of `error`.
    pub suberror: Option<String>,
    /// Microsoft's numbers. For people: nothing branches on them.
    pub error_codes: Vec<u64>,
    /// Microsoft's trace id, which its support asks for.
    pub trace_id: Option<String>,
    /// Microsoft's correlation id, which its support asks for.
    pub correlation_id: Option<String>,
}

/// What happened, what to do about it, and whether trying again can help.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    server: Option<ServerError>,
}

impl Error {
    /// An error of `kind`; `message` is one line that says what happened.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Parts { kind, message: one_line(&message.into()), help: None, server: None }))
    }

    /// What an [`Interaction`](crate::Interaction) gives back when the person gives the login up.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::LoginCancelled, message)
    }

    /// What a panic is to the caller of another language: an error as any other, with `payload` as its message.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        Error::new(ErrorKind::Internal, format!("a panic: {text}"))
    }

    /// The same error with a better answer to "what now?" than the kind's own.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same error with what the server said.
    pub(crate) fn with_server(mut self, server: ServerError) -> Self {
        self.0.server = Some(server);
        self
    }

    /// The same error where nobody logs in: who can consent to what an application asks for is an administrator.
    pub(crate) fn of_application(mut self) -> Self {
        if self.0.kind == ErrorKind::ConsentRequired {
            self.0.kind = ErrorKind::AdminConsentRequired;
            self.0.help = None;
        }
        self
    }

    /// Why it failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The stable code of the kind.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What happened, in one line.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do, and who must do it. May span lines when it shows steps.
    pub fn help(&self) -> &str {
        self.0.help.as_deref().unwrap_or_else(|| self.0.kind.default_help())
    }

    /// True when the same call may succeed later with nobody doing anything.
    pub fn retryable(&self) -> bool {
        self.0.kind.retryable()
    }

    /// What the authorization server said, if it was the one that refused.
    pub fn server(&self) -> Option<&ServerError> {
        self.0.server.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {})", self.code(), self.0.message)
    }
}

impl std::error::Error for Error {}

/// Foreign text may carry line breaks and terminal escapes; a message carries neither.
pub(crate) fn one_line(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_terminal_escapes() {
        let error = Error::new(ErrorKind::Network, "first\r\nsecond\u{1b}[31m red");
        assert_eq!(error.message(), "first second [31m red");
    }

    #[test]
    fn help_falls_back_to_the_kind() {
        let error = Error::new(ErrorKind::NotConnected, "nobody has logged in");
        assert_eq!(error.help(), "log in first: `tokenkeep login PROVIDER`");
        assert_eq!(error.with_help("do this").help(), "do this");
    }

    #[test]
    fn a_panic_is_a_defect_with_its_own_words() {
        let payload = std::panic::catch_unwind(|| panic!("on {}", "purpose")).unwrap_err();
        let error = Error::of_panic(&*payload);
        assert_eq!((error.code(), error.message()), ("internal", "a panic: on purpose"));
    }

    /// One of each kind. The match keeps it complete: a new kind does not compile until it is here.
    fn one_of_each() -> Vec<ErrorKind> {
        use ErrorKind::*;
        let next = |kind: &ErrorKind| match kind {
            ConfigInvalid => Some(UnknownProvider),
            UnknownProvider => Some(RegistrationMissing),
            RegistrationMissing => Some(NotConnected),
            NotConnected => Some(LoginRequired { reason: LoginReason::GrantEnded }),
            LoginRequired { .. } => Some(LoginCancelled),
            LoginCancelled => Some(LoginTimedOut),
            LoginTimedOut => Some(AccessDenied),
            AccessDenied => Some(ConsentRequired),
            ConsentRequired => Some(AdminConsentRequired),
            AdminConsentRequired => Some(InteractionRequired { claims: None }),
            InteractionRequired { .. } => Some(ScopeNotGranted),
            ScopeNotGranted => Some(ProviderRejected),
            ProviderRejected => Some(Network),
            Network => Some(Throttled { retry_at: None }),
            Throttled { .. } => Some(StoreLocked),
            StoreLocked => Some(StoreUnavailable),
            StoreUnavailable => Some(StoreCorrupt),
            StoreCorrupt => Some(LockTimeout),
            LockTimeout => Some(Unsupported),
            Unsupported => Some(Internal),
            Internal => None,
        };
        std::iter::successors(Some(ConfigInvalid), next).collect()
    }

    #[test]
    fn the_table_is_what_the_code_says() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/errors.json")).unwrap();
        let rows: Vec<_> = table["errors"].as_array().unwrap().iter().collect();
        let kinds = one_of_each();
        assert_eq!(rows.len(), kinds.len());
        for (row, kind) in rows.iter().zip(&kinds) {
            assert_eq!(row["code"], kind.code());
            assert_eq!(row["retryable"], kind.retryable(), "{}", kind.code());
            assert!(!Error::new(kind.clone(), "x").help().is_empty());
        }
    }
}
