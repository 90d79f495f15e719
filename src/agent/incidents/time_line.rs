//! The time line: what was seen, said and done, in one order. Knows no clock and reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::guard::acted_on;
use crate::hub::Held as Board;
use crate::model::cell::{Row, StateChange};
use crate::model::desk::{CellName, DeskEntry, DeskKind};
use crate::model::health::Health;
use crate::model::ids::ServiceKey;
use crate::model::incident::{IncidentDeed, IncidentEntry, IncidentState, KeptIncident, Member};
use crate::model::plan::Outcome;
use crate::model::text::Clean;
use crate::model::when::written;
use crate::ports::ledger::Held;
use crate::wire::incident::{IncidentLine, TimeLine, TimeLineKind};

/// Cells of one line that are told by name.
const TOLD: usize = 10;

/// What was read for it.
pub(super) struct Sources {
    /// History and book of each row.
    pub rows: Vec<(Row, Vec<StateChange>, Vec<DeskEntry>)>,
    /// Actions about its cells.
    pub actions: Vec<Held>,
    /// Labels of actions.
    pub labels: BTreeMap<String, String>,
}

/// What it is made of.
pub(super) struct Read<'a> {
    pub kept: &'a KeptIncident,
    pub line: &'a IncidentLine,
    pub sources: &'a Sources,
    pub now: Timestamp,
}

impl Read<'_> {
    fn until(&self) -> Timestamp {
        self.kept.incident.state.ended_at().unwrap_or(self.now)
    }

    fn is_within(&self, at: Timestamp) -> bool {
        (self.kept.incident.opened_at..=self.until()).contains(&at)
    }

    /// Whether a cell was part of it then.
    fn member_at(&self, cell: &CellName, at: Timestamp) -> bool {
        let found = self.kept.members.binary_search_by(|m| m.cell.cmp(cell));
        let member = found.ok().and_then(|place| self.kept.members.get(place));
        member.is_some_and(|m| {
            at >= m.from && (m.moved.is_none() || m.until.is_none_or(|until| at <= until))
        })
    }
}

/// The whole time line, oldest first.
pub(super) fn time_line(board: &Board, read: &Read<'_>) -> Vec<TimeLine> {
    let mut all = began_and_ended(read);
    all.extend(states(board, read));
    all.extend(rest(board, read));
    all.extend(vendors(board, read));
    all.extend(book(board, read));
    all.extend(read.kept.entries.iter().map(|(_, entry)| of_log(entry)));
    all.extend(read.sources.actions.iter().map(|held| of_action(held, &read.sources.labels)));
    // At one moment: first that it began, then what few cells did before what many did, last that it
    // ended.
    let is_end =
        |line: &TimeLine| line.kind == TimeLineKind::Incident && line.at != read.line.opened_at;
    all.sort_by_key(|line| (line.at, is_end(line), line.kind, line.cells));
    all
}

fn line(at: Timestamp, kind: TimeLineKind, what: &str) -> TimeLine {
    let what = Clean::new(what);
    TimeLine { at, kind, who: None, what, about: Vec::new(), cells: 0, number: None }
}

fn about(mut line: TimeLine, cells: &[CellName]) -> TimeLine {
    line.cells = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    line.about = cells.iter().take(TOLD).cloned().collect();
    line
}

fn began_and_ended(read: &Read<'_>) -> Vec<TimeLine> {
    let incident = &read.kept.incident;
    let kind = TimeLineKind::Incident;
    let mut out = vec![line(incident.opened_at, kind, &format!("began: {}", incident.why))];
    match &incident.state {
        IncidentState::Over { at } => {
            out.push(line(
                *at,
                kind,
                "the last of its cells was well; over a quarter of an hour later",
            ));
        }
        IncidentState::Merged { at, into } => {
            out.push(line(*at, kind, &format!("became part of incident {into}")));
        }
        // An operator's doing stands in the log.
        IncidentState::Resolved { .. } => {}
        IncidentState::Open => {
            if let Some(quiet) = incident.quiet_since {
                out.push(line(quiet, kind, "all its cells are well"));
            }
        }
    }
    out
}

/// Changes that are told as one: same minute, service, and same from and to.
type Same = (i64, ServiceKey, Health, Health, bool, bool);

