//! A frame of the board beside one of the floor's table, drawn into memory in turns: `cargo bench --bench frame`.
//! Prints one line of JSON: medians, their ratios, and the bytes of a visible cell that changes.
#![expect(clippy::disallowed_methods, reason = "a benchmark has only the real clock")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends where it fails")]
#![expect(clippy::indexing_slicing, reason = "a benchmark ends where it fails")]
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::Instant;

use caretaker::tui::term::Screen;
use caretaker::tui::theme::Depth;
use caretaker::wire::Health;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

#[path = "../tests/screens/fixture.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod fixture;
#[path = "table.rs"]
mod table;

use fixture::{Desk, HOUR, bad, morning};

const SIZE: (u16, u16) = (200, 50);
const FRAMES: usize = 400;
/// Visible cells that change at once.
const CHANGED: usize = 10;

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds of a frame of the board and of one of the floor, after a key each.
fn frames(schools: u32) -> (f64, f64) {
    let rows = usize::try_from(schools).unwrap();
    let mut desk = Desk::with(morning(schools), SIZE, "default", Depth::C16);
    let mut model = table::model(rows);
    let backend = || Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    let (mut ours, mut bare) = (backend(), backend());
    let (mut board, mut floor) = (Vec::new(), Vec::new());
    for n in 0..FRAMES {
        desk.press(if n % 2 == 0 { "j" } else { "k" });
        let begun = Instant::now();
        ours.draw(|frame| {
            desk.console.draw(frame.buffer_mut());
        })
        .unwrap();
        board.push(begun.elapsed().as_secs_f64() * 1e3);
        model.selected = 1 - n % 2;
        let begun = Instant::now();
        bare.draw(|frame| table::draw(frame, &mut model)).unwrap();
        floor.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    (middle(&mut board), middle(&mut floor))
}

/// A terminal that counts the bytes that it is sent.
#[derive(Clone, Default)]
struct Wire(Rc<Cell<usize>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes for each of some visible cells that change at once.
fn bytes_a_cell() -> usize {
    let mut desk = Desk::with(morning(250), SIZE, "default", Depth::C16);
    let cell = |days: i64| bad(Health::Critical, days * 24 * HOUR);
    (0..CHANGED).for_each(|school| {
        desk.change(school, 1, cell(4));
    });
    let wire = Wire::default();
    let mut screen = Screen::new(wire.clone(), SIZE.0, SIZE.1);
    let mut draw = |desk: &Desk| {
        screen
            .draw(|buffer| {
                desk.console.draw(buffer);
            })
            .unwrap();
        wire.0.take()
    };
    draw(&desk);
    (0..CHANGED).for_each(|school| {
        desk.change(school, 1, cell(5));
    });
    draw(&desk) / CHANGED
}

fn main() {
    let ((few, floor), (many, _)) = (frames(250), frames(24_000));
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
    let line = serde_json::json!({
        "bench": "frame",
        "frame_ms": round(few),
        "floor_ms": round(floor),
        "frame_x": round(few / floor),
        "frame_24000_ms": round(many),
        "frame_24000_x_of_250": round(many / few),
        "bytes_a_changed_cell": bytes_a_cell(),
    });
    println!("{line}");
}
