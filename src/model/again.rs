//! What is planned to come again: `every sun 02:00..04:00`, `closures`, each with `till 2027-01-31`.
//!
//! Invariant: a window is never longer than the wall's clock says. A beginning that a change of the
//! clock leaves out is moved behind it, an end that comes twice is the first.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, ToSpan};

use crate::model::calendar::{Calendar, london, london_date, london_midnight};

/// How far ahead the last one may begin, in days.
pub const MOST_DAYS: i64 = 90;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Why it was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgainError {
    /// The days.
    #[error("{0:?} is no day: write mon,thu (or day, for every day), as in every sun 02:00..04:00")]
    Days(String),
    /// The times of day.
    #[error("{0:?} are no two times of day: write them as 02:00..04:00")]
    Times(String),
    /// The last day.
    #[error("{0:?} is no date for the last: write till 2027-01-31")]
    Date(String),
    /// Too far, or over.
    #[error("the last may begin today at the earliest and within 90 days: till {0} does not")]
    Till(Date),
}

/// When, within a day or a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    Weekly { days: Vec<Weekday>, from: Time, until: Time },
    Closures,
}

/// What comes again, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    which: Which,
    last: Date,
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn days(text: &str) -> Option<Vec<Weekday>> {
    if text == "day" {
        return Some(DAYS.iter().map(|(_, day)| *day).collect());
    }
    let one = |word| DAYS.iter().find(|(name, _)| *name == word).map(|(_, day)| *day);
    text.split(',').map(one).collect()
}

impl Again {
    /// Reads what comes again at the beginning of `text`, and gives what stands after it; `None` where
    /// `text` begins with neither `every` nor `closures`. `now`: without `till` it ends after 90 days.
    ///
    /// # Errors
    /// When it begins so and cannot be understood.
    pub fn read(text: &str, now: Timestamp) -> Option<Result<(Self, &str), AgainError>> {
        match first_word(text) {
            ("every", rest) => Some(Self::weekly(rest).and_then(|(w, r)| Self::till(w, r, now))),
            ("closures", rest) => Some(Self::till(Which::Closures, rest, now)),
            _ => None,
        }
    }

    fn weekly(text: &str) -> Result<(Which, &str), AgainError> {
        let (word, rest) = first_word(text);
        let days = days(word).ok_or_else(|| AgainError::Days(short(word)))?;
        let (word, rest) = first_word(rest);
        let times = word.split_once("..").and_then(|(a, b)| Some((time(a)?, time(b)?)));
        let (from, until) = times.ok_or_else(|| AgainError::Times(short(word)))?;
        Ok((Which::Weekly { days, from, until }, rest))
    }

    fn till(which: Which, text: &str, now: Timestamp) -> Result<(Self, &str), AgainError> {
        let today = london_date(now);
        let most = today.checked_add(MOST_DAYS.days()).unwrap_or(today);
        let ("till", rest) = first_word(text) else {
            return Ok((Self { which, last: most }, text));
        };
        let (word, rest) = first_word(rest);
        let last: Date = word.parse().map_err(|_| AgainError::Date(short(word)))?;
        if last < today || last > most {
            return Err(AgainError::Till(last));
        }
        Ok((Self { which, last }, rest))
    }

    /// In words that [`Self::read`] reads again.
    #[must_use]
    pub fn written(&self) -> String {
        let last = self.last;
        match &self.which {
            Which::Closures => format!("closures till {last}"),
            Which::Weekly { days, from, until } => {
                let named = DAYS.iter().filter(|(_, day)| days.contains(day));
                let named: Vec<&str> = named.map(|(name, _)| *name).collect();
                let named = if named.len() == 7 { "day".to_owned() } else { named.join(",") };
                let (from, until) = (from.strftime("%H:%M"), until.strftime("%H:%M"));
                format!("every {named} {from}..{until} till {last}")
            }
        }
    }

    /// Whether it is about a school's calendar.
    #[must_use]
    pub fn is_closures(&self) -> bool {
        self.which == Which::Closures
    }

    /// The windows of a calendar that closes nothing; see [`Self::windows`].
    #[must_use]
    pub fn regular(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        self.windows(&Calendar::default(), now)
    }

    /// The windows that are not over at `now`, the soonest first, none upon another. The last begins on
    /// the last day at the latest.
    #[must_use]
    pub fn windows(&self, calendar: &Calendar, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let today = london_date(now);
        let mut out: Vec<(Timestamp, Timestamp)> = Vec::new();
        let mut date = today.yesterday().unwrap_or(today);
        while date <= self.last {
            let Ok(tomorrow) = date.tomorrow() else { break };
            let window = match &self.which {
                Which::Closures => calendar
                    .is_closure(date)
                    .then(|| (london_midnight(date), london_midnight(tomorrow))),
                Which::Weekly { days, from, until } => days
                    .contains(&date.weekday())
                    .then(|| {
                        let ends = if until > from { date } else { tomorrow };
                        Some((begins(date, *from)?, over(ends, *until)?))
                    })
                    .flatten(),
            };
            if let Some((from, until)) = window.filter(|(from, until)| from < until && *until > now)
            {
                match out.last_mut() {
                    Some(before) if before.1 >= from => before.1 = until,
                    _ => out.push((from, until)),
                }
            }
            date = tomorrow;
        }
        out
    }
}

fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

/// A time that was left out that night is the one that follows; of two the first.
fn begins(date: Date, time: Time) -> Option<Timestamp> {
    let zoned = london().to_ambiguous_zoned_datetime(date.to_datetime(time)).compatible();
    zoned.ok().map(|zoned| zoned.timestamp())
}

