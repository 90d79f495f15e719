//! The incident that a recording was made of, as it stood at the moment that is shown. Other incidents
//! are not in a recording: none is told as if there were no other.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::player::Player;
use crate::agent::problem::Refusal;
use crate::model::cell::{Cell, Row};
use crate::model::desk::CellName;
use crate::model::health::Health;
use crate::model::incident::IncidentState;
use crate::model::text::Clean;
use crate::wire::VERSION;
use crate::wire::incident::{
    Had, IncidentLine, IncidentMember, IncidentPage, IncidentPlaces, Incidents, MOST_MEMBERS,
    TimeLine, TimeLineKind,
};
use crate::wire::recording::{RecordedIncident, RecordedMember};

/// The incident, once it has begun.
fn begun(player: &Player) -> Result<&RecordedIncident, Refusal> {
    let incident = player.tape.recording().head.incident.as_ref().ok_or_else(|| {
        Refusal::not_found("this is a recording of a period: incidents are not in it")
    })?;
    if player.at() < incident.opened_at {
        return Err(Refusal::not_found(&format!(
            "incident {}, of which this recording was made, has not begun at the moment shown; others \
             are not in it",
            incident.id
        )));
    }
    Ok(incident)
}

fn cell(player: &Player, name: &CellName) -> Cell {
    let columns = &player.tape.recording().head.columns;
    let column = columns.iter().position(|column| column.key == name.service);
    let cells = player.tape.cells(name.row);
    let found = cells.zip(column).and_then(|(cells, column)| cells.get(column));
    found.map(Cell::from).unwrap_or_default()
}

fn is_in(member: &RecordedMember, at: Timestamp) -> bool {
    member.from <= at && member.until.is_none_or(|until| until > at)
}

fn place(player: &Player, row: Row) -> Clean {
    let schools = &player.tape.recording().schools;
    match row {
        Row::Estate => Clean::new("whole estate"),
        Row::School(laestab) => schools
            .iter()
            .find(|school| school.laestab == laestab)
            .map_or_else(|| Clean::new(&laestab.to_string()), |school| school.name.clone()),
    }
}

