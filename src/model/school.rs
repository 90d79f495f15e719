//! Schools and what they take.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{Laestab, ServiceKey};
use crate::model::text::Clean;

/// A subscribed establishment, as the register describes it. Never holds a person's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct School {
    /// The key.
    pub laestab: Laestab,
    /// The register's unique reference number; changes when the school converts.
    pub urn: Option<u32>,
    /// Name.
    pub name: Clean,
    /// Phase of education, such as `Primary`; empty if not known.
    #[serde(default)]
    pub phase: Clean,
    /// Town; empty if not known.
    #[serde(default)]
    pub town: Clean,
    /// Postcode; empty if not known.
    #[serde(default)]
    pub postcode: Clean,
    /// District or area, for grouping; empty if not known.
    #[serde(default)]
    pub district: Clean,
    /// Multi-academy trust; empty if none or not known.
    #[serde(default)]
    pub trust: Clean,
    /// Pupils on roll.
    pub pupils: Option<u32>,
    /// Telephone of the office; empty if not known.
    #[serde(default)]
    pub telephone: Clean,
    /// Web address; empty if not known.
    #[serde(default)]
    pub website: Clean,
    /// Opening date, where the register gives one.
    #[schemars(with = "Option<String>")]
    pub opened: Option<Date>,
    /// "Open, but proposed to close".
    #[serde(default)]
    pub closing: bool,
}

/// What one school takes, and how each vendor knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subscription {
    /// The services taken.
    pub services: BTreeSet<ServiceKey>,
    /// Name of its term calendar; empty for the default one.
    pub calendar: String,
    /// Whom the desk rings; shown, never sent anywhere.
    pub contact: Clean,
    /// A standing note of the desk.
    pub note: Clean,
    /// `service.parameter` to value: token names, account names, OU, site, appliance, packages.
    /// Several values are separated by `;`.
    pub parameters: BTreeMap<String, String>,
}

impl Subscription {
    /// The value of `service.parameter`, if one is set and not empty.
    #[must_use]
    pub fn parameter(&self, service: &ServiceKey, name: &str) -> Option<&str> {
        self.parameters
            .get(&format!("{service}.{name}"))
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// The values of a parameter that may hold several, split at `;` and trimmed.
    #[must_use]
    pub fn values(&self, service: &ServiceKey, name: &str) -> Vec<&str> {
        self.parameter(service, name)
            .map(|v| v.split(';').map(str::trim).filter(|v| !v.is_empty()).collect())
            .unwrap_or_default()
    }
}
