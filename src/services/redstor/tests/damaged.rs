//! Damaged bodies of both APIs: never a panic, never ok about something else.

use super::*;
use crate::model::observation::SourceTime;
use crate::services::contract::{
    arbitrary_bodies_are_never_ok, damaged_bodies_are_never_ok_about_something_else,
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
