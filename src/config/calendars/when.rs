//! The days of an event: all-day or with times, with a zone or without, once or by a rule.
//!
//! Days are London's. The end of an event is exclusive (RFC 5545, 3.6.1).

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, ToSpan, ZonedDateTime};

use crate::config::calendars::lines::{Event, Prop, Wrong};
use crate::config::calendars::repeat::{self, Rule};
use crate::model::calendar::{Days, london};

/// What to do about a date that cannot be read.
const DATES: &str = "write 20261026, or 20261026T083000 with TZID or Z";

/// Days that an event takes, and how long it lasts if it has times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) days: Days,
    /// Of one with times; none if it takes whole days.
    pub(super) lasts: Option<SignedDuration>,
}

/// A date, or a time in a zone.
#[derive(Debug, Clone)]
pub(super) enum Moment {
    Day(Date),
    Time(ZonedDateTime),
}

impl Moment {
    /// As a wall clock shows it in its own zone; midnight for a day.
    pub(super) fn civil(&self) -> DateTime {
        match self {
            Self::Day(date) => date.to_datetime(jiff::civil::Time::midnight()),
            Self::Time(zoned) => zoned.datetime(),
        }
    }

    /// The zone that its rule repeats in; UTC for a day.
    pub(super) fn zone(&self) -> TimeZone {
        match self {
            Self::Day(_) => TimeZone::UTC,
            Self::Time(zoned) => zoned.time_zone().clone(),
        }
    }
}

/// Every stretch of days that `event` takes.
///
/// # Errors
/// Names line and property of what cannot be read.
pub(super) fn taken(event: &Event) -> Result<Vec<Taken>, Wrong> {
    let Some(start) = event.one("DTSTART")? else {
        return Err(Wrong::new(
            event.line,
            "DTSTART",
            "the event has no beginning",
            "add DTSTART, or take the event out",
        ));
    };
    let from = moment(start, &start.value)?;
    let length = length(event, &from)?;
    let rule = Rule::of(event, &from)?;
    let starts = match &rule {
        Some(rule) => repeat::starts(rule, &from)?,
        None => vec![from.civil()],
    };
    starts.into_iter().map(|at| stretch(start, &from, at, &length)).collect()
}

/// How long an event lasts.
enum Length {
    /// Whole days.
    Days(i64),
    /// From clock to clock in its own zone.
    Clock(jiff::Span),
}

fn length(event: &Event, from: &Moment) -> Result<Length, Wrong> {
    let end = event.one("DTEND")?;
    let duration = event.one("DURATION")?;
    match (end, duration, from) {
        (Some(end), Some(_), _) => Err(Wrong::new(
            end.line,
            "DTEND",
            "stands beside DURATION",
            "keep one of the two (RFC 5545 allows no more)",
        )),
        (Some(end), None, _) => until(end, from),
        (None, Some(prop), _) => lasting(prop, from),
        (None, None, Moment::Day(_)) => Ok(Length::Days(1)),
        (None, None, Moment::Time(_)) => Ok(Length::Clock(jiff::Span::new())),
    }
}

fn until(end: &Prop, from: &Moment) -> Result<Length, Wrong> {
    let backwards = |days: bool| {
        let found = if days { "is before DTSTART" } else { "is not after DTSTART" };
        Wrong::new(end.line, "DTEND", found, "mend one of the two")
    };
    match (from, moment(end, &end.value)?) {
        (Moment::Day(from), Moment::Day(to)) => {
            let days = i64::from((to - *from).get_days());
            // Some programs write the same day for an event of one day.
            if days < 0 { Err(backwards(true)) } else { Ok(Length::Days(days.max(1))) }
        }
        (Moment::Time(from), Moment::Time(to)) => {
            if to < *from {
                return Err(backwards(false));
            }
            let there = to.with_time_zone(from.time_zone().clone()).datetime();
            Ok(Length::Clock(there - from.datetime()))
        }
        _ => Err(Wrong::new(
            end.line,
            "DTEND",
            "is a day where DTSTART is a time, or the other way round",
            "write both as days or both as times",
        )),
    }
}

