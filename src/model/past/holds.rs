//! Who had a cell, by the desk's book: the rules by which the board was led, played again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::cell::{Handling, HandlingKind};
use crate::model::desk::DeskKind;

/// Who has a cell and what is planned for it, entry by entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holds {
    /// Since when somebody has it, and who.
    current: Option<(Timestamp, Handling)>,
    planned: BTreeMap<Timestamp, Handling>,
}

impl Holds {
    /// Takes the next entry of the book, the oldest first: what was done at `at`, from when, and when it
    /// begins and runs out again.
    pub fn take(
        &mut self,
        kind: DeskKind,
        at: Timestamp,
        from: Option<Timestamp>,
        again: &[(Timestamp, Timestamp)],
        had: impl FnOnce() -> Option<Handling>,
    ) {
        self.begin(at);
        let had = had();
        match (kind, from.filter(|from| *from > at)) {
            (DeskKind::Note, _) => {}
            (DeskKind::GiveBack, _) => (self.current, self.planned) = (None, BTreeMap::new()),
            (_, Some(from)) => {
                self.planned.extend(had.clone().map(|handling| (from, handling)));
            }
            (_, None) => self.current = had.clone().map(|had| (at, had)).or(self.current.take()),
        }
        for (from, until) in again.iter().filter(|(from, _)| *from > at) {
            let later = had.clone().map(|had| Handling { until: Some(*until), ..had });
            self.planned.extend(later.map(|handling| (*from, handling)));
        }
    }

    /// What was planned for `at` or before begins.
    fn begin(&mut self, at: Timestamp) {
        while let Some(first) = self.planned.first_entry()
            && *first.key() <= at
        {
            let (from, handling) = first.remove_entry();
            if handling.until.is_none_or(|until| until > from)
                && !self.is_longer_down(from, &handling)
            {
                self.current = Some((from, handling));
            }
        }
    }

    /// Whether a downtime is under way at `at` that lasts at least as long as one that begins then.
    fn is_longer_down(&self, at: Timestamp, begins: &Handling) -> bool {
        let downs = |h: &&Handling| h.kind == HandlingKind::Downtime;
        let has = self.current.as_ref().map(|(_, has)| has).filter(downs).and_then(|has| has.until);
        let begins = Some(begins).filter(downs).and_then(|begins| begins.until);
        has.zip(begins).is_some_and(|(has, begins)| has > at && begins <= has)
    }

    /// Since when somebody has it at `at`, which lies after every entry that was taken, and who. What a
    /// change of the cell ends is not known here.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Option<(Timestamp, Handling)> {
        self.begin(at);
        self.current.filter(|(_, handling)| handling.until.is_none_or(|until| until > at))
    }
}
