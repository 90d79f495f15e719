//! Schools and what they take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::ids::{Laestab, ServiceKey};
use crate::model::shared::Shared;
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
    pub services: Shared<BTreeSet<ServiceKey>>,
    /// Name of its term calendar; empty for the default one.
    pub calendar: String,
    /// Whom the desk rings; shown, never sent anywhere.
    pub contact: Clean,
    /// A standing note of the desk.
    pub note: Clean,
    /// `service.parameter` to value: token names, account names, OU, site, appliance, packages.
    /// Several values are separated by `;`.
    pub parameters: Parameters,
}

/// Names and values in the order of the names, in as little memory as that takes: a dozen for each
/// school.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(Vec<(Arc<str>, Box<str>)>);

impl Parameters {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.place(name).ok()?;
        self.0.get(place).map(|(_, value)| &**value)
    }

    /// Sets the value of `name`. Give every school the same `Arc` for one name.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Box<str>>) {
        let name = name.into();
        match self.place(&name) {
            Ok(place) => {
                if let Some((_, old)) = self.0.get_mut(place) {
                    *old = value.into();
                }
            }
            Err(place) => {
                self.0.reserve_exact(1);
                self.0.insert(place, (name, value.into()));
            }
        }
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }
}

impl<N: Into<Arc<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut out = Self::default();
        for (name, value) in pairs {
            out.insert(name, value);
        }
        out
    }
}

impl<N: Into<Arc<str>>, V: Into<Box<str>>, const K: usize> From<[(N, V); K]> for Parameters {
    fn from(pairs: [(N, V); K]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::<String, String>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

impl Subscription {
    /// The value of `service.parameter`, if one is set and not empty.
    #[must_use]
    pub fn parameter(&self, service: &ServiceKey, name: &str) -> Option<&str> {
        self.parameters.get(&format!("{service}.{name}")).filter(|v| !v.is_empty())
    }

    /// The values of a parameter that may hold several, split at `;` and trimmed.
    #[must_use]
    pub fn values(&self, service: &ServiceKey, name: &str) -> Vec<&str> {
        self.parameter(service, name)
            .map(|v| v.split(';').map(str::trim).filter(|v| !v.is_empty()).collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_name_and_written_as_a_map() {
        let mut all: Parameters =
            [("b.two", "2"), ("a.one", "1"), ("b.two", "3")].into_iter().collect();
        all.insert("c.four", "4".to_owned());
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a.one", "b.two", "c.four"]);
        assert_eq!((all.get("b.two"), all.get("b")), (Some("3"), None));
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(text, r#"{"a.one":"1","b.two":"3","c.four":"4"}"#);
        assert_eq!(serde_json::from_str::<Parameters>(&text).unwrap(), all);
    }
}
