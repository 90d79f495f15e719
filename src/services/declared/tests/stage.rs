//! A clock that stands still, an invented estate, and a service built from TOML as the config does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::calendar::{Calendar, Days};
use crate::model::estate::Estate;
use crate::model::ids::{CredentialName, Laestab};
use crate::model::observation::{Observation, Target, Verdict};
use crate::model::school::{School, Subscription};
use crate::model::text::Clean;
use crate::ports::clock::{Boxed, Clock};
use crate::ports::secrets::{Found, SecretError, Secrets};
use crate::ports::watch::Watch;
use crate::services::contract::shown_by;
use crate::services::{Context, Service, ServiceError};
use crate::transport::{Transport, TransportSettings, install_tls};

/// A Tuesday in term: 10:40 in London, winter time.
pub const NOW: &str = "2027-02-02T10:40:00Z";

/// Time of day stands at [`NOW`]. Sleeping is real, and the other clock goes on by what was slept and
/// by what it is told to.
#[derive(Default)]
pub struct Still {
    ms: Arc<AtomicU64>,
}

impl Still {
    /// Lets `span` pass at once.
    pub fn pass(&self, span: Duration) {
        let ms = u64::try_from(span.as_millis()).unwrap();
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::SeqCst))
    }
    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let ms = self.ms.clone();
        Box::pin(async move {
            tokio::time::sleep(span).await;
            // Rounded up: whoever slept until a moment must find that it has come.
            let slept = u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap();
            ms.fetch_add(slept, Ordering::SeqCst);
        })
    }
    fn chance(&self) -> f64 {
        0.5
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        Err(SecretError::Missing { name: name.clone(), asked: "none in this test".to_owned() })
    }
}

/// [`NOW`] as a moment.
pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A school's number.
pub fn id(text: &str) -> Laestab {
    text.parse().unwrap()
}

/// A school as a target.
pub fn school(text: &str) -> Target {
    Target::School(id(text))
}

