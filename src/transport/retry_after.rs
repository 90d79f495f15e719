//! `Retry-After`, in every form that vendors send it (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

use super::gate::LONGEST_QUIET;

/// How long the vendor asks us to wait, in whole seconds from 1 to 300; `None` when it does not
/// say, or not in words that mean anything.
///
/// `value` is a number of seconds (also with a fraction, which some Microsoft services send,
/// rounded up) or an HTTP date, which is reckoned from the answer's own `Date` so that the vendor's
/// clock need not be ours; `now` stands in for a missing one.
pub(super) fn seconds(value: &str, date: Option<&str>, now: SystemTime) -> Option<u64> {
    let value = value.trim();
    let wait = number(value).or_else(|| {
        let until = httpdate::parse_http_date(value).ok()?;
        let from = date.and_then(|d| httpdate::parse_http_date(d.trim()).ok()).unwrap_or(now);
        Some(whole(until.duration_since(from).unwrap_or_default()))
    })?;
    Some(wait.clamp(1, LONGEST_QUIET.as_secs()))
}

/// Digits, with at most one point between or after them.
fn number(value: &str) -> Option<u64> {
    let (before, after) = value.split_once('.').unwrap_or((value, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if before.is_empty() || !digits(before) || !digits(after) {
        return None;
    }
    // More digits than fit are far beyond the longest wait.
    let seconds = before.parse::<u64>().unwrap_or(u64::MAX);
    let part = after.bytes().any(|b| b != b'0');
    Some(seconds.saturating_add(u64::from(part)))
}

fn whole(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: &str, date: Option<&str>) -> Option<u64> {
        // 2024-03-11 08:00:00 UTC
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_710_144_000);
        seconds(value, date, now)
    }

    #[test]
    fn reads_seconds() {
        for (value, expected) in [
            ("7", 7),
            (" 12 ", 12),
            ("0", 1),
            ("0.249", 1),
            ("1.0", 1),
            ("1.001", 2),
            ("4.", 4),
            ("300", 300),
            ("301", 300),
            ("86400", 300),
            ("99999999999999999999999", 300),
        ] {
            assert_eq!(at(value, None), Some(expected), "{value}");
        }
    }

    #[test]
    fn reads_dates_by_the_vendors_own_clock() {
        let until = "Mon, 11 Mar 2024 09:30:40 GMT";
        assert_eq!(at(until, Some("Mon, 11 Mar 2024 09:30:00 GMT")), Some(40));
        assert_eq!(at(until, None), Some(300), "an hour and a half by our clock");
        assert_eq!(at("Mon, 11 Mar 2024 08:00:25 GMT", None), Some(25));
        assert_eq!(at("Mon, 11 Mar 2024 08:00:25 GMT", Some("nonsense")), Some(25));
        assert_eq!(at("Mon, 11 Mar 2024 07:00:00 GMT", None), Some(1), "already past");
        assert_eq!(at("Monday, 11-Mar-24 08:00:09 GMT", None), Some(9), "the old form");
    }

    #[test]
    fn does_not_guess() {
        for value in ["", "-3", "+3", "soon", "1e3", "NaN", "inf", ".5", "1.2.3", "5s", "0x10"] {
            assert_eq!(at(value, None), None, "{value}");
        }
    }
}
