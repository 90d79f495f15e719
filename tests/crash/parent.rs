//! Starts the process that dies, again and again, and holds the ledger against the vendor's file.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use caretaker::ledger::{Line, verify};
use caretaker::model::action::Class;
use caretaker::model::plan::{Outcome, StepState};
use caretaker::ports::ledger::{AuditQuery, Ledger};
use caretaker::store::SqliteLedger;

use crate::vendor::{CHAINS, Chain, Effect, MOODS, effects};

/// Seconds that the process may have been dead: within the lease, at its end, long after.
const DEAD_FOR: [u64; 4] = [0, 30, 599, 90_000];
/// More moments than any life has.
const NEVER: u64 = u64::MAX;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    deaths: u64,
    intents: u64,
    effects: u64,
    without_intent: u64,
    repeated: u64,
    forgotten: u64,
    untrue: u64,
    broken_chains: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.deaths += other.deaths;
        self.intents += other.intents;
        self.effects += other.effects;
        self.without_intent += other.without_intent;
        self.repeated += other.repeated;
        self.forgotten += other.forgotten;
        self.untrue += other.untrue;
        self.broken_chains += other.broken_chains;
    }
}

pub fn run() {
    let asked = std::env::var("CARETAKER_CRASHES").ok();
    let seeds: Option<u64> = asked.map(|n| n.parse().expect("a number of seeds"));
    // Odd, so that moments before and after a write take turns.
    let stride = match seeds {
        Some(0) => 13,
        None => 7,
        Some(_) => 1,
    };
    let seeds = seeds.unwrap_or(1).max(1);
    let jobs: Vec<(Chain, &str)> = CHAINS
        .iter()
        .flat_map(|chain| MOODS.iter().map(move |(name, _)| (*chain, *name)))
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Counts::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|core| {
                let mine: Vec<_> = jobs.iter().skip(core).step_by(cores).collect();
                scope.spawn(move || {
                    let mut counts = Counts::default();
                    for (chain, name) in mine {
                        counts += every_point(*chain, name, seeds, stride);
                    }
                    counts
                })
            })
            .collect();
        for worker in workers {
            all += worker.join().expect("a worker of the crash test failed");
        }
    });
    println!("threat_22_killed_at_every_step: {all:?}");
    // At every moment of a life: thousands. At every so manieth: fewer.
    let least = if stride == 1 { 2_000 } else { 500 };
    assert!(all.deaths >= least, "too few deaths to mean anything: fewer than {least}");
    let Counts { without_intent, repeated, forgotten, untrue, broken_chains, .. } = all;
    let wrong = [without_intent, repeated, forgotten, untrue, broken_chains];
    assert_eq!(wrong, [0; 5], "sent without an intent, repeated, forgotten, untrue, chain broken");
}

