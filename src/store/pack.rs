//! Cells and changes as small integers.
//!
//! Source of the layout: ours; `docs` of the table columns stand in `schema`. A code that cannot be
//! read makes its row unreadable, never a healthy cell.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::cell::{Cause, Cell, Handling, Row, StateChange};
use crate::model::check::Scope;
use crate::model::health::{Health, Reason};
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::observation::Target;
use crate::model::text::Clean;

/// Services that one file can tell apart: the number is the low byte of a cell's key.
pub(super) const MAX_SERVICES: usize = 255;

const REASONS: [Reason; 7] = [
    Reason::NoAnswer,
    Reason::Unauthorised,
    Reason::Malformed,
    Reason::Stale,
    Reason::Throttled,
    Reason::Paused,
    Reason::NeverSeen,
];

/// A cell on its way to the disk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Packed {
    pub since: Option<i64>,
    pub state_since: Option<i64>,
    pub code: u16,
    pub why: Option<Clean>,
    /// Twice the service's number, plus one if the whole estate is the cause.
    pub follows: Option<u16>,
    pub handling: Option<Box<Handling>>,
}

/// A change of health on its way to the disk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub row: u32,
    pub at_ms: i64,
    pub service: u8,
    pub code: u16,
    pub why: Clean,
}

/// The number of a row: 0 for the estate, else the LAESTAB.
pub(super) fn row_number(row: Row) -> u32 {
    match row {
        Row::Estate => 0,
        Row::School(laestab) => laestab.number(),
    }
}

pub(super) fn target_number(target: Target) -> u32 {
    match target {
        Target::Estate => 0,
        Target::School(laestab) => laestab.number(),
    }
}

pub(super) fn laestab(number: u32) -> Option<Laestab> {
    Laestab::from_parts(u16::try_from(number / 10_000).ok()?, u16::try_from(number % 10_000).ok()?)
}

pub(super) fn row(number: u32) -> Option<Row> {
    if number == 0 { Some(Row::Estate) } else { laestab(number).map(Row::School) }
}

pub(super) fn target(number: u32) -> Option<Target> {
    if number == 0 { Some(Target::Estate) } else { laestab(number).map(Target::School) }
}

/// The key of a cell: row and service in one integer, which SQLite keeps as the row's id.
pub(super) fn cell_key(row: u32, service: u8) -> i64 {
    i64::from(row) * 256 + i64::from(service)
}

pub(super) fn split_key(key: i64) -> Option<(u32, u8)> {
    let service = u8::try_from(key.rem_euclid(256)).ok()?;
    Some((u32::try_from(key.div_euclid(256)).ok()?, service))
}

pub(super) fn health_code(health: Health) -> u16 {
    // Ok is 1, which SQLite keeps in no byte at all.
    match health {
        Health::NotSubscribed => 0,
        Health::Ok => 1,
        Health::Warning => 2,
        Health::Unknown => 3,
        Health::Critical => 4,
    }
}

pub(super) fn health(code: u16) -> Option<Health> {
    Health::ALL.get(usize::from(code & 7)).copied()
}

pub(super) fn reason_code(reason: Option<Reason>) -> u16 {
    let place = reason.and_then(|r| REASONS.iter().position(|x| *x == r));
    place.and_then(|p| u16::try_from(p + 1).ok()).unwrap_or(0)
}

pub(super) fn reason(code: u16) -> Option<Reason> {
    usize::from(code & 7).checked_sub(1).and_then(|i| REASONS.get(i)).copied()
}

/// `number` gives the number of a service, if there is one left for it.
pub(super) fn pack(cell: &Cell, mut number: impl FnMut(&ServiceKey) -> Option<u8>) -> Packed {
    let code = health_code(cell.health)
        | reason_code(cell.reason) << 3
        | u16::from(cell.soft) << 6
        | u16::from(cell.flapping) << 7
        | u16::from(cell.quiet) << 8;
    Packed {
        since: cell.since.map(Timestamp::as_second),
        state_since: cell.state_since.map(Timestamp::as_second),
        code,
        why: cell.health.is_trouble().then(|| cell.why.clone()),
        follows: cell.follows_from.as_ref().and_then(|cause| {
            let estate = u16::from(cause.scope == Scope::Estate);
            number(&cause.service).map(|n| u16::from(n) * 2 + estate)
        }),
        handling: cell.handling.clone().map(Box::new),
    }
}

