//! A frame without a terminal: as text, or as an SVG picture with its colours, for documents.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::link::LinkEvent;
use crate::tui::console::Console;
use crate::tui::keymap::Keymap;
use crate::tui::run::TuiError;
use crate::tui::term::Input;
use crate::tui::theme::{Depth, Folder, svg};
use crate::wire::board::{Board, Row};
use crate::wire::page::Page;

/// How the picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Letters only.
    Text,
    /// With colours.
    Svg,
}

/// Draws the board as a console would show it, after these keys (as in the config: `enter`, `j`).
///
/// # Errors
/// When there is no such theme, or a key cannot be understood.
pub fn picture(
    board: Board,
    pages: Vec<Page>,
    size: (u16, u16),
    theme: &str,
    keys: &[&str],
    form: Form,
) -> Result<String, TuiError> {
    let keymap = Keymap::new(&BTreeMap::new())?;
    let themes = Folder::new(None, Depth::Full);
    let mut console = Console::new(keymap, themes, theme, size, board.as_of)?;
    console.wire(LinkEvent::Board(Box::new(board)), Duration::ZERO);
    for page in pages {
        let row = page.school.as_ref().map_or(Row::Estate, |s| Row::School(s.laestab));
        console.page(row, Ok(page));
    }
    for key in keys {
        let chord = key.parse().map_err(|why: String| std::io::Error::other(why))?;
        console.input(Input::Key(chord), Duration::ZERO);
    }
    let mut frame = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    console.draw(&mut frame);
    Ok(match form {
        Form::Text => text(&frame),
        Form::Svg => svg::draw(&frame),
    })
}

/// A frame's letters, one line per row, without spaces at the ends.
#[must_use]
pub fn text(frame: &Buffer) -> String {
    let area = frame.area();
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while let Some(cell) = frame.cell((x, y)).filter(|_| x < area.right()) {
            line.push_str(cell.symbol());
            x += crate::tui::widgets::width(cell.symbol()).max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
