//! The keys of a place, made from the keymap, opened in their own search box.

use ratatui::layout::Rect;

use super::prompt::{Typing, typing};
use super::{Act, Answer, View, scroll_on, scrolled};
use crate::tui::keymap::{Command, Scope, WORDS};
use crate::tui::theme::Role;
use crate::tui::widgets::{Field, Line, Pen, wrap};

/// The letters of a cell, and what they say.
const LETTERS: &[(&str, &str)] = &[
    ("C", "critical; small letters, here and below: somebody has it"),
    ("U", "unknown: it cannot be told, and is never taken for ok"),
    ("W", "warning"),
    (".", "ok"),
    ("_", "quiet by design: no school that day, or outside the schedule"),
    ("-", "not subscribed, or nothing watches it"),
    ("^GC", "follows from the service with these letters"),
    ("\"", "the same as the whole estate"),
    ("~", "goes to and fro; the letter is the worst of the window"),
    ("@ a z", "claimed, acknowledged, downtime"),
    ("C3d", "for three days; m minutes, h hours, d days"),
    (
        "!",
        "worse than when you last looked, ten minutes ago or more; until you open it or somebody has it",
    ),
    ("x", "somebody acts on it; the peek tells who, and what"),
];

/// The words of a plan and of what comes of it.
const PLAN_WORDS: &[(&str, &str)] = &[
    ("will do", "the steps, in order; each is on disk before it is sent, and again after"),
    ("CANNOT", "no step afterwards takes it back"),
    ("will not", "what this leaves as it is, and you may have expected"),
    ("beware", "what still holds for a while, or what else it touches"),
    ("policy", "the rule that allows it, and the limits that count"),
    ("left out", "not done: hidden by the filter, protected, or not to be read"),
    ("DONE", "seen: the target was read again, and the effect is there"),
    ("ACCEPTED", "the other side took it; it is being looked for, and is not seen yet"),
    ("REJECTED", "the other side said no; nothing changed"),
    ("PARTLY DONE", "some steps; each says which"),
    ("UNKNOWN", "no answer: nobody knows until the target is read, by the agent or by you"),
    ("CHANGED", "the target was no longer as the plan says; nothing was sent"),
];

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpScreen {
    scope: Scope,
    field: Field,
    scroll: usize,
}

impl HelpScreen {
    /// The keys of `scope`.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, field: Field::default(), scroll: 0 }
    }

    /// A key or word with its label, and what it does beside them.
    fn entry(lines: &mut Vec<Line>, (shown, label): (&str, &str), help: &str, view: &View<'_>) {
        let parts = wrap(help, view.size.0.saturating_sub(31).max(20));
        for (n, part) in parts.into_iter().enumerate() {
            let (shown, label) = if n == 0 { (shown, label) } else { ("", "") };
            lines.push(
                Line::of(format!(" {shown:<14} "), Role::Key)
                    .and(format!("{label:<13} "), Role::Title)
                    .and(part, Role::Text),
            );
        }
    }

    fn lines(&self, view: &View<'_>) -> Vec<Line> {
        let wanted = self.field.text().to_lowercase();
        let found = |parts: [&str; 3]| {
            wanted.split_whitespace().all(|w| parts.iter().any(|p| p.to_lowercase().contains(w)))
        };
        let mut lines = Vec::new();
        let by_key = view.keymap.here(self.scope).map(|(binding, keys)| {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            (keys.join(" "), binding)
        });
        let has_palette = view.keymap.here(self.scope).any(|(b, _)| b.command == Command::Palette);
        let by_name = view.keymap.by_name(self.scope).into_iter().filter(|_| has_palette);
        let by_name = by_name.map(|binding| (format!(":{}", binding.name), binding));
        for (shown, binding) in by_key.chain(by_name) {
            if !found([&shown, binding.name, binding.help]) {
                continue;
            }
            let mut help = binding.help.to_owned();
            if let Some(why) = (binding.why_not)(view.facts) {
                help.push_str(&format!(" (Not now: {why}.)"));
            }
            Self::entry(&mut lines, (&shown, binding.label), &help, view);
        }
        for word in WORDS.iter().filter(|_| has_palette) {
            let shown = format!(":{}", word.name.trim_end());
            if found([&shown, word.name, word.help]) {
                Self::entry(&mut lines, (&shown, ""), word.help, view);
            }
        }
        let (told, heading) = match self.scope {
            Scope::Confirm | Scope::Approvals | Scope::Look => (PLAN_WORDS, " words of a plan"),
            _ => (LETTERS, " letters of a cell"),
        };
        let letters: Vec<_> =
            told.iter().filter(|(letter, help)| found([letter, help, "letters words"])).collect();
        if !letters.is_empty() {
            lines.push(Line::default());
            lines.push(Line::of(heading, Role::Title));
        }
        for (letter, help) in letters {
            for (n, part) in wrap(help, view.size.0.saturating_sub(17)).into_iter().enumerate() {
                let letter = if n == 0 { letter } else { "" };
                lines.push(Line::of(format!(" {letter:<14} "), Role::Key).and(part, Role::Text));
            }
        }
        if lines.is_empty() {
            lines.push(Line::of(" no key here has these words", Role::Quiet));
        }
        lines
    }

    /// Takes a command.
    pub fn command(&mut self, command: Command, view: &View<'_>) -> Answer {
        let room = usize::from(view.size.1.saturating_sub(4));
        match typing(&mut self.field, command) {
            Typing::Done | Typing::Left => return Answer::Wants(vec![Act::Close]),
            Typing::Changed => {
                self.scroll = 0;
                return Answer::Consumed;
            }
            Typing::Same => return Answer::Consumed,
            Typing::Other => {}
        }
        let to = match command {
            Command::NextCandidate => Command::Down,
            Command::PreviousCandidate => Command::Up,
            Command::Complete => return Answer::Consumed,
            _ => return Answer::Pass,
        };
        let len = self.lines(view).len();
        scroll_on(to, &mut self.scroll, len, room)
    }

    /// Takes text.
    pub fn typed(&mut self, text: &str) -> Answer {
        self.field.insert(text);
        self.scroll = 0;
        Answer::Consumed
    }

    /// Draws the screen.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let head = Line::of(format!(" keys in {}, search: ", self.scope.word()), Role::Quiet);
        let search =
            self.field.after(head, area.width).and("   Esc leaves, arrows scroll", Role::Quiet);
        pen.line(area.x, area.y, area.width, &search);
        let text =
            Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(2), ..area };
        scrolled(pen, text, &self.lines(view), self.scroll)
    }
}
