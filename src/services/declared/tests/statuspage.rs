//! A vendor's status page: it may worsen, never better, and unknown words are unknown.

use proptest::prop_assert;
use serde_json::{Value, json};

use super::stage::now;
use crate::model::health::Reason;
use crate::model::observation::Verdict;
use crate::services::contract::of_damaged_bodies;
use crate::services::declared::statuspage::{Says, Standing, read};

/// A page in another order than usual, with a field that nobody knows.
fn page() -> Value {
    json!({
        "status": {"description": "All Systems Operational", "indicator": "none"},
        "scheduled_maintenances": [],
        "incidents": [],
        "components": [
            {"group": true, "id": "g1", "name": "Logins", "status": "major_outage"},
            {"status": "operational", "name": "Sign In", "id": "c7", "group": false, "mood": 3},
            {"status": "operational", "name": "Reports", "id": "c8", "group": false}
        ],
        "page": {"updated_at": "2027-01-01T00:00:00.000+01:00", "name": "V", "id": "p"}
    })
}

fn says(page: &Value) -> Says {
    read(page, &["sign in".to_owned()], now())
}

fn with(pointer: &str, value: Value) -> Value {
    let mut page = page();
    *page.pointer_mut(pointer).unwrap() = value;
    page
}

fn incident(status: &str, impact: &str, components: Value) -> Value {
    with(
        "/incidents",
        json!([{"name": "N", "status": status, "impact": impact, "components": components}]),
    )
}

#[test]
fn reads_our_components_by_name_or_id_and_ignores_parents_and_strangers() {
    assert_eq!(says(&page()).standing, Standing::Ok);
    for (word, standing) in [
        ("degraded_performance", Standing::Degraded),
        ("partial_outage", Standing::Degraded),
        ("major_outage", Standing::Outage),
        ("under_maintenance", Standing::Maintenance),
        ("wobbly", Standing::Unclear),
    ] {
        assert_eq!(says(&with("/components/1/status", json!(word))).standing, standing, "{word}");
        let other = with("/components/2/status", json!(word));
        assert_eq!(says(&other).standing, Standing::Ok, "elsewhere: {word}");
        let by_id = read(&other, &["c8".to_owned()], now());
        assert_eq!(by_id.standing, standing, "by id: {word}");
    }
    let red = with("/status/indicator", json!("critical"));
    assert_eq!(says(&red).standing, Standing::Ok, "the overall word is not ours");
    assert_eq!(read(&red, &[], now()).standing, Standing::Outage, "unless nothing is named");
}

#[test]
fn reads_incidents_that_touch_us() {
    let ours = || json!([{"id": "c7"}]);
    for (status, impact, components, standing) in [
        ("investigating", "minor", ours(), Standing::Degraded),
        ("identified", "major", ours(), Standing::Outage),
        ("monitoring", "critical", ours(), Standing::Degraded),
        ("identified", "none", ours(), Standing::Degraded),
        ("resolved", "critical", ours(), Standing::Ok),
        ("identified", "critical", json!([{"id": "c8", "name": "Reports"}]), Standing::Ok),
        ("identified", "critical", json!([]), Standing::Degraded),
        ("pondering", "minor", ours(), Standing::Unclear),
        ("identified", "dire", ours(), Standing::Unclear),
    ] {
        let page = incident(status, impact, components.clone());
        assert_eq!(says(&page).standing, standing, "{status} {impact} {components}");
    }
}

#[test]
fn reads_maintenance_by_its_window() {
    let window = |status: &str, from: &str, until: &str| {
        let window = json!([{"name": "M", "status": status, "scheduled_for": from,
            "scheduled_until": until, "components": [{"name": "Sign In"}]}]);
        says(&with("/scheduled_maintenances", window)).standing
    };
    let (before, after) = ("2027-02-02T10:00:00Z", "2027-02-02T11:00:00+00:00");
    assert_eq!(window("in_progress", before, after), Standing::Maintenance);
    assert_eq!(window("scheduled", before, after), Standing::Maintenance);
    assert_eq!(window("scheduled", after, "2027-02-02T12:00:00Z"), Standing::Ok);
    assert_eq!(window("completed", before, after), Standing::Ok);
    assert_eq!(window("scheduled", "soon", after), Standing::Unclear);
    assert_eq!(window("postponed", before, after), Standing::Unclear);
}

