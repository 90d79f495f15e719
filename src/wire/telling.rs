//! What is told of two moments and of a handover, in words: the same on the screen and in a command.

use jiff::Timestamp;

use crate::model::calendar::london;
use crate::model::health::{Health, Reason};
use crate::model::plan::Outcome;
use crate::model::span::Span;
use crate::wire::action::ActionRow;
use crate::wire::past::{Diff, Differs, Done, Handover, Named, Open, Sort, Standing};
use crate::wire::runs::Stretch;

/// A heading and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The heading.
    pub heading: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// What is said where there are none.
    pub none: &'static str,
}

/// A moment in London, with its zone.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(london()).strftime("%a %-d %b %Y %H:%M %Z").to_string()
}

/// How long before `now`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = u64::try_from(now.duration_since(at).as_secs()).unwrap_or_default();
    format!("{} ago", Span::from_secs(seconds).short())
}

/// A stretch in which nobody looked.
#[must_use]
pub fn nobody_looked(stretch: &Stretch) -> String {
    format!(
        "no agent ran from {} to {}: nobody looked, and nothing is known of it",
        moment(stretch.from),
        moment(stretch.until)
    )
}

/// One cell that differs, in a line.
#[must_use]
pub fn differs_line(differs: &Differs) -> String {
    let Differs { sort, cell, before, after, worst, ran_out } = differs;
    let was = match (before.health, before.reason) {
        (Health::Unknown, Some(Reason::NotRecorded)) => "not recorded",
        (health, _) => health.word(),
    };
    let mut line = format!("{}, {}: {was} -> {}", cell.name, cell.label, after.health.word());
    if let Some(worst) = worst {
        let at = moment(worst.at);
        line.push_str(&format!("; {} meanwhile, at {at}: {}", worst.health.word(), worst.why));
    }
    if let Some(had) = ran_out {
        let until = had.until.map(|at| format!(", which ended {}", moment(at))).unwrap_or_default();
        line.push_str(&format!("; {} had it ({}{until})", had.by, had.kind.word()));
    }
    let why = match sort {
        Sort::Worse | Sort::Stands | Sort::RanOut => &after.why,
        Sort::Better => &before.why,
        Sort::Meanwhile => return line,
    };
    if !why.is_empty() {
        line.push_str(&format!("; {why}"));
    }
    if let Some(has) = after.handling.as_ref().filter(|_| after.health.is_trouble()) {
        line.push_str(&format!("; {} has it ({})", has.by, has.kind.word()));
    }
    line
}

/// What is not in the list, each in a line.
pub fn left_out(diff: &Diff) -> impl Iterator<Item = String> {
    let counts = [
        (
            diff.more,
            ("more cell differs and is not listed", "more cells differ and are not listed"),
        ),
        (
            diff.followed,
            (
                "cell only followed from another and is not listed",
                "cells only followed from others and are not listed",
            ),
        ),
        (
            diff.not_recorded,
            (
                "cell cannot be compared: a moment is not recorded for it",
                "cells cannot be compared: a moment is not recorded for them",
            ),
        ),
    ];
    counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, (one, many))| format!("{count} {}", if count == 1 { one } else { many }))
}

/// Two moments compared: since when, what nobody saw, what is left out.
#[must_use]
pub fn diff_head(diff: &Diff) -> Vec<String> {
    let mut lines = vec![format!("from {} to {}", moment(diff.from), moment(diff.until))];
    lines.extend(diff.nobody_looked.iter().map(nobody_looked));
    if diff.cells.is_empty() {
        lines.push("no cell differs by itself, and none was worse meanwhile".to_owned());
    }
    lines.extend(left_out(diff));
    lines
}

/// What differs, in the order in which it is told; only what there is.
#[must_use]
pub fn diff_parts(diff: &Diff) -> Vec<Part> {
    let of = |sort: Sort| {
        let cells = diff.cells.iter().filter(|d| d.sort == sort);
        let lines: Vec<String> = cells.map(differs_line).collect();
        Part { heading: format!("{} ({})", sort.word(), lines.len()), lines, none: "" }
    };
    Sort::ALL.into_iter().map(of).filter(|part| !part.lines.is_empty()).collect()
}

fn part(heading: &str, lines: Vec<String>, none: &'static str) -> Part {
    Part { heading: heading.to_owned(), lines, none }
}

