//! How long a server wants to be left alone: `Retry-After` (RFC 9110 10.2.3). Pure.

use http::{HeaderMap, StatusCode, header};

use crate::clock::Timestamp;

/// No server is believed that it wants to be left alone for longer.
const MAX_PAUSE: i64 = 3600;

/// The pause after a 429 that does not name one.
const DEFAULT_PAUSE: i64 = 5;

/// Seconds to wait after an answer, when its server asked for a pause.
pub fn pause(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let asks = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    if !asks {
        return None;
    }
    let named = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| {
        let value = value.trim();
        if value.bytes().all(|b| b.is_ascii_digit()) {
            // More digits than fit are a very long time.
            return (!value.is_empty()).then(|| value.parse().unwrap_or(MAX_PAUSE));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let seconds = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        Some(Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX)).seconds_since(now))
    });
    let default = (status == StatusCode::TOO_MANY_REQUESTS).then_some(DEFAULT_PAUSE);
    named.or(default).map(|seconds: i64| seconds.clamp(0, MAX_PAUSE)).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        // 2026-11-21 00:00:00 UTC
        let now = Timestamp::from_unix(1_795_219_200);
        let cases = [
            (429, Some("7"), Some(7)),
            (429, None, Some(5)),
            (429, Some("soon"), Some(5)),
            (429, Some("0"), None),
            (503, Some("99999999999999999999"), Some(3600)),
            (503, Some("315360000"), Some(3600)),
            (503, Some("Sat, 21 Nov 2026 00:01:00 GMT"), Some(60)),
            (503, Some("Fri, 20 Nov 2026 00:01:00 GMT"), None),
            (503, None, None),
            (400, Some("7"), None),
            (200, Some("7"), None),
        ];
        for (status, value, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            }
            assert_eq!(
                pause(StatusCode::from_u16(status).unwrap(), &headers, now),
                expected,
                "{status} {value:?}"
            );
        }
    }
}
