//! What a server counted: requests, grants, refusals, revocations. Never a token.

use serde_json::Value;

/// The counts of one server at one moment.
#[derive(Debug)]
pub struct Journal(pub(crate) Value);

impl Journal {
    /// Requests to an endpoint, by the server's own name for it.
    pub fn requests(&self, route: &str) -> u64 {
        count(&self.0["requests"][route])
    }

    /// Requests of any kind.
    pub fn all_requests(&self) -> u64 {
        self.0["requests"].as_object().map_or(0, |routes| routes.values().map(count).sum())
    }

    /// Tokens given, by grant type.
    pub fn grants(&self, grant_type: &str) -> u64 {
        count(&self.0["grant_success"][grant_type])
    }

    /// Token requests refused, by grant type and `error`.
    pub fn refusals(&self, grant_type: &str, error: &str) -> u64 {
        count(&self.0["grant_error"][grant_type][error])
    }

    /// How often a refresh token came back after its use.
    pub fn refresh_token_reuse(&self) -> u64 {
        count(&self.0["refresh_token_reuse"])
    }

    /// How often that was within Django's grace period.
    pub fn again_in_grace(&self) -> u64 {
        count(&self.0["refresh_token_again_in_grace"])
    }

    /// Revocations, by what was revoked: `refresh_token`, `access_token`, `unknown`.
    pub fn revocations(&self, kind: &str) -> u64 {
        count(&self.0["revocation"][kind])
    }

    /// Changes to the clients that registered themselves: `create`, `update`, `delete`.
    pub fn registrations(&self, change: &str) -> u64 {
        count(&self.0["registration"][change])
    }

    /// Faults that were played, by kind.
    pub fn faults(&self, kind: &str) -> u64 {
        count(&self.0["faults"][kind])
    }
}

// What never happened is not in the journal.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
