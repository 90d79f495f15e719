//! Draws the board. Only the rows that are seen are built.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::layout::{Parts, Widths};
use super::{BoardScreen, Item, Spot};
use crate::tui::keymap::Scope;
use crate::tui::screens::expiring::draw_first;
use crate::tui::screens::page::body_of;
use crate::tui::screens::prompt::said;
use crate::tui::screens::{View, row_name};
use crate::tui::state::{Class, Rows, Standing};
use crate::tui::theme::Role;
use crate::tui::times::{age, moment};
use crate::tui::widgets::{Line, Pen, cut, hints, look};
use crate::wire::board::{CompactCell, Row, SchoolRow};
use crate::wire::past::Past;
use crate::wire::replay::{Playing, Replay};

/// What has to be said of the past, the most needful first.
fn past_line(past: &Past, present: Timestamp) -> Line {
    let line = Line::of(format!("PAST, {} ago", age(past.at, present)), Role::Past);
    if past.nobody_looked.is_some() {
        let line = line.and(": no agent ran then, nobody looked", Role::Message);
        return line.and("; Esc goes to now", Role::Text);
    }
    let line = line.and(": Esc goes to now; nothing can be done here", Role::Text);
    match past.not_recorded {
        0 => line,
        1 => line.and("; 1 cell not recorded", Role::Message),
        n => line.and(format!("; {n} cells not recorded"), Role::Message),
    }
}

/// What has to be said of a recording, and what was last done in it.
fn replay_line(replay: &Replay) -> Line {
    let over = if replay.playing == Playing::Over { ", and it ends here" } else { "" };
    let names = if replay.names_schools { "" } else { ", names masked" };
    let line = Line::of("REPLAY", Role::Past)
        .and(format!("{names}: not what is so now{over}"), Role::Text);
    match &replay.note {
        Some(note) => line.and(format!("; {note}"), Role::Message),
        None => line,
    }
}

/// One row of the matrix, whoever it is about.
struct Drawn<'a> {
    row: Row,
    name: &'a str,
    name_role: Role,
    cells: &'a [CompactCell],
    school: Option<&'a SchoolRow>,
    at_cursor: bool,
    marked: bool,
}

impl BoardScreen {
    /// Draws everything but line 1. Gives the number of rows built.
    pub fn draw(&self, pen: &mut Pen<'_>, view: &View<'_>, message: Option<&str>) -> usize {
        let parts = Parts::of(view.size);
        let (y, rows) = parts.hints;
        hints(pen, (0, y, view.size.0, rows), view.keymap, Scope::Board, view.facts);
        self.draw_message(pen, &parts, view, message);
        let Some(rows) = view.rows else { return 0 };
        if let Some(y) = parts.totals {
            let room = view.size.0.saturating_sub(2);
            pen.line(1, y, room, &self.totals(rows, view, room));
        }
        let services = u16::try_from(rows.columns.len()).unwrap_or(u16::MAX);
        let widths = Widths::of(parts.columns, services);
        self.draw_heads(pen, &parts, &widths, rows);
        let estate = Drawn {
            row: Row::Estate,
            name: "whole estate",
            name_role: Role::Estate,
            cells: &rows.estate,
            school: None,
            at_cursor: self.spot == Some(Spot::Estate),
            marked: false,
        };
        self.draw_row(pen, parts.heads + 1, &widths, &estate, rows, view);
        let built = self.draw_list(pen, &parts, &widths, rows, view);
        if let Some(area) = parts.peek {
            self.draw_peek(pen, area, rows, view);
        }
        let below = parts.foot.filter(|_| view.past.is_none() && rows.replay.is_none());
        let below = below.map_or(0, |(incidents, endings)| {
            self.incidents.draw_first(pen, incidents, view) + draw_first(pen, endings, view)
        });
        let side = parts.side.zip(self.row());
        let beside =
            side.map_or(0, |(area, row)| body_of(pen, area, row, Some(self.column(rows)), 0, view));
        built + 1 + beside + below
    }

