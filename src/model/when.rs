//! Moments as the desk writes them, in London: `2h`, `17:00`, `2026-11-28T22:00`, `22:00..02:00`.

use jiff::civil::{DateTime, Time};
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
