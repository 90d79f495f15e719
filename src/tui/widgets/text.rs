//! Text into cells: cut by display width, nothing harmful let through.
//!
//! Invariant: no control and no zero-width grapheme reaches a cell, whatever the text holds. Vendor
//! text is a `Clean` long before; this is the second lock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::tui::theme::{Role, Theme};

/// The longest grapheme that is drawn, in bytes: a base and a few marks.
const MAX_GRAPHEME: usize = 32;

/// A line of pieces, each with its role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line(pub Vec<(String, Role)>);

impl Line {
    /// One piece.
    #[must_use]
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        Self(vec![(text.into(), role)])
    }

    /// With one more piece.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.0.push((text.into(), role));
        self
    }

    /// Columns that it takes.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.0.iter().fold(0, |sum, (text, _)| sum.saturating_add(width(text)))
    }
}

/// Draws with a theme into a frame.
pub struct Pen<'a> {
    frame: &'a mut Buffer,
    theme: &'a Theme,
}

impl<'a> Pen<'a> {
    /// A pen for this frame.
    pub fn new(frame: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { frame, theme }
    }

    /// The theme.
    #[must_use]
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// Writes `text` from `(x, y)` into at most `room` columns; gives the column after it.
    pub fn styled(&mut self, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
        let end = x.saturating_add(room).min(self.frame.area().right());
        let mut at = x;
        for grapheme in safe(text) {
            let wide = width(grapheme);
            if at.saturating_add(wide) > end {
                break;
            }
            if let Some(cell) = self.frame.cell_mut((at, y)) {
                cell.set_symbol(grapheme).set_style(style);
            }
            for covered in at.saturating_add(1)..at.saturating_add(wide) {
                if let Some(cell) = self.frame.cell_mut((covered, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
            at = at.saturating_add(wide);
        }
        at
    }

    /// Writes in a role's style, marked with an ellipsis where it is cut.
    pub fn text(&mut self, x: u16, y: u16, room: u16, text: &str, role: Role) -> u16 {
        let style = self.theme.style(role);
        self.styled(x, y, room, &cut(text, room), style)
    }

    /// Writes a line of pieces.
    pub fn line(&mut self, x: u16, y: u16, room: u16, line: &Line) -> u16 {
        let end = x.saturating_add(room);
        line.0
            .iter()
            .fold(x, |at, (text, role)| self.text(at, y, end.saturating_sub(at), text, *role))
    }

    /// Makes an area blank.
    pub fn blank(&mut self, area: Rect) {
        let base = self.theme.base();
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.frame.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(base);
                }
            }
        }
    }
}

/// The graphemes that may be drawn.
fn safe(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true)
        .filter(|g| g.len() <= MAX_GRAPHEME && width(g) > 0 && !g.chars().any(|c| c.is_control()))
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` in at most `room` columns, with an ellipsis where it was cut.
#[must_use]
pub fn cut(text: &str, room: u16) -> String {
    let total: u16 = safe(text).fold(0, |sum, g| sum.saturating_add(width(g)));
    if total <= room {
        return safe(text).collect();
    }
    let mut out = String::new();
    let mut left = room.saturating_sub(1);
    for grapheme in safe(text) {
        let Some(rest) = left.checked_sub(width(grapheme)) else { break };
        left = rest;
        out.push_str(grapheme);
    }
    if room > 0 {
        out.push('…');
    }
    out
}

/// `text` in lines of at most `room` columns, broken at spaces; a word that is longer is cut.
#[must_use]
pub fn wrap(text: &str, room: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = cut(word, room);
        match lines.last_mut() {
            Some(line) if width(line).saturating_add(1).saturating_add(width(&word)) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A heading with a rule to the end of `room`.
#[must_use]
pub fn rule(heading: &str, room: u16) -> Line {
    let heading = cut(heading, room.saturating_sub(8));
    let rest = usize::from(room.saturating_sub(width(&heading)).saturating_sub(8));
    Line::of(" ---- ", Role::Rule)
        .and(heading, Role::Title)
        .and(format!(" {}", "-".repeat(rest)), Role::Rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Depth;

    #[test]
    fn text_is_cut_by_columns_and_wrapped_at_spaces() {
        assert_eq!(cut("Åsa Primary", 5), "Åsa …");
        assert_eq!(cut("日本語学校", 5), "日本…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 5), ["unbr…"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn nothing_harmful_reaches_a_cell() {
        let theme = Theme::built_in("dark", Depth::Full).unwrap();
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 1));
        let mut pen = Pen::new(&mut frame, &theme);
        for hostile in [
            "\u{200b}\u{301}start",
            "a\u{1b}[31mred",
            "b\u{0}\u{7}\u{9b}c",
            "\u{202e}flip",
            &format!("z{}", "\u{301}".repeat(200)),
            "日\u{1b}本",
        ] {
            pen.text(0, 0, 20, hostile, Role::Text);
            for cell in pen.frame.content() {
                let symbol = cell.symbol();
                assert!(symbol.len() <= MAX_GRAPHEME, "{symbol:?}");
                assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
                assert!(width(symbol) > 0, "{symbol:?}");
            }
        }
    }
}
