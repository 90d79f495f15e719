//! The first line and the hint lines, the same on every screen.

use jiff::Timestamp;

use super::text::{Line, Pen, width};
use crate::tui::keymap::{Facts, Keymap, Scope};
use crate::tui::state::LineState;
use crate::tui::theme::Role;
use crate::tui::times;
use crate::wire::replay::Playing;

/// What line 1 tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where we are: `board > Oak Lane Primary`.
    pub path: String,
    /// The line to the agent.
    pub line: LineState,
    /// The agent still shows its last known board, written at this time.
    pub as_of: Option<Timestamp>,
    /// What is shown is this past moment, not the present.
    pub past: Option<Timestamp>,
    /// What is shown is a recording that is played, so and at this speed.
    pub replay: Option<(Playing, u32)>,
    /// Nothing here is real.
    pub demo: bool,
    /// A declared emergency, in words.
    pub emergency: Option<String>,
    /// Until when the operator is armed.
    pub armed: Option<Timestamp>,
    /// Whose session it is, with their roles.
    pub who: Option<String>,
    /// Nobody can act from here, or this operator cannot.
    pub only_watches: bool,
    /// The agent's clock.
    pub now: Timestamp,
}

impl Place {
    /// The state of the line, in words.
    #[must_use]
    pub fn line_words(&self) -> (String, Role) {
        if let Some(at) = self.past {
            return (format!(" PAST  AS OF {} ", times::dated(at, self.now)), Role::Past);
        }
        if let (Some((playing, speed)), LineState::Live | LineState::Late(_)) =
            (self.replay, self.line)
        {
            let plays = match playing {
                Playing::Plays => format!("x{speed}"),
                Playing::Paused => "PAUSED".to_owned(),
                Playing::Over => "END".to_owned(),
            };
            return (format!(" REPLAY {plays} {} ", times::whole(self.now)), Role::Past);
        }
        match (self.line, self.as_of) {
            (LineState::Waiting, _) => ("WAITING for the agent".to_owned(), Role::Late),
            (LineState::Offline(since), _) => {
                (format!(" OFFLINE since {} ", times::moment(since, self.now)), Role::Offline)
            }
            (LineState::Late(s), _) => (format!("LATE {s}s"), Role::Late),
            (LineState::Live, Some(at)) => {
                (format!("AS OF {}", times::moment(at, self.now)), Role::Late)
            }
            (LineState::Live, None) => ("LIVE".to_owned(), Role::Live),
        }
    }
}

impl Place {
    /// What the operator has to know of their own acting, in a word or two.
    fn acting_words(&self) -> String {
        match (self.armed, self.only_watches) {
            (Some(until), _) => format!("ARMED {}", times::moment(until, self.now)),
            (None, true) => "watch only".to_owned(),
            (None, false) => String::new(),
        }
    }
}

/// Line 1: where, line, demo, clock. What does not fit gives way from the left.
pub fn line_one(pen: &mut Pen<'_>, columns: u16, place: &Place) {
    let clock = times::clock(place.now);
    let (words, role) = place.line_words();
    let (long, short) = (" DEMO: nothing here is real ", " DEMO ");
    // Where we are matters more than the long banner; the short one is never left out.
    let spoken = width(&words) + width(&clock) + width(&place.path) + 22;
    let others = place.acting_words();
    let demo = match place.demo {
        false => "",
        true if place.emergency.is_some() || !others.is_empty() => short,
        true if columns < 72 || columns < spoken + width(long) => short,
        true => long,
    };
    let right = columns.saturating_sub(width(&clock)).saturating_sub(1);
    if place.line != LineState::Waiting {
        pen.text(right, 0, width(&clock), &clock, Role::Text);
    }
    let mut x = 1;
    let alarm = place.emergency.as_deref().map_or(0, |text| width(text).min(columns / 2) + 2);
    let must = width(&words) + width(demo) + width(&others) + alarm + 6;
    if columns >= 60 && (alarm == 0 || columns >= 100) {
        x = pen.text(x, 0, columns, "caretaker", Role::Accent) + 3;
    }
    let room =
        right.saturating_sub(x).saturating_sub(must).min(if columns < 100 { 34 } else { 60 });
    if room >= 5 {
        x = pen.text(x, 0, room, &place.path, Role::Title) + 3;
    }
    x = pen.text(x, 0, right.saturating_sub(x), &words, role) + 2;
    if !others.is_empty() {
        x = pen.text(x, 0, right.saturating_sub(x), &others, Role::Late) + 2;
    }
    if !demo.is_empty() {
        x = pen.text(x, 0, right.saturating_sub(x), demo, Role::Demo) + 2;
    }
    if let Some(text) = &place.emergency {
        x = pen.text(x, 0, right.saturating_sub(x + 1), text, Role::Offline) + 2;
    }
    // Of all this it is what one knows best: whole, or not at all.
    if let Some(who) = &place.who {
        let at = right.saturating_sub(width(who) + 3);
        if at >= x {
            pen.text(at, 0, width(who), who, Role::Quiet);
        }
    }
}

/// The hint lines from `y` on: whole hints only, as many as fit.
pub fn hints(
    pen: &mut Pen<'_>,
    (x, y, room, rows): (u16, u16, u16, u16),
    keymap: &Keymap,
    scope: Scope,
    facts: &Facts,
) {
    let (mut at, mut row) = (x + 1, 0);
    for (key, label) in keymap.hints(scope, facts) {
        let wide = width(&key) + 1 + width(label);
        if at + wide > x + room {
            row += 1;
            at = x + 1;
        }
        if row >= rows || at + wide > x + room {
            return;
        }
        let hint = Line::of(key, Role::Key).and(format!(" {label}"), Role::Quiet);
        at = pen.line(at, y + row, wide, &hint) + 2;
    }
}
