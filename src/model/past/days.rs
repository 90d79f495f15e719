//! The last 14 days of a cell or a row, a letter for each.
//!
//! Invariant: a day of which nothing is known, or on which nobody looked, is never told as well.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{Around, Attended, cell_at, is_not_recorded};
use crate::model::calendar::{london_date, london_midnight};
use crate::model::cell::{Cell, StateChange};
use crate::model::health::Health;

/// How many days are told, today among them.
pub const DAYS: usize = 14;

/// The worst of a day. Ordered: the greatest is what a row of several cells is told as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Day {
    /// Not subscribed.
    #[default]
    NotTaken,
    /// Well, as far as it was looked at.
    Ok,
    /// Nothing is known of it.
    NotKnown,
    /// In trouble that followed from another's.
    Follows,
    /// Warning.
    Warning,
    /// Unknown.
    Unknown,
    /// Critical.
    Critical,
}

impl Day {
    fn of(health: Health, follows: bool) -> Self {
        match health {
            Health::NotSubscribed => Self::NotTaken,
            Health::Ok => Self::Ok,
            _ if follows => Self::Follows,
            Health::Warning => Self::Warning,
            Health::Unknown => Self::Unknown,
            Health::Critical => Self::Critical,
        }
    }

    fn of_cell(cell: &Cell) -> Self {
        Self::of(cell.health, cell.follows_from.is_some())
    }

    /// Its letter; a blank where nothing is known.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::NotTaken => '-',
            Self::Ok => '.',
            Self::NotKnown => ' ',
            Self::Follows => '^',
            Self::Warning => 'W',
            Self::Unknown => 'U',
            Self::Critical => 'C',
        }
    }
}

/// The last days, the oldest first.
pub type Days = [Day; DAYS];

/// The letters of `days`.
#[must_use]
pub fn letters(days: &Days) -> String {
    days.iter().map(|day| day.letter()).collect()
}

/// The days of a row: the worst of its cells. A cell of which nothing is known leaves no day well.
#[must_use]
pub fn row(cells: &[Days]) -> Days {
    let mut out = Days::default();
    for cell in cells {
        for (day, own) in out.iter_mut().zip(cell) {
            *day = (*day).max(*own);
        }
    }
    out
}

/// When the first of the days before `now` begins, in London.
#[must_use]
pub fn begins(now: Timestamp) -> Timestamp {
    let back = i64::try_from(DAYS).unwrap_or_default() - 1;
    let first = london_date(now).checked_sub(back.days());
    first.map_or(now, london_midnight)
}

/// The days of one cell up to `now`: how it stands then, its changes around [`begins`] and after it, the
/// oldest first, and when agents ran, the newest first.
#[must_use]
pub fn of_cell(
    cell: &Cell,
    around: &Around,
    changes: &[StateChange],
    attended: &[Attended],
    now: Timestamp,
) -> Days {
    if cell.health == Health::NotSubscribed {
        return [Day::NotTaken; DAYS];
    }
    let mut strip = Strip { today: london_date(now), days: [None; DAYS] };
    let start = begins(now);
    // How it stood before the next change, and since when; none where that is not known.
    let first = cell_at(around, cell, start);
    let mut stood = (!is_not_recorded(&first)).then(|| (start, Day::of_cell(&first), first.health));
    for change in changes {
        match stood {
            Some((since, day, health)) if !change.first && health == change.from => {
                strip.put(since, change.at, day);
            }
            // What it was between the two is lost: only the days of both are known.
            Some((since, day, _)) => strip.put(since, since, day),
            None => {}
        }
        if !change.first {
            strip.put(change.at, change.at, Day::of(change.from, false));
        }
        stood = Some((change.at, Day::of(change.to, change.follows), change.to));
    }
    let present = Day::of_cell(cell);
    let since = cell.state_since.filter(|_| !cell.soft);
    match (stood, since) {
        (Some((since, day, health)), _) if cell.soft || health == cell.health => {
            strip.put(since, now, day);
        }
        (Some((since, day, _)), _) => strip.put(since, since, day),
        (None, Some(since)) => strip.put(since.max(start), now, present),
        (None, None) => {}
    }
    strip.put(now, now, present);
    strip.without_unattended(attended, changes)
}

