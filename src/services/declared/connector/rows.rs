//! Rows of one answer and the schools that they are about.

use std::collections::{BTreeMap, BTreeSet};

use super::csvfile::Slipped;
use super::reading::{Judged, KEY, Reading, absent_reason, key_of, severity};
use super::settings::{Absent, KeyBy, KeyRule, Several};
use crate::model::estate::Estate;
use crate::model::health::Reason;
use crate::model::ids::{Laestab, ServiceKey};
use crate::services::declared::jq::{Outcome, Row};

/// How schools are told by key.
pub(super) struct Keys {
    by: KeyBy,
    schools: BTreeMap<String, BTreeSet<Laestab>>,
}

impl Keys {
    /// The keys of the takers of `service`, and who has none.
    pub(super) fn new(
        estate: &Estate,
        service: &ServiceKey,
        rule: &KeyRule,
    ) -> (Self, Vec<Laestab>) {
        let (mut schools, mut keyless) = (BTreeMap::<_, BTreeSet<_>>::new(), Vec::new());
        for school in estate.takers(service) {
            let keys: Vec<String> = match rule.by {
                KeyBy::Laestab => vec![school.to_string()],
                KeyBy::Urn => {
                    let urn = estate.schools.get(&school).and_then(|s| s.urn);
                    urn.map(|urn| urn.to_string()).into_iter().collect()
                }
                KeyBy::Param => {
                    let row = estate.subscriptions.get(&school);
                    let param = rule.param.as_deref().unwrap_or_default();
                    let values = row.map(|row| row.values(service, param)).unwrap_or_default();
                    values.into_iter().map(str::to_owned).collect()
                }
            };
            if keys.is_empty() {
                keyless.push(school);
            }
            for key in keys {
                schools.entry(key).or_default().insert(school);
            }
        }
        (Self { by: rule.by, schools }, keyless)
    }

    /// The schools of `key`; none for a stranger.
    pub(super) fn find(&self, key: &str) -> Option<&BTreeSet<Laestab>> {
        match self.by {
            KeyBy::Laestab => self.schools.get(&key.parse::<Laestab>().ok()?.to_string()),
            KeyBy::Urn => self.schools.get(key.trim_start_matches('0')),
            KeyBy::Param => self.schools.get(key),
        }
    }
}

/// What became of the rows of an answer.
pub(super) struct Sorted {
    /// What each school's rows say; only those that have any.
    pub(super) schools: BTreeMap<Laestab, Vec<Judged>>,
    /// Rows altogether.
    pub(super) rows: usize,
    /// Rows whose key is of no school that takes the service.
    pub(super) strangers: usize,
    /// Rows without a key that can be read.
    pub(super) keyless: usize,
    /// What the first of them has for a key, by its form.
    pub(super) first_keyless: Option<String>,
    /// Rows that cannot be read and name none of our schools: nobody knows whose they are.
    lost: usize,
}

impl Sorted {
    /// Sorts `rows` by school. One that slipped makes each school unknown that it may be about.
    pub(super) fn new(
        (rows, slipped): (&[Row], &[Slipped]),
        keys: &Keys,
        reading: &Reading,
    ) -> Self {
        let mut sorted = Self {
            schools: BTreeMap::new(),
            rows: rows.len(),
            strangers: 0,
            keyless: 0,
            first_keyless: None,
            lost: 0,
        };
        for cells in slipped {
            let named: BTreeSet<Laestab> =
                cells.iter().filter_map(|cell| keys.find(cell)).flatten().copied().collect();
            if named.is_empty() {
                sorted.lost += 1;
            }
            for school in named {
                sorted.schools.entry(school).or_default().push(unreadable(ITS_ROW));
            }
        }
        for row in rows {
            let Some(key) = key_of(row) else {
                sorted.keyless += 1;
                let has = || row.get(KEY).map_or_else(|| "nothing".to_owned(), Outcome::form);
                sorted.first_keyless.get_or_insert_with(has);
                continue;
            };
            let Some(schools) = keys.find(&key) else {
                sorted.strangers += 1;
                continue;
            };
            let judged = reading.judge(row);
            for school in schools {
                sorted.schools.entry(*school).or_default().push(judged.clone());
            }
        }
        sorted
    }

    /// What is about nobody of ours, in a few words; none if there is nothing of the kind.
    pub(super) fn stray(&self) -> Option<String> {
        let (strangers, keyless) = (self.strangers, self.keyless);
        (strangers + keyless > 0).then(|| {
            format!(
                "of {} rows {strangers} are about no school that takes the service, {keyless} say \
                 of no school that they are about it",
                self.rows
            )
        })
    }

    /// What the answer says of `school`.
    pub(super) fn of(&self, school: Laestab, several: Several, absent: Absent) -> Judged {
        let judged = match self.schools.get(&school).map(Vec::as_slice) {
            // A list without any row of ours says nothing of anybody, whatever absence means.
            None | Some([]) if self.schools.is_empty() => Judged::unknown(
                Reason::Malformed,
                match self.rows {
                    0 => "the answer holds no rows at all".to_owned(),
                    n => format!("none of the {n} rows is about any of our schools: is key right?"),
                },
            ),
            None | Some([]) => {
                Judged::unknown(absent_reason(absent), "the answer does not hold this school")
            }
            Some([one]) if several == Several::Refuse || self.lost == 0 => one.clone(),
            Some(rows) if several == Several::Refuse => Judged::unknown(
                Reason::Malformed,
                format!("{} rows are about this school where one is meant", rows.len()),
            ),
            Some(rows) if self.lost == 0 => worst(rows),
            // Where a school may have several, any of them may be its worst.
            Some(rows) => worst(&[rows, &[unreadable(A_ROW)]].concat()),
        };
        let judged = judged.fact("rows", self.rows.to_string());
        match (self.strangers, self.keyless) {
            (0, 0) => judged,
            (strangers, keyless) => judged
                .fact("rows of no school of ours", strangers.to_string())
                .fact("rows without a key", keyless.to_string()),
        }
    }
}

/// What is said where a row that names the school has too few or too many cells.
const ITS_ROW: &str = "a row that names this school has too few or too many cells";
/// The same of one that may be anybody's.
const A_ROW: &str = "a row that may be about this school has too few or too many cells";

fn unreadable(why: &str) -> Judged {
    Judged::unknown(Reason::Malformed, why)
}

/// The worst row; of equals the one with the oldest data.
fn worst(rows: &[Judged]) -> Judged {
    let bad = rows.iter().map(|row| severity(row.verdict)).max().unwrap_or_default();
    let same = rows.iter().filter(|row| severity(row.verdict) == bad);
    let oldest = same.min_by_key(|row| row.source_at.map(|source| source.at));
    let mut worst = oldest
        .cloned()
        .unwrap_or_else(|| Judged::unknown(Reason::Malformed, "the answer holds no rows at all"));
    // The age of the whole is that of its oldest part.
    worst.source_at = rows.iter().filter_map(|row| row.source_at).min_by_key(|source| source.at);
    worst.detail = format!("{} (the worst of {})", worst.detail, rows.len());
    worst
}
