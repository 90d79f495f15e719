//! Whether the terminal is light or dark, as it answers itself (OSC 11 of xterm).

use std::time::Duration;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

/// An answer is waited for so long; tmux and most terminals answer within milliseconds.
const WAITS: Duration = Duration::from_millis(500);

/// The built-in theme that suits the terminal's background: `light` or `dark`, or `default`, which leaves
/// it alone, where the terminal does not say. Asks the terminal and waits for its answer: to be called
/// before keys are read.
#[must_use]
pub fn suits_ground() -> &'static str {
    let mut options = QueryOptions::default();
    options.timeout = WAITS;
    match theme_mode(options) {
        Ok(ThemeMode::Light) => "light",
        Ok(ThemeMode::Dark) => "dark",
        Err(why) => {
            tracing::debug!("the terminal does not tell its background: {why}");
            "default"
        }
    }
}
