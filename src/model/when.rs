//! Moments as the desk writes them, in London: `2h`, `17:00`, `2026-11-28T22:00`, `22:00..02:00`.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp};

use crate::model::calendar::{london, london_date};
use crate::model::span::Span;

/// Why a moment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no moment: write 2h (from now), 17:00 (the next), 2026-11-28T22:00, or two of them as \
     22:00..02:00"
)]
pub struct WhenError(String);

/// The moment that `text` means at `now`: a duration from `from` on, the next time after `from` that
/// London's clocks show it, or a date and time in London or with a zone.
fn moment(text: &str, from: Timestamp) -> Option<Timestamp> {
    if let Ok(span) = text.parse::<Span>() {
        return from.checked_add(SignedDuration::from_secs(span.as_secs_i64())).ok();
    }
    if let Some((hour, minute)) = text.split_once(':').filter(|_| text.len() == 5) {
        let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
        let today = london_date(from);
        let days = [Some(today), today.tomorrow().ok()];
        let shown = days.into_iter().flatten().filter_map(|day| {
            Some(day.to_datetime(time).to_zoned_datetime(london()).ok()?.timestamp())
        });
        return shown.filter(|at| *at > from).min();
    }
    if let Ok(zoned) = text.parse::<Timestamp>() {
        return Some(zoned);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned_datetime(london()).ok()?.timestamp())
}

/// Why a past moment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// It means nothing.
    #[error(
        "{0:?} is no past moment: write -8h (ago), 22:00 (the last), Mon 22:00, or 2026-11-25T22:00"
    )]
    NoMoment(String),
    /// London's clocks never showed it.
    #[error("{0:?} never was: London's clocks went forward over it; write an hour before or after")]
    Skipped(String),
}

/// A past moment, and what has to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Then {
    /// The moment.
    pub at: Timestamp,
    /// London's clocks showed that time twice: this is the first one, [`Self::at`] the second.
    pub first: Option<Timestamp>,
}

impl Then {
    /// What has to be said, with the remedy; none where the time was shown once.
    #[must_use]
    pub fn caution(&self) -> Option<String> {
        let first = self.first?.to_zoned_datetime(london());
        Some(format!(
            "London's clocks showed that time twice: this is the second, in GMT; the first is {}",
            first.strftime("%Y-%m-%dT%H:%M%:z")
        ))
    }
}

/// The moment at which London's clocks show `civil`.
fn shown(civil: DateTime, text: &str) -> Result<Then, PastError> {
    let ambiguous = london().to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => Err(PastError::Skipped(text.to_owned())),
        AmbiguousOffset::Fold { .. } => {
            let no = |_| PastError::NoMoment(text.to_owned());
            let at = ambiguous.later().map_err(no)?;
            Ok(Then { at, first: Some(ambiguous.earlier().map_err(no)?) })
        }
        AmbiguousOffset::Unambiguous { .. } => {
            let at = ambiguous.compatible().map_err(|_| PastError::NoMoment(text.to_owned()))?;
            Ok(Then { at, first: None })
        }
    }
}

/// A day of the week by its first letters, three at least.
fn weekday(word: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let word = word.to_ascii_lowercase();
    let known = DAYS.iter().filter(|_| word.len() >= 3);
    known.into_iter().find(|(name, _)| name.starts_with(&word)).map(|(_, day)| *day)
}

