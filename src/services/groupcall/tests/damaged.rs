//! Damaged bodies of every call: never a panic, never ok about something else.

use super::*;
use crate::services::contract::damaged_bodies_are_never_ok_about_something_else;

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
