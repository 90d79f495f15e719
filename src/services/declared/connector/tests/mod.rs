//! Proofs of the connectors, through real HTTP, real files and the real child process.

mod damaged;
mod files;
mod json;
mod mailbox;
mod probes;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::{ConnectorError, ConnectorSettings, Connectors};
use crate::model::estate::Estate;
use crate::model::ids::CredentialName;
use crate::model::observation::{Observation, Target};
use crate::ports::secrets::{Found, SecretError, SecretPlace, Secrets};
use crate::ports::watch::Watch;
use crate::services::declared::tests::stage::{Row, context, now};
use crate::services::{Context, SERVICES};

/// The schools of these tests: number, name, parameters of the service `x`.
pub(super) const SCHOOLS: [Row<'static>; 3] = [
    ("9990101", "Alder Lane School", &[("id", "A-1"), ("host", "gate01")]),
    ("9990102", "Beacon Hill School", &[("id", "B-2"), ("host", "gate01")]),
    ("9990103", "Cinder Path School", &[("id", "C-3"), ("host", "GATE02")]),
];

struct Kept(BTreeMap<String, String>);

impl Secrets for Kept {
    fn find(&self, name: &CredentialName) -> Result<Found, SecretError> {
        let missing =
            || SecretError::Missing { name: name.clone(), asked: "none in this test".to_owned() };
        let value = self.0.get(name.as_str()).ok_or_else(missing)?;
        Ok(Found { value: SecretString::from(value.clone()), place: SecretPlace::File })
    }
}

/// The schools, all taking `x`.
pub(super) fn estate() -> Estate {
    let mut estate = crate::services::declared::tests::stage::estate("x", &SCHOOLS);
    for (n, school) in (700_101..).zip(estate.schools.values_mut()) {
        school.urn = Some(n);
    }
    estate
}

/// What connectors are built with.
pub(super) fn stage(folder: &Path, secrets: &[(&str, &str)]) -> Context {
    let (mut ctx, _) = context(folder, estate());
    let each = secrets.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    ctx.secrets = Arc::new(Kept(each.collect()));
    ctx
}

/// The sections of a document, read and held against one another.
pub(super) fn read(toml: &str) -> Result<Connectors, Vec<ConnectorError>> {
    let document: toml::Table = toml::from_str(toml).unwrap();
    let sections = document["connectors"].as_table().unwrap().iter().map(|(name, section)| {
        let text = section.to_string();
        let read = toml::de::ValueDeserializer::parse(&text).unwrap();
        (name.clone(), ConnectorSettings::read(read).unwrap_or_else(|e| panic!("{name}: {e}")))
    });
    let built_in: Vec<_> = SERVICES.iter().map(|s| (s, s.key == "just2easy")).collect();
    let (connectors, wrong) = Connectors::new(sections.collect(), &built_in);
    if wrong.is_empty() { Ok(connectors) } else { Err(wrong) }
}

/// Why one section cannot be read at all.
pub(super) fn unreadable(section: &str) -> String {
    let document: toml::Table = toml::from_str(section).unwrap();
    let text = toml::Value::Table(document).to_string();
    let read = toml::de::ValueDeserializer::parse(&text).unwrap();
    ConnectorSettings::read(read).unwrap_err().to_string()
}

/// The only connector of a document, built.
pub(super) fn build(ctx: &Context, toml: &str) -> Arc<dyn Watch> {
    build_all(ctx, toml).remove(0)
}

/// Every connector of a document, built, in the order of their names.
pub(super) fn build_all(ctx: &Context, toml: &str) -> Vec<Arc<dyn Watch>> {
    let connectors = read(toml).unwrap_or_else(|e| panic!("{e:?}"));
    let pool = connectors.pool(ctx);
    let built = connectors.plans().iter().map(|plan| connectors.build(plan, ctx, &pool));
    built.map(|watch| watch.unwrap_or_else(|e| panic!("{e}"))).collect()
}

/// One poll of every job, by target.
pub(super) async fn poll(watch: &Arc<dyn Watch>) -> BTreeMap<Target, Observation> {
    poll_at(watch, now()).await
}

/// The same at another time.
pub(super) async fn poll_at(
    watch: &Arc<dyn Watch>,
    at: jiff::Timestamp,
) -> BTreeMap<Target, Observation> {
    let mut all = BTreeMap::new();
    for job in watch.jobs() {
        for seen in watch.poll(&job, at).await {
            assert!(job.targets.contains(&seen.target), "{seen:?} was not asked about");
            all.insert(seen.target, seen);
        }
    }
    all
}

/// A connector of scope `estate` with this source.
pub(super) fn of_estate(source: &str) -> String {
    declare("estate", source)
}

/// A connector of the service `x` with this source.
pub(super) fn declare(scope: &str, source: &str) -> String {
    format!(
        "[connectors.c]\nservice = 'x'\ncheck = 'y'\nlabel = 'why'\nscope = '{scope}'\n{source}"
    )
}
