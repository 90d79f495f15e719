//! School days: terms, closures, and the hours that count between two moments.
//!
//! Source of the dates is configuration (the county's term dates, INSET days, bank holidays). A
//! date outside every configured term's range is taken as an ordinary weekday, so that a calendar
//! that ran out never silences an alarm.

use std::sync::LazyLock;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span as JiffSpan, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

static LONDON: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZoneDatabase::bundled().get("Europe/London").unwrap_or(TimeZone::UTC));

/// Europe/London, from the tables built into the program, so that every host agrees.
#[must_use]
pub fn london() -> TimeZone {
    LONDON.clone()
}

/// The date in London at `at`.
#[must_use]
pub fn london_date(at: Timestamp) -> Date {
    at.to_zoned_datetime(london()).date()
}

/// The first moment of `date` in London.
#[must_use]
pub fn london_midnight(date: Date) -> Timestamp {
    date.to_zoned_datetime(london()).map_or(Timestamp::UNIX_EPOCH, |z| z.timestamp())
}

/// A first and a last day, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// First day.
    #[schemars(with = "String")]
    pub from: Date,
    /// Last day, included.
    #[schemars(with = "String")]
    pub to: Date,
}

impl Days {
    fn holds(&self, date: Date) -> bool {
        self.from <= date && date <= self.to
    }
}

/// Term dates and closures of a group of schools.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Terms; what lies between two of them is a holiday.
    #[serde(default)]
    pub terms: Vec<Days>,
    /// Half-terms, INSET days, bank holidays, snow days.
    #[serde(default)]
    pub closures: Vec<Days>,
}

impl Calendar {
    /// Whether pupils are expected on `date`.
    #[must_use]
    pub fn is_school_day(&self, date: Date) -> bool {
        !is_weekend(date) && !self.is_closure(date)
    }

    /// Whether the calendar closes the school on `date`: a holiday, an INSET day, a bank holiday.
    /// A weekend is a closure only within one: weekends alone hold nothing.
    #[must_use]
    pub fn is_closure(&self, date: Date) -> bool {
        if self.closures.iter().any(|c| c.holds(date)) {
            return true;
        }
        let known =
            self.terms.iter().map(|t| t.from).min().zip(self.terms.iter().map(|t| t.to).max());
        match known {
            Some((first, last)) if first <= date && date <= last => {
                !self.terms.iter().any(|t| t.holds(date))
            }
            _ => false,
        }
    }

    /// The last school day that ended before the day of `at` in London; `None` if the calendar
    /// closes the whole year before.
    #[must_use]
    pub fn last_school_day_before(&self, at: Timestamp) -> Option<Date> {
        let mut date = london_date(at);
        for _ in 0..400 {
            date = date.yesterday().ok()?;
            if self.is_school_day(date) {
                return Some(date);
            }
        }
        None
    }

    /// Seconds between two moments that fall on days that `counts` in London. 0 if `to` is not
    /// after `from`. Costs one step per day, at most 800.
    #[must_use]
    pub fn seconds_on_days(from: Timestamp, to: Timestamp, counts: impl Fn(Date) -> bool) -> u64 {
        let (mut at, mut sum) = (from, 0_i64);
        for _ in 0..800 {
            if at >= to {
                break;
            }
            let date = london_date(at);
            let next = date.tomorrow().map_or(to, london_midnight).min(to);
            if next <= at {
                break;
            }
            if counts(date) {
                sum += next.as_second() - at.as_second();
            }
            at = next;
        }
        u64::try_from(sum).unwrap_or_default()
    }

    /// Seconds between two moments that fall on school days.
    #[must_use]
    pub fn school_seconds(&self, from: Timestamp, to: Timestamp) -> u64 {
        Self::seconds_on_days(from, to, |d| self.is_school_day(d))
    }

    /// Seconds between two moments outside closures; weekends count.
    #[must_use]
    pub fn open_seconds(&self, from: Timestamp, to: Timestamp) -> u64 {
        Self::seconds_on_days(from, to, |d| !self.is_closure(d))
    }

    /// The day on which the last term ends, to warn before the calendar runs out.
    #[must_use]
    pub fn ends(&self) -> Option<Date> {
        self.terms.iter().map(|t| t.to).max()
    }
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// `n` school days before `date` (for windows such as "active in the last 30 school days").
#[must_use]
pub fn school_days_back(calendar: &Calendar, date: Date, n: u16) -> Date {
    let (mut left, mut at) = (n, date);
    let day: JiffSpan = 1.day();
    for _ in 0..1_000 {
        if left == 0 {
            break;
        }
        let Ok(before) = at.checked_sub(day) else { break };
        at = before;
        if calendar.is_school_day(at) {
            left -= 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }
    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn autumn() -> Calendar {
        Calendar {
            terms: vec![
                Days { from: day("2026-09-02"), to: day("2026-12-18") },
                Days { from: day("2027-01-04"), to: day("2027-03-25") },
            ],
            closures: vec![Days { from: day("2026-10-26"), to: day("2026-10-30") }],
        }
    }

    #[test]
    fn knows_holidays_half_terms_and_weekends() {
        let c = autumn();
        assert!(c.is_school_day(day("2026-11-23")));
        assert!(!c.is_school_day(day("2026-11-22")));
        assert!(!c.is_closure(day("2026-11-22")), "a weekend alone closes nothing");
        assert!(c.is_closure(day("2026-10-28")));
        assert!(c.is_closure(day("2026-12-25")));
        assert!(!c.is_closure(day("2030-12-25")), "a calendar that ran out silences nothing");
        assert_eq!(c.last_school_day_before(at("2026-11-23T09:10:00Z")), Some(day("2026-11-20")));
    }

    #[test]
    fn counts_only_the_hours_that_are_due() {
        let c = autumn();
        // Friday 12:00 to Monday 12:00: half of Friday and half of Monday.
        let (from, to) = (at("2026-11-20T12:00:00Z"), at("2026-11-23T12:00:00Z"));
        assert_eq!(c.school_seconds(from, to), 24 * 3_600);
        assert_eq!(c.open_seconds(from, to), 72 * 3_600);
        assert_eq!(c.open_seconds(to, from), 0);
        // Clocks go back on 25 October 2026: that day has 25 hours.
        let sunday = (at("2026-10-24T23:00:00Z"), at("2026-10-26T00:00:00Z"));
        assert_eq!(c.open_seconds(sunday.0, sunday.1), 25 * 3_600);
        assert_eq!(school_days_back(&c, day("2026-11-23"), 5), day("2026-11-16"));
    }
}
