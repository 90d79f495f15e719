//! Scenarios and faults of the simulators, seen from outside.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caretaker::model::ids::Laestab;
use caretaker::simulators::{
    ControllerFault, DirectoryFault, Fault, FilterFault, GraphFault, GroupcallFault, ListFault,
    PERSONAL_NAMES, PageFault, PortalFault, RedstorFault, Scenario, Script, StationsFault,
    StatusFault, Way,
};
use serde_json::{Value, json};

use crate::played::{TUESDAY, at, client, hours, names, played, until, value};

// ------------------------------------------------------------------ scenarios

/// Every hour of a week, over a weekend and over the end of summer time.
#[tokio::test]
async fn in_calm_nothing_is_ever_late_failed_or_missing() {
    for monday in ["2027-02-01T00:00:30Z", "2027-10-28T00:00:30Z"] {
        let p = played(Scenario::Calm, 8, monday).await;
        for hour in 0..24 * 7 {
            for (school, _) in p.takers("groupcall").into_iter().take(2) {
                let age = p.xporter_age_hours(school.laestab).await;
                assert!((0.0..26.0).contains(&age), "hour {hour}: {age}");
            }
            for row in p.accounts(0).await {
                let age = hours(at(row["LastBackupDate"].as_str().unwrap()), p.now());
                assert!((0.0..26.0).contains(&age), "hour {hour}: {row}");
                assert_eq!(row["LastBackupStatus"], 1);
            }
            assert!(p.mails().iter().all(|m| m.contains("heartbeat")));
            p.forward(3_600);
        }
    }
}

#[tokio::test]
async fn in_calm_enough_computers_were_seen_on_every_day() {
    for (now, last_school_day) in [
        ("2027-02-02T12:00:00Z", "2027-02-01T00:00:00Z"), // Tuesday: Monday
        ("2027-02-01T07:30:00Z", "2027-01-29T00:00:00Z"), // Monday before school: Friday
        ("2027-02-01T09:01:00Z", "2027-01-29T00:00:00Z"), // Monday, first lesson: Friday
        ("2027-02-06T23:59:00Z", "2027-02-05T00:00:00Z"), // Saturday: Friday
        ("2027-02-08T00:01:00Z", "2027-02-05T00:00:00Z"), // Monday night: Friday
    ] {
        let p = played(Scenario::Calm, 250, now).await;
        let stations = p.stations();
        for (school, taken) in p.takers("future_digital") {
            let expected: usize =
                taken.parameters.get("future_digital.pcs").unwrap().parse().unwrap();
            let rows = &stations[&school.laestab.to_string()];
            let active = |r: &&csv::StringRecord| {
                let last = at(&r[4]);
                assert!(last <= p.now(), "{last} is still to come");
                !r[1].ends_with("Chromebooks") && last >= at(last_school_day)
            };
            let seen = rows.iter().filter(active).count();
            assert!(seen * 100 >= expected * 90, "{now} {school:?}: {seen} of {expected}");
        }
    }
}

/// At any hour of any day a morning holds the same troubles.
#[tokio::test]
async fn a_morning_has_every_trouble_at_any_hour() {
    for now in [TUESDAY, "2027-02-07T23:50:00Z", "2026-12-25T03:05:00Z", "2027-08-14T02:30:00Z"] {
        let p = played(Scenario::Morning, 250, now).await;
        let (mut refused, mut paused, mut ages) = (0, 0, Vec::new());
        for (school, _) in p.takers("groupcall") {
            let password = p.credential(&format!("xod.{}", school.laestab));
            let answer = p.xod_token_answer(&school.laestab.to_string(), password).await;
            match answer["ExceptionMessage"].as_str() {
                None => ages.push(school.laestab),
                Some(why) if why.contains("currently paused") => paused += 1,
                Some(why) if why.contains("secret not correct") => refused += 1,
                Some("Something went wrong") => {}
                Some(other) => panic!("{other}"),
            }
        }
        assert_eq!((refused, paused), (2, 2), "{now}");
        let (mut late, mut stale) = (0, 0);
        for school in ages {
            let age = p.xporter_age_hours(school).await;
            late += usize::from((26.0..50.0).contains(&age));
            stale += usize::from(age >= 50.0);
        }
        assert_eq!((late, stale), (2, 2), "{now}");
        let rows = p.accounts(0).await;
        let ended = |n: u64| rows.iter().filter(|r| r["LastBackupStatus"] == n).count();
        assert_eq!((ended(0), ended(2), ended(3)), (2, 2, 2), "failed, warnings, errors");
        assert_eq!(rows.iter().filter(|r| r["LastBackupDate"].is_null()).count(), 2, "never ran");
        let disabled = rows.iter().filter(|r| r["Active"] == false).count();
        assert_eq!(disabled, 4, "two accounts at each of two schools");
        let old = |r: &&Value| {
            let last = r["LastBackupDate"].as_str();
            last.is_some_and(|t| hours(at(t), p.now()) > 9.0 * 24.0)
        };
        assert_eq!(rows.iter().filter(old).count(), 2);
        assert!(rows.iter().any(|r| r["AccountName"] == "OLD-SVR"), "maps to no school");
        assert!(p.mails().iter().any(|m| m.contains("sw-7f3a")), "an unknown host");
        let mut generic = 0;
        for (_, taken) in p.takers("purple_mash") {
            let portal = taken.parameters.get("purple_mash.portal").unwrap();
            let (_, body) = p.page(&format!("{}/sch/{portal}", p.url("purple_mash"))).await;
            generic += usize::from(body.contains("Find your school"));
        }
        assert_eq!(generic, 1, "a portal name that the vendor does not know");
    }
}

