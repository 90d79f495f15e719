//! Threat 22, with everything real but the vendors: the agent is killed with SIGKILL while its requests
//! are on the wire, before an effect, right after one, and in between; it is started again, and the
//! vendors count what they did.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use caretaker::simulators::Fault;
use serde_json::Value;

use crate::proxy::{Way, Wire};
use crate::real::pupils;
use crate::samba::{self, Dc};
use crate::stage::{Ends, LIMIT, Stage};

/// An action.
#[derive(Clone, Copy)]
pub struct Deed {
    action: &'static str,
    /// What must happen once at most, whoever dies when.
    once: &'static [&'static str],
    aim: Aim,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Aim {
    /// An account as it is.
    Account,
    /// One that is disabled.
    Disabled,
    /// One that is locked out.
    LockedOut,
    School,
    Cell,
}

pub const DEEDS: [Deed; 8] = [
    Deed { action: "welearn365.lock_account", once: &[], aim: Aim::Account },
    Deed { action: "welearn365.restore_account", once: &[], aim: Aim::Disabled },
    Deed { action: "welearn365.clear_lockout", once: &[], aim: Aim::LockedOut },
    Deed { action: "welearn365.reset_password", once: &["ad password"], aim: Aim::Account },
    Deed { action: "welearn365.resync_account", once: &["graph provision"], aim: Aim::Account },
    Deed { action: "groupcall.resync", once: &["groupcall fresh"], aim: Aim::School },
    Deed { action: "desk.raise_ticket", once: &["ticket"], aim: Aim::Cell },
    Deed { action: "smoothwall.move_group", once: &[], aim: Aim::Account },
];

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub deaths: u64,
    /// Of these, with something done already.
    pub after_an_effect: u64,
    lives: u64,
    effects: u64,
    pub without_intent: u64,
    pub repeated: u64,
    pub forgotten: u64,
    pub untrue: u64,
}

/// A desk whose every word to a vendor goes over a wire that can be stopped.
pub struct Desk {
    stage: Stage,
    wire: Wire,
    agent: Option<Ends>,
    /// Accounts that were not acted on yet.
    next: u32,
    pub counts: Counts,
    /// The real directory, if that is not played.
    pub directory: Option<Arc<Dc>>,
}

/// What a life did, and how often.
type Did = BTreeMap<String, u64>;

