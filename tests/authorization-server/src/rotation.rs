//! What a refresh token that is presented leads to: one pure table. Who keeps the tokens is `state`'s business.

use std::time::Duration;

use crate::live_options::Rotation;

/// What to do with a refresh token that belongs to a living grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// New access token, same refresh token.
    Keep,
    /// New access token, new refresh token; this one is now used.
    Rotate,
    /// The very answer that the first use got.
    Repeat,
    /// Someone else has this token: the grant ends (RFC 9700, section 4.14.2).
    Replay,
}

/// Decides; `used_for` is how long ago the token was used for the first time.
pub(crate) fn decide(rotation: Rotation, used_for: Option<Duration>) -> Decision {
    match (rotation, used_for) {
        (Rotation::None, _) => Decision::Keep,
        (Rotation::KeepOld, _) | (_, None) => Decision::Rotate,
        (Rotation::ReuseDetection, Some(_)) => Decision::Replay,
        (Rotation::Grace(seconds), Some(age)) if age <= Duration::from_secs(seconds) => Decision::Repeat,
        (Rotation::Grace(_), Some(_)) => Decision::Replay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let (soon, late) = (Some(Duration::from_secs(30)), Some(Duration::from_millis(30_001)));
        for (rotation, fresh, used_soon, used_late) in [
            (Rotation::None, Decision::Keep, Decision::Keep, Decision::Keep),
            (Rotation::KeepOld, Decision::Rotate, Decision::Rotate, Decision::Rotate),
            (Rotation::ReuseDetection, Decision::Rotate, Decision::Replay, Decision::Replay),
            (Rotation::Grace(30), Decision::Rotate, Decision::Repeat, Decision::Replay),
            (Rotation::Grace(0), Decision::Rotate, Decision::Replay, Decision::Replay),
        ] {
            assert_eq!(decide(rotation, None), fresh, "{rotation}");
            assert_eq!(decide(rotation, soon), used_soon, "{rotation}");
            assert_eq!(decide(rotation, late), used_late, "{rotation}");
        }
    }

    #[test]
    fn written_and_read() {
        for text in ["none", "keep-old", "reuse-detection", "grace:30"] {
            assert_eq!(text.parse::<Rotation>().unwrap().to_string(), text);
        }
        for wrong in ["", "grace", "grace:", "grace:-1", "none:1", "Rotate"] {
            assert!(wrong.parse::<Rotation>().is_err(), "{wrong}");
        }
    }
}
