//! The least that a ratatui table can cost: 24,000 rows by 7 columns, visible rows only, input
//! drained before drawing. `scripts/bench-console` measures the console beside it in one run.
//!
//! `cargo bench --bench floor -- --rows 24000` runs it until `q`.

use std::io;

use crossterm::event::{Event, KeyCode, poll, read};

#[path = "table.rs"]
mod table;

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip_while(|a| a != "--rows");
    let rows = args.nth(1).and_then(|n| n.parse().ok()).unwrap_or(24_000);
    let mut model = table::model(rows);
    let mut terminal = ratatui::init();
    let end = loop {
        if let Err(e) = terminal.draw(|frame| table::draw(frame, &mut model)) {
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
