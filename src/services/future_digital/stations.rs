//! Reads the file of stations. Columns that are not ours (addresses, domains, users) are dropped
//! here and never held.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::ids::Laestab;
use crate::services::declared::moment::{self, Ahead};

/// Rows that are read; more is an error.
const MAX_ROWS: usize = 2_000_000;

const COLUMNS: [&str; 5] = ["laestab", "ou", "station", "client_version", "last_active"];

/// A version as numbers, so that 8.10 is newer than 8.9.
pub(super) type Version = Vec<u32>;

/// One station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Station {
    /// `None` where the file gives no version that can be read.
    pub version: Option<Version>,
    /// When it last checked in.
    pub last_active: Timestamp,
    /// Whether its OU is one of Chromebooks.
    pub chromebook: bool,
}

/// What the file says of one school.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Listed {
    /// Stations by OU and name, each once; the later activity counts.
    pub stations: BTreeMap<(String, String), Station>,
    /// Rows, readable or not.
    pub rows: u32,
    /// Rows without OU, name or a time that can be believed.
    pub malformed: u32,
    /// Further rows of the same station.
    pub duplicates: u32,
    /// Times in the hour that October repeats, read as the earlier.
    pub uncertain: u32,
    /// Times without a zone, read as Europe/London.
    pub zoneless: u32,
    /// Times without a zone that are between 1 and 2 hours ahead of our clock.
    pub ahead: u32,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Report {
    /// By school.
    pub schools: BTreeMap<Laestab, Listed>,
    /// All rows.
    pub rows: u32,
    /// Rows that name no school.
    pub nameless: u32,
}

/// Reads `text`.
///
/// # Errors
/// A sentence that names the missing column or the line; never content.
pub(super) fn read(
    text: &str,
    chromebook_ous: &[String],
    now: Timestamp,
) -> Result<Report, String> {
    let mut rows = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let [school, ou, station, version, active] = columns(rows.headers().map_err(|e| at_line(&e))?)?;
    let mut report = Report::default();
    for row in rows.records() {
        let row = row.map_err(|e| at_line(&e))?;
        let cell = |at: usize| row.get(at).unwrap_or_default();
        report.rows += 1;
        if usize::try_from(report.rows).unwrap_or(usize::MAX) > MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} rows"));
        }
        let Ok(laestab) = cell(school).parse::<Laestab>() else {
            report.nameless += 1;
            continue;
        };
        let listed = report.schools.entry(laestab).or_default();
        listed.rows += 1;
        let key = (cell(ou).to_lowercase(), cell(station).to_lowercase());
        let Some(last_active) = listed.believable(cell(active), now) else {
            listed.malformed += 1;
            continue;
        };
        if key.0.is_empty() || key.1.is_empty() {
            listed.malformed += 1;
            continue;
        }
        let chromebook = chromebook_ous.iter().any(|mark| {
            let mark = mark.trim().to_lowercase();
            !mark.is_empty() && key.0.contains(&mark)
        });
        let found = Station { version: version_in(cell(version)), last_active, chromebook };
        let before = listed.stations.get(&key).map(|b| b.last_active);
        listed.duplicates += u32::from(before.is_some());
        if before.is_none_or(|before| before < last_active) {
            listed.stations.insert(key, found);
        }
    }
    Ok(report)
}

impl Listed {
    /// The time in `text`, if it can be read and does not lie too far ahead.
    fn believable(&mut self, text: &str, now: Timestamp) -> Option<Timestamp> {
        let read = moment::read(text)?;
        match moment::ahead(read.at, read.zone, now) {
            Ahead::Malformed => return None,
            Ahead::Said => self.ahead += 1,
            Ahead::Fine => {}
        }
        self.uncertain += u32::from(read.uncertain);
        self.zoneless += u32::from(read.zone == crate::model::observation::Zone::Assumed);
        Some(read.at)
    }
}

/// Where our columns are; a missing one and one that stands twice are named.
fn columns(header: &csv::StringRecord) -> Result<[usize; 5], String> {
    let mut at = [0; 5];
    let mut missing = Vec::new();
    for (slot, name) in at.iter_mut().zip(COLUMNS) {
        let mut found = header.iter().enumerate().filter(|(_, h)| h.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((i, _)), None) => *slot = i,
            (Some(_), Some(_)) => return Err(format!("column {name} stands twice")),
            (None, _) => missing.push(name),
        }
    }
    if missing.is_empty() {
        Ok(at)
    } else {
        Err(format!("column {} is missing", missing.join(", ")))
    }
}

/// `8.2.0.14` as numbers; `None` for anything else.
pub(super) fn version_in(text: &str) -> Option<Version> {
    text.trim().split('.').map(|part| part.parse().ok()).collect()
}

fn at_line(e: &csv::Error) -> String {
    match e.position() {
        Some(at) => format!("line {} cannot be read", at.line()),
        None => "it cannot be read".to_owned(),
    }
}