    fn draw_message(
        &self,
        pen: &mut Pen<'_>,
        parts: &Parts,
        view: &View<'_>,
        message: Option<&str>,
    ) {
        let Some(y) = parts.message else { return };
        let room = view.size.0.saturating_sub(2);
        if let Some(text) = message {
            pen.text(1, y, room, text, Role::Message);
            return;
        }
        let Some(rows) = view.rows else { return };
        if let Some(past) = view.past {
            pen.line(1, y, room, &past_line(past, view.present));
        } else if let Some(replay) = &rows.replay {
            pen.line(1, y, room, &replay_line(replay));
        } else if !self.marks.is_empty() {
            pen.line(1, y, room, &self.mark_line(rows));
        } else if !rows.settled {
            let text = "first answers are still coming; not every check has been tried yet";
            pen.text(1, y, room, text, Role::Quiet);
        } else if !rows.not_watched.is_empty() {
            let text = match rows.not_watched.len() {
                1 => "1 thing is not watched; a school's page tells which".to_owned(),
                n => format!("{n} things are not watched; a school's page tells which"),
            };
            pen.text(1, y, room, &text, Role::Quiet);
        }
    }

    /// Marks, and first of all those that are not shown.
    fn mark_line(&self, rows: &Rows) -> Line {
        let shown =
            |laestab| rows.find(laestab).is_some_and(|n| self.items.contains(&Item::School(n)));
        let hidden = self.marks.iter().filter(|m| !shown(**m)).count();
        let names: Vec<&str> = self
            .marks
            .iter()
            .filter_map(|m| rows.by_laestab(*m).map(|r| r.name.as_str()))
            .take(4)
            .collect();
        let hidden = match hidden {
            0 => String::new(),
            n => format!(" ({n} not shown here)"),
        };
        let more = if self.marks.len() > names.len() { ", .." } else { "" };
        Line::of(format!("{} marked{hidden}: ", self.marks.len()), Role::Marked)
            .and(format!("{}{more}", names.join(", ")), Role::Text)
    }

    /// Line 2: always true, whatever the filter. In as many words as there is room for.
    fn totals(&self, rows: &Rows, view: &View<'_>, room: u16) -> Line {
        let forms: [[&str; 9]; 5] = [
            [
                "nobody has: ",
                "not asked yet: ",
                "somebody has: ",
                "follows: ",
                "ok: ",
                "not set up: ",
                "last known: ",
                "to approve: ",
                "to look at: ",
            ],
            [
                "nobody ",
                "not asked ",
                "somebody ",
                "follows ",
                "ok ",
                "not set up ",
                "last known: ",
                "approve ",
                "look at ",
            ],
            [
                "nobody ",
                "unasked ",
                "somebody ",
                "follows ",
                "ok ",
                "none ",
                "last known: ",
                "approve ",
                "look at ",
            ],
            ["", "? ", "has ", "^ ", "ok ", "- ", "were: ", "approve ", "look "],
            ["", "?", "@", "^", ".", "-", "were ", "app ", "look "],
        ];
        let lines = forms.map(|words| self.totals_in(rows, view, words));
        let fits = lines.iter().find(|l| l.width() <= room).or(lines.last()).cloned();
        fits.unwrap_or_default()
    }

    /// Schools in the list.
    fn shown(&self) -> usize {
        self.items.iter().filter(|i| matches!(i, Item::School(_))).count()
    }

    fn totals_in(&self, rows: &Rows, view: &View<'_>, words: [&str; 9]) -> Line {
        let [nobody, unasked, somebody, follows, ok, none, last_known, approve, look_at] = words;
        let split = &rows.split;
        // Once everything was tried, what has not been asked is plainly not known.
        let waits = if rows.settled { 0 } else { split.unasked };
        let unknown = split.unknown + split.unasked - waits;
        let mut line = Line::default();
        if !view.is_known {
            line = line.and(last_known, Role::Offline);
        }
        line = line.and(nobody, Role::Text);
        for (n, (letter, many, role)) in [
            ("C", split.critical, Role::Critical),
            ("U", unknown, Role::Unknown),
            ("W", split.warning, Role::Warning),
        ]
        .into_iter()
        .enumerate()
        {
            let gap = if n == 0 { "" } else { " " };
            let role = if many > 0 { role } else { Role::Text };
            line = line.and(gap, Role::Text).and(format!("{letter} {many}"), role);
        }
        let mut parts = Vec::new();
        if waits > 0 {
            parts.push((format!("{unasked}{waits}"), Role::Unknown));
        }
        parts.extend([
            (format!("{somebody}{}", split.somebody), Role::Text),
            (format!("{follows}{}", split.follows), Role::Text),
            (format!("{ok}{}", split.ok), Role::Text),
        ]);
        if split.not_subscribed > 0 {
            parts.push((format!("{none}{}", split.not_subscribed), Role::Text));
        }
        let (to_approve, to_look_at) = (view.acts.to_approve(view.now), view.acts.to_look_at());
        if to_approve > 0 {
            parts.push((format!("{approve}{to_approve}"), Role::Message));
        }
        if to_look_at > 0 {
            parts.push((format!("{look_at}{to_look_at}"), Role::Message));
        }
        if !self.filter.is_empty() {
            parts.push((format!("shown {} of {}", self.shown(), rows.len()), Role::Accent));
        }
        if rows.waiting() > 0 {
            parts.push((format!("{} changed", rows.waiting()), Role::Message));
        }
        for (text, role) in parts {
            line = line.and(" | ", Role::Text).and(text, role);
        }
        line
    }

