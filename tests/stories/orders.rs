//! What a story orders about incidents, and what it reads of them.

use caretaker::engine::incidents::{Incidents, Order, Said};
use caretaker::model::cell::Row;
use caretaker::model::desk::CellName;
use caretaker::model::incident::IncidentState;
use caretaker::model::text::Clean;
use jiff::Timestamp;

use crate::story;

fn row(name: &str) -> Row {
    if name == "estate" { Row::Estate } else { Row::School(name.parse().unwrap()) }
}

fn cell(place: &str) -> CellName {
    let (place, service) = place.split_once('/').expect("a cell is written 9990101/groupcall");
    CellName { row: row(place), service: service.parse().unwrap() }
}

/// Carries out an order; what came differently than the story tells.
pub fn carry_out(all: &mut Incidents, at: Timestamp, told: &story::Order) -> Option<String> {
    let said = Said { by: Clean::new(&told.by), why: Clean::new(&told.why), number: 1 };
    let order = match (told.merge, told.split, told.resolve) {
        (Some(from), None, None) => {
            Order::Merge { from, into: told.into.expect("a merge needs `into`"), said }
        }
        (None, Some(id), None) => {
            Order::Split { id, cells: told.cells.iter().map(|c| cell(c)).collect(), said }
        }
        (None, None, Some(id)) => Order::Resolve { id, said, anyway: told.anyway },
        _ => panic!("an order is one of merge, split and resolve"),
    };
    match (all.order(at, order), &told.refused) {
        (Ok(_), None) => None,
        (Ok(_), Some(words)) => Some(format!("not refused, though told so: {words}")),
        (Err(refused), Some(words)) if refused.to_string().contains(words) => None,
        (Err(refused), _) => Some(format!("refused: {refused}")),
    }
}

/// The open incidents: root, how many cells are in trouble of how many, and whether it is quiet.
pub fn open(all: &Incidents) -> String {
    let told = all.open().map(|held| {
        let root = match held.incident.first.row {
            Row::Estate => "estate".to_owned(),
            Row::School(laestab) => laestab.to_string(),
        };
        let quiet = if held.incident.quiet_since.is_some() { ", quiet" } else { "" };
        let here = held.members.values().filter(|member| member.moved.is_none()).count();
        let (bad, id) = (held.in_trouble(), held.incident.id);
        format!("{id} {root}/{}: {bad} of {here}{quiet}", held.incident.first.service)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Those that ended, and how.
pub fn ended(all: &Incidents) -> String {
    let told = all.closed().map(|held| {
        let how = match &held.incident.state {
            IncidentState::Open => "open".to_owned(),
            IncidentState::Over { .. } => "over".to_owned(),
            IncidentState::Merged { into, .. } => format!("merged into {into}"),
            IncidentState::Resolved { by, .. } => format!("resolved by {by}"),
        };
        format!("{} {how}", held.incident.id)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// What stands in the log of an incident.
pub fn log(all: &Incidents, id: &str) -> String {
    let held = id.parse().ok().and_then(|id| all.get(id));
    let lines = held.into_iter().flat_map(|held| &held.entries).map(|line| {
        let by = line.by.as_ref().map_or("by itself", |by| by.as_str());
        let other = line.other.map(|other| format!(" {other}")).unwrap_or_default();
        format!("{by} {}{other}: {}", line.deed.word(), line.why)
    });
    lines.collect::<Vec<_>>().join("; ")
}