/// Changes of its cells, alike ones together.
fn states(board: &Board, read: &Read<'_>) -> Vec<TimeLine> {
    let mut alike: BTreeMap<Same, (Timestamp, Clean, Vec<CellName>)> = BTreeMap::new();
    for (row, history, _) in &read.sources.rows {
        for change in history {
            let cell = CellName { row: *row, service: change.service.clone() };
            if !read.is_within(change.at) || !read.member_at(&cell, change.at) {
                continue;
            }
            let minute = change.at.as_second().div_euclid(60);
            let StateChange { from, to, follows, first, .. } = change;
            let same = (minute, cell.service.clone(), *from, *to, *follows, *first);
            let found =
                alike.entry(same).or_insert_with(|| (change.at, change.why.clone(), vec![]));
            found.0 = found.0.min(change.at);
            found.2.push(cell);
        }
    }
    let told = alike.into_iter().map(|((_, _, from, to, _, first), (at, why, cells))| {
        let places = places(board, &cells);
        let label = cells.first().map(|cell| board.service_label(cell)).unwrap_or_default();
        let from = if first { "first seen".to_owned() } else { from.word().to_owned() };
        let why =
            if to.is_trouble() && !why.is_empty() { format!(": {why}") } else { String::new() };
        let what = format!("{label}, {places}: {from} -> {}{why}", to.word());
        about(line(at, TimeLineKind::State, &what), &cells)
    });
    told.collect()
}

/// Where cells are: the place of one, the number of several schools.
fn places(board: &Board, cells: &[CellName]) -> String {
    match cells {
        [one] => board.place_name(one.row),
        many => format!("{} schools", many.len()),
    }
}

/// Beginnings and ends of the cells whose history was not read.
fn rest(board: &Board, read: &Read<'_>) -> Vec<TimeLine> {
    let rows: BTreeSet<Row> = read.sources.rows.iter().map(|(row, ..)| *row).collect();
    let unread: Vec<&Member> =
        read.kept.members.iter().filter(|m| !rows.contains(&m.cell.row)).collect();
    let mut alike: BTreeMap<(i64, bool, ServiceKey), (Timestamp, Vec<CellName>)> = BTreeMap::new();
    for member in unread {
        let ends = member.until.filter(|_| member.moved.is_none());
        for (at, is_end) in [(Some(member.from), false), (ends, true)] {
            let Some(at) = at else { continue };
            let key = (at.as_second().div_euclid(60), is_end, member.cell.service.clone());
            let found = alike.entry(key).or_insert((at, Vec::new()));
            found.0 = found.0.min(at);
            found.1.push(member.cell.clone());
        }
    }
    let told = alike.into_iter().map(|((_, is_end, _), (at, cells))| {
        let label = cells.first().map(|cell| board.service_label(cell)).unwrap_or_default();
        let word = if is_end { "well again" } else { "in trouble" };
        let what = format!("{label}, {}: {word}", places(board, &cells));
        about(line(at, TimeLineKind::State, &what), &cells)
    });
    told.collect()
}

/// The numbers of a vendor's own incidents that a sentence names: "incident MO123456", "advisory EX1".
fn vendor_numbers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .collect();
    let pairs: Vec<(&str, &str)> =
        words.iter().zip(words.iter().skip(1)).map(|(word, number)| (*word, *number)).collect();
    pairs.into_iter().filter(|(word, number)| {
        matches!(*word, "incident" | "advisory" | "issue")
            && number.chars().any(|c| c.is_ascii_digit())
            && number.chars().any(|c| c.is_ascii_uppercase())
    })
}