/// A school's number, its name and its parameters, `name` and value.
pub type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Schools by number and name, all taking `service`, with parameters `name=value`.
pub fn estate(service: &str, rows: &[Row<'_>]) -> Estate {
    let mut estate = Estate::default();
    for (laestab, name, parameters) in rows {
        let laestab = id(laestab);
        let school = serde_json::json!({"laestab": laestab, "name": name});
        estate.schools.insert(laestab, serde_json::from_value::<School>(school).unwrap());
        let parameters =
            parameters.iter().map(|(n, v)| (format!("{service}.{n}"), (*v).to_owned()));
        estate.subscriptions.insert(
            laestab,
            Subscription {
                services: [service.parse().unwrap()].into(),
                parameters: parameters.collect(),
                ..Subscription::default()
            },
        );
    }
    let day = |text: &str| text.parse().unwrap();
    let spring = Days { from: day("2027-01-04"), to: day("2027-03-25") };
    let autumn = Days { from: day("2026-09-02"), to: day("2026-12-18") };
    let half_term = Days { from: day("2027-02-15"), to: day("2027-02-19") };
    estate
        .calendars
        .insert(String::new(), Calendar { terms: vec![autumn, spring], closures: vec![half_term] });
    estate
}

/// What a service is built with.
pub fn context(folder: &Path, estate: Estate) -> (Context, Arc<Still>) {
    install_tls();
    let clock = Arc::new(Still::default());
    let settings = TransportSettings { tries: 1, ..TransportSettings::default() };
    let ctx = Context {
        programs: Arc::new(crate::sys::SystemPrograms::new(clock.clone())),
        transport: Transport::new(settings, clock.clone()),
        clock: clock.clone(),
        secrets: Arc::new(NoSecrets),
        estate: Arc::new(estate),
        folder: folder.to_owned(),
        known: Arc::new(crate::services::LateKnown::default()),
        tickets: None,
        entropy: Arc::new(crate::sys::SystemEntropy),
    };
    (ctx, clock)
}

/// Builds `service` from its settings as TOML.
pub fn build(service: &Service, ctx: &Context, toml: &str) -> Result<Arc<dyn Watch>, ServiceError> {
    let configured =
        (service.configure)(toml::de::ValueDeserializer::parse(&inline(toml)).unwrap())
            .unwrap_or_else(|e| panic!("{e}"));
    (configured.build)(ctx)
}

/// Whether the settings are refused already on reading; the error's text.
pub fn refusal(service: &Service, toml: &str) -> Option<String> {
    (service.configure)(toml::de::ValueDeserializer::parse(&inline(toml)).unwrap())
        .err()
        .map(|e| e.to_string())
}

/// A document as one inline table, which is what a value deserializer reads.
fn inline(document: &str) -> String {
    let table: toml::Table = toml::from_str(document).unwrap();
    toml::Value::Table(table).to_string()
}

/// One poll of every job at `at`, by target and check name.
pub async fn poll(
    watcher: &Arc<dyn Watch>,
    at: Timestamp,
) -> BTreeMap<(Target, String), Observation> {
    let mut all = BTreeMap::new();
    for job in watcher.jobs() {
        for seen in watcher.poll(&job, at).await {
            assert!(job.targets.contains(&seen.target), "{seen:?} was not asked about");
            assert!(job.checks.contains(&seen.check), "{seen:?} was not asked about");
            all.insert((seen.target, seen.check.name().to_owned()), seen);
        }
    }
    all
}

/// The verdict on `target` by `check`.
pub async fn verdict(
    watcher: &Arc<dyn Watch>,
    at: Timestamp,
    target: Target,
    check: &str,
) -> (Verdict, Clean) {
    let seen = poll(watcher, at).await.remove(&(target, check.to_owned())).unwrap();
    (seen.verdict, seen.detail)
}

/// What the board shows of a check once its tries are used up, judged by the board's own rules: the
/// health, why it is not known, and the sentence.
pub async fn board(
    (watcher, ctx): (&Arc<dyn Watch>, &Context),
    at: Timestamp,
    target: Target,
    check: &str,
) -> String {
    let seen = poll(watcher, at).await.remove(&(target, check.to_owned())).unwrap();
    let shown = shown_by(watcher.describe(), (*ctx.estate).clone(), &[seen]);
    let reason = shown.reason.map(|reason| format!(" ({reason:?})")).unwrap_or_default();
    format!("{:?}{reason}: {}", shown.health, shown.why)
}

/// Holds what the board shows of each example of a service against what it should, and that none of the
/// examples is left out.
pub fn examples_shown(service: &str, shown: &[(&str, String, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services").join(service);
    let files = std::fs::read_dir(folder.join("examples")).unwrap();
    let mut files: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|file| file != "README.md");
    let mut claimed: Vec<&str> = shown.iter().map(|(file, ..)| *file).collect();
    claimed.sort_unstable();
    claimed.dedup();
    files.sort_unstable();
    assert_eq!(claimed, files, "each example of {service} has a claim, and each claim its example");
    let wrong: Vec<String> = shown
        .iter()
        .filter(|(_, shows, claim)| shows != claim)
        .map(|(file, shows, claim)| format!("{file}\n  claimed {claim}\n  shows   {shows}"))
        .collect();
    assert!(wrong.is_empty(), "{service}:\n{}", wrong.join("\n"));
}

/// Whether a cell would be drawn well.
pub fn is_well(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Ok | Verdict::Quiet)
}

/// The value of a fact.
pub fn fact<'a>(seen: &'a Observation, name: &str) -> Option<&'a str> {
    seen.evidence.iter().find(|f| f.name.as_str() == name).map(|f| f.value.as_str())
}

/// The value of a number.
pub fn number(seen: &Observation, name: &str) -> Option<f64> {
    seen.numbers.iter().find(|n| n.name.as_str() == name).map(|n| n.value)
}
