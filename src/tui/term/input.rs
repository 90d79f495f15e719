//! What is typed, pasted, resized.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::guard::hung_up;
use crate::tui::keymap::Chord;

/// How long the reading thread waits before it looks whether it should stop.
const LOOKS_UP: Duration = Duration::from_secs(1);
/// What comes within so long of the input before it counts as part of the same read: no hand types
/// that fast, but a paste without a frame does, and so does a line that stood still.
const SAME_READ: Duration = Duration::from_millis(1);

/// The longest paste that is taken, in characters.
const MAX_PASTE: usize = 200;
/// As many inputs are taken before a frame is drawn at the latest.
const MAX_DRAIN: usize = 1_000;

/// One thing that came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Chord),
    /// A key that came in one read with what came before it.
    Along(Chord),
    /// The terminal's window came to the front.
    Focus,
    /// The mouse, which does nothing here.
    Mouse,
    /// Pasted text, its line ends and controls made spaces.
    Paste(String),
    /// A new size: columns and rows.
    Resize(u16, u16),
}

impl Input {
    /// From an event; `None` for what is not used (releases, the window's going to the back).
    /// `along` tells whether it came in one read with the input before it.
    #[must_use]
    pub fn of(event: Event, along: bool) -> Option<Self> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let chord = Chord::of(key);
                Some(if along { Self::Along(chord) } else { Self::Key(chord) })
            }
            Event::FocusGained => Some(Self::Focus),
            Event::Mouse(_) => Some(Self::Mouse),
            Event::Paste(text) => Some(Self::Paste(
                text.chars()
                    .take(MAX_PASTE)
                    .map(|c| if c.is_control() { ' ' } else { c })
                    .collect(),
            )),
            Event::Resize(columns, rows) => Some(Self::Resize(columns, rows)),
            _ => None,
        }
    }
}

/// The inputs of the terminal, in order.
///
/// Read by a thread of its own: when the terminal hangs up, crossterm's event source reads its end
/// of file again and again and never returns, and that must not be the thread that notices.
#[derive(Debug)]
pub struct Inputs {
    typed: Receiver<Input>,
    over: Arc<AtomicBool>,
}

impl Inputs {
    /// Begins to read.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start() -> io::Result<Self> {
        let (tell, typed) = channel(MAX_DRAIN);
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        std::thread::Builder::new().name("keys".into()).spawn(move || read(&tell, &stop))?;
        Ok(Self { typed, over })
    }

    /// Waits for input and takes all that is there, so that held keys cost one frame. `None` when
    /// the terminal cannot be read any more.
    pub async fn next(&mut self) -> Option<Vec<Input>> {
        let mut out = vec![self.typed.recv().await?];
        while out.len() < MAX_DRAIN
            && let Ok(more) = self.typed.try_recv()
        {
            out.push(more);
        }
        Some(out)
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// Reads until told to stop, until nobody listens, or until the terminal is gone.
fn read(tell: &Sender<Input>, over: &AtomicBool) {
    let mut along = false;
    while !over.load(Ordering::SeqCst) && !hung_up() {
        let wait = if along { SAME_READ } else { LOOKS_UP };
        match event::poll(wait).and_then(|is_there| is_there.then(event::read).transpose()) {
            Ok(None) => along = false,
            Ok(Some(event)) => {
                if let Some(input) = Input::of(event, along)
                    && tell.blocking_send(input).is_err()
                {
                    return;
                }
                along = true;
            }
            Err(_) => return,
        }
    }
}
