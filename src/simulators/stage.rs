//! The stage that all simulators share: time, the estate, the faults in force, what was asked.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::model::ids::Laestab;
use crate::simulators::cast::{Cast, DirectoryPart, Parts, StationsPart};
use crate::simulators::directory::Written;
use crate::simulators::fault::Fault;
use crate::simulators::invented::Invented;
use crate::simulators::own_ways::{DirectoryFault, OwnFault, Placed, PortalFault, StationsFault};
use crate::simulators::scenario::{Moment, Scenario};
use crate::simulators::times::{TimeSource, seconds};

/// Whom a fault is put on: `service` or `service.endpoint`, and one school or all.
type Victim = (String, Option<Laestab>);

/// Locks, whatever a panicking holder left: every value here is whole at all times.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// On which writes faults and waits are put, counted from 1; on all unless a test says so.
struct Turns {
    came: u64,
    on: RangeInclusive<u64>,
}

/// What all simulators share.
pub(super) struct Stage {
    pub(super) seed: u64,
    pub(super) scenario: Scenario,
    /// When the simulators were started.
    pub(super) started: Timestamp,
    pub(super) invented: Arc<Invented>,
    pub(super) cast: Cast,
    /// Schools by `service.parameter` and its value, for vendors that know schools by name.
    names: BTreeMap<(&'static str, String), Laestab>,
    clock: TimeSource,
    faults: Mutex<BTreeMap<Victim, Fault>>,
    served: Mutex<BTreeMap<String, u64>>,
    /// Credentials that were changed since the start.
    changed: Mutex<BTreeMap<String, String>>,
    strict: AtomicBool,
    tokens: AtomicU64,
    /// What was written to the directory.
    pub(super) written: Written,
    /// What writes have really done, one line each, in order.
    effects: Mutex<Vec<String>>,
    /// Whether writes wait before they do anything.
    held: watch::Sender<bool>,
    turns: Mutex<Turns>,
    /// What is wrong with the smaller vendors, status pages and the directory.
    pub(super) own: Placed,
}

impl Stage {
    pub(super) fn new(
        seed: u64,
        scenario: Scenario,
        clock: TimeSource,
        invented: Arc<Invented>,
    ) -> Self {
        Self {
            seed,
            scenario,
            started: clock(),
            cast: Cast::new(&invented, scenario, seed),
            names: names(&invented),
            invented,
            clock,
            faults: Mutex::default(),
            served: Mutex::default(),
            changed: Mutex::default(),
            strict: AtomicBool::new(false),
            tokens: AtomicU64::new(1),
            written: Written::default(),
            effects: Mutex::default(),
            held: watch::Sender::new(false),
            turns: Mutex::new(Turns { came: 0, on: 1..=u64::MAX }),
            own: Placed::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { scenario: self.scenario, elapsed: seconds(self.started, self.now()).max(0) }
    }

    /// The school that a vendor knows under `value` in `service.parameter`.
    pub(super) fn whose(&self, parameter: &'static str, value: &str) -> Option<Laestab> {
        self.names.get(&(parameter, value.to_owned())).copied()
    }

    pub(super) fn parts(&self, school: Laestab) -> Parts {
        use {DirectoryFault as D, StationsFault as S};
        let mut parts = self.cast.of(school);
        let is = |service: &str, fault: OwnFault| self.own.is(service, Some(school), fault);
        for (fault, part) in [
            (D::PasswordSpray, DirectoryPart::Spray),
            (D::OuMissing, DirectoryPart::OuMissing),
            (D::AllDisabled, DirectoryPart::AllDisabled),
        ] {
            if is("welearn365", fault.into()) {
                parts.directory = Some(part);
            }
        }
        for (fault, part) in [
            (S::SixtyPercent, StationsPart::SixtyPercent),
            (S::ThirtyPercent, StationsPart::ThirtyPercent),
        ] {
            if is("future_digital", fault.into()) {
                parts.stations = Some(part);
            }
        }
        parts.portal_unknown |= is("purple_mash", PortalFault::NameUnknown.into());
        parts
    }

    /// The fault in force for a call of `endpoint` about `school`: what a test has set, the
    /// narrowest first, else what the scenario says.
    pub(super) fn fault(&self, endpoint: &str, school: Option<Laestab>) -> Option<Fault> {
        let service = endpoint.split_once('.').map_or(endpoint, |(s, _)| s);
        let set = {
            let faults = lock(&self.faults);
            let find = |key: &str, school| faults.get(&(key.to_owned(), school)).copied();
            school
                .and_then(|l| find(endpoint, Some(l)).or_else(|| find(service, Some(l))))
                .or_else(|| find(endpoint, None))
                .or_else(|| find(service, None))
        };
        set.or_else(|| self.moment().fault(endpoint, school.map(|l| (l, self.parts(l)))))
    }

    /// The fault that a test has put on one school of `service`, for vendors whose answers and
    /// files hold all schools at once.
    pub(super) fn school_fault(&self, service: &str, school: Laestab) -> Option<Fault> {
        lock(&self.faults).get(&(service.to_owned(), Some(school))).copied()
    }

    pub(super) fn set_fault(&self, key: &str, school: Option<Laestab>, fault: Option<Fault>) {
        let victim = (key.to_owned(), school);
        let mut faults = lock(&self.faults);
        match fault {
            Some(fault) => drop(faults.insert(victim, fault)),
            None => drop(faults.remove(&victim)),
        }
    }

    /// Every fault that a test has set, to see whether a drop must be written anew.
    pub(super) fn faults(&self) -> Vec<(Victim, Fault)> {
        lock(&self.faults).iter().map(|(v, f)| (v.clone(), *f)).collect()
    }

    pub(super) fn count(&self, call: String) {
        *lock(&self.served).entry(call).or_default() += 1;
    }

    pub(super) fn served(&self) -> BTreeMap<String, u64> {
        lock(&self.served).clone()
    }

    pub(super) fn set_strict(&self) {
        self.strict.store(true, Ordering::Relaxed);
    }

    /// Whether the vendors' published limits are enforced as published; else ten times as many
    /// calls pass, because a demo asks far more often than a desk does.
    pub(super) fn strict(&self) -> bool {
        self.strict.load(Ordering::Relaxed)
    }

    /// The credential `name` as the vendor holds it now.
    pub(super) fn credential(&self, name: &str) -> Option<String> {
        let changed = lock(&self.changed).get(name).cloned();
        changed.or_else(|| self.invented.credentials.get(name).cloned())
    }

    pub(super) fn change_credential(&self, name: &str, value: &str) {
        lock(&self.changed).insert(name.to_owned(), value.to_owned());
    }

    /// Counts what a write has really done.
    pub(super) fn effect(&self, what: String) {
        lock(&self.effects).push(what);
    }

    pub(super) fn effects(&self) -> Vec<String> {
        lock(&self.effects).clone()
    }

    /// Lets writes wait, or go on.
    pub(super) fn hold_writes(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// From now on faults and waits are put on these writes alone, counted from 1.
    pub(super) fn single_out_writes(&self, on: RangeInclusive<u64>) {
        *lock(&self.turns) = Turns { came: 0, on };
    }

    /// How many writes have come since they were counted.
    pub(super) fn writes_came(&self) -> u64 {
        lock(&self.turns).came
    }

    /// Counts a write of `key` that has come: its fault, and whether it is one that may have to wait.
    pub(super) fn write_comes(&self, key: &str) -> (Option<Fault>, bool) {
        let mut turns = lock(&self.turns);
        turns.came += 1;
        let its_turn = turns.on.contains(&turns.came);
        drop(turns);
        (self.fault(key, None).filter(|_| its_turn), its_turn)
    }

    /// Ends when a write may go on.
    pub(super) async fn may_write(&self, waits: bool) {
        if !waits {
            return;
        }
        let mut held = self.held.subscribe();
        // The sender lives as long as the stage.
        drop(held.wait_for(|held| !held).await);
    }

    /// A number that no token had before.
    pub(super) fn next_token(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }
}

fn names(invented: &Invented) -> BTreeMap<(&'static str, String), Laestab> {
    let mut names = BTreeMap::new();
    for (laestab, taken) in &invented.subscriptions {
        for parameter in ["welearn365.site", "purple_mash.portal"] {
            if let Some(value) = taken.parameters.get(parameter) {
                names.insert((parameter, value.to_owned()), *laestab);
            }
        }
    }
    names
}
