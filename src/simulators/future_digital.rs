//! Future Digital (Securus): the list of stations as a CSV file, dropped every quarter of an hour.
//!
//! The file's form is the proposal of the vendor notes; no vendor page has one. Stations only:
//! never a user, a capture or a phrase.

use jiff::Timestamp;

use crate::model::calendar::london;
use crate::model::school::{School, Subscription};
use crate::simulators::cast::StationsPart;
use crate::simulators::chance::below;
use crate::simulators::estate::initials;
use crate::simulators::own_ways::{ListFault, StationsFault};
use crate::simulators::stage::Stage;
use crate::simulators::times::{last_in_use, moved, rounded_down, with_offset};

/// How often a client checks in, and a new list is dropped; minutes.
pub(super) const EVERY_MINUTES: i64 = 15;

/// Name and content of the list of the moment.
pub(super) fn stations(stage: &Stage) -> (String, Vec<u8>) {
    let is = |fault: ListFault| stage.own.is("future_digital", None, fault);
    let late = if is(ListFault::ListOld) { -6 * 86_400 } else { 0 };
    let written = moved(rounded_down(stage.now(), EVERY_MINUTES), late);
    let used = last_in_use(written);
    let version = if is(ListFault::ColumnMissing) { "client" } else { "client_version" };
    let mut csv = format!("laestab,ou,station,{version},last_active\r\n");
    let listed = |(school, _): &(&School, &Subscription)| {
        let left_out = StationsFault::SchoolNotListed;
        !is(ListFault::NoStations)
            && !stage.own.is("future_digital", Some(school.laestab), left_out)
    };
    for (school, taken) in stage.invented.takers("future_digital").filter(listed) {
        let computers = taken.parameters.get("future_digital.pcs").and_then(|n| n.parse().ok());
        rows(stage, school, computers.unwrap_or(10), written, used, &mut csv);
    }
    (format!("stations-{}.csv", written.strftime("%Y%m%dT%H%MZ")), csv.into_bytes())
}

fn rows(
    stage: &Stage,
    school: &School,
    computers: u32,
    written: Timestamp,
    used: Timestamp,
    csv: &mut String,
) {
    let l = school.laestab;
    let is = |fault: StationsFault| stage.own.is("future_digital", Some(l), fault);
    let silent = is(StationsFault::NobodySeen) || stage.school_fault("future_digital", l).is_some();
    let percent = match stage.parts(l).stations {
        _ if silent => 0,
        Some(StationsPart::SixtyPercent) => 60,
        Some(StationsPart::ThirtyPercent) => 30,
        None => 94 + below(stage.seed, "seen", l, 7),
    };
    // Rounded up, so that a small school of which one computer is off stays above its share.
    let seen = (computers * percent).div_ceil(100);
    let old_client =
        if is(StationsFault::ClientsOld) { 250 } else { below(stage.seed, "old client", l, 20) };
    let ahead = if is(StationsFault::TimesAhead) { 3 * 3_600 } else { 0 };
    let name = initials(school);
    let uk = is(StationsFault::DatesUk);
    let written_as = |at: Timestamp| {
        if uk {
            at.to_zoned_datetime(london()).strftime("%d/%m/%Y %H:%M").to_string()
        } else {
            with_offset(at)
        }
    };
    // Longer ago than two weeks of holiday, so that it stays before the last school day.
    let gone = moved(used, -86_400 * 24);
    for n in 0..computers {
        let at = if n < seen {
            // Not every client checked in last; none before this day's first lesson.
            moved(used, -900 * i64::from(n % 2))
        } else {
            gone
        };
        let version = if n < old_client * computers / 250 { "7.9.1.2" } else { "8.2.0.14" };
        let at = moved(at.min(written), ahead);
        let at_before = written_as(moved(at, -21 * 86_400));
        let at = written_as(at);
        let ou = csv_field(&format!("{}/Curriculum", school.name));
        csv.push_str(&format!("{l},{ou},{name}-PC{:03},{version},{at}\r\n", n + 1));
        if is(StationsFault::NamesDoubled) {
            csv.push_str(&format!("{l},{ou},{name}-PC{:03},{version},{at_before}\r\n", n + 1));
        }
    }
    let chromebook = csv_field(&format!("{}/Chromebooks", school.name));
    let at = written_as(used.min(written));
    csv.push_str(&format!("{l},{chromebook},{name}-CB001,8.2.0.14,{at}\r\n"));
}

/// Quoted where it must be (RFC 4180).
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
