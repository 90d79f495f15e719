//! Who was locked out lately: one search for all schools, and the densest stretch of each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::census::{people, present, sees_locks};
use super::failure::DirectoryFailure;
use super::places::Places;
use super::root::Root;
use super::value::Ticks;
use crate::model::ids::Laestab;
use crate::transport::ldap::{Entry, Filter, Scope, Search, Session, Take};

/// More accounts locked out at once than this are a failure of their own.
const MOST: usize = 100_000;
/// How far ahead of the controller's clock a lock may lie: another controller's clock set it.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Who was locked out lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockouts {
    /// The moments of each school, the earliest first; only schools that have one.
    pub at: BTreeMap<Laestab, Vec<Timestamp>>,
    /// Schools whose OU is there: of the others nothing is known.
    pub present: BTreeSet<Laestab>,
    /// Whether anybody has a `lockoutTime` that we may read. If nobody has, nothing is known at all.
    pub sees_locks: bool,
    /// Schools with a moment that cannot be read.
    pub unreadable: BTreeMap<Laestab, usize>,
    /// Accounts below the schools' OU that are in no school's.
    pub strangers: usize,
    /// The controller.
    pub root: Root,
    /// Requests that it took.
    pub requests: usize,
}

pub(super) async fn since(
    session: &mut Session,
    places: &Places,
    back: SignedDuration,
) -> Result<Lockouts, DirectoryFailure> {
    let root = Root::of(session).await?;
    let now = root.now;
    let from = Ticks::of(now.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH));
    let mut parts = people();
    parts.push(Filter::at_least("lockoutTime", from.0.max(1)));
    let filter = Filter::and(&parts);
    let base = places.base().to_string();
    let mut requests = 2;
    let present = present(session, places, &mut requests).await?;
    let sees_locks = sees_locks(session, &base).await?;
    let attributes = &["lockoutTime"];
    let search = Search {
        base: &base,
        scope: Scope::Subtree,
        filter: &filter,
        attributes,
        take: Take::All(MOST),
    };
    let mut finder = places.finder();
    let mut met = Met::default();
    let mut each = |entry: Entry| met.take(&entry, finder.school(entry.dn()), (from, now));
    requests += session.search(&search, &mut each).await?.pages;
    let Met { mut at, unreadable, strangers } = met;
    at.values_mut().for_each(|moments| moments.sort());
    Ok(Lockouts { at, present, sees_locks, unreadable, strangers, root, requests })
}

/// What the entries tell. Each counts once: as a moment, as one that cannot be read, or as a stranger.
#[derive(Default)]
struct Met {
    at: BTreeMap<Laestab, Vec<Timestamp>>,
    unreadable: BTreeMap<Laestab, usize>,
    strangers: usize,
}

impl Met {
    fn take(&mut self, entry: &Entry, school: Option<Laestab>, (from, now): (Ticks, Timestamp)) {
        let Some(school) = school else {
            self.strangers += 1;
            return;
        };
        let ticks = entry.one("lockoutTime").and_then(Ticks::read);
        match ticks.filter(|t| *t >= from).and_then(Ticks::at).filter(|t| *t <= now + AHEAD) {
            Some(moment) => self.at.entry(school).or_default().push(moment),
            None => *self.unreadable.entry(school).or_default() += 1,
        }
    }
}

/// The densest stretch of several moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub from: Timestamp,
    /// The last of them.
    pub to: Timestamp,
}

/// The stretch of at most `within` that holds the most of `moments` (sorted); the latest where several
/// hold as many.
#[must_use]
pub fn burst(moments: &[Timestamp], within: SignedDuration) -> Option<Burst> {
    let mut best: Option<Burst> = None;
    let mut first = 0;
    for (last, to) in moments.iter().enumerate() {
        while moments.get(first).is_some_and(|from| to.duration_since(*from) > within) {
            first += 1;
        }
        let count = last + 1 - first;
        if let Some(from) = moments.get(first)
            && best.is_none_or(|b| count >= b.count)
        {
            best = Some(Burst { count, from: *from, to: *to });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::census::tests::damaged_value;

    fn moments(minutes: &[i64]) -> Vec<Timestamp> {
        minutes.iter().map(|m| Timestamp::from_second(1_800_000_000 + m * 60).unwrap()).collect()
    }

    #[test]
    fn the_densest_stretch_is_found_wherever_it_lies() {
        let within = SignedDuration::from_mins(15);
        let of = |minutes: &[i64]| {
            let moments = moments(minutes);
            burst(&moments, within).map(|b| {
                let minute = |t: Timestamp| (t.as_second() - 1_800_000_000) / 60;
                (b.count, minute(b.from), minute(b.to))
            })
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some((1, 7, 7)));
        assert_eq!(of(&[0, 15]), Some((2, 0, 15)), "the stretch holds both its ends");
        assert_eq!(of(&[0, 16]), Some((1, 16, 16)), "the latest of equals");
        assert_eq!(of(&[0, 20, 21, 22, 60, 61]), Some((3, 20, 22)));
        assert_eq!(of(&[5, 5, 5, 5]), Some((4, 5, 5)));
    }

    proptest::proptest! {
        #[test]
        fn a_lock_that_was_damaged_is_unreadable_or_stands_there_and_is_never_lost(
            values in proptest::collection::vec(damaged_value("134455338000000000"), 1..20),
        ) {
            let school: Laestab = "9992001".parse().unwrap();
            // 134455338000000000 is 2027-01-27T14:30:00Z.
            let now: Timestamp = "2027-01-27T14:40:00Z".parse().unwrap();
            let from: Timestamp = "2027-01-27T13:40:00Z".parse().unwrap();
            let mut met = Met::default();
            for value in &values {
                let there: Vec<(&str, &[u8])> =
                    value.iter().map(|v| ("lockoutTime", v.as_slice())).collect();
                let entry = Entry::of("CN=Zoe,OU=Ash,OU=Schools,DC=x", &there);
                met.take(&entry, Some(school), (Ticks::of(from), now));
            }
            let told = met.at.get(&school).map_or(0, Vec::len);
            let unreadable = met.unreadable.get(&school).copied().unwrap_or_default();
            proptest::prop_assert_eq!(told + unreadable, values.len());
            // To a second reader: digits alone, since 1601 in tenths of a microsecond.
            let stand = values.iter().flatten().filter(|value| {
                let text = std::str::from_utf8(value).unwrap_or_default();
                let ticks = text.parse::<i128>().unwrap_or_default();
                let seconds = ticks / 10_000_000 - 11_644_473_600;
                let ahead = i128::from(now.as_second()) + 600;
                (i128::from(from.as_second())..=ahead).contains(&seconds)
            });
            proptest::prop_assert!(told <= stand.count());
        }

        #[test]
        fn no_stretch_holds_more(minutes in proptest::collection::vec(0_i64..120, 0..40), within in 1_i64..30) {
            let mut minutes = minutes;
            minutes.sort_unstable();
            let found = burst(&moments(&minutes), SignedDuration::from_mins(within)).map_or(0, |b| b.count);
            let best = minutes.iter().map(|from| minutes.iter().filter(|m| (*from..=from + within).contains(m)).count()).max();
            proptest::prop_assert_eq!(found, best.unwrap_or(0));
        }
    }
}
