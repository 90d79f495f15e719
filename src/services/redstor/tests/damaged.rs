//! Damaged bodies of both APIs: never a panic, never ok about something else.

use proptest::prop_assert;

use super::*;
use crate::model::observation::SourceTime;
use crate::services::contract::{
    arbitrary_bodies_are_never_ok, damaged_bodies_are_never_ok_about_something_else,
    of_damaged_bodies,
};

fn holds(
    bench: &Bench,
    (healthy, path): (&str, &str),
    others: impl Fn(&Vendor),
    settings: fn(&Vendor) -> String,
    times: &[&str],
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let settings = settings(&vendor);
    let times: Vec<jiff::Timestamp> = times.iter().map(|t| t.parse().unwrap()).collect();
    damaged_bodies_are_never_ok_about_something_else(
        healthy,
        150,
        |body| {
            others(&vendor);
            vendor.on(path, [Play::json(body)]);
            // As after a restart: nothing is left of the answer before.
            let watch = bench.build(&settings);
            let seen = runtime.block_on(bench.poll(&*watch, "accounts"));
            the(&seen, "documents", Some("9991001"))
        },
        // A run that is lost leaves an older one, never a newer; a size may be lost, not changed.
        |healthy, damaged| {
            let at = |s: Option<SourceTime>| s.map(|s| s.at);
            at(damaged.source_at).is_some_and(|t| times.contains(&t))
                && damaged.numbers.iter().all(|n| healthy.numbers.contains(n))
        },
    );
}

#[test]
fn of_the_storage_platform() {
    let bench = Bench::new(&ROW, NOW)
        .secret("redstor", "p")
        .school("9991001", &[("documents", "ALD-FILES")]);
    let body = include_str!("../examples/platform_bare.json");
    let times = ["2027-02-08T21:10:03Z"];
    holds(&bench, (body, LIST), |_| {}, platform, &times);
    let wrapped = format!("{{\"value\":{body}}}");
    holds(&bench, (&wrapped, LIST), |_| {}, platform, &times);
}

fn one_school() -> Bench {
    Bench::new(&ROW, NOW).secret("redstor", JWK).school("9991001", &[("documents", "ALD-FILES")])
}

#[test]
fn of_redapis_accounts() {
    let others = |vendor: &Vendor| redapi_vendor(vendor, ACCOUNTS, RUNS);
    let times = ["2027-02-08T20:00:00Z"];
    holds(&one_school(), (ACCOUNTS, "/storage/accounts"), others, redapi, &times);
}

#[test]
fn of_redapis_runs() {
    let others = |vendor: &Vendor| redapi_vendor(vendor, ACCOUNTS, RUNS);
    let mut runs: Value = serde_json::from_str(RUNS).unwrap();
    runs["results"].as_array_mut().unwrap().retain(|r| r["accountName"] == "ALD-FILES");
    runs["totalCount"] = json!(1);
    runs["results"][0]["statusHistory"][1]["status"] = json!(1);
    runs["results"][0]["statusHistory"][1]["message"] = json!("Backup completed successfully");
    let times = ["2027-02-08T20:00:00Z", "2027-02-07T20:00:00Z"];
    let path = "/backups/status/accounts";
    holds(&one_school(), (&runs.to_string(), path), others, redapi, &times);
}

#[test]
fn of_redapis_token() {
    let others = |vendor: &Vendor| redapi_vendor(vendor, ACCOUNTS, RUNS);
    let times = ["2027-02-08T20:00:00Z"];
    holds(&one_school(), (TOKEN, "/connect/token"), others, redapi, &times);
}

