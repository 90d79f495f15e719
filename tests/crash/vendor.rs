//! A vendor that is a file: one line for each thing that it did. It outlives whoever asked.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use caretaker::model::action::{ActionSpec, AimsAt, Class};
use caretaker::model::observation::Fact;
use caretaker::model::plan::{Aim, Ask, Item, Kind, Operator, Private, Step};
use caretaker::model::text::Clean;
use caretaker::ports::act::{Act, Answer, Prepared, Refused, Seen};
use caretaker::ports::clock::Boxed;
use caretaker::ports::ledger::Committed;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

/// What the vendor makes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Does it and says so.
    Well,
    /// Does it, and the answer is lost.
    LosesTheAnswer,
    /// Never has it, and there is no answer.
    Silent,
    /// Says no.
    Refuses,
    /// Says yes and does nothing.
    Lies,
    /// There is no answer, and it does it 40 seconds later.
    Late,
    /// Cannot be reached, certainly.
    Away,
    /// Does it twice for one call, and says so.
    Twice,
}

pub const MOODS: [(&str, Mood); 8] = [
    ("well", Mood::Well),
    ("loses-the-answer", Mood::LosesTheAnswer),
    ("silent", Mood::Silent),
    ("refuses", Mood::Refuses),
    ("lies", Mood::Lies),
    ("late", Mood::Late),
    ("away", Mood::Away),
    ("twice", Mood::Twice),
];

/// One kind of action: its steps, and whether its hand-off can be searched for.
#[derive(Debug, Clone, Copy)]
pub struct Chain {
    pub name: &'static str,
    pub action: &'static str,
    pub steps: &'static [Class],
    pub protective: bool,
    pub searchable: bool,
    pub targets: usize,
    pub second: bool,
}

pub const CHAINS: [Chain; 6] = [
    Chain {
        name: "lock",
        action: "welearn365.lock_account",
        steps: &[Class::SetState, Class::Monotonic, Class::SetState, Class::Monotonic],
        protective: true,
        searchable: true,
        targets: 1,
        second: false,
    },
    Chain {
        name: "clear-many",
        action: "welearn365.clear_lockout",
        steps: &[Class::SetState],
        protective: false,
        searchable: true,
        targets: 3,
        second: false,
    },
    Chain {
        name: "restore",
        action: "welearn365.restore_account",
        steps: &[Class::SetState, Class::Trigger],
        protective: false,
        searchable: true,
        targets: 1,
        second: true,
    },
    Chain {
        name: "reset",
        action: "welearn365.reset_password",
        steps: &[Class::Destructive],
        protective: false,
        searchable: true,
        targets: 1,
        second: false,
    },
    Chain {
        name: "ticket-by-api",
        action: "desk.raise_ticket",
        steps: &[Class::HandOff],
        protective: false,
        searchable: true,
        targets: 1,
        second: false,
    },
    Chain {
        name: "ticket-by-mail",
        action: "desk.raise_ticket",
        steps: &[Class::HandOff],
        protective: false,
        searchable: false,
        targets: 1,
        second: false,
    },
];

/// Counts moments at which the process may die, and dies at the one that was chosen.
#[derive(Debug)]
pub struct Points {
    die_at: u64,
    passed: AtomicU64,
}

impl Points {
    pub fn new(die_at: u64) -> Arc<Self> {
        Arc::new(Self { die_at, passed: AtomicU64::new(0) })
    }

    pub fn pass(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.die_at {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
            // The signal is on its way to every thread.
            std::thread::park();
        }
    }
}

/// One effect in the vendor's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub key: String,
    pub step: usize,
    /// From when on it can be seen.
    pub visible: Timestamp,
    /// The vendor's own second one, of a call that it had done already.
    pub twin: bool,
}

pub fn effects(file: &Path) -> Vec<Effect> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap().to_owned();
        Effect {
            key: word(),
            step: word().parse().unwrap(),
            visible: word().parse().unwrap(),
            twin: word() == "twin",
        }
    };
    text.lines().map(line).collect()
}

pub struct Vendor {
    pub chain: Chain,
    pub mood: Mood,
    pub file: PathBuf,
    pub points: Arc<Points>,
}

