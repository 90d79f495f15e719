//! Frames: only what differs is written, and an unchanged frame writes nothing at all.

use std::io::{self, Write};

use base64::Engine as _;
use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::Print;
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
        self.next.reset();
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
        Ok(Drawn { cells })
    }

    /// Sends a text to the terminal's clipboard (OSC 52). Whether it arrives cannot be known.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let coded = base64::engine::general_purpose::STANDARD.encode(text);
        write!(self.out, "\u{1b}]52;c;{coded}\u{7}")?;
        self.out.flush()
    }
}

/// Writes cells in order, and of their styles only what differs from the cell before: a change of
/// the letters' colour alone costs half of what both colours cost. A blank takes what is not seen
/// of its style from the cell before it.
fn write_cells(out: &mut impl Write, changed: Vec<(u16, u16, &Cell)>) -> io::Result<()> {
    let mut before = Cell::default();
    let mut next = None;
    for (x, y, cell) in changed {
        if next != Some((x, y)) {
            queue!(out, MoveTo(x, y))?;
        }
        let mut cell = cell.clone();
        theme::blank_like(&mut cell, &before);
        let sgr = theme::sgr(&before, &cell);
        if !sgr.is_empty() {
            write!(out, "\u{1b}[{sgr}m")?;
        }
        queue!(out, Print(cell.symbol()))?;
        next = Some((x.saturating_add(1), y));
        before = cell;
    }
    write!(out, "\u{1b}[m")
}
