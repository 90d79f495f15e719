//! Numbers that must not fall: what they are compared with, and how that is remembered.
//!
//! Two measures. The *last good day*: a day on which the number had fallen is no good one, so a
//! sudden drop stays in view until it is put right. The *weeks before*: the best of each week, so
//! that a decline that never takes much on one day is seen as well. Both live in the memory's
//! baseline: the last day under the number's own name, the best of a week under `NAME@` and the
//! date of its Monday.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::calendar::london_date;
use crate::model::check::{Against, DropRule};
use crate::model::health::{Health, Reason};
use crate::model::kept::Memory;
use crate::model::observation::Number;
use crate::model::text::Clean;

/// Numbers of one check that are watched; more are left out.
const MOST_NUMBERS: usize = 20;

/// A number that fell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fall {
    /// By more than the limit, both as shares.
    Far {
        /// Before.
        from: f64,
        /// Now.
        to: f64,
        /// The limit that it broke.
        limit: f64,
        /// Its name.
        name: Clean,
        /// Since when, where not since the last good day: the Monday of the week of the best.
        week: Option<Date>,
    },
    /// To nothing.
    Empty {
        /// Before.
        from: f64,
        /// Its name.
        name: Clean,
    },
    /// A good answer without the number.
    Missing,
}

impl Fall {
    pub(super) fn meaning(&self) -> (Health, Option<Reason>) {
        match self {
            Self::Far { .. } => (Health::Warning, None),
            Self::Empty { .. } => (Health::Critical, None),
            Self::Missing => (Health::Unknown, Some(Reason::Malformed)),
        }
    }

    /// Critical before unknown before warning; of two, the deeper one.
    fn rank(&self) -> (Health, f64) {
        let share = match self {
            Self::Far { from, to, .. } => (from - to) / from,
            Self::Empty { .. } | Self::Missing => 1.0,
        };
        (self.meaning().0, share)
    }
}

/// Whether `name` is one of the numbers of `rule`: its own name, or `NUMBER of SOMETHING`.
fn watched(rule: &DropRule, name: &str) -> bool {
    name.strip_prefix(rule.number).is_some_and(|rest| rest.is_empty() || rest.starts_with(" of "))
}

/// The best of a week before, as it is remembered.
fn week_of<'a>(kept: &'a Number, name: &str) -> Option<(Date, &'a Number)> {
    let day = kept.name.as_str().strip_prefix(name)?.strip_prefix('@')?;
    Some((day.parse().ok()?, kept))
}

fn monday(day: Date) -> Date {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
}

/// Weeks from `earlier` to `later`, both Mondays.
fn weeks_between(earlier: Date, later: Date) -> i64 {
    earlier.until(later).map_or(0, |span| i64::from(span.get_days()) / 7)
}

/// Between 15 July and 30 September leavers go and starters come.
fn is_summer(day: Date) -> bool {
    matches!((day.month(), day.day()), (7, 15..) | (8 | 9, _))
}

/// The worst fall of the numbers of an answer, given what is remembered; `well` when the answer
/// itself says so.
pub(super) fn fall(
    (rule, memory): (&DropRule, &Memory),
    (numbers, well): (&[Number], bool),
    at: Timestamp,
) -> Option<Fall> {
    let known = memory.baseline.iter().any(|n| watched(rule, n.name.as_str()) && n.value > 0.0);
    let mut found = numbers.iter().filter(|n| watched(rule, n.name.as_str()));
    let first = found.next();
    if first.is_none() && known && well {
        return Some(Fall::Missing);
    }
    first
        .into_iter()
        .chain(found)
        .take(MOST_NUMBERS)
        .filter_map(|now| of_number((rule, memory), now, london_date(at)))
        .reduce(|a, b| if b.rank() > a.rank() { b } else { a })
}

