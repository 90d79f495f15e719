//! Takes the air out of what was read: it is kept as long as the process lives.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::config::schools::Import;
use crate::model::ids::ServiceKey;
use crate::model::shared::Shared;
use crate::model::text::Clean;

impl Import {
    /// The same, with equal texts and equal sets of services in one memory. A map that was filled
    /// row by row is half empty: it is made anew in one piece.
    pub(super) fn compact(mut self) -> Self {
        let mut texts = HashSet::new();
        let mut sets: BTreeMap<BTreeSet<ServiceKey>, Shared<BTreeSet<ServiceKey>>> =
            BTreeMap::new();
        for school in self.schools.values_mut() {
            let places = [
                &mut school.phase,
                &mut school.town,
                &mut school.district,
                &mut school.trust,
                &mut school.website,
            ];
            for text in places {
                share(&mut texts, text);
            }
        }
        for row in self.subscriptions.values_mut() {
            share(&mut texts, &mut row.contact);
            share(&mut texts, &mut row.note);
            match sets.get(&*row.services) {
                Some(known) => row.services = known.clone(),
                None => drop(sets.insert((*row.services).clone(), row.services.clone())),
            }
        }
        self.schools = self.schools.into_iter().collect();
        self.subscriptions = self.subscriptions.into_iter().collect();
        self
    }
}

fn share(known: &mut HashSet<Clean>, text: &mut Clean) {
    match known.get(text) {
        Some(same) => *text = same.clone(),
        None => drop(known.insert(text.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::school::Subscription;

    #[test]
    fn what_is_equal_is_kept_once_and_nothing_changes() {
        let keys = |names: &[&str]| names.iter().map(|n| n.parse().unwrap()).collect();
        let row = |services: &[&str], contact: &str| Subscription {
            services: keys(services),
            contact: contact.into(),
            ..Subscription::default()
        };
        let rows = [
            row(&["a", "b"], "Office of the head teacher"),
            row(&["a"], "Office of the head teacher"),
            row(&["a", "b"], "Head"),
        ];
        let numbers = (9_990_001..).map(|n: u32| n.to_string().parse().unwrap());
        let subscriptions: BTreeMap<_, _> = numbers.zip(rows).collect();
        let import = Import { subscriptions, ..Import::default() };
        let compact = import.clone().compact();
        assert_eq!(compact, import);
        let after: Vec<&Subscription> = compact.subscriptions.values().collect();
        assert!(std::ptr::eq(&*after[0].services, &*after[2].services));
        assert_eq!(after[0].contact.as_str().as_ptr(), after[1].contact.as_str().as_ptr());
    }
}