/// The past moment that `text` means at `now`: `-8h` or `8h` ago, `22:00` as London's clocks last
/// showed it, `Mon 22:00` and `yesterday 22:00`, or a date and time in London or with a zone.
///
/// # Errors
/// When it means none, or London's clocks never showed it.
pub fn past(text: &str, now: Timestamp) -> Result<Then, PastError> {
    let text = text.trim();
    let no = || PastError::NoMoment(text.chars().take(40).collect());
    if let Some(at) = ago(text.strip_prefix('-').unwrap_or(text), now) {
        return Ok(Then { at, first: None });
    }
    let (day, time) = text.rsplit_once(' ').map_or((None, text), |(d, t)| (Some(d.trim()), t));
    let dated = day.is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()));
    if let Some((hour, minute)) = time.split_once(':').filter(|_| time.len() == 5 && !dated) {
        let number = |word: &str| word.parse().map_err(|_| no());
        let time = Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| no())?;
        let today = london_date(now);
        let wanted = match day.map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("today") => Some(today.weekday()),
            Some("yesterday") => Some(today.yesterday().map_err(|_| no())?.weekday()),
            Some(word) => Some(weekday(word).ok_or_else(no)?),
        };
        let mut date = today;
        // Eight days: today's time may still lie ahead.
        for _ in 0..8 {
            if wanted.is_none_or(|day| day == date.weekday()) {
                match shown(date.to_datetime(time), text) {
                    Ok(then) if then.at <= now => return Ok(then),
                    // Of the two of that night only the first has been.
                    Ok(Then { first: Some(at), .. }) if at <= now => {
                        return Ok(Then { at, first: None });
                    }
                    Err(error) if wanted.is_some() => return Err(error),
                    _ => {}
                }
            }
            date = date.yesterday().map_err(|_| no())?;
        }
        return Err(no());
    }
    if let Ok(zoned) = text.parse::<Timestamp>() {
        return Ok(Then { at: zoned, first: None });
    }
    shown(text.replace(' ', "T").parse().map_err(|_| no())?, text)
}

/// Two past moments: of a time of day, the first is the last before the second, so that `22:00` and
/// `06:00` are a night.
///
/// # Errors
/// When one of them means none.
pub fn two(from: &str, until: &str, now: Timestamp) -> Result<(Then, Then), PastError> {
    let until = past(until, now)?;
    let first = past(from, now)?;
    let is_span = ago(from.trim().trim_start_matches('-'), now).is_some();
    if first.at < until.at || is_span {
        return Ok((first, until));
    }
    Ok((past(from, until.at)?, until))
}

/// Two past moments written one after the other, `Mon 22:00 06:00`; the second is now if it is left
/// out.
///
/// # Errors
/// When it means none.
pub fn two_in(text: &str, now: Timestamp) -> Result<(Then, Then), PastError> {
    let text = text.trim();
    let alone = past(text, now);
    if let Ok(from) = alone {
        return Ok((from, Then { at: now, first: None }));
    }
    let both = text.rmatch_indices(' ').find_map(|(at, _)| {
        let (from, until) = text.split_at(at);
        two(from, until, now).ok()
    });
    both.ok_or_else(|| PastError::NoMoment(text.chars().take(40).collect()))
}

/// The moment that lay so long before `now` as `text` says, `2d`; none where it is no duration.
#[must_use]
pub fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let span = SignedDuration::from_secs(text.parse::<Span>().ok()?.as_secs_i64());
    Some(now.checked_sub(span).unwrap_or(Timestamp::MIN))
}

/// The moment that `text` means at `now`.
///
/// # Errors
/// When it means none.
pub fn when(text: &str, now: Timestamp) -> Result<Timestamp, WhenError> {
    moment(text, now).ok_or_else(|| WhenError(text.to_owned()))
}

/// The stretch that `text` means at `now`: `A..B`, or an end alone. A duration or a time of day at
/// its end counts from its beginning.
///
/// # Errors
/// When it means none.
pub fn stretch(text: &str, now: Timestamp) -> Result<(Option<Timestamp>, Timestamp), WhenError> {
    let Some((from, until)) = text.split_once("..") else { return Ok((None, when(text, now)?)) };
    let from = when(from, now)?;
    Ok((Some(from), when(until, from)?))
}

