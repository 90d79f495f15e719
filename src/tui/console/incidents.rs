//! Incidents: when they are read, and what came of an order.

use std::time::Duration;

use super::{Console, Effect};
use crate::config::GroupBy;
use crate::tui::screens::Layer;
use crate::tui::screens::board::has_foot;
use crate::tui::screens::incidents::IncidentsScreen;
use crate::tui::times;
use crate::tui::wish::Wish;
use crate::wire::incident::{IncidentDo, IncidentDone, Incidents};

/// While the board changes, they are read again at most so often.
const EVERY: Duration = Duration::from_secs(5);

/// What is known of how old they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reading {
    /// The board changed since they were read.
    pub is_old: bool,
    /// When they were last asked for.
    asked: Option<Duration>,
}

impl Console {
    /// Opens the list.
    pub(super) fn open_incidents(&mut self) {
        self.layers.push(Layer::Incidents(IncidentsScreen::default()));
        self.ask_for_incidents();
    }

    /// Whether the board shows incidents below its list: neither of the past nor of a recording.
    fn has_foot(&self) -> bool {
        has_foot(self.size) && self.away.is_none() && self.replay().is_none()
    }

    /// Whether the board shows incidents: as its groups, or below its list.
    fn board_shows_them(&self) -> bool {
        let groups = self.board.group() == GroupBy::Incident && self.away.is_none();
        groups || self.has_foot()
    }

    /// Takes which schools are part of which, for the board's groups.
    pub(super) fn places(&mut self, answer: Result<Box<Incidents>, String>) {
        match answer {
            _ if self.away.is_some() => {}
            Err(why) if !self.has_foot() => {
                self.message = Some(format!("incidents cannot be read: {why}"));
            }
            told => self.board.take_places(told, self.rows.as_ref(), self.now),
        }
    }

    /// Asks for what the open screens show.
    pub(super) fn ask_for_incidents(&mut self) {
        self.incidents = Reading { is_old: false, asked: Some(self.mono) };
        if self.board_shows_them() {
            self.effects.push(Effect::Guard(Wish::Places));
        }
        for layer in &self.layers {
            match layer {
                Layer::Incidents(_) => self.effects.push(Effect::Guard(Wish::Incidents)),
                Layer::Incident(screen) => {
                    self.effects.push(Effect::Guard(Wish::Incident(screen.id())));
                }
                _ => {}
            }
        }
    }

    /// Where they are on the screen and the board has changed, they are read again.
    pub(super) fn read_incidents_again(&mut self, mono: Duration) {
        let is_shown = match self.layers.last() {
            Some(top) => {
                matches!(top, Layer::Incidents(_) | Layer::Incident(_) | Layer::IncidentWord(_))
            }
            None => self.board_shows_them() && self.rows.is_some(),
        };
        let is_due = self.incidents.asked.is_none_or(|at| mono >= at + EVERY);
        let unread = self.layers.is_empty() && self.board.lacks_incidents();
        if is_shown && is_due && (self.incidents.is_old || unread) && self.is_known() {
            self.ask_for_incidents();
        }
    }

    /// Takes what came of an order about an incident.
    pub(super) fn ordered(&mut self, id: u64, answer: Result<Box<IncidentDone>, String>) {
        self.message = Some(match answer {
            Ok(done) => self.ordered_words(id, &done),
            Err(why) => format!("nothing was done: {why}"),
        });
        self.pages.outdate_all();
        self.ask_for_incidents();
    }

    fn ordered_words(&self, id: u64, done: &IncidentDone) -> String {
        let Some(handled) = done.handled.as_ref().filter(|_| done.kind != IncidentDo::Note) else {
            return match done.kind {
                IncidentDo::Merge => format!("incident {id} is part of incident {} now", done.id),
                IncidentDo::Split => format!("parted from it: incident {} now", done.id),
                IncidentDo::Resolve => format!("incident {id} is resolved"),
                IncidentDo::Note => format!("noted at incident {id}"),
                IncidentDo::Claim | IncidentDo::GiveBack => "nothing was done".to_owned(),
            };
        };
        if handled.done == 0 {
            let why = handled.left_out_cells.first().map(|left| left.why.to_string());
            return format!("nothing was done: {}", why.unwrap_or_default());
        }
        let until = handled.until.map(|at| format!(" until {}", times::moment(at, self.now)));
        let cells = if handled.done == 1 { "cell" } else { "cells" };
        let mut out = format!(
            "incident {id} {}: {} {cells}{}",
            handled.kind.word(),
            handled.done,
            until.unwrap_or_default()
        );
        if handled.taken_over > 0 {
            out.push_str(&format!("; {} somebody else had before", handled.taken_over));
        }
        if done.kind == IncidentDo::Claim {
            out.push_str("; u twice gives back");
        }
        out
    }
}