#[tokio::test]
async fn faults_of_a_morning_come_and_go() {
    let p = played(Scenario::Morning, 250, TUESDAY).await;
    let mut healths: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    let token = p.graph_token().await;
    let mut teams = BTreeSet::new();
    for _ in 0..20 {
        for (school, taken) in p.takers("purple_mash") {
            let portal = taken.parameters.get("purple_mash.portal").unwrap();
            let url = format!("{}/sch/{portal}", p.url("purple_mash"));
            let (status, _) = p.page(&url).await;
            healths.entry(school.name.to_string()).or_default().insert(status);
        }
        let path = "admin/serviceAnnouncement/healthOverviews?$top=999";
        let body = value(p.graph(path, &token).await).await;
        let row = body["value"].as_array().unwrap().iter().find(|r| r["id"] == "microsoftteams");
        teams.insert(row.unwrap()["status"].as_str().unwrap().to_owned());
        p.forward(60);
    }
    let flaky = healths.values().filter(|h| h.len() == 2).count();
    assert_eq!(flaky, 1, "one portal is now here and now away");
    assert!(healths.values().all(|h| h.contains(&200)));
    let both = ["serviceDegradation", "serviceOperational"].map(str::to_owned);
    assert_eq!(teams, BTreeSet::from(both));
}

#[tokio::test]
async fn a_storm_strikes_identity_a_trust_a_filter_and_redstor_and_passes() {
    let p = played(Scenario::Storm, 250, TUESDAY).await;
    let token = p.graph_token().await;
    let identity = async || {
        let path = "admin/serviceAnnouncement/healthOverviews";
        let body = value(p.graph(path, &token).await).await;
        let rows = body["value"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|r| r["id"] == "OrgLiveID").unwrap();
        row["status"].as_str().unwrap().to_owned()
    };
    let trust: Vec<Laestab> = p
        .takers("groupcall")
        .into_iter()
        .filter(|(s, _)| s.trust.as_str() == "Thornstow Learning Trust")
        .map(|(s, _)| s.laestab)
        .collect();
    assert!(trust.len() >= 5, "a whole trust: {}", trust.len());
    let held = p.xod_token(trust[0]).await;
    assert_eq!((identity().await.as_str(), held), ("ServiceInterruption", None));
    p.forward(100);
    for school in &trust {
        assert_eq!(p.xod_token(*school).await, None);
    }
    let vantage = p.url("smoothwall.filter01").to_owned();
    assert_eq!(p.page(&format!("{vantage}/plain")).await.0, 502);
    assert_eq!(p.page(&format!("{}/api/odata/Accounts", p.url("redstor"))).await.0, 503);
    let said = |what: &str| p.mails().iter().any(|m| m.contains(what));
    until("the alert", || said("Web filter service has stopped")).await;
    assert!(!said("has started"));
    p.forward(1_900);
    assert_eq!(identity().await, "ServiceOperational");
    assert!(!p.accounts(0).await.is_empty());
    assert_eq!(p.page(&format!("{vantage}/plain")).await.0, 200);
    until("the all-clear", || said("Web filter service has started")).await;
    let back = p.xod_token(trust[0]).await.is_some() as usize
        + p.xod_token(trust[1]).await.is_some() as usize;
    assert!(back > 0, "the trust is let in again");
}

