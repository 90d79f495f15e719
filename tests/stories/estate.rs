//! The standard estate of the stories: seven services with their checks, limits and edges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use caretaker::model::calendar::Calendar;
use caretaker::model::check::{
    Against, AgeRule, CheckSpec, Coverage, DropRule, Edge, Flow, Runs, Scope, ServiceSpec,
};
use caretaker::model::estate::Estate;
use caretaker::model::ids::CheckId;
use caretaker::model::school::{School, Subscription};
use caretaker::model::span::Span;

use crate::story;

/// Keys, labels and codes in the order of the columns.
pub const SERVICES: [(&str, &str, &str); 7] = [
    ("welearn365", "WeLearn365", "WL"),
    ("groupcall", "Groupcall", "GC"),
    ("redstor", "Redstor", "RS"),
    ("future_digital", "Future Digital", "FD"),
    ("smoothwall", "Smoothwall", "SW"),
    ("just2easy", "Just2Easy", "J2"),
    ("purple_mash", "Purple Mash", "PM"),
];

fn span(text: &str) -> Span {
    text.parse().unwrap()
}

fn check(id: &str, label: &str, scope: Scope, interval: &str) -> CheckSpec {
    CheckSpec::new(id.parse().unwrap(), label, scope, span(interval))
}

fn age(late: Option<&str>, warning: &str, critical: &str, held: bool) -> Option<AgeRule> {
    Some(AgeRule {
        late: late.map(span),
        warning: span(warning),
        critical: span(critical),
        runs: Runs::Daily,
        held_by_closures: held,
    })
}

fn checks() -> Vec<CheckSpec> {
    use Flow::{NewAccounts, SignIn, Traffic, UserGroups, UserNames};
    use Scope::{Estate, School};
    let backup = |id: &str, label: &str| CheckSpec {
        age: age(None, "26h", "50h", false),
        keeps: Some(span("60d")),
        drop: Some(DropRule {
            number: "stored_mb",
            warning: 0.5,
            summer: 0.5,
            against: Against::BestOfWeeks,
            weeks: 1,
        }),
        ..check(id, label, School, "60m")
    };
    let probe = |id: &str, label: &str| CheckSpec { tries: 3, ..check(id, label, School, "5m") };
    vec![
        CheckSpec {
            emits: vec![SignIn],
            ..check("welearn365.service_health", "service health", Estate, "1m")
        },
        CheckSpec {
            age: age(Some("45m"), "3h", "24h", false),
            emits: vec![NewAccounts, UserGroups, UserNames],
            ..check("welearn365.directory_sync", "directory sync", Estate, "5m")
        },
        CheckSpec { tries: 3, ..check("welearn365.site", "school site", School, "15m") },
        CheckSpec {
            age: age(None, "26h", "50h", true),
            emits: vec![NewAccounts],
            ..check("groupcall.xporter_data", "pupil data", School, "15m")
        },
        CheckSpec {
            emits: vec![NewAccounts],
            ..check("groupcall.authorisation", "authorisation", School, "60m")
        },
        CheckSpec {
            drop: Some(DropRule {
                number: "pupils",
                warning: 0.15,
                summer: 0.40,
                against: Against::LastGoodDay,
                weeks: 4,
            }),
            ..check("groupcall.counts", "pupil numbers", School, "6h")
        },
        CheckSpec {
            tries: 3,
            emits: vec![NewAccounts],
            ..check("groupcall.idaas", "IDaaS", Estate, "5m")
        },
        backup("redstor.documents", "documents"),
        backup("redstor.sims", "SIMS data"),
        check("future_digital.coverage", "PCs seen", School, "15m"),
        CheckSpec { emits: vec![Traffic], ..probe("smoothwall.filtering", "filtering") },
        probe("just2easy.sign_in", "sign-in"),
        probe("purple_mash.portal", "portal"),
    ]
}

/// When a service's credentials end: the desk's own trouble, which no school has.
fn credentials(key: &str) -> CheckSpec {
    let id = format!("{key}.credentials");
    CheckSpec { stays: true, ..check(&id, "credentials", Scope::Estate, "60m") }
}

