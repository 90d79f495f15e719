//! Events that repeat: RRULE and EXDATE (RFC 5545, 3.8.5), expanded by the library.
//!
//! A rule repeats by the clock on the wall of the event's own zone. The library is given that clock
//! as if it were UTC, so that no zone of its own comes in.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use rrule::RRuleSet;

use crate::config::calendars::lines::{Event, Prop, Wrong};
use crate::config::calendars::when::{Moment, moment};

/// Repetitions of one event; a closure on every Friday of ten years is no closure.
const MAX_TIMES: u16 = 500;
/// Repetitions of a yearly event without an end.
const MAX_YEARS: u16 = 60;
/// What the library reads and writes.
const CLOCK: &str = "%Y%m%dT%H%M%S";

/// What an event says of its repetition.
pub(super) struct Rule<'a> {
    prop: &'a Prop,
    except: BTreeSet<Date>,
    except_at: BTreeSet<DateTime>,
}

impl<'a> Rule<'a> {
    /// The rule of `event`, if it repeats.
    ///
    /// # Errors
    /// Names what cannot be read, and what this program does not read.
    pub(super) fn of(event: &'a Event, from: &Moment) -> Result<Option<Self>, Wrong> {
        for name in ["RDATE", "RECURRENCE-ID", "EXRULE"] {
            if let Some(prop) = event.all(name).next() {
                return Err(Wrong::new(
                    prop.line,
                    name,
                    "is not read by this program",
                    "export the dates one by one, as events of their own",
                ));
            }
        }
        let Some(prop) = event.one("RRULE")? else {
            return match event.all("EXDATE").next() {
                Some(except) => Err(Wrong::new(
                    except.line,
                    "EXDATE",
                    "takes away from an event that does not repeat",
                    "take it out, or add the RRULE",
                )),
                None => Ok(None),
            };
        };
        let (mut except, mut except_at) = (BTreeSet::new(), BTreeSet::new());
        for exdate in event.all("EXDATE") {
            for text in exdate.value.split(',') {
                match moment(exdate, text)? {
                    Moment::Day(date) => drop(except.insert(date)),
                    Moment::Time(zoned) => {
                        except_at.insert(zoned.with_time_zone(from.zone()).datetime());
                    }
                }
            }
        }
        Ok(Some(Self { prop, except, except_at }))
    }
}

/// When the event begins, by its own clock, the first time included unless it is taken away.
///
/// # Errors
/// When the rule cannot be read, never ends, or gives too many.
pub(super) fn starts(rule: &Rule<'_>, from: &Moment) -> Result<Vec<DateTime>, Wrong> {
    let wrong = |found: String, remedy| Wrong::new(rule.prop.line, "RRULE", found, remedy);
    let unread =
        || wrong("is not a rule that can be read".to_owned(), "export the dates one by one");
    let mut parts = Vec::new();
    let (mut ends, mut yearly) = (false, false);
    for part in rule.prop.value.split(';').filter(|p| !p.trim().is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(unread)?;
        let (key, value) = (key.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
        match key.as_str() {
            "UNTIL" => {
                ends = true;
                parts.push(format!("UNTIL={}Z", until(rule.prop, &value, from)?.strftime(CLOCK)));
                continue;
            }
            "COUNT" => ends = true,
            "FREQ" if matches!(value.as_str(), "SECONDLY" | "MINUTELY" | "HOURLY") => {
                return Err(wrong(
                    "repeats within a day".to_owned(),
                    "take the event out: it is no term and no closed day",
                ));
            }
            "FREQ" => yearly = value == "YEARLY",
            _ => {}
        }
        parts.push(format!("{key}={value}"));
    }
    if !ends && !yearly {
        return Err(wrong(
            "has neither UNTIL nor COUNT: it would go on for ever".to_owned(),
            "add an UNTIL; only a yearly event may do without",
        ));
    }
    let text = format!("DTSTART:{}Z\nRRULE:{}", from.civil().strftime(CLOCK), parts.join(";"));
    let set: RRuleSet = text.parse().map_err(|_| unread())?;
    let most = if ends { MAX_TIMES } else { MAX_YEARS };
    let found = set.all(most);
    if ends && found.limited {
        return Err(wrong(
            format!("gives more than {MAX_TIMES} dates"),
            "take the event out, or end it sooner",
        ));
    }
    let clock = |at: String| DateTime::strptime(CLOCK, at).map_err(|_| unread());
    let all: Result<Vec<DateTime>, Wrong> =
        found.dates.iter().map(|at| clock(at.format(CLOCK).to_string())).collect();
    let kept = |at: &DateTime| !rule.except.contains(&at.date()) && !rule.except_at.contains(at);
    Ok(all?.into_iter().filter(kept).collect())
}

/// The last moment of the rule by the event's own clock. A bare day is meant to its end.
fn until(prop: &Prop, text: &str, from: &Moment) -> Result<DateTime, Wrong> {
    // Read as UTC or as the event's own clock, whatever DTSTART's TZID is: it does not apply here.
    let bare = Prop { params: Vec::new(), ..prop.clone() };
    if let Some(clock) = text.strip_suffix('Z') {
        let utc = moment(&bare, &format!("{clock}Z"))?;
        return Ok(match utc {
            Moment::Day(date) => date.to_datetime(Time::MAX),
            Moment::Time(zoned) => zoned.with_time_zone(from.zone()).datetime(),
        });
    }
    Ok(match moment(&bare, text)? {
        Moment::Day(date) => {
            let last = Time::new(23, 59, 59, 0).unwrap_or(Time::MAX);
            date.to_datetime(last)
        }
        Moment::Time(zoned) => zoned.datetime(),
    })
}
