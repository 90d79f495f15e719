//! A key with its modifiers, as it is pressed and as it is written.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("backspace", KeyCode::Backspace),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("del", KeyCode::Delete),
    ("ins", KeyCode::Insert),
];

/// Keys that the terminal, tmux or screen keep for themselves, and why.
const REFUSED: [(char, &str); 7] = [
    ('a', "belongs to screen"),
    ('b', "belongs to tmux"),
    ('s', "stops the terminal's output"),
    ('q', "starts the terminal's output"),
    ('k', "cuts the line in habit and in some terminals"),
    (' ', "belongs to input methods"),
    ('m', "is Enter on most terminals"),
];

impl Chord {
    /// From the terminal's event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            // Some terminals send Backspace as Ctrl-H.
            other => other,
        };
        if ctrl && code == KeyCode::Char('h') {
            return Self { code: KeyCode::Backspace, ctrl: false, alt: false };
        }
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }

    /// A plain character.
    #[must_use]
    pub fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: false, alt: false }
    }

    /// The character that this key types into a text field.
    #[must_use]
    pub fn printable(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt && !c.is_control() => Some(c),
            _ => None,
        }
    }

    /// Why this key must not be bound; `None` if it may.
    pub(super) fn why_refused(self) -> Option<&'static str> {
        if self.alt {
            return Some("uses Alt, which is Esc in disguise");
        }
        match self.code {
            KeyCode::Char('!') => Some("is kept free"),
            KeyCode::Char(c) if self.ctrl => {
                REFUSED.iter().find(|(r, _)| *r == c).map(|(_, why)| *why)
            }
            _ => None,
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            "is not a key; write a character, ctrl-x, f1, or one of: ".to_owned()
                + &NAMED.map(|(n, _)| n).join(", ")
        };
        let one = |t: &str| {
            let mut chars = t.chars();
            chars.next().filter(|c| chars.next().is_none() && !c.is_control())
        };
        if let Some(c) = one(text) {
            return Ok(Self::char(c));
        }
        if let Some((_, code)) = NAMED.iter().find(|(n, _)| *n == text) {
            return Ok(Self { code: *code, ctrl: false, alt: false });
        }
        if let Some(n) = text.strip_prefix('f').and_then(|n| n.parse().ok())
            && (1..=12).contains(&n)
        {
            return Ok(Self { code: KeyCode::F(n), ctrl: false, alt: false });
        }
        let with = |prefix: &str| {
            let rest = text.strip_prefix(prefix)?;
            one(rest).or_else(|| (rest == "space").then_some(' ')).map(|c| c.to_ascii_lowercase())
        };
        if let Some(c) = with("ctrl-") {
            return Ok(Self { code: KeyCode::Char(c), ctrl: true, alt: false });
        }
        if let Some(c) = with("alt-") {
            return Ok(Self { code: KeyCode::Char(c), ctrl: false, alt: true });
        }
        Err(bad())
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().find(|(_, c)| *c == self.code && !self.ctrl) {
            let mut letters = name.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            // Keys with a word on them are written as on the keyboard, space as typed.
            return match *name {
                "space" => f.write_str("space"),
                "pgup" => f.write_str("PgUp"),
                "pgdn" => f.write_str("PgDn"),
                "shift-tab" => f.write_str("Shift-Tab"),
                _ => f.write_str(&first.into_iter().chain(letters).collect::<String>()),
            };
        }
        match self.code {
            KeyCode::Char(c) if self.ctrl => write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) if self.alt => write!(f, "Alt-{c}"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            _ => f.write_str("key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in
            ["a", "V", "?", ":", "space", "enter", "pgdn", "f1", "f12", "ctrl-d", "shift-tab"]
        {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string().to_lowercase(), text.to_lowercase());
        }
        for text in ["", "ab", "f0", "f13", "ctrl-", "ctrl-ab", "\u{7}"] {
            assert!(text.parse::<Chord>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_press_becomes_the_written_key() {
        let press = |code, modifiers| Chord::of(KeyEvent::new(code, modifiers));
        assert_eq!(press(KeyCode::Char('D'), KeyModifiers::CONTROL), "ctrl-d".parse().unwrap());
        assert_eq!(press(KeyCode::Char('V'), KeyModifiers::SHIFT), "V".parse().unwrap());
        assert_eq!(press(KeyCode::Char('h'), KeyModifiers::CONTROL), "backspace".parse().unwrap());
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::ALT).printable(), None);
    }
}
