//! The wall clock in the two forms that wire messages want, and the end of a lifetime. Lifetimes are measured with
//! `Instant`, so that a step of the wall clock does not touch them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch, as `iat` and `exp` are written (RFC 7519, section 2, NumericDate).
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// The same with its fraction.
pub(crate) fn exact_unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// `2026-11-21 05:56:00Z`, the `timestamp` of an Entra error.
pub(crate) fn entra_timestamp(unix_seconds: u64) -> String {
    let (year, month, day) = civil(unix_seconds / 86_400);
    let second = unix_seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The moment a lifetime ends.
pub(crate) fn after(now: Instant, seconds: u64) -> Instant {
    // A century stands for "never" where the clock cannot count further.
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
    now.checked_add(Duration::from_secs(seconds)).unwrap_or(now + CENTURY)
}

/// The Gregorian date of a day count since 1970-01-01, by Howard Hinnant's `civil_from_days`: years begin in
/// March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_400, "2000-02-29 00:00:00Z"),
            (1_601_934_498, "2020-10-05 21:48:18Z"),
            (4_102_444_799, "2099-12-31 23:59:59Z"),
        ] {
            assert_eq!(entra_timestamp(seconds), text);
        }
    }
}
