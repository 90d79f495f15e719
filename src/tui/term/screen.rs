//! Frames: only what differs is written, and an unchanged frame writes nothing at all.

use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use crate::tui::theme;

/// What a frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Cells that were written.
    pub cells: usize,
}

/// The screen: what it shows, and what it will.
#[derive(Debug)]
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    next: Buffer,
}

impl<W: Write> Screen<W> {
    /// A blank screen of this size.
    pub fn new(out: W, columns: u16, rows: u16) -> Self {
        let area = Rect::new(0, 0, columns, rows);
        Self { out, shown: Buffer::empty(area), next: Buffer::empty(area) }
    }

    /// Its size.
    #[must_use]
    pub fn area(&self) -> Rect {
        *self.next.area()
    }

    /// Another size; everything is overwritten by the next frame, nothing is cleared before.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let area = Rect::new(0, 0, columns, rows);
        self.next = Buffer::empty(area);
        // A letter that no frame holds, so that every cell differs.
        self.shown = Buffer::filled(area, Cell::new("\u{a7ff}"));
    }

    /// Writes everything again with the next frame.
    pub fn forget(&mut self) {
        let area = self.area();
        self.resize(area.width, area.height);
    }

    /// Paints a frame and writes what differs, as one synchronised update.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<Drawn> {
        paint(&mut self.next);
        let changed = self.shown.diff(&self.next);
        let cells = changed.len();
        if cells > 0 {
            queue!(self.out, BeginSynchronizedUpdate)?;
            write_cells(&mut self.out, changed)?;
            queue!(self.out, EndSynchronizedUpdate)?;
            self.out.flush()?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        // What is no longer shown is kept nowhere.
        self.next.reset();
        Ok(Drawn { cells })
    }

    /// Sends what draws nothing, such as a text for the clipboard.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        self.out.write_all(sequence.as_bytes())?;
        self.out.flush()
    }
}

/// From so many cells on the order is chosen that takes the fewest bytes.
const MANY: usize = 500;

/// Writes cells in the order of reading, or, where that takes less, all of one style before the
/// next: in a full frame of true colours it is shorter to go to a place than to name a colour.
fn write_cells(out: &mut impl Write, changed: Vec<(u16, u16, &Cell)>) -> io::Result<()> {
    let mut cells: Vec<(u16, u16, Cell)> = Vec::with_capacity(changed.len());
    for (x, y, cell) in changed {
        let mut cell = cell.clone();
        // A blank takes what is not seen of its style from the cell before it.
        theme::blank_like(&mut cell, cells.last().map_or(&Cell::EMPTY, |(.., before)| before));
        cells.push((x, y, cell));
    }
    let read = encoded(&cells);
    if cells.len() < MANY {
        return out.write_all(&read);
    }
    let mut looks = Vec::new();
    cells.sort_by_cached_key(|(.., cell)| {
        let look = (cell.fg, cell.bg, cell.modifier);
        looks.iter().position(|known| *known == look).unwrap_or_else(|| {
            looks.push(look);
            looks.len() - 1
        })
    });
    let styled = encoded(&cells);
    out.write_all(if styled.len() < read.len() { &styled } else { &read })
}

/// Cells in this order, and of their styles only what differs from the cell before: a change of the
/// letters' colour alone costs half of what both colours cost.
fn encoded(cells: &[(u16, u16, Cell)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(cells.len() * 2);
    let mut before = &Cell::EMPTY;
    let mut place = None;
    for (x, y, cell) in cells {
        go(&mut out, place, (*x, *y));
        let sgr = theme::sgr(before, cell);
        if !sgr.is_empty() {
            out.extend_from_slice(format!("\u{1b}[{sgr}m").as_bytes());
        }
        out.extend_from_slice(cell.symbol().as_bytes());
        // Terminals do not agree how wide all letters are: after others the place is not known.
        place = (cell.symbol().len() == 1).then_some((x.saturating_add(1), *y));
        before = cell;
    }
    out.extend_from_slice(b"\x1b[m");
    out
}

/// Moves the cursor in the fewest bytes: within a row by how far, else to the place (ECMA-48, 8.3.20
/// and 8.3.21).
fn go(out: &mut Vec<u8>, from: Option<(u16, u16)>, to: (u16, u16)) {
    let (x, y) = to;
    match from {
        Some(from) if from == to => {}
        Some((before, row)) if row == y && before < x => match x - before {
            1 => out.extend_from_slice(b"\x1b[C"),
            n => out.extend_from_slice(format!("\u{1b}[{n}C").as_bytes()),
        },
        Some((_, row)) if x == 0 && row.checked_add(1) == Some(y) => {
            out.extend_from_slice(b"\r\n");
        }
        _ if x == 0 => {
            out.extend_from_slice(format!("\u{1b}[{}H", y.saturating_add(1)).as_bytes());
        }
        _ => {
            let (row, column) = (y.saturating_add(1), x.saturating_add(1));
            out.extend_from_slice(format!("\u{1b}[{row};{column}H").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(from: Option<(u16, u16)>, to: (u16, u16)) -> String {
        let mut out = Vec::new();
        go(&mut out, from, to);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn goes_the_shortest_way() {
        assert_eq!(gone(Some((4, 2)), (4, 2)), "");
        assert_eq!(gone(Some((4, 2)), (5, 2)), "\u{1b}[C");
        assert_eq!(gone(Some((4, 2)), (16, 2)), "\u{1b}[12C");
        assert_eq!(gone(Some((200, 2)), (0, 3)), "\r\n");
        assert_eq!(gone(Some((4, 2)), (3, 2)), "\u{1b}[3;4H");
        assert_eq!(gone(Some((4, 2)), (0, 4)), "\u{1b}[5H");
        assert_eq!(gone(None, (7, 0)), "\u{1b}[1;8H");
    }

    #[test]
    fn after_a_letter_of_uncertain_width_the_place_is_named() {
        let cells = [(0, 0, Cell::new("漢")), (2, 0, Cell::new("a")), (4, 0, Cell::new("b"))];
        assert_eq!(encoded(&cells), "\u{1b}[1H漢\u{1b}[1;3Ha\u{1b}[Cb\u{1b}[m".as_bytes());
    }
}
