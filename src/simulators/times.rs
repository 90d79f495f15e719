//! The vendors' rhythms: nightly runs, school hours, and how each vendor writes a time.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp};

use crate::model::calendar::{london, london_date};

/// Where the simulators take the time of day from.
pub type TimeSource = std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The latest moment at or before `now` when it was `hour:minute:second` in London.
pub(super) fn last_daily(now: Timestamp, hour: i8, minute: i8, second: i8) -> Timestamp {
    let on = |date: Date| {
        date.at(hour, minute, second, 0)
            .to_zoned_datetime(london())
            .map_or(Timestamp::UNIX_EPOCH, |z| z.timestamp())
    };
    let today = london_date(now);
    let at = on(today);
    if at <= now { at } else { today.yesterday().map_or(at, on) }
}

/// `now` rounded down to a whole number of `minutes` of the hour.
pub(super) fn rounded_down(now: Timestamp, minutes: i64) -> Timestamp {
    let step = minutes.max(1) * 60;
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(step)).unwrap_or(now)
}

/// `at` moved by `seconds`, which may be negative.
pub(super) fn moved(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Whole seconds from `from` to `to`.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

/// When pupils' computers were last in use: on a weekday after nine the present check-in (not
/// after half past three), else half past three on the weekday before.
pub(super) fn last_in_use(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(london());
    let weekday = |d: Date| !matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
    let today = zoned.date();
    if weekday(today) && zoned.hour() >= 9 {
        return rounded_down(now, 15).min(last_daily(end_of(today, now), 15, 30, 0));
    }
    let mut at = last_daily(now, 15, 30, 0);
    for _ in 0..3 {
        if london_date(at) != today && weekday(london_date(at)) {
            break;
        }
        at = last_daily(moved(at, -1), 15, 30, 0);
    }
    at
}

fn end_of(date: Date, otherwise: Timestamp) -> Timestamp {
    date.at(23, 59, 59, 0).to_zoned_datetime(london()).map_or(otherwise, |z| z.timestamp())
}

/// `2026-11-23T03:04:52.425`: UTC, no zone, milliseconds (Groupcall's `meta`).
pub(super) fn unzoned(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// `2026-11-28T09:00:12.4025550Z`: seven digits (Groupcall's `expires`).
pub(super) fn seven_digits(at: Timestamp) -> String {
    format!("{}.4025550Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// `2026-11-22T21:04:12Z`.
pub(super) fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-20T16:02:11.482Z` (Statuspage).
pub(super) fn utc_millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `2026-07-19T21:04:25+01:00`: London time with its offset.
pub(super) fn with_offset(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `Mon, 23 Nov 2026 05:00:01 +0000` (mail).
pub(super) fn mail_date(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn nightly_runs_follow_london_through_the_summer() {
        assert_eq!(last_daily(at("2026-11-23T09:00:00Z"), 3, 4, 0), at("2026-11-23T03:04:00Z"));
        assert_eq!(last_daily(at("2026-11-23T03:03:59Z"), 3, 4, 0), at("2026-11-22T03:04:00Z"));
        assert_eq!(last_daily(at("2026-07-01T02:10:00Z"), 3, 4, 0), at("2026-07-01T02:04:00Z"));
    }

    #[test]
    fn computers_are_in_use_on_weekdays_only() {
        for (now, used) in [
            ("2026-11-23T10:07:00Z", "2026-11-23T10:00:00Z"), // Monday lesson
            ("2026-11-23T20:00:00Z", "2026-11-23T15:30:00Z"), // Monday evening
            ("2026-11-23T08:59:00Z", "2026-11-20T15:30:00Z"), // Monday before school
            ("2026-11-24T00:10:00Z", "2026-11-23T15:30:00Z"), // Tuesday night
            ("2026-11-22T16:00:00Z", "2026-11-20T15:30:00Z"), // Sunday
            ("2026-11-21T01:00:00Z", "2026-11-20T15:30:00Z"), // Saturday night
        ] {
            assert_eq!(last_in_use(at(now)), at(used), "{now}");
        }
    }

    #[test]
    fn each_vendor_writes_times_its_own_way() {
        let summer = at("2026-07-19T20:04:25.25Z");
        assert_eq!(unzoned(summer), "2026-07-19T20:04:25.250");
        assert_eq!(with_offset(summer), "2026-07-19T21:04:25+01:00");
        assert_eq!(mail_date(summer), "Sun, 19 Jul 2026 21:04:25 +0100");
        assert_eq!(utc_millis(summer), "2026-07-19T20:04:25.250Z");
    }
}
