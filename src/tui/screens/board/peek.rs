//! The peek: why the cell under the cursor is as it is, in a few lines.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::BoardScreen;
use crate::tui::screens::evidence::moment_and_age;
use crate::tui::screens::likewise::{last_time, only_us};
use crate::tui::screens::look::acting_words;
use crate::tui::screens::page::{announced, before, ticket_words};
use crate::tui::screens::{View, row_name};
use crate::tui::state::Rows;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, rule, state_word, wrap};
use crate::wire::board::{Column, CompactCell, Row};
use crate::wire::desk::DeskKind;
use crate::wire::page::{Page, ServiceView};
use crate::wire::{Health, Scope, Zone};

impl BoardScreen {
    pub(super) fn draw_peek(&self, pen: &mut Pen<'_>, area: Rect, rows: &Rows, view: &View<'_>) {
        let Some(row) = self.row() else {
            let text = "Enter opens or closes this line";
            pen.text(area.x + 1, area.y + 1, area.width, text, Role::Quiet);
            return;
        };
        let n = self.column(rows);
        let Some((column, cell)) = rows.columns.get(n).zip(rows.cells(row).get(n)) else { return };
        let heading = format!("{} / {}", row_name(row, view.rows), column.label);
        pen.line(area.x, area.y, area.width, &rule(&heading, area.width));
        let held = view.pages.get(row);
        let page = view.page(row);
        let service =
            page.as_ref().and_then(|p| p.services.iter().find(|s| s.service == column.key));
        let (why, more) = match (page.as_deref(), service) {
            (Some(page), Some(service)) => {
                (why(service, area.width), told(page, service, (row, area.width), view.now))
            }
            _ => untold(cell, column, held.and_then(|h| h.error.as_deref()), view.now),
        };
        let acting = view.acts.on(row, Some(&column.key)).take(2);
        let acting = acting.map(|open| labelled("acting", acting_words(open, view)));
        let lines = why.into_iter().chain(acting).chain(more);
        for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
            pen.line(area.x + 1, y, area.width.saturating_sub(2), &line);
        }
    }
}

fn labelled(label: &str, text: impl Into<String>) -> Line {
    Line::of(format!("{label:<11}"), Role::Quiet).and(text, Role::Text)
}

/// Why, and what else the compact board knows, until the page comes.
fn untold(
    cell: &CompactCell,
    column: &Column,
    error: Option<&str>,
    now: Timestamp,
) -> (Vec<Line>, Vec<Line>) {
    let handled = cell.handling.is_some();
    let (word, role) = state_word(cell.health, cell.follows_from.is_some(), handled, cell.quiet);
    let mut state = Line::of(format!("{:<11}", "state"), Role::Quiet).and(word, role);
    if let Some(since) = cell.since {
        let at = times::at_second(since);
        state = state.and(format!(" since {}", moment_and_age(at, now)), Role::Text);
    }
    let asks = match (column.watched, error) {
        (false, _) => labelled("why", "nothing watches this service"),
        (true, Some(why)) => labelled("why", format!("the agent could not tell: {why}")),
        (true, None) => labelled("why", "asking the agent ..."),
    };
    (vec![asks], vec![state])
}

/// Why the cell is as it is, in two lines at most.
fn why(service: &ServiceView, columns: u16) -> Vec<Line> {
    let why = service.cell.why.as_str();
    let why = if why.is_empty() { "the school does not take it" } else { why };
    let parts = wrap(why, columns.saturating_sub(15)).into_iter().take(2).enumerate();
    parts.map(|(n, part)| labelled(if n == 0 { "why" } else { "" }, part)).collect()
}