impl Desk {
    async fn new() -> Self {
        let mut stage = Stage::new().await;
        let wire = Wire::new();
        let ports = stage.vendors.urls.values().filter_map(|url| {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("ldaps://"))?;
            rest.split('/').next()?.rsplit(':').next()?.parse().ok()
        });
        let ports: std::collections::BTreeSet<u16> = ports.collect();
        for (port, door) in wire.lead("127.0.0.1", ports).await {
            let (port, door) = (format!(":{port}"), format!(":{door}"));
            for end in ["/", "\""] {
                stage.text = stage.text.replace(&format!("{port}{end}"), &format!("{door}{end}"));
            }
        }
        Self::over(stage, wire, None)
    }

    /// A desk that is configured so, and its agent.
    pub fn over(mut stage: Stage, wire: Wire, directory: Option<Arc<Dc>>) -> Self {
        // Nothing else is on the wire while somebody acts.
        let quiet = |line: &str| match line.split_once("interval = \"") {
            Some((before, after)) => {
                let rest = after.split_once('"').unwrap().1;
                format!("{before}interval = \"1h\"{rest}")
            }
            None => line.to_owned(),
        };
        stage.text = stage.text.lines().map(|l| quiet(l) + "\n").collect();
        stage.keep();
        let policy = stage.folder().join("policy.toml");
        let alone = std::fs::read_to_string(&policy).unwrap();
        let alone = alone.replace("second = \"approver\"", "alone = true");
        let alone = alone.replace("expect = \"second_person\"", "expect = \"allow\"");
        crate::stage::write(&policy, &alone);
        let mut desk =
            Self { stage, wire, agent: None, next: 0, counts: Counts::default(), directory };
        desk.live();
        desk
    }

    /// Starts the agent, and waits until it has asked everything once.
    fn live(&mut self) {
        self.agent = None;
        self.agent = Some(self.stage.agent_to_be_killed("deaths"));
        self.counts.lives += 1;
        let settled = self.stage.run(&["status", "--json", "--wait-settled", "60s"]);
        assert!(String::from_utf8_lossy(&settled.stdout).contains("\"settled\":true"));
    }

    fn die(&mut self) {
        // Dropped, it is killed with SIGKILL.
        self.agent = None;
        self.counts.deaths += 1;
    }

    /// Makes the n-th account ready for a deed; `LAESTAB/sam:LOGIN`.
    fn ready(&self, deed: Deed, n: u32) -> String {
        let flags = if deed.aim == Aim::Disabled { "514" } else { "512" };
        let locked = if deed.aim == Aim::LockedOut { now_in_ticks() } else { 0 };
        let values = [("userAccountControl", flags), ("lockoutTime", &locked.to_string())];
        for (attribute, value) in values {
            match &self.directory {
                Some(dc) => dc.change(&format!("CN=Kill {n:02},{}", pupils()), attribute, value),
                None => self.stage.vendors.set_in_directory(self.stage.school, n, attribute, value),
            }
        }
        match self.directory {
            Some(_) => format!("{}/sam:kill{n:02}", self.stage.school),
            None => self.stage.target(n),
        }
    }

    /// Something that the deed can be done to, made ready for it, and its plan.
    fn planned(&mut self, deed: Deed) -> (String, String) {
        let school = self.stage.school;
        let more: &[&str] = match deed.action {
            "smoothwall.move_group" => &["--set", "group=restricted"],
            _ => &[],
        };
        let accounts = match self.directory {
            Some(_) => 40,
            None => self.stage.vendors.directory_accounts(school),
        };
        for _ in 0..accounts {
            let target = match deed.aim {
                Aim::School => school.to_string(),
                Aim::Cell => format!("{school}/groupcall"),
                Aim::Account | Aim::Disabled | Aim::LockedOut => {
                    self.next += 1;
                    self.ready(deed, self.next % accounts)
                }
            };
            let args = ["plan", deed.action, &target, "--reason", "a test", "--json"];
            let output = self.stage.run(&[&args[..], more].concat());
            if let Ok(page) = serde_json::from_slice::<Value>(&output.stdout) {
                let text = |name: &str| page["plan"][name].as_str().unwrap().to_owned();
                return (text("id"), text("digest"));
            }
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let another = matches!(deed.aim, Aim::Account | Aim::Disabled | Aim::LockedOut);
            assert!(another, "{}: {told}", deed.action);
        }
        panic!("nothing is left for {}", deed.action);
    }

    /// Everything that the vendors have done so far, each as often as it was done.
    fn did(&self) -> Did {
        if let Some(dc) = &self.directory {
            return dc.state();
        }
        let mut did = Did::new();
        for effect in self.stage.vendors.effects() {
            *did.entry(effect).or_default() += 1;
        }
        did
    }

    /// Applies a plan until the wire stops, or it is over; whether the wire stopped.
    fn apply(&self, (id, digest): &(String, String)) -> bool {
        let args = ["apply", id, "--digest", digest, "--wait", "20s", "--shown-here"];
        // A new password is shown at a terminal only.
        let pair = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default());
        let pair = pair.unwrap();
        let terminal = File::options().write(true).open(pair.master.tty_name().unwrap()).unwrap();
        let mut command = self.stage.command(&args);
        let mut applies =
            Ends(command.stdout(terminal).stderr(Stdio::null()).spawn().unwrap(), None);
        let end = Instant::now() + LIMIT;
        loop {
            if self.wire.has_stopped() {
                return true;
            }
            // What is open and has an outcome is what there is to see of it.
            if self.row(id).is_some_and(|row| row["outcome"].is_string()) {
                return false;
            }
            let over = applies.0.try_wait().unwrap();
            assert!(Instant::now() < end, "neither over nor stopped: {over:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn row(&self, plan: &str) -> Option<Value> {
        let output = self.stage.run(&["actions", "--json"]);
        let page: Value = serde_json::from_slice(&output.stdout).ok()?;
        let rows = ["open", "recent"].into_iter().flat_map(|n| page[n].as_array().unwrap().clone());
        rows.into_iter().find(|row| row["plan"] == plan)
    }

    fn is_left(&self, plan: &str) -> bool {
        let page = self.stage.json(&["actions", "--json"]);
        page["left"].as_array().unwrap().iter().any(|row| row["plan"] == plan)
    }

    /// One life that ends where the wire stops, and the next one; or a whole one, if it never stopped.
    pub fn killed(&mut self, deed: Deed, what: &str, loses: bool, at: Stops) {
        let plan = self.planned(deed);
        let before = self.did();
        self.wire.arm(loses, at);
        let stopped = self.apply(&plan);
        if !stopped {
            self.wire.flow();
            self.judge(deed, what, &plan.0, &before);
            return;
        }
        self.counts.after_an_effect += u64::from(self.did() != before);
        self.die();
        self.wire.flow();
        self.live();
        self.judge(deed, what, &plan.0, &before);
    }

    /// Holds what the vendors did against what the ledger says, once it says something.
    fn judge(&mut self, deed: Deed, what: &str, plan: &str, before: &Did) {
        let end = Instant::now() + LIMIT;
        let row = loop {
            match self.row(plan) {
                Some(row) if row["outcome"].is_string() => break Some(row),
                None if self.is_left(plan) || self.is_unconfirmed(plan) => break None,
                _ if Instant::now() > end => break self.row(plan),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let mut new = self.did();
        new.retain(|kind, n| {
            *n = n.saturating_sub(before.get(kind).copied().unwrap_or_default());
            *n > 0
        });
        let counts = &mut self.counts;
        counts.effects += new.values().sum::<u64>();
        let complain = |why: &str| println!("{} {what}: {why}: {new:?} {row:#?}", deed.action);
        if row.is_none() && !new.is_empty() {
            complain("sent without an intent");
            counts.without_intent += 1;
        }
        let often = |kind: &&str| new.iter().any(|(did, n)| did.starts_with(*kind) && *n > 1);
        if deed.once.iter().any(often) {
            complain("done twice");
            counts.repeated += 1;
        }
        let Some(row) = &row else { return };
        let outcome = row["outcome"].as_str();
        if outcome.is_none() {
            complain("forgotten");
            counts.forgotten += 1;
        }
        let is_true = match outcome {
            Some("done") => !new.is_empty(),
            Some("rejected" | "changed_since_plan") => new.is_empty(),
            _ => true,
        };
        if !is_true {
            complain("the ledger says what is not so");
            counts.untrue += 1;
        }
        if row["closed"] != true {
            // So that the next one finds nobody at work on it.
            let key = row["key"].as_str().unwrap();
            self.stage.run(&["close", key, "--reason", "the test goes on"]);
        }
    }

    /// A plan that died before it was confirmed is one that never was.
    fn is_unconfirmed(&self, plan: &str) -> bool {
        let page = self.stage.json(&["audit", "list", "--json", "--limit", "1000"]);
        let entries = page["entries"].as_array().unwrap();
        !entries.iter().any(|e| e["about"] == plan && e["kind"] == "confirmed")
    }
}

pub type Stops = Box<dyn FnMut(Way, u64) -> bool + Send>;

/// The time of now as Active Directory writes it.
fn now_in_ticks() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (i64::try_from(since.as_secs()).unwrap() + 11_644_473_600) * 10_000_000
}

/// A life that nobody ends: how many pieces went over the wire, and at which of them effects were seen.
pub fn whole(desk: &mut Desk, deed: Deed) -> (u64, Vec<u64>) {
    use std::sync::Mutex;
    let plan = desk.planned(deed);
    let before = desk.did();
    let seen = Arc::new(Mutex::new((0, Vec::new())));
    let (book, counter) = (seen.clone(), desk.stage.vendors.effect_counter());
    let begins = counter();
    desk.wire.arm(false, move |_, n| {
        let mut book = book.lock().unwrap();
        let so_far = counter() - begins;
        while book.0 < so_far {
            book.0 += 1;
            book.1.push(n);
        }
        false
    });
    assert!(!desk.apply(&plan), "nothing stops it");
    let pieces = desk.wire.passed();
    desk.wire.flow();
    desk.judge(deed, "whole", &plan.0, &before);
    let at = seen.lock().unwrap().1.clone();
    (pieces, at)
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_22_killed_on_the_wire_nothing_is_done_twice_and_nothing_forgotten() {
    let mut desk = Desk::new().await;
    tokio::task::block_in_place(|| {
        for deed in DEEDS {
            let (pieces, effects) = whole(&mut desk, deed);
            assert!(!effects.is_empty(), "{} did nothing", deed.action);
            // Before an effect, its request lost or on its way; after it, its answer lost: all three at
            // the first, one of them at each that follows.
            for (n, seen) in effects.iter().enumerate() {
                let ways = [
                    ("lost", true, seen - 1),
                    ("under way", false, seen - 1),
                    ("done", true, *seen),
                ];
                for (what, loses, at) in
                    ways.into_iter().skip(n % 3).take(if n == 0 { 3 } else { 1 })
                {
                    let stop: Stops = Box::new(move |_, n| n == at);
                    desk.killed(deed, &format!("{what} at {at}"), loses, stop);
                }
            }
            // And where nothing is done.
            for at in [2, pieces / 2] {
                let stop: Stops = Box::new(move |_, n| n == at);
                desk.killed(deed, &format!("at {at}"), true, stop);
            }
        }
    });
    println!("killed on the wire: {:?}", desk.counts);
    let Counts { deaths, after_an_effect, without_intent, repeated, forgotten, untrue, .. } =
        desk.counts;
    let few = deaths < 25 || after_an_effect < 8 || deaths - after_an_effect < 8;
    assert!(!few, "too few deaths to mean anything: {:?}", desk.counts);
    assert_eq!([without_intent, repeated, forgotten, untrue], [0; 4], "{:?}", desk.counts);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_27_whatever_goes_wrong_on_the_way_the_ledger_says_what_is_so() {
    let mut desk = Desk::new().await;
    tokio::task::block_in_place(|| {
        for (key, deeds) in [
            ("welearn365.graph_write", [DEEDS[0], DEEDS[4]]),
            ("welearn365.ad_write", [DEEDS[0], DEEDS[3]]),
        ] {
            for fault in [
                Fault::Unauthorised,
                Fault::Down,
                Fault::HalfSent,
                Fault::Status(503),
                Fault::Empty200,
                // Later than we wait.
                Fault::Slow(3_000),
            ] {
                for deed in deeds {
                    let plan = desk.planned(deed);
                    let before = desk.did();
                    desk.stage.vendors.set_fault(key, None, fault);
                    desk.apply(&plan);
                    desk.stage.vendors.clear_fault(key, None);
                    desk.judge(deed, &format!("{key} {fault:?}"), &plan.0, &before);
                }
            }
        }
    });
    println!("gone wrong on the way: {:?}", desk.counts);
    let Counts { without_intent, repeated, forgotten, untrue, .. } = desk.counts;
    assert_eq!([without_intent, repeated, forgotten, untrue], [0; 4], "{:?}", desk.counts);
}

#[test]
fn threat_22_killed_over_a_real_active_directory() {
    let lacking = samba::lacking().map(|why| format!("no real Active Directory: {why}"));
    if crate::required::here("samba", lacking) {
        samba::in_namespace("real::");
    }
}
