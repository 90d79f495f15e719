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

/// The schema of the whole file: ours, with the sections of the services, the transport and one
/// connector in their places. `generator` holds what they refer to. Unknown keys are refused everywhere.
#[must_use]
pub fn schema(
    generator: SchemaGenerator,
    services: BTreeMap<String, Schema>,
    transport: Schema,
    connector: Schema,
) -> Value {
    let mut whole = generator.into_root_schema_for::<Settings>().to_value();
    if let Some(keys) = whole.get_mut("properties").and_then(Value::as_object_mut) {
        keys.insert("transport".into(), transport.to_value());
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
