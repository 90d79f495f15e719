//! Who had a cell, by the desk's book: the rules by which the board was led, played again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::cell::Handling;
use crate::model::desk::DeskKind;

/// Who has a cell and what is planned for it, entry by entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holds {
    current: Option<Handling>,
    planned: BTreeMap<Timestamp, Handling>,
}

impl Holds {
    /// Takes the next entry of the book, the oldest first: what was done at `at`, and from when.
    pub fn take(
        &mut self,
        kind: DeskKind,
        at: Timestamp,
        from: Option<Timestamp>,
        had: impl FnOnce() -> Option<Handling>,
    ) {
        self.begin(at);
        match (kind, from.filter(|from| *from > at)) {
            (DeskKind::Note, _) => {}
            (DeskKind::GiveBack, _) => (self.current, self.planned) = (None, BTreeMap::new()),
            (_, Some(from)) => {
                self.planned.extend(had().map(|handling| (from, handling)));
            }
            (_, None) => self.current = had().or(self.current.take()),
        }
    }

    /// What was planned for `at` or before begins.
    fn begin(&mut self, at: Timestamp) {
        while let Some(first) = self.planned.first_entry()
            && *first.key() <= at
        {
            let (from, handling) = first.remove_entry();
            if handling.until.is_none_or(|until| until > from) {
                self.current = Some(handling);
            }
        }
    }

    /// Who has it at `at`, which lies after every entry that was taken.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Option<Handling> {
        self.begin(at);
        self.current.filter(|handling| handling.until.is_none_or(|until| until > at))
    }
}
