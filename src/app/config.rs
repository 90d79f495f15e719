//! `caretaker config`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::failed::Failed;
use crate::app::setup;
use crate::app::world::Outside;
use crate::cli::{self, Code};
use crate::config::{self, Sections};
use crate::secrets::SecretStores;
use crate::services::{SERVICES, connector_schema};
use crate::tickets::TicketSettings;
use crate::transport::TransportSettings;

/// Says everything that is wrong with configuration, schools and subscriptions, and what they
/// amount to.
///
/// # Errors
/// When the configuration cannot be used.
pub fn check(outside: &Outside) -> Result<u8, Failed> {
    let file = outside.config_file()?;
    let secrets = Arc::new(SecretStores::files_only(BTreeMap::new()));
    let prepared = setup::prepare(setup::load(&file)?, secrets, outside.clock.clone())?;
    for finding in &prepared.findings {
        cli::say(&finding.to_string());
    }
    for brought in &prepared.imported {
        cli::say(&brought.to_string());
    }
    let estate = &prepared.estate;
    for gap in &estate.not_watched {
        cli::say(&format!("not watched: {}: {}", gap.what, gap.why));
    }
    let watched = estate.services.iter().filter(|s| !s.checks.is_empty()).count();
    let jobs: usize = prepared.watches.iter().map(|w| w.jobs().len()).sum();
    cli::say(&format!(
        "{}: good; {} schools, {} of {} services watched, {jobs} polls, {} credentials named",
        file.display(),
        estate.schools.len(),
        watched,
        estate.services.len(),
        prepared.credentials.len(),
    ));
    Ok(Code::Done as u8)
}

/// Prints the JSON Schema of the configuration.
///
/// # Errors
/// Never in practice: a schema is always JSON.
pub fn schema() -> Result<u8, Failed> {
    cli::say(&serde_json::to_string_pretty(&document()).map_err(Failed::software)?);
    Ok(Code::Done as u8)
}

/// The schema of the whole configuration, put together from the owners of its sections.
#[must_use]
pub fn document() -> serde_json::Value {
    let mut generator = config::generator();
    let services = SERVICES
        .iter()
        .map(|s| (s.key.to_owned(), (s.schema)(&mut generator)))
        .collect::<BTreeMap<_, _>>();
    let transport = generator.subschema_for::<TransportSettings>();
    let tickets = generator.subschema_for::<TicketSettings>();
    let connector = connector_schema(&mut generator);
    config::schema(generator, Sections { services, transport, tickets, connector })
}