    fn draw_heads(&self, pen: &mut Pen<'_>, parts: &Parts, widths: &Widths, rows: &Rows) {
        let y = parts.heads;
        pen.text(3, y, widths.name.saturating_sub(1), "School, worst first", Role::Quiet);
        let mut x = 3 + widths.name;
        if widths.cell == 0 {
            pen.text(x, y, 9, "worst", Role::Quiet);
            return;
        }
        let chosen = self.row().map(|_| self.column(rows));
        let shown = widths.shown(self.column(rows));
        if shown.start > 0 {
            pen.text(x - 3, y, 2, "..", Role::Key);
        }
        let columns = rows.columns.iter().enumerate().skip(shown.start).take(shown.len());
        for (n, column) in columns {
            let is_chosen = chosen == Some(n);
            if is_chosen {
                pen.text(x - 1, y, 1, ">", Role::Key);
            }
            let role = match (is_chosen, column.watched) {
                (true, _) => Role::Selected,
                (false, true) => Role::Title,
                (false, false) => Role::NotTaken,
            };
            pen.text(x, y, widths.cell - 1, column.code.as_str(), role);
            x += widths.cell;
        }
        if shown.end < rows.columns.len() {
            pen.text(x - 3, y, 2, "..", Role::Key);
        }
        for (room, head) in [
            (widths.days, "14 days"),
            (widths.has, "has it"),
            (widths.pupils, "pupils"),
            (widths.town, "town"),
            (widths.laestab, "number"),
            (widths.phase, "phase"),
        ] {
            pen.text(x, y, room.saturating_sub(1), head, Role::Quiet);
            x += room;
        }
    }

    fn draw_list(
        &self,
        pen: &mut Pen<'_>,
        parts: &Parts,
        widths: &Widths,
        rows: &Rows,
        view: &View<'_>,
    ) -> usize {
        if self.items.is_empty() {
            self.draw_empty(pen, parts.list, rows, view);
            return 0;
        }
        let mut built = 0;
        let lines = parts.list.y..parts.list.bottom();
        for (y, (n, item)) in lines.zip(self.items.iter().enumerate().skip(self.offset)) {
            let at_cursor = self.at == n + 1;
            match item {
                Item::Fold(class) => {
                    self.draw_fold(pen, y, parts.columns, *class, at_cursor, rows, view)
                }
                Item::Group(n) => self.draw_group(pen, (y, parts.columns), *n, at_cursor, view),
                Item::School(n) => {
                    let Some(school) = rows.school(*n) else { continue };
                    let row = Drawn {
                        row: Row::School(school.laestab),
                        name: school.name.as_str(),
                        name_role: Role::Text,
                        cells: &school.cells,
                        school: Some(school),
                        at_cursor,
                        marked: self.marks.contains(&school.laestab),
                    };
                    self.draw_row(pen, y, widths, &row, rows, view);
                }
            }
            built += 1;
        }
        built
    }

    /// An empty list says why it is empty.
    fn draw_empty(&self, pen: &mut Pen<'_>, area: Rect, rows: &Rows, view: &View<'_>) {
        let text = if rows.is_empty() {
            "no school is configured; `caretaker config check` tells what was read".to_owned()
        } else if self.filter.is_empty() {
            "no row to show".to_owned()
        } else {
            format!("no school of {} matches: {}", rows.len(), said(&self.filter, view))
        };
        pen.text(3, area.y, area.width.saturating_sub(4), &text, Role::Quiet);
    }

