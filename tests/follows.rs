//! The dependency graph as the services themselves declare it, seen on the board: trouble travels
//! along its own flow, at its own school, and those that follow are freed with the last cause.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use caretaker::engine::{Event, World, step};
use caretaker::model::cell::Row;
use caretaker::model::check::Scope;
use caretaker::model::estate::Estate;
use caretaker::model::health::{Health, Reason};
use caretaker::model::ids::{CredentialName, Laestab};
use caretaker::model::observation::{Observation, Target, Verdict};
use caretaker::model::school::{School, Subscription};
use caretaker::ports::clock::Clock;
use caretaker::ports::secrets::{Found, SecretError, Secrets};
use caretaker::services::{Context, SERVICES};
use caretaker::sys::SystemClock;
use caretaker::transport::{Transport, TransportSettings, install_tls};
use jiff::{SignedDuration, Timestamp};

const START: &str = "2027-02-02T09:10:00Z";
const ALDER: &str = "9990101";
const BIRCH: &str = "9990102";

struct NoSecrets;

impl Secrets for NoSecrets {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        Err(SecretError::Missing { name: name.clone(), asked: "none in this test".to_owned() })
    }
}

fn settings(key: &str) -> &'static str {
    match key {
        "welearn365" => "tenant_id = 't'\nclient_id = 'c'",
        "groupcall" => "relying_party = 'console.example.net'",
        "redstor" => "api = 'storage_platform'\nuser = 'u'",
        "future_digital" => "stations = { folder = 'stations' }",
        "smoothwall" => {
            "appliances = [{ name = 'alder', filtering = { vantage = 'direct', blocked_url = \
             'http://bad.example', plain_url = 'http://plain.example', plain_word = 'w' } }, \
             { name = 'birch', filtering = { vantage = 'direct', blocked_url = \
             'http://bad.example', plain_url = 'http://plain.example', plain_word = 'w' } }]"
        }
        "just2easy" => {
            "sign_in = { endpoint = { url = 'https://j.example' }, expected_word = 'login' }"
        }
        _ => "endpoint = { url = 'https://p.example' }",
    }
}