fn depends(service: &str) -> Vec<Edge> {
    let edge = |flow, from: &str| Edge { flow, from: from.parse().unwrap() };
    match service {
        "welearn365" => {
            vec![edge(Flow::NewAccounts, "groupcall"), edge(Flow::Traffic, "smoothwall")]
        }
        "future_digital" => vec![edge(Flow::UserNames, "welearn365")],
        "smoothwall" => vec![edge(Flow::UserGroups, "welearn365")],
        "just2easy" | "purple_mash" => vec![
            edge(Flow::NewAccounts, "welearn365"),
            edge(Flow::SignIn, "welearn365"),
            edge(Flow::Traffic, "smoothwall"),
        ],
        _ => Vec::new(),
    }
}

fn tuned(mut spec: CheckSpec, setup: &story::Setup) -> CheckSpec {
    let id = spec.id.to_string();
    if let Some(only) = setup.only.get(&id) {
        spec.covers = Coverage::Only(only.iter().map(|l| l.parse().unwrap()).collect());
    }
    if let Some(tries) = setup.tries.get(&id) {
        spec.tries = *tries;
    }
    if let (Some(weeks), Some(drop)) = (setup.weeks.get(&id), &mut spec.drop) {
        drop.weeks = *weeks;
    }
    if let (true, Some(age)) = (setup.school_days.contains(&id), &mut spec.age) {
        age.runs = Runs::SchoolDays;
    }
    for (name, schools) in setup.shared.get(&id).into_iter().flatten() {
        let told: CheckId = format!("{id}_{name}").parse().unwrap();
        spec.shared.extend(schools.iter().map(|l| (l.parse().unwrap(), told.clone())));
    }
    spec
}

/// The estate's checks of what schools share.
fn of_shared(spec: &CheckSpec) -> Vec<CheckSpec> {
    let told: BTreeSet<&CheckId> = spec.shared.values().collect();
    let of = |id: &CheckId| CheckSpec {
        id: id.clone(),
        scope: Scope::Estate,
        stays: true,
        emits: Vec::new(),
        shared: BTreeMap::new(),
        ..spec.clone()
    };
    told.into_iter().map(of).collect()
}

fn school(told: &story::School) -> School {
    School {
        laestab: told.laestab.parse().unwrap(),
        urn: None,
        name: told.name.as_str().into(),
        phase: "".into(),
        town: told.town.as_str().into(),
        postcode: "".into(),
        district: "".into(),
        trust: told.trust.as_str().into(),
        pupils: Some(told.pupils),
        telephone: "".into(),
        website: "".into(),
        opened: None,
        closing: false,
    }
}

/// The estate of a story.
pub fn estate(setup: &story::Setup, schools: &[story::School]) -> Arc<Estate> {
    let keys = || SERVICES.map(|s| s.0.to_owned()).to_vec();
    let subscription = |told: &story::School| Subscription {
        services: told
            .takes
            .clone()
            .unwrap_or_else(keys)
            .iter()
            .map(|s| s.parse().unwrap())
            .collect(),
        calendar: told.calendar.clone(),
        parameters: told.parameters.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        ..Subscription::default()
    };
    let services = SERVICES.map(|(key, label, code)| ServiceSpec {
        key: key.parse().unwrap(),
        label: label.to_owned(),
        code: code.to_owned(),
        checks: checks()
            .into_iter()
            .filter(|c| c.id.service() == key && !setup.without.contains(&c.id.to_string()))
            .map(|c| tuned(c, setup))
            .flat_map(|c| of_shared(&c).into_iter().chain([c]))
            .chain(setup.dated.iter().filter(|dated| *dated == key).map(|_| credentials(key)))
            .collect(),
        depends: depends(key),
    });
    let calendar = |closures: &Vec<_>| Calendar { terms: Vec::new(), closures: closures.clone() };
    let mut calendars: BTreeMap<String, Calendar> =
        setup.calendars.iter().map(|(name, c)| (name.clone(), calendar(c))).collect();
    if !setup.closures.is_empty() {
        calendars.insert(String::new(), calendar(&setup.closures));
    }
    Arc::new(Estate {
        schools: schools.iter().map(|s| (s.laestab.parse().unwrap(), school(s))).collect(),
        subscriptions: schools
            .iter()
            .filter(|s| s.set_up)
            .map(|s| (s.laestab.parse().unwrap(), subscription(s)))
            .collect(),
        services: services.to_vec(),
        calendars,
        ..Estate::default()
    })
}
