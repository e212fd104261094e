//! What one call brought, and the figures of many.

use serde::{Deserialize, Serialize};

/// One call of `token`, as a worker tells of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The token, when the call brought one.
    #[serde(default)]
    pub token: Option<String>,
    /// When it ends, in seconds since the epoch.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// The error's code, when it did not.
    #[serde(default)]
    pub error: Option<String>,
    /// How long the caller waited.
    pub milliseconds: f64,
}

/// All calls of a race.
#[derive(Debug, Default)]
pub struct Calls(pub Vec<Call>);

impl Calls {
    /// How many brought a token.
    pub fn ok(&self) -> usize {
        self.0.iter().filter(|call| call.token.is_some()).count()
    }

    /// The different tokens among them.
    pub fn tokens(&self) -> Vec<&str> {
        let mut tokens: Vec<_> = self.0.iter().filter_map(|call| call.token.as_deref()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// The codes of the errors, in order.
    pub fn errors(&self) -> Vec<&str> {
        let mut errors: Vec<_> = self.0.iter().filter_map(|call| call.error.as_deref()).collect();
        errors.sort_unstable();
        errors
    }

    /// When the newest token ends.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.iter().filter_map(|call| call.expires_at).max()
    }

    /// What all but one of a hundred callers waited at most, in milliseconds.
    pub fn p99(&self) -> f64 {
        let mut waits: Vec<_> = self.0.iter().map(|call| call.milliseconds).collect();
        waits.sort_unstable_by(f64::total_cmp);
        waits.get(waits.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
    }
}
