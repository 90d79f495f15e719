//! Times as vendors and people write them, and how far one may lie ahead of our clock.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::model::calendar::london;
use crate::model::observation::Zone;

/// A moment that was read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// How its zone was decided.
    pub zone: Zone,
    /// It fell into the hour that October repeats and was read as the earlier of the two.
    pub uncertain: bool,
}

/// What a moment ahead of our clock means (a zone that was written is trusted to 2 minutes; one
/// that was assumed to 1 hour, and to 2 hours if it is said).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// Not ahead, or within what clocks differ.
    Fine,
    /// Ahead by so much that it must be said.
    Said,
    /// Ahead by so much that it cannot be believed.
    Malformed,
}

/// Reads ISO 8601 with an offset or `Z`, or the UK's `dd/mm/yyyy hh:mm[:ss]` as Europe/London.
///
/// `None` for anything else: an ISO time without offset, a time that the spring change skips.
#[must_use]
pub fn read(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Moment { at, zone: Zone::Given, uncertain: false });
    }
    let civil = ["%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"]
        .into_iter()
        .find_map(|format| DateTime::strptime(format, text).ok())?;
    let candidate = london().to_ambiguous_timestamp(civil);
    let uncertain = candidate.is_ambiguous();
    let at = candidate.earlier().ok()?;
    // The hour that spring skips is ambiguous too, but there it stands for no moment at all.
    let exists = at.to_zoned_datetime(london()).datetime() == civil;
    exists.then_some(Moment { at, zone: Zone::Assumed, uncertain })
}

/// How `at` stands to our clock.
#[must_use]
pub fn ahead(at: Timestamp, zone: Zone, now: Timestamp) -> Ahead {
    let by = at.duration_since(now);
    let (fine, said) = match zone {
        Zone::Given | Zone::Ours => (SignedDuration::from_mins(2), SignedDuration::from_mins(2)),
        Zone::Assumed => (SignedDuration::from_hours(1), SignedDuration::from_hours(2)),
    };
    if by <= fine {
        Ahead::Fine
    } else if by <= said {
        Ahead::Said
    } else {
        Ahead::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_and_uk_dates_and_nothing_else() {
        let at = |text: &str| read(text).map(|m| (m.at.to_string(), m.zone, m.uncertain));
        let iso = at("2027-02-03T11:20:00+01:00").unwrap();
        assert_eq!(iso, ("2027-02-03T10:20:00Z".into(), Zone::Given, false));
        let winter = at("03/02/2027 11:20").unwrap();
        assert_eq!(winter, ("2027-02-03T11:20:00Z".into(), Zone::Assumed, false));
        let summer = at(" 03/07/2027 11:20:05 ").unwrap();
        assert_eq!(summer, ("2027-07-03T10:20:05Z".into(), Zone::Assumed, false));
        // 31 October 2027, 01:30 comes twice: the earlier is still summer time.
        let twice = at("31/10/2027 01:30").unwrap();
        assert_eq!(twice, ("2027-10-31T00:30:00Z".into(), Zone::Assumed, true));
        // 28 March 2027, 01:30 never comes.
        for none in ["28/03/2027 01:30", "2027-02-03T11:20:00", "3 Feb", "", "02/31/2027 10:00"] {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn a_time_ahead_is_fine_then_said_then_malformed() {
        let now: Timestamp = "2027-02-03T11:20:00Z".parse().unwrap();
        let of = |secs: i64, zone| ahead(now + SignedDuration::from_secs(secs), zone, now);
        assert_eq!(of(120, Zone::Given), Ahead::Fine);
        assert_eq!(of(121, Zone::Given), Ahead::Malformed);
        assert_eq!(of(3_600, Zone::Assumed), Ahead::Fine);
        assert_eq!(of(3_601, Zone::Assumed), Ahead::Said);
        assert_eq!(of(7_201, Zone::Assumed), Ahead::Malformed);
        assert_eq!(of(-900_000, Zone::Given), Ahead::Fine);
    }
}