/// A time that was left out that night is the one before; of two the first.
fn over(date: Date, time: Time) -> Option<Timestamp> {
    let zoned = london().to_ambiguous_zoned_datetime(date.to_datetime(time)).earlier();
    zoned.ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::Days;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn read(text: &str, now: &str) -> Again {
        Again::read(text, at(now)).unwrap().unwrap().0
    }

    fn windows(text: &str, now: &str) -> Vec<String> {
        let found = read(text, now).windows(&Calendar::default(), at(now));
        found.iter().map(|(from, until)| format!("{from}..{until}")).collect()
    }

    #[test]
    fn what_is_written_is_understood_and_written_the_same() {
        let now = "2026-11-24T09:14:00Z";
        for (text, rest, written) in [
            ("every sun 02:00..04:00 CHG12 a", "CHG12 a", "every sun 02:00..04:00 till 2027-02-22"),
            ("every mon,wed 22:00..06:00", "", "every mon,wed 22:00..06:00 till 2027-02-22"),
            (
                "every day 01:00..02:00 till 2026-12-01 x",
                "x",
                "every day 01:00..02:00 till 2026-12-01",
            ),
            ("closures till 2027-01-05 x", "x", "closures till 2027-01-05"),
        ] {
            let (again, left) = Again::read(text, at(now)).unwrap().unwrap();
            assert_eq!((left, again.written().as_str()), (rest, written));
            assert_eq!(read(&again.written(), now), again);
        }
        assert_eq!(Again::read("2h every day", at(now)), None);
        for (text, wanted) in [
            ("every", "no day"),
            ("every noon 02:00..04:00", "no day"),
            ("every sun,x 02:00..04:00", "no day"),
            ("every sun 2..4", "times of day"),
            ("every sun 02:00..04:00 till soon", "no date"),
            ("every sun 02:00..04:00 till 2026-11-23", "within 90 days"),
            ("closures till 2027-02-23", "within 90 days"),
        ] {
            let why = Again::read(text, at(now)).unwrap().unwrap_err().to_string();
            assert!(why.contains(wanted), "{text}: {why}");
        }
    }

    #[test]
    fn each_is_at_the_time_that_the_wall_shows() {
        assert_eq!(
            windows("every sun 02:00..04:00 till 2026-12-06", "2026-11-24T09:14:00Z"),
            [
                "2026-11-29T02:00:00Z..2026-11-29T04:00:00Z",
                "2026-12-06T02:00:00Z..2026-12-06T04:00:00Z"
            ]
        );
        // In summer an hour earlier by the world's clock; over midnight it began yesterday.
        assert_eq!(
            windows("every sat 22:00..03:00 till 2026-07-05", "2026-07-05T00:30:00Z"),
            ["2026-07-04T21:00:00Z..2026-07-05T02:00:00Z"]
        );
    }

    #[test]
    fn the_night_in_which_the_clock_goes_forward_leaves_out_what_does_not_exist() {
        let now = "2026-03-24T09:00:00Z";
        let on = |times: &str| windows(&format!("every sun {times} till 2026-03-29"), now);
        // 01:00 to 02:00 does not exist on 29 March.
        assert_eq!(on("00:30..03:00"), ["2026-03-29T00:30:00Z..2026-03-29T02:00:00Z"]);
        assert_eq!(on("01:30..03:00"), ["2026-03-29T01:30:00Z..2026-03-29T02:00:00Z"]);
        assert_eq!(on("00:15..01:30"), ["2026-03-29T00:15:00Z..2026-03-29T00:30:00Z"]);
        assert!(on("01:15..01:45").is_empty());
    }

    #[test]
    fn the_night_in_which_the_clock_goes_back_ends_at_the_first_of_the_two() {
        let now = "2026-10-20T09:00:00Z";
        let on = |times: &str| windows(&format!("every sun {times} till 2026-10-25"), now);
        // 01:00 to 02:00 comes twice on 25 October: at 00:00Z and at 01:00Z.
        assert_eq!(on("00:30..01:30"), ["2026-10-24T23:30:00Z..2026-10-25T00:30:00Z"]);
        assert_eq!(on("01:15..01:45"), ["2026-10-25T00:15:00Z..2026-10-25T00:45:00Z"]);
        assert_eq!(on("01:30..02:30"), ["2026-10-25T00:30:00Z..2026-10-25T02:30:00Z"]);
    }

    #[test]
    fn closures_are_those_of_the_calendar_and_whole_days_of_london() {
        let day =
            |from: &str, to: &str| Days { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let calendar = Calendar {
            terms: Vec::new(),
            closures: vec![day("2026-10-24", "2026-10-26"), day("2026-12-21", "2027-01-01")],
        };
        let now = at("2026-10-25T12:00:00Z");
        let found =
            read("closures till 2026-12-25", "2026-10-25T12:00:00Z").windows(&calendar, now);
        let said: Vec<String> = found.iter().map(|(a, b)| format!("{a}..{b}")).collect();
        // The days before yesterday are over; the clock goes back on the 25th; the last day is kept.
        assert_eq!(
            said,
            [
                "2026-10-24T23:00:00Z..2026-10-27T00:00:00Z",
                "2026-12-21T00:00:00Z..2026-12-26T00:00:00Z"
            ]
        );
        assert!(
            read("closures", "2026-10-25T12:00:00Z").windows(&Calendar::default(), now).is_empty()
        );
    }

    #[test]
    fn windows_that_touch_are_one() {
        let now = "2026-11-24T09:14:00Z";
        assert_eq!(
            windows("every wed,thu 08:00..08:00 till 2026-11-26", now),
            ["2026-11-25T08:00:00Z..2026-11-27T08:00:00Z"]
        );
    }
}
