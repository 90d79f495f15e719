//! The line that is asked for before an incident is noted, merged, split or resolved.

use super::incidents::plain;
use super::prompt::{two_lines, typing};
use super::{Act, Answer, View};
use crate::tui::keymap::Command;
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen};
use crate::tui::wish::Wish;
use crate::wire::Clean;
use crate::wire::board::Row;
use crate::wire::desk::CellName;
use crate::wire::incident::{IncidentDo, IncidentLine, IncidentOrder};

/// What resolves an incident though cells of it are in trouble.
const ANYWAY: &str = "anyway";

/// The prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentWord {
    kind: IncidentDo,
    id: u64,
    title: Clean,
    /// Cells of it that are in trouble.
    bad: u32,
    field: Field,
}

impl IncidentWord {
    /// A line about an incident.
    #[must_use]
    pub fn new(kind: IncidentDo, line: &IncidentLine) -> Self {
        let (id, title, bad) = (line.id, line.title.clone(), line.in_trouble);
        Self { kind, id, title, bad, field: Field::default() }
    }

    /// The order that is typed, in words too; or what is missing.
    fn understood(&self) -> Result<(IncidentOrder, String), String> {
        let text = self.field.text().trim();
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let because = |why: &str| {
            let why = Clean::new(why);
            if why.is_empty() { Err("and why".to_owned()) } else { Ok(why) }
        };
        let order = plain(self.kind);
        Ok(match self.kind {
            IncidentDo::Merge => {
                let into =
                    first.parse().map_err(|_| "the number of the other one, and why".to_owned())?;
                if into == self.id {
                    return Err("that is this one: the number of another".to_owned());
                }
                let said = format!("it becomes part of incident {into}");
                (IncidentOrder { into: Some(into), why: because(rest)?, ..order }, said)
            }
            IncidentDo::Split => {
                let cells = cells(first)?;
                let n = cells.len();
                let what = if n == 1 { "cell parts" } else { "cells part" };
                let said = format!("{n} {what} from it, with what follows from there");
                (IncidentOrder { cells, why: because(rest)?, ..order }, said)
            }
            IncidentDo::Resolve if self.bad > 0 => {
                if first != ANYWAY {
                    let bad = self.bad;
                    return Err(format!(
                        "{bad} of its cells in trouble: type  anyway  and why, or wait"
                    ));
                }
                let said = "resolved by hand; its cells are set aside until they are well or worse";
                (IncidentOrder { anyway: true, why: because(rest)?, ..order }, said.to_owned())
            }
            IncidentDo::Resolve => {
                let why = Clean::new(text);
                if why.is_empty() {
                    return Err("what solved it".to_owned());
                }
                (
                    IncidentOrder { why, ..order },
                    "resolved; a new failure opens a new one".to_owned(),
                )
            }
            IncidentDo::Note | IncidentDo::Claim | IncidentDo::GiveBack => {
                let why = Clean::new(text);
                if why.is_empty() {
                    return Err(
                        "for whoever comes next and for the review; no pupil's name".to_owned()
                    );
                }
                (IncidentOrder { why, ..order }, "Enter notes it".to_owned())
            }
        })
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command) -> Answer {
        typing(&mut self.field, command).answer(|| {
            let (order, _) = self.understood().ok()?;
            let wish = Wish::OrderIncident { id: self.id, order: Box::new(order) };
            Some(vec![Act::Close, Act::Guard(wish)])
        })
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        Answer::Consumed
    }

    /// Draws the two last lines.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>) -> usize {
        let head = match self.kind {
            IncidentDo::Merge => " merge into > ",
            IncidentDo::Split => " split off > ",
            IncidentDo::Resolve => " resolved, because > ",
            IncidentDo::Note | IncidentDo::Claim | IncidentDo::GiveBack => " note > ",
        };
        let said = match self.understood() {
            Ok((_, words)) => Line::of(format!(" {words}"), Role::Text),
            Err(missing) => Line::of(format!(" {missing}"), Role::Message),
        };
        let said = said.and(format!("   incident {}: {}", self.id, self.title), Role::Quiet);
        two_lines(pen, view.size, (head, &self.field), &said);
        2
    }
}

/// Cells as they are typed, with commas between: `9371234/groupcall,estate/groupcall`.
fn cells(text: &str) -> Result<Vec<CellName>, String> {
    let help =
        || "LAESTAB/SERVICE, commas between, and why: 9371234/groupcall another matter".to_owned();
    let each = text.split(',').filter(|part| !part.is_empty()).map(|part| {
        let (row, service) = part.split_once('/')?;
        let row = match row {
            "estate" => Row::Estate,
            school => Row::School(school.parse().ok()?),
        };
        Some(CellName { row, service: service.parse().ok()? })
    });
    let found: Option<Vec<CellName>> = each.collect();
    found.filter(|cells| !cells.is_empty()).ok_or_else(help)
}
