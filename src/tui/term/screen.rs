//! Frames: only what differs is written, and an unchanged frame writes nothing at all.

use std::io::{self, Write};

use base64::Engine as _;
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

/// What a frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Cells that were written.
    pub cells: usize,
}

/// The screen: what it shows, and what it will.
#[derive(Debug)]
pub struct Screen<W: Write> {
    out: CrosstermBackend<W>,
    shown: Buffer,
    next: Buffer,
}

impl<W: Write> Screen<W> {
    /// A blank screen of this size.
    pub fn new(out: W, columns: u16, rows: u16) -> Self {
        let area = Rect::new(0, 0, columns, rows);
        Self {
            out: CrosstermBackend::new(out),
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
        }
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
            self.out.draw(changed.into_iter())?;
            queue!(self.out, EndSynchronizedUpdate)?;
            io::Write::flush(&mut self.out)?;
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
        io::Write::flush(&mut self.out)
    }
}