struct Strip {
    today: Date,
    days: [Option<Day>; DAYS],
}

impl Strip {
    /// The place of a moment's day; none before the first of them.
    fn place(&self, at: Timestamp) -> Option<usize> {
        let ago = usize::try_from((self.today - london_date(at)).get_days()).unwrap_or_default();
        (DAYS - 1).checked_sub(ago)
    }

    fn put(&mut self, from: Timestamp, until: Timestamp, day: Day) {
        let Some(until) = self.place(until) else { return };
        let from = self.place(from).unwrap_or_default();
        for slot in self.days.iter_mut().take(until + 1).skip(from) {
            *slot = (*slot).max(Some(day));
        }
    }

    /// What nobody looked at is not known, whatever stood before and after it.
    fn without_unattended(self, attended: &[Attended], changes: &[StateChange]) -> Days {
        let mut seen = [false; DAYS];
        let mut see = |from: Timestamp, until: Timestamp| {
            let Some(until) = self.place(until) else { return };
            let from = self.place(from).unwrap_or_default();
            seen.iter_mut().take(until + 1).skip(from).for_each(|day| *day = true);
        };
        attended.iter().for_each(|stretch| see(stretch.from, stretch.until));
        changes.iter().for_each(|change| see(change.at, change.at));
        let mut out = [Day::NotKnown; DAYS];
        for ((out, day), seen) in out.iter_mut().zip(self.days).zip(seen) {
            *out = day.filter(|_| seen).unwrap_or(Day::NotKnown);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cause;
    use crate::model::check::Scope;
    use crate::model::text::Clean;
    use Health::{Critical, Ok, Unknown, Warning};

    const NOW: &str = "2026-11-24T09:14:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cell(health: Health, since: &str) -> Cell {
        Cell { health, state_since: Some(at(since)), ..Cell::default() }
    }

    fn change(when: &str, from: Health, to: Health, first: bool) -> StateChange {
        StateChange {
            at: at(when),
            service: "redstor".parse().unwrap(),
            from,
            to,
            reason: None,
            follows: false,
            first,
            why: Clean::new("why"),
        }
    }

    fn always() -> Vec<Attended> {
        vec![Attended { from: at("2026-10-01T00:00:00Z"), until: at(NOW) }]
    }

    /// The letters of a cell that changed so, the oldest first; the first may lie before the days.
    fn strip(cell: &Cell, all: &[StateChange], attended: &[Attended]) -> String {
        let start = begins(at(NOW));
        let (before, changes): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|c| c.at <= start);
        let around = Around { before: before.last().cloned(), after: changes.first().cloned() };
        letters(&of_cell(cell, &around, &changes, attended, at(NOW)))
    }

    #[test]
    fn a_day_is_painted_by_what_was_judged_on_it_and_by_nothing_else() {
        let warning = cell(Warning, "2026-11-22T04:00:00Z");
        let first = change("2026-11-22T04:00:00Z", Unknown, Warning, true);
        assert_eq!(strip(&warning, std::slice::from_ref(&first), &always()), "           WWW");
        let since_long = change("2026-11-22T04:00:00Z", Ok, Warning, false);
        assert_eq!(strip(&warning, std::slice::from_ref(&since_long), &always()), "...........WWW");
        let was_unknown = StateChange { from: Unknown, ..since_long };
        assert_eq!(strip(&warning, &[was_unknown], &always()), "           UWW");
        // Judged anew after a board was lost: nothing is known of the days in between.
        let before = change("2026-11-20T04:00:00Z", Ok, Warning, false);
        let again = change("2026-11-23T04:00:00Z", Unknown, Critical, true);
        let critical = cell(Critical, "2026-11-23T04:00:00Z");
        assert_eq!(strip(&critical, &[before, again], &always()), ".........W  CC");
        assert_eq!(strip(&cell(Ok, "2026-11-22T04:00:00Z"), &[], &always()), "           ...");
        let taken_back = Cell::default();
        assert_eq!(strip(&taken_back, &[], &always()), "--------------");
    }