/// What the page tells besides why.
fn told(
    page: &Page,
    service: &ServiceView,
    (row, columns): (Row, u16),
    now: Timestamp,
) -> Vec<Line> {
    let cell = &service.cell;
    let mut lines: Vec<Line> = service
        .tickets
        .iter()
        .map(|ticket| labelled("ticket", ticket_words(ticket, now)))
        .collect();
    if cell.health == Health::NotSubscribed {
        return lines;
    }
    if let Some(step) = service.next_steps.first() {
        let text = wrap(step.text.as_str(), columns.saturating_sub(15)).into_iter().take(2);
        let link = Some(step.link.to_string()).filter(|link| !link.is_empty());
        let parts = text.chain(link).enumerate();
        lines.extend(parts.map(|(n, p)| labelled(if n == 0 { "next step" } else { "" }, p)));
    }
    if row != Row::Estate {
        lines.extend(only_us(service).into_iter().map(|(label, text)| labelled(label, text)));
    }
    if let Some(line) = follows(page, service) {
        lines.push(line);
    }
    if !service.affects.is_empty() {
        let name = |key: &crate::wire::ServiceKey| {
            let view = page.services.iter().find(|s| s.service == *key);
            view.map_or_else(|| key.to_string(), |v| v.label.as_str().to_owned())
        };
        let names: Vec<_> = service.affects.iter().map(name).collect();
        lines.push(labelled("affects", names.join(", ")));
    }
    if let Some(handling) = &cell.handling {
        let until = handling.until.map(|at| format!(" until {}", times::moment(at, now)));
        let kind = handling.kind.word();
        let text = format!("{}, {kind}{}", handling.by, until.unwrap_or_default());
        lines.push(labelled("has it", text));
    }
    let windows = service.windows.iter().take(2);
    lines.extend(windows.map(|w| labelled("announced", announced(w, now))));
    let note = page
        .desk
        .iter()
        .find(|e| e.kind == DeskKind::Note && e.services.contains(&service.service));
    lines.extend(
        note.map(|e| {
            labelled("note", format!("{}, {}: {}", e.by, times::moment(e.at, now), e.why))
        }),
    );
    checked(&mut lines, service, now);
    if let Some(at) = cell.since {
        lines.push(labelled("since", moment_and_age(at, now)));
    }
    lines.extend(last_time(page, service, now).map(|text| labelled("last time", text)));
    for change in page.history.iter().filter(|h| h.service == service.service).take(4) {
        let words = format!(
            "{} {} -> {}: {}",
            times::moment(change.at, now),
            before(change),
            change.to.word().replace('_', " "),
            change.why
        );
        lines.push(labelled("before", words));
    }
    let facts = service.checks.iter().flat_map(|c| &c.evidence);
    lines.extend(facts.map(|f| labelled("evidence", format!("{} {}", f.name, f.value))));
    lines
}

/// The worst check: when we asked, the vendor's own time, the rule that judged it.
fn checked(lines: &mut Vec<Line>, service: &ServiceView, now: Timestamp) {
    let Some(check) = service.checks.iter().max_by_key(|c| c.health) else { return };
    let mut seen = check.label.as_str().to_owned();
    match check.observed_at {
        Some(at) => seen.push_str(&format!(", asked {}", times::moment(at, now))),
        None => seen.push_str(", no answer has come yet"),
    }
    if let Some(source) = check.source_at {
        let zone = match source.zone {
            Zone::Given => "",
            Zone::Assumed => ", no zone",
            Zone::Ours => ", by our clock",
        };
        seen.push_str(&format!("; vendor wrote {}{zone}", times::moment(source.at, now)));
    }
    lines.push(labelled("seen", seen));
    let mut rule = check.rule.as_str().to_owned();
    if check.soft {
        rule.push_str(&format!("; try {} of {}, not confirmed", check.tries.0, check.tries.1));
    }
    lines.push(labelled("rule", rule));
}

fn follows(page: &Page, service: &ServiceView) -> Option<Line> {
    let cause = service.cell.follows_from.as_ref()?;
    let view = page.services.iter().find(|s| s.service == cause.service);
    let label = view.map_or(cause.service.as_str(), |v| v.label.as_str());
    let whose = match cause.scope {
        Scope::Estate => "for the whole estate",
        Scope::School => "of this school",
    };
    Some(labelled("follows", format!("from {label} {whose}")))
}
