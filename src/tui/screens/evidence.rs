//! The evidence of one service: every check with its rule, facts, our time and the vendor's.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{Answer, View, draw_text, read_on, row_name};
use crate::tui::keymap::Command;
use crate::tui::screens::page::announced;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, state_word, wrap};
use crate::wire::board::Row;
use crate::wire::page::ServiceView;
use crate::wire::{CheckView, Health, ServiceKey, SourceTime, Zone};

/// The pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceScreen {
    row: Row,
    service: ServiceKey,
    scroll: usize,
}

impl EvidenceScreen {
    /// The evidence of a cell.
    #[must_use]
    pub fn new(row: Row, service: ServiceKey) -> Self {
        Self { row, service, scroll: 0 }
    }

    /// The row whose page it reads.
    #[must_use]
    pub fn row(&self) -> Row {
        self.row
    }

    fn view(&self, view: &View<'_>) -> Option<ServiceView> {
        let page = view.page(self.row)?;
        page.services.iter().find(|s| s.service == self.service).cloned()
    }

    /// Its name in line 1.
    #[must_use]
    pub fn title(&self, view: &View<'_>) -> String {
        let service = self.view(view);
        let label = service.as_ref().map_or(self.service.as_str(), |s| s.label.as_str());
        format!("{} > {label}", row_name(self.row, view.rows))
    }

    fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let Some(service) = self.view(view) else {
            return vec![Line::of(" the agent has not told yet", Role::Quiet)];
        };
        let room = view.size.0.saturating_sub(16);
        let mut lines = vec![Line::default()];
        if service.checks.is_empty() {
            let text = match view.past {
                Some(_) => " the evidence of past moments is not kept; the page tells the sentence",
                None if view.facts.in_replay => {
                    " evidence is not in a recording; the page tells the sentence"
                }
                None => no_checks(&service),
            };
            lines.push(Line::of(text, Role::Quiet));
        }
        for check in &service.checks {
            check_lines(&mut lines, check, room, view.now);
            lines.push(Line::default());
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let len = self.lines(view).len();
        read_on(command, &mut self.scroll, len, view)
    }

    /// Draws the pane.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        draw_text(pen, area, &self.lines(view), self.scroll, view)
    }
}

/// Why a service has no checks to show.
pub(super) fn no_checks(service: &ServiceView) -> &'static str {
    match service.cell.health {
        Health::NotSubscribed => " the school does not take it, or nothing watches it here",
        _ => " asking the agent ...",
    }
}

/// A moment with its age: `Sat 03:02 (3d ago)`.
pub(super) fn moment_and_age(at: Timestamp, now: Timestamp) -> String {
    // The clock on the screen is that of the last minute; what was asked since is not ahead.
    if at.as_second() - now.as_second() > times::MINUTE_S {
        return format!("{} (ahead of us)", times::moment(at, now));
    }
    format!("{} ({} ago)", times::moment(at, now), times::age(at, now))
}

/// The vendor's time and how its zone was decided.
pub(super) fn vendor_time(source: SourceTime, now: Timestamp) -> String {
    let zone = match source.zone {
        Zone::Given => "zone given by the vendor",
        Zone::Assumed => "no zone written",
        Zone::Ours => "our own clock",
    };
    format!("{}, {zone}", moment_and_age(source.at, now))
}

fn check_lines(lines: &mut Vec<Line>, check: &CheckView, room: u16, now: Timestamp) {
    let (word, role) = state_word(check.health, false, false, false);
    let reason = check.reason.map(|r| format!(", {}", r.word().replace('_', " ")));
    lines.push(
        Line::of(format!(" {:<13} ", check.label), Role::Title)
            .and(word, role)
            .and(reason.unwrap_or_default(), role)
            .and(format!("   {}", check.check), Role::Quiet),
    );
    let mut say = |label: &str, text: &str| {
        for (n, part) in wrap(text, room).into_iter().enumerate() {
            let label = if n == 0 { label } else { "" };
            lines.push(Line::of(format!("   {label:<11} "), Role::Quiet).and(part, Role::Text));
        }
    };
    say("why", check.why.as_str());
    say("rule", check.rule.as_str());
    if !check.green_when.is_empty() {
        say("green when", check.green_when.as_str());
    }
    if check.soft {
        say("tries", &format!("{} of {}; not yet confirmed", check.tries.0, check.tries.1));
    }
    for (label, at) in [("since", check.since), ("last good", check.good_at)] {
        if let Some(at) = at {
            say(label, &moment_and_age(at, now));
        }
    }
    say(
        "we asked",
        &check
            .observed_at
            .map_or_else(|| "no answer has come yet".to_owned(), |at| moment_and_age(at, now)),
    );
    if let Some(source) = check.source_at {
        say("vendor's time", &vendor_time(source, now));
    }
    if let Some(until) = check.fresh_until {
        say("counts until", &times::moment(until, now));
    }
    for number in &check.numbers {
        say(&number.name.as_str().replace('_', " "), &format!("{}", number.value));
    }
    for window in &check.windows {
        say("announced", &announced(window, now));
    }
    for fact in &check.evidence {
        say(fact.name.as_str(), fact.value.as_str());
    }
}