impl Vendor {
    fn does(&self, item: &Item, step: usize, visible: Timestamp) {
        self.writes(item, step, visible, "only");
    }

    fn writes(&self, item: &Item, step: usize, visible: Timestamp, which: &str) {
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        // One write: a death leaves the whole line or none.
        file.write_all(format!("{} {step} {visible} {which}\n", item.key).as_bytes()).unwrap();
    }
}

impl Act for Vendor {
    fn actions(&self) -> Vec<ActionSpec> {
        vec![ActionSpec {
            id: self.chain.action,
            label: "Do it",
            class: self.chain.steps[0],
            aims_at: AimsAt::School,
            choices: &[],
        }]
    }

    fn prepare<'a>(
        &'a self,
        _: &'a Ask,
        aim: &'a Aim,
        _: &'a Operator,
        _: bool,
        _: Timestamp,
    ) -> Boxed<'a, Result<Prepared, Refused>> {
        Box::pin(async move {
            self.points.pass();
            let step = |(n, class): (usize, &Class)| Step {
                id: Clean::new(&format!("step{n}")),
                system: Clean::new("Vendor"),
                says: Clean::new("do it"),
                class: *class,
                undoable: false,
                patience_s: 3_600,
                with: BTreeMap::new(),
            };
            let item = Item {
                key: Clean::new(""),
                aim: aim.clone(),
                also: Vec::new(),
                kind: Kind::School,
                lease: Clean::new(&format!("vendor:{aim}")),
                now: vec![Fact { name: Clean::new("state"), value: Clean::new("as it was") }],
                steps: self.chain.steps.iter().enumerate().map(step).collect(),
                protective: self.chain.protective,
                will_not: Vec::new(),
                beware: Vec::new(),
                undo: None,
                sends: Vec::new(),
                second_person: None,
            };
            let word = Clean::new(&aim.to_string());
            let private = Private { label: word.clone(), confirm: word, notes: Vec::new() };
            Ok(Prepared { item, private, groups: None })
        })
    }

    fn step<'a>(
        &'a self,
        committed: &'a Committed,
        item: &'a Item,
        step: usize,
        now: Timestamp,
    ) -> Boxed<'a, Answer> {
        Box::pin(async move {
            assert_eq!(committed.key(), &item.key, "the proof is for another intent");
            let says = Clean::new("said");
            self.points.pass();
            match self.mood {
                Mood::Well | Mood::LosesTheAnswer => self.does(item, step, now),
                Mood::Late => self.does(item, step, now + SignedDuration::from_secs(40)),
                Mood::Twice => {
                    self.does(item, step, now);
                    self.writes(item, step, now, "twin");
                }
                Mood::Silent | Mood::Refuses | Mood::Lies | Mood::Away => {}
            }
            self.points.pass();
            let destructive = item.steps[step].class == Class::Destructive;
            let secret = destructive.then(|| SecretString::from("canary-of-the-crash-test"));
            match self.mood {
                Mood::Well | Mood::Lies | Mood::Twice => {
                    Answer::Took { says, reference: None, secret }
                }
                Mood::Refuses => Answer::Refused { says },
                Mood::Away => Answer::NotSent { says },
                Mood::LosesTheAnswer | Mood::Silent | Mood::Late => Answer::NoAnswer { says },
            }
        })
    }

    fn look<'a>(
        &'a self,
        item: &'a Item,
        step: usize,
        _: Timestamp,
        now: Timestamp,
    ) -> Boxed<'a, Seen> {
        Box::pin(async move {
            self.points.pass();
            let says = Clean::new("read");
            let there = effects(&self.file)
                .iter()
                .any(|e| e.key == item.key.as_str() && e.step == step && e.visible <= now);
            match item.steps[step].class {
                Class::HandOff if !self.chain.searchable => Seen::CannotTell(says),
                Class::Destructive => Seen::CannotTell(says),
                _ if there => Seen::There(says),
                Class::Trigger => Seen::NotYet(says),
                Class::SetState | Class::Monotonic | Class::HandOff => Seen::NotThere(says),
            }
        })
    }
}
