//! Which schools stand together: by service, town, trust, phase, incident.

use std::collections::{BTreeMap, HashMap};

use super::Rows;
use crate::config::GroupBy;
use crate::wire::Laestab;
use crate::wire::incident::Incidents;

/// Schools that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they share.
    pub name: String,
    /// Which they are, worst first.
    pub members: Vec<u32>,
}

/// Which schools are in trouble by which open incident. A school that is part of several stands with
/// the most urgent one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places(BTreeMap<Laestab, String>);

impl Places {
    /// As the agent told it.
    #[must_use]
    pub fn new(told: &Incidents) -> Self {
        let mut places = BTreeMap::new();
        for line in &told.incidents {
            let Some(here) = told.places.iter().find(|p| p.id == line.id) else { continue };
            let name = format!("incident {}, {}", line.id, line.title);
            for laestab in &here.schools {
                places.entry(*laestab).or_insert_with(|| name.clone());
            }
        }
        Self(places)
    }

    fn of(&self, laestab: Laestab) -> &str {
        self.0.get(&laestab).map_or("", String::as_str)
    }
}

/// What puts a school into its group.
fn name_of(n: u32, by: GroupBy, rows: &Rows, places: Option<&Places>) -> String {
    let Some(school) = rows.school(n) else { return String::new() };
    let (own, none) = match by {
        GroupBy::Nothing => ("", "all schools"),
        GroupBy::Town => (school.town.as_str(), "no town given"),
        GroupBy::Trust => (school.trust.as_str(), "in no trust"),
        GroupBy::Phase => (school.phase.as_str(), "no phase given"),
        GroupBy::Incident => match places {
            Some(places) => (places.of(school.laestab), "in no open incident"),
            None => ("", "incidents are being read ..."),
        },
        GroupBy::Service => {
            let standing = rows.standing(n).filter(|s| s.health.is_trouble());
            let column = standing.and_then(|s| rows.columns.get(usize::from(s.column)));
            (column.map_or("", |c| c.label.as_str()), "in no trouble")
        }
    };
    if own.is_empty() { none.to_owned() } else { own.to_owned() }
}

/// These schools in groups, each where its first one stands.
#[must_use]
pub fn grouped(schools: &[u32], by: GroupBy, rows: &Rows, places: Option<&Places>) -> Vec<Group> {
    let mut known = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for n in schools {
        let name = name_of(*n, by, rows, places);
        let place = *known.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.members.push(*n),
            None => groups.push(Group { name, members: vec![*n] }),
        }
    }
    groups
}