#[test]
fn an_open_incident_counts_although_the_overall_word_is_good() {
    let whole = |page: &Value| read(page, &[], now()).standing;
    assert_eq!(whole(&page()), Standing::Ok);
    let named = json!([{"id": "c8", "name": "Reports"}]);
    assert_eq!(whole(&incident("monitoring", "critical", named.clone())), Standing::Degraded);
    assert_eq!(whole(&incident("resolved", "critical", named)), Standing::Ok);
    assert_eq!(whole(&incident("identified", "dire", json!([]))), Standing::Unclear);
    assert_eq!(whole(&with("/components", json!(null))), Standing::Ok, "none are needed");
}

#[test]
fn the_case_of_a_word_does_not_matter() {
    let up = |word| with("/components/1/status", json!(word));
    assert_eq!(says(&up("Operational")).standing, Standing::Ok);
    assert_eq!(says(&up("MAJOR_OUTAGE")).standing, Standing::Outage);
    let ours = json!([{"id": "c7"}]);
    assert_eq!(says(&incident("Identified", "Major", ours)).standing, Standing::Outage);
    assert_eq!(read(&with("/status/indicator", json!("None")), &[], now()).standing, Standing::Ok);
}

#[test]
fn of_two_components_with_one_name_the_worse_counts() {
    let twin = json!({"id": "c9", "name": "SIGN IN", "status": "major_outage", "group": false});
    let mut page = page();
    page["components"].as_array_mut().unwrap().push(twin);
    assert_eq!(says(&page).standing, Standing::Outage);
}

#[test]
fn every_field_of_a_component_counts() {
    // What the verdict reads of a component: id or name, status.
    for value in [Value::Null, json!(4), json!(""), json!("Operational?"), json!([])] {
        let unclear = with("/components/1/status", value.clone());
        assert_eq!(says(&unclear).standing, Standing::Unclear, "status {value}");
        let renamed = with("/components/1/name", value.clone());
        assert_eq!(says(&renamed).standing, Standing::Unclear, "name {value}");
    }
    let mut dropped = page();
    dropped["components"].as_array_mut().unwrap().remove(1);
    assert_eq!(says(&dropped).standing, Standing::Unclear);
}

#[test]
fn a_list_that_is_lost_is_not_an_empty_one() {
    for key in ["incidents", "scheduled_maintenances"] {
        let mut gone = page();
        gone.as_object_mut().unwrap().remove(key);
        let retyped = [Value::Null, json!({}), json!("[]"), json!(0), json!(false)];
        let retyped = retyped.into_iter().map(|value| with(&format!("/{key}"), value));
        for page in retyped.chain([gone]) {
            let one = says(&page);
            assert_eq!(one.standing, Standing::Unclear, "{page}");
            assert_eq!(one.line.as_str(), format!("the status page lacks its `{key}`"));
            assert_eq!(read(&page, &[], now()).standing, Standing::Unclear, "the whole: {page}");
            let mut worse = page.clone();
            worse["components"][1]["status"] = json!("major_outage");
            assert_eq!(says(&worse).standing, Standing::Outage, "what is known to be worse stays");
        }
    }
    // An incident of which one component cannot be read may be ours.
    for named in [json!(7), json!({}), json!({"id": "", "name": null})] {
        let others = json!([{"id": "c8", "name": "Reports"}, named]);
        let page = incident("identified", "critical", others);
        assert_eq!(says(&page).standing, Standing::Degraded, "{page}");
    }
}

#[test]
fn another_format_is_no_information() {
    for other in [
        json!({"page": {"name": "V", "status": "UP"}}),
        json!({"status": {"indicator": "none"}}),
        json!([]),
        json!("ok"),
        with("/status/indicator", json!(null)),
        with("/components", json!({})),
    ] {
        assert_eq!(says(&other).standing, Standing::NoInformation, "{other}");
    }
}