fn label(player: &Player, name: &CellName) -> Clean {
    let columns = &player.tape.recording().head.columns;
    let found = columns.iter().find(|column| column.key == name.service);
    found.map_or_else(|| Clean::new(name.service.as_str()), |column| column.label.clone())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn had(player: &Player, bad: &[&RecordedMember]) -> Had {
    let mut had = Had::default();
    for member in bad.iter().filter(|member| member.is_root) {
        let Some(handling) = cell(player, &member.cell).handling else {
            had.nobody += 1;
            continue;
        };
        had.somebody += 1;
        if !had.by.contains(&handling.by) {
            had.by.push(handling.by.clone());
        }
        had.handling.get_or_insert(handling);
    }
    had
}

fn line(player: &Player, incident: &RecordedIncident) -> IncidentLine {
    let at = player.at();
    let come: Vec<&RecordedMember> = incident.members.iter().filter(|m| m.from <= at).collect();
    let bad: Vec<&RecordedMember> = come.iter().copied().filter(|m| is_in(m, at)).collect();
    let ended = incident.state.ended_at().is_some_and(|ended| ended <= at);
    let state = if ended { incident.state.clone() } else { IncidentState::Open };
    let meant = if bad.is_empty() { &come } else { &bad };
    let schools: BTreeSet<Row> =
        meant.iter().map(|m| m.cell.row).filter(|row| *row != Row::Estate).collect();
    let roots: Vec<&&RecordedMember> = come.iter().filter(|m| m.is_root).collect();
    let joint = if incident.first.row == Row::Estate { ", " } else { " at " };
    let whole = incident.first.row == Row::Estate || roots.len() < 2;
    let place = match whole {
        true => place(player, incident.first.row).to_string(),
        false => format!("{} schools", schools.len()),
    };
    let worst = bad.iter().map(|m| cell(player, &m.cell).health).max().unwrap_or(Health::Ok);
    IncidentLine {
        id: incident.id,
        title: Clean::new(&format!("{}{joint}{place}", label(player, &incident.first))),
        why: incident.why.clone(),
        state,
        health: worst,
        since: incident.since,
        opened_at: incident.opened_at,
        quiet_since: (bad.is_empty() && !ended)
            .then(|| come.iter().filter_map(|m| m.until).max())
            .flatten(),
        first: incident.first.clone(),
        roots: count(roots.len()),
        in_trouble: count(bad.len()),
        cells: count(come.len()),
        schools: count(schools.len()),
        pupils: 0,
        had: had(player, &bad),
    }
}

/// `GET /v1/incidents`: the one.
pub(super) fn list(player: &Player) -> Result<Incidents, Refusal> {
    let incident = begun(player)?;
    let at = player.at();
    let bad = incident.members.iter().filter(|member| is_in(member, at));
    let schools: BTreeSet<_> = bad
        .filter_map(|member| match member.cell.row {
            Row::School(laestab) => Some(laestab),
            Row::Estate => None,
        })
        .collect();
    let schools = schools.into_iter().collect();
    Ok(Incidents {
        version: VERSION,
        revision: player.revision(),
        as_of: at,
        settled: true,
        incidents: vec![line(player, incident)],
        more_ended: false,
        places: vec![IncidentPlaces { id: incident.id, schools }],
    })
}

/// The incidents that a row is in at the moment.
pub(super) fn of_row(player: &Player, row: Row) -> Vec<u64> {
    let Ok(incident) = begun(player) else { return Vec::new() };
    let at = player.at();
    let is_here = incident.members.iter().any(|m| m.cell.row == row && is_in(m, at));
    if is_here { vec![incident.id] } else { Vec::new() }
}

/// `GET /v1/incidents/{id}`.
pub(super) fn page(player: &Player, id: &str) -> Result<IncidentPage, Refusal> {
    let incident = begun(player)?;
    if id.parse() != Ok(incident.id) {
        return Err(Refusal::not_found("only the incident that it was made of is in a recording"));
    }
    let at = player.at();
    let mut come: Vec<&RecordedMember> = incident.members.iter().filter(|m| m.from <= at).collect();
    come.sort_by_key(|m| (!m.is_root, !is_in(m, at), m.from));
    let members = come.iter().take(MOST_MEMBERS).map(|member| {
        let stands = cell(player, &member.cell);
        IncidentMember {
            cell: member.cell.clone(),
            place: place(player, member.cell.row),
            service: label(player, &member.cell),
            is_root: member.is_root,
            from: member.from,
            until: member.until.filter(|until| *until <= at),
            health: stands.health,
            reason: stands.reason,
            spells: 1,
            handling: stands.handling.filter(|_| is_in(member, at)),
            moved: None,
        }
    });
    let known = |text: &str| Clean::new(text);
    Ok(IncidentPage {
        version: VERSION,
        as_of: at,
        incident: line(player, incident),
        members: members.collect(),
        members_left_out: count(come.len().saturating_sub(MOST_MEMBERS)),
        time_line: time_line(player, incident),
        not_known: vec![
            known(
                "this is a recording: other incidents, vendors' own numbers and anybody's words are not in it",
            ),
            known("how often a cell went bad, and what came after the recording, are not in it"),
        ],
    })
}

/// Notes, and changes of the incident's cells, up to the moment.
fn time_line(player: &Player, incident: &RecordedIncident) -> Vec<TimeLine> {
    let tape = &player.tape;
    let rows: BTreeSet<Row> = incident.members.iter().map(|m| m.cell.row).collect();
    let cells: BTreeSet<&CellName> = incident.members.iter().map(|m| &m.cell).collect();
    let mut out: Vec<TimeLine> = tape
        .notes()
        .map(|note| TimeLine {
            at: note.at,
            kind: note.kind,
            who: note.who.clone(),
            what: note.what.clone(),
            about: note.about.clone(),
            cells: note.cells,
            number: None,
        })
        .collect();
    for row in rows {
        for change in tape.history(row) {
            let name = CellName { row, service: change.service.clone() };
            if !cells.contains(&name) {
                continue;
            }
            let why = if change.why.is_empty() || !change.to.is_trouble() {
                String::new()
            } else {
                format!(": {}", change.why)
            };
            let what = format!(
                "{}, {}: {} -> {}{why}",
                label(player, &name),
                place(player, row),
                change.from.word(),
                change.to.word()
            );
            out.push(TimeLine {
                at: change.at,
                kind: TimeLineKind::State,
                who: None,
                what: Clean::new(&what),
                about: vec![name],
                cells: 1,
                number: None,
            });
        }
    }
    out.sort_by_key(|line| (line.at, line.kind));
    out
}