fn lasting(prop: &Prop, from: &Moment) -> Result<Length, Wrong> {
    let wrong = |found: &str| {
        Wrong::new(prop.line, "DURATION", found, "write P5D, P1W or PT8H30M, or use DTEND")
    };
    let span: jiff::Span = prop.value.parse().map_err(|_| wrong("is not a duration"))?;
    if span.is_negative() {
        return Err(wrong("is negative"));
    }
    match from {
        Moment::Time(_) => Ok(Length::Clock(span)),
        Moment::Day(date) => {
            let end = date.checked_add(span).map_err(|_| wrong("is too long"))?;
            let days = i64::from((end - *date).get_days());
            if days < 1 { Err(wrong("is less than a day")) } else { Ok(Length::Days(days)) }
        }
    }
}

/// The days that the event takes when it begins at `at` by its own clock.
fn stretch(start: &Prop, from: &Moment, at: DateTime, length: &Length) -> Result<Taken, Wrong> {
    let far = || Wrong::new(start.line, "DTSTART", "lies too far away", DATES);
    match (from, length) {
        (Moment::Day(_), Length::Days(days)) => {
            let from = at.date();
            let to = from.checked_add((days - 1).days()).map_err(|_| far())?;
            Ok(Taken { days: Days { from, to }, lasts: None })
        }
        (_, Length::Days(_)) => Err(far()),
        (_, Length::Clock(span)) => {
            let zone = from.zone();
            let end = at.checked_add(*span).map_err(|_| far())?;
            let begins = at.to_zoned_datetime(zone.clone()).map_err(|_| far())?;
            let ends = end.to_zoned_datetime(zone).map_err(|_| far())?;
            let lasts = ends.timestamp().duration_since(begins.timestamp());
            let first = begins.with_time_zone(london()).date();
            // What ends at midnight does not take the day that begins there.
            let last = ends.timestamp().checked_sub(1.nanosecond()).map_err(|_| far())?;
            let last = last.to_zoned_datetime(london()).date().max(first);
            Ok(Taken { days: Days { from: first, to: last }, lasts: Some(lasts) })
        }
    }
}

/// A value of a property that is a date or a time.
///
/// # Errors
/// When it is neither, or its zone is not known.
pub(super) fn moment(prop: &Prop, text: &str) -> Result<Moment, Wrong> {
    let wrong = |found: String| Wrong::new(prop.line, &prop.name, found, DATES);
    let text = text.trim();
    let is_day = text.len() == 8;
    match prop.param("VALUE").map(str::to_ascii_uppercase).as_deref() {
        None => {}
        Some("DATE") if is_day => {}
        Some("DATE-TIME") if !is_day => {}
        Some(_) => return Err(wrong("is not of the type that VALUE gives".to_owned())),
    }
    if is_day {
        let date = Date::strptime("%Y%m%d", text).map_err(|_| wrong("is not a date".to_owned()));
        return date.map(Moment::Day);
    }
    let (clock, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, TimeZone::UTC),
        None => (text, zone_of(prop)?),
    };
    let civil = DateTime::strptime("%Y%m%dT%H%M%S", clock)
        .map_err(|_| wrong("is not a date or a time".to_owned()))?;
    civil
        .to_zoned_datetime(zone)
        .map(Moment::Time)
        .map_err(|_| wrong("lies too far away".to_owned()))
}

/// The zone of a time without Z; without TZID the clock on the wall, which is London's.
fn zone_of(prop: &Prop) -> Result<TimeZone, Wrong> {
    let Some(name) = prop.param("TZID") else { return Ok(london()) };
    // Outlook's name of London's time, which says nothing of summer.
    if ["GMT Standard Time", "GMT Daylight Time"].iter().any(|w| name.eq_ignore_ascii_case(w)) {
        return Ok(london());
    }
    // Some programs put a path before the name: /example.org/20070129_1/Europe/London.
    let parts: Vec<&str> = name.split('/').filter(|p| !p.is_empty()).collect();
    let zones = TimeZoneDatabase::bundled();
    let tails = (0..parts.len()).filter_map(|n| parts.get(n..)).map(|tail| tail.join("/"));
    tails.filter_map(|tail| zones.get(&tail).ok()).next().ok_or_else(|| {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        Wrong::new(
            prop.line,
            &prop.name,
            format!("TZID {name:?} is not a zone that is known here"),
            "use Europe/London, or whole days",
        )
    })
}