#[test]
fn it_may_worsen_and_never_betters() {
    let at = |standing| Says {
        standing,
        line: "".into(),
        reason: Reason::Malformed,
        windows: Vec::new(),
    };
    let malformed = Verdict::Unknown(Reason::Malformed);
    let all = [Verdict::Ok, Verdict::Warning, malformed, Verdict::Critical];
    for probed in all {
        for same in [Standing::Ok, Standing::NoInformation] {
            assert_eq!(at(same).worsen(probed), probed);
        }
        assert_eq!(at(Standing::Outage).worsen(probed), Verdict::Critical);
    }
    assert_eq!(at(Standing::Degraded).worsen(Verdict::Ok), Verdict::Warning);
    assert_eq!(at(Standing::Maintenance).worsen(Verdict::Ok), Verdict::Warning);
    assert_eq!(at(Standing::Degraded).worsen(malformed), malformed);
    assert_eq!(at(Standing::Unclear).worsen(Verdict::Ok), malformed);
    assert_eq!(at(Standing::Unclear).worsen(Verdict::Critical), Verdict::Critical);
}

// ------------------------------------------------------------------ damaged pages

/// Whether `body` says in so many words that nothing is wrong with "sign in", to a second reader: from the
/// vendor's notes, over text, with nothing of the first. Its words may be in any letters, its keys in theirs alone.
fn claims_to_be_well(body: &str) -> bool {
    let Ok(page) = serde_json::from_str::<Value>(body) else { return false };
    let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_lowercase();
    let all = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let told = |key: &str| page[key].is_array();
    let ours: Vec<Value> = all(&page, "components")
        .into_iter()
        .filter(|c| (word(c, "name") == "sign in" || c["id"] == "sign in") && c["group"] != true)
        .collect();
    // Something that names others only is not about us.
    let elsewhere = |event: &Value| {
        let named = all(event, "components");
        let is_ours = |n: &Value| {
            ours.iter().any(|o| {
                let same =
                    |key: &str| n[key].as_str().is_some_and(|n| !n.is_empty() && o[key] == n);
                same("id") || same("name")
            })
        };
        let nameless =
            |n: &Value| ["id", "name"].iter().all(|key| n[*key].as_str().is_none_or(str::is_empty));
        !named.is_empty() && !named.iter().any(|n| is_ours(n) || nameless(n))
    };
    let over = |event: &Value| {
        ["resolved", "postmortem", "completed"].contains(&word(event, "status").as_str())
    };
    let at = |event: &Value, key: &str| {
        event[key].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok())
    };
    let not_now = |event: &Value| {
        let (from, until) = (at(event, "scheduled_for"), at(event, "scheduled_until"));
        word(event, "status") == "completed"
            || word(event, "status") == "scheduled"
                && from.zip(until).is_some_and(|(from, until)| now() < from || until <= now())
    };
    page["page"].is_object()
        && page["status"]["indicator"].is_string()
        && !ours.is_empty()
        && ours.iter().all(|c| word(c, "status") == "operational")
        && told("incidents")
        && told("scheduled_maintenances")
        && all(&page, "incidents").iter().all(|i| over(i) || elsewhere(i))
        && all(&page, "scheduled_maintenances").iter().all(|m| not_now(m) || elsewhere(m))
}

/// A page on which everything that can be well is there: trouble elsewhere, maintenance that comes and one that
/// is over.
fn busy() -> Value {
    let others = || json!([{"id": "c8", "name": "Reports"}]);
    let mut page = page();
    page["incidents"] = json!([
        {"name": "N", "status": "identified", "impact": "critical", "components": others()},
        {"name": "O", "status": "resolved", "impact": "major", "components": [{"id": "c7"}]},
    ]);
    page["scheduled_maintenances"] = json!([
        {"name": "M", "status": "scheduled", "scheduled_for": "2027-02-14T03:00:00Z",
            "scheduled_until": "2027-02-14T07:00:00Z", "components": [{"name": "Sign In"}]},
        {"name": "L", "status": "in_progress", "scheduled_for": "2027-02-02T03:00:00Z",
            "scheduled_until": "2027-02-02T17:00:00Z", "components": others()},
    ]);
    page
}

