//! Loads that no API tells of: a file that ICTDS's own jobs drop, one row for each school.
//!
//! CSV with the columns `laestab` and `at`, or a JSON list of objects with these two. `at` is when
//! the load ended, in ISO 8601 or as `dd/mm/yyyy hh:mm`; without a zone it is read as the local time
//! of the servers that write it (Europe/London). Fields that the verdict reads: both.

use serde::Deserialize;

use crate::model::calendar::london;
use crate::model::health::Reason;
use crate::model::ids::{CheckId, Laestab};
use crate::model::observation::{Observation, SourceTime, Target, Verdict};
use crate::services::answer::{ListRow, Seen, Trouble, time};
use crate::services::declared::dropped::Dropped;
use crate::services::declared::moment;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JsonRow {
    laestab: Seen<String>,
    at: Seen<String>,
}

#[derive(Debug, Deserialize)]
struct CsvRow {
    laestab: String,
    at: String,
}

/// One row: a school and what stands beside it.
#[derive(Debug, Clone)]
struct Load {
    school: Laestab,
    at: Result<SourceTime, Trouble>,
}

/// What a dropped file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads {
    rows: Vec<Load>,
    /// Rows whose school cannot be read.
    unreadable: usize,
}

fn parse(text: &str, as_json: bool) -> Result<Loads, String> {
    let mut loads = Loads::default();
    if as_json {
        let rows: Vec<ListRow<JsonRow>> = serde_json::from_str(text)
            .map_err(|e| format!("is not a list in JSON (line {})", e.line()))?;
        for row in rows {
            match row {
                ListRow::Read(JsonRow { laestab: Seen::Value(laestab), at }) => {
                    loads.add(&laestab, at.need("at"));
                }
                ListRow::Read(_) | ListRow::Unreadable(_) => loads.unreadable += 1,
            }
        }
    } else {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        if let Ok(headers) = reader.headers() {
            let lower = headers.iter().map(str::to_lowercase).collect();
            reader.set_headers(lower);
        }
        for row in reader.deserialize::<CsvRow>() {
            let row = row.map_err(|e| match e.position() {
                Some(at) => format!("line {} is not laestab and at", at.line()),
                None => "is not a CSV file with the columns laestab and at".to_owned(),
            })?;
            loads.add(&row.laestab, Ok(row.at));
        }
    }
    if loads.rows.is_empty() {
        return Err("holds no school".into());
    }
    Ok(loads)
}

impl Loads {
    /// What the file says, by its ending: a JSON list, or CSV.
    pub(super) fn read(file: &Dropped) -> Result<Self, Trouble> {
        let as_json = file.name.as_str().to_lowercase().ends_with(".json");
        parse(&file.text, as_json)
            .map_err(|why| Trouble::malformed(format!("the file {}: {why}", file.name)))
    }

    fn add(&mut self, laestab: &str, at: Result<String, Trouble>) {
        let Ok(school) = laestab.parse() else {
            self.unreadable += 1;
            return;
        };
        let at = at.and_then(|text| {
            let uk = || moment::read(&text).map(|m| SourceTime { at: m.at, zone: m.zone });
            time(&text, &london()).or_else(uk).ok_or_else(|| Trouble::malformed("at is not a time"))
        });
        self.rows.push(Load { school, at });
    }

    /// What the file says of `school`; `what` is loaded.
    pub(super) fn observe(
        &self,
        (check, school, what): (&CheckId, Laestab, &str),
        now: jiff::Timestamp,
    ) -> Observation {
        let target = Target::School(school);
        let mut own = self.rows.iter().filter(|r| r.school == school);
        let found = match (own.next(), own.next()) {
            (Some(load), None) => load.at.clone(),
            (Some(_), Some(_)) => Err(Trouble::malformed("the file names the school twice")),
            (None, _) if self.unreadable > 0 => Err(Trouble::malformed(format!(
                "{} rows of the file name no school, and none is this one's",
                self.unreadable
            ))),
            (None, _) => Err(Trouble::new(
                Reason::NeverSeen,
                format!("the file of the {what} does not name the school"),
            )),
        };
        match found {
            Ok(at) => {
                Observation::new(check.clone(), target, now, Verdict::Ok, &format!("{what} done"))
                    .source(at.at, at.zone)
                    .good(Some(at.at))
            }
            Err(trouble) => trouble.observe(check, target, now),
        }
    }
}
