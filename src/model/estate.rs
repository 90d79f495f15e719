//! The estate: every school, what it takes, which checks exist, and what is not watched.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::calendar::Calendar;
use crate::model::cell::Row;
use crate::model::check::ServiceSpec;
use crate::model::ids::{CheckId, Laestab, ServiceKey};
use crate::model::next_step::NextSteps;
use crate::model::school::{School, Subscription};
use crate::model::shared::Shared;
use crate::model::text::Clean;

/// Something that exists but that no check asks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotWatched {
    /// A check (`groupcall.cme`), a school without a subscription row, an account or host that
    /// maps to no school.
    pub what: Clean,
    /// Why, and what would make it watched.
    pub why: Clean,
}

/// Everything that is configured, as the engine needs it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Estate {
    /// Schools by LAESTAB.
    pub schools: Shared<BTreeMap<Laestab, School>>,
    /// What they take; a school without a row takes nothing and is listed as not set up.
    pub subscriptions: Shared<BTreeMap<Laestab, Subscription>>,
    /// Services in the order of the board's columns.
    pub services: Vec<ServiceSpec>,
    /// Calendars by name; the one named "" is the default.
    pub calendars: BTreeMap<String, Calendar>,
    /// What the desk has written down to do, by check.
    pub next_steps: BTreeMap<CheckId, NextSteps>,
    /// Configured gaps.
    pub not_watched: Vec<NotWatched>,
}

impl Estate {
    /// Whether `school` takes `service`.
    #[must_use]
    pub fn takes(&self, school: Laestab, service: &ServiceKey) -> bool {
        self.subscriptions.get(&school).is_some_and(|s| s.services.contains(service))
    }

    /// The schools that take `service`, in order.
    pub fn takers<'a>(&'a self, service: &'a ServiceKey) -> impl Iterator<Item = Laestab> + 'a {
        self.subscriptions
            .iter()
            .filter(move |(laestab, s)| {
                s.services.contains(service) && self.schools.contains_key(laestab)
            })
            .map(|(laestab, _)| *laestab)
    }

    /// The calendar of a row: the school's own, for the estate the one without a name.
    #[must_use]
    pub fn calendar_of(&self, row: Row) -> Calendar {
        match row {
            Row::Estate => self.calendars.get("").cloned().unwrap_or_default(),
            Row::School(school) => self.calendar(school),
        }
    }

    /// The calendar of `school`: its own, else the default, else one without closures.
    #[must_use]
    pub fn calendar(&self, school: Laestab) -> Calendar {
        let name = self.subscriptions.get(&school).map_or("", |s| s.calendar.as_str());
        self.calendars.get(name).or_else(|| self.calendars.get("")).cloned().unwrap_or_default()
    }

    /// The service of `key`.
    #[must_use]
    pub fn service(&self, key: &ServiceKey) -> Option<&ServiceSpec> {
        self.services.iter().find(|s| s.key == *key)
    }
}