/// When a vendor's own incident was first named, and the work that it announced of the roots.
fn vendors(board: &Board, read: &Read<'_>) -> Vec<TimeLine> {
    let mut first: BTreeMap<(String, String), (Timestamp, CellName)> = BTreeMap::new();
    for (row, history, _) in &read.sources.rows {
        for change in history {
            let cell = CellName { row: *row, service: change.service.clone() };
            if !read.is_within(change.at) || !read.member_at(&cell, change.at) {
                continue;
            }
            for (word, number) in vendor_numbers(change.why.as_str()) {
                let key = (word.to_owned(), number.to_owned());
                let known = first.entry(key).or_insert_with(|| (change.at, cell.clone()));
                if change.at < known.0 {
                    *known = (change.at, cell.clone());
                }
            }
        }
    }
    let named = first.into_iter().map(|((word, number), (at, cell))| {
        let label = board.service_label(&cell);
        let what = format!("the vendor of {label} tells of {word} {number}");
        about(line(at, TimeLineKind::Vendor, &what), &[cell])
    });
    let mut out: Vec<TimeLine> = named.collect();
    let roots: BTreeSet<&CellName> = read.kept.members.iter().map(|m| &m.root).take(TOLD).collect();
    for root in roots {
        let Some(column) = board.world().column_of(root) else { continue };
        let checks = board.world().checks(root.row, column);
        for window in checks.into_iter().flat_map(|check| check.windows) {
            if !read.is_within(window.from) {
                continue;
            }
            let until =
                window.until.map(|at| format!(", until {}", written(at))).unwrap_or_default();
            let what =
                format!("{}: announced work: {}{until}", board.service_label(root), window.title);
            out.push(about(
                line(window.from, TimeLineKind::Vendor, &what),
                std::slice::from_ref(root),
            ));
        }
    }
    out
}

/// Entries of the desk's book about its cells, but for those that its own log has.
fn book(board: &Board, read: &Read<'_>) -> Vec<TimeLine> {
    let logged: BTreeSet<u64> = read.kept.entries.iter().filter_map(|(_, e)| e.desk).collect();
    let mut found: BTreeMap<u64, (&DeskEntry, Vec<CellName>)> = BTreeMap::new();
    for (_, _, entries) in &read.sources.rows {
        for entry in entries {
            let here = entry.cells.iter().filter(|cell| read.member_at(cell, entry.at));
            let here: Vec<CellName> = here.cloned().collect();
            if !read.is_within(entry.at) || logged.contains(&entry.id) || here.is_empty() {
                continue;
            }
            found.entry(entry.id).or_insert_with(|| (entry, Vec::new())).1.extend(here);
        }
    }
    let told = found.into_values().map(|(entry, cells)| {
        let label = cells.first().map(|cell| board.service_label(cell)).unwrap_or_default();
        let until = entry.until.map(|at| format!(" until {}", written(at))).unwrap_or_default();
        let what = match entry.kind {
            DeskKind::Note => format!("{label}, {}: {}", places(board, &cells), entry.why),
            kind => {
                let why = said(&entry.why);
                format!("{label}, {}: {}{until}{why}", places(board, &cells), kind.word())
            }
        };
        let told = TimeLine {
            who: Some(entry.by.clone()),
            number: Some(entry.id).filter(|_| !entry.why.is_empty()),
            ..line(entry.at, TimeLineKind::Desk, &what)
        };
        about(told, &cells)
    });
    told.collect()
}

fn said(why: &Clean) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

fn of_log(entry: &IncidentEntry) -> TimeLine {
    let (n, why) = (entry.cells, said(&entry.why));
    let cells = if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") };
    let other = entry.other.unwrap_or(0);
    let what = match entry.deed {
        IncidentDeed::Note => entry.why.to_string(),
        IncidentDeed::Claim => format!("claimed: {cells}{why}"),
        IncidentDeed::GiveBack => format!("gave back: {cells}{why}"),
        IncidentDeed::Merge => format!("incident {other} became part of this one, {cells}{why}"),
        IncidentDeed::Split => format!("{cells} parted from it, now incident {other}{why}"),
        IncidentDeed::PartedFrom => format!("parted from incident {other}, {cells}{why}"),
        IncidentDeed::Resolve if n == 0 => format!("resolved{why}"),
        IncidentDeed::Resolve => format!("resolved by hand with {cells} still in trouble{why}"),
    };
    let kind = if entry.by.is_none() { TimeLineKind::Incident } else { TimeLineKind::Desk };
    let number = entry.desk.filter(|_| !entry.why.is_empty());
    TimeLine { who: entry.by.clone(), cells: n, number, ..line(entry.at, kind, &what) }
}