// ------------------------------------------------------------------ faults on demand

#[tokio::test]
async fn a_fault_is_put_on_a_service_an_endpoint_or_a_school() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let portals: Vec<(Laestab, String)> = p
        .takers("purple_mash")
        .into_iter()
        .map(|(s, t)| {
            let url = format!(
                "{}/sch/{}",
                p.url("purple_mash"),
                t.parameters.get("purple_mash.portal").unwrap()
            );
            (s.laestab, url)
        })
        .collect();
    let status = async |n: usize| p.page(&portals[n].1).await.0;
    p.running.set_fault("purple_mash", Some(portals[0].0), Fault::Status(500));
    assert_eq!((status(0).await, status(1).await), (500, 200));
    p.running.set_fault("purple_mash", None, Fault::Status(503));
    assert_eq!((status(0).await, status(1).await), (500, 503), "the narrowest wins");
    p.running.clear_fault("purple_mash", None);
    p.running.clear_fault("purple_mash", Some(portals[0].0));
    assert_eq!((status(0).await, status(1).await), (200, 200));

    let token = p.graph_token().await;
    p.running.set_fault("welearn365.login", None, Fault::Unauthorised);
    let refused = value(p.graph_token_answer(&[]).await).await;
    assert_eq!(refused["error_codes"], json!([7_000_222]), "the secret has expired");
    assert_eq!(p.graph("organization", &token).await.status(), 200, "another endpoint");
    p.running.set_fault("welearn365", None, Fault::Throttled(17));
    let waiting = p.graph("organization", &token).await;
    assert_eq!(
        (waiting.status().as_u16(), &waiting.headers()["retry-after"]),
        (429, &"17".parse().unwrap())
    );

    let school = p.takers("groupcall")[0].0.laestab;
    p.running.set_fault("groupcall", Some(school), Fault::Unauthorised);
    assert_eq!(p.xod_token(school).await, None, "the token call is about its school too");
    assert!(p.xod_token(p.takers("groupcall")[1].0.laestab).await.is_some());
}

#[tokio::test]
async fn every_fault_is_what_it_says() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let school = p.takers("groupcall")[0].0.laestab;
    let token = p.xod_token(school).await.unwrap();
    let ask = async |fault: Fault| {
        p.running.set_fault("groupcall", None, fault);
        let call = p
            .client
            .get(format!("{}/School/{school}/SchoolInfo", p.url("groupcall")))
            .header("Authorization", format!("Idaas {token}"));
        let answer = call.send().await?;
        Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
    };
    let (status, whole) = ask(Fault::Slow(1)).await.unwrap();
    assert!(status == 200 && serde_json::from_str::<Value>(&whole).is_ok());
    let (status, cut) = ask(Fault::Truncated).await.unwrap();
    assert!(status == 200 && whole.starts_with(&cut) && cut.len() == whole.len() / 2);
    assert!(ask(Fault::HalfSent).await.is_err(), "the body ends with the connection");
    assert_eq!(ask(Fault::Empty200).await.unwrap(), (200, String::new()));
    let (status, html) = ask(Fault::Html200).await.unwrap();
    assert!(status == 200 && html.starts_with("<!DOCTYPE html>"));
    let (status, inside) = ask(Fault::ErrorInside200).await.unwrap();
    assert!(status == 200 && inside.contains("\"ExceptionMessage\":\"Something went wrong\""));
    assert_eq!(ask(Fault::Status(502)).await.unwrap().0, 502);
    let (status, refused) = ask(Fault::Unauthorised).await.unwrap();
    assert!(status == 200 && refused.contains("secret not correct"), "{refused}");
    assert!(ask(Fault::Down).await.is_err());
    let fresh = client(Some(&p.running.ca_file), None);
    assert!(fresh.get(p.url("groupcall")).send().await.is_err(), "new connections as well");
    p.running.clear_fault("groupcall", None);
    assert!(p.xod_token(school).await.is_some(), "back at once");
}