    #[test]
    fn what_began_before_the_days_lasts_into_them() {
        let before = change("2026-10-20T04:00:00Z", Ok, Warning, false);
        let after = change("2026-11-13T12:00:00Z", Warning, Ok, false);
        let ok = cell(Ok, "2026-11-13T12:00:00Z");
        assert_eq!(strip(&ok, &[before, after], &always()), "WWW...........");
    }

    #[test]
    fn a_change_that_is_missing_leaves_its_days_blank() {
        let one = change("2026-11-13T12:00:00Z", Ok, Warning, false);
        let other = change("2026-11-18T12:00:00Z", Ok, Critical, false);
        let critical = cell(Critical, "2026-11-18T12:00:00Z");
        assert_eq!(strip(&critical, &[one.clone(), other], &always()), "..W    CCCCCCC");
        // And a present that no kept change leads to.
        assert_eq!(strip(&cell(Ok, "2026-11-13T12:00:00Z"), &[one], &always()), "..W          .");
    }

    #[test]
    fn a_day_without_anybody_who_looked_is_not_well() {
        let ran = |from: &str, until: &str| Attended { from: at(from), until: at(until) };
        let stretches =
            [ran("2026-11-21T11:00:00Z", NOW), ran("2026-11-01T00:00:00Z", "2026-11-17T15:00:00Z")];
        let ok = cell(Ok, "2026-10-01T00:00:00Z");
        assert_eq!(strip(&ok, &[], &stretches), ".......   ....");
        assert_eq!(strip(&ok, &[], &[]), "              ", "nor where nobody ever did");
    }

    #[test]
    fn the_change_of_the_clock_costs_no_day_and_doubles_none() {
        // From Sunday 29 March on the clock is an hour ahead; the days begin on the 17th.
        let now = at("2026-03-30T09:00:00Z");
        assert_eq!(begins(now), at("2026-03-17T00:00:00Z"));
        assert_eq!(begins(at("2026-04-13T09:00:00Z")), at("2026-03-30T23:00:00Z"));
        let all = [Attended { from: at("2026-01-01T00:00:00Z"), until: now }];
        let one = change("2026-03-29T00:30:00Z", Ok, Warning, false);
        let two = change("2026-03-29T23:30:00Z", Warning, Ok, false);
        let around = Around { before: None, after: Some(one.clone()) };
        let ok = cell(Ok, "2026-03-29T23:30:00Z");
        // The second lies on the 30th, by half an hour.
        let days = of_cell(&ok, &around, &[one, two], &all, now);
        assert_eq!(letters(&days), "............WW");
    }

    #[test]
    fn a_row_is_its_worst_cell_and_what_follows_hides_nothing() {
        let cause = Cause { service: "groupcall".parse().unwrap(), scope: Scope::School };
        let follows = Cell { follows_from: Some(cause), ..cell(Critical, "2026-10-01T00:00:00Z") };
        let of = |cell: &Cell| of_cell(cell, &Around::default(), &[], &always(), at(NOW));
        let warning = cell(Warning, "2026-11-22T04:00:00Z");
        let ok = of(&cell(Ok, "2026-10-01T00:00:00Z"));
        assert_eq!(letters(&row(&[ok, of(&follows)])), "^^^^^^^^^^^^^^");
        assert_eq!(letters(&row(&[of(&follows), of(&warning)])), "^^^^^^^^^^^WWW");
        // The days before are not known of one of them: then the row was not well.
        assert_eq!(letters(&row(&[ok, of(&warning)])), "           WWW");
        assert_eq!(letters(&row(&[ok, [Day::NotTaken; DAYS]])), "..............");
        assert_eq!(letters(&row(&[])), "--------------");
    }
}
