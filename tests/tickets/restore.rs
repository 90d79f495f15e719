//! Asking for a restore, from the runs that this desk saw.

use caretaker::model::kept::KeptRun;
use caretaker::model::observation::Target;
use caretaker::ports::store::{Save, Store};
use caretaker::store::SqliteStore;
use jiff::{SignedDuration, Timestamp};

use crate::desk::{Desk, Said};

/// Nobody is at Redstor's address: what is known comes from before.
const CONFIG: &str = "[tickets.folder]\npath = 'tickets'\n[services.redstor]\n\
    api = 'storage_platform'\nuser = 'u'\nstorage_platform = { url = 'http://127.0.0.1:9' }\n";

struct Stage {
    desk: Desk,
    now: Timestamp,
}

/// Twenty days of looking, with a good run each night but for the tenth.
fn stage() -> Stage {
    let mut desk = Desk::new(CONFIG);
    std::fs::create_dir(desk.path("tickets")).unwrap();
    std::fs::create_dir(desk.path("state")).unwrap();
    let now = Timestamp::now();
    let store = SqliteStore::open(&desk.path("state/board.db")).unwrap();
    let hours = |n: i64| now - SignedDuration::from_hours(n);
    let answers = (0..=20 * 6).rev().map(|n| {
        let seen_at = hours(n * 4);
        let nights = n * 4 / 24;
        let night = if nights == 9 { 10 } else { nights };
        KeptRun {
            target: Target::School("9991001".parse().unwrap()),
            check: "redstor.sims".parse().unwrap(),
            seen_at,
            run: Some(midday(hours(night * 24 + 24))),
        }
    });
    store.keep(Save { at: now, revision: 1, runs: answers.collect(), ..Save::default() });
    store.flush().unwrap();
    drop(store);
    desk.open();
    Stage { desk, now }
}

/// Noon in UTC of that day, which is the same day in London.
fn midday(at: Timestamp) -> Timestamp {
    format!("{}T12:00:00Z", day_of(at)).parse().unwrap()
}

fn day_of(at: Timestamp) -> String {
    at.to_string().get(..10).unwrap().to_owned()
}

impl Stage {
    fn day(&self, ago: i64) -> String {
        day_of(self.now - SignedDuration::from_hours(ago * 24))
    }

    fn plan(&self, set: &[(&str, &str)]) -> Said {
        let mut args = vec!["plan", "redstor.restore_request", "9991001", "--reason", "they rang"];
        let set: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
        args.push("--json");
        args.extend(set.iter().flat_map(|choice| ["--set", choice.as_str()]));
        self.desk.run(&args)
    }

    fn at(&self, day: &str) -> Said {
        self.plan(&[
            ("data_set", "sims"),
            ("path", "all"),
            ("at", day),
            ("asked_by", "the head's office"),
            ("verified", "rang back"),
        ])
    }
}

#[test]
fn a_restore_is_asked_for_from_a_run_that_was_seen_and_followed_to_its_end() {
    let stage = stage();
    let listed = stage.desk.run(&["runs", "9991001", "--json"]);
    let sims = listed.json()["checks"][0].clone();
    assert_eq!(
        (sims["check"].as_str(), sims["keeps_days"].as_u64()),
        (Some("redstor.sims"), Some(60))
    );
    let runs: Vec<String> = sims["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.as_str().unwrap().get(..10).unwrap().to_owned())
        .collect();
    assert!(runs.contains(&stage.day(3)) && !runs.contains(&stage.day(10)), "{runs:?}");
    let plain = stage.desk.run(&["runs", "9991001"]);
    assert!(plain.out.contains("SIMS backup (redstor.sims), kept 60 days"), "{plain:?}");
    assert!(plain.out.contains("any other time is not known to us"), "{plain:?}");

    let planned = stage.at(&stage.day(3));
    let plan = planned.json()["plan"].clone();
    let sends = plan["items"][0]["sends"].to_string();
    for part in
        ["SIMS data", "AVPS-SIMS01", "which we saw end well", "the head's office", "rang back"]
    {
        assert!(sends.contains(part), "{part}: {sends}");
    }
    let (id, digest) = (plan["id"].as_str().unwrap(), plan["digest"].as_str().unwrap());
    let applied = stage.desk.run(&["apply", id, "--digest", digest, "--json"]);
    assert_eq!(applied.code, 10, "the ticket is there, the restore is not: {applied:?}");
    let row = applied.json()["actions"][0].clone();
    assert_eq!(row["steps"][0]["state"], "seen", "{row}");
    assert_eq!(
        (row["steps"][1]["state"].as_str(), row["closed"].as_bool()),
        (Some("took"), Some(false))
    );
    let page = stage.desk.run(&["actions", "--json"]).json();
    assert_eq!(page["open"].as_array().unwrap().len(), 1, "{page}");
    let key = row["key"].as_str().unwrap();
    let told =
        stage.desk.run(&["tell", key, "--step", "2", "--there", "--how", "the school has it"]);
    assert_eq!(told.code, 0, "{told:?}");
    let page = stage.desk.run(&["actions", "--json"]).json();
    assert_eq!(page["open"].as_array().unwrap().len(), 0, "{page}");
    let over = &page["recent"][0];
    assert_eq!((over["key"].as_str(), over["closed"].as_bool()), (Some(key), Some(true)), "{page}");
    assert_eq!((&over["steps"][1]["state"], &over["outcome"]), (&"seen".into(), &"done".into()));
}

#[test]
fn a_day_that_was_watched_without_a_run_is_refused_and_one_that_was_not_is_said_to_be_unknown() {
    let stage = stage();
    let none = stage.at(&stage.day(10));
    assert_eq!(none.code, 64, "{none:?}");
    assert!(none.err.contains("ended well; there are"), "{none:?}");
    let before = stage.at(&stage.day(40));
    assert_eq!(before.code, 0, "{before:?}");
    let item = before.json()["plan"]["items"][0].clone();
    assert!(item["sends"].to_string().contains("not known to us"), "{item}");
    assert!(item["beware"].to_string().contains("nobody here watched then"), "{item}");
    let gone = stage.at(&stage.day(61));
    assert!(gone.err.contains("Redstor keeps 60 days"), "{gone:?}");
}

#[test]
fn what_is_missing_or_odd_is_told_with_what_it_means() {
    let stage = stage();
    let well = [("data_set", "sims"), ("path", "all"), ("at", "2026-03-03"), ("asked_by", "x")];
    let missing = stage.plan(&well);
    assert!(missing.err.contains("verified is missing: how you know"), "{missing:?}");
    let odd = stage.plan(&[&well[..], &[("verified", "x"), ("when", "y")]].concat());
    assert!(odd.err.contains("when is no choice of redstor.restore_request"), "{odd:?}");
    let set = stage.plan(&[&well[1..], &[("verified", "x"), ("data_set", "photos")]].concat());
    assert!(set.err.contains("write documents or sims"), "{set:?}");
    // Its documents have no account in the table.
    let set = stage.plan(&[&well[1..], &[("verified", "x"), ("data_set", "documents")]].concat());
    assert!(set.err.contains("redstor.documents"), "{set:?}");
}
