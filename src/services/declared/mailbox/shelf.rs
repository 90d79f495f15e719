//! What is held of a mailbox between two looks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::services::declared::mailbox::files::FileId;
use crate::services::declared::mailbox::mime::Key;
use crate::services::declared::mailbox::{Look, MailTrouble};

/// Two messages with the same words and neither identity nor date are one if they arrived within
/// this: a second such alert cannot come sooner, since services are looked at every five minutes.
const TOGETHER: SignedDuration = SignedDuration::from_mins(5);

/// Which message of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    File(FileId),
    /// A UID.
    Number(u32),
}

/// A message of a mailbox.
#[derive(Debug)]
pub struct Message<T> {
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// This process sees it for the first time.
    pub new: bool,
    /// What its reader made of it.
    pub what: Arc<T>,
}

struct Held<T> {
    arrived_at: Timestamp,
    new: bool,
    /// `None` for what is no message.
    what: Option<(Key, Arc<T>)>,
}

/// Messages that were read, and what is known of the mailbox.
pub(super) struct Shelf<T> {
    held: BTreeMap<Id, Held<T>>,
    /// Identities that were seen, oldest first: a message is new once, also when the server gives
    /// all of them new numbers.
    order: VecDeque<Key>,
    seen: BTreeSet<Key>,
    validity: Option<u32>,
    /// How many it held and which number came next, when all of it had been read.
    pub(super) mark: Option<(u32, u32)>,
    pub(super) unread: usize,
    pub(super) refused: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            order: VecDeque::new(),
            seen: BTreeSet::new(),
            validity: None,
            mark: None,
            unread: 0,
            refused: 0,
        }
    }
}

impl<T> Shelf<T> {
    pub(super) fn holds(&self, id: &Id) -> bool {
        self.held.contains_key(id)
    }

    /// Whether something that is held is not among what is there.
    pub(super) fn would_lose(&self, there: impl Fn(&Id) -> bool) -> bool {
        self.held.keys().any(|id| !there(id))
    }

    pub(super) fn keep_only(&mut self, there: impl Fn(&Id) -> bool) {
        self.held.retain(|id, _| there(id));
    }

    /// Forgets every number when they mean other messages than before.
    pub(super) fn belongs_to(&mut self, validity: u32) {
        if self.validity.replace(validity) != Some(validity) {
            self.held.clear();
            self.mark = None;
        }
    }

    pub(super) fn put(&mut self, id: Id, arrived_at: Timestamp, what: Option<(Key, T)>) {
        let new = what.as_ref().is_some_and(|(key, _)| {
            let new = self.seen.insert(*key);
            if new {
                self.order.push_back(*key);
            }
            new
        });
        let what = what.map(|(key, what)| (key, Arc::new(what)));
        self.held.insert(id, Held { arrived_at, new, what });
    }

    /// Forgets the oldest identities beyond twice of what a mailbox may hold.
    pub(super) fn trim(&mut self, most: usize) {
        while self.order.len() > most.saturating_mul(2) {
            if let Some(oldest) = self.order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
    }

    /// How many identities are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.seen.len()
    }

    /// What is held, each message once, oldest first; nothing that arrived before `oldest`.
    pub(super) fn shown(
        &mut self,
        trouble: Option<MailTrouble>,
        oldest: Option<Timestamp>,
    ) -> Look<T> {
        let mut look = Look {
            messages: Vec::with_capacity(self.held.len()),
            unreadable: 0,
            refused: self.refused,
            twice: 0,
            unread: self.unread,
            trouble,
        };
        let mut in_order: Vec<&mut Held<T>> = self
            .held
            .values_mut()
            .filter(|held| oldest.is_none_or(|oldest| held.arrived_at >= oldest))
            .collect();
        in_order.sort_by_key(|held| held.arrived_at);
        let mut counted: BTreeMap<Key, Timestamp> = BTreeMap::new();
        for held in in_order {
            let Some((key, what)) = &held.what else {
                look.unreadable += 1;
                continue;
            };
            let at = held.arrived_at;
            let before = counted.get(key);
            if before.is_some_and(|b| key.named || at.duration_since(*b) < TOGETHER) {
                look.twice += 1;
                continue;
            }
            counted.insert(*key, at);
            let new = std::mem::take(&mut held.new);
            look.messages.push(Message { arrived_at: at, new, what: what.clone() });
        }
        look
    }
}
