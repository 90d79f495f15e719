//! What runs out next: everything that somebody has for a time, plans that wait, what is open for a while.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::{Act, Answer, View, moved, row_name};
use crate::tui::keymap::{Command, Scope};
use crate::tui::theme::Role;
use crate::tui::times;
use crate::tui::widgets::{Line, Pen, hints, rule};
use crate::wire::Clean;
use crate::wire::board::Row;

/// Under so many columns a line tells when, what and where alone.
const NARROW: u16 = 60;

/// What a line is about; the cursor is bound to it, not to the line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    /// A cell that somebody has: row and column.
    Cell(Row, u16),
    /// A plan that waits for a second person.
    Plan(Clean),
    /// My actions are open.
    Armed,
    /// An emergency is declared.
    Emergency,
}

/// One thing that runs out.
struct Ending<'a> {
    at: Timestamp,
    about: About,
    /// Where; of a cell it is made only when it is drawn: there may be thousands.
    place: &'a str,
    what: &'static str,
    by: &'a str,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpiringScreen {
    at: Option<About>,
}

/// All of it, the soonest first.
fn endings<'a>(view: &View<'a>) -> Vec<Ending<'a>> {
    let held = view.rows.into_iter().flat_map(|rows| {
        rows.running_out().filter_map(|(row, column, handling)| {
            Some(Ending {
                at: handling.until?,
                about: About::Cell(row, column),
                place: rows.columns.get(usize::from(column))?.label.as_str(),
                what: handling.kind.word(),
                by: handling.by.as_str(),
            })
        })
    });
    let plans = view.acts.waiting(view.now).map(|waiting| Ending {
        at: waiting.until,
        about: About::Plan(waiting.plan.id.clone()),
        place: view.acts.label(&waiting.plan.ask.action),
        what: "waits for approval",
        by: waiting.plan.by.name.as_str(),
    });
    let page = view.acts.page();
    let armed = page.and_then(|page| Some((page.me.armed_until?, page.me.operator.name.as_str())));
    let armed = armed.map(|(at, by)| Ending {
        at,
        about: About::Armed,
        place: "your actions",
        what: "armed",
        by,
    });
    let emergency = page.and_then(|page| page.emergency.as_ref()).map(|declared| Ending {
        at: declared.until,
        about: About::Emergency,
        place: "everybody",
        what: "emergency",
        by: declared.by.as_str(),
    });
    let all = held.chain(plans).chain(armed).chain(emergency);
    let mut all: Vec<Ending<'_>> = all.filter(|ending| ending.at > view.clock).collect();
    all.sort_by_key(|ending| ending.at);
    all
}

impl ExpiringScreen {
    fn index(&self, all: &[Ending<'_>]) -> usize {
        let found = self.at.as_ref().and_then(|about| all.iter().position(|e| e.about == *about));
        found.unwrap_or_default()
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let all = endings(view);
        let at = self.index(&all);
        let last = all.len().saturating_sub(1);
        let room = usize::from(view.size.1.saturating_sub(4)).max(1);
        match command {
            Command::Back => return Answer::Wants(vec![Act::Close]),
            Command::Enter => {
                return Answer::Wants(match all.get(at).map(|ending| &ending.about) {
                    Some(About::Cell(row, _)) => vec![Act::Page(*row)],
                    Some(About::Plan(_)) => vec![Act::Run(Command::Approvals)],
                    Some(About::Armed | About::Emergency) | None => Vec::new(),
                });
            }
            _ => {
                let Some(to) = moved(command, at, (last, room)) else { return Answer::Pass };
                self.at = all.get(to).map(|ending| ending.about.clone());
            }
        }
        Answer::Consumed
    }

    /// Draws the list.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let all = endings(view);
        let title = match all.len() {
            0 => " RUNS OUT   nothing: nobody has anything for a time".to_owned(),
            n => format!(" RUNS OUT   {n}, the soonest first; afterwards it is nobody's"),
        };
        pen.text(0, area.y, area.width, &title, Role::Title);
        let room = usize::from(area.height.saturating_sub(3)).max(1);
        let at = self.index(&all);
        let from = (at + 1).saturating_sub(room);
        let shown = all.iter().enumerate().skip(from).take(room);
        let mut built = 0;
        for (y, (n, ending)) in (area.y + 2..).zip(shown) {
            pen.text(0, y, 1, if n == at { ">" } else { " " }, Role::Key);
            let room = area.width.saturating_sub(3);
            pen.line(2, y, room, &in_a_line(ending, n == at, (room, view)));
            built += 1;
        }
        let bottom = area.bottom().saturating_sub(1);
        hints(pen, (0, bottom, area.width, 1), view.keymap, Scope::Expiring, view.facts);
        built
    }
}

/// Draws what runs out first, as much as fits, without a cursor.
pub(super) fn draw_first(pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
    let all = endings(view);
    let heading = match all.len() {
        0 => "RUNS OUT   nothing".to_owned(),
        n => format!("RUNS OUT   {n}, the soonest first"),
    };
    pen.line(area.x, area.y, area.width, &rule(&heading, area.width));
    let room = area.width.saturating_sub(3);
    let rows = area.y + 1..area.bottom();
    let lines = all.iter().map(|ending| in_a_line(ending, false, (room, view)));
    rows.zip(lines).map(|(y, line)| pen.line(area.x + 2, y, room, &line)).count()
}

fn in_a_line(ending: &Ending<'_>, is_chosen: bool, (room, view): (u16, &View<'_>)) -> Line {
    let at = times::moment(ending.at, view.now);
    let name = if is_chosen { Role::Selected } else { Role::Text };
    let place = match ending.about {
        About::Cell(row, _) => format!("{} / {}", row_name(row, view.rows), ending.place),
        _ => ending.place.to_owned(),
    };
    if room < NARROW {
        return Line::of(format!("{at} {} ", ending.what), Role::Handled).and(place, name);
    }
    Line::of(format!("{at:<12} "), Role::Text)
        .and(format!("in {:<5} ", times::age(view.clock, ending.at)), Role::Quiet)
        .and(format!("{:<21} ", ending.what), Role::Handled)
        .and(format!("{:<9} ", ending.by), Role::Text)
        .and(place, name)
}