#[test]
fn a_damaged_page_never_says_well_without_the_word_for_it() {
    let mut pages = vec![page(), busy()];
    // Bad ones, and ones that nobody understands: no letters and no loss make them well.
    for word in ["major_outage", "partial_outage", "under_maintenance", "OPERATIONAL?"] {
        pages.push(with("/components/1/status", json!(word)));
    }
    pages.push(incident("investigating", "minor", json!([{"id": "c7"}])));
    let window = json!([{"name": "M", "status": "in_progress", "components": [{"id": "c7"}]}]);
    pages.push(with("/scheduled_maintenances", window));
    let mut well = 0;
    for page in pages {
        of_damaged_bodies(&page.to_string(), 1_500, |body| {
            let read = serde_json::from_str::<Value>(body).map(|page| says(&page));
            let Ok(says) = read else { return Ok(()) };
            let is_well = says.standing == Standing::Ok;
            well += usize::from(is_well);
            prop_assert!(!is_well || claims_to_be_well(body), "{}\n{body}", says.line);
            Ok(())
        });
    }
    assert!(well > 500, "many are still well: {well}");
}

// ------------------------------------------------------------------ the examples

fn example(text: &str) -> Says {
    read(&serde_json::from_str(text).unwrap(), &["Sign-in".to_owned()], now())
}

#[test]
fn every_example_says_what_it_shows() {
    let well = "vendor reports no problem";
    for (text, standing, line) in [
        (include_str!("../examples/summary-ok.json"), Standing::Ok, well),
        (
            include_str!("../examples/summary-degraded.json"),
            Standing::Degraded,
            "vendor says of Sign-in: `degraded_performance`",
        ),
        (
            include_str!("../examples/summary-outage.json"),
            Standing::Outage,
            "vendor says of Sign-in: `major_outage`",
        ),
        (
            include_str!("../examples/summary-monitoring.json"),
            Standing::Degraded,
            "vendor's incident, monitoring (major), fix under watch: Nobody could sign in",
        ),
        (include_str!("../examples/summary-maintenance-elsewhere.json"), Standing::Ok, well),
        (include_str!("../examples/summary-maintenance-announced.json"), Standing::Ok, well),
        (include_str!("../examples/summary-other-component.json"), Standing::Ok, well),
        (
            include_str!("../examples/only-overall.json"),
            Standing::NoInformation,
            "no information: it lists no components",
        ),
        (
            include_str!("../examples/not-found-404.json"),
            Standing::NoInformation,
            "no information: its format is not known",
        ),
        (
            include_str!("../examples/other-product.json"),
            Standing::NoInformation,
            "no information: its format is not known",
        ),
    ] {
        let says = example(text);
        assert_eq!((says.standing, says.line.as_str()), (standing, line));
    }
    let overall = serde_json::from_str(include_str!("../examples/only-overall.json")).unwrap();
    assert_eq!(read(&overall, &[], now()).standing, Standing::Ok, "the overall word alone");
}

#[test]
fn announced_maintenance_of_ours_is_offered_and_that_of_others_is_not() {
    let announced = example(include_str!("../examples/summary-maintenance-announced.json"));
    let [window] = announced.windows.as_slice() else { panic!("{announced:?}") };
    assert_eq!(window.from.to_string(), "2027-02-14T03:00:00Z");
    assert_eq!(window.until.unwrap().to_string(), "2027-02-14T07:00:00Z");
    assert_eq!(window.title.as_str(), "New sign-in servers (mnt-3)");
    let elsewhere = example(include_str!("../examples/summary-maintenance-elsewhere.json"));
    assert_eq!(elsewhere.windows, []);
}
