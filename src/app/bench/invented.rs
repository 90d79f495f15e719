//! An estate of any size for measuring: schools and services that exist nowhere.

use std::collections::BTreeSet;

use crate::model::check::{CheckSpec, Scope, ServiceSpec};
use crate::model::estate::Estate;
use crate::model::ids::{CheckId, IdError, Laestab, ServiceKey};
use crate::model::school::{School, Subscription};
use crate::model::shared::Shared;
use crate::model::span::Span;
use crate::model::text::Clean;

/// `schools` schools that take `services` services with one check each. LA codes from 800 up.
///
/// # Errors
/// Never for fewer than 1,990,000 schools.
pub(super) fn estate(schools: u32, services: u32) -> Result<Estate, IdError> {
    let keys: Vec<ServiceKey> =
        (0..services).map(|k| format!("bench_{k}").parse()).collect::<Result<_, _>>()?;
    let taken: Shared<BTreeSet<ServiceKey>> = keys.iter().cloned().collect();
    let (mut rows, mut subscriptions) = (Vec::new(), Vec::new());
    for i in 0..schools {
        let number = 8_000_000 + i;
        let laestab: Laestab = number.to_string().parse()?;
        let school = School {
            laestab,
            urn: None,
            name: Clean::new(&format!("School {i:05} of Nowhere")),
            phase: Clean::new("Primary"),
            town: Clean::default(),
            postcode: Clean::default(),
            district: Clean::default(),
            trust: Clean::default(),
            pupils: Some(200 + i % 900),
            telephone: Clean::default(),
            website: Clean::default(),
            opened: None,
            closing: false,
        };
        rows.push((laestab, school));
        let services = taken.clone();
        subscriptions.push((laestab, Subscription { services, ..Subscription::default() }));
    }
    let mut out = Estate {
        schools: rows.into_iter().collect(),
        subscriptions: subscriptions.into_iter().collect(),
        ..Estate::default()
    };
    for (k, key) in keys.iter().enumerate() {
        let id = CheckId::of(key, "answer")?;
        out.services.push(ServiceSpec {
            key: key.clone(),
            label: format!("Bench {k}"),
            code: format!("B{}", k % 10),
            checks: vec![CheckSpec::new(id, "answer", Scope::School, Span::from_hours(1))],
            depends: Vec::new(),
        });
    }
    Ok(out)
}