fn of_number((rule, memory): (&DropRule, &Memory), now: &Number, today: Date) -> Option<Fall> {
    let name = now.name.as_str();
    let last = memory.baseline.iter().find(|n| n.name == now.name).map(|n| n.value);
    let week = monday(today);
    let weeks: Vec<(Date, f64)> = memory
        .baseline
        .iter()
        .filter_map(|n| week_of(n, name))
        .filter(|(start, _)| weeks_between(*start, week) <= i64::from(rule.weeks))
        .map(|(start, n)| (start, n.value))
        .collect();
    let best_of = |weeks: &mut dyn Iterator<Item = (Date, f64)>| {
        weeks.reduce(|a, b| if b.1 > a.1 { b } else { a })
    };
    let far = |from: f64, since: Option<Date>| {
        let summer = is_summer(today) || since.is_some_and(is_summer);
        let limit = if summer { rule.summer } else { rule.warning };
        let fell = from > 0.0 && (from - now.value) / from > limit;
        fell.then_some(Fall::Far {
            from,
            to: now.value,
            limit,
            name: now.name.clone(),
            week: since,
        })
    };
    if now.value <= 0.0 {
        let best = best_of(&mut weeks.iter().copied()).map(|(_, v)| v);
        let from = last.into_iter().chain(best).find(|v| *v > 0.0)?;
        return Some(Fall::Empty { from, name: now.name.clone() });
    }
    let before = match rule.against {
        Against::LastGoodDay => {
            if let Some(sudden) = last.and_then(|from| far(from, None)) {
                return Some(sudden);
            }
            best_of(&mut weeks.iter().copied().filter(|(start, _)| *start < week))
        }
        Against::BestOfWeeks => {
            let best = best_of(&mut weeks.iter().copied());
            // Older than the weeks that count, but nothing newer is known.
            if best.is_none() {
                return last.and_then(|from| far(from, None));
            }
            best
        }
    };
    before.and_then(|(start, from)| far(from, Some(start)))
}

