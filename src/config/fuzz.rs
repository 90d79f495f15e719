//! Reads any bytes as the files of an administrator and of those who send them some, for fuzzing.
//! Nothing of it may panic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::schools::{Known, each_reading};
use crate::config::{Config, Source, calendars};

/// As the configuration.
///
/// # Panics
/// When a promise of the parser is broken: that is what is searched for.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(errors) = Config::parse(Source::new(Path::new("c.toml"), &text), &["redstor"]) {
        assert!(!errors.0.is_empty(), "refused without a reason");
        drop(errors.to_string());
    }
}

/// As calendars: iCalendar files, and gov.uk's list of bank holidays.
pub fn calendar(bytes: &[u8]) {
    calendars::each_reading(&String::from_utf8_lossy(bytes));
}

/// As the register of schools, a list of our own, and the subscriptions table.
pub fn tables(bytes: &[u8]) {
    let known = Known {
        la_codes: BTreeSet::from([937, 999]),
        services: ["groupcall".parse(), "redstor".parse()].into_iter().flatten().collect(),
        parameters: BTreeSet::from(["redstor.sims".to_owned()]),
        calendars: BTreeSet::from(["north".to_owned()]),
    };
    each_reading(bytes, &known, &BTreeMap::new());
}
