//! The hours that count: when data becomes too old on a calendar with weekends and closures.

use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::model::calendar::{Calendar, london_date, london_midnight};
use crate::model::check::{AgeRule, Runs};
use crate::model::span::Span;

/// How far around the moment of making the stretches are known; beyond, every hour counts, so
/// that a calendar never silences an alarm for longer than that.
const REACH_DAYS: i32 = 800;
/// After how much of that they are made anew.
const RENEW_DAYS: u64 = 400;

type Stretch = (Timestamp, Timestamp);

/// A calendar as stretches of time that do not count.
#[derive(Debug)]
pub(super) struct Hours {
    /// Closures: holidays, half-terms, INSET days.
    closures: Vec<Stretch>,
    /// Every day that is no school day.
    no_school: Vec<Stretch>,
    renew_at: Timestamp,
}

impl Hours {
    pub(super) fn new(calendar: &Calendar, now: Timestamp) -> Self {
        Self {
            closures: stretches(now, |d| calendar.is_closure(d)),
            no_school: stretches(now, |d| !calendar.is_school_day(d)),
            renew_at: later(now, Span::from_days(RENEW_DAYS)),
        }
    }

    /// Whether it is time to make them anew.
    pub(super) fn is_outdated(&self, now: Timestamp) -> bool {
        now >= self.renew_at
    }

    fn skipped(&self, rule: &AgeRule) -> &[Stretch] {
        match rule.runs {
            Runs::SchoolDays => &self.no_school,
            Runs::Daily if rule.held_by_closures => &self.closures,
            Runs::Daily => &[],
        }
    }

    /// When data of `from` has the age `limit` by `rule`.
    pub(super) fn reached(&self, rule: &AgeRule, from: Timestamp, limit: Span) -> Timestamp {
        let (mut at, mut left) = (from, limit.as_secs_i64());
        let skipped = self.skipped(rule);
        let first = skipped.partition_point(|s| s.1 <= at);
        for (start, end) in skipped.iter().skip(first) {
            if *start > at {
                let open = start.as_second() - at.as_second();
                if open >= left {
                    break;
                }
                left -= open;
            }
            at = *end;
        }
        at.saturating_add(SignedDuration::from_secs(left)).unwrap_or(Timestamp::MAX)
    }

    /// The end of the stretch that does not count by `rule` and that `now` lies in.
    pub(super) fn held_until(&self, rule: &AgeRule, now: Timestamp) -> Option<Timestamp> {
        let skipped = self.skipped(rule);
        let s = skipped.get(skipped.partition_point(|s| s.1 <= now))?;
        (s.0 <= now).then_some(s.1)
    }
}

/// `at` and `span`, at most the end of time.
pub(super) fn later(at: Timestamp, span: Span) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(span.as_secs_i64())).unwrap_or(Timestamp::MAX)
}

fn stretches(now: Timestamp, skip: impl Fn(jiff::civil::Date) -> bool) -> Vec<Stretch> {
    let mut out: Vec<Stretch> = Vec::new();
    let mut open = None;
    let today = london_date(now);
    let Ok(mut date) = today.checked_sub(REACH_DAYS.days()) else { return out };
    for _ in 0..=2 * REACH_DAYS {
        match (skip(date), open) {
            (true, None) => open = Some(london_midnight(date)),
            (false, Some(start)) => {
                out.push((start, london_midnight(date)));
                open = None;
            }
            _ => {}
        }
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    out.extend(open.map(|start| (start, london_midnight(date))));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::Days;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn rule(runs: Runs, held: bool) -> AgeRule {
        let (warning, critical) = (Span::from_hours(26), Span::from_hours(50));
        AgeRule { late: None, warning, critical, runs, held_by_closures: held }
    }
    fn autumn() -> Calendar {
        let day = |t: &str| t.parse().unwrap();
        Calendar {
            terms: vec![Days { from: day("2026-09-02"), to: day("2026-12-18") }],
            closures: vec![Days { from: day("2026-10-26"), to: day("2026-10-30") }],
        }
    }

    #[test]
    fn skips_what_does_not_count() {
        let h = Hours::new(&autumn(), at("2026-11-24T09:00:00Z"));
        let friday = at("2026-11-20T12:00:00Z");
        let reached = |runs, held, from, hours| {
            h.reached(&rule(runs, held), from, Span::from_hours(hours)).to_string()
        };
        assert_eq!(reached(Runs::Daily, true, friday, 26), "2026-11-21T14:00:00Z");
        assert_eq!(
            reached(Runs::SchoolDays, false, friday, 26),
            "2026-11-24T02:00:00Z".replace("24T02", "23T14")
        );
        // Half-term: from Friday, the weekend counts, the week does not.
        let october = at("2026-10-23T02:00:00Z");
        assert_eq!(reached(Runs::Daily, true, october, 50), "2026-10-25T04:00:00Z");
        let sunday = at("2026-10-25T02:00:00Z");
        assert_eq!(reached(Runs::Daily, true, sunday, 26), "2026-10-31T04:00:00Z");
        assert_eq!(reached(Runs::Daily, false, sunday, 26), "2026-10-26T04:00:00Z");
        let monday = at("2026-10-27T10:00:00Z");
        assert_eq!(
            h.held_until(&rule(Runs::Daily, true), monday),
            Some(at("2026-10-31T00:00:00Z"))
        );
        assert_eq!(h.held_until(&rule(Runs::Daily, false), monday), None);
    }

    #[test]
    fn agrees_with_the_calendar_that_counts_day_by_day() {
        let (c, now) = (autumn(), at("2026-11-24T09:00:00Z"));
        let h = Hours::new(&c, now);
        for start in 0_i64..200 {
            let from = at("2026-10-10T05:00:00Z") + SignedDuration::from_hours(start * 5);
            for limit in [3_u64, 26, 50, 200] {
                let end = h.reached(&rule(Runs::SchoolDays, false), from, Span::from_hours(limit));
                assert_eq!(c.school_seconds(from, end), limit * 3_600, "{from} {limit}");
                let end = h.reached(&rule(Runs::Daily, true), from, Span::from_hours(limit));
                assert_eq!(c.open_seconds(from, end), limit * 3_600, "{from} {limit}");
            }
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let h = Hours::new(&autumn(), now);
            let r = rule(Runs::SchoolDays, true);
            h.reached(&r, Timestamp::MIN, Span::from_days(60));
            assert_eq!(h.reached(&r, Timestamp::MAX, Span::from_secs(u64::MAX)), Timestamp::MAX);
            h.held_until(&r, now);
        }
    }
}