/// Everything, in the order in which it is told.
#[must_use]
pub fn handover_parts(page: &Handover) -> Vec<Part> {
    let of = |sorts: &[Sort]| -> Vec<String> {
        let cells = page.diff.cells.iter().filter(|d| sorts.contains(&d.sort));
        cells.map(differs_line).collect()
    };
    let mut open: Vec<String> = page.open.iter().map(|open| open_line(open, page)).collect();
    if page.open_more > 0 {
        open.push(format!("and {} more", page.open_more));
    }
    let mut all = vec![
        part("Broke, and still broken", of(&[Sort::Worse]), "nothing that is known"),
        part("Nobody has it any more", of(&[Sort::RanOut]), "nothing ran out while it is bad"),
        part("Broke, and is well or better", of(&[Sort::Better, Sort::Meanwhile]), "nothing"),
        part("Open, and whose", open, "nothing is in trouble by itself"),
        part(
            "Runs out in this shift",
            page.runs_out.iter().map(ends_line).collect(),
            "nothing that somebody has",
        ),
        part(
            &format!("Runs out in the next shift, until {}", moment(page.next_shift_ends)),
            page.runs_out_next.iter().map(ends_line).collect(),
            "nothing that somebody has",
        ),
        part(
            "Credentials that end",
            page.credentials.iter().map(|c| format!("{}: {}", c.cell.label, c.why)).collect(),
            "none within 30 days, of those whose end is known",
        ),
        part("Done by the desk", page.done.iter().map(done_line).collect(), "nothing"),
    ];
    let stands = of(&[Sort::Stands]);
    if !stands.is_empty() {
        all.insert(1, part("Broken, and how it stood before is not recorded", stands, ""));
    }
    if let Some(why) = &page.untold {
        all.push(part("Actions and tickets", vec![format!("not told: {why}")], ""));
        return all;
    }
    all.extend([
        part("Actions", page.actions.iter().map(action_line).collect(), "none"),
        part("To look at", page.to_look_at.iter().map(action_line).collect(), "nothing"),
        part("Tickets that stand", page.tickets.iter().map(ticket_line).collect(), "none"),
    ]);
    all
}

fn place(cell: &Named) -> String {
    format!("{}, {}", cell.name, cell.label)
}

fn open_line(open: &Open, page: &Handover) -> String {
    let Open { cell, stands } = open;
    let has = stands.handling.as_ref().map_or_else(
        || "NOBODY has it".to_owned(),
        |has| {
            let until = has.until.map(|at| format!(" until {}", moment(at))).unwrap_or_default();
            format!("{} has it ({}{until})", has.by, has.kind.word())
        },
    );
    let since = stands.since.map(|at| format!(" since {} ({})", moment(at), ago(at, page.as_of)));
    let word = stands.health.word();
    format!("{}: {word}{}; {has}; {}", place(cell), since.unwrap_or_default(), stands.why)
}

fn ends_line(open: &Open) -> String {
    let has = open.stands.handling.as_ref();
    let (by, kind) = has.map_or(("", ""), |has| (has.by.as_str(), has.kind.word()));
    let until = has.and_then(|has| has.until).map(moment).unwrap_or_default();
    format!("{until}: {}: {kind}, {by}; {} now", place(&open.cell), open.stands.health.word())
}

fn done_line(done: &Done) -> String {
    let mut cells: Vec<String> = done.cells.iter().take(3).map(place).collect();
    let told = u32::try_from(cells.len()).unwrap_or(u32::MAX);
    if done.many > told {
        cells.push(format!("and {} more", done.many - told));
    }
    let until = done.until.map(|at| format!(" until {}", moment(at))).unwrap_or_default();
    let why = if done.why.is_empty() { String::new() } else { format!(": {}", done.why) };
    let (at, kind) = (moment(done.at), done.kind.word());
    format!("{at}: {} {kind} {}{until}{why}", done.by, cells.join("; "))
}

fn action_line(row: &ActionRow) -> String {
    let reference = row.reference.as_ref().map(|r| format!(", {r}")).unwrap_or_default();
    let look = if row.needs_a_look { "; needs a look" } else { "" };
    let (at, outcome) = (moment(row.at), Outcome::words(row.outcome));
    format!("{at}: {} {} {}: {outcome}{reference}{look}", row.by.name, row.action, row.aim)
}

fn ticket_line(standing: &Standing) -> String {
    let cells: Vec<String> = standing.cells.iter().take(3).map(place).collect();
    let ticket = &standing.ticket;
    format!("{} ({}, {}): {}", ticket.number, ticket.by, moment(ticket.at), cells.join("; "))
}

/// Since when, why so, and what is not known.
#[must_use]
pub fn handover_head(page: &Handover) -> Vec<String> {
    let since = format!(
        "since {} ({}; {})",
        moment(page.since),
        ago(page.since, page.as_of),
        page.why_since
    );
    let mut lines = vec![since, format!("as of {}", moment(page.as_of))];
    lines.extend(page.diff.nobody_looked.iter().map(nobody_looked));
    lines.extend(left_out(&page.diff));
    lines
}
