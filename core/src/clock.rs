//! Time: what a timestamp is, where it comes from, and how an age survives a clock that is set.
//!
//! The wall clock can be set back by an hour; the machine can sleep for two. An [`Instant`] therefore
//! remembers both the wall clock and, where the system tells it, the time since boot (which counts
//! sleep). An age is the larger of the two readings, so that no step of the wall clock makes a token
//! look younger than it is.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Seconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Timestamp(seconds)
    }

    /// Seconds since the Unix epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// The moment `seconds` later; stays in range instead of wrapping.
    pub const fn plus(self, seconds: i64) -> Self {
        Timestamp(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to here; negative when `earlier` is later.
    pub const fn seconds_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The first second of a day, UTC, as `2027-01-31` writes it (RFC 3339 5.6, `full-date`).
    pub(crate) fn from_date(text: &str) -> Option<Self> {
        let digits =
            |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(digits) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        if !(1..=12).contains(&month) {
            return None;
        }
        let date = Timestamp(days_before(year, month).saturating_add(day - 1).saturating_mul(DAY));
        // A day that its month does not have would be one of the next.
        (date.date() == text).then_some(date)
    }

    /// The day, UTC, as `2027-01-31` (RFC 3339 5.6). It has four digits for a year: what lies beyond is its last day.
    pub(crate) fn date(self) -> String {
        let days = self.0.div_euclid(DAY).clamp(days_before(0, 1), days_before(10_000, 1) - 1);
        // A year has 365.2425 days: this is the right one or its neighbour.
        let guess = 1970 + days * 400 / 146_097;
        let year = if days < days_before(guess, 1) {
            guess - 1
        } else if days >= days_before(guess + 1, 1) {
            guess + 1
        } else {
            guess
        };
        let month = (1..=12).rev().find(|month| days >= days_before(year, *month)).unwrap_or(1);
        format!("{year:04}-{month:02}-{:02}", days - days_before(year, month) + 1)
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days from the Unix epoch to the first of a month, in the Gregorian calendar.
const fn days_before(year: i64, month: i64) -> i64 {
    // Counted from March, so that the day that comes and goes is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 - 719_468
}

/// A length of time from a language that counts in seconds, with a fraction. `name` is what its caller knows it by.
///
/// # Errors
/// `config_invalid` for less than nothing, for what is no number, and for more than 136 years, which no clock can add.
pub fn seconds(name: &str, value: f64) -> Result<Duration> {
    let sound = (0.0..=f64::from(u32::MAX)).contains(&value);
    sound.then(|| Duration::from_secs_f64(value)).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("{name} is {value}, which is no number of seconds"))
            .with_help("give seconds from 0 up, for instance 10")
    })
}

/// A reading of both clocks, fit to be written down and compared by another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instant {
    /// What the wall clock said.
    pub wall: Timestamp,
    /// Time since boot, where the system tells it in a way that other processes can compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootTime>,
}

/// Seconds since one particular boot, sleep included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Names the boot: readings of two boots cannot be compared. Shared, because every look at the clock has it.
    pub id: Arc<str>,
    /// Seconds since that boot.
    pub seconds: i64,
}

impl Instant {
    /// Seconds from `earlier` to here by the clock that says more; `None` when the wall clock went
    /// backwards and no boot clock can tell the truth.
    pub fn age_since(&self, earlier: &Instant) -> Option<i64> {
        let wall = self.wall.seconds_since(earlier.wall);
        let boot = match (&self.boot, &earlier.boot) {
            (Some(now), Some(then)) if now.id == then.id => Some(now.seconds.saturating_sub(then.seconds)),
            _ => None,
        };
        match boot {
            Some(boot) => Some(boot.max(wall)),
            None if wall >= 0 => Some(wall),
            None => None,
        }
    }
}

/// Where the time comes from. Tests hand in their own.
pub trait Clock: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Instant;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(elapsed) => i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
            Err(before_epoch) => -i64::try_from(before_epoch.duration().as_secs()).unwrap_or(i64::MAX),
        };
        Instant { wall: Timestamp(wall), boot: boot_time() }
    }
}