#[tokio::test]
async fn a_fault_on_one_school_reaches_the_answers_and_files_that_hold_all() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let (school, taken) = p.takers("redstor")[0];
    p.running.set_fault("redstor", Some(school.laestab), Fault::Down);
    let failed: Vec<Value> =
        p.accounts(0).await.into_iter().filter(|r| r["LastBackupStatus"] == 0).collect();
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[1]["AccountName"], taken.parameters.get("redstor.sims").unwrap());
    let (school, _) = p.takers("future_digital")[0];
    p.running.set_fault("future_digital", Some(school.laestab), Fault::Down);
    let gone = || {
        let rows = &p.stations()[&school.laestab.to_string()];
        let computers = rows.iter().filter(|r| !r[1].ends_with("Chromebooks"));
        computers.into_iter().all(|r| hours(at(&r[4]), p.now()) > 400.0)
    };
    until("no computer of the school is seen", gone).await;
}

#[tokio::test]
async fn a_fault_spoils_or_removes_the_files_of_a_feed() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let folder = p.running.drops["future_digital"].clone();
    let read = || std::fs::read(folder.join("stations-20270202T0900Z.csv")).ok();
    let whole = read().unwrap();
    p.running.set_fault("future_digital", None, Fault::Truncated);
    until("half a file", || read().is_some_and(|f| f.len() == whole.len() / 2)).await;
    p.running.set_fault("future_digital", None, Fault::Down);
    until("no file", || !folder.exists()).await;
    p.running.clear_fault("future_digital", None);
    until("the file again", || read().as_ref() == Some(&whole)).await;
    assert!(read().unwrap().starts_with(b"laestab,ou,"));
}

#[tokio::test]
async fn a_stopped_vendor_refuses_connections_and_leaves_the_others_alone() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let token = p.graph_token().await;
    assert_eq!(p.graph("organization", &token).await.status(), 200);
    assert!(!p.running.stop_vendor("nobody"));
    assert!(p.running.stop_vendor("welearn365"));
    let kept = p.client.get(p.url("welearn365")).send().await;
    assert!(kept.is_err(), "a connection that was open is broken");
    let address = p.url("welearn365.login").strip_prefix("https://").unwrap().to_owned();
    let refused = async || match tokio::net::TcpStream::connect(&address).await {
        Ok(_) => false,
        Err(e) => e.kind() == std::io::ErrorKind::ConnectionRefused,
    };
    let mut tries = 0;
    while !refused().await {
        tries += 1;
        assert!(tries < 200, "the port still answers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!p.accounts(0).await.is_empty(), "Redstor is another vendor");
    let folder = p.running.drops["smoothwall"].clone();
    assert!(p.running.stop_vendor("smoothwall"));
    p.forward(86_400);
    // The other feed is written in the same round, so that by then this one would be back.
    let next = p.running.drops["future_digital"].join("stations-20270203T0900Z.csv");
    until("the other feed", || next.exists()).await;
    assert!(!folder.exists(), "the share is gone");
    let (all, folder) = (p.running, p.folder);
    let url = all.urls["redstor"].clone();
    all.stop().await;
    assert!(p.client.get(url).send().await.is_err());
    assert!(folder.path().join("vendors/ca.pem").exists());
}

#[tokio::test]
async fn a_vendor_that_is_stopped_breaks_off_in_the_middle_of_an_answer() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    p.running.set_fault("welearn365.login", None, Fault::Slow(3_600_000));
    let stop = async {
        let asked = || p.running.served().keys().any(|k| k.starts_with("welearn365.login"));
        until("the call has arrived", asked).await;
        assert!(p.running.stop_vendor("welearn365"));
    };
    let url = format!("{}/t/oauth2/v2.0/token", p.url("welearn365.login"));
    let (answer, ()) = tokio::join!(p.client.post(url).send(), stop);
    let broken = answer.unwrap_err();
    assert!(!broken.is_timeout(), "not left hanging until the client gives up: {broken:?}");
}

#[tokio::test]
async fn nothing_that_is_dropped_or_listed_names_a_person() {
    let p = played(Scenario::Morning, 60, TUESDAY).await;
    let mut text = serde_json::to_string(&p.accounts(0).await).unwrap();
    for folder in p.running.drops.values() {
        for name in names(folder) {
            text.push_str(&std::fs::read_to_string(folder.join(name)).unwrap());
        }
    }
    for name in PERSONAL_NAMES {
        assert!(!text.contains(name), "{name}");
    }
    for secret in p.running.invented.credentials.values() {
        assert!(!text.contains(secret.as_str()), "a credential lies in the open");
        assert!(!text.contains(&STANDARD.encode(secret)));
    }
}

