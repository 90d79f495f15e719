//! Pages that were read: the last few, each with what is to be done about it.

use std::collections::VecDeque;

use crate::wire::board::Row;
use crate::wire::page::Page;

/// How many pages are kept.
const KEPT: usize = 32;

/// A page, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The page.
    pub page: Option<Box<Page>>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Something changed since it was read.
    pub stale: bool,
}

/// The pages by row, the latest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pages {
    held: VecDeque<(Row, Held)>,
}

impl Pages {
    /// What is held of a row.
    #[must_use]
    pub fn get(&self, row: Row) -> Option<&Held> {
        self.held.iter().find(|(r, _)| *r == row).map(|(_, h)| h)
    }

    /// The page of a row.
    #[must_use]
    pub fn page(&self, row: Row) -> Option<&Page> {
        self.get(row)?.page.as_deref()
    }

    /// Whether a row's page should be asked for.
    #[must_use]
    pub fn is_wanted(&self, row: Row) -> bool {
        self.get(row).is_none_or(|h| h.stale)
    }

    /// Keeps an answer; a failure keeps the page before it. Tells whether anything differs that is
    /// shown.
    pub fn keep(&mut self, row: Row, answer: Result<Page, String>) -> bool {
        let before = self.take(row);
        let (page, error) = match answer {
            Ok(page) => (Some(Box::new(page)), None),
            Err(why) => (before.as_ref().and_then(|h| h.page.clone()), Some(why)),
        };
        let held = Held { page, error, stale: false };
        let same = before.is_some_and(|b| b.error == held.error && looks_same(&b, &held));
        self.held.push_front((row, held));
        self.held.truncate(KEPT);
        !same
    }

    /// A row changed: its page is to be read again.
    pub fn outdate(&mut self, row: Row) {
        if let Some((_, held)) = self.held.iter_mut().find(|(r, _)| *r == row) {
            held.stale = true;
        }
    }

    /// Every page is to be read again when it is next shown.
    pub fn outdate_all(&mut self) {
        self.held.iter_mut().for_each(|(_, held)| held.stale = true);
    }

    fn take(&mut self, row: Row) -> Option<Held> {
        let at = self.held.iter().position(|(r, _)| *r == row)?;
        self.held.remove(at).map(|(_, h)| h)
    }
}

/// Whether two pages differ only in when they were read.
fn looks_same(a: &Held, b: &Held) -> bool {
    match (&a.page, &b.page) {
        (Some(a), Some(b)) => {
            a.school == b.school
                && a.services == b.services
                && a.history == b.history
                && a.desk == b.desk
                && a.incidents == b.incidents
                && (&a.contact, &a.note, a.school_day) == (&b.contact, &b.note, b.school_day)
                && a.not_watched == b.not_watched
        }
        (None, None) => true,
        _ => false,
    }
}