#[cfg(target_os = "linux")]
fn boot_time() -> Option<BootTime> {
    use std::sync::OnceLock;
    // One boot per process: the id is read once. A container without /proc does without.
    static BOOT_ID: OnceLock<Option<Arc<str>>> = OnceLock::new();
    let id = BOOT_ID.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().into())
    });
    let seconds = rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec;
    Some(BootTime { id: id.clone()?, seconds })
}

#[cfg(not(target_os = "linux"))]
fn boot_time() -> Option<BootTime> {
    // Elsewhere no call without `unsafe` names the boot; the wall clock alone is used.
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, boot: Option<(&str, i64)>) -> Instant {
        let boot = boot.map(|(id, seconds)| BootTime { id: id.into(), seconds });
        Instant { wall: Timestamp(wall), boot }
    }

    #[test]
    fn an_age_is_what_the_clock_that_says_more_says() {
        let cases = [
            // both agree
            (at(100, Some(("a", 10))), at(160, Some(("a", 70))), Some(60)),
            // the wall clock was set back an hour: the boot clock tells
            (at(5000, Some(("a", 10))), at(1460, Some(("a", 70))), Some(60)),
            // the wall clock was set forward: believed, a token is refreshed too early and never too late
            (at(100, Some(("a", 10))), at(4000, Some(("a", 70))), Some(3900)),
            // another boot: only the wall clock can be compared
            (at(100, Some(("a", 9000))), at(160, Some(("b", 5))), Some(60)),
            // set back, and no boot clock: unknown
            (at(5000, None), at(1460, None), None),
        ];
        for (then, now, expected) in cases {
            assert_eq!(now.age_since(&then), expected, "{then:?} {now:?}");
        }
    }

    #[test]
    fn a_length_of_time_is_from_nothing_up() {
        assert_eq!(seconds("timeout", 1.5), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("timeout", 0.0), Ok(Duration::ZERO));
        for bad in [-0.1, f64::NAN, f64::INFINITY, 1e10] {
            let error = seconds("timeout", bad).unwrap_err();
            assert_eq!(error.code(), "config_invalid");
            assert!(error.message().contains("timeout"), "{error}");
        }
    }

    #[test]
    fn a_date_is_the_first_second_of_its_day() {
        // GNU date -u -d DATE +%s
        let cases = [
            ("0000-01-01", -62_167_219_200),
            ("1969-12-31", -86_400),
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2027-01-31", 1_801_353_600),
            ("2100-03-01", 4_107_542_400),
            ("9999-12-31", 253_402_214_400),
        ];
        for (text, seconds) in cases {
            assert_eq!(Timestamp::from_date(text), Some(Timestamp(seconds)), "{text}");
            assert_eq!(Timestamp(seconds).date(), text);
            assert_eq!(Timestamp(seconds + DAY - 1).date(), text);
        }
        let bad = [
            "",
            "2027-1-31",
            "2027-13-01",
            "2027-00-01",
            "2027-02-29",
            "2027-01-00",
            "2027-01-32",
            "31.01.2027",
        ];
        for text in bad.into_iter().chain(["+027-01-31", "2027-01-31T00:00:00Z", "2027/01/31", "２027-01-3"])
        {
            assert_eq!(Timestamp::from_date(text), None, "{text}");
        }
        assert_eq!(
            (Timestamp(i64::MAX).date(), Timestamp(i64::MIN).date()),
            ("9999-12-31".into(), "0000-01-01".into())
        );
        // Every day of eight centuries comes back as itself.
        for day in -146_097..146_097 {
            assert_eq!(Timestamp::from_date(&Timestamp(day * DAY).date()), Some(Timestamp(day * DAY)));
        }
    }

    #[test]
    fn arithmetic_stays_in_range() {
        assert_eq!(Timestamp(i64::MAX).plus(5), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MIN).seconds_since(Timestamp(1)), i64::MIN);
    }
}