    #[expect(clippy::too_many_arguments, reason = "one line's place, class and surroundings")]
    fn draw_fold(
        &self,
        pen: &mut Pen<'_>,
        y: u16,
        columns: u16,
        class: Class,
        at_cursor: bool,
        rows: &Rows,
        view: &View<'_>,
    ) {
        let n = class.count(&rows.split);
        let text = match class {
            Class::Nobody => format!("nobody has it: {n}"),
            Class::Somebody => format!("somebody has it: {n}{}", runs_out(rows, view)),
            Class::Follows => {
                format!("follows from another school's or service's trouble: {n}")
            }
            Class::Ok if !view.is_known => format!("not known now; ok when last heard: {n}"),
            Class::Ok => format!("ok: {n}"),
            Class::NotSetUp => format!("not set up, nothing is watched: {n}"),
        };
        let sign = if self.open.contains(&class.index()) { "-" } else { "+" };
        let role = if at_cursor { Role::Selected } else { Role::Quiet };
        pen.text(0, y, 1, if at_cursor { ">" } else { " " }, Role::Key);
        pen.text(3, y, columns.saturating_sub(4), &format!("{sign} {text}"), role);
    }

    fn draw_row(
        &self,
        pen: &mut Pen<'_>,
        y: u16,
        widths: &Widths,
        row: &Drawn<'_>,
        rows: &Rows,
        view: &View<'_>,
    ) {
        if row.at_cursor {
            pen.text(0, y, 1, ">", Role::Key);
        }
        if row.marked {
            pen.text(1, y, 1, "*", Role::Marked);
        }
        if view.past.is_none() && view.looked.is_new(row.row) && is_open(row.cells) {
            pen.text(2, y, 1, "!", Role::Accent);
        }
        let name_role = match (row.at_cursor, row.marked) {
            (true, _) => Role::Selected,
            (false, true) => Role::Marked,
            (false, false) => row.name_role,
        };
        pen.text(3, y, widths.name.saturating_sub(1), row.name, name_role);
        let x = 3 + widths.name;
        if widths.cell == 0 {
            worst_cell(pen, x, y, row.cells, rows, view);
            return;
        }
        let x = self.draw_cells(pen, (x, y), widths, row, rows, view);
        let x = draw_days(pen, (x, y), widths, row.row, view);
        let acting = view.acts.on(row.row, None).next().map(|open| open.by.name.as_str());
        draw_extras(pen, x, y, widths, (row, acting));
    }

    fn draw_cells(
        &self,
        pen: &mut Pen<'_>,
        (mut x, y): (u16, u16),
        widths: &Widths,
        row: &Drawn<'_>,
        rows: &Rows,
        view: &View<'_>,
    ) -> u16 {
        let chosen = (row.at_cursor && self.column.is_some()).then(|| self.column(rows));
        let room = widths.cell - 1;
        let shown = widths.shown(self.column(rows));
        let cells = rows.columns.iter().zip(row.cells).enumerate();
        for (n, (column, cell)) in cells.skip(shown.start).take(shown.len()) {
            let look = look(cell, column, &rows.columns, (view.now, view.is_known), room);
            let style = if chosen == Some(n) {
                pen.theme().style(Role::Cursor)
            } else {
                pen.theme().tinted(look.role, look.strength)
            };
            let acting = view.acts.on(row.row, Some(&column.key)).next().is_some();
            let text = if acting { acted_on(&look.text, room) } else { cut(&look.text, room) };
            let filled = format!("{text:<width$}", width = usize::from(room));
            pen.styled(x, y, room, &filled, style);
            x += widths.cell;
        }
        let (before, after) = (row.cells.get(..shown.start), row.cells.get(shown.end..));
        let mut beyond = before.into_iter().chain(after).flatten();
        if beyond.any(|cell| cell.health.is_trouble()) {
            pen.text(x - 1, y, 1, "+", Role::Message);
        }
        x
    }
}

/// Whether something is in trouble here that nobody has.
fn is_open(cells: &[CompactCell]) -> bool {
    Standing::of(cells).class == Class::Nobody
}

