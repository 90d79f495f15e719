//! Bodies with fields dropped, retyped, nulled, renamed, doubled, in another order, or cut: nothing
//! panics, and whatever is called ok still means ok to a second reader.
//!
//! The second reader is written from the vendor notes over `serde_json::Value` and shares nothing
//! with the first.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::*;
use crate::model::observation::Target;
use crate::services::answer::{Trouble, json as read};
use crate::services::welearn365::dn::{Dn, Ous};
use crate::services::welearn365::error::believed;
use crate::services::welearn365::graph::Page;
use crate::services::welearn365::health::{Overview, health};
use crate::services::welearn365::licences::{LicenceSettings, Sku, licences};
use crate::services::welearn365::picture::{Account, Picture};
use crate::services::welearn365::sites::{Site, site};
use crate::services::welearn365::sync::{Organization, directory_sync};
use crate::transport::Reply;

const GOOD: [&str; 4] =
    ["serviceoperational", "servicerestored", "falsepositive", "postincidentreviewpublished"];
const WATCH: [&str; 5] =
    ["Exchange", "SharePoint", "OneDriveForBusiness", "microsoftteams", "OSDPPlatform"];

#[derive(Debug, Clone)]
enum Damage {
    Drop,
    Null,
    Put(Value),
    FlipKey,
    FlipValue,
    Twice,
    Backwards,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        3 => Just(Damage::Drop),
        2 => Just(Damage::Null),
        3 => prop_oneof![
            Just(json!("")),
            Just(json!("incident")),
            Just(json!(-1)),
            Just(json!(0)),
            Just(json!(1.5)),
            Just(json!(true)),
            Just(json!(false)),
            Just(json!([])),
            Just(json!({})),
            Just(json!([[{}]])),
            "\\PC{0,12}".prop_map(Value::from),
        ]
        .prop_map(Damage::Put),
        2 => Just(Damage::FlipKey),
        2 => Just(Damage::FlipValue),
        1 => Just(Damage::Twice),
        1 => Just(Damage::Backwards),
    ]
}

/// A few damages, each to any part of the body; and how much of the text is left.
fn damages() -> impl Strategy<Value = (Vec<(Index, Damage)>, Option<Index>)> {
    let some = prop::collection::vec((any::<Index>(), damage()), 0..4);
    (some, prop::option::weighted(0.1, any::<Index>()))
}

fn places(value: &Value, here: &str, out: &mut Vec<String>) {
    let mut at = |key: &str, inner: &Value| {
        let here = format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"));
        out.push(here.clone());
        places(inner, &here, out);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| at(k, v)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| at(&i.to_string(), v)),
        _ => {}
    }
}

fn flipped(text: &str) -> String {
    let flip = |c: char| match c.is_ascii_lowercase() {
        true => c.to_ascii_uppercase(),
        false => c.to_ascii_lowercase(),
    };
    text.chars().map(flip).collect()
}

fn apply(root: &mut Value, at: &str, damage: &Damage) {
    let Some((parent, key)) = at.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    match (root.pointer_mut(parent), damage) {
        (Some(Value::Object(map)), Damage::Drop) => drop(map.remove(&key)),
        (Some(Value::Object(map)), Damage::Null) => drop(map.insert(key, Value::Null)),
        (Some(Value::Object(map)), Damage::Put(value)) => drop(map.insert(key, value.clone())),
        (Some(Value::Object(map)), Damage::FlipKey) => {
            if let Some(value) = map.remove(&key) {
                map.insert(flipped(&key), value);
            }
        }
        (Some(Value::Object(map)), Damage::FlipValue) => {
            if let Some(Value::String(text)) = map.get_mut(&key) {
                *text = flipped(text);
            }
        }
        (Some(Value::Object(map)), Damage::Backwards) => {
            if let Some(Value::Array(list)) = map.get_mut(&key) {
                list.reverse();
            }
        }
        (Some(Value::Array(list)), damage) => {
            let Some(i) = key.parse::<usize>().ok().filter(|i| *i < list.len()) else { return };
            match damage {
                Damage::Drop => drop(list.remove(i)),
                Damage::Null => list[i] = Value::Null,
                Damage::Put(value) => list[i] = value.clone(),
                Damage::Twice => list.push(list[i].clone()),
                Damage::Backwards => list.reverse(),
                Damage::FlipKey | Damage::FlipValue => {}
            }
        }
        _ => {}
    }
}