/// Two schools that take everything, and the seven services as they describe themselves.
fn estate() -> Estate {
    install_tls();
    let mut estate = Estate::default();
    for (laestab, name) in [(ALDER, "alder"), (BIRCH, "birch")] {
        let id: Laestab = laestab.parse().unwrap();
        let school = serde_json::json!({"laestab": laestab, "name": name});
        estate.schools.insert(id, serde_json::from_value::<School>(school).unwrap());
        let parameters = [
            ("redstor.documents", "FILES"),
            ("smoothwall.appliance", name),
            ("purple_mash.portal", name),
        ];
        let row = Subscription {
            services: SERVICES.iter().map(|s| s.key.parse().unwrap()).collect(),
            parameters: parameters.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
            ..Subscription::default()
        };
        estate.subscriptions.insert(id, row);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let context = Context {
        programs: Arc::new(caretaker::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(TransportSettings::default(), clock.clone()),
        clock,
        secrets: Arc::new(NoSecrets),
        estate: Arc::new(estate.clone()),
        folder: PathBuf::new(),
        known: std::sync::Arc::new(caretaker::services::LateKnown::default()),
        tickets: None,
        entropy: Arc::new(caretaker::sys::SystemEntropy),
    };
    for service in SERVICES {
        let table: toml::Table = toml::from_str(settings(service.key)).unwrap();
        let inline = toml::Value::Table(table).to_string();
        let read = toml::de::ValueDeserializer::parse(&inline).unwrap();
        let watch = ((service.configure)(read).unwrap().build)(&context).unwrap();
        estate.services.push(watch.describe());
    }
    estate
}

struct Stage {
    world: World,
    now: Timestamp,
}

impl Stage {
    /// Every check has answered, and well.
    fn well() -> Self {
        let now: Timestamp = START.parse().unwrap();
        let mut stage = Self { world: World::new(Arc::new(estate()), now, 0), now };
        let estate = stage.world.estate().clone();
        for check in estate.services.iter().flat_map(|s| &s.checks) {
            let targets = match check.scope {
                Scope::Estate => vec![Target::Estate],
                Scope::School => estate.schools.keys().map(|s| Target::School(*s)).collect(),
            };
            for target in targets {
                stage.says(&check.id.to_string(), target, Verdict::Ok);
            }
        }
        assert!(stage.world.settled());
        assert_eq!(stage.troubled(ALDER), BTreeSet::new());
        stage
    }

    /// The check answers so, often enough to be believed.
    fn says(&mut self, check: &str, target: Target, verdict: Verdict) {
        for _ in 0..3 {
            self.now += SignedDuration::from_secs(1);
            let check = check.parse().unwrap();
            let seen = Observation::new(check, target, self.now, verdict, "said")
                .number("pupils", 200.0)
                .source(self.now, caretaker::model::observation::Zone::Given);
            step(&mut self.world, self.now, Event::Observed(seen));
        }
    }

    /// What is not well at the school, and from where it follows.
    fn troubled(&self, laestab: &str) -> BTreeSet<(String, Health, Option<String>)> {
        let row = Row::School(laestab.parse().unwrap());
        let services = self.world.estate().services.clone();
        services
            .iter()
            .zip(0..)
            .map(|(service, column)| (service, self.world.cell(row, column)))
            .filter(|(_, cell)| cell.health.is_trouble())
            .map(|(service, cell)| {
                let from = cell.follows_from.as_ref().map(|c| c.service.to_string());
                (service.key.to_string(), cell.health, from)
            })
            .collect()
    }
}

fn set(cells: &[(&str, Health, Option<&str>)]) -> BTreeSet<(String, Health, Option<String>)> {
    cells.iter().map(|(s, h, f)| ((*s).to_owned(), *h, f.map(str::to_owned))).collect()
}

fn school(laestab: &str) -> Target {
    Target::School(laestab.parse().unwrap())
}

#[test]
fn an_appliance_that_does_not_filter_reaches_what_its_own_school_uses_over_the_web() {
    let mut stage = Stage::well();
    stage.says("smoothwall.filtering", school(ALDER), Verdict::Critical);
    let (warning, filter) = (Health::Warning, Some("smoothwall"));
    let all = [
        ("smoothwall", Health::Critical, None),
        ("welearn365", warning, filter),
        ("just2easy", warning, filter),
        ("purple_mash", warning, filter),
    ];
    assert_eq!(stage.troubled(ALDER), set(&all));
    assert_eq!(stage.troubled(BIRCH), set(&[]), "another appliance filters there");

    // Another cause along another flow: those that follow are freed with the last one only.
    stage.says("welearn365.sign_in", Target::Estate, Verdict::Critical);
    stage.says("smoothwall.filtering", school(ALDER), Verdict::Ok);
    let (identity, same) = (Some("welearn365"), Some("welearn365"));
    let left = [
        ("welearn365", warning, same),
        ("just2easy", warning, identity),
        ("purple_mash", warning, identity),
    ];
    assert_eq!(stage.troubled(ALDER), set(&left));
    assert_eq!(stage.troubled(BIRCH), set(&left));
    stage.says("welearn365.sign_in", Target::Estate, Verdict::Ok);
    assert_eq!(stage.troubled(ALDER), set(&[]));
}

#[test]
fn what_flows_elsewhere_is_not_followed() {
    let mut stage = Stage::well();
    stage.says("smoothwall.filtering", school(ALDER), Verdict::Unknown(Reason::NoAnswer));
    let keys: Vec<String> = stage.troubled(ALDER).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["just2easy", "purple_mash", "smoothwall", "welearn365"], "nor backups");
    stage.says("smoothwall.filtering", school(ALDER), Verdict::Ok);
    for quiet in ["redstor.documents", "future_digital.coverage", "purple_mash.portal"] {
        stage.says(quiet, school(ALDER), Verdict::Critical);
        let own = quiet.split('.').next().unwrap();
        assert_eq!(stage.troubled(ALDER), set(&[(own, Health::Critical, None)]), "{quiet}");
        stage.says(quiet, school(ALDER), Verdict::Ok);
    }
    stage.says("groupcall.xporter_data", school(ALDER), Verdict::Critical);
    let keys: Vec<String> = stage.troubled(ALDER).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["groupcall", "just2easy", "purple_mash", "welearn365"], "new accounts");
    assert_eq!(stage.troubled(BIRCH), set(&[]));
}