/// A cell on which somebody acts: its letters, then `x`. Where there is no room the age goes, and never
/// who has it or that it goes to and fro.
fn acted_on(text: &str, room: u16) -> String {
    if text.chars().count() < usize::from(room) {
        return format!("{text}x");
    }
    let mut letters = text.chars();
    let health = letters.next().map(String::from).unwrap_or_default();
    let marks: String = letters.filter(|c| !c.is_alphanumeric()).collect();
    format!("{health}{marks}x")
}

/// What somebody has and runs out first: `, next to run out 10:00 Cawston Lane (claimed, asha)`.
fn runs_out(rows: &Rows, view: &View<'_>) -> String {
    let Some((row, handling)) = rows.next_to_run_out() else { return String::new() };
    let Some(until) = handling.until else { return String::new() };
    let (until, name) = (moment(until, view.now), row_name(row, Some(rows)));
    format!(", next to run out {until} {name} ({}, {})", handling.kind.word(), handling.by)
}

/// Under 50 columns: the worst cell with its letters.
fn worst_cell(
    pen: &mut Pen<'_>,
    x: u16,
    y: u16,
    cells: &[CompactCell],
    rows: &Rows,
    view: &View<'_>,
) {
    let standing = Standing::of(cells);
    let n = usize::from(standing.column);
    let Some((column, cell)) = rows.columns.get(n).zip(cells.get(n)) else { return };
    let look = look(cell, column, &rows.columns, (view.now, view.is_known), 6);
    let style = pen.theme().tinted(look.role, look.strength);
    if cell.health.is_trouble() {
        pen.text(x, y, 2, column.code.as_str(), Role::Quiet);
    }
    pen.styled(x + 3, y, 6, &look.text, style);
}

/// The last 14 days. Of a past moment they stand on its page; of today nothing is told while nothing is
/// known.
fn draw_days(
    pen: &mut Pen<'_>,
    (x, y): (u16, u16),
    widths: &Widths,
    row: Row,
    view: &View<'_>,
) -> u16 {
    let days = if view.past.is_some() { "" } else { view.days.of(row) };
    let today = days.char_indices().next_back().map_or(0, |(at, _)| at);
    let days = if view.is_known { days } else { days.get(..today).unwrap_or_default() };
    pen.text(x, y, widths.days.saturating_sub(2), days, Role::Quiet);
    x + widths.days
}

/// Who has it, and what the register says.
fn draw_extras(
    pen: &mut Pen<'_>,
    mut x: u16,
    y: u16,
    widths: &Widths,
    (row, acting): (&Drawn<'_>, Option<&str>),
) {
    // Who has the cell that puts the row where it stands, and nobody else.
    let worst = row.cells.get(usize::from(Standing::of(row.cells).column));
    let worst = worst.filter(|cell| cell.health.is_trouble());
    let has = worst.map_or("", |cell| cell.handling.as_ref().map_or("-", |h| h.by.as_str()));
    match acting {
        Some(by) => pen.text(x, y, widths.has.saturating_sub(1), &format!("x {by}"), Role::Message),
        None => pen.text(x, y, widths.has.saturating_sub(1), has, Role::Handled),
    };
    x += widths.has;
    let Some(school) = row.school else { return };
    let pupils = school.pupils.map(|n| format!("{n:>6}")).unwrap_or_default();
    let number = school.laestab.spaced();
    for (room, text) in [
        (widths.pupils, pupils.as_str()),
        (widths.town, school.town.as_str()),
        (widths.laestab, number.as_str()),
        (widths.phase, school.phase.as_str()),
    ] {
        pen.text(x, y, room.saturating_sub(1), text, Role::Quiet);
        x += room;
    }
}

#[cfg(test)]
mod tests {
    use super::acted_on;

    #[test]
    fn an_act_takes_the_room_of_the_age_and_of_no_mark() {
        for (cell, shown) in [
            ("C3d", "C3dx"),
            (".", ".x"),
            ("^GC", "^GCx"),
            ("C12m~", "C~x"),
            ("w40m@", "w@x"),
            ("U448d", "Ux"),
        ] {
            assert_eq!(acted_on(cell, 5), shown, "{cell}");
        }
    }
}