/// Pages damaged by chance, each in its turn: what is still ok stands in what was sent, to a second reader.
#[test]
fn of_pages_of_runs_and_of_companies() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let (bench, settings) = (one_school(), redapi(&vendor));
    let mut runs: Value = serde_json::from_str(RUNS).unwrap();
    for row in runs["results"].as_array_mut().unwrap() {
        row["companyId"] = json!("co-1");
    }
    // Its account has two kinds of data, one on each page; both ran well.
    let own = runs["results"].as_array().unwrap().iter().find(|r| r["accountName"] == "ALD-FILES");
    let (mut files, mut mail) = (own.unwrap().clone(), own.unwrap().clone());
    for row in [&mut files, &mut mail] {
        row["statusHistory"].as_array_mut().unwrap().truncate(1);
    }
    mail["productId"] = json!(94);
    let row = |id: &str| json!({"companyId": id, "isEnabled": true});
    let of = |page: &str, rows: Value, last: bool| {
        let mut body = json!({"results": rows, "totalCount": if last { -1 } else { 2 }});
        if !last {
            body["nextPageToken"] = json!(page);
        }
        body.to_string()
    };
    let bodies = [
        of("2", json!([files]), false),
        of("2", json!([mail]), true),
        r#"{"companyId": "c-1", "isEnabled": true}"#.to_owned(),
        of("2", json!([row("co-2")]), false),
        of("2", json!([row("co-1")]), true),
    ];
    let listed = |body: &str, key: &str| {
        let page: Value = serde_json::from_str(body).unwrap_or_default();
        page[key].as_array().cloned().unwrap_or_default()
    };
    let mut still_well = 0;
    for damaged in 0..bodies.len() {
        of_damaged_bodies(&bodies[damaged], 120, |body| {
            let mut sent = bodies.clone();
            sent[damaged] = body.to_owned();
            let told = sent.clone();
            redapi_vendor(&vendor, ACCOUNTS, RUNS);
            vendor.choose(move |asked| {
                let later = usize::from(asked.query.contains_key("pageToken"));
                let at = match asked.path.as_str() {
                    "/backups/status/accounts" => later,
                    "/companies/c-1" => 2,
                    "/companies/c-1/customers" => 3 + later,
                    _ => return None,
                };
                Some(Play::json(sent[at].clone()))
            });
            let seen = runtime.block_on(bench.poll(&*bench.build(&settings), "accounts"));
            let seen = the(&seen, "documents", Some("9991001"));
            if seen.verdict != Verdict::Ok {
                return Ok(());
            }
            still_well += 1;
            // Every run that is left went well, none is lost unless the count is lost too, and what
            // is said of its company and of ours is that it is enabled.
            let rows: Vec<Value> =
                [0, 1].iter().flat_map(|n| listed(&told[*n], "results")).collect();
            let first: Value = serde_json::from_str(&told[0]).unwrap_or_default();
            let whole = rows.len() >= 2 || first["totalCount"].as_i64().is_none_or(|n| n < 2);
            let own: Value = serde_json::from_str(&told[2]).unwrap_or_default();
            let companies: Vec<Value> =
                [3, 4].iter().flat_map(|n| listed(&told[*n], "results")).collect();
            let is_own =
                |c: &&Value| c["companyId"].as_str().is_some_and(|id| id.to_lowercase() == "co-1");
            let enabled = companies.iter().filter(is_own).all(|c| c["isEnabled"] == true);
            prop_assert!(whole && own["isEnabled"] == true && enabled, "{seen:?}\n{told:#?}");
            Ok(())
        });
    }
    assert!(still_well > 20, "many are still well: {still_well}");
}

#[test]
fn whatever_is_sent_instead() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let by_platform = Bench::new(&ROW, NOW)
        .secret("redstor", "p")
        .school("9991001", &[("documents", "ALD-FILES")]);
    let by_redapi = one_school();
    for (bench, settings, path) in [
        (&by_platform, platform(&vendor), LIST),
        (&by_redapi, redapi(&vendor), "/connect/token"),
        (&by_redapi, redapi(&vendor), "/storage/accounts"),
        (&by_redapi, redapi(&vendor), "/backups/status/accounts"),
    ] {
        arbitrary_bodies_are_never_ok(60, |body| {
            redapi_vendor(&vendor, ACCOUNTS, RUNS);
            vendor.on(path, [Play::Answer(200, Vec::new(), body.into())]);
            let watch = bench.build(&settings);
            let seen = runtime.block_on(bench.poll(&*watch, "accounts"));
            the(&seen, "documents", Some("9991001"))
        });
    }
}
