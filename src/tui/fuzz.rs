//! Reads any bytes as a theme file, for fuzzing.

use super::theme::{Depth, Theme};

/// As a theme file, for each number of colours, or refused with a word.
///
/// # Panics
/// When it is refused without one.
pub fn theme(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for depth in [Depth::None, Depth::C16, Depth::C256, Depth::Full] {
        match Theme::parse("own", &text, depth) {
            Ok(theme) => drop((theme.base(), theme.untinted())),
            Err(refused) => assert!(!refused.to_string().is_empty(), "refused without a word"),
        }
    }
}