/// A first death at each moment of a whole life; later ones as the seed says.
fn every_point(chain: Chain, name: &str, seeds: u64, stride: usize) -> Counts {
    let mut counts = Counts::default();
    for die_at in (1..).step_by(stride) {
        let mut died = false;
        for seed in 0..seeds {
            let folder = folder();
            let life = |die_at, dead_for, what| {
                live(folder.path(), chain.name, name, die_at, dead_for, what)
            };
            died = life(die_at, 0, "begin");
            let mut chance = seed.wrapping_mul(0x9e37_79b9) ^ die_at.wrapping_mul(0x85eb_ca6b);
            let mut roll = |sides: u64| {
                // A step of SplitMix64: any spread does.
                chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (chance ^ (chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                (mixed ^ (mixed >> 27)) % sides
            };
            counts.deaths += u64::from(died);
            if died {
                let mut dead_for = || DEAD_FOR[usize::try_from(roll(4)).unwrap()];
                let (first, second) = (dead_for(), dead_for());
                // It dies once more while it takes up what it finds.
                counts.deaths += u64::from(life(1 + roll(12), first, "resume"));
                assert!(!life(NEVER, second, "resume"), "it died by itself");
            }
            counts += judged(folder.path(), chain, &format!("{} {name} {die_at}", chain.name));
        }
        if !died {
            break;
        }
    }
    counts
}

/// Memory is enough: a killed process does not lose what it wrote.
fn folder() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("caretaker-crash").tempdir_in(shm);
    made.unwrap_or_else(|_| tempfile::tempdir().expect("a folder"))
}

/// One life; whether it was killed.
fn live(folder: &Path, chain: &str, mood: &str, die_at: u64, dead_for: u64, what: &str) -> bool {
    let status = Command::new(std::env::current_exe().expect("this program"))
        .arg("--child")
        .arg(folder)
        .args([chain, mood, &die_at.to_string(), &dead_for.to_string(), what])
        .status()
        .expect("a process");
    match (status.signal(), status.code()) {
        (Some(9), _) => true,
        (_, Some(0)) => false,
        _ => panic!("{chain} {mood} {die_at} {what}: {status}"),
    }
}

/// Holds the ledger against what the vendor did.
fn judged(folder: &Path, chain: Chain, about: &str) -> Counts {
    let ledger = SqliteLedger::open(&folder.join("ledger.db")).expect("the ledger");
    let done = effects(&folder.join("effects"));
    let intents = ledger.recent(100).expect("intents");
    let mut counts =
        Counts { intents: intents.len() as u64, effects: done.len() as u64, ..Counts::default() };
    let complain = |what: &str| println!("{about}: {what}: {intents:#?} {done:?}");
    if done.iter().any(|e| !intents.iter().any(|h| h.item.key.as_str() == e.key)) {
        complain("an effect without an intent");
        counts.without_intent += 1;
    }
    let mut often: BTreeMap<(&str, usize), u64> = BTreeMap::new();
    // Calls are counted: what a vendor makes of one call is its own.
    for Effect { key, step, .. } in done.iter().filter(|e| !e.twin) {
        *often.entry((key, *step)).or_default() += 1;
    }
    for ((_, step), times) in often {
        // What sets a state may be set again; the rest happens once, whatever dies when.
        let once = !matches!(chain.steps[step], Class::SetState | Class::Monotonic);
        if once && times > 1 {
            complain("done twice");
            counts.repeated += 1;
        }
    }
    for held in &intents {
        let key = held.item.key.as_str();
        let did = |n: usize| done.iter().any(|e| e.key == key && e.step == n);
        let all = (0..held.item.steps.len()).all(did);
        let none = !(0..held.item.steps.len()).any(did);
        let is_true = match held.outcome {
            Some(Outcome::Done) => all,
            Some(Outcome::Rejected | Outcome::ChangedSincePlan) => none,
            Some(Outcome::Accepted | Outcome::PartlyDone | Outcome::Unknown) => true,
            None => false,
        };
        let said = held.steps.iter().enumerate().all(|(n, s)| match s.state {
            StepState::Seen => did(n),
            StepState::Waiting | StepState::Skipped => !did(n),
            _ => true,
        });
        if !is_true || !said {
            complain("the ledger says what is not so");
            counts.untrue += 1;
        }
        let settled = held.closed || held.outcome.is_some();
        if !settled {
            complain("forgotten");
            counts.forgotten += 1;
        }
    }
    if !ledger.unbegun().expect("what is due").is_empty() {
        complain("confirmed, and neither begun nor left");
        counts.forgotten += 1;
    }
    let all = AuditQuery { from: Some(1), limit: 10_000, ..AuditQuery::default() };
    let entries = ledger.entries(&all).expect("entries");
    let lines: Vec<String> = entries
        .into_iter()
        .map(|e| serde_json::to_string(&Line::Entry(e)).expect("a line"))
        .collect();
    if verify(lines.iter().map(String::as_str), &[], None).is_err() {
        complain("the audit's chain is broken");
        counts.broken_chains += 1;
    }
    counts
}
