//! What a frame may cost: rows built, cells changed, bytes written. Never seconds.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use caretaker::tui::console::Work;
use caretaker::tui::term::Screen;
use caretaker::tui::theme::Depth;
use caretaker::wire::Health;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::fixture::{Desk, HOUR, bad, morning, storm};

/// A terminal that only remembers what was written to it.
#[derive(Clone, Default)]
pub struct Wire(Rc<RefCell<Vec<u8>>>);

impl Wire {
    pub fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Terminal {
    wire: Wire,
    screen: Screen<Wire>,
}

impl Terminal {
    fn new(size: (u16, u16)) -> Self {
        let wire = Wire::default();
        Self { screen: Screen::new(wire.clone(), size.0, size.1), wire }
    }

    /// Draws and gives cells changed and bytes written.
    fn draw(&mut self, desk: &Desk) -> (usize, usize) {
        let drawn = self
            .screen
            .draw(|f| {
                desk.console.draw(f);
            })
            .unwrap();
        (drawn.cells, self.wire.taken().len())
    }
}

const THEMES: [(&str, Depth); 4] =
    [("default", Depth::C16), ("dark", Depth::Full), ("light", Depth::Full), ("mono", Depth::None)];

#[test]
fn a_full_frame_and_an_unchanged_one() {
    for (theme, depth) in THEMES {
        // A true-colour heat map needs most: its ground has to be written for every cell.
        let most = if depth == Depth::Full { 14_000 } else { 9_000 };
        for board in [morning(250), storm(250)] {
            let desk = Desk::with(board, (200, 50), theme, depth);
            let mut terminal = Terminal::new((200, 50));
            let (cells, bytes) = terminal.draw(&desk);
            assert!(cells > 1_000 && bytes <= most, "{theme}: {cells} cells, {bytes} bytes");
            assert_eq!(terminal.draw(&desk), (0, 0), "{theme}: nothing changed, nothing written");
        }
    }
}

#[test]
fn one_changed_cell() {
    for (theme, depth) in THEMES {
        let mut desk = Desk::with(morning(250), (80, 24), theme, depth);
        let mut terminal = Terminal::new((80, 24));
        desk.change(0, 1, bad(Health::Critical, 4 * 24 * HOUR));
        terminal.draw(&desk);
        // From four days to five: one letter.
        desk.change(0, 1, bad(Health::Critical, 5 * 24 * HOUR));
        let (cells, bytes) = terminal.draw(&desk);
        assert!((1..=2).contains(&cells) && bytes <= 110, "{theme}: {cells} cells, {bytes} bytes");
    }
}

#[test]
fn a_key_rewrites_no_whole_rows() {
    let mut desk = Desk::new(storm(250), (80, 20));
    let mut terminal = Terminal::new((80, 20));
    terminal.draw(&desk);
    desk.press("j");
    terminal.draw(&desk);
    desk.press("j");
    let (cells, bytes) = terminal.draw(&desk);
    assert!(cells <= 60 && bytes <= 600, "{cells} cells, {bytes} bytes");
}

#[test]
fn held_keys_cost_one_frame() {
    let mut desk = Desk::new(storm(250), (80, 24));
    let mut terminal = Terminal::new((80, 24));
    terminal.draw(&desk);
    desk.press("j");
    let (_, one) = terminal.draw(&desk);
    for _ in 0..50 {
        desk.press("j");
    }
    let (_, fifty) = terminal.draw(&desk);
    assert!(fifty <= 5 * one.max(800), "{fifty} bytes for 50 keys, {one} for one");
}

#[test]
fn rows_built_are_those_seen_with_250_schools_and_with_24_000() {
    let work = |desk: &Desk| {
        let mut frame = Buffer::empty(Rect::new(0, 0, desk.size.0, desk.size.1));
        desk.console.draw(&mut frame)
    };
    for size in [(80, 24), (200, 50)] {
        for keys in ["", "j", "G", "pgdn", "n"] {
            let mut small = Desk::new(storm(250), size);
            let mut large = Desk::new(storm(24_000), size);
            let (a, b): (Work, Work) = (work(small.press(keys)), work(large.press(keys)));
            assert!(a.rows > 0 && a.rows <= usize::from(size.1) * 2, "{size:?} {keys}: {a:?}");
            assert!(b.rows.abs_diff(a.rows) <= 2, "{size:?} {keys}: {a:?} {b:?}");
        }
    }
}

/// What a colour of ratatui is in vt100's words.
fn colour(colour: ratatui::style::Color) -> vt100::Color {
    use ratatui::style::Color as C;
    let named = [
        C::Black,
        C::Red,
        C::Green,
        C::Yellow,
        C::Blue,
        C::Magenta,
        C::Cyan,
        C::Gray,
        C::DarkGray,
        C::LightRed,
        C::LightGreen,
        C::LightYellow,
        C::LightBlue,
        C::LightMagenta,
        C::LightCyan,
        C::White,
    ];
    match colour {
        C::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        C::Indexed(n) => vt100::Color::Idx(n),
        C::Reset => vt100::Color::Default,
        other => {
            let place = named.iter().position(|c| *c == other).unwrap();
            vt100::Color::Idx(u8::try_from(place).unwrap())
        }
    }
}

#[test]
fn whatever_the_order_of_writing_the_terminal_shows_what_was_painted() {
    use ratatui::style::Modifier;
    for (theme, depth) in THEMES {
        let mut desk = Desk::with(storm(250), (200, 50), theme, depth);
        let mut terminal = Terminal::new((200, 50));
        let mut shows = vt100::Parser::new(50.try_into().unwrap(), 200.try_into().unwrap(), 0);
        for keys in ["", "j", "pgdn", "G", "enter", "esc", "?"] {
            if !keys.is_empty() {
                desk.press(keys);
            }
            let mut painted = Buffer::empty(Rect::new(0, 0, 200, 50));
            desk.console.draw(&mut painted);
            terminal.screen.draw(|f| _ = desk.console.draw(f)).unwrap();
            shows.process(&terminal.wire.taken());
            for (x, y) in (0..50).flat_map(|y| (0..200).map(move |x| (x, y))) {
                let (want, have) = (&painted[(x, y)], shows.screen().cell(y, x).unwrap());
                let at = format!("{theme} {keys:?} at {x},{y}: {want:?}");
                let blank = want.symbol() == " ";
                assert!(have.contents() == want.symbol() || blank && !have.has_contents(), "{at}");
                assert_eq!(have.bgcolor(), colour(want.bg), "{at}");
                assert_eq!(have.inverse(), want.modifier.contains(Modifier::REVERSED), "{at}");
                if !blank {
                    assert_eq!(have.fgcolor(), colour(want.fg), "{at}");
                    assert_eq!(have.bold(), want.modifier.contains(Modifier::BOLD), "{at}");
                }
            }
        }
    }
}