/// The cell again; `None` if a code means nothing.
pub(super) fn unpack(
    packed: Packed,
    services: &[Option<ServiceKey>],
    blank: &Clean,
) -> Option<Cell> {
    let health = health(packed.code)?;
    let reason = reason(packed.code >> 3);
    if (health == Health::Unknown) != reason.is_some() {
        return None;
    }
    let follows_from = match packed.follows {
        None => None,
        Some(code) => Some(Cause {
            service: services.get(usize::from(code / 2))?.clone()?,
            scope: if code % 2 == 1 { Scope::Estate } else { Scope::School },
        }),
    };
    Some(Cell {
        health,
        reason,
        why: packed.why.unwrap_or_else(|| blank.clone()),
        since: time(packed.since)?,
        state_since: time(packed.state_since)?,
        soft: packed.code & (1 << 6) != 0,
        flapping: packed.code & (1 << 7) != 0,
        quiet: packed.code & (1 << 8) != 0,
        handling: packed.handling.map(|h| *h),
        follows_from,
    })
}

fn time(second: Option<i64>) -> Option<Option<Timestamp>> {
    match second {
        None => Some(None),
        Some(s) => Timestamp::from_second(s).ok().map(Some),
    }
}

pub(super) fn record(row: Row, change: StateChange, service: u8) -> Record {
    Record {
        row: row_number(row),
        at_ms: change.at.as_millisecond(),
        service,
        code: health_code(change.from)
            | health_code(change.to) << 3
            | reason_code(change.reason) << 6
            | u16::from(change.follows) << 9
            | u16::from(change.first) << 10,
        why: change.why,
    }
}

pub(super) fn state_change(record: Record, service: ServiceKey) -> Option<StateChange> {
    Some(StateChange {
        at: Timestamp::from_millisecond(record.at_ms).ok()?,
        service,
        from: health(record.code)?,
        to: health(record.code >> 3)?,
        reason: reason(record.code >> 6),
        follows: record.code & (1 << 9) != 0,
        first: record.code & (1 << 10) != 0,
        why: record.why,
    })
}

/// Which number each service has in this file. Numbers are never reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Services {
    by_number: Arc<Vec<Option<ServiceKey>>>,
}

impl Services {
    pub fn new(known: impl IntoIterator<Item = (u8, ServiceKey)>) -> Self {
        let mut by_number = Vec::new();
        for (number, key) in known {
            let at = usize::from(number);
            if by_number.len() <= at {
                by_number.resize(at + 1, None);
            }
            if let Some(place) = by_number.get_mut(at) {
                *place = Some(key);
            }
        }
        Self { by_number: Arc::new(by_number) }
    }

    pub fn keys(&self) -> &[Option<ServiceKey>] {
        &self.by_number
    }

    pub fn key(&self, number: u8) -> Option<&ServiceKey> {
        self.by_number.get(usize::from(number)).and_then(Option::as_ref)
    }

    /// Every service with its number.
    pub fn numbered(&self) -> impl Iterator<Item = (u8, &ServiceKey)> {
        let numbers = (0_u8..).zip(self.by_number.iter());
        numbers.filter_map(|(number, key)| Some((number, key.as_ref()?)))
    }

    pub fn find(&self, key: &ServiceKey) -> Option<u8> {
        let place = self.by_number.iter().position(|k| k.as_ref() == Some(key));
        place.and_then(|p| u8::try_from(p).ok())
    }

    /// The number of `key`, a new one if it has none; `None` when none is left.
    pub fn number(&mut self, key: &ServiceKey) -> Option<u8> {
        if let Some(number) = self.find(key) {
            return Some(number);
        }
        let next = self.by_number.len();
        let number = u8::try_from(next).ok().filter(|_| next < MAX_SERVICES)?;
        Arc::make_mut(&mut self.by_number).push(Some(key.clone()));
        Some(number)
    }
}
