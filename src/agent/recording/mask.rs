//! What of a board may stand in a recording.
//!
//! A sentence may hold anything that a vendor wrote: a host, an appliance, a school, a person. So it
//! is not searched for what must go; a word stays if it is one of [`WORDS`], which are this program's
//! own, or a short number, a time or a size. Anything else is an ellipsis.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use crate::model::cell::{Cell, Handling, Row};
use crate::model::desk::CellName;
use crate::model::ids::{Laestab, ServiceKey};
use crate::model::text::Clean;
use crate::wire::board::Column;
use crate::wire::recording::{Names, RecordedCell};

/// Words that a sentence may keep. One a line; a name that is also one of them tells nobody anything.
static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("words.txt").lines().collect());
/// Services of every desk; any other column is declared by the configuration, and its name may say
/// anything.
const SERVICES: [&str; 7] = [
    "welearn365",
    "groupcall",
    "redstor",
    "future_digital",
    "smoothwall",
    "just2easy",
    "purple_mash",
];
/// What stands for what was left out.
const LEFT_OUT: &str = "…";
/// The local authority's code of the first invented school; no authority has one as high.
const INVENTED: u16 = 990;

/// Names of one recording, and what stands for them.
pub(super) struct Mask {
    names: Names,
    schools: BTreeMap<Laestab, (Laestab, Clean)>,
    services: BTreeMap<ServiceKey, ServiceKey>,
    operators: BTreeMap<Clean, usize>,
}

impl Mask {
    /// For these schools with their names, and these columns. Masked schools are numbered in an order
    /// that is another one each time and says nothing.
    pub fn new(names: Names, schools: &[(Laestab, Clean)], columns: &[Column]) -> Self {
        let mut order: Vec<&(Laestab, Clean)> = schools.iter().collect();
        if names == Names::Masked {
            let chance = RandomState::new();
            order.sort_by_cached_key(|(laestab, _)| (chance.hash_one(laestab.number()), *laestab));
        }
        let numbered = (1_u32..).zip(order).filter_map(|(n, (laestab, name))| {
            let told = match names {
                Names::Schools => (*laestab, name.clone()),
                Names::Masked => {
                    let la = INVENTED + u16::try_from(n / 10_000).ok()?;
                    let invented = Laestab::from_parts(la, u16::try_from(n % 10_000).ok()?)?;
                    (invented, Clean::new(&format!("School {n}")))
                }
            };
            Some((*laestab, told))
        });
        let keys = (1..).zip(columns).filter_map(|(n, column)| {
            let told = match SERVICES.contains(&column.key.as_str()) {
                true => column.key.clone(),
                false => format!("service_{n}").parse().ok()?,
            };
            Some((column.key.clone(), told))
        });
        Self {
            names,
            schools: numbered.collect(),
            services: keys.collect(),
            operators: BTreeMap::new(),
        }
    }

    /// Whose names stay.
    pub fn names(&self) -> Names {
        self.names
    }

    /// What a school is called.
    pub fn school(&self, laestab: Laestab) -> Option<(Laestab, Clean)> {
        self.schools.get(&laestab).cloned()
    }

    /// A row; none that is not in the recording.
    pub fn row(&self, row: Row) -> Option<Row> {
        match row {
            Row::Estate => Some(Row::Estate),
            Row::School(laestab) => Some(Row::School(self.schools.get(&laestab)?.0)),
        }
    }

    /// A service; none that is not in the recording.
    pub fn service(&self, key: &ServiceKey) -> Option<ServiceKey> {
        self.services.get(key).cloned()
    }

    /// A cell by name; none that is not in the recording.
    pub fn name(&self, cell: &CellName) -> Option<CellName> {
        Some(CellName { row: self.row(cell.row)?, service: self.service(&cell.service)? })
    }

    /// The columns.
    pub fn columns(&self, columns: &[Column]) -> Vec<Column> {
        let told = (1..).zip(columns).filter_map(|(n, column)| {
            let key = self.service(&column.key)?;
            if key == column.key {
                // A desk may label a service as it likes.
                let label = sentence(column.label.as_str());
                let label = if label.contains(LEFT_OUT) { key.to_string() } else { label };
                let label = Clean::new(&label);
                return Some(Column { key, label, code: column.code.clone(), ..column.clone() });
            }
            let (label, code) = (format!("Service {n}"), format!("S{n}"));
            let (label, code) = (Clean::new(&label), Clean::new(&code));
            Some(Column { key, label, code, watched: column.watched })
        });
        told.collect()
    }