// ------------------------------------------------------------------ scenario files

#[tokio::test]
async fn a_scenario_file_is_played_at_its_times() {
    let p = played(Scenario::Calm, 20, TUESDAY).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/scenario.toml");
    let script = Script::read(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(script.begins_as(), Scenario::Calm);
    let (first, other) = (p.takers("groupcall")[0].0.laestab, p.takers("groupcall")[4].0.laestab);
    p.running.play(script).unwrap();
    let failed = async || {
        let rows = p.accounts(0).await;
        rows.iter().filter(|r| r["LastBackupStatus"] == 0).count()
    };
    let paused = async || p.xod_token(first).await.is_none();
    soon("the third school's SIMS data", async || failed().await == 1).await;
    assert!(!paused().await, "not yet");
    p.forward(30);
    soon("the pause", paused).await;
    assert!(p.xod_token(other).await.is_some(), "of one school");
    p.forward(270);
    soon("its end", async || !paused().await).await;
    assert_eq!(failed().await, 1, "for good");
}

/// Asks until it is so, at most ten seconds: scenario files are looked at four times a second.
async fn soon(what: &str, good: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if good().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never came: {what}");
}

#[tokio::test]
async fn every_way_to_go_wrong_can_stand_in_a_scenario_file() {
    let p = played(Scenario::Calm, 6, TUESDAY).await;
    let microsoft = GraphFault::ALL.iter().map(|f| ("welearn365", f.name()));
    let groupcall = GroupcallFault::ALL.iter().map(|f| ("groupcall", f.name()));
    let redstor = RedstorFault::ALL.iter().map(|f| ("redstor", f.name()));
    let filter = FilterFault::ALL.iter().map(|f| ("smoothwall.filter01", f.name()));
    let stations = StationsFault::ALL.iter().map(|f| ("future_digital", f.name()));
    let list = ListFault::ALL.iter().map(|f| ("future_digital", f.name()));
    let page = PageFault::ALL.iter().map(|f| ("just2easy", f.name()));
    let portal = PortalFault::ALL.iter().map(|f| ("purple_mash", f.name()));
    let directory = DirectoryFault::ALL.iter().map(|f| ("welearn365", f.name()));
    let controller = ControllerFault::ALL.iter().map(|f| ("welearn365.dc2", f.name()));
    let status = StatusFault::ALL.iter().map(|f| ("redstor.status", f.name()));
    let all: Vec<(&str, String)> = microsoft
        .chain(groupcall)
        .chain(redstor)
        .chain(filter)
        .chain(stations)
        .chain(list)
        .chain(page)
        .chain(portal)
        .chain(directory)
        .chain(controller)
        .chain(status)
        .collect();
    // Each word has its line on the page, and the page has no other.
    let page = include_str!("../../docs/scenarios.md");
    let own = page.split_once("\n## Smoothwall\n").unwrap().1;
    let rows = own.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(told, all.iter().map(|(_, what)| what.clone()).collect());

    let writes = ("welearn365.ad_write", "down".to_owned());
    let text: String = all
        .into_iter()
        .chain([writes])
        .map(|(on, what)| format!("[[fault]]\non = \"{on}\"\nwhat = \"{what}\"\n"))
        .collect();
    p.running.play(Script::read(&text).unwrap()).unwrap();
    for (text, words) in [
        (
            "[[fault]]\non = \"redstor\"\nnth = 7\nwhat = \"down\"\n",
            "line 3: fault.nth: fewer than 7 schools take redstor here",
        ),
        (
            "[[fault]]\non = \"redstor\"\nschool = \"9990001\"\nwhat = \"down\"\n",
            "line 3: fault.school: no school 9990001",
        ),
        (
            "[[fault]]\non = \"redstor\"\ntrust = 9\nwhat = \"down\"\n",
            "line 3: fault.trust: fewer than 9 trusts take redstor here",
        ),
        (
            "[[fault]]\non = \"groupcall.idas\"\nwhat = \"down\"\n",
            "line 2: fault.on: groupcall has no endpoint that is called \"groupcall.idas\" (did you \
             mean `groupcall.idaas`?)",
        ),
    ] {
        let refused = p.running.play(Script::read(text).unwrap()).unwrap_err();
        assert!(refused.to_string().starts_with(words), "{refused}");
    }
}