/// An action without its reason, which may hold a name.
fn of_action(held: &Held, labels: &BTreeMap<String, String>) -> TimeLine {
    let label = labels.get(held.action.as_str()).map_or(held.action.as_str(), String::as_str);
    let is_ticket = held.action.as_str() == "desk.raise_ticket";
    let kind = if is_ticket { TimeLineKind::Ticket } else { TimeLineKind::Action };
    let reference =
        held.reference.as_ref().map(|number| format!(", reference {number}")).unwrap_or_default();
    let aim = held.item.aim.masked();
    let what = format!("{label}, {aim}: {}{reference}", Outcome::words(held.outcome));
    let told = TimeLine { who: Some(held.by.name.clone()), ..line(held.at, kind, &what) };
    about(told, &acted_on(held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::{Item, Kind, Operator};

    #[test]
    fn a_vendors_own_number_is_found_in_the_sentence_and_nothing_else_is() {
        let found = |text| vendor_numbers(text).map(|(_, n)| n.to_owned()).collect::<Vec<_>>();
        assert_eq!(found("Exchange Online: outage (incident EX502273, mail, slow)"), ["EX502273"]);
        assert_eq!(found("Teams: slow (advisory TM1; incident MO22)"), ["TM1", "MO22"]);
        assert_eq!(found("an incident at 9"), [""; 0]);
        assert_eq!(found("no data since Sat 03:02"), [""; 0]);
        assert_eq!(found("incident"), [""; 0]);
    }

    #[test]
    fn an_action_is_told_without_a_name_and_a_ticket_by_its_number() {
        let held = |action: &str, aim: &str, reference: Option<&str>| Held {
            plan: "p".into(),
            action: action.parse().unwrap(),
            by: Operator { uid: 1, login: None, name: "asha".into() },
            item: Item {
                key: "0123456789abcdef".into(),
                aim: aim.parse().unwrap(),
                also: Vec::new(),
                kind: Kind::School,
                lease: Clean::default(),
                now: Vec::new(),
                steps: Vec::new(),
                sends: Vec::new(),
                protective: false,
                will_not: Vec::new(),
                beware: Vec::new(),
                undo: None,
                second_person: None,
            },
            at: Timestamp::UNIX_EPOCH,
            steps: Vec::new(),
            outcome: Some(Outcome::Accepted),
            closed: false,
            reference: reference.map(Clean::new),
        };
        let labels =
            BTreeMap::from([("desk.raise_ticket".to_owned(), "Raise a ticket".to_owned())]);
        let lock =
            of_action(&held("welearn365.lock_account", "9991001/sam:m.sharp12", None), &labels);
        assert_eq!(
            (lock.kind, lock.what.as_str()),
            (
                TimeLineKind::Action,
                "welearn365.lock_account, 9991001/sam:m.....: ACCEPTED, not seen yet"
            )
        );
        assert_eq!(lock.about.len(), 1, "its school's cell");
        let ticket = held("desk.raise_ticket", "9991001/groupcall", Some("INC0041233"));
        let ticket = of_action(&ticket, &labels);
        assert_eq!(ticket.kind, TimeLineKind::Ticket);
        let text = ticket.what.as_str();
        assert!(
            text.contains("Raise a ticket") && text.ends_with("reference INC0041233"),
            "{text}"
        );
    }

    #[test]
    fn a_line_of_the_log_says_who_did_what_to_how_much() {
        let entry = |deed, cells, other: Option<u64>| IncidentEntry {
            at: Timestamp::UNIX_EPOCH,
            by: Some("asha".into()),
            deed,
            why: "one cause".into(),
            other,
            cells,
            desk: None,
        };
        let told = |deed, cells, other| of_log(&entry(deed, cells, other)).what.to_string();
        assert_eq!(told(IncidentDeed::Note, 3, None), "one cause");
        assert_eq!(told(IncidentDeed::Claim, 1, None), "claimed: 1 cell: one cause");
        let merged = told(IncidentDeed::Merge, 2, Some(7));
        assert_eq!(merged, "incident 7 became part of this one, 2 cells: one cause");
        assert_eq!(told(IncidentDeed::Resolve, 0, None), "resolved: one cause");
        let by_hand = told(IncidentDeed::Resolve, 2, None);
        assert_eq!(by_hand, "resolved by hand with 2 cells still in trouble: one cause");
    }
}
