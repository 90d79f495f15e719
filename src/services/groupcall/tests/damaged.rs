//! Damaged bodies of every call: never a panic, never ok about something else.

use proptest::prop_assert_eq;

use super::*;
use crate::model::text::Clean;
use crate::services::contract::{
    arbitrary_bodies_are_never_ok, damaged_bodies_are_never_ok_about_something_else,
};
use crate::services::declared::dropped::Dropped;
use crate::services::declared::tests::damage;
use crate::services::groupcall::loads::Loads;

fn holds(check: &str, path: &str, healthy: &str, further: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let bench = bench();
    let settings = format!("{}{further}", settings(&vendor));
    damaged_bodies_are_never_ok_about_something_else(
        healthy,
        150,
        |body| {
            well(&vendor);
            vendor.on(path, [Play::json(body)]);
            // As after a restart: nothing is left of the answer before.
            let watch = bench.build(&settings);
            let seen = runtime.block_on(bench.poll(&*watch, &format!("{check}/9991001")));
            the(&seen, check, Some("9991001"))
        },
        |healthy, damaged| healthy == damaged,
    );
}

#[test]
fn of_the_token() {
    holds("xporter_data", LOGIN, TOKEN, "");
}

#[test]
fn of_the_school() {
    holds("xporter_data", INFO_OF_1, INFO, "");
}

#[test]
fn of_the_authorisation() {
    holds("authorisation", "/v1/TokenDetails", DETAILS, "");
}

#[test]
fn of_the_counts() {
    holds("counts", "/v1/School/9991001/Counts", COUNTS, "");
}

#[test]
fn of_the_pages_of_pupils() {
    let first = include_str!("../examples/students_first.json");
    let path = "/v1/School/9991001/Students/";
    holds("counts", path, first, "pupils_from = \"students\"\n");
}

#[test]
fn whatever_is_sent_instead() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let bench = bench();
    let settings = settings(&vendor);
    for (check, path) in [
        ("xporter_data", LOGIN),
        ("xporter_data", INFO_OF_1),
        ("authorisation", "/v1/TokenDetails"),
        ("counts", "/v1/School/9991001/Counts"),
    ] {
        arbitrary_bodies_are_never_ok(60, |body| {
            well(&vendor);
            vendor.on(path, [Play::Answer(200, Vec::new(), body.into())]);
            let watch = bench.build(&settings);
            let seen = runtime.block_on(bench.poll(&*watch, &format!("{check}/9991001")));
            the(&seen, check, Some("9991001"))
        });
    }
}

#[test]
fn of_the_sign_in_page() {
    const PAGE: &str =
        "<html>\n<head><title>IDaaS</title></head>\n<h1>Sign in to IDaaS</h1>\n</html>\n";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let vendor = runtime.block_on(Vendor::start());
    let bench = bench();
    let settings = format!(
        "{}idaas = {{ page = {{ url = \"{}/idp\" }}, contains = \"Sign in to IDaaS\" }}",
        settings(&vendor),
        vendor.url
    );
    let watch = bench.build(&settings);
    damage::holds(PAGE, 300, |body| {
        vendor.on("/idp", [Play::page(body)]);
        let seen = runtime.block_on(bench.poll(&*watch, "idaas"));
        let seen = the(&seen, "idaas", None);
        // To the letter: another page may shout the same words.
        let there = body.split("Sign in to ").skip(1).any(|rest| rest.starts_with("IDaaS"));
        prop_assert_eq!(there, seen.verdict == Verdict::Ok, "{:?}\n{}", seen, body);
        Ok(())
    });
}

/// What a dropped file of this content says of the first school.
fn load(name: &str, text: String) -> Observation {
    let check = "groupcall.xvault".parse().unwrap();
    let target = crate::model::observation::Target::School("9991001".parse().unwrap());
    let now = NOW.parse().unwrap();
    let file = Dropped { name: Clean::new(name), at: now, zone: Zone::Ours, text, waiting: None };
    match Loads::read(&file) {
        Ok(loads) => loads.observe((&check, "9991001".parse().unwrap(), "XVault load"), now),
        Err(trouble) => trouble.observe(&check, target, now),
    }
}

#[test]
fn of_dropped_loads() {
    let healthy = r#"[{"laestab":"9991002","at":"2027-02-09T04:00:12Z"},
                      {"laestab":"9991001","at":"2027-02-09T03:58:00Z","rows":7}]"#;
    damaged_bodies_are_never_ok_about_something_else(
        healthy,
        2_000,
        |body| load("x.json", body.to_owned()),
        |healthy, damaged| healthy == damaged,
    );
    for name in ["x.json", "x.csv"] {
        arbitrary_bodies_are_never_ok(1_000, |body| {
            load(name, String::from_utf8_lossy(&body).into_owned())
        });
    }
}
