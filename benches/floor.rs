//! The least that a ratatui table can cost: 24,000 rows by 7 columns, visible rows only, input
//! drained before drawing. `scripts/bench-console` measures the console beside it in one run.
//!
//! `cargo bench --bench floor -- --rows 24000` runs it until `q`.

use std::io;

use ratatui::Frame;
use ratatui::layout::Constraint;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Cell, Row, Table};

use crossterm::event::{Event, KeyCode, poll, read};

const STATES: [(&str, Color); 4] =
    [(".", Color::Green), ("W", Color::Yellow), ("C", Color::Red), ("U", Color::Magenta)];

struct Model {
    names: Vec<String>,
    cells: Vec<[u8; 7]>,
    selected: usize,
    top: usize,
}

fn model(rows: usize) -> Model {
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

fn draw(frame: &mut Frame<'_>, model: &mut Model) {
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

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip_while(|a| a != "--rows");
    let rows = args.nth(1).and_then(|n| n.parse().ok()).unwrap_or(24_000);
    let mut model = model(rows);
    let mut terminal = ratatui::init();
    let end = loop {
        if let Err(e) = terminal.draw(|frame| draw(frame, &mut model)) {
            break Err(e);
        }
        let mut leave = false;
        let mut first = true;
        while first || poll(std::time::Duration::ZERO)? {
            first = false;
            if let Event::Key(key) = read()? {
                match key.code {
                    KeyCode::Char('q') => leave = true,
                    KeyCode::Char('j') | KeyCode::Down => {
                        model.selected = (model.selected + 1).min(rows.saturating_sub(1));
                    }
                    KeyCode::Char('k') | KeyCode::Up => {
                        model.selected = model.selected.saturating_sub(1);
                    }
                    KeyCode::PageDown => {
                        model.selected = (model.selected + 40).min(rows.saturating_sub(1));
                    }
                    _ => {}
                }
            }
        }
        if leave {
            break Ok(());
        }
    };
    ratatui::restore();
    end
}
