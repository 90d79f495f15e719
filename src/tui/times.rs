//! Times as the desk reads them: London, with zone or day, and ages. All change at the minute only.

use jiff::Timestamp;

use crate::wire::{Span, london, london_date};

/// The clock of line 1: `Tue 09:14 GMT`.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %H:%M %Z").to_string()
}

/// The time of day to the second, where a plan or a step is told: `09:20:14`.
#[must_use]
pub fn clock_s(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%H:%M:%S").to_string()
}

/// As [`moment`], to the second where it is today.
#[must_use]
pub fn moment_s(at: Timestamp, now: Timestamp) -> String {
    if london_date(at) == london_date(now) { clock_s(at) } else { moment(at, now) }
}

/// What is left until `end`: `4:40` in steps of ten seconds, `28 min` from ten minutes on; none
/// when it is over.
#[must_use]
pub fn left(end: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = end.duration_since(now).as_secs();
    if seconds <= 0 {
        return None;
    }
    if seconds >= 600 {
        return Some(format!("{} min", seconds / 60));
    }
    let seconds = seconds / 10 * 10;
    Some(format!("{}:{:02}", seconds / 60, seconds % 60))
}

/// A moment, as short as it is still plain: `09:13` today, `Sat 03:02` within six days, `14 Oct
/// 03:02`, and with the year where it is another.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    let zoned = at.to_zoned_datetime(london());
    let (day, today) = (london_date(at), london_date(now));
    let days = (at.as_second() - now.as_second()).unsigned_abs() / 86_400;
    let form = if day == today {
        "%H:%M"
    } else if days < 6 {
        "%a %H:%M"
    } else if day.year() == today.year() {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    zoned.strftime(form).to_string()
}

/// A past moment, never without its day: `Mon 22:00`, and as [`moment`] farther back.
#[must_use]
pub fn dated(at: Timestamp, now: Timestamp) -> String {
    if london_date(at) == london_date(now) {
        return at.to_zoned_datetime(london()).strftime("%a %H:%M").to_string();
    }
    moment(at, now)
}

/// A moment with its day, whatever day it is: `Mon 23 Nov 22:00`.
#[must_use]
pub fn whole(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %H:%M").to_string()
}

/// A moment for a narrow column: `09:13`, `Sat 03:02`, `14 Oct`, `14 Oct 2025`.
#[must_use]
pub fn day_or_time(at: Timestamp, now: Timestamp) -> String {
    let full = moment(at, now);
    let is_dated = full.starts_with(|c: char| c.is_ascii_digit()) && full.contains(' ');
    match full.rsplit_once(' ') {
        Some((day, _)) if is_dated => day.to_owned(),
        _ => full,
    }
}

/// The day of a moment in a sentence: `this morning`, `since Saturday`, `since 14 October`.
#[must_use]
pub fn spoken_since(at: Timestamp, now: Timestamp) -> String {
    let zoned = at.to_zoned_datetime(london());
    let days = (now.as_second() - at.as_second()).max(0) / 86_400;
    if london_date(at) == london_date(now) {
        zoned.strftime("since %-H:%M today").to_string()
    } else if days < 6 {
        zoned.strftime("since %A").to_string()
    } else {
        zoned.strftime("since %-d %B").to_string()
    }
}

/// The start of the minute of `at`.
#[must_use]
pub fn minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(at)
}

/// One minute, in seconds: how late the clock on the screen may be.
pub const MINUTE_S: i64 = 60;

/// How long ago, for a cell: `0m`, `40m`, `26h`, `3d`. By whole minutes; what lies ahead is `0m`.
#[must_use]
pub fn age(since: Timestamp, now: Timestamp) -> String {
    Span::from_mins(age_s(since, now) / 60).short().replace("0s", "0m")
}

/// How long ago, in whole seconds of whole minutes.
#[must_use]
pub fn age_s(since: Timestamp, now: Timestamp) -> u64 {
    let minutes = |t: Timestamp| t.as_second().div_euclid(60);
    u64::try_from((minutes(now) - minutes(since)).max(0) * 60).unwrap_or_default()
}

/// Seconds since 1970 as a moment.
#[must_use]
pub fn at_second(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_londons_and_plain() {
        let now = at("2026-07-14T08:14:40Z");
        assert_eq!(clock(now), "Tue 09:14 BST");
        assert_eq!(moment(at("2026-07-14T07:13:00Z"), now), "08:13");
        assert_eq!(moment(at("2026-07-11T02:02:00Z"), now), "Sat 03:02");
        assert_eq!(moment(at("2026-07-07T07:00:00Z"), now), "7 Jul 08:00");
        assert_eq!(moment(at("2025-12-14T03:02:00Z"), now), "14 Dec 2025 03:02");
        assert_eq!(day_or_time(at("2025-12-14T03:02:00Z"), now), "14 Dec 2025");
        assert_eq!(day_or_time(at("2026-07-11T02:02:00Z"), now), "Sat 03:02");
        assert_eq!(day_or_time(at("2026-07-14T07:13:00Z"), now), "08:13");
        assert_eq!(moment(at("2026-07-13T23:30:00Z"), now), "00:30", "already today in London");
        assert_eq!(spoken_since(at("2026-07-11T02:02:00Z"), now), "since Saturday");
    }

    #[test]
    fn ages_change_at_the_minute_only() {
        let since = at("2026-07-14T08:00:30Z");
        for (now, want) in [
            ("2026-07-14T08:00:59Z", "0m"),
            ("2026-07-14T08:01:00Z", "1m"),
            ("2026-07-14T08:01:59Z", "1m"),
            ("2026-07-14T09:59:00Z", "1h"),
            ("2026-07-17T09:59:00Z", "3d"),
            ("2026-07-14T07:59:00Z", "0m"),
        ] {
            assert_eq!(age(since, at(now)), want, "{now}");
        }
    }
}