/// The damaged body, and what it still holds if it is whole.
fn damaged(healthy: &str, how: &(Vec<(Index, Damage)>, Option<Index>)) -> (String, Option<Value>) {
    let mut value: Value = serde_json::from_str(healthy).unwrap();
    for (index, damage) in &how.0 {
        let mut all = Vec::new();
        places(&value, "", &mut all);
        if !all.is_empty() {
            let at: &String = index.get(all.as_slice());
            apply(&mut value, at, damage);
        }
    }
    let text = value.to_string();
    match &how.1 {
        None => (text, Some(value)),
        Some(cut) => {
            let at = cut.index(text.len());
            let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            (text.get(..at).unwrap().to_owned(), None)
        }
    }
}

fn reply(body: &str) -> Reply {
    Reply::played(200, &[], body)
}

fn bare() -> Observation {
    let check = "welearn365.site".parse().unwrap();
    Observation::new(check, Target::Estate, NOW.parse().unwrap(), MALFORMED, "not judged")
}

fn page<T: serde::de::DeserializeOwned>(body: &str) -> Result<Page<T>, Trouble> {
    read(&believed(reply(body), "x")?)
}

/// Whether the first reader calls it ok.
fn is_ok(outcome: Result<Observation, Trouble>) -> bool {
    outcome.is_ok_and(|o| matches!(o.verdict, Verdict::Ok | Verdict::Quiet))
}

fn rows(value: &Value) -> Option<&Vec<Value>> {
    let whole = value.get("error").is_none_or(Value::is_null);
    value["value"].as_array().filter(|_| whole)
}

