//! Holds a vendor's audit against the intents of our ledger. Pure.
//!
//! Invariant: an entry came through us only where our own app made it and a step of that kind, on that
//! account, was sent near that time; and a step accounts for no more entries than it was sent times.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::reconcile::{Found, Initiator, Reconciled, VendorAudit, VendorEntry, Whose};
use crate::model::text::Clean;
use crate::ports::ledger::Held;

/// Two clocks may differ by so much.
const BEFORE: SignedDuration = SignedDuration::from_mins(2);
/// The same, and the time that a request may take.
const AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Entries of one request lie no further apart.
const TOGETHER: SignedDuration = SignedDuration::from_mins(1);
/// So many of each list are told; all are counted.
const TOLD: usize = 1_000;

/// A step of ours that was sent.
struct Sent<'a> {
    key: &'a Clean,
    step: &'a str,
    target: &'a str,
    from: Timestamp,
    until: Timestamp,
    times: u32,
    /// How many entries it accounts for, by the vendor's word: one change may have several.
    taken: BTreeMap<String, u32>,
}

impl Sent<'_> {
    /// Whether it made the change of `entry`; each is taken once.
    fn made(&mut self, entry: &VendorEntry) -> bool {
        let is = |ours: &str, theirs: &Option<Clean>| {
            theirs
                .as_ref()
                .is_some_and(|t| !ours.is_empty() && t.as_str().eq_ignore_ascii_case(ours))
        };
        if !is(self.step, &entry.step)
            || !is(self.target, &entry.target)
            || !(self.from..=self.until).contains(&entry.at)
        {
            return false;
        }
        let taken = self.taken.entry(entry.activity.as_str().to_lowercase()).or_default();
        *taken = taken.saturating_add(1);
        *taken <= self.times
    }
}

/// Every step that was sent, with the id that the vendor knows its account by.
fn sent(ours: &[Held]) -> Vec<Sent<'_>> {
    let steps = ours.iter().flat_map(|held| {
        let steps = held.item.steps.iter().zip(&held.steps);
        steps.map(move |(step, record)| (held, step, record))
    });
    let sent = steps.filter_map(|(held, step, record)| {
        let last = record.sent_at.filter(|_| record.sent > 0)?;
        Some(Sent {
            key: &held.item.key,
            step: step.id.as_str(),
            target: step.given("id"),
            from: held.at.checked_sub(BEFORE).unwrap_or(held.at),
            until: last.checked_add(AFTER).unwrap_or(last),
            times: record.sent,
            taken: BTreeMap::new(),
        })
    });
    sent.collect()
}

/// What of `audit` came through `ours`, and what did not.
#[must_use]
pub fn reconcile(audit: VendorAudit, ours: &[Held]) -> Reconciled {
    let VendorAudit { read, newest, mut entries, mut not_understood, others, broke_off } = audit;
    entries.sort_by_key(|entry| entry.at);
    let mut sent = sent(ours);
    let is_ours = |entry: &VendorEntry| matches!(entry.by, Initiator::OurApp(_));
    let keys: Vec<Option<Clean>> = entries
        .iter()
        .map(|entry| match is_ours(entry) {
            true => sent.iter_mut().find_map(|sent| sent.made(entry).then(|| sent.key.clone())),
            false => None,
        })
        .collect();
    let known: Vec<(&VendorEntry, &Clean)> =
        entries.iter().zip(&keys).filter_map(|(e, key)| Some((e, key.as_ref()?))).collect();
    // What else the vendor wrote of the same request, on the same account.
    let beside = |entry: &VendorEntry| {
        let same = |(other, _): &&(&VendorEntry, &Clean)| {
            entry.correlation.is_some()
                && other.correlation == entry.correlation
                && other.target == entry.target
                && other.activity != entry.activity
                && entry.at.duration_since(other.at).abs() <= TOGETHER
        };
        known.iter().find(same).map(|(_, key)| (*key).clone()).filter(|_| is_ours(entry))
    };
    let keys: Vec<Option<Clean>> =
        entries.iter().zip(&keys).map(|(e, key)| key.clone().or_else(|| beside(e))).collect();
    let mut found: Vec<Found> = entries
        .into_iter()
        .zip(keys)
        .map(|(entry, key)| {
            let whose = match (&key, &entry.by) {
                (Some(_), _) => Whose::ThroughUs,
                (None, Initiator::OurApp(_)) => Whose::OurAppAlone,
                (None, Initiator::App(_) | Initiator::Person(_)) => Whose::Elsewhere,
            };
            Found { whose, key, entry }
        })
        .collect();
    found.sort_by_key(|f| (f.whose, std::cmp::Reverse(f.entry.at)));
    let count = |whose| found.iter().filter(|f| f.whose == whose).count() as u64;
    let [our_app_alone, elsewhere, through_us] =
        [Whose::OurAppAlone, Whose::Elsewhere, Whose::ThroughUs].map(count);
    let unclear = not_understood.len() as u64;
    found.truncate(TOLD);
    not_understood.truncate(TOLD);
    Reconciled {
        read,
        newest,
        our_app_alone,
        elsewhere,
        through_us,
        found,
        unclear,
        not_understood,
        others,
        broke_off,
    }
}
