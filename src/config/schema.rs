//! The JSON Schema of the config, for editors. Put together from the owners of its sections.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use crate::config::settings::Settings;

/// The generator with which every section's schema is made; give it to [`schema`] afterwards.
#[must_use]
pub fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// Schemas of the sections that other rooms own.
pub struct Sections {
    /// The services, by key.
    pub services: BTreeMap<String, Schema>,
    /// The transport.
    pub transport: Schema,
    /// Tickets.
    pub tickets: Schema,
    /// One connector.
    pub connector: Schema,
}

/// The schema of the whole file: ours, with the sections of others in their places. `generator` holds
/// what they refer to. Unknown keys are refused everywhere.
#[must_use]
pub fn schema(generator: SchemaGenerator, sections: Sections) -> Value {
    let Sections { services, transport, tickets, connector } = sections;
    let mut whole = generator.into_root_schema_for::<Settings>().to_value();
    if let Some(keys) = whole.get_mut("properties").and_then(Value::as_object_mut) {
        keys.insert("transport".into(), transport.to_value());
        keys.insert("tickets".into(), tickets.to_value());
        let help = "Checks without code, by name: what is asked, and how the answer is read.";
        keys.insert(
            "connectors".into(),
            json!({
                "type": "object", "description": help,
                "propertyNames": {"pattern": "^[a-z0-9_]{1,32}$"},
                "additionalProperties": connector.to_value(),
            }),
        );
        let help = "The services, each with its own settings.";
        keys.insert(
            "services".into(),
            json!({
                "type": "object", "description": help, "additionalProperties": false,
                "properties": services.into_iter().map(|(k, s)| (k, s.to_value())).collect::<BTreeMap<_, _>>(),
            }),
        );
    }
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("title".into(), "caretaker config".into());
        if let Some(kept) = whole.get_mut("$defs").and_then(Value::as_object_mut) {
            kept.remove("Section");
        }
    }
    whole
}
