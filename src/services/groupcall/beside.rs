//! What is shown beside an authorisation and never judged: Groupcall's own list of troubles, and
//! how often we have asked.
//!
//! The shape of `Health` is not published, and its texts may name people: only known words of it
//! are shown. `Usage` is as in public recordings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::Laestab;
use crate::model::observation::Observation;
use crate::services::answer::{ListRow, Seen, Trouble, json};
use crate::transport::Reply;

/// A further call with each `authorisation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// `Health`: Groupcall's own warnings and errors of the school's feed, by level and part.
    Health,
    /// `Usage`: how many calls Groupcall has counted for the school today.
    Usage,
}

impl Beside {
    /// The call for `school`.
    pub(super) fn path(self, school: Laestab) -> String {
        match self {
            Self::Health => format!("School/{school}/Health"),
            Self::Usage => "Usage".to_owned(),
        }
    }

    /// `seen` with what the answer tells; with why not, where there is none.
    pub(super) fn told(self, seen: Observation, answer: Result<Reply, Trouble>) -> Observation {
        let name = match self {
            Self::Health => "Groupcall's own health list",
            Self::Usage => "calls counted by Groupcall",
        };
        let read = answer.and_then(|reply| match self {
            Self::Health => json(&reply).map(|health: Health| (health.words(), None)),
            Self::Usage => json::<UsageAnswer>(&reply)?.words(),
        });
        match read {
            Ok((words, None)) => seen.fact(name, words),
            Ok((words, Some(today))) => seen.fact(name, words).number("calls_today", today),
            Err(trouble) => seen.fact(name, format!("not read: {}", trouble.why)),
        }
    }
}

/// Levels that may be shown.
const LEVELS: [&str; 5] = ["Error", "Warning", "Information", "Info", "OK"];
/// Names of caches on the vendor's page.
const PARTS: [&str; 9] = [
    "XodSchoolData",
    "XodAttendanceSummary",
    "XodAssessmentTables",
    "AttendanceForDate",
    "ConductForToday",
    "ConductPoints",
    "AssessmentResults",
    "ConductForDateRange",
    "EndpointInfo",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Health {
    #[serde(rename = "Health")]
    rows: Seen<Vec<ListRow<HealthRow>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HealthRow {
    level: Seen<String>,
    source: Seen<String>,
}

impl Health {
    fn words(&self) -> String {
        let Some(rows) = self.rows.value() else {
            return "in a form that we do not know; see Groupcall's portal".to_owned();
        };
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let known = |seen: &Seen<String>, list: &[&str]| {
                let text = seen.value()?;
                list.iter().find(|w| w.eq_ignore_ascii_case(text)).map(|w| (*w).to_owned())
            };
            let kind = match row {
                ListRow::Unreadable(_) => "an unknown entry".to_owned(),
                ListRow::Read(row) => {
                    let level = known(&row.level, &LEVELS);
                    let part = known(&row.source, &PARTS);
                    format!(
                        "{} of {}",
                        level.as_deref().unwrap_or("an unknown level"),
                        part.as_deref().unwrap_or("another part")
                    )
                }
            };
            *kinds.entry(kind).or_default() += 1;
        }
        if kinds.is_empty() {
            return "empty".to_owned();
        }
        let said: Vec<String> =
            kinds.iter().take(5).map(|(kind, n)| format!("{n} x {kind}")).collect();
        format!("{}; its texts stand in Groupcall's portal", said.join(", "))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UsageAnswer {
    #[serde(rename = "Usage")]
    rows: Seen<Vec<UsageRow>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UsageRow {
    areas: Seen<Vec<UsageArea>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UsageArea {
    today: Seen<u32>,
    this_month: Seen<u32>,
}

impl UsageAnswer {
    fn words(self) -> Result<(String, Option<f64>), Trouble> {
        let (mut today, mut month) = (0_u32, 0_u32);
        for row in self.rows.need("Usage")? {
            for area in row.areas.need("Areas")? {
                today = today.saturating_add(area.today.need("Today")?);
                month = month.saturating_add(area.this_month.need("ThisMonth")?);
            }
        }
        Ok((format!("{today} today, {month} this month"), Some(f64::from(today))))
    }
}
