//! What is typed, pasted, resized.

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::tui::keymap::Chord;

/// The longest paste that is taken, in characters.
const MAX_PASTE: usize = 200;
/// As many inputs are taken before a frame is drawn at the latest.
const MAX_DRAIN: usize = 1_000;

/// One thing that came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Chord),
    /// Pasted text, its line ends and controls made spaces.
    Paste(String),
    /// A new size: columns and rows.
    Resize(u16, u16),
}

impl Input {
    /// From an event; `None` for what is not used (mouse, focus, releases).
    #[must_use]
    pub fn of(event: Event) -> Option<Self> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => Some(Self::Key(Chord::of(key))),
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
#[derive(Debug, Default)]
pub struct Inputs {
    events: EventStream,
}

impl Inputs {
    /// Waits for input and takes all that is there, so that held keys cost one frame. `None` when
    /// the terminal is gone.
    pub async fn next(&mut self) -> Option<Vec<Input>> {
        let mut out = Vec::new();
        let mut event = self.events.next().await?.ok()?;
        loop {
            out.extend(Input::of(event));
            match self.events.next().now_or_never() {
                Some(Some(Ok(more))) if out.len() < MAX_DRAIN => event = more,
                Some(Some(Ok(last))) => {
                    out.extend(Input::of(last));
                    return Some(out);
                }
                // The end or an error is met again by the next call.
                _ => return Some(out),
            }
        }
    }
}
