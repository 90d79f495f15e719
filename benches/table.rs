//! The table of the floor: rows by seven columns, of which only the visible ones are built.

use ratatui::Frame;
use ratatui::layout::Constraint;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Cell, Row, Table};

const STATES: [(&str, Color); 4] =
    [(".", Color::Green), ("W", Color::Yellow), ("C", Color::Red), ("U", Color::Magenta)];

/// The rows and the cursor.
pub struct Model {
    names: Vec<String>,
    cells: Vec<[u8; 7]>,
    pub selected: usize,
    top: usize,
}

/// So many rows.
pub fn model(rows: usize) -> Model {
    let mut x = 88_172_645_463_325_252_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        u8::try_from(if x.is_multiple_of(20) { (x >> 32) % 4 } else { 0 }).unwrap_or_default()
    };
    Model {
        names: (0..rows).map(|i| format!("School {i:05} of Nowhere")).collect(),
        cells: (0..rows).map(|_| std::array::from_fn(|_| next())).collect(),
        selected: 0,
        top: 0,
    }
}

/// Draws what is seen of them.
pub fn draw(frame: &mut Frame<'_>, model: &mut Model) {
    let height = usize::from(frame.area().height.saturating_sub(1));
    if model.selected < model.top {
        model.top = model.selected;
    }
    if model.selected >= model.top + height {
        model.top = model.selected + 1 - height.max(1);
    }
    let rows = (model.top..(model.top + height).min(model.names.len())).filter_map(|i| {
        let mark = if i == model.selected { "> " } else { "  " };
        let name = Cell::from(format!("{mark}{}", model.names.get(i)?));
        let cells = model.cells.get(i)?.iter().map(|s| {
            let (letter, colour) =
                STATES.get(usize::from(*s)).copied().unwrap_or((".", Color::Reset));
            Cell::from(letter).style(Style::new().fg(colour))
        });
        Some(Row::new(std::iter::once(name).chain(cells)))
    });
    let mut widths = [Constraint::Length(6); 8];
    widths[0] = Constraint::Min(20);
    let header = Row::new(["row 1/", "WL", "GC", "RS", "FD", "SW", "J2", "PM"]);
    frame.render_widget(Table::new(rows, widths).header(header), frame.area());
}
