//! When a token is handed out as it is, when a refresh is welcome, and when it is needed. Pure.

use crate::clock::Instant;
use crate::store::AccessTokenRecord;

/// No token is refreshed earlier than this many seconds before its end, however long it lives.
const MAX_SKEW: i64 = 300;

/// A short-lived token keeps nine tenths of its life: a fixed skew would refresh it at every call.
const SKEW_SHARE: i64 = 10;

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Hand it out.
    Fresh,
    /// Hand it out, and refresh in the background: the server asked for that with `refresh_in`.
    RefreshWelcome,
    /// Refresh first. Should that fail for a passing reason, the token is still good for a while.
    Expiring,
    /// Refresh first; the token is of no more use.
    Expired,
}

impl Freshness {
    /// True when the token can be handed out without a refresh.
    pub fn is_servable(self) -> bool {
        matches!(self, Freshness::Fresh | Freshness::RefreshWelcome)
    }

    /// True when the server would still accept the token.
    pub fn is_valid(self) -> bool {
        self != Freshness::Expired
    }
}

/// Judges `token` at `now` for a caller that needs it for `min_lifetime` more seconds.
pub fn freshness(token: &AccessTokenRecord, now: &Instant, min_lifetime: i64) -> Freshness {
    // A token without a lifetime does not expire, as far as anybody said (GitHub's OAuth apps).
    let Some(lifetime) = token.lifetime else { return Freshness::Fresh };
    // A clock that went backwards tells nothing: the token is not trusted.
    let Some(age) = now.age_since(&token.obtained) else { return Freshness::Expired };
    let remaining = lifetime - age.max(0);
    if remaining <= 0 {
        return Freshness::Expired;
    }
    let skew = (lifetime / SKEW_SHARE).min(MAX_SKEW).max(min_lifetime);
    if remaining < skew {
        return Freshness::Expiring;
    }
    match token.refresh_in {
        Some(refresh_in) if age >= refresh_in => Freshness::RefreshWelcome,
        _ => Freshness::Fresh,
    }
}

/// True while the resource of `token` takes it because the server is down (Microsoft's `ext_expires_in`).
pub fn in_extended_life(token: &AccessTokenRecord, now: &Instant) -> bool {
    let age = now.age_since(&token.obtained);
    token.extended_lifetime.zip(age).is_some_and(|(lifetime, age)| age.max(0) < lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{BootTime, Timestamp};
    use crate::scope::ScopeSet;
    use crate::secret::Secret;

    fn at(wall: i64, boot: i64) -> Instant {
        let boot = BootTime { id: "boot".into(), seconds: boot };
        Instant { wall: Timestamp::from_unix(wall), boot: Some(boot) }
    }

    fn token(lifetime: Option<i64>, refresh_in: Option<i64>) -> AccessTokenRecord {
        AccessTokenRecord {
            claims: None,
            resource: None,
            secret: Secret::new("t"),
            token_type: "Bearer".to_owned(),
            scopes: ScopeSet::default(),
            obtained: at(1000, 1000),
            lifetime,
            refresh_in,
            extended_lifetime: None,
            requested_scopes: None,
        }
    }

    #[test]
    fn the_skew_is_a_tenth_and_at_most_five_minutes() {
        use Freshness::{Expired, Expiring, Fresh, RefreshWelcome};
        let cases = [
            // lifetime, refresh_in, min_lifetime, age, expected
            (Some(3600), None, 0, 3300, Fresh),
            (Some(3600), None, 0, 3301, Expiring),
            (Some(3600), None, 0, 3600, Expired),
            (Some(10), None, 0, 9, Fresh),
            (Some(3), None, 0, 2, Fresh),
            (Some(86400), None, 0, 86100, Fresh),
            (Some(86400), None, 0, 86101, Expiring),
            (Some(3600), Some(1800), 0, 1799, Fresh),
            (Some(3600), Some(1800), 0, 1800, RefreshWelcome),
            (Some(3600), None, 600, 3000, Fresh),
            (Some(3600), None, 600, 3001, Expiring),
            (Some(0), None, 0, 0, Expired),
            (None, None, 600, 1 << 40, Fresh),
        ];
        for (lifetime, refresh_in, min_lifetime, age, expected) in cases {
            let now = at(1000 + age, 1000 + age);
            let judged = freshness(&token(lifetime, refresh_in), &now, min_lifetime);
            assert_eq!(judged, expected, "{lifetime:?} {refresh_in:?} {min_lifetime} {age}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stretch_a_token() {
        let token = token(Some(3600), None);
        assert_eq!(freshness(&token, &at(1000 - 3600, 1000 + 3500), 0), Freshness::Expiring);
        let without_boot = Instant { wall: Timestamp::from_unix(10), boot: None };
        assert_eq!(freshness(&token, &without_boot, 0), Freshness::Expired);
    }
}