    /// A person, by a number that is theirs through the whole recording.
    pub fn operator(&mut self, name: &Clean) -> Clean {
        let next = self.operators.len() + 1;
        let n = *self.operators.entry(name.clone()).or_insert(next);
        Clean::new(&format!("operator {n}"))
    }

    /// A cell.
    pub fn cell(&mut self, cell: &Cell) -> RecordedCell {
        let handling = cell.handling.as_ref();
        RecordedCell {
            health: cell.health,
            reason: cell.reason,
            why: self.sentence(&cell.why),
            since: cell.since,
            handling: handling.map(|h| Handling { by: self.operator(&h.by), ..h.clone() }),
            follows_from: cell.follows_from.as_ref().and_then(|cause| {
                let service = self.service(&cause.service)?;
                Some(crate::model::cell::Cause { service, scope: cause.scope })
            }),
        }
    }

    /// A sentence.
    pub fn sentence(&self, text: &Clean) -> Clean {
        Clean::new(&sentence(text.as_str()))
    }
}

/// What may stay of a sentence.
fn sentence(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for (n, word) in words.iter().enumerate() {
        let beside = |n: Option<usize>| n.and_then(|n| words.get(n)).is_some_and(|w| is_bare(w));
        // Two numbers side by side may be a telephone or a LAESTAB.
        let is_split = is_bare(word) && (beside(n.checked_sub(1)) || beside(n.checked_add(1)));
        let told = if is_split { None } else { kept(word) };
        match told {
            Some(told) => out.push(told),
            // Several words that are left out are one.
            None if out.last().is_some_and(|last| last == LEFT_OUT) => {}
            None => out.push(LEFT_OUT.to_owned()),
        }
    }
    out.join(" ")
}

const BEFORE: [char; 4] = ['(', '"', '\'', '['];
const BEHIND: [char; 10] = [')', '"', '\'', ']', '.', ',', ';', ':', '?', '!'];

/// A word with the marks around it, if it may stay.
fn kept(word: &str) -> Option<String> {
    let core = word.trim_start_matches(BEFORE).trim_end_matches(BEHIND);
    if core.is_empty() {
        return word
            .chars()
            .all(|c| BEFORE.contains(&c) || BEHIND.contains(&c))
            .then(|| word.into());
    }
    let stays = |part: &str| {
        WORDS.contains(part) || is_number(part) || matches!(part, "->" | "-" | "&" | "%" | "+")
    };
    (stays(core) || core.split('/').all(stays)).then(|| word.to_owned())
}

/// A number and nothing else.
fn is_bare(word: &str) -> bool {
    let core = word.trim_end_matches(BEHIND);
    !core.is_empty() && core.bytes().all(|b| b.is_ascii_digit())
}

/// A number of at most four digits, with a unit or not; a share; a time of day.
fn is_number(word: &str) -> bool {
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if let Some((hours, minutes)) = word.split_once(':') {
        return digits(hours, 2) && minutes.split(':').all(|part| digits(part, 2));
    }
    let number = word.trim_end_matches(['h', 'd', 'm', 's', 'w', '%']);
    let is_unit_short = word.len() - number.len() <= 1;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    // `0123` is part of something else.
    let is_plain = whole.len() == 1 || !whole.starts_with('0');
    is_unit_short && is_plain && digits(whole, 4) && digits(part, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_in_order_each_once_and_none_is_a_first_name_of_the_demo() {
        let all: Vec<&str> = include_str!("words.txt").lines().collect();
        assert_eq!(all.len(), WORDS.len());
        assert!(all.iter().all(|w| w.trim() == *w && !w.is_empty() && w.len() <= 20));
    }

    #[test]
    fn what_the_program_says_stays_and_what_names_something_goes() {
        for text in [
            "no data since Sat 03:02; limit 50h",
            "no answer since 23 Nov 22:14; an answer counts for 3h",
            "same as the whole estate",
            "stations fell from 120 to 31, 74% since the last good day; limit 30%",
            "Groupcall: we were refused; the credential is missing, wrong or expired",
        ] {
            assert_eq!(sentence(text), text);
        }
        for (text, masked) in [
            ("Xporter on SRV-DC01 is stopped", "Xporter on … is stopped"),
            ("Abbots Green Primary (9991001): no data", "… no data"),
            ("backup of THURSTON-NAS01: failed", "backup of … failed"),
            ("m.sharp12 is locked", "… is locked"),
            ("OU=Oak,DC=x: not found", "… not found"),
            ("call 01284 700123, or 937 1234", "call … or …"),
            ("10.20.30.40 does not answer", "… does not answer"),
            ("https://oak.example/x refused", "… refused"),
            ("a.b@oak.example is late", "… is late"),
        ] {
            assert_eq!(sentence(text), masked);
        }
    }
}