/// Takes the numbers of a good answer into the memory, once a day; true if it did.
pub(super) fn learn(
    (rule, memory): (&DropRule, &mut Memory),
    numbers: &[Number],
    at: Timestamp,
) -> bool {
    let today = london_date(at);
    if memory.baseline_at.is_some_and(|b| london_date(b) >= today) {
        return false;
    }
    let now: Vec<&Number> =
        numbers.iter().filter(|n| watched(rule, n.name.as_str())).take(MOST_NUMBERS).collect();
    if now.is_empty() {
        return false;
    }
    let week = monday(today);
    let mut baseline: Vec<Number> = now.iter().map(|n| (*n).clone()).collect();
    for number in now.iter().filter(|_| rule.weeks > 0) {
        let name = number.name.as_str();
        let mut best = number.value;
        for (start, kept) in memory.baseline.iter().filter_map(|n| week_of(n, name)) {
            if start == week {
                best = best.max(kept.value);
            } else if weeks_between(start, week) <= i64::from(rule.weeks) && start < week {
                baseline.push(kept.clone());
            }
        }
        baseline.push(Number { name: Clean::new(&format!("{name}@{week}")), value: best });
    }
    memory.baseline = baseline;
    memory.baseline_at = Some(at);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUPILS: DropRule = DropRule {
        number: "pupils",
        warning: 0.15,
        summer: 0.40,
        against: Against::LastGoodDay,
        weeks: 4,
    };
    const SIZE: DropRule = DropRule {
        number: "stored_mb",
        warning: 0.5,
        summer: 0.5,
        against: Against::BestOfWeeks,
        weeks: 1,
    };

    fn number(name: &str, value: f64) -> Number {
        Number { name: Clean::new(name), value }
    }

    fn on(day: &str) -> Timestamp {
        format!("{day}T09:00:00Z").parse().unwrap()
    }

    /// Plays days of one number; days that had fallen are learned only where `even_fallen`.
    fn play(
        rule: &DropRule,
        name: &str,
        days: &[(&str, f64)],
        even_fallen: bool,
    ) -> Vec<Option<Fall>> {
        let mut memory = Memory::default();
        days.iter()
            .map(|(day, value)| {
                let numbers = [number(name, *value)];
                let fell = fall((rule, &memory), (&numbers, true), on(day));
                if fell.is_none() || (even_fallen && matches!(fell, Some(Fall::Far { .. }))) {
                    learn((rule, &mut memory), &numbers, on(day));
                }
                assert!(memory.baseline.len() <= 2 + usize::from(rule.weeks), "{memory:?}");
                fell
            })
            .collect()
    }

    #[test]
    fn a_decline_that_is_never_sudden_is_seen_over_the_weeks() {
        // Five of a hundred a day: no day falls by more than 15 %.
        let days = [
            ("2026-11-20", 100.0), // Friday
            ("2026-11-23", 95.0),
            ("2026-11-24", 90.0),
            ("2026-11-25", 85.0),
            ("2026-11-26", 84.0),
        ];
        let falls = play(&PUPILS, "pupils", &days, false);
        assert!(falls[..4].iter().all(Option::is_none), "{falls:?}");
        let Some(Fall::Far { from, to, limit, week, .. }) = falls[4] else { panic!("{falls:?}") };
        assert_eq!((from, to, limit), (100.0, 84.0, 0.15));
        assert_eq!(week, Some("2026-11-16".parse().unwrap()));
        // Within one week the last good day is the only measure.
        let days = [("2026-11-23", 100.0), ("2026-11-24", 90.0), ("2026-11-25", 80.0)];
        assert!(play(&PUPILS, "pupils", &days, false).iter().all(Option::is_none));
    }

    #[test]
    fn the_weeks_before_are_forgotten_after_their_time() {
        let days = [("2026-10-01", 100.0), ("2026-10-05", 90.0), ("2026-11-09", 80.0)];
        let falls = play(&PUPILS, "pupils", &days, false);
        assert!(falls.iter().all(Option::is_none), "five weeks later: {falls:?}");
    }

    #[test]
    fn what_was_before_the_summer_is_measured_by_the_summers_limit() {
        let days = [("2026-09-28", 100.0), ("2026-09-30", 80.0), ("2026-10-06", 70.0)];
        let falls = play(&PUPILS, "pupils", &days, false);
        assert!(falls.iter().all(Option::is_none), "{falls:?}");
        let days = [("2026-10-06", 100.0), ("2026-10-07", 90.0), ("2026-10-13", 80.0)];
        assert!(matches!(play(&PUPILS, "pupils", &days, false)[2], Some(Fall::Far { .. })));
    }

    #[test]
    fn a_size_that_halved_is_said_for_a_week_and_then_is_the_measure() {
        let name = "stored_mb of SVR-1";
        let mut days = vec![("2026-11-20", 100.0), ("2026-11-21", 45.0), ("2026-11-22", 45.0)];
        days.extend([("2026-11-29", 45.0), ("2026-11-30", 45.0)]);
        let falls = play(&SIZE, name, &days, true);
        let far: Vec<bool> = falls.iter().map(Option::is_some).collect();
        assert_eq!(far, [false, true, true, true, false], "{falls:?}");
        // Exactly half is not more than half; nothing at all is another matter.
        let days = [("2026-11-20", 100.0), ("2026-11-21", 50.0), ("2026-11-22", 0.0)];
        let falls = play(&SIZE, name, &days, true);
        assert_eq!(falls[1], None);
        assert!(matches!(falls[2], Some(Fall::Empty { from: 50.0, .. })), "{falls:?}");
    }

    #[test]
    fn each_number_of_a_rule_is_compared_with_itself() {
        let mut memory = Memory::default();
        let both = |a: f64, b: f64| [number("stored_mb of A", a), number("stored_mb of B", b)];
        assert!(learn((&SIZE, &mut memory), &both(10.0, 1_000.0), on("2026-11-20")));
        let now =
            [number("accounts", 2.0), both(4.0, 1_000.0)[0].clone(), both(4.0, 1_000.0)[1].clone()];
        let fell = fall((&SIZE, &memory), (&now, true), on("2026-11-21"));
        let Some(Fall::Far { name, from, .. }) = fell else { panic!("{fell:?}") };
        assert_eq!(
            (name.as_str(), from),
            ("stored_mb of A", 10.0),
            "the small one, which a sum would hide"
        );
        // One that is gone is not asked about any more; all of them gone is no news to be had.
        assert_eq!(fall((&SIZE, &memory), (&now[2..], true), on("2026-11-21")), None);
        let none = [number("accounts", 0.0)];
        assert_eq!(fall((&SIZE, &memory), (&none, true), on("2026-11-21")), Some(Fall::Missing));
        assert_eq!(fall((&SIZE, &memory), (&none, false), on("2026-11-21")), None);
        let other = [number("stored_mbytes", 1.0)];
        assert_eq!(fall((&SIZE, &Memory::default()), (&other, true), on("2026-11-21")), None);
    }
}
