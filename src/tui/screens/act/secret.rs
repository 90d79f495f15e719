//! A new password, shown once to whoever confirmed.
//!
//! Invariant: it goes from here into cells of the frame and nowhere else, and the next frame
//! overwrites them.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::tui::keymap::Command;
use crate::tui::screens::{Act, Answer, View};
use crate::tui::theme::Role;
use crate::tui::widgets::{Line, Pen};
use crate::wire::Clean;
use crate::wire::action::OnceSecret;

/// How long it stands on the screen.
pub const STANDS: Duration = Duration::from_secs(60);

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretScreen {
    secret: OnceSecret,
    whose: Clean,
    until: Duration,
}

impl SecretScreen {
    /// The password of `whose` account, from `mono` on.
    #[must_use]
    pub fn new(secret: OnceSecret, whose: Clean, mono: Duration) -> Self {
        Self { secret, whose, until: mono + STANDS }
    }

    /// When it is overwritten by itself, by our monotonic clock.
    #[must_use]
    pub fn until(&self) -> Duration {
        self.until
    }

    /// Takes a command: every one that leaves, overwrites.
    pub fn command(&mut self, command: Command) -> Answer {
        match command {
            Command::Back | Command::Enter | Command::Interrupt => {
                let text = "the password was overwritten; it stands nowhere else";
                Answer::Wants(vec![Act::Close, Act::Say(text.to_owned())])
            }
            _ => Answer::Consumed,
        }
    }

    /// Draws it.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, view: &View<'_>) -> usize {
        let room = area.width.saturating_sub(4);
        let title =
            Line::of(" NEW PASSWORD   ", Role::Accent).and(self.whose.as_str(), Role::Title);
        pen.line(0, area.y, area.width, &title);
        let style = pen.theme().style(Role::Title);
        // Straight into the cells: no text is put together that would hold it.
        pen.styled(3, area.y + 3, room, self.secret.reveal(), style);
        let key = super::menu::first_key(view, "back");
        for (y, text) in (area.y + 5..).zip([
            "Shown this once. It stands nowhere else, and nobody can read it again.",
            "It has to be changed at the next sign-in.",
        ]) {
            pen.text(3, y, room, text, Role::Text);
        }
        let left =
            format!("It is overwritten when you leave ({key}), at the latest after a minute.");
        pen.text(3, area.y + 8, room, &left, Role::Message);
        1
    }
}
