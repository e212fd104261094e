//! Dates as the command line writes them: RFC 3339, in UTC.

/// The date in seconds since 1970.
#[track_caller]
pub fn seconds_since_1970(date: &str) -> i64 {
    let form = date.len() == 20 && date.ends_with('Z');
    let number = |from: usize, to: usize| date[from..to].parse::<i64>().ok().filter(|_| form);
    let read = || {
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hours, minutes, seconds) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        // A year that begins with March has its leap day at its end.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
        // 1970 begins on day 719469 of that count.
        Some((((days - 719_469) * 24 + hours) * 60 + minutes) * 60 + seconds)
    };
    read().unwrap_or_else(|| panic!("no date: {date}"))
}

#[cfg(test)]
mod tests {
    use super::seconds_since_1970;

    #[test]
    fn days_that_are_known() {
        for (date, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2001-09-09T01:46:40Z", 1_000_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(seconds_since_1970(date), seconds, "{date}");
        }
    }
}
