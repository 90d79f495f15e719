//! "Is it only us?": what the schools in the same trouble have in common.

use crate::engine::world::World;
use crate::model::cell::{Cell, Row};
use crate::model::health::Health;
use crate::model::school::{School, Subscription};
use crate::model::share::{InCommon, Share};
use crate::model::text::Clean;

/// The most that are told.
const TOLD: usize = 2;

impl World {
    /// How many schools' cells of this service stand in the same trouble (same health and cause),
    /// this one included; 0 if it is in none. Looks at every school.
    #[must_use]
    pub fn elsewhere(&self, row: Row, column: u16) -> u32 {
        let this = self.cell(row, column);
        if !this.health.is_trouble() {
            return 0;
        }
        let same =
            (0..self.board.schools()).filter(|other| self.same(*other, (row, column), &this));
        u32::try_from(same.count()).unwrap_or(u32::MAX)
    }

    /// What those schools share and the others that take the service do not, the most telling first; of
    /// things that as many schools have, one is told. Looks at every school.
    #[must_use]
    pub fn in_common(&self, row: Row, column: u16) -> Vec<InCommon> {
        let Some(place) = self.plan.row(row).filter(|_| row != Row::Estate) else {
            return Vec::new();
        };
        if self.elsewhere(row, column) < Share::FEWEST {
            return Vec::new();
        }
        let this = self.cell(row, column);
        let (mut sick, mut takers) = (0, 0);
        let mut ours: Vec<_> = self.traits(place).map(|known| (known, Share::default())).collect();
        for other in 0..self.board.schools() {
            let taken = self.board.trouble(other, usize::from(column));
            if taken.is_none_or(|(health, ..)| health == Health::NotSubscribed) {
                continue;
            }
            let is_sick = self.same(other, (row, column), &this);
            (sick, takers) = (sick + u32::from(is_sick), takers + 1);
            for known in self.traits(other) {
                if let Some((_, share)) = ours.iter_mut().find(|(own, _)| *own == known) {
                    share.all += 1;
                    share.sick += u32::from(is_sick);
                }
            }
        }
        ours.retain(|(_, share)| share.tells(sick, takers));
        // What people call it before what a vendor does.
        ours.sort_by_key(|(known, share)| (share.strength(), known.0.contains('.'), *known));
        ours.dedup_by_key(|(_, share)| *share);
        let told = ours.into_iter().take(TOLD).map(|((what, value), share)| InCommon {
            what: Clean::new(what),
            value: Clean::new(value),
            share,
        });
        told.collect()
    }

    fn same(&self, other: usize, (row, column): (Row, u16), this: &Cell) -> bool {
        let trouble = self.board.trouble(other, usize::from(column));
        trouble.is_some_and(|(health, reason, cause)| {
            (health, reason) == (this.health, this.reason)
                && (row == Row::Estate || cause == this.follows_from.as_ref())
        })
    }

    /// What a school may share with others, by its place.
    fn traits(&self, place: usize) -> impl Iterator<Item = (&str, &str)> {
        let estate = self.estate();
        let school = match self.plan.row_name(place) {
            Row::School(laestab) => Some(laestab),
            Row::Estate => None,
        };
        let known = school.and_then(|l| estate.schools.get(&l)).into_iter().flat_map(of_school);
        let taken = school.and_then(|l| estate.subscriptions.get(&l)).into_iter();
        known.chain(taken.flat_map(of_subscription)).filter(|(_, value)| !value.is_empty())
    }
}

fn of_school(school: &School) -> [(&str, &str); 4] {
    [
        ("trust", school.trust.as_str()),
        ("phase", school.phase.as_str()),
        ("town", school.town.as_str()),
        ("district", school.district.as_str()),
    ]
}

fn of_subscription(taken: &Subscription) -> impl Iterator<Item = (&str, &str)> {
    std::iter::once(("calendar", taken.calendar.as_str())).chain(taken.parameters.iter())
}