fn lower(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn good(value: &Value) -> bool {
    lower(value).is_some_and(|word| GOOD.contains(&word.as_str()))
}

fn health_means_ok(value: &Value) -> bool {
    let Some(rows) = rows(value) else { return false };
    WATCH.iter().all(|id| {
        let own: Vec<&Value> = rows
            .iter()
            .filter(|r| lower(&r["id"]).is_some_and(|i| i == id.to_lowercase()))
            .collect();
        let [row] = own.as_slice() else { return false };
        let harmless = |issue: &Value| {
            issue.is_object()
                && (issue["isResolved"] == true
                    || lower(&issue["classification"]).is_some_and(|c| c == "advisory")
                    || good(&issue["status"]))
        };
        // They were asked for: none is an empty list.
        let issues = row["issues"].as_array().is_some_and(|list| list.iter().all(harmless));
        good(&row["status"]) && issues
    })
}

fn sync_means_ok(value: &Value) -> bool {
    let Some([row]) = rows(value).map(Vec::as_slice) else { return false };
    let at = row["onPremisesLastSyncDateTime"].as_str();
    let at = at.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    row["onPremisesSyncEnabled"] == true && at.is_some()
}

fn licences_mean_ok(value: &Value) -> bool {
    let Some(rows) = rows(value) else { return false };
    let mut judged = 0;
    for row in rows {
        let units = |name: &str| row["prepaidUnits"][name].as_u64();
        let (Some(enabled), Some(warning), Some(suspended), Some(used)) =
            (units("enabled"), units("warning"), units("suspended"), row["consumedUnits"].as_u64())
        else {
            return false;
        };
        let Some(state) = lower(&row["capabilityStatus"]) else { return false };
        let large = (enabled + warning + suspended).max(used) >= 50;
        let user = lower(&row["appliesTo"]).is_some_and(|to| to == "user");
        if !(large && user) || (used == 0 && state != "enabled") {
            continue;
        }
        judged += 1;
        let usable = enabled + warning;
        let enough = usable > used && (usable - used) * 100 > usable * 5;
        if state != "enabled" || !enough {
            return false;
        }
    }
    judged > 0
}

fn site_means_ok(value: &Value) -> bool {
    let host = value["id"].as_str().and_then(|id| id.split(',').next()).map(str::to_lowercase);
    let url = lower(&value["webUrl"]).map(|u| u.trim_end_matches('/').to_owned());
    host.as_deref() == Some("fenland.example.com")
        && url.as_deref() == Some("https://fenland.example.com/sites/alderbrook")
        && value["siteCollection"]["archivalDetails"].is_null()
        && (value["siteCollection"].is_null() || value["siteCollection"].is_object())
        && value["error"].is_null()
}

fn accounts_mean_ok(value: &Value) -> bool {
    let Some(rows) = rows(value) else { return false };
    let mut own = 0;
    for row in rows {
        let (Some(_), Some(errors)) =
            (row["id"].as_str(), row["onPremisesProvisioningErrors"].as_array())
        else {
            return false;
        };
        let name = lower(&row["onPremisesDistinguishedName"]).unwrap_or_default();
        if name.ends_with(",ou=alderbrook,ou=schools,dc=fen,dc=example") {
            own += 1;
            if !errors.is_empty() {
                return false;
            }
        }
    }
    own > 0
}

fn judged_accounts(body: &str) -> bool {
    let mut ous = Ous::default();
    let school = "9991001".parse().unwrap();
    ous.put(Dn::parse("OU=Alderbrook,OU=Schools,DC=fen,DC=example").unwrap(), school);
    let Ok(page) = page::<Account>(body) else { return false };
    let mut picture = Picture::default();
    for row in page.value {
        if picture.take(row, &ous).is_err() {
            return false;
        }
    }
    picture.tallies().get(&Some(school)).is_some_and(|t| t.accounts > 0 && t.held == 0)
}

/// The first reader's judgement of a body of each kind, and the second's.
fn both(kind: usize, body: &str, value: Option<&Value>) -> (bool, bool) {
    let asked = Site::parse("https://fenland.example.com/sites/alderbrook").unwrap();
    let watch = WATCH.map(str::to_owned);
    let first = match kind {
        0 => is_ok(page::<Overview>(body).map(|p| health(&watch, &p.value, None, bare()))),
        1 => is_ok(page::<Organization>(body).and_then(|p| directory_sync(p.value, bare()))),
        2 => is_ok(
            page::<Sku>(body).and_then(|p| licences(p.value, &LicenceSettings::default(), bare())),
        ),
        3 => is_ok(site(reply(body), &asked, |_| bare())),
        _ => judged_accounts(body),
    };
    let second = value.is_some_and(|value| match kind {
        0 => health_means_ok(value),
        1 => sync_means_ok(value),
        2 => licences_mean_ok(value),
        3 => site_means_ok(value),
        _ => accounts_mean_ok(value),
    });
    (first, second)
}

const BODIES: [&str; 5] = [WELL, ORGANIZATION, LICENCES, SITE, ACCOUNTS];

#[test]
fn both_readers_call_the_healthy_bodies_ok() {
    for (kind, body) in BODIES.iter().enumerate() {
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(both(kind, body, Some(&value)), (true, true), "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_called_ok_means_ok(kind in 0..BODIES.len(), how in damages()) {
        let (body, value) = damaged(BODIES[kind], &how);
        let (first, second) = both(kind, &body, value.as_ref());
        prop_assert!(!first || second, "called ok: {}", body);
    }

    #[test]
    fn any_text_is_no_good_news(kind in 0..BODIES.len(), body in "\\PC{0,200}") {
        prop_assert!(!both(kind, &body, None).0, "{}", body);
    }
}