/// A moment as [`when`] reads it again: `2026-11-28T22:00`, in London, to the minute.
#[must_use]
pub fn written(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T09:14:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_londons() {
        for (text, want) in [
            ("2h", "2026-11-24T11:14:00Z"),
            ("17:00", "2026-11-24T17:00:00Z"),
            ("09:14", "2026-11-25T09:14:00Z"),
            ("08:00", "2026-11-25T08:00:00Z"),
            ("2027-07-01T22:00", "2027-07-01T21:00:00Z"),
            ("2026-11-28T22:00:00Z", "2026-11-28T22:00:00Z"),
        ] {
            assert_eq!(when(text, at(NOW)), Ok(at(want)), "{text}");
        }
        for text in ["", "soon", "25:00", "9:5", "2026-13-01T00:00", "2", "17:0x"] {
            let error = when(text, at(NOW)).unwrap_err().to_string();
            assert!(error.contains("17:00"), "{error}");
        }
    }

    #[test]
    fn past_moments_are_londons_and_lie_behind() {
        for (text, want) in [
            ("-8h", "2026-11-24T01:14:00Z"),
            ("8h", "2026-11-24T01:14:00Z"),
            ("22:00", "2026-11-23T22:00:00Z"),
            ("09:14", "2026-11-24T09:14:00Z"),
            ("09:15", "2026-11-23T09:15:00Z"),
            ("Mon 22:00", "2026-11-23T22:00:00Z"),
            ("monday 22:00", "2026-11-23T22:00:00Z"),
            ("tue 22:00", "2026-11-17T22:00:00Z"),
            ("Tue 09:00", "2026-11-24T09:00:00Z"),
            ("yesterday 22:00", "2026-11-23T22:00:00Z"),
            ("2026-07-25T22:00", "2026-07-25T21:00:00Z"),
            ("2026-07-25 22:00", "2026-07-25T21:00:00Z"),
            ("2026-11-23T22:00:00Z", "2026-11-23T22:00:00Z"),
        ] {
            assert_eq!(past(text, at(NOW)), Ok(Then { at: at(want), first: None }), "{text}");
        }
        for text in ["", "soon", "25:00", "Mo 22:00", "Foo 22:00", "tomorrow 09:00", "2", "22"] {
            let error = past(text, at(NOW)).unwrap_err().to_string();
            assert!(error.contains("Mon 22:00"), "{text}: {error}");
        }
    }

    #[test]
    fn an_hour_that_came_twice_is_told_and_one_that_never_was_is_refused() {
        let twice = past("2026-10-25T01:30", at(NOW)).unwrap();
        assert_eq!(twice.at, at("2026-10-25T01:30:00Z"));
        assert_eq!(twice.first, Some(at("2026-10-25T00:30:00Z")));
        let caution = twice.caution().unwrap();
        assert!(caution.contains("2026-10-25T01:30+01:00"), "{caution}");
        let first = past("2026-10-25T01:30+01:00", at(NOW)).unwrap();
        assert_eq!((first.at, first.first), (at("2026-10-25T00:30:00Z"), None));
        // Between the two only the first has been.
        let between = past("01:30", at("2026-10-25T00:45:00Z")).unwrap();
        assert_eq!((between.at, between.first), (at("2026-10-25T00:30:00Z"), None));
        let never = past("2026-03-29T01:30", at(NOW)).unwrap_err();
        assert!(matches!(never, PastError::Skipped(_)), "{never}");
    }

    #[test]
    fn two_moments_are_a_night() {
        let (ten, six) = ("2026-11-23T22:00:00Z", "2026-11-24T06:00:00Z");
        let read = |text, now| two_in(text, at(now)).map(|(a, b)| (a.at, b.at)).unwrap();
        assert_eq!(read("22:00 06:00", NOW), (at(ten), at(six)));
        assert_eq!(read("22:00 06:00", "2026-11-24T23:00:00Z"), (at(ten), at(six)));
        assert_eq!(read("Mon 22:00 Tue 06:00", NOW), (at(ten), at(six)));
        assert_eq!(read("2026-11-23 22:00 06:00", NOW), (at(ten), at(six)));
        assert_eq!(read("-8h", NOW), (at("2026-11-24T01:14:00Z"), at(NOW)));
        assert!(two_in("soon later", at(NOW)).is_err() && two_in("", at(NOW)).is_err());
        let (from, until) = two("-2h", "-4h", at(NOW)).unwrap();
        assert!(from.at > until.at, "spans are from now; whoever asks is told to exchange them");
    }

    #[test]
    fn a_stretch_ends_after_its_beginning() {
        let read = |text| stretch(text, at(NOW)).unwrap();
        assert_eq!(read("17:00"), (None, at("2026-11-24T17:00:00Z")));
        assert_eq!(
            read("22:00..02:00"),
            (Some(at("2026-11-24T22:00:00Z")), at("2026-11-25T02:00:00Z"))
        );
        assert_eq!(
            read("2026-11-28T22:00..4h"),
            (Some(at("2026-11-28T22:00:00Z")), at("2026-11-29T02:00:00Z"))
        );
        assert!(stretch("22:00..", at(NOW)).is_err() && stretch("..2h", at(NOW)).is_err());
        let from = at("2027-07-01T21:00:00Z");
        assert_eq!(when(&written(from), at(NOW)), Ok(from), "what is written is read again");
    }
}
